//! Failures of payments and reservations: the compensation matrix, one test for each row.
//!
//! | event | test |
//! |---|---|
//! | declined | [`provider::after_a_declined_payment_another_can_be_started`] |
//! | provider does not answer | [`provider::a_payment_with_unknown_outcome_is_retried_and_keeps_the_stock_up_to_the_limit`] |
//! | same webhook twice | [`webhooks::the_same_webhook_twice_has_one_effect`] |
//! | captured before authorised, any order | [`webhooks::a_capture_can_be_reported_before_its_authorisation`] |
//! | webhook for a payment not known yet | [`webhooks::a_webhook_before_its_payment_is_kept_reported_as_overdue_and_applied`] |
//! | reservation ends unpaid | [`reservations::an_unpaid_order_expires_and_its_stock_is_released`] |
//! | reservation ended, then money arrives | [`reservations::a_late_payment_gets_its_stock_or_is_refunded`] |
//! | cancel after authorisation / capture | [`money::payments_of_a_cancelled_order_are_voided_or_refunded`] |
//! | partly captured, then cancelled | [`money::a_partly_captured_payment_is_released_and_refunded`] |
//! | refund fails | [`money::a_refund_that_fails_is_retried_and_then_needs_attention`] |
//! | amount or currency differs from the order | [`provider::a_wrong_amount_does_not_pay_the_order_and_needs_attention`] |
//! | authorisation about to expire | [`reservations::an_expiring_authorisation_needs_attention_and_then_expires`] |
//! | dispute after refund | [`money::a_dispute_after_a_refund_is_recorded_too`] |
//!
//! Two more of the same kind: a second attempt that succeeds as well,
//! [`money::the_money_of_a_second_payment_is_refunded`], and captures that fail,
//! [`money::a_capture_that_fails_is_retried_and_then_needs_attention`].

mod money;
mod provider;
mod reservations;
mod webhooks;

use serde_json::{Value, json};

use super::stage::{Stage, text};
use crate::cluster::until;

/// The fields of a payment that the tests query.
const PAYMENT: &str = "id status needsAttention authorized { amount } captured { amount }
    capturePending { amount } voided { amount } refunded { amount } refundPending { amount }
    disputed { amount } chargedBack { amount } actionUrl authorizationExpiresAt followUpAt";

impl Stage {
    /// The current payment, as staff see it.
    pub(super) async fn payment(&self, payment: &str) -> Value {
        let query = format!(
            "query($id: ID!, $at: Position) {{ payment(id: $id, minPosition: $at) {{ {PAYMENT} }} }}"
        );
        let at = self.head().await.to_string();
        self.desk.ask(&query, json!({"id": payment, "at": at})).await["payment"].clone()
    }

    /// Waits until this payment, and no other, needs attention; returns the reason.
    pub(super) async fn until_attention_is_needed(&self, payment: &str) -> String {
        until("the payment needs a person", async || {
            !self.payment(payment).await["needsAttention"].is_null()
        })
        .await;
        let query = "{ payments(filter: {needsAttention: true}) { nodes { id } } }";
        let queue = self.desk.ask(query, json!({})).await;
        assert_eq!(queue["payments"]["nodes"], json!([{"id": payment}]));
        text(&self.payment(payment).await["needsAttention"])
    }
}

/// The amounts of a payment in these fields, in minor units.
fn amounts<const N: usize>(payment: &Value, fields: [&str; N]) -> [i64; N] {
    fields.map(|field| text(&payment[field]["amount"]).parse().unwrap())
}

/// How many events of this type the history has.
fn count(history: &[String], event: &str) -> usize {
    history.iter().filter(|name| *name == event).count()
}
