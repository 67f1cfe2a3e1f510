//! The mutations of payments.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Context, ID, InputObject, Object, Result};
use commands::{AggregateCommand, Receipt};
use domain::checkout::StartPayment;
use domain::payment::PaymentCommand;
use domain::{ErrorCode, OrderId, PaymentId, Text};
use serde::Serialize;
use uuid::Uuid;

use super::object::{CaptureMode, Payment, PaymentMethod};
use crate::graphql::errors::Failure;
use crate::graphql::input::{Parser, parse, parse_id};
use crate::graphql::money::MoneyInput;
use crate::graphql::mutation::{Completed, MutationOptions, execute, payload};
use crate::graphql::shop::{caller, shop};
use crate::graphql_http::Slot;

/// The order to pay for, and how.
#[derive(Debug, InputObject, Serialize)]
pub struct PaymentStartInput {
    /// UUID of the order to pay for, not its number.
    order_id: ID,
    /// How the customer pays; by card by default.
    #[graphql(default_with = "PaymentMethod::Card")]
    method: PaymentMethod,
    /// When the authorised money is captured; automatically by default.
    #[graphql(default_with = "CaptureMode::Automatic")]
    capture: CaptureMode,
    /// The provider's token for the customer's means of payment, at most 200 characters; the
    /// simulated provider accepts `tok_success`. Never a card number. Required unless the method is
    /// `CASH_ON_DELIVERY`.
    token: Option<String>,
    /// With the same key, a repeated request returns the first payment instead of starting a second
    /// one. Required. See `Mutation`.
    idempotency_key: ID,
}

/// Authorised money to capture.
#[derive(Debug, InputObject, Serialize)]
pub struct PaymentCaptureInput {
    /// UUID of the payment to capture.
    payment_id: ID,
    /// How much to capture, in the payment's currency; by default all that is authorised and not
    /// captured yet.
    amount: Option<MoneyInput>,
    /// With the same key, a repeated request captures the money only once. Required. See `Mutation`.
    idempotency_key: ID,
    /// Refuse with `VERSION_CONFLICT` unless the payment has this version, so that two people do not
    /// both capture a part of it.
    expected_version: Option<i32>,
}

/// A payment whose authorised money is to be released.
#[derive(Debug, InputObject, Serialize)]
pub struct PaymentVoidInput {
    /// UUID of the payment to void.
    payment_id: ID,
    /// With the same key, a repeated request voids nothing again: it gets the payment as it is now. See
    /// `Mutation`.
    idempotency_key: ID,
    /// Refuse with `VERSION_CONFLICT` unless the payment has this version, so that money captured
    /// meanwhile is noticed.
    expected_version: Option<i32>,
}

/// Captured money to move back to the customer.
#[derive(Debug, InputObject, Serialize)]
pub struct PaymentRefundInput {
    /// UUID of the payment to refund.
    payment_id: ID,
    /// How much to refund, in the payment's currency; by default all that is captured and neither
    /// refunded, being refunded nor disputed.
    amount: Option<MoneyInput>,
    /// With the same key, a repeated request refunds the money only once. Required. See `Mutation`.
    idempotency_key: ID,
    /// Refuse with `VERSION_CONFLICT` unless the payment has this version, so that two people do not
    /// both refund it.
    expected_version: Option<i32>,
}

/// A payment that staff have looked at.
#[derive(Debug, InputObject, Serialize)]
pub struct PaymentAttentionResolveInput {
    /// UUID of the payment that needs no more attention.
    payment_id: ID,
    /// With the same key, a repeated request does not resolve a problem that was reported since. See
    /// `Mutation`.
    idempotency_key: Option<ID>,
    /// Refuse with `VERSION_CONFLICT` unless the payment has this version, so that you do not resolve
    /// a problem you have not seen.
    expected_version: Option<i32>,
}

payload! {
    paymentStart => PaymentStartPayload {
        /// The new payment, after the provider's first answer or as it stands after 3 seconds without
        /// one. Null if the request was refused.
        payment: Payment
    }
}
payload! {
    paymentCapture => PaymentCapturePayload {
        /// The payment. The provider may not have confirmed the capture yet: see
        /// `Payment.capturePending`. Null if the request was refused.
        payment: Payment
    }
}
payload! {
    paymentVoid => PaymentVoidPayload {
        /// The payment. `Payment.voided` shows the released amount once the provider has confirmed
        /// it. Null if the request was refused.
        payment: Payment
    }
}
payload! {
    paymentRefund => PaymentRefundPayload {
        /// The payment. The provider may not have confirmed the refund yet: see
        /// `Payment.refundPending`. Null if the request was refused.
        payment: Payment
    }
}
payload! {
    paymentAttentionResolve => PaymentAttentionResolvePayload {
        /// The payment, which needs no more attention. Null if the request was refused.
        payment: Payment
    }
}

#[derive(Debug, Default)]
pub struct PaymentMutation;

#[Object]
impl PaymentMutation {
    /// Starts a payment for the whole total of an order that waits for one. The order's stock stays
    /// reserved longer while the payment is open, by default for 15 minutes from now and for at most
    /// 60 minutes from placing. Waits up to 3 seconds for the provider's first answer.
    ///
    /// Guests, customers and admins may call it: guests for the order of their cart, customers for
    /// their own orders.
    ///
    /// Error codes: `ORDER_NOT_PENDING`, `RESERVATION_ENDED`, `PAYMENT_IN_PROGRESS`, `INVALID_AMOUNT`
    /// if the total is 0, `NOT_FOUND`, `INVALID_INPUT` if the token is missing, `INVALID_ID`,
    /// `INVALID_TEXT`, `CARD_NUMBER_REFUSED`.
    async fn payment_start(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The order to pay for, the method and the provider's token.")]
        input: PaymentStartInput,
    ) -> Result<PaymentStartPayload> {
        PaymentStartPayload::render(start(ctx, input).await)
    }

    /// Requests the capture of authorised money. Cash on delivery is recorded as received, once for
    /// each payment.
    ///
    /// Only staff may call it.
    ///
    /// Error codes: `PAYMENT_NOT_CAPTURABLE`, `AMOUNT_EXCEEDS_AUTHORIZED`, `INVALID_AMOUNT`,
    /// `INVALID_CURRENCY`, `NOT_FOUND`, `INVALID_ID`, `VERSION_CONFLICT`.
    async fn payment_capture(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The payment and, to capture only a part, the amount.")]
        input: PaymentCaptureInput,
    ) -> Result<PaymentCapturePayload> {
        PaymentCapturePayload::render(capture(ctx, input).await)
    }

    /// Requests that the provider releases all authorised money that is not captured. For cash on
    /// delivery it cancels the payment at once. Nothing changes if that was requested already.
    ///
    /// Only staff may call it.
    ///
    /// Error codes: `PAYMENT_NOT_VOIDABLE`, `NOT_FOUND`, `INVALID_ID`, `VERSION_CONFLICT`.
    async fn payment_void(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The payment whose money is released.")] input: PaymentVoidInput,
    ) -> Result<PaymentVoidPayload> {
        let options = MutationOptions::new(&input.idempotency_key, input.expected_version);
        let (name, command) = ("paymentVoid", PaymentCommand::RequestVoid);
        PaymentVoidPayload::render(
            execute_on_payment(ctx, name, &input.payment_id, &input, options, command).await,
        )
    }

    /// Requests that captured money is moved back to the customer. For cash, it records that the
    /// money was handed back.
    ///
    /// Only staff may call it.
    ///
    /// Error codes: `PAYMENT_NOT_REFUNDABLE`, `AMOUNT_EXCEEDS_CAPTURED`, `INVALID_AMOUNT`,
    /// `INVALID_CURRENCY`, `NOT_FOUND`, `INVALID_ID`, `VERSION_CONFLICT`.
    async fn payment_refund(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The payment and, to refund only a part, the amount.")]
        input: PaymentRefundInput,
    ) -> Result<PaymentRefundPayload> {
        PaymentRefundPayload::render(refund(ctx, input).await)
    }

    /// Records that staff have dealt with a payment, and clears `Payment.needsAttention`. Nothing
    /// changes if it needed no attention.
    ///
    /// Only staff may call it.
    ///
    /// Error codes: `NOT_FOUND`, `INVALID_ID`, `VERSION_CONFLICT`.
    async fn payment_attention_resolve(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The payment that staff have dealt with.")]
        input: PaymentAttentionResolveInput,
    ) -> Result<PaymentAttentionResolvePayload> {
        let options = MutationOptions::new(&input.idempotency_key, input.expected_version);
        let (name, command) = ("paymentAttentionResolve", PaymentCommand::ResolveAttention);
        let resolved =
            execute_on_payment(ctx, name, &input.payment_id, &input, options, command).await;
        PaymentAttentionResolvePayload::render(resolved)
    }
}

async fn start(ctx: &Context<'_>, input: PaymentStartInput) -> Result<Completed<Payment>, Failure> {
    let source = parse(|parser| parse_token(parser, &input))?;
    let order = OrderId(parse_id("orderId", &input.order_id)?);
    shop(ctx).check_own_order(caller(ctx), order).await?;
    let policy = &shop(ctx).policy;
    let command = StartPayment {
        order,
        payment: PaymentId(Uuid::now_v7()),
        method: input.method.into(),
        capture: input.capture.into(),
        source,
        reserve_for: policy.reserve_for,
        reserve_at_most: policy.reserve_at_most,
    };
    let options = MutationOptions::new(&input.idempotency_key, None);
    let started = render_payment(execute(ctx, &input, options, command).await?)?;
    // From here on this request only waits for the provider, so it must not keep other requests out.
    if let Some(slot) = ctx.data_opt::<Arc<Slot>>() {
        slot.release();
    }
    wait_for_provider(ctx, started, policy.wait_for_provider).await
}

/// Parses the provider's token for the means of payment. Cash on delivery needs none.
fn parse_token(parser: &mut Parser, input: &PaymentStartInput) -> Option<String> {
    match (input.method, &input.token) {
        (PaymentMethod::CashOnDelivery, None) => Some(String::new()),
        (_, Some(token)) => {
            parser.text(&["token"], token, Text::SHORT).map(|token| token.to_string())
        }
        (_, None) => {
            let message = "token is required unless method is CASH_ON_DELIVERY";
            parser.accept(&["token"], Err(domain::Invalid::new(ErrorCode::InvalidInput, message)))
        }
    }
}

/// The most events that are read at once while waiting for an event of the payment.
const EVENTS_AT_ONCE: usize = 500;

/// Waits at most `time_limit` until the provider has answered, and returns the payment in its state then.
async fn wait_for_provider(
    ctx: &Context<'_>,
    mut started: Completed<Payment>,
    time_limit: Duration,
) -> Result<Completed<Payment>, Failure> {
    let bus = &shop(ctx).bus;
    let deadline = tokio::time::Instant::now() + time_limit;
    let payment = &mut started.object;
    let mut seen = started.position;
    while awaits_provider(payment) {
        let left = deadline.saturating_duration_since(tokio::time::Instant::now());
        if left.is_zero() {
            break;
        }
        bus.store().wait_for_event_after(seen, left).await;
        // Most of these events belong to other streams. They are read from the store's cache, so this costs little.
        let events = bus.store().read(seen, EVENTS_AT_ONCE).await;
        let events = events.map_err(commands::CommandError::from)?;
        seen = events.last().map_or(seen, |event| event.position);
        let stream_id = payment.id.0;
        for event in events.iter().filter(|event| event.stream_id == stream_id) {
            payment.apply(projections::decode(event).map_err(commands::CommandError::from)?);
        }
    }
    Ok(started)
}

/// Whether the provider has not yet answered the start of the payment.
fn awaits_provider(payment: &Payment) -> bool {
    let details = &payment.details;
    details.reference.is_none()
        && details.is_open()
        && details.method != domain::payment::PaymentMethod::CashOnDelivery
}

async fn capture(
    ctx: &Context<'_>,
    input: PaymentCaptureInput,
) -> Result<Completed<Payment>, Failure> {
    let amount = parse(|parser| parser.optional_money(&["amount"], input.amount.as_ref()))?;
    let options = MutationOptions::new(&input.idempotency_key, input.expected_version);
    let command = PaymentCommand::RequestCapture { amount };
    execute_on_payment(ctx, "paymentCapture", &input.payment_id, &input, options, command).await
}

async fn refund(
    ctx: &Context<'_>,
    input: PaymentRefundInput,
) -> Result<Completed<Payment>, Failure> {
    let amount = parse(|parser| parser.optional_money(&["amount"], input.amount.as_ref()))?;
    let options = MutationOptions::new(&input.idempotency_key, input.expected_version);
    let command = PaymentCommand::RequestRefund { amount };
    execute_on_payment(ctx, "paymentRefund", &input.payment_id, &input, options, command).await
}

async fn execute_on_payment(
    ctx: &Context<'_>,
    name: &'static str,
    payment: &ID,
    input: &impl Serialize,
    options: MutationOptions<'_>,
    command: PaymentCommand,
) -> Result<Completed<Payment>, Failure> {
    let payment = PaymentId(parse_id("paymentId", payment)?);
    shop(ctx).check_payment_exists(payment).await?;
    render_payment(
        execute(ctx, input, options, AggregateCommand { name, id: payment, command }).await?,
    )
}

fn render_payment(receipt: Receipt) -> Result<Completed<Payment>, Failure> {
    Completed::from_receipt(receipt, "paymentId", |subject| match subject.state {
        domain::State::Payment(state) => {
            Payment::new(PaymentId(subject.stream.id), subject.version, state)
        }
        _ => None,
    })
}
