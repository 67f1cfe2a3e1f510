//! The schema. A query is parse, load, render; a mutation is parse, execute, render.
//!
//! One file holds all that the schema says of one thing: its object, its queries and its mutations.
//! Read `mutation.rs` for how every mutation goes, then `carts.rs` for one that is typical.

mod audit;
mod carts;
mod connection;
mod coupons;
mod errors;
mod input;
mod inventory;
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
mod shop;
mod viewer;

use async_graphql::{EmptySubscription, MergedObject, SchemaBuilder};

pub use self::shop::{CurrentCarts, Policy, Shop};

pub type Schema = async_graphql::Schema<Query, Mutation, EmptySubscription>;

/// What can be asked.
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

/// What can be done. Every mutation answers with a payload: the object, the errors that kept it from
/// being done, the position of its last event, and whether an earlier answer was repeated.
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

/// The schema, without what it runs on: give it a [`Shop`] as data.
pub fn schema() -> SchemaBuilder<Query, Mutation, EmptySubscription> {
    async_graphql::Schema::build(Query::default(), Mutation::default(), EmptySubscription)
        .register_output_type::<node::Node>()
        .register_output_type::<errors::UserError>()
}
