//! Generates the list of migrations for `src/migrations.rs`, again whenever a migration is added.
//!
//! `sqlx::migrate!` would do so too, but then every build would compile sqlx and its PostgreSQL
//! driver twice: once more for the macro.

use std::error::Error;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let directory =
        Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../migrations").canonicalize()?;
    println!("cargo:rerun-if-changed={}", directory.display());
    let mut list = String::from("&[\n");
    for path in sql_files(&directory)? {
        let (version, description) = version_and_description(&path)
            .ok_or_else(|| format!("{} is not named like 0001_what_it_does.sql", path.display()))?;
        writeln!(list, "    ({version}, {description:?}, include_str!({path:?})),")?;
    }
    list.push_str("]\n");
    let out = PathBuf::from(env::var("OUT_DIR")?).join("migrations.rs");
    Ok(fs::write(out, list)?)
}

fn sql_files(directory: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut files = vec![];
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "sql") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// `0001_what_it_does.sql` is version 1, described as "what it does".
fn version_and_description(path: &Path) -> Option<(i64, String)> {
    let (version, description) = path.file_stem()?.to_str()?.split_once('_')?;
    Some((version.parse().ok()?, description.replace('_', " ")))
}
