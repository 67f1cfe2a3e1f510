//! The GraphQL schema. A query parses its arguments, loads rows and renders them. A mutation parses its input, executes a
//! command and renders the result.
//!
//! Each kind of object has one folder or file with its type, its queries and its mutations. Read `mutation.rs` for the
//! steps of every mutation, then `inventory/mutations.rs` for a typical one.

mod audit;
mod carts;
mod connection;
mod coupons;
mod error_code;
mod errors;
mod input;
mod inventory;
mod json;
mod lines;
mod money;
mod mutation;
mod node;
mod notifications;
mod operations;
mod orders;
mod payments;
mod personal;
mod position;
mod products;
mod request;
mod shop;
mod viewer;

use async_graphql::{EmptySubscription, MergedObject, SDLExportOptions, SchemaBuilder};
use chrono::{DateTime, Utc};

pub use self::shop::{CurrentCarts, Policy, Shop};

pub type Schema = async_graphql::Schema<Query, Mutation, EmptySubscription>;

/// All that can be read. Staff means the roles `SUPPORT` and `ADMIN`. An object that does not exist
/// and one that the caller may not see give the same answer: null or an empty list. Top-level errors
/// carry a code in `extensions.code`: `UNAUTHENTICATED` and `FORBIDDEN` if the caller may not use a
/// field, `BAD_USER_INPUT` for arguments out of range, `STALE` if `minPosition` is not reached in
/// time, `UNAVAILABLE` if the data cannot be read now.
#[derive(Debug, Default, MergedObject)]
pub struct Query(
    viewer::ViewerQuery,
    node::NodeQuery,
    products::ProductQuery,
    carts::CartQuery,
    coupons::CouponQuery,
    orders::OrderQuery,
    orders::OrderStatsQuery,
    payments::PaymentQuery,
    notifications::NotificationQuery,
    inventory::InventoryQuery,
    audit::AuditQuery,
    operations::OperationsQuery,
);

/// All that can be changed. Each mutation has one `input` and returns a payload with the changed
/// object, `errors`, `position` and `replayed`. A mutation does all it says or, if `errors` is not
/// empty, nothing.
///
/// An `idempotencyKey` makes it safe to send a request again when its answer was lost. Choose a new
/// key for each intended change, 1 to 255 characters; callers who are not signed in must use a random
/// UUID (version 4). The same caller, mutation, input and key are carried out once: the repeated
/// request gets `replayed: true`. The same key with another mutation or input is refused with
/// `IDEMPOTENCY_KEY_REUSED`.
///
/// An `expectedVersion` protects from overwriting what you have not seen: send the `version` you have
/// read, and the mutation is refused with `VERSION_CONFLICT` if the object has another one.
///
/// Staff means the roles `SUPPORT` and `ADMIN`. A caller who may not use a mutation at all gets a
/// top-level error with `UNAUTHENTICATED` or `FORBIDDEN` in `extensions.code`; `UNAVAILABLE` and
/// `TIMEOUT` mean that the outcome is unknown: send the request again with the same key. Every
/// mutation can be refused with `INVALID_INPUT` or `IDEMPOTENCY_KEY_REUSED` because of its key; the
/// other error codes are listed with each mutation.
#[derive(Debug, Default, MergedObject)]
pub struct Mutation(
    products::ProductMutation,
    carts::CartMutation,
    carts::CartCouponMutation,
    carts::CartMergeMutation,
    coupons::CouponMutation,
    orders::OrderMutation,
    orders::OrderShippingMutation,
    orders::OrderReturnMutation,
    payments::PaymentMutation,
    inventory::InventoryMutation,
);

/// Builds the schema. The caller must add a [`Shop`] as data before a request is executed.
pub fn schema() -> SchemaBuilder<Query, Mutation, EmptySubscription> {
    async_graphql::Schema::build(Query::default(), Mutation::default(), EmptySubscription)
        .register_output_type::<node::Node>()
        .register_output_type::<errors::UserError>()
        .override_output_type_description::<DateTime<Utc>>(DATE_TIME)
}

/// The description of `DateTime`. That of async-graphql describes the implementation, not what clients send and get.
const DATE_TIME: &str = "A moment as a string of RFC 3339, such as `2026-03-01T12:30:00+00:00`. \
    Answers are in UTC; in inputs any offset is accepted.";

/// The text of the schema, with `@specifiedBy` on the scalars.
pub fn sdl(schema: &Schema) -> String {
    schema.sdl_with_options(SDLExportOptions::new().include_specified_by())
}
