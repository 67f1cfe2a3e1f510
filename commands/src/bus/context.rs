//! Who sends a command, why, and under which id.

use std::sync::Arc;

use serde::Serialize;
use uuid::Uuid;

use super::RequestHash;
use crate::trace::{self, Trace};

/// Who sends a command, its id, and what caused it.
#[derive(Debug, Clone)]
pub struct Context {
    /// Who sends it: `customer:`, `guest:`, `staff:`, `key:` or `system:`, and an id. Stored with
    /// every event.
    pub actor: Arc<str>,
    /// The log executes one command per id; a second command with this id gets the first result.
    pub command_id: Uuid,
    /// Distinguishes a repeated request from another one under the same idempotency key. If absent,
    /// an equal `command_id` always means a repetition.
    pub request_hash: Option<RequestHash>,
    /// The id of the command that started the chain of commands and events this one belongs to.
    pub correlation_id: Uuid,
    /// The position of the event that the command reacts to.
    pub caused_by: Option<i64>,
    /// The version of the command's subject that the caller has seen.
    pub expected_version: Option<i32>,
    /// The place in a trace from which the command is sent.
    pub trace: Option<Trace>,
}

impl Context {
    /// A command that is sent once.
    pub fn once(actor: impl Into<Arc<str>>) -> Context {
        Context::with_id(actor.into(), Uuid::now_v7())
    }

    /// A command that may be sent again under the caller's idempotency key, with the same `input`.
    ///
    /// # Errors
    /// If the input is not JSON.
    pub fn keyed(
        actor: impl Into<Arc<str>>,
        key: &str,
        mutation: &str,
        input: &impl Serialize,
    ) -> Result<Context, serde_json::Error> {
        Ok(Context::for_request(actor, key, RequestHash::new(key, mutation, input)?))
    }

    /// A command that may be sent again under the caller's key; `request` is the same each time.
    pub fn for_request(actor: impl Into<Arc<str>>, key: &str, request: RequestHash) -> Context {
        let actor = actor.into();
        let caller = Uuid::new_v5(&Uuid::NAMESPACE_OID, actor.as_bytes());
        let id = Uuid::new_v5(&caller, key.as_bytes());
        Context { request_hash: Some(request), ..Context::with_id(actor, id) }
    }

    /// Whether a command that the log has under the same id was this request. A command that is
    /// sent once, or by the program itself, has no hash: an equal id is always a repetition.
    pub(super) fn repeats(&self, stored: Option<&[u8; 32]>) -> bool {
        match (&self.request_hash, stored) {
            (Some(request), Some(stored)) => request.matches(stored),
            (None, None) => true,
            _ => false,
        }
    }

    /// A command of the program itself that reacts to an event or a deadline. `id` is derived from
    /// that event or deadline, so sending it again changes nothing. `worker` names the sender;
    /// `cause` is the position and the correlation id of the event.
    pub fn reaction(worker: &'static str, id: Uuid, cause: Option<(i64, Uuid)>) -> Context {
        let context = Context::with_id(format!("system:{worker}").into(), id);
        Context {
            correlation_id: cause.map_or(id, |(_, correlation_id)| correlation_id),
            caused_by: cause.map(|(position, _)| position),
            ..context
        }
    }

    fn with_id(actor: Arc<str>, command_id: Uuid) -> Context {
        Context {
            actor,
            command_id,
            request_hash: None,
            correlation_id: command_id,
            caused_by: None,
            expected_version: None,
            trace: None,
        }
    }

    /// What the log stores of the command named `command`.
    pub(super) fn record(&self, command: &'static str) -> event_store::CommandRecord {
        event_store::CommandRecord {
            id: self.command_id,
            request_hash: self.request_hash.as_ref().map(RequestHash::to_stored),
            metadata: trace::metadata(command, self.trace),
            correlation_id: self.correlation_id,
            caused_by: self.caused_by,
            actor: self.actor.to_string(),
        }
    }
}
