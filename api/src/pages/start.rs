//! `GET /`: links to the parts of the server, as a page for browsers and as JSON for programs.

use axum::Router;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Map, json};

use super::{HTML, POLICY};

/// What is served besides the API itself.
#[derive(Debug, Clone, Copy)]
pub struct Served {
    /// Whether the demo shop and the console are served.
    pub pages: bool,
    /// Whether the text of the schema is served.
    pub schema: bool,
}

/// A link of the start page: its name, its path and its description.
type Link = (&'static str, &'static str, &'static str);

const PAGES: [Link; 2] = [
    ("shop", "/shop", "The demo shop: browse, fill a cart, order and pay."),
    ("console", "/console", "The console for staff: orders, payments, stock and messages."),
];
const SCHEMA: Link = ("schema", "/graphql/schema", "The schema of the API, with descriptions.");
const API: [Link; 3] = [
    ("graphql", "/graphql", "The API, for programs: send queries and mutations by POST."),
    ("health", "/health", "The health of the server and of everything it depends on."),
    ("metrics", "/metrics", "Figures for Prometheus."),
];

pub fn routes(served: Served) -> Router {
    let links = links(served);
    let (html, json) = (html(&links), json(&links));
    let start = move |headers: HeaderMap| {
        let is_browser = served.pages && prefers_html(&headers);
        std::future::ready(answer(if is_browser { (HTML, &html) } else { (JSON, &json) }))
    };
    Router::new().route("/", get(start))
}

const JSON: &str = "application/json";

fn links(served: Served) -> Vec<Link> {
    let pages = PAGES.iter().filter(|_| served.pages);
    let schema = Some(&SCHEMA).filter(|_| served.schema);
    pages.chain(schema).chain(&API).copied().collect()
}

fn json(links: &[Link]) -> String {
    let links: Map<_, _> =
        links.iter().map(|(name, path, _)| ((*name).to_owned(), json!(path))).collect();
    json!({ "name": "cartulary", "version": env!("CARGO_PKG_VERSION"), "links": links }).to_string()
}

fn html(links: &[Link]) -> String {
    let item =
        |(name, path, text): &Link| format!("    <li><a href=\"{path}\">{name}</a> {text}</li>\n");
    let items: String = links.iter().map(item).collect();
    include_str!("start.html").replace("    <!-- links -->\n", &items)
}

/// Whether the client is a browser: browsers name `text/html` in `Accept`, and programs do not.
fn prefers_html(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.into_iter().any(|value| value.contains("text/html"))
}

fn answer((media, text): (&'static str, &str)) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media)),
        (header::VARY, HeaderValue::from_static("accept")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (headers, text.to_owned()).into_response()
}
