//! The scenarios of the simulated provider. The token of a payment chooses one.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ReportKind;

/// What happens to a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Scenario {
    /// `tok_success`: authorised.
    Success,
    /// `tok_declined`: declined.
    Declined,
    /// `tok_requires_action`: the customer has to act first; one second later it is authorised.
    RequiresAction,
    /// `tok_timeout`: authorised, but the first call gets no answer and no webhook is sent. A
    /// second call is answered.
    Timeout,
    /// `tok_silent`: nothing happens, no call is answered, and no webhook is sent.
    Silent,
    /// `tok_late_success`: authorised, but the webhook comes after the reservation has ended.
    LateSuccess,
    /// `tok_duplicate_webhooks`: authorised, and every webhook is sent three times.
    DuplicateWebhooks,
    /// `tok_out_of_order`: captured at once; the webhook of the capture comes before the one of the
    /// authorisation.
    OutOfOrder,
    /// `tok_capture_fails`: authorised, but every capture is refused.
    CaptureFails,
    /// `tok_refund_fails`: authorised, but every refund is refused.
    RefundFails,
    /// `tok_wrong_amount`: authorised for one minor unit less than requested.
    WrongAmount,
    /// `tok_declined_then_approved`: declined, and captured 3 seconds later.
    DeclinedThenApproved,
    /// `tok_dispute`: authorised; after the first refund the customer disputes the payment and
    /// wins.
    Dispute,
}

/// What a webhook reports, and how long after the change it is sent.
pub(super) type ScheduledReport = (ReportKind, Duration);

impl Scenario {
    pub(super) fn from_token(token: &str) -> Option<Scenario> {
        Some(match token {
            "tok_success" => Scenario::Success,
            "tok_declined" => Scenario::Declined,
            "tok_requires_action" => Scenario::RequiresAction,
            "tok_timeout" => Scenario::Timeout,
            "tok_silent" => Scenario::Silent,
            "tok_late_success" => Scenario::LateSuccess,
            "tok_duplicate_webhooks" => Scenario::DuplicateWebhooks,
            "tok_out_of_order" => Scenario::OutOfOrder,
            "tok_capture_fails" => Scenario::CaptureFails,
            "tok_refund_fails" => Scenario::RefundFails,
            "tok_wrong_amount" => Scenario::WrongAmount,
            "tok_declined_then_approved" => Scenario::DeclinedThenApproved,
            "tok_dispute" => Scenario::Dispute,
            _ => return None,
        })
    }

    /// The answer to the call that creates the payment.
    pub(super) fn answer(self) -> ReportKind {
        match self {
            Scenario::Timeout => ReportKind::Authorized,
            Scenario::RequiresAction => ReportKind::ActionRequired,
            _ => ReportKind::Processing,
        }
    }

    /// The webhooks that follow the creation of the payment. `late` is longer than any reservation
    /// lasts.
    pub(super) fn webhooks_after_create(self, late: Duration) -> Vec<ScheduledReport> {
        let after = Duration::from_millis;
        match self {
            Scenario::Timeout | Scenario::Silent => vec![],
            Scenario::Declined => vec![(ReportKind::Failed, after(0))],
            Scenario::RequiresAction => {
                vec![(ReportKind::ActionRequired, after(0)), (ReportKind::Authorized, after(1_000))]
            }
            Scenario::LateSuccess => vec![(ReportKind::Authorized, late)],
            Scenario::OutOfOrder => vec![
                (ReportKind::Captured, after(0)),
                (ReportKind::Authorized, after(300)),
                (ReportKind::Processing, after(600)),
            ],
            Scenario::DeclinedThenApproved => {
                vec![(ReportKind::Failed, after(0)), (ReportKind::Captured, after(3_000))]
            }
            _ => vec![(ReportKind::Authorized, after(0))],
        }
    }

    /// The webhooks that follow a refund, besides the refund's own.
    pub(super) fn webhooks_after_refund(self) -> Vec<ScheduledReport> {
        match self {
            Scenario::Dispute => vec![
                (ReportKind::DisputeOpened, Duration::from_millis(100)),
                (ReportKind::DisputeLost, Duration::from_millis(500)),
            ],
            _ => vec![],
        }
    }

    /// Whether the provider captures the money without being asked.
    pub(super) fn captures_at_once(self) -> bool {
        matches!(self, Scenario::OutOfOrder | Scenario::DeclinedThenApproved)
    }
}
