//! Every event that was ever stored can be decoded.
//!
//! `golden/<event_type>.v<schema_version>.json` has the exact bytes of one event. Such a file is
//! never changed; `UPDATE_GOLDEN=1 cargo test -p domain` writes those that are missing.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::fs;
use std::path::PathBuf;

use cqrs_es::persist::SerializedEvent;
use domain::notification::Template;
use domain::process::Deadline;
use domain::{Event, Kind};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::samples;

/// Schemas that are no longer written.
const OLD: [(&str, i16); 2] = [("order.placed", 1), ("cart.created", 1)];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn file_name(event: &Event) -> String {
    format!("{}.v{}.json", event.name(), event.schema_version())
}

/// All event types of a kind.
fn stored_names(kind: Kind) -> BTreeSet<String> {
    let error = Event::decode(kind, r#"{"no.such.event":null}"#).unwrap_err();
    names_in(&error.to_string())
}

/// The stored names of an enum without data.
fn names_of<T: DeserializeOwned + Debug>() -> BTreeSet<String> {
    names_in(&serde_json::from_str::<T>(r#""no such name""#).unwrap_err().to_string())
}

/// The names that serde lists when it does not know one.
fn names_in(error: &str) -> BTreeSet<String> {
    let (_, expected) = error.split_once("expected one of").expect("names are listed");
    expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn there_is_a_sample_of_every_event_type() {
    for kind in Kind::ALL {
        let samples = samples::of_every_type(kind);
        let names: BTreeSet<_> = samples.iter().map(|event| event.name().to_owned()).collect();
        assert_eq!(names, stored_names(kind));
        assert_eq!(names.len(), samples.len(), "one sample of each type is enough");
    }
}

#[test]
fn the_name_of_an_event_is_the_single_key_of_its_payload() {
    for event in Kind::ALL.into_iter().flat_map(samples::of_every_type) {
        let payload: serde_json::Map<_, _> =
            serde_json::from_str(&event.encode().unwrap()).unwrap();
        assert_eq!(payload.keys().collect::<Vec<_>>(), [event.name()]);
    }
}

#[test]
fn the_name_of_an_event_begins_with_its_stream_type() {
    for kind in Kind::ALL {
        for name in stored_names(kind) {
            assert!(name.starts_with(&format!("{kind}.")), "{name}");
        }
    }
}

#[test]
fn a_list_of_all_variants_has_every_stored_name() {
    let names = |all: &[&str]| all.iter().copied().map(str::to_owned).collect::<BTreeSet<_>>();
    assert_eq!(names(&Kind::ALL.map(Kind::as_str)), names_of::<Kind>());
    assert_eq!(names(&Deadline::ALL.map(Deadline::as_str)), names_of::<Deadline>());
    assert_eq!(names(&Template::ALL.map(Template::as_str)), names_of::<Template>());
}

/// Earlier programs had these names, but never wrote them.
#[test]
fn an_event_that_was_never_stored_cannot_be_decoded() {
    let requested =
        r#"{"order.cancel_requested":{"reason":{"customer":null},"at":"2024-10-04T00:01:00Z"}}"#;
    let error = Event::decode(Kind::Order, requested).unwrap_err().to_string();
    assert!(error.contains("unknown variant `order.cancel_requested`"), "{error}");

    let golden = fs::read_to_string(folder().join("inventory.released.v1.json")).unwrap();
    let released = golden.replace("CANCELLED", "PAYMENT_FAILED");
    let error = Event::decode(Kind::Inventory, &released).unwrap_err().to_string();
    assert!(error.contains("unknown variant `PAYMENT_FAILED`"), "{error}");
}

#[test]
fn events_are_encoded_as_their_golden_files_and_decoded_again() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    for kind in Kind::ALL {
        for event in samples::of_every_type(kind) {
            let path = folder().join(file_name(&event));
            let encoded = event.encode().unwrap();
            if update && !path.exists() {
                fs::write(&path, &encoded).unwrap();
            }
            let golden = fs::read_to_string(&path)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            assert_eq!(encoded, golden, "{} has changed", event.name());
            assert_eq!(Event::decode(kind, &golden).unwrap(), event);
        }
    }
}

#[test]
fn every_golden_file_belongs_to_an_event_type() {
    let known: BTreeSet<_> = Kind::ALL.into_iter().flat_map(stored_names).collect();
    for entry in fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let (event_type, version) = name.rsplit_once(".v").expect("a golden file has a version");
        assert!(known.contains(event_type), "{name} belongs to no event type");
        let version = version.strip_suffix(".json").and_then(|version| version.parse().ok());
        assert!(version.is_some_and(|version: i16| version >= 1), "{name}");
    }
}

#[test]
fn events_of_older_schemas_are_lifted_to_todays() {
    for (name, version) in OLD {
        let text = fs::read_to_string(folder().join(format!("{name}.v{version}.json"))).unwrap();
        let kind = name.split('.').next().unwrap().parse().unwrap();
        assert!(Event::decode(kind, &text).is_err(), "{name}.v{version} needs no upcaster");
        let payload = serde_json::from_str(&text).unwrap();
        let stored = (name.to_owned(), version.to_string(), payload, Value::Null);
        let (event_type, event_version, payload, metadata) = stored;
        let mut event = SerializedEvent::new(
            String::new(),
            1,
            kind.to_string(),
            event_type,
            event_version,
            payload,
            metadata,
        );
        for upcaster in domain::upcasters() {
            if upcaster.can_upcast(&event.event_type, &event.event_version) {
                event = upcaster.upcast(event);
            }
        }
        let lifted = Event::decode(kind, &event.payload.to_string()).unwrap();
        assert_eq!(event.event_version, lifted.schema_version().to_string());
    }
}

#[test]
fn every_golden_file_of_an_older_schema_is_known() {
    let newest: BTreeSet<_> =
        Kind::ALL.into_iter().flat_map(samples::of_every_type).map(|e| file_name(&e)).collect();
    let old: BTreeSet<_> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !newest.contains(name))
        .collect();
    let known = OLD.map(|(name, version)| format!("{name}.v{version}.json"));
    assert_eq!(old, known.into());
}
