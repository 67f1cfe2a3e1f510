//! Commands to a notification: asking for one in answer to an event, and recording what came of it.

use domain::inventory::InventoryError;
use domain::notification::NotificationCommand;
use domain::process::NotificationRequest;
use domain::{Decide, NotificationId, StreamId, Timestamp};

use crate::bus::{Changes, Command, Halt, States, changes};

/// Asks one notification.
#[derive(Debug, Clone)]
pub struct AskNotification {
    pub name: &'static str,
    pub notification: NotificationId,
    pub command: NotificationCommand,
}

impl Command for AskNotification {
    fn name(&self) -> &'static str {
        self.name
    }

    fn subject(&self) -> Option<StreamId> {
        Some(self.notification.stream())
    }

    fn decide(&self, states: &States<'_>, now: Timestamp) -> Result<Changes, Halt> {
        let events = states.notification(self.notification)?.decide(&self.command, now)?;
        Ok(changes(self.notification.stream(), events))
    }
}

/// Asks for the message that answers an event, as what it is about now stands.
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
