//! Scenarios of shoppers who add lines to their carts.

use std::time::Instant;

use super::answer::done;
use super::request::cart_at;
use super::shopper::SKUS_PER_CART;
use super::shoppers::{SHOPPERS, Shoppers};
use super::{Ack, LoadClient};
use crate::error::BenchError;

/// After one in this many commands, the read model is queried for the cart.
const LOOK_EVERY: u32 = 20;

/// Adds lines, and times each command.
pub async fn add_to_carts(client: &mut LoadClient, shoppers: &Shoppers) -> Result<(), BenchError> {
    let mut buffer = vec![];
    while let Some(start) = client.next_start().await {
        add(client, shoppers, &mut buffer).await?;
        client.latency.record(start.elapsed().as_micros() as u64)?;
    }
    Ok(())
}

/// Adds lines, and queries the read model for some of the carts as soon as the command is
/// acknowledged, with its position as `minPosition`. Times how long it takes until the cart is
/// shown.
pub async fn add_and_look(client: &mut LoadClient, shoppers: &Shoppers) -> Result<(), BenchError> {
    let mut buffer = vec![];
    while client.next_start().await.is_some() {
        let Ack { shopper, position, .. } = add(client, shoppers, &mut buffer).await?;
        let acknowledged = Instant::now();
        if !rand::random_ratio(1, LOOK_EVERY) {
            continue;
        }
        let request = cart_at(&shoppers.all[shopper], position);
        let answer = client.connection.call(request.as_bytes()).await?;
        client.latency.record(acknowledged.elapsed().as_micros() as u64)?;
        // If the read model does not reach the position in time, the answer is the error `STALE`.
        if !answer.starts_with(br#"{"data":{"cart":{"#) {
            return Err(BenchError::answer("the cart is not shown", answer));
        }
    }
    Ok(())
}

async fn add(
    client: &mut LoadClient,
    shoppers: &Shoppers,
    buffer: &mut Vec<u8>,
) -> Result<Ack, BenchError> {
    let shopper = rand::random_range(0..SHOPPERS);
    let key = uuid::Builder::from_random_bytes(rand::random()).into_uuid();
    let template = &shoppers.requests[shopper][client.acks.len() % SKUS_PER_CART];
    let answer = client.connection.call(template.write(key, buffer)).await?;
    let ack = Ack { shopper, key, position: done(answer)?.position };
    client.acks.push(ack);
    Ok(ack)
}
