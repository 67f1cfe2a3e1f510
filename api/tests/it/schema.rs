//! A small schema for tests of the HTTP handler. Its root fields have names that are in the access
//! table.

use std::sync::Arc;

use api::auth::Identity;
use api::graphql_http::{Slot, error_with_code};
use async_graphql::{Context, EmptySubscription, Object, Result, Schema, ValidationMode};
use tokio::sync::Semaphore;

/// Blocks resolvers until it is opened, and reports when they arrive.
#[derive(Clone)]
pub(crate) struct Gate {
    arrived: Arc<Semaphore>,
    open: Arc<Semaphore>,
}

impl Default for Gate {
    fn default() -> Self {
        Gate { arrived: Arc::new(Semaphore::new(0)), open: Arc::new(Semaphore::new(0)) }
    }
}

impl Gate {
    async fn wait(&self) {
        self.arrived.add_permits(1);
        self.open.acquire().await.unwrap().forget();
    }

    /// Waits until one more resolver waits at the gate.
    pub(crate) async fn arrival(&self) {
        self.arrived.acquire().await.unwrap().forget();
    }

    pub(crate) fn open(&self, many: usize) {
        self.open.add_permits(many);
    }
}

pub(crate) struct Query;
pub(crate) struct Mutation;
pub(crate) struct Node;

pub(crate) type TestSchema = Schema<Query, Mutation, EmptySubscription>;

pub(crate) fn schema(gate: Gate, mode: ValidationMode) -> TestSchema {
    Schema::build(Query, Mutation, EmptySubscription)
        .validation_mode(mode)
        .data(gate)
        .data(mode)
        .finish()
}

#[Object]
impl Query {
    /// The caller, as the log names it.
    async fn me(&self, context: &Context<'_>) -> String {
        context.data_unchecked::<Identity>().caller.actor()
    }

    async fn node(&self) -> Node {
        Node
    }

    /// Returns its arguments; nested values are accepted.
    async fn product(&self, sku: Option<String>, number: Option<i32>) -> String {
        sku.or(number.map(|number| number.to_string())).unwrap_or_default()
    }

    /// The validation mode of the schema that answers.
    async fn nodes(
        &self,
        context: &Context<'_>,
        #[graphql(name = "of")] numbers: Option<Vec<i32>>,
    ) -> String {
        drop(numbers);
        format!("{:?}", context.data_unchecked::<ValidationMode>())
    }

    /// Waits at the gate.
    async fn products(&self, context: &Context<'_>) -> bool {
        context.data_unchecked::<Gate>().wait().await;
        true
    }

    /// Releases its slot and then waits at the gate.
    async fn payments(&self, context: &Context<'_>) -> bool {
        context.data_unchecked::<Arc<Slot>>().release();
        context.data_unchecked::<Gate>().wait().await;
        true
    }

    async fn cart(&self) -> Result<bool> {
        Err(std::io::Error::other("the password is hunter2").into())
    }

    /// The type is `Option<Result<_>>`, because async-graphql leaves a failed `Result<Option<_>>`
    /// out of the data.
    async fn order(&self) -> Option<Result<bool>> {
        Some(Err(error_with_code("STALE", "the read model lags")))
    }

    async fn orders(&self) -> bool {
        assert!(std::hint::black_box(false), "a bug");
        true
    }

    async fn events(&self) -> bool {
        true
    }
}

#[Object]
impl Mutation {
    async fn cart_create(&self) -> bool {
        true
    }
}

#[Object]
impl Node {
    async fn node(&self) -> Node {
        Node
    }

    async fn id(&self) -> i32 {
        1
    }
}
