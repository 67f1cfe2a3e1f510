//! The tasks that wait or run, and the position up to which all tasks are done.

use std::collections::{BTreeMap, HashMap, VecDeque};

use domain::StreamId;

use super::Task;

/// The tasks of one stream run in sequence, those of different streams concurrently.
#[derive(Debug, Default)]
pub(super) struct Queues {
    /// The tasks that wait for the running task of their stream. A stream is in this map while one
    /// of its tasks runs.
    streams: HashMap<StreamId, VecDeque<Task>>,
    /// The number of unfinished tasks at each position that has any.
    unfinished: BTreeMap<i64, usize>,
    /// The position up to which the log has been read.
    read_to: i64,
}

impl Queues {
    pub(super) fn new(read_to: i64) -> Self {
        Queues { read_to, ..Queues::default() }
    }

    pub(super) fn read_to(&self) -> i64 {
        self.read_to
    }

    /// The number of positions that are not finished.
    pub(super) fn len(&self) -> usize {
        self.unfinished.len()
    }

    /// Adds the tasks of the next event. Returns the one that can run now, if any.
    pub(super) fn push(
        &mut self,
        position: i64,
        stream: StreamId,
        tasks: Vec<Task>,
    ) -> Option<Task> {
        self.read_to = position;
        if tasks.is_empty() {
            return None;
        }
        self.unfinished.insert(position, tasks.len());
        match self.streams.get_mut(&stream) {
            Some(waiting) => {
                waiting.extend(tasks);
                None
            }
            None => {
                let mut waiting = VecDeque::from(tasks);
                let first = waiting.pop_front();
                self.streams.insert(stream, waiting);
                first
            }
        }
    }

    /// Marks a task as done. Returns the next one of its stream, if any.
    pub(super) fn finish(&mut self, stream: StreamId, position: i64) -> Option<Task> {
        if let Some(left) = self.unfinished.get_mut(&position) {
            *left -= 1;
            if *left == 0 {
                self.unfinished.remove(&position);
            }
        }
        let next = self.streams.get_mut(&stream).and_then(VecDeque::pop_front);
        if next.is_none() {
            self.streams.remove(&stream);
        }
        next
    }

    /// The position up to which everything is done.
    pub(super) fn checkpoint(&self) -> i64 {
        self.unfinished.first_key_value().map_or(self.read_to, |(position, _)| position - 1)
    }
}

#[cfg(test)]
mod tests {
    use domain::process::Reaction;
    use domain::{Kind, PaymentId};
    use uuid::Uuid;

    use super::super::{Cause, TaskKind};
    use super::*;

    fn stream(n: u128) -> StreamId {
        StreamId::new(Kind::Payment, Uuid::from_u128(n))
    }

    fn task(position: i64) -> Task {
        let kind = TaskKind::React(Reaction::Settle(PaymentId(Uuid::nil())));
        Task { cause: Cause { position, correlation_id: Uuid::nil(), trace: None }, kind }
    }

    fn position(task: Option<Task>) -> Option<i64> {
        task.map(|task| task.cause.position)
    }

    #[test]
    fn one_stream_runs_in_sequence_and_others_beside_it() {
        let mut queues = Queues::new(0);
        assert_eq!(position(queues.push(1, stream(1), vec![task(1)])), Some(1));
        assert_eq!(position(queues.push(2, stream(1), vec![task(2)])), None);
        assert_eq!(position(queues.push(3, stream(2), vec![task(3)])), Some(3));
        assert_eq!(position(queues.finish(stream(1), 1)), Some(2));
        assert_eq!(position(queues.finish(stream(1), 2)), None);
    }

    #[test]
    fn the_checkpoint_stays_below_every_unfinished_position() {
        let mut queues = Queues::new(10);
        assert_eq!(queues.checkpoint(), 10);
        queues.push(11, stream(1), vec![task(11), task(11)]);
        queues.push(12, stream(2), vec![task(12)]);
        queues.push(13, stream(3), vec![]);
        queues.finish(stream(2), 12);
        assert_eq!(queues.checkpoint(), 10);
        queues.finish(stream(1), 11);
        assert_eq!(queues.checkpoint(), 10);
        queues.finish(stream(1), 11);
        assert_eq!(queues.checkpoint(), 13);
    }
}
