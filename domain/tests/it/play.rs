//! Runs random commands on an aggregate.

use std::fmt::Debug;

use domain::{Decide, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::samples::minute;

/// Runs commands, each this many minutes after the one before, and returns every state with the
/// events that led to it; refused commands lead to none. After each command it checks that deciding
/// twice gives the same result, and that a state folded from stored events, with or without
/// snapshots, is the same.
pub(crate) fn play<A>(
    commands: Vec<(A::Command, i64)>,
    mut seen: impl FnMut(&A, &[A::Event], Timestamp),
) where
    A: Decide + PartialEq + Debug,
    A::Error: PartialEq,
{
    let (mut state, mut replayed, mut minutes) = (A::default(), A::default(), 0);
    let mut restored = A::default();
    for (command, later) in commands {
        minutes += later;
        let now = minute(minutes);
        let decision = state.decide(&command, now);
        assert_eq!(decision, state.decide(&command, now));
        let events = decision.unwrap_or_default();
        restored = stored(&restored);
        for event in &events {
            replayed.apply(stored(event));
            restored.apply(stored(event));
            state.apply(event.clone());
        }
        seen(&state, &events, now);
    }
    assert_eq!(state, replayed);
    assert_eq!(state, restored);
    assert_eq!(state, stored(&state));
}

fn stored<T: Serialize + DeserializeOwned>(value: &T) -> T {
    serde_json::from_str(&serde_json::to_string(value).unwrap()).unwrap()
}
