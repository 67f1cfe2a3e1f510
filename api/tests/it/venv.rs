//! Programs that tests run beside the server: those from Python's registry are in the virtual
//! environment that `.ci/run` makes.

use std::io::Write;
use std::path::PathBuf;

/// Its Python, if `program` is installed there; where it is not, see [`skip`].
pub(crate) fn python(program: &str) -> Option<PathBuf> {
    let target = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/venv"));
    let venv = std::env::var_os("CARTULARY_TEST_VENV").map_or_else(target, PathBuf::from);
    let bin = venv.join("bin");
    if bin.join(program).is_file() {
        return Some(bin.join("python"));
    }
    skip(&format!("{program}, which is not installed in {}", venv.display()));
    None
}

/// Says that a test is skipped for want of something; not in CI, where that is a failure.
pub(crate) fn skip(missing: &str) {
    let ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(!ci, "this test needs {missing}");
    // Not by `eprintln`, which shows only when a test fails.
    let test = std::thread::current().name().unwrap_or_default().to_owned();
    let skipped = format!("SKIPPED: {test} needs {missing}");
    writeln!(std::io::stderr(), "{skipped}").expect("standard error can be written to");
}
