//! Events of a busy shop, of all kinds and on overlapping streams; the same for every run.

use domain::cart::{CartEvent, Owner};
use domain::inventory::{AdjustmentKind, InventoryEvent, ReleaseReason};
use domain::order::{CancelReason, OrderEvent};
use domain::payment::{CaptureMode, PaymentEvent, PaymentMethod};
use domain::product::ProductEvent;
use domain::{CartId, Event, OrderId, PaymentId, Quantity, StreamId};
use uuid::Uuid;

use crate::orders::placed;
use crate::support::{By, Shop, at, sku, text, usd};

/// So few that every batch changes rows that the batch before has changed.
const STREAMS: u32 = 7;

/// Appends this many commands, each with one to six events.
pub(crate) async fn traffic(shop: &Shop, commands: std::ops::Range<u32>) {
    for n in commands {
        shop.record_by(By::actor("system:traffic"), command(n)).await;
    }
}

/// Appends the events of [`traffic`] in fewer appends.
pub(crate) async fn traffic_in_few_appends(shop: &Shop, commands: std::ops::Range<u32>) {
    let commands: Vec<u32> = commands.collect();
    for some in commands.chunks(100) {
        let events = some.iter().copied().flat_map(command).collect();
        shop.record_by(By::actor("system:traffic"), events).await;
    }
}

fn command(n: u32) -> Vec<(StreamId, Event)> {
    let (of, round) = (n % STREAMS, n / STREAMS);
    let uuid = Uuid::from_u128(u128::from(n) + 1);
    let (cart, order, payment) = (CartId(uuid), OrderId(uuid), PaymentId(uuid));
    let key = sku(&format!("SKU-{of}"));
    let mut events: Vec<(StreamId, Event)> = vec![];
    if round == 0 {
        let registered = InventoryEvent::Registered {
            sku: key.clone(),
            reorder_level: 1,
            reorder_quantity: 1,
            at: at(0),
        };
        events.push((key.inventory(), registered.into()));
        let created = ProductEvent::Created {
            sku: key.clone(),
            name: text("A thing"),
            description: None,
            image_url: None,
            price: usd(100),
            at: at(0),
        };
        events.push((key.product(), created.into()));
    }
    let on_hand = i64::from(round) + 1;
    let (reason, reference) = (None, Some(text("delivery")));
    let kind = AdjustmentKind::Purchase;
    let adjusted =
        InventoryEvent::Adjusted { kind, quantity: 1, reason, reference, on_hand, at: at(1) };
    events.push((key.inventory(), adjusted.into()));
    events.extend(reservations(n).map(|event| (key.inventory(), event.into())));
    match n % 4 {
        0 => {
            let repriced = ProductEvent::Repriced { price: usd(n.into()), at: at(2) };
            events.push((key.product(), repriced.into()));
        }
        1 => {
            let (quantity, unit_price) = (Quantity::ONE, usd(100));
            let created =
                CartEvent::Created { owner: Owner::Guest, idle_seconds: 604_800, at: at(2) };
            let added = CartEvent::LineAdded { sku: key, quantity, unit_price, at: at(2) };
            events.push((cart.stream(), created.into()));
            events.push((cart.stream(), added.into()));
        }
        2 => {
            let placed = placed(&format!("C-{n}"), cart, Owner::Guest, at(n.into()));
            events.push((order.stream(), placed.into()));
            if n.is_multiple_of(3) {
                let reason = CancelReason::Customer(None);
                events.push((order.stream(), OrderEvent::Cancelled { reason, at: at(3) }.into()));
            }
        }
        _ => {
            let (amount, capture) = (usd(100), CaptureMode::Manual);
            let (method, source) = (PaymentMethod::Card, "tok_success".to_owned());
            let initiated =
                PaymentEvent::Initiated { order, amount, method, capture, source, at: at(2) };
            events.push((payment.stream(), initiated.into()));
        }
    }
    events
}

/// A unit is reserved for every order; some reservations are extended, and every other one is
/// released.
fn reservations(n: u32) -> impl Iterator<Item = InventoryEvent> {
    let earlier = |rounds: u32| n.checked_sub(rounds * STREAMS);
    let order = |n: u32| OrderId(Uuid::from_u128(u128::from(n) + 1));
    let reserved =
        InventoryEvent::Reserved { order: order(n), quantity: 1, expires_at: at(900), at: at(1) };
    let extended = earlier(1).filter(|n| n.is_multiple_of(3)).map(|n| {
        InventoryEvent::ReservationExtended { order: order(n), expires_at: at(950), at: at(2) }
    });
    let released = earlier(2).filter(|n| n.is_multiple_of(2)).map(|n| InventoryEvent::Released {
        order: order(n),
        quantity: 1,
        why: ReleaseReason::Cancelled,
        at: at(3),
    });
    [Some(reserved), extended, released].into_iter().flatten()
}
