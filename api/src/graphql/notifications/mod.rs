//! Notifications: the type and the queries.

mod object;
mod queries;

pub use self::object::Notification;
pub use self::queries::{NotificationQuery, load_notification, load_order_notifications};
