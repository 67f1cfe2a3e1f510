//! GraphQL over HTTP: serves one request, from its bytes to its answer.
//!
//! The steps are, in order: check the method and the media types, identify the caller ([`crate::auth`]), count the
//! request ([`crate::rate_limit`]), read the body ([`params`]), take a free slot ([`slot`]), find the document in the
//! cache ([`documents`]) or prepare it ([`lexer`], [`document`], [`cost`]), check access ([`crate::access`]), execute
//! within a time limit, and write the answer ([`answer`]). Each step can end the request with a [`Refusal`].
//! async-graphql's own axum integration is not used, because it has no place for most of these steps.

mod answer;
mod cost;
mod document;
mod documents;
mod inputs;
mod lexer;
mod media;
mod params;
mod refusal;
mod slot;

use std::sync::Arc;

use async_graphql::{Executor, Request, Response as GraphqlResponse, ValidationMode};
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Method, Request as HttpRequest, request};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use commands::Trace;
use tokio::sync::Semaphore;

pub use answer::{error, error_with_code, internal};
pub(crate) use params::read_body;
pub use refusal::Refusal;
pub use slot::Slot;

use crate::access::RootFields;
use crate::auth::{Authenticator, Caller, Identity};
use crate::config::Limits;
use crate::metrics::requests::RequestMeter;
use crate::rate_limit::RateLimit;
use documents::Documents;
use inputs::InputTypes;
use media::Media;
use params::Params;

/// The schema twice: `strict` validates documents, and `fast` executes documents that are known to be valid.
#[derive(Debug, Clone)]
pub struct Schemas<E> {
    pub strict: E,
    pub fast: E,
}

impl<E> Schemas<E> {
    /// Builds the schema in both modes of validation.
    pub fn build(build: impl Fn(ValidationMode) -> E) -> Self {
        Schemas { strict: build(ValidationMode::Strict), fast: build(ValidationMode::Fast) }
    }
}

/// The GraphQL endpoint: the schema, and everything with which requests are checked.
#[derive(Debug, Clone)]
pub struct Endpoint<E> {
    schemas: Schemas<E>,
    documents: Arc<Documents>,
    input_types: Arc<InputTypes>,
    root_fields: Arc<RootFields>,
    /// The schema's text; `None` if clients may not read it.
    sdl: Option<Arc<str>>,
    auth: Arc<Authenticator>,
    limits: Arc<Limits>,
    rate_limit: RateLimit,
    slots: Arc<Semaphore>,
}

impl<E: Executor> Endpoint<E> {
    /// Builds the endpoint. `sdl` is the text of the schema; `introspection` says whether clients may read it.
    ///
    /// It must be called in a Tokio runtime, because the rate limit spawns a task.
    ///
    /// # Errors
    /// If `sdl` is not a schema. Access could not be checked then.
    pub fn new(
        schemas: Schemas<E>,
        sdl: &str,
        introspection: bool,
        auth: Arc<Authenticator>,
        limits: Limits,
    ) -> Result<Self, async_graphql::parser::Error> {
        let root_fields = Arc::new(RootFields::from_sdl(sdl)?);
        let input_types = Arc::new(InputTypes::from_sdl(sdl)?);
        let documents = Arc::new(Documents::new());
        let slots = Arc::new(Semaphore::new(limits.in_flight));
        let rate_limit = RateLimit::start(&limits);
        let (sdl, limits) = (introspection.then(|| Arc::from(sdl)), Arc::new(limits));
        Ok(Endpoint {
            schemas,
            documents,
            input_types,
            root_fields,
            sdl,
            auth,
            limits,
            rate_limit,
            slots,
        })
    }

    /// `/graphql` and `/graphql/schema`.
    pub fn routes(self) -> Router {
        Router::new()
            .route("/graphql", any(graphql::<E>))
            .route("/graphql/schema", any(schema::<E>))
            .with_state(self)
    }

    async fn handle(
        &self,
        request: HttpRequest<Body>,
        meter: &mut RequestMeter,
    ) -> Result<GraphqlResponse, Refusal> {
        let (head, body) = request.into_parts();
        let is_get = matches!(head.method, Method::GET | Method::HEAD);
        if !is_get {
            params::require_json(&head.headers)?;
        }
        let identity = self.identify(&head)?;
        let params = if is_get {
            Params::from_query_string(head.uri.query().unwrap_or_default(), &self.limits)?
        } else {
            Params::from_body(body, &self.limits).await?
        };
        let slot = Slot::take(&self.slots)?;
        let caller = (identity, head.extensions.get::<Trace>().copied());
        self.execute(params, caller, is_get, slot, meter).await
    }

    /// Identifies the caller and counts the request against their rate limit.
    fn identify(&self, head: &request::Parts) -> Result<Identity, Refusal> {
        let identity = self.auth.identify(&head.headers);
        let caller = identity.as_ref().map_or(&Caller::Anonymous, |identity| &identity.caller);
        self.rate_limit.admit(caller, head)?;
        Ok(identity?)
    }

    async fn execute(
        &self,
        params: Params,
        (identity, trace): (Identity, Option<Trace>),
        is_get: bool,
        slot: Arc<Slot>,
        meter: &mut RequestMeter,
    ) -> Result<GraphqlResponse, Refusal> {
        let Params { query, persisted, operation_name, variables } = params;
        let requested = self.documents.find(query, persisted, operation_name, &self.limits)?;
        let document = &requested.document;
        meter.set_operation(document.kind());
        document.authorize(is_get, self.sdl.is_some(), &self.root_fields, &identity.caller)?;
        let is_valid =
            requested.is_cached && document.stays_valid_with(&variables, &self.input_types);
        let schema = if is_valid { &self.schemas.fast } else { &self.schemas.strict };

        // The text is left empty, because the request contains the parsed document.
        let mut request = Request::new("").variables(variables);
        request.set_parsed_query(document.parsed.clone());
        if let Some(name) = requested.operation() {
            request = request.operation_name(name);
        }
        if self.sdl.is_none() {
            request = request.disable_introspection();
        }
        let request = request.data(identity).data(slot.clone()).data(trace);
        let limit = self.limits.execution_timeout;
        let response = tokio::time::timeout(limit, schema.execute(request)).await;
        drop(slot);
        let response = response.map_err(|_| Refusal::Timeout(limit))?;
        if !answer::is_request_error(&response) {
            self.documents.insert(requested);
        }
        Ok(response)
    }
}

async fn graphql<E: Executor>(
    State(endpoint): State<Endpoint<E>>,
    request: HttpRequest<Body>,
) -> Response {
    let mut meter = RequestMeter::start();
    let trace = request.extensions().get::<Trace>().map(|trace| trace.id);
    let is_allowed = matches!(*request.method(), Method::POST | Method::GET | Method::HEAD);
    let (media, result) = match Media::preferred(request.headers()) {
        _ if !is_allowed => (Media::Json, Err(Refusal::Method)),
        None => (Media::Json, Err(Refusal::NotAcceptable)),
        Some(media) => (media, endpoint.handle(request, &mut meter).await),
    };
    meter.end(outcome(&result));
    match result {
        Ok(response) => answer::answer(response, media, trace),
        Err(refusal) => answer::refuse(&refusal, media),
    }
}

/// The outcome of a request in the metrics.
fn outcome(result: &Result<GraphqlResponse, Refusal>) -> &'static str {
    match result {
        Ok(response) if response.errors.is_empty() => "OK",
        Ok(_) => "ERRORS",
        Err(refusal) => refusal.code(),
    }
}

async fn schema<E: Executor>(State(endpoint): State<Endpoint<E>>, method: Method) -> Response {
    match (&endpoint.sdl, method) {
        (Some(sdl), Method::GET | Method::HEAD) => sdl.to_string().into_response(),
        (Some(_), _) => answer::refuse(&Refusal::Method, Media::Json),
        (None, _) => answer::refuse(&Refusal::IntrospectionOff, Media::Response),
    }
}
