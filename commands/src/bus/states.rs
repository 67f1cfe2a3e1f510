//! The states that are loaded while a command is decided.

use domain::cart::Cart;
use domain::coupon::{Coupon, CouponCode};
use domain::inventory::Inventory;
use domain::notification::Notification;
use domain::order::Order;
use domain::payment::Payment;
use domain::product::Product;
use domain::{CartId, NotificationId, OrderId, PaymentId, Sku, State, StreamId};

use super::Halt;

/// Every method returns the state of one aggregate, or halts the decision until it is loaded.
#[derive(Debug)]
pub struct States<'a>(pub(super) Vec<(StreamId, &'a State)>);

impl States<'_> {
    pub fn product(&self, sku: &Sku) -> Result<&Product, Halt> {
        let stream = sku.product();
        match self.get(stream)? {
            State::Product(product) => Ok(product),
            _ => Err(Halt::Missing(stream)),
        }
    }

    pub fn cart(&self, id: CartId) -> Result<&Cart, Halt> {
        match self.get(id.stream())? {
            State::Cart(cart) => Ok(cart),
            _ => Err(Halt::Missing(id.stream())),
        }
    }

    pub fn inventory(&self, sku: &Sku) -> Result<&Inventory, Halt> {
        self.stock(sku.inventory())
    }

    /// The stock of a SKU, by its stream.
    pub fn stock(&self, stream: StreamId) -> Result<&Inventory, Halt> {
        match self.get(stream)? {
            State::Inventory(inventory) => Ok(inventory),
            _ => Err(Halt::Missing(stream)),
        }
    }

    pub fn order(&self, id: OrderId) -> Result<&Order, Halt> {
        match self.get(id.stream())? {
            State::Order(order) => Ok(order),
            _ => Err(Halt::Missing(id.stream())),
        }
    }

    pub fn payment(&self, id: PaymentId) -> Result<&Payment, Halt> {
        match self.get(id.stream())? {
            State::Payment(payment) => Ok(payment),
            _ => Err(Halt::Missing(id.stream())),
        }
    }

    pub fn coupon(&self, code: &CouponCode) -> Result<&Coupon, Halt> {
        match self.get(code.stream())? {
            State::Coupon(coupon) => Ok(coupon),
            _ => Err(Halt::Missing(code.stream())),
        }
    }

    pub fn notification(&self, id: NotificationId) -> Result<&Notification, Halt> {
        match self.get(id.stream())? {
            State::Notification(notification) => Ok(notification),
            _ => Err(Halt::Missing(id.stream())),
        }
    }

    fn get(&self, stream: StreamId) -> Result<&State, Halt> {
        let found = self.0.iter().find(|(id, _)| *id == stream);
        found.map(|(_, state)| *state).ok_or(Halt::Missing(stream))
    }
}
