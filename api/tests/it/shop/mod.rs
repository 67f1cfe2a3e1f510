//! The shop as its callers see it: the schema, access, and the life of an order.

mod access;
mod bad_input;
mod cancelling;
mod carts;
mod compensation;
mod coupons;
mod credentials;
mod descriptions;
mod flow;
mod fulfilment;
mod keys;
mod merging;
mod paging;
mod payments;
mod reading;
mod returns;
mod sdl;
pub(crate) mod stage;
mod stats;
mod strangers;
mod tour;
mod versions;
mod webhooks;
