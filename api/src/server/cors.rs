//! CORS: decides which pages may call the server from a browser.

use std::time::Duration;

use axum::http::{HeaderValue, Method, header, request};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::auth::{API_KEY, CART_TOKEN};
use crate::config::Cors;
use crate::traces::{REQUEST_ID, TRACEPARENT};

/// How long browsers cache the answer to a preflight.
const MAX_AGE: Duration = Duration::from_secs(3600);

/// The layer that answers preflight requests; `None` if no page may call.
///
/// It allows no cookies. Credentials are headers that a page must set itself, so that a foreign page cannot use the
/// credentials of its visitor.
pub(super) fn layer(cors: &Cors) -> Option<CorsLayer> {
    let origins = match cors {
        Cors::None => return None,
        Cors::Localhost => {
            AllowOrigin::predicate(|origin: &HeaderValue, _: &request::Parts| is_localhost(origin))
        }
        Cors::Origins(origins) => AllowOrigin::list(origins.iter().cloned()),
    };
    let layer = CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            API_KEY,
            CART_TOKEN,
            TRACEPARENT,
        ])
        .expose_headers([header::RETRY_AFTER, REQUEST_ID])
        .max_age(MAX_AGE);
    Some(layer)
}

fn is_localhost(origin: &HeaderValue) -> bool {
    let origin = origin.to_str().unwrap_or_default();
    let host = origin
        .strip_prefix("http://")
        .or_else(|| origin.strip_prefix("https://"))
        .unwrap_or_default();
    let is_port = |text: &str| {
        text.is_empty() || text.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok())
    };
    ["localhost", "127.0.0.1", "[::1]"]
        .iter()
        .any(|name| host.strip_prefix(name).is_some_and(is_port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn localhost_is_this_machine_on_any_port_and_nothing_else() {
        for origin in [
            "http://localhost",
            "http://localhost:3000",
            "https://127.0.0.1:8443",
            "http://[::1]:5173",
        ] {
            assert!(is_localhost(&HeaderValue::from_static(origin)), "{origin}");
        }
        for origin in [
            "http://localhost.evil.example",
            "http://localhost:3000.evil.example",
            "null",
            "file://",
        ] {
            assert!(!is_localhost(&HeaderValue::from_static(origin)), "{origin}");
        }
    }
}
