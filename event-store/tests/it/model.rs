//! Two nodes and the log's lock in a random order, compared with a model that is a hash map.

use std::collections::HashMap;

use event_store::{Append, AppendOutcome, EventStore, ExpectedHead, NewEvent};
use uuid::Uuid;

use crate::support::*;

const STREAMS: usize = 24;
const TURNS: usize = 60;

/// The expected state of the log.
#[derive(Default)]
struct Model {
    /// For each stream, the positions and versions that its head has had.
    streams: HashMap<Uuid, Vec<(i64, i32)>>,
    /// The commands that were appended, with their positions.
    commands: Vec<(Append, i64, i64)>,
}

/// The expected outcome of an append.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Expected {
    Appended,
    Confirmed,
    Conflict,
    Duplicate(i64, i64),
}

impl Expected {
    fn of(outcome: &AppendOutcome) -> Expected {
        match outcome {
            AppendOutcome::Appended { .. } => Expected::Appended,
            AppendOutcome::Confirmed => Expected::Confirmed,
            AppendOutcome::Conflict { .. } => Expected::Conflict,
            AppendOutcome::Duplicate { first, last, .. } => Expected::Duplicate(*first, *last),
        }
    }
}

/// A generator that returns the same numbers for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        // Knuth's multiplier; only the upper bits are random enough.
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

impl Model {
    fn head(&self, stream: Uuid) -> (i64, i32) {
        self.streams.get(&stream).and_then(|places| places.last().copied()).unwrap_or_default()
    }

    /// An append that reads these streams and writes some or none of them, and its expected
    /// outcome.
    fn item(&self, dice: &mut Dice, streams: &[Uuid]) -> (Append, Expected) {
        let (mut expected_heads, mut events, mut stale) = (vec![], vec![], false);
        let checks = dice.one_in(5);
        for stream in streams {
            let (position, version) = self.head(*stream);
            let wrong = dice.one_in(6);
            stale |= wrong;
            let expected = if wrong { self.wrong(dice, *stream) } else { position };
            // An append that takes a stream for a new one writes its first event.
            let version = if expected == 0 { 0 } else { version };
            expected_heads.push((*stream, ExpectedHead::Durable(expected)));
            if !checks {
                let count = 1 + dice.below(2) as i32;
                events.extend((1..=count).map(|n| event(*stream, version + n)));
            }
        }
        let mut append = item(expected_heads, events);
        let known = dice.one_in(10).then(|| dice.below(self.commands.len().max(1)));
        if let Some((original, first, last)) = known.and_then(|n| self.commands.get(n)) {
            append.command = original.command.clone();
            return (append, Expected::Duplicate(*first, *last));
        }
        let expected = match (stale, checks) {
            (true, _) => Expected::Conflict,
            (false, true) => Expected::Confirmed,
            (false, false) => Expected::Appended,
        };
        (append, expected)
    }

    /// A position at which the stream's head is not, though it may have been there.
    fn wrong(&self, dice: &mut Dice, stream: Uuid) -> i64 {
        let places = self.streams.get(&stream).map_or(&[][..], Vec::as_slice);
        match places.split_last() {
            Some(_) if dice.one_in(3) => 0,
            Some((_, past)) if !past.is_empty() => {
                past[past.len() - 1 - dice.below(past.len().min(3))].0
            }
            _ => self.head(stream).0 + 1_000_000,
        }
    }

    fn appended(&mut self, append: Append, outcome: &AppendOutcome) {
        let (first, last) = positions(outcome);
        for (position, event) in (first..).zip(&append.events) {
            self.streams.entry(event.stream_id).or_default().push((position, event.version));
        }
        self.commands.push((append, first, last));
    }
}

/// An append on top of another one, on the first stream that the other one writes.
fn link(append: &Append, expected: ExpectedHead) -> Append {
    let NewEvent { stream_id, .. } = append.events[0];
    let last = append.events.iter().rfind(|event| event.stream_id == stream_id);
    write(stream_id, expected, last.unwrap().version + 1)
}

/// Sends appends on different streams together, some with another append on top.
async fn turn(dice: &mut Dice, model: &mut Model, streams: &mut [Uuid], store: &EventStore) {
    for n in (1..streams.len()).rev() {
        streams.swap(n, dice.below(n + 1));
    }
    let sizes = (0..1 + dice.below(8)).map(|_| 1 + dice.below(3)).collect::<Vec<_>>();
    let (mut left, mut sent) = (&streams[..], Vec::new());
    for size in sizes {
        let (some, rest) = left.split_at(size);
        left = rest;
        let (append, expected) = model.item(dice, some);
        let pending = send(store, append.clone()).await;
        let linked = (!append.events.is_empty() && dice.one_in(3))
            .then(|| link(&append, ExpectedHead::Pending(pending.clone())));
        sent.push((append, expected, pending));
        if let Some(linked) = linked {
            let rests = if expected == Expected::Appended {
                Expected::Appended
            } else {
                Expected::Conflict
            };
            sent.push((linked.clone(), rests, send(store, linked).await));
        }
    }
    for (append, expected, pending) in sent {
        let outcome = outcome(&pending).await;
        assert_eq!(Expected::of(&outcome), expected, "{append:?}");
        if expected == Expected::Appended {
            model.appended(append, &outcome);
        }
    }
}

/// Does the same with one append, under the lock.
async fn locked_turn(dice: &mut Dice, model: &mut Model, streams: &[Uuid], store: &EventStore) {
    let size = 1 + dice.below(3);
    let (append, expected) = model.item(dice, &streams[..size]);
    let mut log = within(store.lock()).await.unwrap();
    let outcome = within(log.append(vec![append.clone()])).await.unwrap().remove(0);
    within(log.commit()).await.unwrap();
    assert_eq!(Expected::of(&outcome), expected, "{append:?}");
    if expected == Expected::Appended {
        model.appended(append, &outcome);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_interleaving_of_two_nodes_has_the_models_outcomes() {
    for seed in 1..=4 {
        let (database, a) = fresh().await;
        let nodes = [a, node(&database).await];
        let (mut dice, mut model) = (Dice(seed), Model::default());
        let mut streams: Vec<Uuid> = (0..STREAMS).map(|_| id()).collect();
        let mut at = 0;
        for _ in 0..TURNS {
            // Mostly the same node writes again: while it is alone, it trusts the heads that it
            // knows.
            at = if dice.one_in(5) { 1 - at } else { at };
            if dice.one_in(12) {
                locked_turn(&mut dice, &mut model, &streams, &nodes[at]).await;
            } else {
                turn(&mut dice, &mut model, &mut streams, &nodes[at]).await;
            }
        }
        check_log(&nodes[0], &model).await;
    }
}

/// Checks that the log has exactly the appended commands, at the acknowledged positions.
async fn check_log(store: &EventStore, model: &Model) {
    let stored = all(store).await;
    let mut expected = 0;
    for (append, first, last) in &model.commands {
        assert_eq!(last - first + 1, append.events.len() as i64);
        expected += append.events.len();
        for (position, event) in (*first..).zip(&append.events) {
            let found = &stored[position as usize - 1];
            assert_eq!((found.stream_id, found.version), (event.stream_id, event.version));
        }
    }
    assert_eq!(stored.len(), expected);
    assert!(expected > 100, "too few appends succeeded, so the test proves little");
}
