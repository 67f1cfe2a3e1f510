//! Programs that some tests need; without them these tests are skipped.

use std::io::Write;
use std::net::TcpListener;
use std::path::PathBuf;

use uuid::Uuid;

/// The path of a program. If it is not installed, the test reports that it is skipped.
pub(crate) fn installed(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Debian installs servers here, which is not in every user's path.
    let places_where = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    let found = places_where.map(|dir| dir.join(program)).find(|it| it.is_file());
    if found.is_none() {
        skip(&format!("{program}, which is not installed"));
    }
    found
}

/// A port for a server that stops and starts again. It is below the range that systems use for
/// connections, so no other program takes it meanwhile.
pub(crate) fn lasting_port() -> u16 {
    std::iter::repeat_with(|| Uuid::new_v4().as_u128() % 20_000)
        .filter_map(|random| u16::try_from(10_000 + random).ok())
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("a port is free")
}

/// Reports that this test is skipped because a program is missing. In CI it fails instead.
pub(crate) fn skip(missing: &str) {
    let ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(!ci, "this test needs {missing}");
    // `eprintln` would be shown only if the test fails.
    let test = std::thread::current().name().unwrap_or_default().to_owned();
    let skipped = format!("SKIPPED: {test} needs {missing}");
    writeln!(std::io::stderr(), "{skipped}").expect("standard error can be written to");
}
