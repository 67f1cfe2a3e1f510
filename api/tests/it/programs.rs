//! Programs that some tests need, and others do without.

use std::io::Write;
use std::path::PathBuf;

/// Where a program of the system is. Where it is not, a test says so and is skipped.
pub(crate) fn installed(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Where Debian puts servers, which is not in everybody's path.
    let places = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    let found = places.map(|dir| dir.join(program)).find(|it| it.is_file());
    if found.is_none() {
        skip(&format!("{program}, which is not installed"));
    }
    found
}

/// Says that this test is skipped for want of something; not in CI, where that is a failure.
pub(crate) fn skip(missing: &str) {
    let ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(!ci, "this test needs {missing}");
    // Not by `eprintln`, which shows only when a test fails.
    let test = std::thread::current().name().unwrap_or_default().to_owned();
    let skipped = format!("SKIPPED: {test} needs {missing}");
    writeln!(std::io::stderr(), "{skipped}").expect("standard error can be written to");
}
