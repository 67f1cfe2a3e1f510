//! The read model of payments.

use domain::payment::{CaptureMode, PaymentEvent, PaymentMethod, PaymentStatus};
use domain::{OrderId, PaymentId};
use projections::ReadModels;
use projections::payments::Filter;
use uuid::Uuid;

use crate::support::{Shop, at, id, items, page, usd};

fn initiated(order: OrderId) -> PaymentEvent {
    PaymentEvent::Initiated {
        order,
        amount: usd(2_499),
        method: PaymentMethod::Card,
        capture: CaptureMode::Automatic,
        source: "tok_success".to_owned(),
        at: at(0),
    }
}

fn captured() -> PaymentEvent {
    PaymentEvent::Captured { object: "cap".into(), amount: usd(2_499), request: None, at: at(1) }
}

async fn found(models: &ReadModels, filter: Filter) -> Vec<Uuid> {
    let payments = models.payments(&filter, &page(100)).await.unwrap();
    items(payments).iter().map(|row| row.id).collect()
}

#[tokio::test]
async fn payments_are_found_by_id_and_filtered_by_order_status_and_need_of_attention() {
    let shop = Shop::open().await;
    let (first, second, third) = (PaymentId(id()), PaymentId(id()), PaymentId(id()));
    let (order, other) = (OrderId(id()), OrderId(id()));
    let failed = PaymentEvent::Failed { reason: "no \u{0} funds".into(), at: at(1) };
    shop.record(first.stream(), [initiated(order), failed]).await;
    shop.record(second.stream(), [initiated(order), captured()]).await;
    let odd = PaymentEvent::NeedsAttention { reason: "odd".into(), at: at(2) };
    shop.record(third.stream(), [initiated(other), odd]).await;

    let models = shop.projected().await;

    let row = models.payment(second).await.unwrap().unwrap();
    assert_eq!(row.state.details().unwrap().status(), PaymentStatus::Captured);
    assert_eq!(found(&models, Filter::default()).await, [third.0, second.0, first.0]);
    let of_order = Filter { order: Some(order), ..Filter::default() };
    assert_eq!(found(&models, of_order).await, [second.0, first.0]);
    let failed = Filter { status: Some(PaymentStatus::Failed), ..Filter::default() };
    assert_eq!(found(&models, failed).await, [first.0]);
    let odd = Filter { needs_attention: Some(true), ..Filter::default() };
    assert_eq!(found(&models, odd).await, [third.0]);
    shop.assert_equal_to_rebuilds().await;
}
