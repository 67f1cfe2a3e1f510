//! A place in the log, on the wire.

use async_graphql::{Description, InputValueError, InputValueResult, Scalar, ScalarType, Value};

/// The position of an event in the log: contiguous from 1, written as a string, because it may
/// outgrow what JavaScript counts exactly. A mutation answers with the position of its last event; a
/// query with that `minPosition` shows its result.
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
            _ => Err(InputValueError::custom("a position is a whole number from 0 on")),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}
