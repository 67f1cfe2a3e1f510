//! How every mutation goes: parse, execute, render.

use async_graphql::{Context, ID};
use commands::{Command, CommandError, Receipt, Subject, Trace};
use domain::{ErrorCode, Refusal};
use serde::Serialize;
use uuid::Uuid;

use super::errors::{Failure, UserError, in_input};
use super::position::Position;
use super::shop::{caller, shop};
use crate::auth::Caller;

/// The parts of an input that say how often and on what it is to be done.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'i> {
    pub key: Option<&'i ID>,
    pub expected_version: Option<i32>,
}

impl<'i> Terms<'i> {
    /// The key is an `ID` where the input asks for one, and an `Option` where it may be left out.
    pub fn of(key: impl Into<Option<&'i ID>>, expected_version: Option<i32>) -> Self {
        Terms { key: key.into(), expected_version }
    }
}

/// What a mutation came to: its object, if it was done.
#[derive(Debug)]
pub struct Done<T> {
    pub object: T,
    pub position: i64,
    pub replayed: bool,
}

impl<T> Done<T> {
    /// With the object that is rendered from the command's subject.
    ///
    /// # Errors
    /// Where there is none: what this field of the input names does not exist.
    pub fn of(
        receipt: Receipt,
        field: &str,
        render: impl FnOnce(Subject) -> Option<T>,
    ) -> Result<Self, Failure> {
        let Receipt { position, replayed, subject, .. } = receipt;
        let object = subject.and_then(render).ok_or_else(|| Failure::not_found(field))?;
        Ok(Done { object, position, replayed })
    }
}

/// Executes a command for the caller. `input` is what a repetition under the same key must repeat.
pub async fn execute(
    ctx: &Context<'_>,
    input: &impl Serialize,
    terms: Terms<'_>,
    command: impl Command,
) -> Result<Receipt, Failure> {
    execute_at(ctx, input, terms, command, |_| None).await
}

/// Likewise; `place` finds the input field that a refusal is about, where the domain, which knows
/// nothing of inputs, cannot name it.
pub async fn execute_at(
    ctx: &Context<'_>,
    input: &impl Serialize,
    terms: Terms<'_>,
    command: impl Command,
    place: impl FnOnce(&Refusal) -> Option<Vec<String>>,
) -> Result<Receipt, Failure> {
    let actor = caller(ctx).actor();
    let context = match terms.key {
        None => commands::Context::once(actor),
        Some(key) => {
            check_key(key, caller(ctx))?;
            commands::Context::keyed(actor, key, command.name(), input).map_err(|error| {
                tracing::error!(%error, "an input cannot be hashed");
                super::errors::fault("INTERNAL", "internal error")
            })?
        }
    };
    let trace = ctx.data_opt::<Option<Trace>>().copied().flatten();
    let expected_version = terms.expected_version;
    let context = commands::Context { expected_version, trace, ..context };
    shop(ctx).bus.execute(command, context).await.map_err(|error| {
        let path = match &error {
            CommandError::Refused(refusal) => place(refusal),
            _ => None,
        };
        match (Failure::from(error), path) {
            (Failure::User(errors), Some(path)) => {
                Failure::User(errors.into_iter().map(|error| error.at(path.clone())).collect())
            }
            (failure, _) => failure,
        }
    })
}

/// Strangers share one name, so only chance keeps their keys apart.
fn check_key(key: &ID, caller: &Caller) -> Result<(), Failure> {
    let refuse = |message| {
        let path = in_input("idempotencyKey");
        Err(UserError::new(ErrorCode::InvalidInput, message, path).into())
    };
    if key.is_empty() || key.len() > 255 {
        return refuse("an idempotency key has 1 to 255 characters");
    }
    let random = || key.parse::<Uuid>().is_ok_and(|id| id.get_version_num() == 4);
    if caller.role().is_none() && !random() {
        return refuse("without signing in, an idempotency key is a random UUID");
    }
    Ok(())
}

/// Declares the payload of a mutation: the object under its own name beside what all have.
macro_rules! payload {
    ($(#[$doc:meta])* $name:ident { $(#[$field_doc:meta])* $field:ident: $object:ty }) => {
        $(#[$doc])*
        #[derive(Debug, async_graphql::SimpleObject)]
        pub struct $name {
            $(#[$field_doc])*
            pub $field: Option<$object>,
            /// What kept it from being done; then nothing was changed.
            pub errors: Vec<$crate::graphql::errors::UserError>,
            /// The position of the last event: ask with this `minPosition` to see the result.
            pub position: Option<$crate::graphql::position::Position>,
            /// It had been done before, under the same key; this is the first result's position and
            /// the object as it now stands.
            pub replayed: bool,
        }

        impl $name {
            fn render(
                done: Result<$crate::graphql::mutation::Done<$object>, $crate::graphql::errors::Failure>,
            ) -> async_graphql::Result<Self> {
                let (object, errors, position, replayed) = $crate::graphql::mutation::parts(done)?;
                Ok($name { $field: object, errors, position, replayed })
            }
        }
    };
}
pub(super) use payload;

type Parts<T> = (Option<T>, Vec<UserError>, Option<Position>, bool);

/// The parts of a payload, or a fault, which is told at the top level.
pub fn parts<T>(done: Result<Done<T>, Failure>) -> async_graphql::Result<Parts<T>> {
    match done {
        Ok(Done { object, position, replayed }) => {
            Ok((Some(object), vec![], Some(Position(position)), replayed))
        }
        Err(Failure::User(errors)) => Ok((None, errors, None, false)),
        Err(Failure::Fault(error)) => Err(error),
    }
}
