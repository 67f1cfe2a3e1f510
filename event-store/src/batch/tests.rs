//! Which appends enter one batch.

use chrono::DateTime;

use super::*;
use crate::{CommandRecord, NewEvent, PendingAppend};

const LIMITS: BatchLimits = BatchLimits { items: 10, events: 10, bytes: 1_000 };

fn stream(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn item(expected_heads: &[(Uuid, ExpectedHead)], writes: &[Uuid]) -> QueuedAppend {
    let id = Uuid::new_v4();
    let event = |stream_id: &Uuid| NewEvent {
        stream_type: "thing",
        stream_id: *stream_id,
        version: 1,
        event_type: "thing.happened",
        schema_version: 1,
        payload: "{}".to_owned(),
    };
    QueuedAppend::new(Append {
        command: CommandRecord {
            id,
            request_hash: None,
            metadata: "{}".to_owned(),
            correlation_id: id,
            caused_by: None,
            actor: "system:test".to_owned(),
        },
        expected_heads: expected_heads.to_vec(),
        events: writes.iter().map(event).collect(),
    })
}

/// An append that expects a stream's head and writes the stream.
fn write(stream: Uuid, head: ExpectedHead) -> QueuedAppend {
    item(&[(stream, head)], &[stream])
}

fn pending(queued: &QueuedAppend) -> ExpectedHead {
    ExpectedHead::Pending(queued.pending.clone())
}

/// Takes a batch, and compares the heads of each item, and how many appends still wait.
#[track_caller]
fn check(
    items: Vec<QueuedAppend>,
    entered: &[&[(Uuid, HeadInBatch)]],
    held: usize,
) -> VecDeque<QueuedAppend> {
    let mut waiting = items.into();
    let batch = Batch::take(&mut waiting, &KnownHeads::default(), LIMITS);
    let heads: Vec<_> = batch.items.iter().map(|item| item.heads.as_slice()).collect();
    assert_eq!((heads.as_slice(), waiting.len()), (entered, held));
    waiting
}

fn durable(pending: &PendingAppend, first: i64) {
    pending.set_outcome(Ok(AppendOutcome::Appended {
        first,
        last: first,
        recorded_at: DateTime::UNIX_EPOCH,
    }));
}

#[test]
fn appends_to_different_streams_enter_one_batch() {
    let (a, b) = (stream(1), stream(2));
    let items = vec![write(a, ExpectedHead::Durable(0)), write(b, ExpectedHead::Durable(7))];
    check(items, &[&[(a, HeadInBatch::At(0))], &[(b, HeadInBatch::At(7))]], 0);
}

#[test]
fn two_appends_decided_on_the_same_state_do_not_enter_one_batch() {
    let a = stream(1);
    let items = vec![write(a, ExpectedHead::Durable(5)), write(a, ExpectedHead::Durable(5))];
    check(items, &[&[(a, HeadInBatch::At(5))]], 1);
}

#[test]
fn a_chain_enters_one_batch() {
    let a = stream(1);
    let first = write(a, ExpectedHead::Durable(5));
    let second = write(a, pending(&first));
    let third = write(a, pending(&second));
    let entered: &[&[_]] = &[
        &[(a, HeadInBatch::At(5))],
        &[(a, HeadInBatch::WrittenBy(0))],
        &[(a, HeadInBatch::WrittenBy(1))],
    ];
    check(vec![first, second, third], entered, 0);
}

#[test]
fn the_second_append_on_the_same_pending_one_waits() {
    let a = stream(1);
    let first = write(a, ExpectedHead::Durable(5));
    let (one, other) = (write(a, pending(&first)), write(a, pending(&first)));
    let entered: &[&[_]] = &[&[(a, HeadInBatch::At(5))], &[(a, HeadInBatch::WrittenBy(0))]];
    check(vec![first, one, other], entered, 1);
}

#[test]
fn an_append_waits_for_the_one_it_was_decided_on() {
    let a = stream(1);
    let (first, rival) = (write(a, ExpectedHead::Durable(5)), write(a, ExpectedHead::Durable(5)));
    let next = write(a, pending(&rival));
    check(vec![first, rival, next], &[&[(a, HeadInBatch::At(5))]], 2);
}

#[test]
fn a_durable_append_counts_as_its_last_position_on_the_stream() {
    let (a, b) = (stream(1), stream(2));
    let earlier = item(&[(a, ExpectedHead::Durable(0)), (b, ExpectedHead::Durable(0))], &[a, a, b]);
    durable(&earlier.pending, 10);
    let items = vec![write(a, pending(&earlier)), write(b, pending(&earlier))];
    check(items, &[&[(a, HeadInBatch::At(11))], &[(b, HeadInBatch::At(12))]], 0);
}

#[test]
fn an_append_decided_on_a_refused_one_is_refused_without_the_database() {
    let a = stream(1);
    let refused = write(a, ExpectedHead::Durable(0));
    refused.answer(Ok(AppendOutcome::Conflict { stream_id: a }));
    let next = write(a, pending(&refused));
    let pending = next.pending.clone();
    check(vec![next], &[], 0);
    assert_eq!(pending.head_of(a), PendingHead::Refused);
}

#[test]
fn one_command_enters_a_batch_once() {
    let (a, b) = (stream(1), stream(2));
    let first = write(a, ExpectedHead::Durable(0));
    let mut again = write(b, ExpectedHead::Durable(0));
    again.append.command.id = first.append.command.id;
    check(vec![first, again], &[&[(a, HeadInBatch::At(0))]], 1);
}

#[test]
fn waiting_appends_keep_their_order() {
    let a = stream(1);
    let items: Vec<QueuedAppend> = (0..4).map(|_| write(a, ExpectedHead::Durable(5))).collect();
    let sent: Vec<PendingAppend> = items.iter().map(|item| item.pending.clone()).collect();
    let held = check(items, &[&[(a, HeadInBatch::At(5))]], 3);
    assert!(held.iter().zip(&sent[1..]).all(|(item, pending)| item.pending.is_same(pending)));
}

#[test]
fn appends_known_to_be_outdated_enter_one_batch_and_are_refused() {
    let a = stream(1);
    let mut waiting: VecDeque<_> = (0..4).map(|_| write(a, ExpectedHead::Durable(5))).collect();
    let batch = Batch::take(&mut waiting, &KnownHeads::with(a, 6), LIMITS);
    assert_eq!(batch.items.len(), 4);
}

/// Another node has written the stream since this node last wrote it.
#[test]
fn appends_may_depend_on_one_with_a_newer_head_than_the_known_one() {
    let a = stream(1);
    let first = write(a, ExpectedHead::Durable(7));
    let second = write(a, pending(&first));
    let mut waiting = VecDeque::from([first, second]);
    let batch = Batch::take(&mut waiting, &KnownHeads::with(a, 6), LIMITS);
    assert_eq!(batch.items[1].heads, [(a, HeadInBatch::WrittenBy(0))]);
}

#[test]
fn a_batch_has_limits_but_takes_one_append_of_any_size() {
    let a = stream(1);
    let eleven = vec![a; 11];
    let large = item(&[(a, ExpectedHead::Durable(0))], &eleven);
    check(
        vec![large, write(stream(2), ExpectedHead::Durable(0))],
        &[&[(a, HeadInBatch::At(0))]],
        1,
    );
}
