//! NATS JetStream: the connection, the stream, and messages that stay in order.
//!
//! Each message carries its position as its id, by which the server drops repetitions for as long as
//! [`DUPLICATE_WINDOW`], and the id of the message before it, without which it is refused. So nothing
//! overtakes what was lost, whatever a connection or a frozen node still sends.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use async_nats::connection::State;
use async_nats::jetstream::Context;
use async_nats::jetstream::context::{ContextBuilder, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::Config;
use async_nats::{ConnectOptions, ServerAddr};
use futures::future::join_all;
use percent_encoding::percent_decode_str;
use url::Url;

use super::cloud_event::{MEDIA_TYPE, Message};

/// How long to wait for a connection, and for acknowledgements.
const PATIENCE: Duration = Duration::from_secs(2);

/// Longer than a server keeps the connection of a client that does not answer: about five minutes.
const DUPLICATE_WINDOW: Duration = Duration::from_secs(600);

/// Where JetStream is, and which of its streams is meant.
#[derive(Clone)]
pub(super) struct Nats {
    /// Without credentials, so that no log can show them.
    servers: Vec<ServerAddr>,
    credentials: Option<Credentials>,
    stream: StreamName,
}

#[derive(Clone, PartialEq)]
enum Credentials {
    Token(String),
    Password { user: String, password: String },
}

/// What is wrong with a URL, which is not shown: it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadNatsUrl {
    #[error("it is no URL of a NATS server, such as nats://127.0.0.1:4222")]
    Malformed,
    #[error("a password or token is not sent over a network in clear text; use tls://")]
    PasswordInClear,
}

/// The name of a stream; in lower case, subjects begin with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamName(String);

/// A text that names no stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a stream's name has 1 to 64 letters, digits, - and _")]
pub struct BadStreamName;

impl StreamName {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What subjects begin with.
    pub(super) fn prefix(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl FromStr for StreamName {
    type Err = BadStreamName;

    fn from_str(text: &str) -> Result<StreamName, BadStreamName> {
        let is_good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        match (1..=64).contains(&text.len()) && text.chars().all(is_good) {
            true => Ok(StreamName(text.to_owned())),
            false => Err(BadStreamName),
        }
    }
}

impl Default for StreamName {
    fn default() -> StreamName {
        StreamName("CARTULARY".to_owned())
    }
}

impl Nats {
    pub(super) fn new(urls: &str, stream: StreamName) -> Result<Nats, BadNatsUrl> {
        let (mut servers, mut credentials) = (Vec::new(), None);
        for url in urls.split(',').map(str::trim) {
            let (server, found) = server(url)?;
            servers.push(server);
            // Servers of one cluster know the same users.
            credentials = credentials.or(found);
        }
        Ok(Nats { servers, credentials, stream })
    }

    pub(super) fn prefix(&self) -> String {
        self.stream.prefix()
    }

    async fn connect(&self) -> Result<Context, String> {
        let options = ConnectOptions::new()
            .name("cartulary relay")
            .connection_timeout(PATIENCE)
            .request_timeout(Some(PATIENCE));
        let options = match self.credentials.clone() {
            None => options,
            Some(Credentials::Token(token)) => options.token(token),
            Some(Credentials::Password { user, password }) => {
                options.user_and_password(user, password)
            }
        };
        let connecting = options.connect(self.servers.as_slice());
        let connected = tokio::time::timeout(PATIENCE, connecting).await;
        let client = connected.map_err(|_| "no answer in time")?;
        let client = client.map_err(|error| error.to_string())?;
        Ok(ContextBuilder::new().timeout(PATIENCE).build(client))
    }

    /// Made where it is missing, and never changed: how long it keeps what, on how many servers, is up
    /// to whoever runs the broker.
    async fn find_stream(&self, jetstream: &Context) -> Result<(), String> {
        let wanted = Config {
            name: self.stream.0.clone(),
            subjects: vec![format!("{}.>", self.prefix())],
            duplicate_window: DUPLICATE_WINDOW,
            ..Config::default()
        };
        let found = jetstream.get_or_create_stream(wanted).await;
        found.map(|_| ()).map_err(|error| error.to_string())
    }
}

/// The address and the credentials of a URL.
fn server(url: &str) -> Result<(ServerAddr, Option<Credentials>), BadNatsUrl> {
    let mut url = Url::parse(url).map_err(|_| BadNatsUrl::Malformed)?;
    let host = url.host_str().unwrap_or_default();
    let nearby = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    let sealed = url.scheme() == "tls";
    if host.is_empty()
        || !matches!(url.scheme(), "nats" | "tls")
        || !matches!(url.path(), "" | "/")
        || url.query().is_some()
    {
        return Err(BadNatsUrl::Malformed);
    }
    let credentials = credentials(&url)?;
    if credentials.is_some() && !sealed && !nearby {
        return Err(BadNatsUrl::PasswordInClear);
    }
    url.set_username("").map_err(|()| BadNatsUrl::Malformed)?;
    url.set_password(None).map_err(|()| BadNatsUrl::Malformed)?;
    let server = ServerAddr::from_url(url).map_err(|_| BadNatsUrl::Malformed)?;
    Ok((server, credentials))
}

/// A name without a password is a token.
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

impl fmt::Debug for Nats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nats").field("stream", &self.stream).finish_non_exhaustive()
    }
}

/// Not everything was taken.
#[derive(Debug)]
pub(super) struct Interrupted {
    /// So many messages from the first on were.
    pub(super) taken: usize,
    /// Somebody answered, so the rest may be sent at once.
    pub(super) answered: bool,
    pub(super) reason: String,
}

/// The one who talks to JetStream.
pub(super) struct Publisher {
    nats: Nats,
    /// The client sees to it that the connection comes back.
    jetstream: Option<Context>,
    has_stream: bool,
    /// The last message that was taken, if nothing has failed since.
    last: Option<i64>,
}

impl Publisher {
    pub(super) fn new(nats: Nats) -> Publisher {
        Publisher { nats, jetstream: None, has_stream: false, last: None }
    }

    pub(super) fn is_connected(&self) -> bool {
        let connected = |context: &Context| context.client().connection_state() == State::Connected;
        self.has_stream && self.jetstream.as_ref().is_some_and(connected)
    }

    /// Publishes the messages in this order. None at all finds out whether it could be done.
    pub(super) async fn publish(&mut self, messages: &[Message]) -> Result<(), Interrupted> {
        let nobody = |reason| Interrupted { taken: 0, answered: false, reason };
        let jetstream = self.ready().await.map_err(nobody)?;
        let outcome = send(&jetstream, self.last.take(), messages).await;
        match &outcome {
            Ok(()) => self.last = messages.last().map(|message| message.position),
            // The stream may be gone.
            Err(interrupted) => self.has_stream = interrupted.answered,
        }
        outcome
    }

    async fn ready(&mut self) -> Result<Context, String> {
        let jetstream = match self.jetstream.take() {
            Some(known) => known,
            None => self.nats.connect().await?,
        };
        let jetstream = self.jetstream.insert(jetstream).clone();
        // What is sent meanwhile would wait for the connection to come back.
        if jetstream.client().connection_state() != State::Connected {
            return Err("the connection is lost".to_owned());
        }
        if !self.has_stream {
            self.nats.find_stream(&jetstream).await?;
            self.has_stream = true;
        }
        Ok(jetstream)
    }
}

/// Sends all, then waits for the acknowledgements.
async fn send(
    jetstream: &Context,
    mut last: Option<i64>,
    messages: &[Message],
) -> Result<(), Interrupted> {
    let (mut sent, mut problem) = (Vec::with_capacity(messages.len()), None);
    for message in messages {
        match jetstream.send_publish(message.subject.clone(), outgoing(message, last)).await {
            Ok(acknowledgement) => sent.push(acknowledgement.into_future()),
            Err(error) => {
                problem = Some(error);
                break;
            }
        }
        last = Some(message.position);
    }
    let mut taken = 0;
    for acknowledged in join_all(sent).await {
        match acknowledged {
            Ok(_) => taken += 1,
            Err(error) => {
                problem = Some(error);
                break;
            }
        }
    }
    let Some(error) = problem else { return Ok(()) };
    // Somebody else wrote into the stream; the next try begins a chain of its own.
    let answered = error.kind() == PublishErrorKind::WrongLastMessageId;
    Err(Interrupted { taken, answered, reason: error.to_string() })
}

fn outgoing(message: &Message, last: Option<i64>) -> PublishMessage {
    let outgoing = PublishMessage::build()
        .payload(message.body.clone().into())
        .header("Content-Type", MEDIA_TYPE)
        .message_id(message.position.to_string());
    match last {
        Some(last) => outgoing.expected_last_message_id(last.to_string()),
        None => outgoing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nats(urls: &str) -> Result<Nats, BadNatsUrl> {
        Nats::new(urls, StreamName::default())
    }

    #[test]
    fn what_is_no_nats_server_is_refused_without_showing_the_password() {
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
    fn credentials_are_taken_out_of_the_address() {
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
