//! What Stripe's answers and events mean, and what the request for an intent holds.

use domain::payment::{CaptureMode, Fact, Payment, PaymentDetails, PaymentEvent, PaymentMethod};
use domain::{Currency, Event as DomainEvent, Kind, Money, OrderId, PaymentId, State};
use serde_json as json;
use uuid::Uuid;

use super::create;
use super::objects::{List, PaymentIntent, Refund};
use super::webhook::StripeEvent;
use crate::payments::ProviderError;

const PAYMENT: PaymentId = PaymentId(Uuid::from_u128(7));

fn usd(amount: i64) -> Money {
    Money::new(amount, Currency::USD)
}

/// An intent of 49.98 USD, with `more` fields.
fn intent(status: &str, received: i64, more: &str) -> PaymentIntent {
    let text = format!(
        r#"{{"id": "pi_1", "object": "payment_intent", "amount": 4998, "currency": "usd",
            "created": 1767225600, "amount_received": {received}, "status": "{status}",
            "metadata": {{"payment_id": "{PAYMENT}", "order_id": "x"}}{more}}}"#
    );
    json::from_str(&text).unwrap()
}

fn refund(id: &str, amount: i64, status: &str, request: Option<u32>) -> Refund {
    let metadata = request.map_or(String::new(), |n| format!(r#""request": "{n}""#));
    let text = format!(
        r#"{{"id": "{id}", "amount": {amount}, "currency": "usd", "status": "{status}",
            "metadata": {{{metadata}}}}}"#
    );
    json::from_str(&text).unwrap()
}

fn authorized() -> Fact {
    Fact::Authorized { reference: "pi_1".to_owned(), amount: usd(4_998), expires_at: None }
}

fn captured(amount: i64, request: Option<u32>) -> Fact {
    Fact::Captured { object: "ch_1".to_owned(), amount: usd(amount), request }
}

const CHARGED: &str = r#", "latest_charge": {"id": "ch_1"}"#;

#[test]
fn an_intents_status_is_a_fact() {
    let reference = || "pi_1".to_owned();
    let failed = r#", "last_payment_error": {"code": "card_declined", "decline_code": "stolen"}"#;
    let action = r#", "next_action": {"redirect_to_url": {"url": "https://bank.example"}}"#;
    let in_page = r#", "next_action": {"type": "use_stripe_sdk"}"#;
    let url = |url: Option<&str>| Fact::ActionRequired {
        reference: reference(),
        url: url.map(str::to_owned),
    };
    let rows = [
        ("requires_payment_method", "", Fact::Processing { reference: reference() }),
        ("requires_payment_method", failed, Fact::Failed { reason: "card_declined".to_owned() }),
        ("requires_action", action, url(Some("https://bank.example"))),
        ("requires_action", in_page, url(None)),
        ("processing", "", Fact::Processing { reference: reference() }),
        ("a status of next year", "", Fact::Processing { reference: reference() }),
        ("requires_capture", CHARGED, authorized()),
        ("canceled", "", Fact::Cancelled),
        ("canceled", r#", "cancellation_reason": "abandoned""#, Fact::Cancelled),
        ("canceled", r#", "cancellation_reason": "automatic""#, Fact::Expired),
    ];
    for (status, more, fact) in rows {
        assert_eq!(intent(status, 0, more).facts().unwrap(), [fact], "{status}{more}");
    }
}

#[test]
fn an_authorisation_ends_when_the_card_says_so() {
    let charge = r#", "latest_charge": {"id": "ch_1",
        "payment_method_details": {"card": {"capture_before": 1767830400}}}"#;
    let facts = intent("requires_capture", 0, charge).facts().unwrap();
    let [Fact::Authorized { expires_at: Some(at), .. }] = &*facts else { panic!("{facts:?}") };
    assert_eq!(at.timestamp(), 1_767_830_400);
}

#[test]
fn a_capture_is_cumulative_and_releases_the_rest() {
    let whole = intent("succeeded", 4_998, CHARGED);
    assert_eq!(whole.facts().unwrap(), [authorized(), captured(4_998, None)]);
    let mut part = intent("succeeded", 1_000, CHARGED);
    part.metadata.insert("request".to_owned(), "2".to_owned());
    assert_eq!(part.facts().unwrap(), [authorized(), captured(1_000, Some(2)), Fact::Cancelled]);
}

#[test]
fn each_refund_is_a_fact_and_a_released_amount_is_none() {
    let refunded = |object: &str, amount, request| Fact::Refunded {
        object: object.to_owned(),
        amount: usd(amount),
        request,
    };
    let refunds = [
        refund("re_1", 300, "succeeded", Some(1)),
        refund("re_2", 300, "succeeded", None),
        refund("re_3", 10, "pending", Some(2)),
        refund("re_4", 20, "failed", Some(3)),
        refund("re_5", 20, "canceled", None),
        refund("re_6", 3_998, "succeeded", None),
    ];
    let facts = intent("succeeded", 1_000, CHARGED).all_facts(&refunds).unwrap();
    assert_eq!(
        facts[3..],
        [
            refunded("re_1", 300, Some(1)),
            refunded("re_2", 300, None),
            Fact::RefundFailed { request: 3, reason: "failed".to_owned() },
        ]
    );
    assert_eq!(refunds.iter().filter(|refund| refund.is_pending()).count(), 1);
    // A whole capture releases nothing, so this refund is a real one.
    let facts = intent("succeeded", 4_998, CHARGED).all_facts(&refunds[5..]).unwrap();
    assert_eq!(facts[2..], [refunded("re_6", 3_998, None)]);
}

#[test]
fn an_intent_belongs_to_this_shop_if_its_metadata_says_so() {
    assert_eq!(intent("processing", 0, "").payment(), Some(PAYMENT));
    for metadata in ["{}", r#"{"payment_id": "someone else's"}"#] {
        let text = format!(
            r#"{{"id": "pi_2", "amount": 1, "amount_received": 0, "currency": "usd", "created": 1,
                "status": "processing", "metadata": {metadata}}}"#
        );
        assert_eq!(json::from_str::<PaymentIntent>(&text).unwrap().payment(), None);
    }
    let page: List<PaymentIntent> = json::from_str(r#"{"data": [], "has_more": false}"#).unwrap();
    assert!(page.data.is_empty() && !page.has_more);
}

#[test]
fn an_event_names_the_intent_that_it_is_about() {
    let event = |kind: &str, object: &str| {
        let body =
            format!(r#"{{"id": "evt_1", "type": "{kind}", "data": {{"object": {object}}}}}"#);
        StripeEvent::parse(body.as_bytes()).unwrap()
    };
    let (intent, part) = (r#"{"id": "pi_1"}"#, r#"{"id": "x_1", "payment_intent": "pi_1"}"#);
    for (kind, object, found) in [
        ("payment_intent.amount_capturable_updated", intent, Some("pi_1")),
        ("charge.refunded", part, Some("pi_1")),
        ("charge.refund.updated", part, Some("pi_1")),
        ("charge.dispute.created", part, Some("pi_1")),
        ("refund.failed", part, Some("pi_1")),
        ("charge.succeeded", r#"{"id": "ch_1", "payment_intent": null}"#, None),
        ("customer.created", r#"{"id": "cus_1", "status": 1, "amount": "all"}"#, None),
        ("payment_intentional", intent, None),
    ] {
        assert_eq!(event(kind, object).intent(), found, "{kind}");
    }
    for body in ["", "{}", r#"{"id": 1}"#, r#"{"id": "evt_1", "type": "x"}"#] {
        assert!(StripeEvent::parse(body.as_bytes()).is_err(), "{body}");
    }
}

#[test]
fn a_dispute_has_the_outcome_of_its_status_and_an_inquiry_is_no_dispute() {
    let fact = |kind: &str, status: &str| {
        let body = format!(
            r#"{{"id": "evt_1", "type": "{kind}", "data": {{"object": {{"id": "dp_1",
                "payment_intent": "pi_1", "amount": 700, "currency": "usd", "status": "{status}"}}}}}}"#
        );
        StripeEvent::parse(body.as_bytes()).unwrap().dispute().unwrap()
    };
    let object = || "dp_1".to_owned();
    let opened = || Some(Fact::DisputeOpened { object: object(), amount: usd(700) });
    assert_eq!(fact("charge.dispute.created", "needs_response"), opened());
    assert_eq!(fact("charge.dispute.updated", "under_review"), opened());
    assert_eq!(fact("charge.dispute.closed", "won"), Some(Fact::DisputeWon { object: object() }));
    assert_eq!(fact("charge.dispute.closed", "lost"), Some(Fact::DisputeLost { object: object() }));
    assert_eq!(fact("charge.dispute.created", "warning_needs_response"), None);
    assert_eq!(fact("charge.updated", "lost"), None);
}

fn details_of(method: PaymentMethod, amount: Money) -> PaymentDetails {
    let mut state = State::absent(Kind::Payment);
    state.apply(DomainEvent::Payment(PaymentEvent::Initiated {
        order: OrderId(Uuid::from_u128(8)),
        amount,
        method,
        capture: CaptureMode::Automatic,
        source: "pm_1".to_owned(),
        at: chrono::DateTime::UNIX_EPOCH,
    }));
    match state {
        State::Payment(payment) => Payment::existing(&payment).unwrap().clone(),
        _ => unreachable!("it is a payment"),
    }
}

#[test]
fn an_intent_is_requested_by_card_and_captured_later() {
    let request = create::request(PAYMENT, &details_of(PaymentMethod::Card, usd(4_998))).unwrap();
    assert_eq!((request.method.as_str(), &*request.path), ("POST", "payment_intents"));
    let mut fields: Vec<_> =
        request.fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    fields.sort_unstable();
    let (payment, order) = (PAYMENT.0, Uuid::from_u128(8));
    assert_eq!(
        fields,
        [
            "allowed_payment_method_types[0]=card",
            "amount=4998",
            "capture_method=manual",
            "confirm=true",
            "currency=usd",
            "expand[0]=latest_charge",
            &*format!("metadata[order_id]={order}"),
            &*format!("metadata[payment_id]={payment}"),
            "payment_method=pm_1",
        ]
    );
}

#[test]
fn unsupported_methods_and_currencies_are_refused_before_the_request() {
    for currency in ["ISK", "MGA", "UGX"] {
        let amount = Money::new(4_998, currency.parse().unwrap());
        let refused = create::request(PAYMENT, &details_of(PaymentMethod::Card, amount));
        assert!(matches!(refused, Err(ProviderError::Refused(_))), "{currency}");
    }
    for method in [PaymentMethod::Upi, PaymentMethod::NetBanking] {
        let refused = create::request(PAYMENT, &details_of(method, usd(1)));
        assert!(matches!(refused, Err(ProviderError::Refused(_))), "{method:?}");
    }
}
