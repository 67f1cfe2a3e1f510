//! The documents: the paths, settings and metrics that they name exist, and the commands that they
//! show can be run.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cluster::Shop;
use crate::shop::stage::Stage;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace holds this crate").into()
}

/// Every document, with its path relative to the workspace.
fn documents() -> Vec<(PathBuf, String)> {
    let root = root();
    let mut found = Vec::new();
    for folder in ["", "docs", "docs/decisions", "event-store"].map(PathBuf::from) {
        for entry in std::fs::read_dir(root.join(&folder)).unwrap() {
            let path = folder.join(entry.unwrap().file_name());
            if path.extension().is_some_and(|extension| extension == "md") {
                let text = std::fs::read_to_string(root.join(&path)).unwrap();
                found.push((path, text));
            }
        }
    }
    found.sort();
    found
}

/// The commands in the `sh` blocks of a document, one a line, without their comments.
fn commands(document: &str) -> Vec<String> {
    let text = std::fs::read_to_string(root().join(document)).unwrap();
    let blocks = text.split("```sh\n").skip(1).filter_map(|rest| rest.split("\n```").next());
    let lines = blocks.flat_map(str::lines);
    let bare = lines.map(|line| line.split(" #").next().unwrap_or_default().trim().to_owned());
    bare.filter(|line| !line.is_empty()).collect()
}

/// The texts between backticks, except in code blocks.
fn code_words(text: &str) -> Vec<&str> {
    let prose = text.split("```").step_by(2);
    prose.flat_map(|part| part.split('`').skip(1).step_by(2)).collect()
}

/// The targets of a document's links, except those to other sites.
fn links(text: &str) -> Vec<&str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets.filter(|target| !target.contains("://")).collect()
}

/// The anchor that GitHub gives to a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn a_link_leads_to_a_file_and_a_heading_that_exist() {
    for (path, text) in documents() {
        for link in links(&text) {
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let folder = root().join(path.parent().unwrap());
            let target = if file.is_empty() { root().join(&path) } else { folder.join(file) };
            assert!(target.exists(), "{}: {link} leads nowhere", path.display());
            if !heading.is_empty() {
                let text = std::fs::read_to_string(&target).unwrap();
                let mut anchors = text.lines().filter(|l| l.starts_with('#')).map(anchor);
                assert!(anchors.any(|a| a == heading), "{}: no heading {link}", path.display());
            }
        }
    }
}

#[test]
fn a_path_that_a_document_names_exists() {
    let folders: Vec<String> = std::fs::read_dir(root())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    for (path, text) in documents() {
        for word in code_words(&text) {
            let first = word.split('/').next().unwrap_or_default();
            let is_path = word.contains('/')
                && !word.contains([' ', '*', ':'])
                && folders.iter().any(|folder| folder == first)
                && first != "data";
            if is_path {
                assert!(root().join(word).exists(), "{}: no {word}", path.display());
            }
        }
    }
}

/// Settings that only a library reads.
const READ_BY_LIBRARIES: [&str; 2] = ["OTEL_EXPORTER_OTLP_HEADERS", "OTEL_TRACES_SAMPLER"];

#[test]
fn a_setting_that_a_document_names_is_in_the_code() {
    let mut code = String::new();
    let mut folders: Vec<PathBuf> = ["api", "commands", "domain", "event-store", "local-postgres"]
        .into_iter()
        .map(|name| root().join(name))
        .collect();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs" || e == "graphql") {
                code += &std::fs::read_to_string(path).unwrap();
            }
        }
    }
    let code: BTreeSet<&str> =
        code.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    for (path, text) in documents() {
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let is_setting = |word: &&str| {
            word.contains('_')
                && word.len() > 3
                && word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
        };
        for word in words.filter(is_setting) {
            let is_read = code.contains(word) || READ_BY_LIBRARIES.contains(&word);
            assert!(is_read, "{}: nothing reads {word}", path.display());
        }
    }
}

#[tokio::test]
async fn a_metric_that_a_document_names_is_served() {
    // A counter appears only once it has counted.
    let stage = Stage::with_mugs().await;
    stage.paid("AUTOMATIC", ["PAID", "PAID"]).await;
    let answer = stage.node.stranger().get("/metrics").await.unwrap();
    let served = String::from_utf8(answer.body.to_vec()).unwrap();
    for (path, text) in documents() {
        for word in code_words(&text) {
            let name: String =
                word.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
            if name.starts_with("cartulary_") {
                let family = format!("# TYPE {name} ");
                assert!(served.contains(&family), "{}: no {name}", path.display());
            }
        }
    }
}

#[tokio::test]
async fn the_commands_about_running_a_server_run() {
    let shop = Shop::new().await;
    let mut ran = 0;
    for page in ["docs/running.md", "docs/payments.md", "docs/events-out.md", "docs/monitoring.md"]
    {
        for line in commands(page) {
            let Some((variables, arguments)) = line.split_once("cargo run --release") else {
                continue;
            };
            let arguments = arguments.trim_start_matches(" -q").trim_start_matches(" --").trim();
            // The server would run until it is stopped, so only its settings are checked.
            let arguments = if arguments.is_empty() { "config" } else { arguments };
            let mut program = Command::new(env!("CARGO_BIN_EXE_cartulary"));
            program.args(arguments.split(' ')).env("DATABASE_URL", shop.url());
            program.env("CARTULARY_DATA_DIR", shop.scratch.path());
            program.envs(variables.split_whitespace().filter_map(|pair| pair.split_once('=')));
            let run = program.output().unwrap();
            let complaint = String::from_utf8_lossy(&run.stderr);
            assert!(run.status.success(), "{page}: {line}\n{complaint}");
            ran += 1;
        }
    }
    assert!(ran >= 6, "{ran} commands were found");
}
