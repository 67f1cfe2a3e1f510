//! A coupon: a code that gives a discount, for a limited time or a limited number of orders. Read
//! `event.rs`, `command.rs`, then this file.

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
use crate::{Currency, Decide, ErrorCode, Invalid, Kind, Money, OrderId, StreamId, Timestamp};

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
    /// The number of orders that use it, without cancelled and expired ones.
    pub redemptions: u32,
    pub disabled: bool,
    pub created_at: Timestamp,
}

/// The discount, and the conditions for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CouponTerms {
    pub discount: Discount,
    /// The coupon is valid from this time on; without one, at once.
    pub valid_from: Option<Timestamp>,
    /// The coupon is valid until just before this time; without one, for ever.
    pub valid_until: Option<Timestamp>,
    /// The least that the goods must cost.
    pub minimum: Option<Money>,
    /// How many orders may use it; without one, any number.
    pub usage_limit: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Discount {
    /// A percentage of the price of the goods, in any currency.
    Percentage(Percent),
    /// An amount, and never more than the goods cost.
    Fixed(Money),
}

/// The code that customers type: 3 to 40 letters, digits and dashes. Upper and lower case are the
/// same.
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

/// The events of a decision, or why it is refused.
type Decision = Result<Vec<CouponEvent>, CouponError>;

impl Coupon {
    pub fn details(&self) -> Option<&CouponDetails> {
        match self {
            Coupon::Absent => None,
            Coupon::Issued(details) => Some(details),
        }
    }

    /// The discount on goods that cost `subtotal`, if the coupon can be used now.
    pub fn discount(&self, subtotal: Money, now: Timestamp) -> Result<Money, CouponError> {
        self.details().ok_or(CouponError::Missing)?.discount(subtotal, now)
    }
}

impl CouponDetails {
    fn discount(&self, subtotal: Money, now: Timestamp) -> Result<Money, CouponError> {
        self.must_be_usable(now)?;
        self.terms.discount(subtotal)
    }

    fn must_be_usable(&self, now: Timestamp) -> Result<(), CouponError> {
        if self.disabled {
            return Err(CouponError::Disabled);
        }
        if let Some(from) = self.terms.valid_from.filter(|from| now < *from) {
            return Err(CouponError::NotYet(from));
        }
        if let Some(until) = self.terms.valid_until.filter(|until| now >= *until) {
            return Err(CouponError::Over(until));
        }
        if let Some(limit) = self.terms.usage_limit.filter(|limit| self.redemptions >= *limit) {
            return Err(CouponError::UsedUp { limit });
        }
        Ok(())
    }
}

impl CouponTerms {
    fn discount(&self, subtotal: Money) -> Result<Money, CouponError> {
        if let Some(minimum) = self.minimum {
            must_be_in(minimum.currency, subtotal)?;
            if subtotal.amount < minimum.amount {
                return Err(CouponError::BelowMinimum { minimum, subtotal });
            }
        }
        match self.discount {
            Discount::Percentage(percent) => Ok(percent.of(subtotal)?),
            Discount::Fixed(fixed) => {
                must_be_in(fixed.currency, subtotal)?;
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
        if let (Some(from), Some(until)) = (self.valid_from, self.valid_until)
            && until <= from
        {
            return Err(CouponError::EndsBeforeStart { from, until });
        }
        if self.usage_limit == Some(0) {
            return Err(CouponError::NoUses);
        }
        Ok(())
    }
}

fn must_be_in(currency: Currency, subtotal: Money) -> Result<(), CouponError> {
    if subtotal.currency != currency {
        return Err(CouponError::OtherCurrency { currency, subtotal });
    }
    Ok(())
}

impl Decide for Coupon {
    /// All the rules of a coupon.
    fn decide(&self, command: &CouponCommand, at: Timestamp) -> Decision {
        match self {
            Coupon::Absent => create(command, at),
            Coupon::Issued(details) => details.decide(command, at),
        }
    }
}

/// Only `Create` creates a coupon.
fn create(command: &CouponCommand, at: Timestamp) -> Decision {
    let CouponCommand::Create { code, terms } = command else { return Err(CouponError::Missing) };
    terms.must_make_sense()?;
    let (code, terms) = (code.clone(), terms.clone());
    Ok(vec![CouponEvent::Created { code, terms, at }])
}

impl CouponDetails {
    fn decide(&self, command: &CouponCommand, at: Timestamp) -> Decision {
        match command {
            CouponCommand::Create { code, .. } => Err(CouponError::Exists(code.clone())),
            CouponCommand::Redeem { order, subtotal } => self.redeem(*order, *subtotal, at),
            // An order is cancelled or expires at most once, so each use is released at most once.
            CouponCommand::Release { order } => {
                Ok(vec![CouponEvent::Released { order: *order, at }])
            }
            CouponCommand::Disable => Ok(self.disable(at)),
        }
    }

    fn redeem(&self, order: OrderId, subtotal: Money, at: Timestamp) -> Decision {
        let discount = self.discount(subtotal, at)?;
        Ok(vec![CouponEvent::Redeemed { order, discount, at }])
    }

    fn disable(&self, at: Timestamp) -> Vec<CouponEvent> {
        if self.disabled { vec![] } else { vec![CouponEvent::Disabled { at }] }
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
                *self = Coupon::Issued(CouponDetails::new(code, terms, at));
            }
            // A stream of a coupon begins with no other event.
            (Coupon::Absent, _) => {}
            (Coupon::Issued(details), event) => details.apply(&event),
        }
    }
}

impl CouponDetails {
    fn new(code: CouponCode, terms: CouponTerms, at: Timestamp) -> Self {
        CouponDetails { code, terms, redemptions: 0, disabled: false, created_at: at }
    }

    fn apply(&mut self, event: &CouponEvent) {
        match event {
            // This is the first event of the stream, and the only one of its type; it has created
            // these details.
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
            let message = "a coupon code must have 3 to 40 characters: letters, digits and dashes";
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
