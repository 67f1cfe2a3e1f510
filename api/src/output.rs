//! Standard output and standard error, whose readers may go away at any time.

use std::io::{self, Write};

/// Prints to standard output. A reader that has read enough and closed the pipe, as `head` does, is no error.
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

/// Prints an error of this program to standard error, if anybody reads it.
pub fn print_error(text: &str) {
    writeln!(io::stderr(), "cartulary: {text}").ok();
}
