//! A stored state is read only by a program that would have folded the same state.
//!
//! `states/<kind>.json` has the states that the samples lead to, and `State::schema` is its hash.
//! The file changes whenever states or folds do: `UPDATE_GOLDEN=1 cargo test -p domain` writes it,
//! and the next build ignores all states that were stored before.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use domain::{Event, Kind, State};
use uuid::Uuid;

use crate::samples;

fn path(kind: Kind) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/states/{kind}.json"))
}

fn stored(state: &State) -> String {
    serde_json::to_string(state).unwrap()
}

fn fold<'e>(kind: Kind, events: impl IntoIterator<Item = &'e Event>) -> State {
    let mut state = State::absent(kind);
    events.into_iter().for_each(|event| state.apply(event.clone()));
    state
}

/// The state after each of the samples in order, for people to read.
fn turns(kind: Kind) -> Vec<String> {
    let samples = samples::of_every_type(kind);
    (0..=samples.len()).map(|count| stored(&fold(kind, &samples[..count]))).collect()
}

/// A hash of the states after the first sample and any two others. It covers what the ordered
/// samples do not, for example a checkout of a merged cart, which changes nothing.
fn any_two(kind: Kind) -> Uuid {
    let samples = samples::of_every_type(kind);
    let mut states = String::new();
    for one in &samples {
        for other in &samples {
            states += &stored(&fold(kind, [&samples[0], one, other]));
        }
    }
    Uuid::new_v5(&Uuid::NAMESPACE_OID, states.as_bytes())
}

fn golden(kind: Kind) -> String {
    format!("[\n{},\n\"{}\"\n]\n", turns(kind).join(",\n"), any_two(kind))
}

#[test]
fn states_are_folded_as_their_golden_files_say() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    for kind in Kind::ALL {
        if update {
            fs::write(path(kind), golden(kind)).unwrap();
        }
        let stored = fs::read_to_string(path(kind)).unwrap();
        assert_eq!(golden(kind), stored, "states of a {kind} have changed: see states.rs");
    }
}

#[test]
fn the_schema_is_a_hash_of_the_golden_states() {
    for kind in Kind::ALL {
        let golden = fs::read(path(kind)).unwrap();
        assert_eq!(State::schema(kind), Uuid::new_v5(&Uuid::NAMESPACE_OID, &golden));
    }
    let schemas: BTreeSet<_> = Kind::ALL.into_iter().map(State::schema).collect();
    assert_eq!(schemas.len(), Kind::ALL.len());
}

#[test]
fn every_golden_state_is_read_back_as_it_was() {
    for kind in Kind::ALL {
        for line in turns(kind) {
            let state: State = serde_json::from_str(&line).unwrap();
            assert_eq!((state.kind(), stored(&state)), (kind, line));
        }
    }
}
