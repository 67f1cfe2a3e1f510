//! Scenarios of buyers who order what is in their carts, and pay.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde::Deserialize;
use uuid::Uuid;

use super::answer::{Done, MutationOutcome, done, outcome};
use super::request::{cart_fill, order_place, order_states, payment_start};
use super::shopper::Shopper;
use super::{Ack, LoadClient};
use crate::error::{BenchError, check};

/// How long a buyer waits before it queries whether the order is paid: doubled each time, up to the
/// longest.
const FIRST_LOOK: Duration = Duration::from_millis(50);
const LONGEST_LOOK: Duration = Duration::from_millis(400);
const PAID_WITHIN: Duration = Duration::from_secs(30);

/// Requests that are sent once each, by any free client of the node that they belong to.
#[derive(Debug)]
pub struct Round {
    nodes: Vec<NodeRequests>,
}

#[derive(Debug, Default)]
struct NodeRequests {
    requests: Vec<PreparedRequest>,
    next: AtomicUsize,
}

/// A request that is built before the clock starts.
#[derive(Debug)]
struct PreparedRequest {
    shopper: usize,
    key: Uuid,
    bytes: Vec<u8>,
}

impl Round {
    /// Builds one request for each shopper, under a new key; a shopper always uses the same node.
    pub fn new(
        nodes: usize,
        shoppers: impl IntoIterator<Item = usize>,
        request: impl Fn(usize, Uuid) -> String,
    ) -> Round {
        let mut round = Round { nodes: (0..nodes).map(|_| NodeRequests::default()).collect() };
        for shopper in shoppers {
            let key = random_key();
            let bytes = request(shopper, key).into_bytes();
            round.nodes[shopper % nodes].requests.push(PreparedRequest { shopper, key, bytes });
        }
        round
    }

    fn take(&self, client: usize) -> Option<&PreparedRequest> {
        let node = &self.nodes[client % self.nodes.len()];
        node.requests.get(node.next.fetch_add(1, Ordering::Relaxed))
    }
}

/// Sends and times the remaining requests of a round.
pub async fn send_round(client: &mut LoadClient, round: &Round) -> Result<(), BenchError> {
    while let Some(start) = client.next_start().await {
        let Some(PreparedRequest { shopper, key, bytes }) = round.take(client.number) else {
            break;
        };
        let answer = client.connection.call(bytes).await?;
        client.latency.record(start.elapsed().as_micros() as u64)?;
        match outcome(answer)? {
            MutationOutcome::Done(Done { position, .. }) => {
                client.acks.push(Ack { shopper: *shopper, key: *key, position });
            }
            MutationOutcome::OutOfStock => client.out_of_stock += 1,
        }
    }
    Ok(())
}

/// Repeats a whole purchase, each time as another buyer of this client: fills the cart, places the
/// order, starts the payment, and queries until the order is paid.
pub async fn check_out(
    client: &mut LoadClient,
    own_buyers: &[(usize, &Shopper)],
    lines: impl Fn(usize) -> Vec<String>,
) -> Result<(), BenchError> {
    let mut buyers = own_buyers.iter().cycle();
    while let (Some(start), Some((number, buyer))) = (client.next_start().await, buyers.next()) {
        let lines = lines(*number);
        command(client, *number, |key| cart_fill(buyer, &lines, key)).await?;
        let order = command(client, *number, |key| order_place(buyer, key)).await?;
        command(client, *number, |key| payment_start(buyer, order, key)).await?;
        becomes_paid(client, buyer, order).await?;
        client.latency.record(start.elapsed().as_micros() as u64)?;
    }
    Ok(())
}

/// Sends a mutation, and returns the id of the object that it created.
async fn command(
    client: &mut LoadClient,
    shopper: usize,
    request: impl Fn(Uuid) -> String,
) -> Result<Uuid, BenchError> {
    let key = random_key();
    let answer = client.connection.call(request(key).as_bytes()).await?;
    let Done { id, position } = done(answer)?;
    client.acks.push(Ack { shopper, key, position });
    Ok(id)
}

/// Waits until the order is paid: authorised, stock committed, confirmed, and captured.
async fn becomes_paid(
    client: &mut LoadClient,
    buyer: &Shopper,
    order: Uuid,
) -> Result<(), BenchError> {
    let request = order_states(buyer, order);
    let began = Instant::now();
    let mut wait = FIRST_LOOK;
    loop {
        tokio::time::sleep(wait).await;
        wait = LONGEST_LOOK.min(wait * 2);
        let answer = client.connection.call(request.as_bytes()).await?;
        let states: StatesAnswer<'_> = serde_json::from_slice(answer)
            .map_err(|_| BenchError::answer("not the states of an order", answer))?;
        match states.data.order.map(|order| (order.status, order.payment_state)) {
            Some(("PAID", "PAID")) => return Ok(()),
            // The read model may not show the order yet, or not its latest state.
            None | Some(("PENDING" | "PAID", "NONE" | "AUTHORIZED")) => {}
            Some(_) => {
                return Err(BenchError::answer("the order is in an unexpected state", answer));
            }
        }
        check(began.elapsed() < PAID_WITHIN, || format!("the order {order} is not paid"))?;
    }
}

#[derive(Deserialize)]
struct StatesAnswer<'a> {
    #[serde(borrow)]
    data: StatesData<'a>,
}

#[derive(Deserialize)]
struct StatesData<'a> {
    #[serde(borrow)]
    order: Option<OrderStates<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OrderStates<'a> {
    status: &'a str,
    payment_state: &'a str,
}

fn random_key() -> Uuid {
    uuid::Builder::from_random_bytes(rand::random()).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::Round;

    #[test]
    fn a_round_gives_each_request_once_and_to_its_own_node() {
        let round = Round::new(2, 0..5, |shopper, key| format!("{shopper} {key}"));
        let taken = |client: usize| -> Vec<usize> {
            std::iter::from_fn(|| round.take(client)).map(|request| request.shopper).collect()
        };
        assert_eq!(taken(7), [1, 3]);
        assert_eq!(taken(4), [0, 2, 4]);
        assert!(taken(3).is_empty() && taken(2).is_empty());
    }
}
