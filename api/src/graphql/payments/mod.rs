//! Payments.

mod mutations;
mod object;
mod queries;

pub use self::mutations::PaymentMutation;
pub use self::object::Payment;
pub use self::queries::{PaymentQuery, payment};
