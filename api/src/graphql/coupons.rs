//! Coupons: the type, the queries and the mutations.

use async_graphql::{Context, Description, ID, InputObject, Object, OneofObject, Result};
use chrono::{DateTime, Utc};
use commands::AggregateCommand;
use domain::coupon::{
    Coupon as State, CouponCode, CouponCommand, CouponDetails, CouponTerms, Discount,
};
use domain::pricing::Percent;
use projections::ReadModel;
use serde::Serialize;

use super::connection::{connect, connection, parse_page};
use super::errors::{Failure, query_error};
use super::input::{Parser, parse};
use super::money::{Money, MoneyInput};
use super::mutation::{Completed, MutationOptions, execute, payload};
use super::position::Position;
use super::shop::shop;

/// A discount that customers get by typing a code. A cart has at most one coupon.
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
    /// A UUID that follows from the code. `node` does not find coupons: use `Query.coupon`.
    pub async fn id(&self) -> ID {
        self.issued.code.stream().id.into()
    }

    /// The code that customers type, in upper case, such as `SPRING-10`. Any case is accepted.
    async fn code(&self) -> &str {
        self.issued.code.as_str()
    }

    /// Percentage taken off the goods, as a decimal string such as `12.5`. Null if the discount is a
    /// fixed amount.
    async fn percentage(&self) -> Option<String> {
        match self.issued.terms.discount {
            Discount::Percentage(percent) => Some(percent.to_string()),
            Discount::Fixed(_) => None,
        }
    }

    /// Fixed amount taken off the goods, but never more than they cost. Null if the discount is a
    /// percentage.
    async fn amount(&self) -> Option<Money> {
        match self.issued.terms.discount {
            Discount::Percentage(_) => None,
            Discount::Fixed(amount) => Some(Money(amount)),
        }
    }

    /// The coupon can be used from this time on. Null if there is no such limit.
    async fn valid_from(&self) -> Option<DateTime<Utc>> {
        self.issued.terms.valid_from
    }

    /// The coupon can be used before this time, but not at it. Null if there is no such limit.
    async fn valid_until(&self) -> Option<DateTime<Utc>> {
        self.issued.terms.valid_until
    }

    /// The goods must cost at least this much before the discount. Null if there is no minimum.
    async fn minimum(&self) -> Option<Money> {
        self.issued.terms.minimum.map(Money)
    }

    /// Number of orders that may use the coupon. Null if there is no limit.
    async fn usage_limit(&self) -> Option<u32> {
        self.issued.terms.usage_limit
    }

    /// Number of orders that use the coupon now. Orders that were cancelled or expired do not count.
    async fn redemptions(&self) -> u32 {
        self.issued.redemptions
    }

    /// True once `couponDisable` was called; the coupon can then never be used again.
    async fn disabled(&self) -> bool {
        self.issued.disabled
    }

    /// Time at which the coupon was created.
    async fn created_at(&self) -> DateTime<Utc> {
        self.issued.created_at
    }

    /// Grows with every change of the coupon, each use by an order included. Send it as
    /// `expectedVersion` to change only what you have seen.
    async fn version(&self) -> i32 {
        self.version
    }
}

connection!(CouponConnection, CouponEdge, Coupon, "coupon", "coupons");

#[derive(Debug, Default)]
pub struct CouponQuery;

#[Object]
impl CouponQuery {
    /// A coupon by its code. Null if there is no such coupon.
    ///
    /// Only staff may call it.
    async fn coupon(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "The code as a customer would type it, in any case, such as `spring-10`."
        )]
        code: String,
        #[graphql(desc = "Wait until coupons show the event at this position.")]
        min_position: Option<Position>,
    ) -> Result<Option<Coupon>> {
        shop(ctx).wait_for_models(&[ReadModel::Coupons], min_position).await?;
        let Ok(code) = code.parse::<CouponCode>() else { return Ok(None) };
        let row = shop(ctx).read_models.coupon(&code).await.map_err(query_error)?;
        Ok(row.and_then(|row| Coupon::new(row.version, row.state)))
    }

    /// All coupons in the order of their codes, expired and disabled ones included.
    ///
    /// Only staff may call it.
    async fn coupons(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Size of the page of coupons, 0 to 100; 20 by default.")] first: Option<
            i32,
        >,
        #[graphql(
            desc = "The `cursor` of the last coupon already seen; by default the list starts with the first code."
        )]
        after: Option<String>,
        #[graphql(desc = "Wait until the list of coupons shows the event at this position.")]
        min_position: Option<Position>,
    ) -> Result<CouponConnection> {
        shop(ctx).wait_for_models(&[ReadModel::Coupons], min_position).await?;
        let (has_previous, page) = (after.is_some(), parse_page(first, after)?);
        let slice = shop(ctx).read_models.coupons(&page).await.map_err(query_error)?;
        Ok(connect(slice, has_previous, |row| Coupon::new(row.version, row.state)))
    }
}

/// What a coupon takes off the price of the goods: exactly one of the two fields must be given.
#[derive(Debug, OneofObject, Serialize)]
pub enum DiscountInput {
    /// Percentage of the goods, greater than 0 and at most 100, with up to four decimals, such as
    /// `12.5`.
    Percentage(String),
    /// Fixed amount, greater than zero; the coupon is then only for orders in this currency. It never
    /// takes off more than the goods cost.
    Amount(MoneyInput),
}

/// A new coupon and the conditions under which it can be used.
#[derive(Debug, InputObject, Serialize)]
pub struct CouponCreateInput {
    /// The new code: 3 to 40 letters, digits and dashes. Case does not matter; it is stored in upper
    /// case.
    code: String,
    /// What the coupon takes off.
    discount: DiscountInput,
    /// The coupon can be used from this time on; at once by default.
    valid_from: Option<DateTime<Utc>>,
    /// The coupon can be used before this time; without an end by default. It must be later than
    /// `validFrom`.
    valid_until: Option<DateTime<Utc>>,
    /// The goods must cost at least this much before the discount; no minimum by default. The coupon
    /// is then only for orders in this currency.
    minimum: Option<MoneyInput>,
    /// Number of orders that may use the coupon, at least 1; any number by default.
    usage_limit: Option<u32>,
    /// With the same key, a repeated request returns the first coupon instead of the error
    /// `COUPON_EXISTS`. See `Mutation`.
    idempotency_key: Option<ID>,
}

/// The coupon that can no longer be used.
#[derive(Debug, InputObject, Serialize)]
pub struct CouponDisableInput {
    /// Code of the coupon to disable, in any case.
    code: String,
    /// With the same key, a repeated request disables nothing again: it gets the coupon as it is now. See
    /// `Mutation`.
    idempotency_key: Option<ID>,
    /// Refuse with `VERSION_CONFLICT` unless the coupon has this version. Each order that uses the
    /// coupon changes its version.
    expected_version: Option<i32>,
}

payload! {
    couponCreate => CouponCreatePayload {
        /// The new coupon. Null if the request was refused.
        coupon: Coupon
    }
}
payload! {
    couponDisable => CouponDisablePayload {
        /// The coupon, which is now disabled. Null if the request was refused.
        coupon: Coupon
    }
}

#[derive(Debug, Default)]
pub struct CouponMutation;

#[Object]
impl CouponMutation {
    /// Creates a coupon, which customers can use as soon as its period of validity begins.
    ///
    /// Only admins may call it.
    ///
    /// Error codes: `COUPON_EXISTS`, `INVALID_COUPON`, `INVALID_PERCENTAGE`, `INVALID_AMOUNT`,
    /// `INVALID_CURRENCY`, `INVALID_INPUT`.
    async fn coupon_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new coupon's code, its discount and its conditions.")]
        input: CouponCreateInput,
    ) -> Result<CouponCreatePayload> {
        CouponCreatePayload::render(create(ctx, input).await)
    }

    /// Disables a coupon for good. Orders that have used it keep their discount. Nothing changes if
    /// it is disabled already.
    ///
    /// Only admins may call it.
    ///
    /// Error codes: `COUPON_NOT_FOUND`, `NOT_FOUND` if the text does not have the form of a code,
    /// `VERSION_CONFLICT`.
    async fn coupon_disable(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The code of the coupon to disable.")] input: CouponDisableInput,
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
    execute_on_coupon(ctx, "couponCreate", code, &input, options, command).await
}

fn parse_discount(parser: &mut Parser, discount: &DiscountInput) -> Option<Discount> {
    match discount {
        DiscountInput::Percentage(percent) => {
            let percent = percent.parse::<Percent>();
            parser.accept(&["discount", "percentage"], percent).map(Discount::Percentage)
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
    execute_on_coupon(ctx, "couponDisable", code, &input, options, CouponCommand::Disable).await
}

async fn execute_on_coupon(
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
