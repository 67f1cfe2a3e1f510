//! Questions whose answers are known.

use std::sync::Arc;

use super::{Client, Connection};
use crate::error::{BenchError, check};

/// A request, and what is answered to it for as long as nobody changes what it is about.
#[derive(Debug)]
pub struct Question {
    request: Vec<u8>,
    answer: Vec<u8>,
}

impl Question {
    /// Asks once, of both, who must agree to the byte.
    pub async fn put(
        request: String,
        shop: &mut Connection,
        limit: &mut Connection,
    ) -> Result<Question, BenchError> {
        let request = request.into_bytes();
        let answer = shop.call(&request).await?.to_vec();
        let bare = limit.call(&request).await?;
        check(*bare == answer, || {
            let [shop, bare] = [&answer, bare].map(String::from_utf8_lossy);
            format!("the shop answers {shop}, the limit {bare}")
        })?;
        Ok(Question { request, answer })
    }
}

/// Asks questions of each kind in turn, and times the answers.
pub async fn ask(client: &mut Client, kinds: &[Arc<[Question]>]) -> Result<(), BenchError> {
    let mut kinds = kinds.iter().cycle();
    while let (Some(turn), Some(questions)) = (client.turn().await, kinds.next()) {
        let question = &questions[rand::random_range(0..questions.len())];
        let answer = client.connection.call(&question.request).await?;
        client.latency.record(turn.elapsed().as_micros() as u64)?;
        if *answer != question.answer {
            return Err(BenchError::answer("not what was answered before", answer));
        }
    }
    Ok(())
}
