//! Commands to a coupon.

use domain::coupon::{CouponCode, CouponCommand};
use domain::{Decide, StreamId, Timestamp};

use crate::bus::{Changes, Command, Halt, States, changes};

/// Asks one coupon, by its code.
#[derive(Debug, Clone)]
pub struct AskCoupon {
    pub name: &'static str,
    pub code: CouponCode,
    pub command: CouponCommand,
}

impl Command for AskCoupon {
    fn name(&self) -> &'static str {
        self.name
    }

    fn subject(&self) -> Option<StreamId> {
        Some(self.code.stream())
    }

    fn decide(&self, states: &States<'_>, now: Timestamp) -> Result<Changes, Halt> {
        let events = states.coupon(&self.code)?.decide(&self.command, now)?;
        Ok(changes(self.code.stream(), events))
    }
}
