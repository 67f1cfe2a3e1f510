//! GraphQL over HTTP: one request, from its bytes to its answer.
//!
//! In order: method, media types, credentials ([`crate::auth`]), body ([`params`]), a free slot
//! ([`slot`]), the document, known already ([`documents`]) or prepared ([`lexer`], [`document`],
//! [`cost`]), access ([`crate::access`]), execution against the clock, and the answer ([`answer`]).
//! Each step can end the request with a [`Refusal`].  Why this is not the stock integration: see API.md,
//! "Known traps".

mod answer;
mod cost;
mod document;
mod documents;
mod inputs;
mod lexer;
mod limits;
mod media;
mod params;
mod refusal;
mod slot;

use std::sync::Arc;

use async_graphql::{Executor, Request, Response as GraphqlResponse, ValidationMode};
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Method, Request as HttpRequest};
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
use documents::Documents;
use inputs::InputTypes;
use media::Media;
use params::Params;

/// One schema twice: for documents that come for the first time, and for those known to be valid.
#[derive(Debug, Clone)]
pub struct Schemas<E> {
    pub strict: E,
    pub fast: E,
}

impl<E> Schemas<E> {
    /// From what builds the schema in a mode of validation.
    pub fn build(build: impl Fn(ValidationMode) -> E) -> Self {
        Schemas { strict: build(ValidationMode::Strict), fast: build(ValidationMode::Fast) }
    }
}

/// The GraphQL endpoint: a schema and what guards it.
#[derive(Debug, Clone)]
pub struct Endpoint<E> {
    schemas: Schemas<E>,
    documents: Arc<Documents>,
    input_types: Arc<InputTypes>,
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
        schemas: Schemas<E>,
        sdl: &str,
        introspection: bool,
        auth: Arc<Authenticator>,
        limits: Limits,
    ) -> Result<Self, async_graphql::parser::Error> {
        let root_fields = Arc::new(RootFields::of(sdl)?);
        let input_types = Arc::new(InputTypes::of(sdl)?);
        let documents = Arc::new(Documents::new());
        let slots = Arc::new(Semaphore::new(limits.in_flight));
        let (sdl, limits) = (introspection.then(|| Arc::from(sdl)), Arc::new(limits));
        Ok(Endpoint { schemas, documents, input_types, root_fields, sdl, auth, limits, slots })
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
        self.execute(params, identity, is_get, slot).await
    }

    async fn execute(
        &self,
        params: Params,
        identity: Identity,
        is_get: bool,
        slot: Arc<Slot>,
    ) -> Result<GraphqlResponse, Refusal> {
        let Params { query, persisted, operation_name, variables } = params;
        let asked = self.documents.find(query, persisted, operation_name, &self.limits)?;
        let document = &asked.document;
        document.allow(is_get, self.sdl.is_some(), &self.root_fields, &identity.caller)?;
        let is_valid = asked.is_known && document.stays_valid_with(&variables, &self.input_types);
        let schema = if is_valid { &self.schemas.fast } else { &self.schemas.strict };

        // The text stays behind: nothing reads it where there is a parsed document.
        let mut request = Request::new("").variables(variables);
        request.set_parsed_query(document.parsed.clone());
        if let Some(name) = asked.operation() {
            request = request.operation_name(name);
        }
        if self.sdl.is_none() {
            request = request.disable_introspection();
        }
        let request = request.data(identity).data(slot.clone());
        let limit = self.limits.execution_timeout;
        let response = tokio::time::timeout(limit, schema.execute(request)).await;
        drop(slot);
        let response = response.map_err(|_| Refusal::Timeout(limit))?;
        if !answer::is_request_error(&response) {
            self.documents.keep(asked);
        }
        Ok(response)
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
