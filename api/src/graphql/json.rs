//! The scalar `JSON`, for stored JSON texts.

use async_graphql::{
    Description, InputValueError, InputValueResult, Scalar, ScalarType, Value, to_value,
};
use serde_json::value::RawValue;

/// Any JSON value: an object, an array, a string, a number, a boolean or null.
#[derive(Debug, Clone, Description)]
pub struct Json(pub Box<RawValue>);

#[Scalar(
    name = "JSON",
    use_type_description,
    specified_by_url = "https://www.rfc-editor.org/rfc/rfc8259"
)]
impl ScalarType for Json {
    fn parse(_: Value) -> InputValueResult<Self> {
        Err(InputValueError::custom("JSON cannot be used as an input"))
    }

    fn to_value(&self) -> Value {
        to_value(&self.0).unwrap_or_default()
    }
}
