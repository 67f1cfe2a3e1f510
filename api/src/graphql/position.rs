//! The scalar `Position`.

use async_graphql::{Description, InputValueError, InputValueResult, Scalar, ScalarType, Value};

/// The place of an event in the event log, written as a decimal string because it may exceed 53 bits.
/// Positions start at 1, have no gaps and only grow. Every mutation returns the position of its
/// result. A query that gets it as `minPosition` waits up to 2 seconds until it can show that result,
/// and otherwise fails with the error code `STALE`. On input an integer is accepted as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Description)]
pub struct Position(pub i64);

#[Scalar(use_type_description)]
impl ScalarType for Position {
    fn parse(value: Value) -> InputValueResult<Self> {
        let position = match &value {
            Value::String(text) => text.parse().ok(),
            Value::Number(number) => number.as_i64(),
            _ => None,
        };
        match position {
            Some(position @ 0..) => Ok(Position(position)),
            _ => Err(InputValueError::custom("a position must be a whole number, 0 or greater")),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}
