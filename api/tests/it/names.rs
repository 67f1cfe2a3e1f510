//! Statuses, kinds and error codes have the same names in the schema as in the database.

use std::collections::BTreeSet;
use std::fmt::Debug;

use domain::ErrorCode;
use domain::Kind;
use domain::inventory::AdjustmentKind;
use domain::notification::{NotificationStatus, Template};
use domain::order::{OrderStatus, Restocking};
use domain::payment::{CaptureMode, PaymentMethod, PaymentStatus};
use domain::pricing::TaxMode;
use projections::inventory::LedgerKind;
use serde::de::DeserializeOwned;

const SDL: &str = include_str!("../../schema.graphql");

/// The values of an enum of the schema.
fn values(name: &str) -> BTreeSet<String> {
    let (_, after) = SDL.split_once(&format!("\nenum {name} {{\n")).expect("an enum of the schema");
    let (values, _) = after.split_once("\n}").expect("its end");
    let is_value = |line: &&str| line.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    let lines = values.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.filter(is_value).map(str::to_owned).collect()
}

/// The stored names of an enum, in capitals; serde lists them when it meets an unknown one.
fn names_of<T: DeserializeOwned + Debug>() -> BTreeSet<String> {
    let error = serde_json::from_str::<T>(r#""no such name""#).unwrap_err().to_string();
    let (_, names) = error.split_once("expected ").expect("names are listed");
    names.split('`').skip(1).step_by(2).map(str::to_ascii_uppercase).collect()
}

#[test]
fn schema_names_equal_stored_names() {
    for (name, stored) in [
        ("ErrorCode", names_of::<ErrorCode>()),
        ("AggregateKind", names_of::<Kind>()),
        ("OrderStatus", names_of::<OrderStatus>()),
        ("PaymentStatus", names_of::<PaymentStatus>()),
        ("PaymentMethod", names_of::<PaymentMethod>()),
        ("CaptureMode", names_of::<CaptureMode>()),
        ("TaxMode", names_of::<TaxMode>()),
        ("Restocking", names_of::<Restocking>()),
        ("AdjustmentKind", names_of::<AdjustmentKind>()),
        ("LedgerKind", names_of::<LedgerKind>()),
        ("NotificationStatus", names_of::<NotificationStatus>()),
        ("NotificationTemplate", names_of::<Template>()),
    ] {
        assert_eq!(values(name), stored, "{name}");
    }
}

#[test]
fn the_code_of_a_refusal_is_written_as_the_schema_names_it() {
    assert!(values("ErrorCode").contains(ErrorCode::InsufficientStock.as_str()));
}
