//! What can be done about payments.

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

/// A means to pay for an order.
#[derive(Debug, InputObject, Serialize)]
pub struct PaymentStartInput {
    /// The order.
    order_id: ID,
    /// The means of payment.
    #[graphql(default_with = "PaymentMethod::Card")]
    method: PaymentMethod,
    /// When the money is taken.
    #[graphql(default_with = "CaptureMode::Automatic")]
    capture: CaptureMode,
    /// The payment provider's token, such as `tok_success`; not needed for cash. Never a card number.
    token: Option<String>,
    /// Send the same key again to repeat the request safely.
    idempotency_key: ID,
}

/// Money to take.
#[derive(Debug, InputObject, Serialize)]
pub struct PaymentCaptureInput {
    /// The payment.
    payment_id: ID,
    /// How much; without it, all that is authorised.
    amount: Option<MoneyInput>,
    /// Send the same key again to repeat the request safely.
    idempotency_key: ID,
    /// Refuse unless the payment is at this version.
    expected_version: Option<i32>,
}

/// Money to let go.
#[derive(Debug, InputObject, Serialize)]
pub struct PaymentVoidInput {
    /// The payment.
    payment_id: ID,
    /// Send the same key again to repeat the request safely.
    idempotency_key: ID,
    /// Refuse unless the payment is at this version.
    expected_version: Option<i32>,
}

/// Money to give back.
#[derive(Debug, InputObject, Serialize)]
pub struct PaymentRefundInput {
    /// The payment.
    payment_id: ID,
    /// How much; without it, all that was captured.
    amount: Option<MoneyInput>,
    /// Send the same key again to repeat the request safely.
    idempotency_key: ID,
    /// Refuse unless the payment is at this version.
    expected_version: Option<i32>,
}

/// A payment that somebody has looked at.
#[derive(Debug, InputObject, Serialize)]
pub struct PaymentAttentionResolveInput {
    /// The payment.
    payment_id: ID,
    /// Send the same key again to repeat the request safely.
    idempotency_key: Option<ID>,
    /// Refuse unless the payment is at this version.
    expected_version: Option<i32>,
}

payload! {
    /// The answer of `paymentStart`.
    PaymentStartPayload {
        /// The new payment, as far as it has come.
        payment: Payment
    }
}
payload! {
    /// The answer of `paymentCapture`.
    PaymentCapturePayload {
        /// The payment as it now is; the capture itself may still be under way.
        payment: Payment
    }
}
payload! {
    /// The answer of `paymentVoid`.
    PaymentVoidPayload {
        /// The payment as it now is; the void itself may still be under way.
        payment: Payment
    }
}
payload! {
    /// The answer of `paymentRefund`.
    PaymentRefundPayload {
        /// The payment as it now is; the refund itself may still be under way.
        payment: Payment
    }
}
payload! {
    /// The answer of `paymentAttentionResolve`.
    PaymentAttentionResolvePayload {
        /// The payment as it now is.
        payment: Payment
    }
}

#[derive(Debug, Default)]
pub struct PaymentMutation;

#[Object]
impl PaymentMutation {
    /// Begins to pay for an order. One attempt at a time; the stock is kept while it is under way.
    async fn payment_start(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The order, and how it is paid.")] input: PaymentStartInput,
    ) -> Result<PaymentStartPayload> {
        PaymentStartPayload::render(start(ctx, input).await)
    }

    /// Takes money that is authorised; for cash, records that it was handed over.
    async fn payment_capture(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How much of which payment.")] input: PaymentCaptureInput,
    ) -> Result<PaymentCapturePayload> {
        PaymentCapturePayload::render(capture(ctx, input).await)
    }

    /// Lets go of money that is authorised and not captured.
    async fn payment_void(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which payment.")] input: PaymentVoidInput,
    ) -> Result<PaymentVoidPayload> {
        let options = MutationOptions::new(&input.idempotency_key, input.expected_version);
        let (name, command) = ("paymentVoid", PaymentCommand::RequestVoid);
        PaymentVoidPayload::render(
            ask(ctx, name, &input.payment_id, &input, options, command).await,
        )
    }

    /// Gives captured money back.
    async fn payment_refund(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How much of which payment.")] input: PaymentRefundInput,
    ) -> Result<PaymentRefundPayload> {
        PaymentRefundPayload::render(refund(ctx, input).await)
    }

    /// Says that somebody has looked at a payment that needed it; nobody has to any more.
    async fn payment_attention_resolve(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which payment.")] input: PaymentAttentionResolveInput,
    ) -> Result<PaymentAttentionResolvePayload> {
        let options = MutationOptions::new(&input.idempotency_key, input.expected_version);
        let (name, command) = ("paymentAttentionResolve", PaymentCommand::ResolveAttention);
        let resolved = ask(ctx, name, &input.payment_id, &input, options, command).await;
        PaymentAttentionResolvePayload::render(resolved)
    }
}

async fn start(ctx: &Context<'_>, input: PaymentStartInput) -> Result<Completed<Payment>, Failure> {
    let source = parse(|parser| parse_token(parser, &input))?;
    let order = OrderId(parse_id("orderId", &input.order_id)?);
    shop(ctx).own_order(caller(ctx), order).await?;
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
    // From here on this request only waits for the provider, and a waiting request must not keep others out.
    if let Some(slot) = ctx.data_opt::<Arc<Slot>>() {
        slot.release();
    }
    wait_for_provider(ctx, started, policy.wait_for_provider).await
}

/// The token that the provider gave for the means of payment; cash needs none.
fn parse_token(parser: &mut Parser, input: &PaymentStartInput) -> Option<String> {
    match (input.method, &input.token) {
        (PaymentMethod::CashOnDelivery, None) => Some(String::new()),
        (_, Some(token)) => {
            parser.text(&["token"], token, Text::SHORT).map(|token| token.to_string())
        }
        (_, None) => {
            let message = "a payment other than in cash needs the provider's token";
            parser.take(&["token"], Err(domain::Invalid::new(ErrorCode::InvalidInput, message)))
        }
    }
}

/// Events that are read at once while waiting for one of the payment.
const EVENTS_AT_ONCE: usize = 500;

/// Waits until the provider has answered, at most for so long; the payment as it then stands.
async fn wait_for_provider(
    ctx: &Context<'_>,
    mut started: Completed<Payment>,
    at_most: Duration,
) -> Result<Completed<Payment>, Failure> {
    let bus = &shop(ctx).bus;
    let deadline = tokio::time::Instant::now() + at_most;
    let payment = &mut started.object;
    let mut seen = started.position;
    while awaits_provider(payment) {
        let left = deadline.saturating_duration_since(tokio::time::Instant::now());
        if left.is_zero() {
            break;
        }
        bus.store().wait_for_event_after(seen, left).await;
        // Most of these events are about other things; they are read from memory.
        let events = bus.store().read(seen, EVENTS_AT_ONCE).await;
        let events = events.map_err(commands::CommandError::from)?;
        seen = events.last().map_or(seen, |event| event.position);
        let own = payment.id.0;
        for event in events.iter().filter(|event| event.stream_id == own) {
            payment.apply(projections::decode(event).map_err(commands::CommandError::from)?);
        }
    }
    Ok(started)
}

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
    ask(ctx, "paymentCapture", &input.payment_id, &input, options, command).await
}

async fn refund(
    ctx: &Context<'_>,
    input: PaymentRefundInput,
) -> Result<Completed<Payment>, Failure> {
    let amount = parse(|parser| parser.optional_money(&["amount"], input.amount.as_ref()))?;
    let options = MutationOptions::new(&input.idempotency_key, input.expected_version);
    let command = PaymentCommand::RequestRefund { amount };
    ask(ctx, "paymentRefund", &input.payment_id, &input, options, command).await
}

async fn ask(
    ctx: &Context<'_>,
    name: &'static str,
    payment: &ID,
    input: &impl Serialize,
    options: MutationOptions<'_>,
    command: PaymentCommand,
) -> Result<Completed<Payment>, Failure> {
    let payment = PaymentId(parse_id("paymentId", payment)?);
    shop(ctx).known_payment(payment).await?;
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
