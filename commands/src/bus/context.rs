//! Who asks, why, and under which key.

use std::sync::Arc;

use serde::Serialize;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::trace::{self, Trace};

/// The circumstances of a command.
#[derive(Debug, Clone)]
pub struct Context {
    /// `customer:`, `guest:`, `staff:`, `key:` or `system:`, and an id; stored with every event.
    pub actor: Arc<str>,
    pub command_id: Uuid,
    /// Tells a repetition from another request under the same key; without one, an equal
    /// `command_id` is always a repetition.
    pub request_hash: Option<[u8; 32]>,
    pub correlation_id: Uuid,
    /// The position of the event that a reaction answers.
    pub caused_by: Option<i64>,
    /// The version of the command's subject that the caller has seen.
    pub expected_version: Option<i32>,
    /// Where in which trace the command is sent.
    pub trace: Option<Trace>,
}

impl Context {
    /// A command that is sent once.
    pub fn once(actor: impl Into<Arc<str>>) -> Context {
        Context::with_id(actor.into(), Uuid::now_v7())
    }

    /// A command that may be sent again under the caller's key, with the same `input`.
    ///
    /// The key is hashed along with the input, and stored nowhere: whoever reads the log cannot
    /// guess personal data and compare.
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

    /// A command of the program itself, in answer to an event or to time; `id` is derived from what
    /// it answers, so that doing it again changes nothing.
    pub fn reaction(part: &'static str, id: Uuid, cause: Option<(i64, Uuid)>) -> Context {
        let context = Context::with_id(format!("system:{part}").into(), id);
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

    /// What the log stores of a command of this name.
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
