//! The settings of a NATS broker: URLs with credentials, and the name of the stream.

use std::fmt;
use std::str::FromStr;

use async_nats::ServerAddr;
use percent_encoding::percent_decode_str;
use url::Url;

/// The servers, and the stream that events are published to.
#[derive(Clone)]
pub(super) struct NatsStream {
    /// Their URLs without credentials, so that no log can contain those.
    pub(super) servers: Vec<ServerAddr>,
    pub(super) credentials: Option<Credentials>,
    pub(super) name: StreamName,
}

#[derive(Clone, PartialEq)]
pub(super) enum Credentials {
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
