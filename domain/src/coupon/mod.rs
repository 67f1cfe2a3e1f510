//! A coupon: a discount by code, for a time, so many times. Read `event.rs`, `command.rs`, then
//! this file.

mod command;
mod event;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;
use serde::{Deserialize, Serialize};

pub use self::command::{CouponCommand, CouponError};
pub use self::event::CouponEvent;
use crate::decide::handle;
use crate::pricing::Percent;
use crate::{Decide, ErrorCode, Invalid, Kind, Money, StreamId, Timestamp};

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub enum Coupon {
    #[default]
    Absent,
    Issued(CouponDetails),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CouponDetails {
    pub code: CouponCode,
    pub terms: CouponTerms,
    /// By orders that have not come to nothing.
    pub redemptions: u32,
    pub disabled: bool,
    pub created_at: Timestamp,
}

/// What it is worth, and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CouponTerms {
    pub discount: Discount,
    /// From this moment on; from the beginning where there is none.
    pub valid_from: Option<Timestamp>,
    /// Up to this moment, and not at it.
    pub valid_until: Option<Timestamp>,
    /// The least that the goods must cost.
    pub minimum: Option<Money>,
    /// How many orders may use it.
    pub usage_limit: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Discount {
    /// Of the goods, in any currency.
    Percentage(Percent),
    /// At most what the goods cost.
    Fixed(Money),
}

/// What customers type: 3 to 40 letters, digits and dashes. Lower case is the same as upper case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CouponCode(String);

impl CouponCode {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn stream(&self) -> StreamId {
        StreamId::natural(Kind::Coupon, &self.0)
    }
}

impl Coupon {
    pub fn details(&self) -> Option<&CouponDetails> {
        match self {
            Coupon::Absent => None,
            Coupon::Issued(details) => Some(details),
        }
    }

    /// What it takes off goods for this much, now.
    pub fn discount(&self, subtotal: Money, now: Timestamp) -> Result<Money, CouponError> {
        let details = self.details().ok_or(CouponError::Missing)?;
        details.must_be_usable(now)?;
        details.terms.discount(subtotal)
    }
}

impl CouponDetails {
    fn must_be_usable(&self, now: Timestamp) -> Result<(), CouponError> {
        if self.disabled {
            return Err(CouponError::Disabled);
        }
        if self.terms.valid_from.is_some_and(|from| now < from) {
            return Err(CouponError::NotYet);
        }
        if self.terms.valid_until.is_some_and(|until| now >= until) {
            return Err(CouponError::Over);
        }
        if self.terms.usage_limit.is_some_and(|limit| self.redemptions >= limit) {
            return Err(CouponError::UsedUp);
        }
        Ok(())
    }
}

impl CouponTerms {
    fn discount(&self, subtotal: Money) -> Result<Money, CouponError> {
        let other_currency = |own: Money| CouponError::OtherCurrency(own.currency);
        if let Some(minimum) = self.minimum {
            if minimum.currency != subtotal.currency {
                return Err(other_currency(minimum));
            }
            if subtotal.amount < minimum.amount {
                return Err(CouponError::BelowMinimum(minimum));
            }
        }
        match self.discount {
            Discount::Percentage(percent) => Ok(percent.of(subtotal)?),
            Discount::Fixed(fixed) if fixed.currency != subtotal.currency => {
                Err(other_currency(fixed))
            }
            Discount::Fixed(fixed) => {
                Ok(Money::new(fixed.amount.min(subtotal.amount), subtotal.currency))
            }
        }
    }

    fn must_make_sense(&self) -> Result<(), CouponError> {
        let is_nothing = match self.discount {
            Discount::Percentage(percent) => percent == Percent::ZERO,
            Discount::Fixed(fixed) => fixed.amount <= 0,
        };
        if is_nothing {
            return Err(CouponError::NoDiscount);
        }
        let ends_before =
            self.valid_until.is_some_and(|until| self.valid_from.is_some_and(|from| until <= from));
        if ends_before || self.usage_limit == Some(0) {
            return Err(CouponError::NeverValid);
        }
        Ok(())
    }
}

impl Decide for Coupon {
    /// All the rules of a coupon.
    fn decide(
        &self,
        command: &CouponCommand,
        at: Timestamp,
    ) -> Result<Vec<CouponEvent>, CouponError> {
        let details = match (self.details(), command) {
            (None, CouponCommand::Create { code, terms }) => {
                terms.must_make_sense()?;
                let (code, terms) = (code.clone(), terms.clone());
                return Ok(vec![CouponEvent::Created { code, terms, at }]);
            }
            (None, _) => return Err(CouponError::Missing),
            (Some(details), _) => details,
        };
        match command {
            CouponCommand::Create { code, .. } => Err(CouponError::Exists(code.clone())),
            CouponCommand::Redeem { order, subtotal } => {
                let discount = self.discount(*subtotal, at)?;
                Ok(vec![CouponEvent::Redeemed { order: *order, discount, at }])
            }
            // The order that came to nothing is cancelled or expired once, so it asks once.
            CouponCommand::Release { order } => {
                Ok(vec![CouponEvent::Released { order: *order, at }])
            }
            CouponCommand::Disable if details.disabled => Ok(vec![]),
            CouponCommand::Disable => Ok(vec![CouponEvent::Disabled { at }]),
        }
    }
}

impl Aggregate for Coupon {
    const TYPE: &'static str = "coupon";
    type Command = CouponCommand;
    type Event = CouponEvent;
    type Error = CouponError;
    type Services = Timestamp;

    async fn handle(
        &mut self,
        command: CouponCommand,
        now: &Timestamp,
        sink: &EventSink<Self>,
    ) -> Result<(), CouponError> {
        handle(self, &command, *now, sink).await
    }

    fn apply(&mut self, event: CouponEvent) {
        match (&mut *self, event) {
            (Coupon::Absent, CouponEvent::Created { code, terms, at }) => {
                let (redemptions, disabled, created_at) = (0, false, at);
                *self = Coupon::Issued(CouponDetails {
                    code,
                    terms,
                    redemptions,
                    disabled,
                    created_at,
                });
            }
            (Coupon::Absent, _) => {}
            (Coupon::Issued(details), event) => details.apply(&event),
        }
    }
}

impl CouponDetails {
    fn apply(&mut self, event: &CouponEvent) {
        match event {
            CouponEvent::Created { .. } => {}
            CouponEvent::Redeemed { .. } => self.redemptions = self.redemptions.saturating_add(1),
            CouponEvent::Released { .. } => self.redemptions = self.redemptions.saturating_sub(1),
            CouponEvent::Disabled { .. } => self.disabled = true,
        }
    }
}

impl FromStr for CouponCode {
    type Err = Invalid;

    fn from_str(code: &str) -> Result<Self, Invalid> {
        let code = code.trim().to_ascii_uppercase();
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        if !(3..=40).contains(&code.len()) || !code.bytes().all(allowed) {
            let message = "a coupon's code has 3 to 40 letters, digits and dashes";
            return Err(Invalid::new(ErrorCode::InvalidCoupon, message));
        }
        Ok(CouponCode(code))
    }
}

impl TryFrom<String> for CouponCode {
    type Error = Invalid;

    fn try_from(code: String) -> Result<Self, Invalid> {
        code.parse()
    }
}

impl From<CouponCode> for String {
    fn from(code: CouponCode) -> String {
        code.0
    }
}

impl fmt::Display for CouponCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
