//! Traces: who collects them.

use std::fmt;

use axum::http::Uri;

use super::{Fault, Options, masked_url};
use crate::secret::Secret;

/// What of the configuration is about traces.
#[derive(Debug, Clone, PartialEq)]
pub struct Traces {
    /// Where a collector takes OTLP over HTTP; `None` where nobody collects. Secret, as it may hold a
    /// password.
    pub endpoint: Option<Secret>,
    /// As whom the collector knows this program.
    pub service: String,
}

impl Traces {
    /// Of nobody.
    pub fn off() -> Self {
        Traces { endpoint: None, service: "cartulary".to_owned() }
    }
}

/// What is wrong with it goes to the faults.
pub(super) fn read(options: &Options, faults: &mut Vec<Fault>) -> Traces {
    let endpoint = options.otlp_endpoint.as_deref().filter(|url| !url.is_empty());
    if let Some(url) = endpoint
        && !is_base(url)
    {
        faults.push(Fault::OtlpEndpoint(masked_url(url)));
    }
    let endpoint = endpoint.map(|url| Secret::new(url.trim_end_matches('/')));
    Traces { endpoint, service: options.otel_service.clone() }
}

/// A URL that a path can be put behind.
fn is_base(url: &str) -> bool {
    url.parse::<Uri>().is_ok_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.host().is_some_and(|host| !host.is_empty())
            && uri.query().is_none()
    })
}

/// As it is configured, each behind its variable.
impl fmt::Display for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let endpoint = self.endpoint.as_ref();
        let endpoint = endpoint.map_or("(none)".to_owned(), |url| masked_url(url.expose()));
        writeln!(f, "OTEL_EXPORTER_OTLP_ENDPOINT={endpoint}")?;
        writeln!(f, "OTEL_SERVICE_NAME={}", self.service)
    }
}
