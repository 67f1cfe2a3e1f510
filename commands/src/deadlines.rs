//! Executes deadlines that are due. Deadlines are rows of a projection. Each is executed as a
//! command whose id is derived from the deadline, so executing it twice changes nothing.
//!
//! Rules do not depend on this worker being on time: what has expired counts as expired whenever it
//! is read.

use std::time::Duration;

use chrono::Utc;
use domain::cart::CartCommand;
use domain::payment::PaymentCommand;
use domain::process::Deadline;
use domain::{CartId, OrderId, PaymentId, StreamId, Timestamp};
use event_store::leader::{Leader, LeaderWork, Leadership};
use event_store::lease::LeaseError;
use futures::{StreamExt, stream};
use projections::carts::LapsedCart;
use projections::deadlines::DueDeadline;
use projections::{QueryError, ReadModels};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::checkout::ExpireOrder;
use crate::{AggregateCommand, Bus, CommandError, Context};

/// The name of the lease.
const LEASE: &str = "deadlines_worker";

/// Interval at which due deadlines are queried.
const POLL: Duration = Duration::from_millis(500);

/// The largest number of deadlines that are queried at once.
const BATCH_MAX: i64 = 500;
const PARALLEL: usize = 16;

/// Executes deadlines while this node leads, until it is asked to stop.
pub async fn run(bus: Bus, read_models: ReadModels, stop: CancellationToken) {
    let leader = Leader::new(bus.store().pool().clone(), LEASE);
    let mut work = DeadlineWork { bus, read_models, stop: stop.clone() };
    leader.run(&stop, &mut work).await;
}

struct DeadlineWork {
    bus: Bus,
    read_models: ReadModels,
    stop: CancellationToken,
}

impl LeaderWork for DeadlineWork {
    type Error = LeaseError;

    async fn lead(&mut self, leadership: &mut Leadership) -> Result<(), LeaseError> {
        while !self.stop.is_cancelled() {
            leadership.renew_if_due().await?;
            if let Err(error) = execute_all(&self.bus, &self.read_models).await {
                tracing::warn!(%error, "due deadlines cannot be found, trying again");
            }
            self.stop.run_until_cancelled(tokio::time::sleep(POLL)).await;
        }
        Ok(())
    }
}

async fn execute_all(bus: &Bus, read_models: &ReadModels) -> Result<(), QueryError> {
    let due = read_models.due_deadlines(Utc::now(), BATCH_MAX).await?;
    let execute = |due: DueDeadline| or_warn(due.stream, execute(bus, due));
    stream::iter(due).for_each_concurrent(PARALLEL, execute).await;
    // Carts have no deadlines of their own: the row of a cart says when it expires.
    let lapsed = read_models.lapsed_carts(Utc::now(), BATCH_MAX).await?;
    let expire = |cart: LapsedCart| or_warn(CartId(cart.id).stream(), expire(bus, cart));
    stream::iter(lapsed).for_each_concurrent(PARALLEL, expire).await;
    Ok(())
}

/// Logs a failure; the deadline stays due and is executed again.
async fn or_warn(stream: StreamId, execution: impl Future<Output = Result<(), CommandError>>) {
    if let Err(error) = execution.await {
        tracing::warn!(%stream, %error, "a deadline could not be executed");
    }
}

async fn expire(bus: &Bus, lapsed: LapsedCart) -> Result<(), CommandError> {
    let cart = CartId(lapsed.id);
    let id = command_id("cart_expiry", cart.stream(), lapsed.expires_at);
    let expire = AggregateCommand { name: "cartExpire", id: cart, command: CartCommand::Expire };
    bus.execute(expire, Context::reaction("deadlines", id, None)).await.map(|_| ())
}

async fn execute(bus: &Bus, due: DueDeadline) -> Result<(), CommandError> {
    let id = command_id(due.deadline.as_str(), due.stream, due.due_at);
    let context = Context::reaction("deadlines", id, None);
    match due.deadline {
        Deadline::OrderExpiry => bus.execute(ExpireOrder(OrderId(due.stream.id)), context).await?,
        Deadline::PaymentFollowUp => {
            bus.execute(ask(due, "paymentFollowUp", PaymentCommand::FollowUp), context).await?
        }
        Deadline::AuthorizationExpiry => {
            bus.execute(ask(due, "authorizationExpire", PaymentCommand::EndHold), context).await?
        }
        // Never returned by `due_deadlines`: `mail` sends messages.
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

/// The id of the command that executes a deadline.
fn command_id(deadline: &str, stream: StreamId, due_at: Timestamp) -> Uuid {
    let namespace = Uuid::new_v5(&Uuid::NAMESPACE_OID, b"cartulary/deadlines");
    let key = format!("{deadline}/{stream}/{}", due_at.timestamp_micros());
    Uuid::new_v5(&namespace, key.as_bytes())
}
