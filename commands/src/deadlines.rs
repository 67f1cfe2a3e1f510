//! Does what is due. The deadlines themselves are rows of a projection; this worker executes them,
//! under an id derived from the deadline, so that executing one twice changes nothing.
//!
//! Correctness never rests on it: what has expired is expired at read time too.

use std::time::{Duration, Instant};

use chrono::Utc;
use domain::cart::CartCommand;
use domain::payment::PaymentCommand;
use domain::process::Deadline;
use domain::{CartId, OrderId, PaymentId, StreamId, Timestamp};
use event_store::lease::{self, Lease};
use futures::StreamExt;
use projections::carts::Lapsed;
use projections::deadlines::Due;
use projections::{QueryError, ReadModels};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::cart::AskCart;
use crate::checkout::ExpireOrder;
use crate::payment::AskPayment;
use crate::{Bus, CommandError, Context};

const NAME: &str = "deadlines_worker";
const LEASE_TTL: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(500);

/// The most deadlines taken at once, and the most that are executed side by side.
const BATCH_MAX: i64 = 500;
const PARALLEL: usize = 16;

/// Executes deadlines, whenever this node holds the lease, until told to stop.
pub async fn run(bus: Bus, read_models: ReadModels, stop: CancellationToken) {
    let owner = Uuid::now_v7().to_string();
    let pool = bus.store().pool().clone();
    let mut held: Option<(Lease, Instant)> = None;
    while !stop.is_cancelled() {
        // Taking one's own lease again renews it.
        match lease::acquire(&pool, NAME, &owner, LEASE_TTL).await {
            Ok(lease) => held = lease.map(|lease| (lease, Instant::now())),
            Err(error) => tracing::warn!(%error, "the lease of the deadlines cannot be taken"),
        }
        if held.as_ref().is_some_and(|(_, since)| since.elapsed() < LEASE_TTL)
            && let Err(error) = execute_all(&bus, &read_models).await
        {
            tracing::warn!(%error, "deadlines cannot be executed, trying again");
        }
        tokio::select! {
            () = tokio::time::sleep(POLL) => {}
            () = stop.cancelled() => {}
        }
    }
    if let Some((lease, _)) = held
        && let Err(error) = lease::release(&pool, lease).await
    {
        tracing::debug!(%error, "the lease of the deadlines was not given back");
    }
}

async fn execute_all(bus: &Bus, read_models: &ReadModels) -> Result<(), QueryError> {
    execute_due(bus, read_models).await?;
    expire_carts(bus, read_models).await
}

async fn execute_due(bus: &Bus, read_models: &ReadModels) -> Result<(), QueryError> {
    let due = read_models.deadlines_due(Utc::now(), BATCH_MAX).await?;
    let mut executed = futures::stream::iter(due)
        .map(|due| async move { (due.stream, execute(bus, &due).await) })
        .buffer_unordered(PARALLEL);
    while let Some((stream, result)) = executed.next().await {
        if let Err(error) = result {
            tracing::warn!(%stream, %error, "a deadline could not be executed");
        }
    }
    Ok(())
}

/// A cart says itself how long it lasts: its row is its deadline.
async fn expire_carts(bus: &Bus, read_models: &ReadModels) -> Result<(), QueryError> {
    let lapsed = read_models.lapsed_carts(Utc::now(), BATCH_MAX).await?;
    let mut expired = futures::stream::iter(lapsed)
        .map(|Lapsed { id, expires_at }| async move {
            let cart = CartId(id);
            let context = Context::reaction(
                "deadlines",
                id_of("cart_expiry", cart.stream(), expires_at),
                None,
            );
            let expire = AskCart { name: "cartExpire", cart, command: CartCommand::Expire };
            (cart, bus.execute(expire, context).await)
        })
        .buffer_unordered(PARALLEL);
    while let Some((cart, result)) = expired.next().await {
        if let Err(error) = result {
            tracing::warn!(%cart, %error, "a cart could not be expired");
        }
    }
    Ok(())
}

async fn execute(bus: &Bus, due: &Due) -> Result<(), CommandError> {
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

fn ask(due: &Due, name: &'static str, command: PaymentCommand) -> AskPayment {
    AskPayment { name, payment: PaymentId(due.stream.id), command }
}

/// Of the command that executes a deadline.
fn id_of(deadline: &str, stream: StreamId, due_at: Timestamp) -> Uuid {
    let namespace = Uuid::new_v5(&Uuid::NAMESPACE_OID, b"cartulary/deadlines");
    let key = format!("{deadline}/{stream}/{}", due_at.timestamp_micros());
    Uuid::new_v5(&namespace, key.as_bytes())
}
