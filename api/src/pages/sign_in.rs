//! Signs in at the console by one click, in development only.
//!
//! `GET /console/sign-in` lists the roles that are offered; `POST /console/sign-in/<role>` answers with a
//! token. They exist only on a development server whose listener is on the loopback. Each request must
//! come from this machine, from a page of this server, and not through a proxy:
//!
//! - a page of another web site has another origin, which the browser sends in `Sec-Fetch-Site` and `Origin`;
//! - a web site whose name resolves to this machine (DNS rebinding) has its name in `Host`;
//! - a request that a proxy on this machine passes on has the headers that proxies add.
//!
//! Every other request gets the answer of a path that does not exist.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, Path, Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::json;

use crate::auth::Authenticator;
use crate::development::{ACCOUNTS, Account};
use crate::graphql_http::{self, internal};

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The headers that proxies add to a request that they pass on.
const PROXY_HEADERS: [HeaderName; 5] = [
    header::FORWARDED,
    header::VIA,
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-real-ip"),
];

/// The routes, for a development server that listens on the loopback.
pub fn routes(auth: Arc<Authenticator>) -> Router {
    Router::new()
        .route("/console/sign-in", get(offered_roles))
        .route("/console/sign-in/{role}", post(sign_in))
        .layer(from_fn(only_own_pages))
        .with_state(auth)
}

/// The accounts that may use the console.
fn staff() -> impl Iterator<Item = Account> {
    ACCOUNTS.into_iter().filter(|account| account.role.is_staff())
}

async fn offered_roles() -> Response {
    let roles: Vec<_> = staff().map(|account| account.role.to_string()).collect();
    answer(&json!({ "roles": roles }))
}

async fn sign_in(State(auth): State<Arc<Authenticator>>, Path(role): Path<String>) -> Response {
    let Some(account) = staff().find(|account| account.role.to_string() == role) else {
        return not_found();
    };
    match account.issue_token(&auth) {
        Ok(token) => answer(&json!({ "token": token })),
        Err(error) => {
            tracing::error!(%error, "no token can be issued for the console");
            internal()
        }
    }
}

fn answer(body: &serde_json::Value) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (headers, body.to_string()).into_response()
}

fn not_found() -> Response {
    graphql_http::error(StatusCode::NOT_FOUND, "NOT_FOUND", "nothing is served at this path")
}

/// Refuses requests that do not come from a page of this server.
async fn only_own_pages(request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let is_local = peer.is_some_and(|ConnectInfo(peer)| peer.ip().to_canonical().is_loopback());
    if is_local && comes_from_own_page(request.headers()) {
        next.run(request).await
    } else {
        not_found()
    }
}

fn comes_from_own_page(headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(header::HOST).unwrap_or_default();
    let origin = text(header::ORIGIN);
    is_loopback_name(host)
        && text(FETCH_SITE) == Some("same-origin")
        && origin.is_none_or(|origin| origin.strip_prefix("http://") == Some(host))
        && !PROXY_HEADERS.iter().any(|name| headers.contains_key(name))
}

/// Whether the header `Host` names the loopback of this machine, which no other web site can be named.
fn is_loopback_name(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.parse::<u16>().is_ok() => name,
        _ => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    name == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn is_served(headers: &[(&'static str, &'static str)]) -> bool {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        comes_from_own_page(&headers.collect())
    }

    #[test]
    fn only_a_page_of_this_server_signs_in() {
        let own = [("host", "127.0.0.1:8080"), ("sec-fetch-site", "same-origin")];
        assert!(is_served(&own));
        assert!(is_served(&[own[0], own[1], ("origin", "http://127.0.0.1:8080")]));
        assert!(is_served(&[("host", "[::1]:8080"), own[1]]));
        assert!(!is_served(&[own[0]]), "not from a browser's page");
        for other in [
            ("sec-fetch-site", "same-site"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "none"),
        ] {
            assert!(!is_served(&[own[0], other]), "{other:?}");
        }
        for name in ["shop.example", "localhost.evil.example", "192.0.2.1:8080", ""] {
            assert!(!is_served(&[("host", name), own[1]]), "{name:?}");
        }
        for more in [
            ("origin", "http://localhost:3000"),
            ("origin", "null"),
            ("x-forwarded-for", "203.0.113.7"),
            ("forwarded", "for=203.0.113.7"),
            ("via", "1.1 proxy"),
        ] {
            assert!(!is_served(&[own[0], own[1], more]), "{more:?}");
        }
    }
}
