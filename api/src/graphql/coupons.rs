//! Coupons, as staff see them.

use async_graphql::connection::Connection;
use async_graphql::{Context, Description, ID, InputObject, Object, OneofObject, Result};
use chrono::{DateTime, Utc};
use commands::AggregateCommand;
use domain::coupon::{
    Coupon as State, CouponCode, CouponCommand, CouponDetails, CouponTerms, Discount,
};
use domain::pricing::Percent;
use projections::ReadModel;
use serde::Serialize;

use super::connection::{connect, page};
use super::errors::{Failure, query_fault};
use super::input::{Parser, parse};
use super::money::{Money, MoneyInput};
use super::mutation::{Completed, MutationOptions, execute, payload};
use super::position::Position;
use super::shop::shop;

/// A discount by code.
#[derive(Debug, Description)]
pub struct Coupon {
    version: i32,
    issued: CouponDetails,
}

impl Coupon {
    pub fn new(version: i32, state: State) -> Option<Self> {
        match state {
            State::Absent => None,
            State::Issued(issued) => Some(Coupon { version, issued }),
        }
    }
}

#[Object(use_type_description)]
impl Coupon {
    /// The id of the coupon's stream.
    pub async fn id(&self) -> ID {
        self.issued.code.stream().id.into()
    }

    /// What customers type, in any case.
    async fn code(&self) -> &str {
        self.issued.code.as_str()
    }

    /// Percent of the goods, such as `12.5`; nothing for a fixed discount.
    async fn percentage(&self) -> Option<String> {
        match self.issued.terms.discount {
            Discount::Percentage(percent) => Some(percent.to_string()),
            Discount::Fixed(_) => None,
        }
    }

    /// At most what the goods cost; nothing for a percentage.
    async fn amount(&self) -> Option<Money> {
        match self.issued.terms.discount {
            Discount::Percentage(_) => None,
            Discount::Fixed(amount) => Some(Money(amount)),
        }
    }

    /// From this moment on it is good.
    async fn valid_from(&self) -> Option<DateTime<Utc>> {
        self.issued.terms.valid_from
    }

    /// From this moment on it is good no longer.
    async fn valid_until(&self) -> Option<DateTime<Utc>> {
        self.issued.terms.valid_until
    }

    /// The least that the goods must cost.
    async fn minimum(&self) -> Option<Money> {
        self.issued.terms.minimum.map(Money)
    }

    /// How many orders may use it.
    async fn usage_limit(&self) -> Option<u32> {
        self.issued.terms.usage_limit
    }

    /// How many orders use it, those that came to nothing left out.
    async fn redemptions(&self) -> u32 {
        self.issued.redemptions
    }

    /// It is good for nothing any more.
    async fn disabled(&self) -> bool {
        self.issued.disabled
    }

    /// When it was issued.
    async fn created_at(&self) -> DateTime<Utc> {
        self.issued.created_at
    }

    /// Grows with every event; name it as `expectedVersion` to change only what you have seen.
    async fn version(&self) -> i32 {
        self.version
    }
}

#[derive(Debug, Default)]
pub struct CouponQuery;

#[Object]
impl CouponQuery {
    /// A coupon by its code.
    async fn coupon(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What customers type, in any case.")] code: String,
        #[graphql(desc = "Wait until this position is shown.")] min_position: Option<Position>,
    ) -> Result<Option<Coupon>> {
        shop(ctx).fresh(&[ReadModel::Coupons], min_position).await?;
        let Ok(code) = code.parse::<CouponCode>() else { return Ok(None) };
        let row = shop(ctx).read_models.coupon(&code).await.map_err(query_fault)?;
        Ok(row.and_then(|row| Coupon::new(row.version, row.state)))
    }

    /// Coupons by code.
    async fn coupons(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, at most 100; 20 if left out.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to begin.")] after: Option<String>,
        #[graphql(desc = "Wait until this position is shown.")] min_position: Option<Position>,
    ) -> Result<Connection<String, Coupon>> {
        shop(ctx).fresh(&[ReadModel::Coupons], min_position).await?;
        let (begun, page) = (after.is_some(), page(first, after)?);
        let slice = shop(ctx).read_models.coupons(&page).await.map_err(query_fault)?;
        Ok(connect(slice, begun, |row| Coupon::new(row.version, row.state)))
    }
}

/// What a coupon is worth: one of the two.
#[derive(Debug, OneofObject, Serialize)]
pub enum DiscountInput {
    /// Percent of the goods, such as `12.5`, with at most four decimals.
    Percentage(String),
    /// At most what the goods cost.
    Amount(MoneyInput),
}

/// A new coupon.
#[derive(Debug, InputObject, Serialize)]
pub struct CouponCreateInput {
    /// 3 to 40 letters, digits and dashes; lower case is the same as upper case.
    code: String,
    /// What it is worth.
    discount: DiscountInput,
    /// From this moment on it is good.
    valid_from: Option<DateTime<Utc>>,
    /// From this moment on it is good no longer.
    valid_until: Option<DateTime<Utc>>,
    /// The least that the goods must cost.
    minimum: Option<MoneyInput>,
    /// How many orders may use it; any number if left out.
    usage_limit: Option<u32>,
    /// Send the same key again to repeat the request safely.
    idempotency_key: Option<ID>,
}

/// The coupon to disable.
#[derive(Debug, InputObject, Serialize)]
pub struct CouponDisableInput {
    /// Its code.
    code: String,
    /// Send the same key again to repeat the request safely.
    idempotency_key: Option<ID>,
    /// Refuse unless the coupon is at this version.
    expected_version: Option<i32>,
}

payload! {
    /// The answer of `couponCreate`.
    CouponCreatePayload {
        /// The new coupon.
        coupon: Coupon
    }
}
payload! {
    /// The answer of `couponDisable`.
    CouponDisablePayload {
        /// The coupon as it now is.
        coupon: Coupon
    }
}

#[derive(Debug, Default)]
pub struct CouponMutation;

#[Object]
impl CouponMutation {
    /// Issues a coupon.
    async fn coupon_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The coupon.")] input: CouponCreateInput,
    ) -> Result<CouponCreatePayload> {
        CouponCreatePayload::render(create(ctx, input).await)
    }

    /// Makes a coupon good for nothing. Orders that have used it keep their discount.
    async fn coupon_disable(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which coupon.")] input: CouponDisableInput,
    ) -> Result<CouponDisablePayload> {
        CouponDisablePayload::render(disable(ctx, input).await)
    }
}

async fn create(ctx: &Context<'_>, input: CouponCreateInput) -> Result<Completed<Coupon>, Failure> {
    let (code, discount, minimum) = parse(|parser| {
        let code = parser.parse::<CouponCode>(&["code"], &input.code);
        let discount = parse_discount(parser, &input.discount);
        let minimum = parser.optional_money(&["minimum"], input.minimum.as_ref());
        Some((code?, discount?, minimum?))
    })?;
    let CouponCreateInput { valid_from, valid_until, usage_limit, .. } = input;
    let coupon_terms = CouponTerms { discount, valid_from, valid_until, minimum, usage_limit };
    let command = CouponCommand::Create { code: code.clone(), terms: coupon_terms };
    let options = MutationOptions::new(&input.idempotency_key, None);
    ask(ctx, "couponCreate", code, &input, options, command).await
}

fn parse_discount(parser: &mut Parser, discount: &DiscountInput) -> Option<Discount> {
    match discount {
        DiscountInput::Percentage(percent) => {
            let percent = percent.parse::<Percent>();
            parser.take(&["discount", "percentage"], percent).map(Discount::Percentage)
        }
        DiscountInput::Amount(amount) => {
            parser.money(&["discount", "amount"], amount).map(Discount::Fixed)
        }
    }
}

async fn disable(
    ctx: &Context<'_>,
    input: CouponDisableInput,
) -> Result<Completed<Coupon>, Failure> {
    let code = input.code.parse().map_err(|_| Failure::not_found("code"))?;
    let options = MutationOptions::new(&input.idempotency_key, input.expected_version);
    ask(ctx, "couponDisable", code, &input, options, CouponCommand::Disable).await
}

async fn ask(
    ctx: &Context<'_>,
    name: &'static str,
    code: CouponCode,
    input: &impl Serialize,
    options: MutationOptions<'_>,
    command: CouponCommand,
) -> Result<Completed<Coupon>, Failure> {
    let receipt =
        execute(ctx, input, options, AggregateCommand { name, id: code, command }).await?;
    Completed::from_receipt(receipt, "code", |subject| match subject.state {
        domain::State::Coupon(state) => Coupon::new(subject.version, state),
        _ => None,
    })
}
