//! The table of a read model: one list of its columns, from which every statement is made.

#[cfg(test)]
mod tests;

use serde_json::Result as JsonResult;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::{Query, QueryAs};
use sqlx::{AssertSqlSafe, FromRow, PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use crate::tuples::Tuples;
use domain::Timestamp;

/// A column: its name, its type, and the value that a row has in it.
pub(crate) struct Column<R: 'static> {
    name: &'static str,
    value: Value<R>,
}

/// The type of a column in Postgres, and how a row's value is computed. `None` is null.
enum Value<R: 'static> {
    Uuid(fn(&R) -> Option<Uuid>),
    Int(fn(&R) -> Option<i32>),
    Bigint(fn(&R) -> Option<i64>),
    Boolean(fn(&R) -> Option<bool>),
    Timestamptz(fn(&R) -> Option<Timestamp>),
    Text(fn(&R) -> Option<&str>),
    /// A text that is not a field of the row, but composed from several.
    ComposedText(fn(&R) -> Option<String>),
    Json(WriteJson<R>),
}

/// Appends the JSON of a row's value to a buffer.
type WriteJson<R> = fn(&R, &mut Vec<u8>) -> JsonResult<()>;

/// A table with the columns of its rows.
pub(crate) struct Table<R: 'static> {
    pub(crate) name: &'static str,
    /// The columns of the primary key.
    pub(crate) key: &'static [&'static str],
    /// Whether each row is added by one event and never changed.
    pub(crate) is_append_only: bool,
    columns: Vec<Column<R>>,
    /// All columns, separated by commas.
    names: String,
    /// The columns that a row is read from, separated by commas.
    selected: String,
    save: String,
}

/// A statement with the parameters that are bound so far.
pub(crate) type Statement = Query<'static, Postgres, PgArguments>;

impl<R> Column<R> {
    pub(crate) fn uuid(name: &'static str, value: fn(&R) -> Option<Uuid>) -> Column<R> {
        Column { name, value: Value::Uuid(value) }
    }

    pub(crate) fn int(name: &'static str, value: fn(&R) -> Option<i32>) -> Column<R> {
        Column { name, value: Value::Int(value) }
    }

    pub(crate) fn bigint(name: &'static str, value: fn(&R) -> Option<i64>) -> Column<R> {
        Column { name, value: Value::Bigint(value) }
    }

    pub(crate) fn boolean(name: &'static str, value: fn(&R) -> Option<bool>) -> Column<R> {
        Column { name, value: Value::Boolean(value) }
    }

    pub(crate) fn timestamptz(name: &'static str, value: fn(&R) -> Option<Timestamp>) -> Column<R> {
        Column { name, value: Value::Timestamptz(value) }
    }

    pub(crate) fn text(name: &'static str, value: fn(&R) -> Option<&str>) -> Column<R> {
        Column { name, value: Value::Text(value) }
    }

    pub(crate) fn composed_text(name: &'static str, value: fn(&R) -> Option<String>) -> Column<R> {
        Column { name, value: Value::ComposedText(value) }
    }

    pub(crate) fn json(name: &'static str, value: WriteJson<R>) -> Column<R> {
        Column { name, value: Value::Json(value) }
    }

    fn sql_type(&self) -> &'static str {
        match self.value {
            Value::Uuid(_) => "uuid",
            Value::Int(_) => "integer",
            Value::Bigint(_) => "bigint",
            Value::Boolean(_) => "boolean",
            Value::Timestamptz(_) => "timestamp with time zone",
            Value::Text(_) | Value::ComposedText(_) => "text",
            Value::Json(_) => "json",
        }
    }

    /// The type of the elements of the array that [`Column::bind`] binds.
    fn parameter_type(&self) -> &'static str {
        match self.value {
            Value::Json(_) => "text",
            _ => self.sql_type(),
        }
    }

    /// Binds the values of the rows as one array.
    fn bind(&self, statement: Statement, rows: &[&R]) -> Result<Statement, sqlx::Error> {
        Ok(match self.value {
            Value::Uuid(value) => statement.bind(values(rows, value)),
            Value::Int(value) => statement.bind(values(rows, value)),
            Value::Bigint(value) => statement.bind(values(rows, value)),
            Value::Boolean(value) => statement.bind(values(rows, value)),
            Value::Timestamptz(value) => statement.bind(values(rows, value)),
            Value::Text(value) => statement.bind(values(rows, value)),
            Value::ComposedText(value) => statement.bind(values(rows, value)),
            Value::Json(write) => statement.bind(documents(rows, write)?),
        })
    }

    /// Adds the value of a row to a COPY.
    fn copy(&self, row: &R, to: &mut Tuples) -> Result<(), sqlx::Error> {
        match self.value {
            Value::Uuid(value) => to.put(value(row)),
            Value::Int(value) => to.put(value(row)),
            Value::Bigint(value) => to.put(value(row)),
            Value::Boolean(value) => to.put(value(row)),
            Value::Timestamptz(value) => to.put(value(row)),
            Value::Text(value) => to.put(value(row)),
            Value::ComposedText(value) => to.put(value(row)),
            Value::Json(write) => to.put_json(|buffer| write(row, buffer)),
        }
    }
}

fn values<'r, R, V>(rows: &[&'r R], value: impl Fn(&'r R) -> V) -> Vec<V> {
    rows.iter().map(|row| value(row)).collect()
}

fn documents<R>(rows: &[&R], write: WriteJson<R>) -> Result<Vec<String>, sqlx::Error> {
    let document = |row: &&R| {
        let mut buffer = Vec::with_capacity(256);
        write(row, &mut buffer).map_err(|error| sqlx::Error::Encode(error.into()))?;
        String::from_utf8(buffer).map_err(|error| sqlx::Error::Encode(error.into()))
    };
    rows.iter().map(document).collect()
}

impl<R> Table<R> {
    /// A table whose rows change. `key` are the columns of its primary key.
    pub(crate) fn new(
        name: &'static str,
        key: &'static [&'static str],
        columns: impl Into<Vec<Column<R>>>,
    ) -> Table<R> {
        Table::with(name, key, false, columns.into())
    }

    /// A table to which each event adds at most one row, and whose rows never change.
    pub(crate) fn append_only(
        name: &'static str,
        key: &'static [&'static str],
        columns: impl Into<Vec<Column<R>>>,
    ) -> Table<R> {
        Table::with(name, key, true, columns.into())
    }

    fn with(
        name: &'static str,
        key: &'static [&'static str],
        is_append_only: bool,
        columns: Vec<Column<R>>,
    ) -> Table<R> {
        let names = list(&columns, |column| column.name.to_owned());
        let (selected, save) = (names.clone(), String::new());
        let table = Table { name, key, is_append_only, columns, names, selected, save };
        Table { save: table.upsert(), ..table }
    }

    /// Makes rows be read from the first `count` columns only.
    pub(crate) fn selecting_first(self, count: usize) -> Table<R> {
        Table { selected: list(&self.columns[..count], |column| column.name.to_owned()), ..self }
    }

    /// Writes rows, whether or not they exist, from one array for each column. For an append-only
    /// table it fails if a row exists.
    fn upsert(&self) -> String {
        let Table { name, names, .. } = self;
        let values = list(&self.columns, |column| match column.value {
            Value::Json(_) => format!("{}::json", column.name),
            _ => column.name.to_owned(),
        });
        let mut parameter = 0;
        let arrays = list(&self.columns, |column| {
            parameter += 1;
            format!("${parameter}::{}[]", column.parameter_type())
        });
        let insert = format!(
            "insert into {name} ({names}) select {values} from unnest({arrays}) as row ({names})"
        );
        if self.is_append_only {
            return insert;
        }
        let others = self.columns.iter().filter(|column| !self.key.contains(&column.name));
        let others = list(others, |column| format!("{0} = excluded.{0}", column.name));
        format!("{insert} on conflict ({}) do update set {others}", self.key.join(", "))
    }

    /// The columns that a row is read from, for a `select`.
    pub(crate) fn selected(&self) -> &str {
        &self.selected
    }

    /// A query for rows, to which more conditions can be added with ` and `.
    pub(crate) fn filter(&self) -> QueryBuilder<Postgres> {
        QueryBuilder::new(format!("select {} from {} where true", self.selected, self.name))
    }

    /// A query for rows; `rest` is added after the table's name.
    pub(crate) fn select<'q>(&self, rest: &str) -> QueryAs<'q, Postgres, R, PgArguments>
    where
        R: for<'r> FromRow<'r, PgRow>,
    {
        let select = format!("select {} from {} {rest}", self.selected, self.name);
        sqlx::query_as(AssertSqlSafe(select))
    }

    /// The statement whose parameters [`Table::bind`] binds.
    pub(crate) fn save_statement(&self) -> &str {
        &self.save
    }

    /// How many parameters [`Table::bind`] binds.
    pub(crate) fn parameters(&self) -> usize {
        self.columns.len()
    }

    pub(crate) fn bind(&self, statement: Statement, rows: &[&R]) -> Result<Statement, sqlx::Error> {
        self.columns.iter().try_fold(statement, |statement, column| column.bind(statement, rows))
    }

    /// Writes all rows with one statement.
    pub(crate) async fn save(
        &'static self,
        connection: &mut PgConnection,
        rows: &[&R],
    ) -> Result<(), sqlx::Error> {
        self.bind(sqlx::query(self.save.as_str()), rows)?.execute(connection).await?;
        Ok(())
    }

    /// The COPY statement for the data that [`Table::copy`] writes. `into` is the table's name with
    /// another schema.
    pub(crate) fn copy_statement(&self, into: &str) -> String {
        format!("copy {into} ({}) from stdin (format binary)", self.names)
    }

    /// Adds a row to a COPY. The row must not be in the table yet.
    pub(crate) fn copy(&self, row: &R, to: &mut Tuples) -> Result<(), sqlx::Error> {
        to.begin(i16::try_from(self.columns.len()).unwrap_or(i16::MAX));
        self.columns.iter().try_for_each(|column| column.copy(row, to))
    }
}

fn list<'c, R: 'static>(
    columns: impl IntoIterator<Item = &'c Column<R>>,
    text: impl FnMut(&Column<R>) -> String,
) -> String {
    columns.into_iter().map(text).collect::<Vec<_>>().join(", ")
}
