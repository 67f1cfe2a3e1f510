//! A request to Stripe's API, whose fields are in the query or in a form.

use std::fmt::Display;

use hyper::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::form_urlencoded;

/// The characters that are escaped in a path. Ids are letters, digits and underscores.
const NOT_IN_IDS: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_');

#[derive(Debug)]
pub(super) struct StripeRequest {
    pub(super) method: Method,
    /// The path below `/v1/`.
    pub(super) path: String,
    pub(super) fields: Vec<(String, String)>,
}

impl StripeRequest {
    pub(super) fn get(path: impl Into<String>) -> StripeRequest {
        StripeRequest { method: Method::GET, path: path.into(), fields: vec![] }
    }

    pub(super) fn post(path: impl Into<String>) -> StripeRequest {
        StripeRequest { method: Method::POST, path: path.into(), fields: vec![] }
    }

    pub(super) fn field(mut self, name: &str, value: impl Display) -> StripeRequest {
        self.fields.push((name.to_owned(), value.to_string()));
        self
    }

    /// Asks for a whole object at a place where the answer would have only its id.
    pub(super) fn expand(self, object: &str) -> StripeRequest {
        self.field("expand[0]", object)
    }

    pub(super) fn metadata<const N: usize>(
        self,
        entries: [(&'static str, String); N],
    ) -> StripeRequest {
        let add = |request: StripeRequest, (key, value): (&str, String)| {
            request.field(&format!("metadata[{key}]"), value)
        };
        entries.into_iter().fold(self, add)
    }

    /// The fields as a form or a query contains them.
    pub(super) fn encoded_fields(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.fields).finish()
    }
}

/// The path of one object in a list, with the id escaped.
pub(super) fn path_of(list: &str, id: &str) -> String {
    format!("{list}/{}", utf8_percent_encode(id, NOT_IN_IDS))
}
