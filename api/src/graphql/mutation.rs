//! The steps that every mutation shares: executing its command and rendering its payload.

use async_graphql::{Context, ID};
use commands::{Command, CommandError, Receipt, Subject, Trace};
use domain::{ErrorCode, Refusal};
use serde::Serialize;
use uuid::Uuid;

use super::errors::{Failure, UserError, in_input};
use super::position::Position;
use super::request;
use super::shop::{Shop, caller, shop};
use crate::auth::Caller;

/// The options of a mutation's input that decide how its command is executed.
#[derive(Debug, Clone, Copy)]
pub struct MutationOptions<'i> {
    /// The idempotency key: a repetition under the same key is not executed again.
    pub key: Option<&'i ID>,
    /// The mutation is refused unless the object is at this version.
    pub expected_version: Option<i32>,
}

impl<'i> MutationOptions<'i> {
    /// `key` is an `&ID` if the input requires a key, and an `&Option<ID>` if the key is optional.
    pub fn new(key: impl Into<Option<&'i ID>>, expected_version: Option<i32>) -> Self {
        MutationOptions { key: key.into(), expected_version }
    }
}

/// The result of a mutation that was executed.
#[derive(Debug)]
pub struct Completed<T> {
    pub object: T,
    /// The position of the command's last event.
    pub position: i64,
    /// Whether the command was executed by an earlier request with the same key.
    pub replayed: bool,
}

impl<T> Completed<T> {
    /// Renders the object from the command's subject.
    ///
    /// # Errors
    /// `NOT_FOUND` at this field of the input, if the command has no subject that can be rendered.
    pub fn from_receipt(
        receipt: Receipt,
        field: &str,
        render: impl FnOnce(Subject) -> Option<T>,
    ) -> Result<Self, Failure> {
        let Receipt { position, replayed, subject, .. } = receipt;
        let object = subject.and_then(render).ok_or_else(|| Failure::not_found(field))?;
        Ok(Completed { object, position, replayed })
    }
}

/// Executes a command for the caller. A repeated request with the same key must have the same `input`.
pub async fn execute(
    ctx: &Context<'_>,
    input: &impl Serialize,
    options: MutationOptions<'_>,
    command: impl Command,
) -> Result<Receipt, Failure> {
    execute_with_paths(ctx, input, options, command, |_| None).await
}

/// Executes a command like [`execute`]. `path_of` finds the input field that a refusal is about, because the domain does
/// not know the inputs of the API. If it returns `None`, the path is that of the refusal itself.
pub async fn execute_with_paths(
    ctx: &Context<'_>,
    input: &impl Serialize,
    options: MutationOptions<'_>,
    command: impl Command,
    path_of: impl FnOnce(&Refusal) -> Option<Vec<String>>,
) -> Result<Receipt, Failure> {
    let context = build_context(ctx, input, options, command.name())?;
    let Shop { bus, policy, .. } = shop(ctx);
    let executed =
        tokio::time::timeout(policy.wait_for_command, bus.execute(command, context)).await;
    executed.unwrap_or(Err(CommandError::TimedOut)).map_err(|error| {
        let path = match &error {
            CommandError::Refused(refusal) => path_of(refusal),
            _ => None,
        };
        let failure = Failure::from(error);
        if let Some(path) = path { failure.with_path(&path) } else { failure }
    })
}

/// Builds the command's context: who sends it, with which idempotency key, and in which trace.
fn build_context(
    ctx: &Context<'_>,
    input: &impl Serialize,
    options: MutationOptions<'_>,
    command: &'static str,
) -> Result<commands::Context, Failure> {
    let actor = caller(ctx).actor();
    let context = match options.key {
        None => commands::Context::once(actor),
        Some(key) => {
            check_key(key, caller(ctx))?;
            let request = request::hash(ctx, key, command, input)?;
            commands::Context::for_request(actor, key, request)
        }
    };
    let trace = ctx.data_opt::<Option<Trace>>().copied().flatten();
    Ok(commands::Context { expected_version: options.expected_version, trace, ..context })
}

/// Checks the form of an idempotency key. Anonymous callers share one actor, so their keys must be random, or the key of
/// one would refuse the request of another.
fn check_key(key: &ID, caller: &Caller) -> Result<(), Failure> {
    let refuse = |message| {
        let path = in_input("idempotencyKey");
        Err(UserError::new(ErrorCode::InvalidInput, message, path).into())
    };
    if key.is_empty() || key.len() > 255 {
        return refuse("idempotencyKey must have 1 to 255 characters");
    }
    let is_random = || key.parse::<Uuid>().is_ok_and(|id| id.get_version_num() == 4);
    if caller.role().is_none() && !is_random() {
        return refuse(
            "idempotencyKey must be a random UUID (version 4), because the caller is not signed in",
        );
    }
    Ok(())
}

/// Declares the payload of a mutation: the changed object, and the fields that all payloads have. The descriptions contain
/// the name of the mutation.
macro_rules! payload {
    ($mutation:ident => $name:ident { $(#[$field_doc:meta])* $field:ident: $object:ty }) => {
        #[doc = concat!(
            "The result of `", stringify!($mutation),
            "`, or the errors that say why nothing was changed."
        )]
        #[derive(Debug, async_graphql::SimpleObject)]
        pub struct $name {
            $(#[$field_doc])*
            pub $field: Option<$object>,
            #[doc = concat!(
                "Why `", stringify!($mutation),
                "` was refused; empty if it succeeded. A refused mutation changes nothing."
            )]
            pub errors: Vec<$crate::graphql::errors::UserError>,
            #[doc = concat!(
                "Pass it as `minPosition` to a query that must show the result of `",
                stringify!($mutation), "`. Null if it was refused."
            )]
            pub position: Option<$crate::graphql::position::Position>,
            #[doc = concat!(
                "True if this request repeats a `", stringify!($mutation), "` that was carried out before ",
                "with the same idempotency key. Nothing is changed again: `position` is that of the first ",
                "execution, and the object is shown in its present state."
            )]
            pub replayed: bool,
        }

        impl $name {
            fn render(
                result: Result<$crate::graphql::mutation::Completed<$object>, $crate::graphql::errors::Failure>,
            ) -> async_graphql::Result<Self> {
                let $crate::graphql::mutation::PayloadFields { object, errors, position, replayed } =
                    $crate::graphql::mutation::PayloadFields::from_result(result)?;
                Ok($name { $field: object, errors, position, replayed })
            }
        }
    };
}
pub(super) use payload;

/// The fields that every payload has.
#[derive(Debug)]
pub struct PayloadFields<T> {
    pub object: Option<T>,
    pub errors: Vec<UserError>,
    pub position: Option<Position>,
    pub replayed: bool,
}

impl<T> PayloadFields<T> {
    /// # Errors
    /// An error that belongs to the top level of the answer and not into the payload.
    pub fn from_result(result: Result<Completed<T>, Failure>) -> async_graphql::Result<Self> {
        match result {
            Ok(Completed { object, position, replayed }) => {
                let position = Some(Position(position));
                Ok(PayloadFields { object: Some(object), errors: Vec::new(), position, replayed })
            }
            Err(Failure::InPayload(errors)) => {
                Ok(PayloadFields { object: None, errors, position: None, replayed: false })
            }
            Err(Failure::TopLevel(error)) => Err(error),
        }
    }
}
