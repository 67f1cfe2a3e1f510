//! The open states of a log, by aggregate type.

use domain::cart::Cart;
use domain::checkout::RelatedStates;
use domain::inventory::Inventory;
use domain::order::Order;
use domain::payment::Payment;
use domain::product::Product;
use domain::{CartId, OrderId, PaymentId, Sku, State, StreamId};

use super::log::HistoryLog;
use crate::error::BenchError;

impl HistoryLog {
    pub fn product(&self, sku: &Sku) -> Result<&Product, BenchError> {
        match self.state(sku.product()) {
            Some(State::Product(product)) => Ok(product),
            _ => Err(unknown(sku.product())),
        }
    }

    pub fn inventory(&self, sku: &Sku) -> Result<&Inventory, BenchError> {
        match self.state(sku.inventory()) {
            Some(State::Inventory(inventory)) => Ok(inventory),
            _ => Err(unknown(sku.inventory())),
        }
    }

    pub fn cart(&self, id: CartId) -> Result<&Cart, BenchError> {
        match self.state(id.stream()) {
            Some(State::Cart(cart)) => Ok(cart),
            _ => Err(unknown(id.stream())),
        }
    }

    pub fn order(&self, id: OrderId) -> Result<&Order, BenchError> {
        match self.state(id.stream()) {
            Some(State::Order(order)) => Ok(order),
            _ => Err(unknown(id.stream())),
        }
    }

    pub fn payment(&self, id: PaymentId) -> Result<&Payment, BenchError> {
        match self.state(id.stream()) {
            Some(State::Payment(payment)) => Ok(payment),
            _ => Err(unknown(id.stream())),
        }
    }

    /// The stocks that the order's lines need; no order in a generated history has a coupon.
    pub fn related(&self, order: &Order) -> Result<RelatedStates<'_>, BenchError> {
        let lines = order.details().map(|details| details.lines.as_slice()).unwrap_or_default();
        let stock = |sku: &Sku| Ok((sku.clone(), self.inventory(sku)?));
        let stocks = lines.iter().map(|line| stock(&line.ordered.sku));
        Ok(RelatedStates { stocks: stocks.collect::<Result<_, BenchError>>()?, coupon: None })
    }
}

fn unknown(stream: StreamId) -> BenchError {
    BenchError::Incorrect(format!("the stream {stream} has no state"))
}
