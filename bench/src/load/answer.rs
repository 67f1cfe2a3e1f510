//! Parses the answer of a mutation: done, or refused because a SKU is out of stock. Anything else
//! is an error.

use serde::Deserialize;
use serde::de::IgnoredAny;
use uuid::Uuid;

use crate::error::BenchError;

#[derive(Deserialize)]
struct MutationAnswer<'a> {
    #[serde(borrow)]
    data: Option<Data<'a>>,
    errors: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow, alias = "cartLinesAdd", alias = "orderPlace", alias = "paymentStart")]
    payload: Payload<'a>,
}

#[derive(Deserialize)]
struct Payload<'a> {
    #[serde(alias = "cart", alias = "order", alias = "payment")]
    object: Option<Object>,
    #[serde(borrow)]
    errors: Vec<UserError<'a>>,
    position: Option<&'a str>,
    replayed: bool,
}

#[derive(Deserialize)]
struct Object {
    id: Uuid,
}

#[derive(Deserialize)]
struct UserError<'a> {
    code: &'a str,
}

/// The object that was created or changed, and the position of the change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done {
    pub id: Uuid,
    pub position: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MutationOutcome {
    Done(Done),
    OutOfStock,
}

/// Parses an answer, which must be done and not a replay, or a refusal for lack of stock.
pub fn outcome(answer: &[u8]) -> Result<MutationOutcome, BenchError> {
    let wrong = |what: &str| BenchError::answer(what, answer);
    let parsed: MutationAnswer<'_> =
        serde_json::from_slice(answer).map_err(|_| wrong("not its form"))?;
    let (Some(Data { payload }), None) = (parsed.data, parsed.errors) else {
        return Err(wrong("errors"));
    };
    match (payload.object, payload.position, payload.errors.as_slice()) {
        (Some(Object { id }), Some(position), []) if !payload.replayed => {
            let position = position.parse().map_err(|_| wrong("no position"))?;
            Ok(MutationOutcome::Done(Done { id, position }))
        }
        (None, None, [UserError { code: "INSUFFICIENT_STOCK" }]) => Ok(MutationOutcome::OutOfStock),
        _ => Err(wrong("not done")),
    }
}

/// Parses the answer of a mutation that must not be refused.
pub fn done(answer: &[u8]) -> Result<Done, BenchError> {
    match outcome(answer)? {
        MutationOutcome::Done(done) => Ok(done),
        MutationOutcome::OutOfStock => Err(BenchError::answer("not done", answer)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(payload: &str) -> Result<MutationOutcome, BenchError> {
        outcome(format!(r#"{{"data":{{"orderPlace":{payload}}}}}"#).as_bytes())
    }

    #[test]
    fn done_is_an_object_with_a_position_and_no_error() {
        let id = Uuid::from_u128(7);
        let done = parse(&format!(
            r#"{{"order":{{"id":"{id}","status":"PENDING"}},"errors":[],"position":"9","replayed":false}}"#
        ));
        assert_eq!(done.unwrap(), MutationOutcome::Done(Done { id, position: 9 }));
    }

    #[test]
    fn only_a_shortage_is_a_refusal_that_may_be_right() {
        let refused = |code: &str| {
            parse(&format!(
                r#"{{"order":null,"errors":[{{"code":"{code}","message":""}}],"position":null,"replayed":false}}"#
            ))
        };
        assert_eq!(refused("INSUFFICIENT_STOCK").unwrap(), MutationOutcome::OutOfStock);
        assert!(refused("CART_EMPTY").is_err());
    }

    #[test]
    fn an_answer_from_a_repetition_is_wrong() {
        let id = Uuid::from_u128(7);
        let payload =
            format!(r#"{{"order":{{"id":"{id}"}},"errors":[],"position":"9","replayed":true}}"#);
        assert!(parse(&payload).is_err());
    }
}
