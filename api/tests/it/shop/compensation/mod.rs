//! When things go wrong: the compensation matrix, one test a row.
//!
//! | event | test |
//! |---|---|
//! | declined | [`provider::after_a_declined_payment_another_may_be_tried`] |
//! | provider does not answer | [`provider::an_unknown_payment_is_asked_about_again_and_holds_the_stock_up_to_the_cap`] |
//! | same webhook twice | [`webhooks::the_same_webhook_twice_has_one_effect`] |
//! | captured before authorised, any order | [`webhooks::a_capture_may_be_heard_of_before_its_authorisation`] |
//! | webhook for a payment not known yet | [`webhooks::a_webhook_that_comes_before_its_payment_is_kept_alarms_and_is_applied`] |
//! | reservation ends unpaid | [`reservations::an_order_that_nobody_pays_expires_and_its_stock_is_released`] |
//! | reservation ended, then money arrives | [`reservations::money_that_comes_late_finds_its_stock_or_goes_back`] |
//! | cancel after authorisation / capture | [`money::a_cancelled_order_gives_back_what_was_held_or_taken`] |
//! | partly captured, then cancelled | [`money::of_what_is_partly_taken_the_rest_is_let_go_and_the_part_goes_back`] |
//! | refund fails | [`money::a_refund_that_fails_is_tried_again_and_then_shown_to_a_person`] |
//! | amount or currency differs from the order | [`provider::money_that_does_not_fit_the_order_pays_nothing_and_needs_a_person`] |
//! | authorisation about to expire | [`reservations::an_authorisation_about_to_run_out_is_shown_to_a_person_and_then_has_expired`] |
//! | dispute after refund | [`money::a_dispute_after_a_refund_is_recorded_beside_it`] |
//!
//! Two more of the same kind: a second attempt that succeeds as well,
//! [`money::what_a_second_attempt_brings_as_well_goes_back`], and captures that fail,
//! [`money::a_capture_that_fails_is_tried_again_and_then_shown_to_a_person`].

mod money;
mod provider;
mod reservations;
mod webhooks;

use serde_json::{Value, json};

use super::stage::{Stage, text};
use crate::cluster::until;

/// What every test of money looks at.
const PAYMENT: &str = "id status needsAttention authorized { amount } captured { amount }
    capturePending { amount } voided { amount } refunded { amount } refundPending { amount }
    disputed { amount } chargedBack { amount } actionUrl authorizationExpiresAt followUpAt";

impl Stage {
    /// The payment as of now, as staff see it.
    pub(super) async fn payment(&self, payment: &str) -> Value {
        let query = format!(
            "query($id: ID!, $at: Position) {{ payment(id: $id, minPosition: $at) {{ {PAYMENT} }} }}"
        );
        let at = self.head().await.to_string();
        self.desk.ask(&query, json!({"id": payment, "at": at})).await["payment"].clone()
    }

    /// Waits until a person has to look at this payment, and it alone; why.
    pub(super) async fn needs_a_person(&self, payment: &str) -> String {
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

/// Amounts of a payment, by the names of their fields, in minor units.
fn amounts<const N: usize>(payment: &Value, fields: [&str; N]) -> [i64; N] {
    fields.map(|field| text(&payment[field]["amount"]).parse().unwrap())
}

/// How many of a history's events are of this type.
fn count(history: &[String], event: &str) -> usize {
    history.iter().filter(|name| *name == event).count()
}
