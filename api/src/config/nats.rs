//! Which broker is told of events.

use std::fmt;

use commands::relay::{Broker, StreamName};

use super::{Fault, Options, masked_url};
use crate::secret::Secret;

/// NATS JetStream.
#[derive(Debug, Clone, PartialEq)]
pub struct Nats {
    /// Secret, as it may hold a password. Several servers of one cluster are separated by commas.
    pub url: Secret,
    pub stream: StreamName,
}

/// `None` where no broker is named. What is wrong with it goes to the faults.
pub(super) fn read(options: &Options, faults: &mut Vec<Fault>) -> Option<Nats> {
    let url = options.nats_url.as_ref().filter(|url| !url.is_empty())?;
    let stream = options.nats_stream.clone();
    if let Err(source) = Broker::nats(url, stream.clone()) {
        faults.push(Fault::NatsUrl(source));
    }
    Some(Nats { url: Secret::new(url.as_str()), stream })
}

/// As it is configured, each behind its variable; passwords masked.
pub(super) fn write(nats: Option<&Nats>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Some(Nats { url, stream }) = nats else { return writeln!(f, "NATS_URL=(none)") };
    let urls: Vec<_> = url.expose().split(',').map(|url| masked(url.trim())).collect();
    writeln!(f, "NATS_URL={}", urls.join(","))?;
    writeln!(f, "CARTULARY_NATS_STREAM={}", stream.as_str())
}

/// A user without a password is a token, so nothing of them is shown.
fn masked(url: &str) -> String {
    let url = masked_url(url);
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, place))) => format!("{scheme}://***@{place}"),
        _ => url,
    }
}
