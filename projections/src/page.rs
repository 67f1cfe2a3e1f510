//! Pages of a list, cut by keys and not by counting: stable while rows come and go.

use std::fmt;
use std::str::FromStr;

use domain::Timestamp;
use uuid::Uuid;

/// Where a list goes on: opaque to clients, made of the sort key of the last item they have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(String);

impl Cursor {
    /// What a client sent back; checked when it is used.
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

/// The first so many items after a cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    first: i64,
    after: Option<Cursor>,
}

impl Page {
    pub const MAX: i64 = 100;

    /// `first` is brought into 0 to [`Page::MAX`].
    pub fn new(first: i64, after: Option<Cursor>) -> Page {
        Page { first: first.clamp(0, Page::MAX), after }
    }

    pub(crate) fn after<K: FromStr>(&self) -> Result<Option<K>, QueryError> {
        self.after.as_ref().map(Cursor::parse).transpose()
    }

    /// One more than asked for tells whether there is a next page.
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

/// A page's items, each with the cursor after it.
#[derive(Debug, Clone, PartialEq)]
pub struct Slice<T> {
    pub items: Vec<(Cursor, T)>,
    pub has_next: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    #[error("'{0}' is no cursor of this list")]
    BadCursor(String),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// The sort key of lists by time: the moment to the microsecond, as Postgres keeps it, and the id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment(pub(crate) Timestamp, pub(crate) Uuid);

impl From<Moment> for Cursor {
    fn from(Moment(at, id): Moment) -> Cursor {
        Cursor(format!("{}.{}", at.timestamp_micros(), id.simple()))
    }
}

impl FromStr for Moment {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (micros, id) = text.split_once('.').ok_or(())?;
        let at = micros.parse().ok().and_then(Timestamp::from_timestamp_micros);
        Ok(Moment(at.ok_or(())?, id.parse().map_err(|_| ())?))
    }
}

impl From<i64> for Cursor {
    fn from(position: i64) -> Cursor {
        Cursor(position.to_string())
    }
}
