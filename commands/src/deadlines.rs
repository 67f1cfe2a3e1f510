//! Does what is due. The deadlines themselves are rows of a projection; this worker executes them,
//! under an id derived from the deadline, so that executing one twice changes nothing.
//!
//! Correctness never rests on it: what has expired is expired at read time too.

use std::time::Duration;

use chrono::Utc;
use domain::cart::CartCommand;
use domain::payment::PaymentCommand;
use domain::process::Deadline;
use domain::{CartId, OrderId, PaymentId, StreamId, Timestamp};
use futures::{StreamExt, stream};
use projections::carts::LapsedCart;
use projections::deadlines::DueDeadline;
use projections::{QueryError, ReadModels};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::checkout::ExpireOrder;
use crate::tenure::Tenure;
use crate::{AggregateCommand, Bus, CommandError, Context};

const NAME: &str = "deadlines_worker";
const POLL: Duration = Duration::from_millis(500);

/// The most deadlines taken at once, and the most that are executed side by side.
const BATCH_MAX: i64 = 500;
const PARALLEL: usize = 16;

/// Executes deadlines, whenever this node holds the lease, until told to stop.
pub async fn run(bus: Bus, read_models: ReadModels, stop: CancellationToken) {
    let mut tenure = Tenure::new(bus.store().pool().clone(), NAME);
    while !stop.is_cancelled() {
        if tenure.is_held().await
            && let Err(error) = execute_all(&bus, &read_models).await
        {
            tracing::warn!(%error, "deadlines cannot be executed, trying again");
        }
        tokio::select! {
            () = tokio::time::sleep(POLL) => {}
            () = stop.cancelled() => {}
        }
    }
    tenure.end().await;
}

async fn execute_all(bus: &Bus, read_models: &ReadModels) -> Result<(), QueryError> {
    let due = read_models.due_deadlines(Utc::now(), BATCH_MAX).await?;
    let execute = |due: DueDeadline| or_warn(due.stream, execute(bus, due));
    stream::iter(due).for_each_concurrent(PARALLEL, execute).await;
    // A cart says itself how long it lasts: its row is its deadline.
    let lapsed = read_models.lapsed_carts(Utc::now(), BATCH_MAX).await?;
    let expire = |cart: LapsedCart| or_warn(CartId(cart.id).stream(), expire(bus, cart));
    stream::iter(lapsed).for_each_concurrent(PARALLEL, expire).await;
    Ok(())
}

/// What fails stays due.
async fn or_warn(stream: StreamId, execution: impl Future<Output = Result<(), CommandError>>) {
    if let Err(error) = execution.await {
        tracing::warn!(%stream, %error, "a deadline could not be executed");
    }
}

async fn expire(bus: &Bus, lapsed: LapsedCart) -> Result<(), CommandError> {
    let cart = CartId(lapsed.id);
    let id = id_of("cart_expiry", cart.stream(), lapsed.expires_at);
    let expire = AggregateCommand { name: "cartExpire", id: cart, command: CartCommand::Expire };
    bus.execute(expire, Context::reaction("deadlines", id, None)).await.map(|_| ())
}

async fn execute(bus: &Bus, due: DueDeadline) -> Result<(), CommandError> {
    let id = id_of(due.deadline.as_str(), due.stream, due.due_at);
    let context = Context::reaction("deadlines", id, None);
    match due.deadline {
        Deadline::OrderExpiry => bus.execute(ExpireOrder(OrderId(due.stream.id)), context).await?,
        Deadline::PaymentFollowUp => {
            bus.execute(ask(due, "paymentFollowUp", PaymentCommand::FollowUp), context).await?
        }
        Deadline::AuthorizationExpiry => {
            bus.execute(ask(due, "authorizationExpire", PaymentCommand::EndHold), context).await?
        }
        // Not among those that are due here: `mail` sends them.
        Deadline::NotificationAttempt => return Ok(()),
    };
    Ok(())
}

fn ask(
    due: DueDeadline,
    name: &'static str,
    command: PaymentCommand,
) -> AggregateCommand<PaymentCommand> {
    AggregateCommand { name, id: PaymentId(due.stream.id), command }
}

/// Of the command that executes a deadline.
fn id_of(deadline: &str, stream: StreamId, due_at: Timestamp) -> Uuid {
    let namespace = Uuid::new_v5(&Uuid::NAMESPACE_OID, b"cartulary/deadlines");
    let key = format!("{deadline}/{stream}/{}", due_at.timestamp_micros());
    Uuid::new_v5(&namespace, key.as_bytes())
}
