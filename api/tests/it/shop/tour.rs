//! Runs the README's tour as it is written, so that it stays correct.

use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;

use tokio::process::Command;

use super::stage::Stage;
use crate::cluster::{BOUND, Shop};
use crate::support::setup;

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");
const HEADING: &str = "## A tour";

/// The address in the tour, which the test replaces by its own.
const ADDRESS: &str = "http://127.0.0.1:8080";
const PROGRAM: &str = "cargo run --release -q --";

/// The ```bash blocks of the tour, in order, as one script.
fn script(readme: &str) -> String {
    let (_, tour) = readme.split_once(&format!("\n{HEADING}\n")).expect("the README has a tour");
    let tour = tour.split("\n## ").next().unwrap();
    let blocks = tour.split("```bash\n").skip(1).map(|rest| rest.split("\n```").next().unwrap());
    blocks.collect::<Vec<_>>().join("\n")
}

/// Whether a program is installed.
fn is_here(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| directory.join(program).is_file())
}

#[test]
fn the_tour_is_its_bash_blocks_in_order() {
    let readme = "# X\n```bash\nno\n```\n## A tour\n```bash\none\n```\ntext\n```sh\nno\n```\n\
        ```bash\ntwo\n```\n## Next\n```bash\nno\n```\n";
    assert_eq!(script(readme), "one\ntwo");
}

#[tokio::test]
async fn the_readmes_tour_ends_delivered() {
    let missing: Vec<_> =
        ["bash", "curl", "jq"].into_iter().filter(|program| !is_here(program)).collect();
    if !missing.is_empty() {
        let ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
        assert!(!ci, "the README's tour needs {}", missing.join(", "));
        // `eprintln` would be shown only if the test fails.
        let skipped = format!("SKIPPED: the README's tour, which needs {}", missing.join(", "));
        writeln!(std::io::stderr(), "{skipped}").unwrap();
        return;
    }
    let stage = Stage::of(Shop::new().await.variable("CARTULARY_NO_DEMO", "")).await;
    let script = script(&std::fs::read_to_string(README).unwrap());
    assert!(script.contains(ADDRESS) && script.contains(PROGRAM), "{script}");
    let script = script
        .replace(ADDRESS, &format!("http://{}", stage.node.address()))
        .replace(PROGRAM, env!("CARGO_BIN_EXE_cartulary"));
    assert!(!script.contains("8080"), "{script}");

    let directory: PathBuf = stage.shop.scratch.path().into();
    let mut bash = Command::new("bash");
    for name in ["CARTULARY_ENV", "JWT_ISSUER", "JWT_AUDIENCE", "API_KEYS_FILE", "RUST_LOG"] {
        bash.env_remove(name);
    }
    let run = bash
        .args(["-euo", "pipefail", "-c", &script])
        .current_dir(&directory)
        .env("CARTULARY_DATA_DIR", &directory)
        .env("JWT_SECRET", setup().config.auth.jwt_secret.expose())
        .env("NO_PROXY", "127.0.0.1")
        .env("no_proxy", "127.0.0.1")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let run = tokio::time::timeout(BOUND, run).await.expect("the tour ends").unwrap();
    let (said, complained) =
        (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "{}\n{said}\n{complained}", run.status);
    assert_eq!(said.trim_end().lines().last(), Some("DELIVERED"), "{said}\n{complained}");
}
