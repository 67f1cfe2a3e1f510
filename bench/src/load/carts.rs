//! Shoppers who put one thing after another into their carts.

use std::time::Instant;

use super::answer::done;
use super::request::cart_at;
use super::shopper::SKUS_PER_CART;
use super::shoppers::{SHOPPERS, Shoppers};
use super::{Ack, Client};
use crate::error::BenchError;

/// One in so many commands is looked for in the read model.
const LOOK_EVERY: u32 = 20;

/// Times the commands.
pub async fn add_to_carts(client: &mut Client, shoppers: &Shoppers) -> Result<(), BenchError> {
    let mut buffer = vec![];
    while let Some(turn) = client.turn().await {
        add(client, shoppers, &mut buffer).await?;
        client.latency.record(turn.elapsed().as_micros() as u64)?;
    }
    Ok(())
}

/// Asks for some of the carts as soon as a command is acknowledged, as of its position, and times how
/// long it takes until they are shown so.
pub async fn add_and_look(client: &mut Client, shoppers: &Shoppers) -> Result<(), BenchError> {
    let mut buffer = vec![];
    while client.turn().await.is_some() {
        let Ack { shopper, position, .. } = add(client, shoppers, &mut buffer).await?;
        let acknowledged = Instant::now();
        if !rand::random_ratio(1, LOOK_EVERY) {
            continue;
        }
        let request = cart_at(&shoppers.all[shopper], position);
        let answer = client.connection.call(request.as_bytes()).await?;
        client.latency.record(acknowledged.elapsed().as_micros() as u64)?;
        // A read model that does not come as far in time is an error, `STALE`.
        if !answer.starts_with(br#"{"data":{"cart":{"#) {
            return Err(BenchError::answer("the cart is not shown", answer));
        }
    }
    Ok(())
}

async fn add(
    client: &mut Client,
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
