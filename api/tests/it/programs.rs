//! Programs that some tests need, and others do without.

use std::io::Write;
use std::net::TcpListener;
use std::path::PathBuf;

use uuid::Uuid;

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

/// A port for a server that stops and starts again: below those that systems give to connections, so
/// that nobody takes it meanwhile.
pub(crate) fn lasting_port() -> u16 {
    std::iter::repeat_with(|| Uuid::new_v4().as_u128() % 20_000)
        .filter_map(|random| u16::try_from(10_000 + random).ok())
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("a port is free")
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
