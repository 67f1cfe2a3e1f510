//! The codes of errors in the schema: those of the domain, by the same names and with the same descriptions.

use std::borrow::Cow;

use async_graphql::parser::types::Field;
use async_graphql::registry::{MetaEnumValue, MetaType, MetaTypeId, Registry};
use async_graphql::{ContextSelectionSet, Name, OutputType, Positioned, ServerResult, Value};

/// A code of the domain, as clients get it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorCode(pub domain::ErrorCode);

const DESCRIPTION: &str =
    "Reasons why a mutation was refused, for programs to decide by. New codes may be added; existing
ones keep their names.";

impl OutputType for ErrorCode {
    fn type_name() -> Cow<'static, str> {
        "ErrorCode".into()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        registry.create_output_type::<Self, _>(MetaTypeId::Enum, |_| MetaType::Enum {
            name: Self::type_name().into_owned(),
            description: Some(DESCRIPTION.to_owned()),
            enum_values: domain::ErrorCode::ALL.iter().map(|code| described(*code)).collect(),
            visible: None,
            inaccessible: false,
            tags: Vec::new(),
            rust_typename: Some(std::any::type_name::<Self>()),
            directive_invocations: Vec::new(),
            requires_scopes: Vec::new(),
        })
    }

    async fn resolve(
        &self,
        _: &ContextSelectionSet<'_>,
        _: &Positioned<Field>,
    ) -> ServerResult<Value> {
        Ok(Value::Enum(Name::new(self.0.as_str())))
    }
}

fn described(code: domain::ErrorCode) -> (String, MetaEnumValue) {
    let value = MetaEnumValue {
        name: code.as_str().to_owned(),
        description: Some(code.description()),
        deprecation: Default::default(),
        visible: None,
        inaccessible: false,
        tags: Vec::new(),
        directive_invocations: Vec::new(),
    };
    (value.name.clone(), value)
}
