//! What is due, and how much of it.

use domain::process::Deadline;
use domain::{NotificationId, Timestamp};
use uuid::Uuid;

use super::{DueDeadline, TABLE};
use crate::page::QueryError;
use crate::read_models::ReadModels;

/// A message whose next attempt is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueNotification {
    pub notification: NotificationId,
    /// The number of the attempt, counted from 1.
    pub attempt: u32,
    /// The position of the event that set the deadline.
    pub position: i64,
    /// The correlation id of that event.
    pub correlation_id: Uuid,
}

impl ReadModels {
    /// The deadlines that are due at `now`, except those of messages, the longest overdue first.
    pub async fn due_deadlines(
        &self,
        now: Timestamp,
        most: i64,
    ) -> Result<Vec<DueDeadline>, QueryError> {
        let due = TABLE.select(
            "where due_at <= $1 and kind <> 'notification_attempt'
             order by due_at, kind, stream_id limit $2",
        );
        Ok(due.bind(now).bind(most).fetch_all(self.pool()).await?)
    }

    /// How many deadlines of each kind are due at `now`, the expiry of carts included.
    pub async fn count_overdue(
        &self,
        now: Timestamp,
    ) -> Result<Vec<(&'static str, i64)>, QueryError> {
        // Each part uses an index of its own.
        let counts = sqlx::query_as(
            "select kind, count(*) from deadlines
             where due_at <= $1 and kind <> 'notification_attempt' group by kind
             union all
             select 'notification_attempt', count(*) from deadlines
             where due_at <= $1 and kind = 'notification_attempt'
             union all
             select 'cart_expiry', count(*) from carts where expires_at <= $1",
        );
        let counts: Vec<(String, i64)> = counts.bind(now).fetch_all(self.pool()).await?;
        let kinds = Deadline::ALL.map(Deadline::as_str).into_iter().chain(["cart_expiry"]);
        let count =
            |kind: &str| counts.iter().find(|(name, _)| name == kind).map_or(0, |row| row.1);
        Ok(kinds.map(|kind| (kind, count(kind))).collect())
    }

    /// The messages whose next attempt is due at `now`, the longest overdue first.
    pub async fn due_notifications(
        &self,
        now: Timestamp,
        most: i64,
    ) -> Result<Vec<DueNotification>, QueryError> {
        // Each event of an unsent message sets the deadline of the next attempt, so counting events
        // gives the attempt's number.
        let due = sqlx::query_as(
            "select due.stream_id, events.version, due.position, events.correlation_id
             from deadlines due join events on events.position = due.position
             where due.due_at <= $1 and due.kind = 'notification_attempt'
             order by due.due_at, due.stream_id limit $2",
        );
        let rows = due.bind(now).bind(most).fetch_all(self.pool()).await?;
        let due = |(id, version, position, correlation_id): (Uuid, i32, i64, Uuid)| {
            let (notification, attempt) = (NotificationId(id), version.unsigned_abs());
            DueNotification { notification, attempt, position, correlation_id }
        };
        Ok(rows.into_iter().map(due).collect())
    }

    /// The earliest deadline, except those of messages. It may have passed.
    pub async fn next_deadline(&self) -> Result<Option<Timestamp>, QueryError> {
        let next = sqlx::query_scalar(
            "select min(due_at) from deadlines where kind <> 'notification_attempt'",
        );
        Ok(next.fetch_one(self.pool()).await?)
    }
}
