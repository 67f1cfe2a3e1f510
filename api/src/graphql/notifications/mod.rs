//! What people were told, and whether it reached them.

mod object;
mod queries;

pub use self::object::Notification;
pub use self::queries::{NotificationQuery, notification, of_order};
