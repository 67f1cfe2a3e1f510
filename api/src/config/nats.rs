//! The broker that events are published to.

use std::fmt;

use commands::relay::{Broker, StreamName};

use super::{ConfigError, Options};
use crate::secret::{Secret, masked_url};

/// The settings of NATS JetStream.
#[derive(Debug, Clone, PartialEq)]
pub struct Nats {
    /// Secret, because it may hold a password. Several servers of one cluster are separated by commas.
    pub url: Secret,
    pub stream: StreamName,
}

/// Reads the settings; `None` if no broker is configured.
pub(super) fn read(options: &Options, errors: &mut Vec<ConfigError>) -> Option<Nats> {
    let url = options.nats_url.as_ref().filter(|url| !url.is_empty())?;
    let stream = options.nats_stream.clone();
    if let Err(source) = Broker::nats(url, stream.clone()) {
        errors.push(ConfigError::NatsUrl(source));
    }
    Some(Nats { url: Secret::new(url.as_str()), stream })
}

/// Prints one line per setting, with the name of its variable. Passwords are masked.
pub(super) fn write(nats: Option<&Nats>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Some(Nats { url, stream }) = nats else { return writeln!(f, "NATS_URL=(none)") };
    let urls: Vec<_> = url.expose().split(',').map(|url| mask_credentials(url.trim())).collect();
    writeln!(f, "NATS_URL={}", urls.join(","))?;
    writeln!(f, "CARTULARY_NATS_STREAM={}", stream.as_str())
}

/// Masks the user too, because a user without a password is a token.
fn mask_credentials(url: &str) -> String {
    let url = masked_url(url);
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, location))) => format!("{scheme}://***@{location}"),
        _ => url,
    }
}
