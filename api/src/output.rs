//! Prints to standard output and standard error, whose readers may close the pipe at any time.

use std::io::{self, Write};

/// Prints to standard output. It is no error if the reader has closed the pipe, as `head` does after some lines.
///
/// # Errors
/// Any other error of standard output, such as a full disk.
pub fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        printed => printed,
    }
}

/// Prints an error of this program to standard error. A failure to print is ignored, because there is no other place
/// to report it.
pub fn print_error(text: &str) {
    writeln!(io::stderr(), "cartulary: {text}").ok();
}
