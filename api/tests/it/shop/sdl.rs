//! The schema as text: it is committed, and the access table covers it.

use std::fs;
use std::path::PathBuf;

use api::access;

/// Set this variable to write the file instead of comparing with it.
const UPDATE: &str = "UPDATE_SCHEMA";

pub(crate) fn sdl() -> String {
    api::graphql::sdl(&api::graphql::schema().finish())
}

#[test]
fn the_schema_is_the_committed_one() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("schema.graphql");
    let sdl = sdl();
    if std::env::var_os(UPDATE).is_some_and(|value| !value.is_empty()) {
        fs::write(&path, &sdl).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    let differs = committed.lines().zip(sdl.lines()).position(|(old, new)| old != new);
    assert!(
        committed == sdl,
        "api/schema.graphql differs from the schema, first in line {}; {UPDATE}=1 writes it",
        differs.unwrap_or_else(|| committed.lines().count().min(sdl.lines().count())) + 1,
    );
}

#[test]
fn every_root_field_has_a_row_in_the_access_table() {
    assert_eq!(access::differences(&sdl()).unwrap(), Vec::<String>::new());
}
