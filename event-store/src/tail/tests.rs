//! Which events the tail returns, and which it must not return.

use chrono::DateTime;
use uuid::Uuid;

use super::*;

fn event(position: i64) -> RecordedEvent {
    RecordedEvent {
        position,
        stream_type: "thing".into(),
        stream_id: Uuid::nil(),
        version: 1,
        event_type: "thing.happened".into(),
        schema_version: 1,
        payload: "{}".to_owned(),
        command_id: None,
        request_hash: None,
        metadata: None,
        correlation_id: Uuid::nil(),
        caused_by: None,
        actor: "system:test".into(),
        recorded_at: DateTime::UNIX_EPOCH,
    }
}

#[track_caller]
fn check(pushed: &[i64], after: i64, limit: usize, served: Option<&[i64]>) {
    let tail = Tail::new(4);
    pushed.iter().for_each(|position| tail.push(event(*position)));
    let events = tail.after(after, limit);
    let positions = events.map(|events| events.iter().map(|e| e.position).collect::<Vec<_>>());
    assert_eq!(positions.as_deref(), served);
}

#[test]
fn it_returns_the_events_after_a_position() {
    check(&[5, 6, 7], 4, 9, Some(&[5, 6, 7]));
    check(&[5, 6, 7], 5, 1, Some(&[6]));
}

#[test]
fn it_returns_nothing_for_positions_it_does_not_hold() {
    check(&[], 0, 9, None);
    check(&[5, 6, 7], 3, 9, None);
    check(&[5, 6, 7], 7, 9, None);
    check(&[5, 6, 7], 8, 9, None);
}

#[test]
fn it_drops_the_oldest_event_when_it_is_full() {
    check(&[1, 2, 3, 4, 5], 0, 9, None);
    check(&[1, 2, 3, 4, 5], 1, 9, Some(&[2, 3, 4, 5]));
}

#[test]
fn it_starts_again_after_a_gap() {
    check(&[1, 2, 4, 5], 0, 9, None);
    check(&[1, 2, 4, 5], 3, 9, Some(&[4, 5]));
}

#[test]
fn it_ignores_events_older_than_its_end() {
    check(&[4, 5, 3, 5], 3, 9, Some(&[4, 5]));
}
