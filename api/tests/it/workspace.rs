//! Which crate may depend on which: the map in ARCHITECTURE.md, compared with `cargo metadata`.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// Each crate, and the crates of the workspace on which it may depend. Tests of any crate may also
/// use `local-postgres`.
const ALLOWED: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("local-postgres", &[]),
    ("event-store", &[]),
    ("projections", &["domain", "event-store"]),
    ("commands", &["domain", "event-store", "projections"]),
    // Never on `commands`, so a replay can charge no card.
    ("replay-tool", &["domain", "event-store", "projections", "local-postgres"]),
    ("api", &["domain", "event-store", "commands", "projections", "local-postgres"]),
    (
        "bench",
        &[
            "api",
            "commands",
            "domain",
            "event-store",
            "local-postgres",
            "projections",
            "replay-tool",
        ],
    ),
];

struct Edge {
    from: String,
    to: String,
    in_tests: bool,
}

#[test]
fn crates_depend_on_each_other_as_the_map_says() {
    let allowed: BTreeMap<_, BTreeSet<_>> =
        ALLOWED.iter().map(|(from, to)| (*from, to.iter().copied().collect())).collect();
    let (crates, edges) = workspace();
    for name in &crates {
        assert!(allowed.contains_key(name.as_str()), "{name} is not on the map");
    }
    for Edge { from, to, in_tests } in &edges {
        let by_the_map = allowed[from.as_str()].contains(to.as_str());
        let for_tests = *in_tests && to == "local-postgres";
        assert!(by_the_map || for_tests, "{from} must not depend on {to}");
    }
}

#[test]
fn the_domain_knows_no_clock_no_network_and_no_database() {
    let metadata = metadata();
    let domain = package(&metadata, "domain");
    let named: BTreeSet<_> = dependencies(domain)
        .filter(|dependency| dependency["kind"].is_null())
        .filter_map(|dependency| dependency["name"].as_str())
        .collect();
    let allowed = ["chrono", "cqrs-es", "serde", "serde_json", "thiserror", "uuid"];
    assert_eq!(named, allowed.into_iter().collect());
}

fn workspace() -> (Vec<String>, Vec<Edge>) {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().expect("packages");
    let name = |package: &Value| package["name"].as_str().expect("a name").to_owned();
    let crates: Vec<_> = packages.iter().map(name).collect();
    let edges = packages.iter().flat_map(|package| {
        let ours = dependencies(package).filter(|dependency| dependency["path"].is_string());
        ours.map(|dependency| Edge {
            from: name(package),
            to: name(dependency),
            in_tests: dependency["kind"] == "dev",
        })
        .collect::<Vec<_>>()
    });
    let edges = edges.collect();
    (crates, edges)
}

fn package<'m>(metadata: &'m Value, name: &str) -> &'m Value {
    let packages = metadata["packages"].as_array().expect("packages");
    packages.iter().find(|package| package["name"] == name).expect("the package")
}

fn dependencies(package: &Value) -> impl Iterator<Item = &Value> {
    package["dependencies"].as_array().expect("dependencies").iter()
}

pub(crate) fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}
