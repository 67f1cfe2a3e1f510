//! Who sends a command, why, and under which id.

use std::sync::Arc;

use serde::Serialize;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::trace::{self, Trace};

/// The circumstances of a command.
#[derive(Debug, Clone)]
pub struct Context {
    /// Who sends it: `customer:`, `guest:`, `staff:`, `key:` or `system:`, and an id. Stored with every
    /// event.
    pub actor: Arc<str>,
    /// The log carries out one command per id; a second one is answered with the first result.
    pub command_id: Uuid,
    /// Tells a repeated request from another one under the same idempotency key. If absent, an equal
    /// `command_id` always means a repetition.
    pub request_hash: Option<[u8; 32]>,
    /// The id of the command that started the chain of commands and events this one belongs to.
    pub correlation_id: Uuid,
    /// The position of the event that a reaction answers.
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
    /// The key is hashed together with the input and is not stored, so a reader of the log cannot
    /// guess personal data and compare hashes.
    pub fn keyed(
        actor: impl Into<Arc<str>>,
        key: &str,
        mutation: &str,
        input: &impl Serialize,
    ) -> Result<Context, serde_json::Error> {
        let actor = actor.into();
        let caller = Uuid::new_v5(&Uuid::NAMESPACE_OID, actor.as_bytes());
        let id = Uuid::new_v5(&caller, key.as_bytes());
        let input = serde_json::to_vec(input)?;
        let hash = [key.as_bytes(), mutation.as_bytes(), &input]
            .iter()
            .fold(Sha256::new(), |hash, part| {
                hash.chain_update((part.len() as u64).to_be_bytes()).chain_update(part)
            });
        let request_hash = Some(hash.finalize().into());
        Ok(Context { request_hash, ..Context::with_id(actor, id) })
    }

    /// A command of the program itself, in answer to an event or a deadline. `id` is derived from that
    /// event or deadline, so that sending it again changes nothing. `worker` names the sender; `cause`
    /// is the position and the correlation id of the event.
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
            request_hash: self.request_hash,
            metadata: trace::metadata(command, self.trace),
            correlation_id: self.correlation_id,
            caused_by: self.caused_by,
            actor: self.actor.to_string(),
        }
    }
}
