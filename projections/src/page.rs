//! Pages of a list. A page begins after a key and not after a count, so rows that are added or
//! removed do not shift it.

use std::fmt;
use std::str::FromStr;

use domain::Timestamp;
use uuid::Uuid;

/// The position in a list after which the next page begins. It is made from an item's sort key, and
/// clients must not interpret it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(String);

impl Cursor {
    /// A cursor as a client sent it; it is checked when it is used.
    pub fn new(text: impl Into<String>) -> Cursor {
        Cursor(text.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn parse<K: FromStr>(&self) -> Result<K, QueryError> {
        self.0.parse().map_err(|_| QueryError::BadCursor(self.0.clone()))
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The request for the first items after a cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    first: i64,
    after: Option<Cursor>,
}

impl Page {
    pub const MAX: i64 = 100;

    /// `first` is limited to the range from 0 to [`Page::MAX`].
    pub fn new(first: i64, after: Option<Cursor>) -> Page {
        Page { first: first.clamp(0, Page::MAX), after }
    }

    pub(crate) fn after<K: FromStr>(&self) -> Result<Option<K>, QueryError> {
        self.after.as_ref().map(Cursor::parse).transpose()
    }

    /// One item more than requested, to learn whether there is a next page.
    pub(crate) fn limit(&self) -> i64 {
        self.first + 1
    }

    pub(crate) fn slice<T>(&self, mut items: Vec<T>, cursor: impl Fn(&T) -> Cursor) -> Slice<T> {
        let first = usize::try_from(self.first).unwrap_or_default();
        let has_next = items.len() > first;
        items.truncate(first);
        let items = items.into_iter().map(|item| (cursor(&item), item)).collect();
        Slice { items, has_next }
    }
}

/// The items of a page, each with its cursor.
#[derive(Debug, Clone, PartialEq)]
pub struct Slice<T> {
    pub items: Vec<(Cursor, T)>,
    pub has_next: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    #[error("'{0}' is not a cursor of this list")]
    BadCursor(String),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// The sort key of lists ordered by time: a time to the microsecond, as Postgres stores it, and an
/// id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimeKey(pub(crate) Timestamp, pub(crate) Uuid);

impl From<TimeKey> for Cursor {
    fn from(TimeKey(at, id): TimeKey) -> Cursor {
        Cursor(format!("{}.{}", at.timestamp_micros(), id.simple()))
    }
}

impl FromStr for TimeKey {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (micros, id) = text.split_once('.').ok_or(())?;
        let at = micros.parse().ok().and_then(Timestamp::from_timestamp_micros);
        Ok(TimeKey(at.ok_or(())?, id.parse().map_err(|_| ())?))
    }
}

impl From<i64> for Cursor {
    fn from(position: i64) -> Cursor {
        Cursor(position.to_string())
    }
}
