//! The stories that the simulated provider can tell, by the token a payment is made with.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ReportKind;

/// What happens to a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Story {
    /// `tok_success`: authorised.
    Success,
    /// `tok_declined`: declined.
    Declined,
    /// `tok_requires_action`: the customer has to do something, and soon has done it.
    RequiresAction,
    /// `tok_timeout`: authorised, but nobody is told until they ask again.
    Timeout,
    /// `tok_silent`: nothing happens, and nobody ever hears anything.
    Silent,
    /// `tok_late_success`: authorised, which is told after the reservation has ended.
    LateSuccess,
    /// `tok_duplicate_webhooks`: authorised, and everything is told three times.
    DuplicateWebhooks,
    /// `tok_out_of_order`: taken at once, which is told before that it was authorised.
    OutOfOrder,
    /// `tok_capture_fails`: authorised, and then every capture is refused.
    CaptureFails,
    /// `tok_refund_fails`: authorised, and later every refund is refused.
    RefundFails,
    /// `tok_wrong_amount`: authorised, of a little less.
    WrongAmount,
    /// `tok_declined_then_approved`: declined, and then taken after all.
    DeclinedThenApproved,
    /// `tok_dispute`: authorised; the customer's bank takes all of it back as soon as any of it is
    /// refunded.
    Dispute,
}

/// Something told by webhook, and how long after it became so.
pub(super) type Announcement = (ReportKind, Duration);

impl Story {
    pub(super) fn of(token: &str) -> Option<Story> {
        Some(match token {
            "tok_success" => Story::Success,
            "tok_declined" => Story::Declined,
            "tok_requires_action" => Story::RequiresAction,
            "tok_timeout" => Story::Timeout,
            "tok_silent" => Story::Silent,
            "tok_late_success" => Story::LateSuccess,
            "tok_duplicate_webhooks" => Story::DuplicateWebhooks,
            "tok_out_of_order" => Story::OutOfOrder,
            "tok_capture_fails" => Story::CaptureFails,
            "tok_refund_fails" => Story::RefundFails,
            "tok_wrong_amount" => Story::WrongAmount,
            "tok_declined_then_approved" => Story::DeclinedThenApproved,
            "tok_dispute" => Story::Dispute,
            _ => return None,
        })
    }

    /// What is answered when the payment is made.
    pub(super) fn answer(self) -> ReportKind {
        match self {
            Story::Timeout => ReportKind::Authorized,
            Story::RequiresAction => ReportKind::ActionRequired,
            _ => ReportKind::Processing,
        }
    }

    /// What is told when the payment is made. `late` is later than any reservation ends.
    pub(super) fn opening(self, late: Duration) -> Vec<Announcement> {
        let after = Duration::from_millis;
        match self {
            Story::Timeout | Story::Silent => vec![],
            Story::Declined => vec![(ReportKind::Failed, after(0))],
            Story::RequiresAction => {
                vec![(ReportKind::ActionRequired, after(0)), (ReportKind::Authorized, after(1_000))]
            }
            Story::LateSuccess => vec![(ReportKind::Authorized, late)],
            Story::OutOfOrder => vec![
                (ReportKind::Captured, after(0)),
                (ReportKind::Authorized, after(300)),
                (ReportKind::Processing, after(600)),
            ],
            Story::DeclinedThenApproved => {
                vec![(ReportKind::Failed, after(0)), (ReportKind::Captured, after(3_000))]
            }
            _ => vec![(ReportKind::Authorized, after(0))],
        }
    }

    /// What is told when money went back.
    pub(super) fn after_a_refund(self) -> Vec<Announcement> {
        match self {
            Story::Dispute => vec![
                (ReportKind::DisputeOpened, Duration::from_millis(100)),
                (ReportKind::DisputeLost, Duration::from_millis(500)),
            ],
            _ => vec![],
        }
    }

    /// Whether the provider takes the money without being asked.
    pub(super) fn takes_at_once(self) -> bool {
        matches!(self, Story::OutOfOrder | Story::DeclinedThenApproved)
    }
}
