//! Which items go together.

use chrono::DateTime;

use super::*;
use crate::{Command, NewEvent, Ticket};

const LIMITS: Limits = Limits { items: 10, events: 10, bytes: 1_000 };

fn stream(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn item(bases: &[(Uuid, Base)], writes: &[Uuid]) -> Queued {
    let id = Uuid::new_v4();
    let event = |stream_id: &Uuid| NewEvent {
        stream_type: "thing",
        stream_id: *stream_id,
        version: 1,
        event_type: "thing.happened",
        schema_version: 1,
        payload: "{}".to_owned(),
    };
    Queued::new(Append {
        command: Command {
            id,
            request_hash: None,
            metadata: "{}".to_owned(),
            correlation_id: id,
            caused_by: None,
            actor: "system:test".to_owned(),
        },
        bases: bases.to_vec(),
        events: writes.iter().map(event).collect(),
    })
}

/// Reads a stream and writes it.
fn write(stream: Uuid, base: Base) -> Queued {
    item(&[(stream, base)], &[stream])
}

fn pending(queued: &Queued) -> Base {
    Base::Pending(queued.ticket.clone())
}

/// The bases of each item that enters, and how many are held back.
#[track_caller]
fn check(items: Vec<Queued>, entered: &[&[(Uuid, Basis)]], held: usize) -> VecDeque<Queued> {
    let mut waiting = items.into();
    let batch = Batch::take(&mut waiting, &Heads::default(), LIMITS);
    let bases: Vec<_> = batch.items.iter().map(|item| item.bases.as_slice()).collect();
    assert_eq!((bases.as_slice(), waiting.len()), (entered, held));
    waiting
}

fn durable(ticket: &Ticket, first: i64) {
    ticket.decide(Ok(Outcome::Appended { first, last: first, recorded_at: DateTime::UNIX_EPOCH }));
}

#[test]
fn items_on_different_streams_go_together() {
    let (a, b) = (stream(1), stream(2));
    let items = vec![write(a, Base::Durable(0)), write(b, Base::Durable(7))];
    check(items, &[&[(a, Basis::At(0))], &[(b, Basis::At(7))]], 0);
}

#[test]
fn two_items_decided_on_the_same_durable_state_do_not() {
    let a = stream(1);
    let items = vec![write(a, Base::Durable(5)), write(a, Base::Durable(5))];
    check(items, &[&[(a, Basis::At(5))]], 1);
}

#[test]
fn a_chain_goes_together() {
    let a = stream(1);
    let first = write(a, Base::Durable(5));
    let second = write(a, pending(&first));
    let third = write(a, pending(&second));
    let entered: &[&[_]] =
        &[&[(a, Basis::At(5))], &[(a, Basis::After(0))], &[(a, Basis::After(1))]];
    check(vec![first, second, third], entered, 0);
}

#[test]
fn a_fork_is_held_back() {
    let a = stream(1);
    let first = write(a, Base::Durable(5));
    let (one, other) = (write(a, pending(&first)), write(a, pending(&first)));
    let entered: &[&[_]] = &[&[(a, Basis::At(5))], &[(a, Basis::After(0))]];
    check(vec![first, one, other], entered, 1);
}

#[test]
fn what_waits_holds_back_what_was_decided_on_it() {
    let a = stream(1);
    let (first, rival) = (write(a, Base::Durable(5)), write(a, Base::Durable(5)));
    let next = write(a, pending(&rival));
    check(vec![first, rival, next], &[&[(a, Basis::At(5))]], 2);
}

#[test]
fn a_durable_ticket_counts_as_its_last_position_on_the_stream() {
    let (a, b) = (stream(1), stream(2));
    let earlier = item(&[(a, Base::Durable(0)), (b, Base::Durable(0))], &[a, a, b]);
    durable(&earlier.ticket, 10);
    let items = vec![write(a, pending(&earlier)), write(b, pending(&earlier))];
    check(items, &[&[(a, Basis::At(11))], &[(b, Basis::At(12))]], 0);
}

#[test]
fn an_item_decided_on_a_refused_one_needs_no_database() {
    let a = stream(1);
    let refused = write(a, Base::Durable(0));
    refused.answer(Ok(Outcome::Conflict { stream_id: a }));
    let next = write(a, pending(&refused));
    let ticket = next.ticket.clone();
    check(vec![next], &[], 0);
    assert_eq!(ticket.standing(a), Standing::Refused);
}

#[test]
fn one_command_enters_a_batch_once() {
    let (a, b) = (stream(1), stream(2));
    let first = write(a, Base::Durable(0));
    let mut again = write(b, Base::Durable(0));
    again.append.command.id = first.append.command.id;
    check(vec![first, again], &[&[(a, Basis::At(0))]], 1);
}

#[test]
fn what_is_held_back_keeps_its_order() {
    let a = stream(1);
    let items: Vec<Queued> = (0..4).map(|_| write(a, Base::Durable(5))).collect();
    let tickets: Vec<Ticket> = items.iter().map(|item| item.ticket.clone()).collect();
    let held = check(items, &[&[(a, Basis::At(5))]], 3);
    assert!(held.iter().zip(&tickets[1..]).all(|(item, ticket)| item.ticket.is(ticket)));
}

#[test]
fn items_known_to_be_stale_are_refused_together() {
    let a = stream(1);
    let mut waiting: VecDeque<_> = (0..4).map(|_| write(a, Base::Durable(5))).collect();
    let batch = Batch::take(&mut waiting, &Heads::with(a, 6), LIMITS);
    assert_eq!(batch.items.len(), 4);
}

/// Somebody else has written the stream since this node last did.
#[test]
fn an_item_that_knows_more_than_the_node_may_be_decided_on() {
    let a = stream(1);
    let first = write(a, Base::Durable(7));
    let second = write(a, pending(&first));
    let mut waiting = VecDeque::from([first, second]);
    let batch = Batch::take(&mut waiting, &Heads::with(a, 6), LIMITS);
    assert_eq!(batch.items[1].bases, [(a, Basis::After(0))]);
}

#[test]
fn a_batch_is_closed_when_it_is_full_but_takes_one_item_of_any_size() {
    let a = stream(1);
    let eleven = vec![a; 11];
    let large = item(&[(a, Base::Durable(0))], &eleven);
    check(vec![large, write(stream(2), Base::Durable(0))], &[&[(a, Basis::At(0))]], 1);
}
