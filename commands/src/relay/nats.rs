//! NATS JetStream: the connection, the stream, and publishing in order.
//!
//! Each message carries its position as its id, by which the server drops duplicates within
//! [`DUPLICATE_WINDOW`], and the id of the message before it: the server refuses the message unless
//! that one is its last. So if a message is lost, no later message is stored before it, even if an
//! old connection or a frozen node still sends one.

use std::time::Duration;

use async_nats::ConnectOptions;
use async_nats::connection::State;
use async_nats::jetstream::Context;
use async_nats::jetstream::context::{ContextBuilder, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::Config;
use event_store::time_limits;
use futures::future::join_all;

use super::cloud_event::{BrokerMessage, MEDIA_TYPE};
use super::nats_settings::{Credentials, NatsStream};

/// Longer than a server keeps the connection of a client that does not answer, which is about five
/// minutes.
const DUPLICATE_WINDOW: Duration = Duration::from_secs(600);

impl NatsStream {
    async fn connect(&self) -> Result<Context, String> {
        let options = ConnectOptions::new()
            .name("cartulary relay")
            .connection_timeout(time_limits::BROKER)
            .request_timeout(Some(time_limits::BROKER));
        let options = match self.credentials.clone() {
            None => options,
            Some(Credentials::Token(token)) => options.token(token),
            Some(Credentials::Password { user, password }) => {
                options.user_and_password(user, password)
            }
        };
        let connecting = options.connect(self.servers.as_slice());
        let connected = tokio::time::timeout(time_limits::BROKER, connecting).await;
        let client = connected.map_err(|_| "the broker did not answer in time")?;
        let client = client.map_err(|error| error.to_string())?;
        Ok(ContextBuilder::new().timeout(time_limits::BROKER).build(client))
    }

    /// Creates the stream if it does not exist, and never changes an existing one: the broker's
    /// operator decides about retention and replicas.
    async fn find_stream(&self, jetstream: &Context) -> Result<(), String> {
        let wanted = Config {
            name: self.name.as_str().to_owned(),
            subjects: vec![format!("{}.>", self.prefix())],
            duplicate_window: DUPLICATE_WINDOW,
            ..Config::default()
        };
        let found = jetstream.get_or_create_stream(wanted).await;
        found.map(|_| ()).map_err(|error| error.to_string())
    }
}

/// Why not every message was acknowledged.
#[derive(Debug)]
pub(super) struct PublishError {
    /// How many messages were acknowledged, from the first on.
    pub(super) acknowledged: usize,
    /// Whether the broker answered, so that the other messages can be sent at once.
    pub(super) answered: bool,
    pub(super) reason: String,
}

/// Publishes to the stream, over one connection.
pub(super) struct Publisher {
    nats: NatsStream,
    /// The client restores a lost connection by itself.
    jetstream: Option<Context>,
    has_stream: bool,
    /// The last message that was acknowledged, if nothing has failed since.
    last: Option<i64>,
}

impl Publisher {
    pub(super) fn new(nats: NatsStream) -> Publisher {
        Publisher { nats, jetstream: None, has_stream: false, last: None }
    }

    pub(super) fn is_connected(&self) -> bool {
        let connected = |context: &Context| context.client().connection_state() == State::Connected;
        self.has_stream && self.jetstream.as_ref().is_some_and(connected)
    }

    /// Publishes the messages in this order. Without messages it only checks the connection and the
    /// stream.
    ///
    /// # Errors
    /// Not every message was acknowledged.
    pub(super) async fn publish(&mut self, messages: &[BrokerMessage]) -> Result<(), PublishError> {
        let unreachable = |reason| PublishError { acknowledged: 0, answered: false, reason };
        let jetstream = self.ready().await.map_err(unreachable)?;
        let outcome = send(&jetstream, self.last.take(), messages).await;
        match &outcome {
            Ok(()) => self.last = messages.last().map(|message| message.position),
            // The stream may have been deleted.
            Err(error) => self.has_stream = error.answered,
        }
        outcome
    }

    async fn ready(&mut self) -> Result<Context, String> {
        let jetstream = match self.jetstream.take() {
            Some(known) => known,
            None => self.nats.connect().await?,
        };
        let jetstream = self.jetstream.insert(jetstream).clone();
        // Without this check, a message would wait until the connection is restored.
        if jetstream.client().connection_state() != State::Connected {
            return Err("the connection to the broker is lost".to_owned());
        }
        if !self.has_stream {
            self.nats.find_stream(&jetstream).await?;
            self.has_stream = true;
        }
        Ok(jetstream)
    }
}

/// Sends all messages, then waits for the acknowledgements.
async fn send(
    jetstream: &Context,
    mut last: Option<i64>,
    messages: &[BrokerMessage],
) -> Result<(), PublishError> {
    let (mut sent, mut failure) = (Vec::with_capacity(messages.len()), None);
    for message in messages {
        match jetstream.send_publish(message.subject.clone(), publish_message(message, last)).await
        {
            Ok(acknowledgement) => sent.push(acknowledgement.into_future()),
            Err(error) => {
                failure = Some(error);
                break;
            }
        }
        last = Some(message.position);
    }
    let mut acknowledged = 0;
    for acknowledgement in join_all(sent).await {
        match acknowledgement {
            Ok(_) => acknowledged += 1,
            Err(error) => {
                failure = Some(error);
                break;
            }
        }
    }
    let Some(error) = failure else { return Ok(()) };
    // Another publisher has written to the stream. The next attempt names no last message.
    let answered = error.kind() == PublishErrorKind::WrongLastMessageId;
    Err(PublishError { acknowledged, answered, reason: error.to_string() })
}

fn publish_message(message: &BrokerMessage, last: Option<i64>) -> PublishMessage {
    let publish = PublishMessage::build()
        .payload(message.body.clone().into())
        .header("Content-Type", MEDIA_TYPE)
        .message_id(message.position.to_string());
    match last {
        Some(last) => publish.expected_last_message_id(last.to_string()),
        None => publish,
    }
}
