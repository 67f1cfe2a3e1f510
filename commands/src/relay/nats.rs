//! NATS JetStream: the connection, the stream, and publishing in order.
//!
//! Each message carries its position as its id, by which the server drops duplicates within
//! [`DUPLICATE_WINDOW`], and the id of the message before it: the server refuses it unless that one was
//! the last. So if a message is lost, no later one takes its place, whatever an old connection or a
//! frozen node still sends.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use async_nats::connection::State;
use async_nats::jetstream::Context;
use async_nats::jetstream::context::{ContextBuilder, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::Config;
use async_nats::{ConnectOptions, ServerAddr};
use event_store::time_limits;
use futures::future::join_all;
use percent_encoding::percent_decode_str;
use url::Url;

use super::cloud_event::{BrokerMessage, MEDIA_TYPE};

/// Longer than a server keeps the connection of a client that does not answer, which is about five
/// minutes.
const DUPLICATE_WINDOW: Duration = Duration::from_secs(600);

/// The servers, and the stream that events are published to.
#[derive(Clone)]
pub(super) struct NatsStream {
    /// Their URLs without credentials, so that no log can contain those.
    servers: Vec<ServerAddr>,
    credentials: Option<Credentials>,
    name: StreamName,
}

#[derive(Clone, PartialEq)]
enum Credentials {
    Token(String),
    Password { user: String, password: String },
}

/// What is wrong with a URL. The message does not contain the URL, which may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadNatsUrl {
    #[error("it is not the URL of a NATS server, such as nats://127.0.0.1:4222")]
    Malformed,
    #[error("a password or token must not cross the network in clear text; use tls://")]
    PasswordInClear,
}

/// The name of a stream. In lower case it is the first part of every subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamName(String);

/// A text that cannot be the name of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a stream's name has 1 to 64 characters, each a letter, a digit, - or _")]
pub struct BadStreamName;

impl StreamName {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first part of every subject.
    pub(super) fn prefix(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl FromStr for StreamName {
    type Err = BadStreamName;

    fn from_str(text: &str) -> Result<StreamName, BadStreamName> {
        let is_good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if !(1..=64).contains(&text.len()) || !text.chars().all(is_good) {
            return Err(BadStreamName);
        }
        Ok(StreamName(text.to_owned()))
    }
}

impl Default for StreamName {
    fn default() -> StreamName {
        StreamName("CARTULARY".to_owned())
    }
}

impl NatsStream {
    pub(super) fn new(urls: &str, name: StreamName) -> Result<NatsStream, BadNatsUrl> {
        let (mut servers, mut credentials) = (Vec::new(), None);
        for url in urls.split(',').map(str::trim) {
            let (server, found) = server(url)?;
            servers.push(server);
            // All servers of a cluster accept the same users.
            credentials = credentials.or(found);
        }
        Ok(NatsStream { servers, credentials, name })
    }

    pub(super) fn prefix(&self) -> String {
        self.name.prefix()
    }

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

    /// Creates the stream if it does not exist, and never changes one that does: retention and replicas
    /// are the decision of whoever operates the broker.
    async fn find_stream(&self, jetstream: &Context) -> Result<(), String> {
        let wanted = Config {
            name: self.name.0.clone(),
            subjects: vec![format!("{}.>", self.prefix())],
            duplicate_window: DUPLICATE_WINDOW,
            ..Config::default()
        };
        let found = jetstream.get_or_create_stream(wanted).await;
        found.map(|_| ()).map_err(|error| error.to_string())
    }
}

/// Splits a URL into the address and the credentials.
fn server(url: &str) -> Result<(ServerAddr, Option<Credentials>), BadNatsUrl> {
    let mut url = Url::parse(url).map_err(|_| BadNatsUrl::Malformed)?;
    let host = url.host_str().unwrap_or_default();
    let is_local = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    let is_encrypted = url.scheme() == "tls";
    if host.is_empty()
        || !matches!(url.scheme(), "nats" | "tls")
        || !matches!(url.path(), "" | "/")
        || url.query().is_some()
    {
        return Err(BadNatsUrl::Malformed);
    }
    let credentials = credentials(&url)?;
    if credentials.is_some() && !is_encrypted && !is_local {
        return Err(BadNatsUrl::PasswordInClear);
    }
    url.set_username("").map_err(|()| BadNatsUrl::Malformed)?;
    url.set_password(None).map_err(|()| BadNatsUrl::Malformed)?;
    let server = ServerAddr::from_url(url).map_err(|_| BadNatsUrl::Malformed)?;
    Ok((server, credentials))
}

/// A URL with a user name and no password holds a token.
fn credentials(url: &Url) -> Result<Option<Credentials>, BadNatsUrl> {
    let decode = |text: &str| {
        let decoded = percent_decode_str(text).decode_utf8();
        decoded.map(|text| text.into_owned()).map_err(|_| BadNatsUrl::Malformed)
    };
    let user = decode(url.username())?;
    match url.password() {
        Some(password) => Ok(Some(Credentials::Password { user, password: decode(password)? })),
        None if user.is_empty() => Ok(None),
        None => Ok(Some(Credentials::Token(user))),
    }
}

impl fmt::Debug for NatsStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsStream").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Why not every message was acknowledged.
#[derive(Debug)]
pub(super) struct PublishError {
    /// How many messages were acknowledged, from the first on.
    pub(super) acknowledged: usize,
    /// Whether the broker answered, so the rest can be sent at once.
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

    /// Publishes the messages in this order. Without messages it only checks that it could.
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
        // A message that is sent now would wait until the connection is restored.
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
    // Another publisher has written to the stream. The next attempt does not name a last message.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn nats(urls: &str) -> Result<NatsStream, BadNatsUrl> {
        NatsStream::new(urls, StreamName::default())
    }

    #[test]
    fn a_bad_url_is_refused_without_showing_its_password() {
        for (url, expected) in [
            ("", BadNatsUrl::Malformed),
            ("nats.example:4222", BadNatsUrl::Malformed),
            ("nats://", BadNatsUrl::Malformed),
            ("http://u:hunter2@nats.example", BadNatsUrl::Malformed),
            ("nats://nats.example/path", BadNatsUrl::Malformed),
            ("nats://localhost,", BadNatsUrl::Malformed),
            ("nats://u:hunter2@nats.example", BadNatsUrl::PasswordInClear),
            ("nats://localhost,nats://hunter2@nats.example", BadNatsUrl::PasswordInClear),
        ] {
            let error = nats(url).unwrap_err();
            assert_eq!(error, expected, "{url}");
            assert!(!error.to_string().contains("hunter2"));
        }
    }

    #[test]
    fn credentials_are_removed_from_the_address() {
        let password = |user: &str, password: &str| {
            let (user, password) = (user.to_owned(), password.to_owned());
            Some(Credentials::Password { user, password })
        };
        for (url, expected) in [
            ("nats://nats.example", None),
            ("tls://shop:p%40ss@nats.example:4222", password("shop", "p@ss")),
            ("nats://t0ken@127.0.0.1", Some(Credentials::Token("t0ken".to_owned()))),
            ("tls://a:b@one.example, tls://two.example", password("a", "b")),
        ] {
            let nats = nats(url).unwrap();
            assert!(nats.credentials == expected, "{url}");
            assert!(nats.servers.iter().all(|server| !server.has_user_pass()), "{url}");
        }
    }

    #[test]
    fn a_streams_name_is_part_of_every_subject() {
        assert_eq!("Shop-2".parse::<StreamName>().unwrap().prefix(), "shop-2");
        for bad in ["", "a.b", "a b", "a>", "*", &"a".repeat(65)] {
            assert_eq!(bad.parse::<StreamName>(), Err(BadStreamName), "{bad}");
        }
    }
}
