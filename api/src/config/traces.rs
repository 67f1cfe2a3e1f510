//! Traces: the collector that they are sent to.

use std::fmt;

use axum::http::Uri;

use super::{ConfigError, Options};
use crate::secret::{Secret, masked_url};

/// The settings of traces.
#[derive(Debug, Clone, PartialEq)]
pub struct Traces {
    /// The URL of a collector of OTLP over HTTP; `None` if traces are not sent. Secret, because it may
    /// hold a password.
    pub endpoint: Option<Secret>,
    /// The name of this program at the collector.
    pub service: String,
}

impl Traces {
    /// Settings by which no traces are sent.
    pub fn off() -> Self {
        Traces { endpoint: None, service: "cartulary".to_owned() }
    }
}

pub(super) fn read(options: &Options, errors: &mut Vec<ConfigError>) -> Traces {
    let endpoint = options.otlp_endpoint.as_deref().filter(|url| !url.is_empty());
    if let Some(url) = endpoint
        && !is_base_url(url)
    {
        errors.push(ConfigError::OtlpEndpoint(masked_url(url)));
    }
    let endpoint = endpoint.map(|url| Secret::new(url.trim_end_matches('/')));
    Traces { endpoint, service: options.otel_service.clone() }
}

/// Whether a path can be appended to this URL.
fn is_base_url(url: &str) -> bool {
    url.parse::<Uri>().is_ok_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.host().is_some_and(|host| !host.is_empty())
            && uri.query().is_none()
    })
}

/// Prints one line per setting, with the name of its variable. A password is masked.
impl fmt::Display for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let endpoint = self.endpoint.as_ref();
        let endpoint = endpoint.map_or("(none)".to_owned(), |url| masked_url(url.expose()));
        writeln!(f, "OTEL_EXPORTER_OTLP_ENDPOINT={endpoint}")?;
        writeln!(f, "OTEL_SERVICE_NAME={}", self.service)
    }
}
