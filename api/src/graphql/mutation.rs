//! How every mutation goes: parse, execute, render.

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

/// What every mutation's input may say about how it is executed.
#[derive(Debug, Clone, Copy)]
pub struct MutationOptions<'i> {
    /// The idempotency key: a repetition under the same key is not executed again.
    pub key: Option<&'i ID>,
    /// The mutation is refused unless the object is at this version.
    pub expected_version: Option<i32>,
}

impl<'i> MutationOptions<'i> {
    /// The key is an `ID` where the input asks for one, and an `Option` where it may be left out.
    pub fn new(key: impl Into<Option<&'i ID>>, expected_version: Option<i32>) -> Self {
        MutationOptions { key: key.into(), expected_version }
    }
}

/// A mutation that was executed: its object and the position of its last event.
#[derive(Debug)]
pub struct Completed<T> {
    pub object: T,
    pub position: i64,
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

/// Executes a command for the caller. A repetition under the same key must have the same `input`.
pub async fn execute(
    ctx: &Context<'_>,
    input: &impl Serialize,
    options: MutationOptions<'_>,
    command: impl Command,
) -> Result<Receipt, Failure> {
    execute_with_paths(ctx, input, options, command, |_| None).await
}

/// Executes a command like [`execute`]. `path_of` finds the input field that a refusal is about where the
/// domain cannot name it, because the domain knows nothing of inputs.
pub async fn execute_with_paths(
    ctx: &Context<'_>,
    input: &impl Serialize,
    options: MutationOptions<'_>,
    command: impl Command,
    path_of: impl FnOnce(&Refusal) -> Option<Vec<String>>,
) -> Result<Receipt, Failure> {
    let context = context(ctx, input, options, command.name())?;
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

/// The command's context: who sends it, under which key, in which trace.
fn context(
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

/// Callers who have not signed in share one actor, so only random keys keep their requests apart.
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

/// Declares the payload of a mutation: the object under its own name beside what all have. The name of
/// the mutation stands in the descriptions.
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
                "True if the same `", stringify!($mutation),
                "` was done before under this idempotency key, so that nothing was done now. ",
                "`position` is the first one, and the object is shown as it is now."
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
    /// A fault, which belongs into the answer's top-level errors and not into the payload.
    pub fn from_result(result: Result<Completed<T>, Failure>) -> async_graphql::Result<Self> {
        match result {
            Ok(Completed { object, position, replayed }) => {
                let position = Some(Position(position));
                Ok(PayloadFields { object: Some(object), errors: Vec::new(), position, replayed })
            }
            Err(Failure::User(errors)) => {
                Ok(PayloadFields { object: None, errors, position: None, replayed: false })
            }
            Err(Failure::Fault(error)) => Err(error),
        }
    }
}
