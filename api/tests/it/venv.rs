//! Programs in Python that tests run beside the server. They are in the virtual environment that
//! `.ci/run` creates.

use std::path::PathBuf;

use crate::programs::skip;

/// The path of its Python, if `program` is installed there; otherwise see [`skip`].
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
