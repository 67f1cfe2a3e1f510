//! The shop with Stripe as its provider, simulated by localstripe.

mod flow;
mod stand_in;
mod trouble;
mod webhooks;

use self::stand_in::{LocalStripe, shop_at};
use crate::shop::stage::Stage;

/// A card that localstripe accepts, and one that it declines.
const GOOD: &str = "pm_card_visa";
const DECLINED: &str = "pm_card_chargeCustomerFail";

/// A shop that sells mugs, and localstripe, which sends it webhooks. None if localstripe is not
/// installed.
async fn stage() -> Option<(Stage, LocalStripe)> {
    let stripe = LocalStripe::start().await?;
    let stage = Stage::of(shop_at(stripe.address).await).await;
    stage.sell("MUG", 2_499, 100).await;
    stripe.report_to(&stage.node).await;
    Some((stage, stripe))
}

impl Stage {
    /// Orders two mugs and pays with this card; returns the ids of order and payment.
    async fn pay_by(&self, card: &str, capture: &str) -> (String, String) {
        let order = self.order(&self.ada, &[("MUG", 2)]).await;
        let payment = self.pay(&self.ada, &order, capture, card).await;
        (order, payment)
    }
}
