//! The bare server, which is the limit of the shop: axum, async-graphql and one event by group
//! commit.
//!
//! It has no domain, no access control, no request limits, no projections and no logging. It
//! receives the same requests as the shop, and appends an event of the same size to the same table
//! through the same event store. Of each cart it keeps only the head of its stream.
//! [`super::limit_query`] answers its queries.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::{
    Context, EmptySubscription, Error, ID, InputObject, Object, Request, Result, Schema,
    SimpleObject,
};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::serve::ListenerExt;
use chrono::Utc;
use event_store::{
    Append, AppendOutcome, CommandRecord, EventStore, ExpectedHead, NewEvent, StoreOptions,
};
use tokio::net::TcpListener;
use uuid::Uuid;

use super::limit_query::Query;
use super::wait_for_stdin_to_close;
use crate::error::BenchError;

type LimitSchema = Schema<Query, Mutation, EmptySubscription>;

/// Serves on a free port until the benchmark closes its standard input.
pub async fn run(database_url: &str) -> Result<(), BenchError> {
    let store = EventStore::connect(database_url, StoreOptions::default()).await?;
    let schema = Schema::build(Query, Mutation, EmptySubscription)
        .data(store.clone())
        .data(Heads::default())
        .finish();
    let router = Router::new().route("/graphql", post(answer)).with_state(schema);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("GraphQL  http://{}/graphql", listener.local_addr()?);
    let listener = listener.tap_io(|stream| {
        // If this fails, the socket is slower and still works.
        let _ = stream.set_nodelay(true);
    });
    tokio::select! {
        served = axum::serve(listener, router) => served?,
        () = wait_for_stdin_to_close() => {}
    }
    store.shutdown().await;
    Ok(())
}

async fn answer(State(schema): State<LimitSchema>, body: Bytes) -> Response {
    let Ok(request) = serde_json::from_slice::<Request>(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    match serde_json::to_vec(&schema.execute(request).await) {
        Ok(body) => {
            ([(header::CONTENT_TYPE, "application/graphql-response+json")], body).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// The version and the head of each cart's stream.
type Heads = Arc<Mutex<HashMap<Uuid, (i32, ExpectedHead)>>>;

#[derive(InputObject)]
struct CartLinesAddInput {
    cart_id: ID,
    lines: Vec<CartLineAddInput>,
    idempotency_key: ID,
}

#[derive(InputObject)]
struct CartLineAddInput {
    sku: String,
    quantity: i32,
}

#[derive(SimpleObject)]
struct CartLinesAddPayload {
    cart: Cart,
    errors: Vec<UserError>,
    position: String,
    replayed: bool,
}

#[derive(SimpleObject)]
struct Cart {
    id: ID,
    version: i32,
    item_count: i32,
}

#[derive(SimpleObject)]
struct UserError {
    code: String,
    message: String,
}

struct Mutation;

#[Object]
impl Mutation {
    async fn cart_lines_add(
        &self,
        ctx: &Context<'_>,
        input: CartLinesAddInput,
    ) -> Result<CartLinesAddPayload> {
        let (cart, key) = (input.cart_id.parse()?, input.idempotency_key.parse()?);
        let line = input.lines.first().ok_or_else(|| Error::new("no lines"))?;
        let permit = ctx.data::<EventStore>()?.reserve().await?;
        let (ticket, version) = {
            let mut heads = ctx.data::<Heads>()?.lock().unwrap_or_else(PoisonError::into_inner);
            let (version, base) = heads.entry(cart).or_insert((0, ExpectedHead::Durable(0)));
            *version += 1;
            let ticket = permit.send(item(cart, key, *version, base.clone(), line));
            *base = ExpectedHead::Pending(ticket.clone());
            (ticket, *version)
        };
        let AppendOutcome::Appended { last, .. } = ticket.outcome().await? else {
            return Err(Error::new("not appended"));
        };
        let cart = Cart { id: input.cart_id, version, item_count: version };
        Ok(CartLinesAddPayload {
            cart,
            errors: vec![],
            position: last.to_string(),
            replayed: false,
        })
    }
}

/// Builds an append as large as the shop's for the same request.
fn item(
    cart: Uuid,
    key: Uuid,
    version: i32,
    base: ExpectedHead,
    line: &CartLineAddInput,
) -> Append {
    let CartLineAddInput { sku, quantity } = line;
    let at = Utc::now().to_rfc3339();
    let payload = format!(
        r#"{{"cart.line_quantity_changed":{{"sku":"{sku}","quantity":{quantity},"at":"{at}"}}}}"#
    );
    Append {
        command: CommandRecord {
            id: key,
            request_hash: Some([7; 32]),
            metadata: r#"{"command":"cartLinesAdd","trace_id":null}"#.to_owned(),
            correlation_id: key,
            caused_by: None,
            actor: format!("customer:{cart}"),
        },
        expected_heads: vec![(cart, base)],
        events: vec![NewEvent {
            stream_type: "cart",
            stream_id: cart,
            version,
            event_type: "cart.line_quantity_changed",
            schema_version: 1,
            payload,
        }],
    }
}
