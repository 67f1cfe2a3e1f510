//! Queries whose answers are known in advance.

use std::sync::Arc;

use super::{HttpConnection, LoadClient};
use crate::error::{BenchError, check};

/// A request, and its answer, which stays the same while the data does not change.
#[derive(Debug)]
pub struct KnownQuery {
    request: Vec<u8>,
    answer: Vec<u8>,
}

impl KnownQuery {
    /// Sends the query to both servers once, and checks that they answer the same bytes.
    pub async fn prepare(
        request: String,
        shop: &mut HttpConnection,
        limit: &mut HttpConnection,
    ) -> Result<KnownQuery, BenchError> {
        let request = request.into_bytes();
        let answer = shop.call(&request).await?.to_vec();
        let bare = limit.call(&request).await?;
        check(*bare == answer, || {
            let [shop, bare] = [&answer, bare].map(String::from_utf8_lossy);
            format!("the shop answers {shop}, the bare server {bare}")
        })?;
        Ok(KnownQuery { request, answer })
    }
}

/// Sends queries of each kind in turn, and times the answers.
pub async fn ask(client: &mut LoadClient, kinds: &[Arc<[KnownQuery]>]) -> Result<(), BenchError> {
    let mut kinds = kinds.iter().cycle();
    while let (Some(start), Some(queries)) = (client.next_start().await, kinds.next()) {
        let query = &queries[rand::random_range(0..queries.len())];
        let answer = client.connection.call(&query.request).await?;
        client.latency.record(start.elapsed().as_micros() as u64)?;
        if *answer != query.answer {
            return Err(BenchError::answer("not what was answered before", answer));
        }
    }
    Ok(())
}
