//! The command that requests a message because of an event.

use domain::inventory::InventoryError;
use domain::notification::NotificationCommand;
use domain::process::NotificationRequest;
use domain::{Decide, NotificationId, StreamId, Timestamp};

use crate::bus::{Changes, Command, Halt, States, changes};

/// Requests the message about an event. The message describes the state at the time of the
/// decision.
#[derive(Debug, Clone)]
pub struct Notify {
    pub notification: NotificationId,
    pub notice: NotificationRequest,
}

impl Command for Notify {
    fn name(&self) -> &'static str {
        "notify"
    }

    fn subject(&self) -> Option<StreamId> {
        Some(self.notification.stream())
    }

    fn begins(&self) -> Option<StreamId> {
        self.subject()
    }

    fn decide(&self, states: &States<'_>, now: Timestamp) -> Result<Changes, Halt> {
        let request = match &self.notice {
            NotificationRequest::Order(order, news) => {
                NotificationCommand::to_buyer(*order, states.order(*order)?.existing()?, news)
            }
            NotificationRequest::Payment(payment, news) => {
                let order = states.payment(*payment)?.existing()?.order;
                NotificationCommand::to_buyer(order, states.order(order)?.existing()?, news)
            }
            NotificationRequest::LowStock { stock, available } => {
                let stock = states.stock(*stock)?.stock().ok_or(InventoryError::Missing)?;
                NotificationCommand::low_stock(stock, *available)
            }
        };
        let events = states.notification(self.notification)?.decide(&request, now)?;
        Ok(changes(self.notification.stream(), events))
    }
}
