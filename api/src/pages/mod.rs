//! The start page, the demo shop and the console. They use the public API like any other frontend.
//!
//! The files of this folder are compiled into the program. They need no build step, no framework and nothing from another
//! host. Their Content-Security-Policy allows the browser to load only these files, and forbids scripts to turn a text,
//! such as a product's name, into markup (`require-trusted-types-for`).

mod sign_in;
mod start;

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::auth::Authenticator;
pub use start::Served;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types 'none'";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// The path, the media type and the text of every file.
const FILES: [(&str, &str, &str); 22] = [
    ("/pages/base.css", CSS, include_str!("common/base.css")),
    ("/pages/graphql.js", JS, include_str!("common/graphql.js")),
    ("/pages/page.js", JS, include_str!("common/page.js")),
    ("/pages/icon.svg", SVG, include_str!("common/icon.svg")),
    ("/shop", HTML, include_str!("shop/shop.html")),
    ("/shop/shop.css", CSS, include_str!("shop/shop.css")),
    ("/shop/shop.js", JS, include_str!("shop/shop.js")),
    ("/shop/tab.js", JS, include_str!("shop/tab.js")),
    ("/shop/catalogue.js", JS, include_str!("shop/catalogue.js")),
    ("/shop/cart.js", JS, include_str!("shop/cart.js")),
    ("/shop/order.js", JS, include_str!("shop/order.js")),
    ("/console", HTML, include_str!("console/console.html")),
    ("/console/console.css", CSS, include_str!("console/console.css")),
    ("/console/console.js", JS, include_str!("console/console.js")),
    ("/console/desk.js", JS, include_str!("console/desk.js")),
    ("/console/orders.js", JS, include_str!("console/orders.js")),
    ("/console/order.js", JS, include_str!("console/order.js")),
    ("/console/history.js", JS, include_str!("console/history.js")),
    ("/console/payments.js", JS, include_str!("console/payments.js")),
    ("/console/inventory.js", JS, include_str!("console/inventory.js")),
    ("/console/notifications.js", JS, include_str!("console/notifications.js")),
    ("/console/system.js", JS, include_str!("console/system.js")),
];

/// The routes of the pages: `GET /`, and if pages are served, `GET /shop`, `GET /console` and the files that they load.
/// If `sign_in` is given, the console offers the accounts of development.
pub fn routes(served: Served, sign_in: Option<Arc<Authenticator>>) -> Router {
    let start = start::routes(served);
    let files = if served.pages { files() } else { Router::new() };
    let sign_in = sign_in.filter(|_| served.pages).map_or_else(Router::new, sign_in::routes);
    start.merge(files).merge(sign_in)
}

fn files() -> Router {
    FILES.into_iter().fold(Router::new(), |router, (path, media, text)| {
        let tag = tag(text);
        let serve =
            move |headers: HeaderMap| std::future::ready(answer(&headers, media, text, &tag));
        router.route(path, get(serve))
    })
}

/// The entity tag of a file, which changes when its text changes.
fn tag(text: &str) -> HeaderValue {
    let hash = BASE64_URL_SAFE_NO_PAD.encode(&Sha256::digest(text)[..16]);
    HeaderValue::try_from(format!("\"{hash}\"")).expect("base64 is visible ASCII")
}

/// Answers with a file. Browsers may cache it but must check each time whether it has changed, so that pages and scripts
/// are always from the same version of the program.
fn answer(
    request_headers: &HeaderMap,
    media: &'static str,
    text: &'static str,
    tag: &HeaderValue,
) -> Response {
    let headers = [
        (header::ETAG, tag.clone()),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    if request_headers.get_all(header::IF_NONE_MATCH).iter().any(|known| has_tag(known, tag)) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, [(header::CONTENT_TYPE, media)], text).into_response()
}

/// Whether a list of entity tags contains this one, which a proxy may have marked as weak.
fn has_tag(list: &HeaderValue, tag: &HeaderValue) -> bool {
    let (list, tag) = (list.to_str().unwrap_or_default(), tag.to_str().unwrap_or_default());
    list.split(',').map(str::trim).any(|known| known.strip_prefix("W/").unwrap_or(known) == tag)
}
