//! GraphQL over HTTP: one request, from its bytes to its answer.
//!
//! In order: method, media types, credentials ([`crate::auth`]), body ([`params`]), a free slot
//! ([`slot`]), the query's text ([`lexer`]), the parsed document ([`document`], [`cost`]), access
//! ([`crate::access`]), execution against the clock, and the answer ([`answer`]).  Each step can end
//! the request with a [`Refusal`].  Why this is not the stock integration: see API.md, "Known traps".

mod answer;
mod cost;
mod document;
mod lexer;
mod limits;
mod media;
mod params;
mod refusal;
mod slot;

use std::sync::Arc;

use async_graphql::{Executor, Request, Response as GraphqlResponse};
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Request as HttpRequest};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use tokio::sync::Semaphore;

pub use answer::{coded, error, internal};
pub use limits::Limits;
pub(crate) use params::read_body;
pub use refusal::Refusal;
pub use slot::Slot;

use crate::access::RootFields;
use crate::auth::{Authenticator, Identity};
use media::Media;
use params::Params;

/// The GraphQL endpoint: a schema and what guards it.
#[derive(Debug, Clone)]
pub struct Endpoint<E> {
    schema: E,
    root_fields: Arc<RootFields>,
    /// The schema's text; `None` where it may not be looked at.
    sdl: Option<Arc<str>>,
    auth: Arc<Authenticator>,
    limits: Arc<Limits>,
    slots: Arc<Semaphore>,
}

impl<E: Executor> Endpoint<E> {
    /// `sdl` is the schema's text; whether clients may look at it is `introspection`.
    ///
    /// # Errors
    /// Where the text is no schema, so that access could not be checked.
    pub fn new(
        schema: E,
        sdl: &str,
        introspection: bool,
        auth: Arc<Authenticator>,
        limits: Limits,
    ) -> Result<Self, async_graphql::parser::Error> {
        let root_fields = Arc::new(RootFields::of(sdl)?);
        let slots = Arc::new(Semaphore::new(limits.in_flight));
        let sdl = introspection.then(|| Arc::from(sdl));
        Ok(Endpoint { schema, root_fields, sdl, auth, limits: Arc::new(limits), slots })
    }

    /// `/graphql` and `/graphql/schema`.
    pub fn routes(self) -> Router {
        Router::new()
            .route("/graphql", any(graphql::<E>))
            .route("/graphql/schema", any(schema::<E>))
            .with_state(self)
    }

    async fn handle(&self, request: HttpRequest<Body>) -> Result<GraphqlResponse, Refusal> {
        let (head, body) = request.into_parts();
        let is_get = matches!(head.method, Method::GET | Method::HEAD);
        if !is_get {
            params::require_json(&head.headers)?;
        }
        let identity = self.auth.identify(&head.headers)?;
        let params = match is_get {
            true => Params::from_query_string(head.uri.query().unwrap_or_default(), &self.limits)?,
            false => Params::from_body(body, &self.limits).await?,
        };
        let slot = Slot::take(&self.slots)?;
        self.execute(params, identity, head.headers, is_get, slot).await
    }

    async fn execute(
        &self,
        params: Params,
        identity: Identity,
        headers: HeaderMap,
        is_get: bool,
        slot: Arc<Slot>,
    ) -> Result<GraphqlResponse, Refusal> {
        let Params { query, operation_name, variables } = params;
        let document = document::prepare(&query, operation_name.as_deref(), &self.limits)?;
        document.allow(is_get, self.sdl.is_some(), &self.root_fields, &identity.caller)?;
        let mut request = Request::new(query).variables(variables);
        if let Some(name) = operation_name {
            request = request.operation_name(name);
        }
        if self.sdl.is_none() {
            request = request.disable_introspection();
        }
        request.set_parsed_query(document.parsed);
        let request =
            request.data(identity.caller.clone()).data(identity).data(headers).data(slot.clone());
        let limit = self.limits.execution_timeout;
        let response = tokio::time::timeout(limit, self.schema.execute(request)).await;
        drop(slot);
        response.map_err(|_| Refusal::Timeout(limit))
    }
}

async fn graphql<E: Executor>(
    State(endpoint): State<Endpoint<E>>,
    request: HttpRequest<Body>,
) -> Response {
    if !matches!(*request.method(), Method::POST | Method::GET | Method::HEAD) {
        return answer::refuse(&Refusal::Method, Media::Json);
    }
    let media = match Media::accepted(request.headers()) {
        Ok(media) => media,
        Err(refusal) => return answer::refuse(&refusal, Media::Json),
    };
    match endpoint.handle(request).await {
        Ok(response) => answer::answer(response, media),
        Err(refusal) => answer::refuse(&refusal, media),
    }
}

async fn schema<E: Executor>(State(endpoint): State<Endpoint<E>>, method: Method) -> Response {
    match (&endpoint.sdl, method) {
        (Some(sdl), Method::GET | Method::HEAD) => sdl.to_string().into_response(),
        (Some(_), _) => answer::refuse(&Refusal::Method, Media::Json),
        (None, _) => answer::refuse(&Refusal::IntrospectionOff, Media::Response),
    }
}
