//! Measures the size that a document would have with its fragments expanded, without expanding them.
//!
//! Thirty fragments that each spread the next one twice are one kilobyte of text and a billion fields. Every fragment
//! is measured once, so measuring takes one pass over the document.

use std::collections::HashMap;

use async_graphql::Positioned;
use async_graphql::parser::types::{ExecutableDocument, Field, Selection, SelectionSet};

use super::Refusal;

/// The size of a selection set with its fragments expanded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Cost {
    /// The number of fields, fragment spreads and inline fragments.
    pub(super) nodes: usize,
    /// The number of fields at the top level.
    pub(super) fields: usize,
    pub(super) aliases: usize,
    /// The number of levels of fields. Levels below `__schema` and `__type` do not count.
    pub(super) depth: usize,
    /// The number of levels down to the deepest field below `__schema` or `__type`; 0 if neither is selected.
    pub(super) introspection_depth: usize,
}

impl Cost {
    /// The cost of a spread or an inline fragment without its fields.
    const FRAGMENT: Cost =
        Cost { nodes: 1, fields: 0, aliases: 0, depth: 0, introspection_depth: 0 };

    /// Adds the cost of another selection of the same selection set.
    fn plus(self, other: Cost) -> Cost {
        Cost {
            nodes: self.nodes.saturating_add(other.nodes),
            fields: self.fields.saturating_add(other.fields),
            aliases: self.aliases.saturating_add(other.aliases),
            depth: self.depth.max(other.depth),
            introspection_depth: self.introspection_depth.max(other.introspection_depth),
        }
    }

    /// The cost of a field whose subfields have this cost.
    fn as_subfields_of(self, field: &Field) -> Cost {
        let one_deeper = |depth: usize| if depth == 0 { 0 } else { depth + 1 };
        let (depth, introspection_depth) = match field.name.node.as_str() {
            "__schema" | "__type" => (0, 1 + self.depth.max(self.introspection_depth)),
            _ => (1 + self.depth, one_deeper(self.introspection_depth)),
        };
        let alias = usize::from(field.alias.is_some());
        let aliases = self.aliases.saturating_add(alias);
        Cost { nodes: self.nodes.saturating_add(1), fields: 1, aliases, depth, introspection_depth }
    }
}

/// Measures the selection sets of one document.
pub(super) struct CostMeter<'a> {
    document: &'a ExecutableDocument,
    /// The cost of each fragment; `None` while it is being measured. If it is met again then, it contains itself.
    fragments: HashMap<&'a str, Option<Cost>>,
}

impl<'a> CostMeter<'a> {
    pub(super) fn new(document: &'a ExecutableDocument) -> Self {
        CostMeter { document, fragments: HashMap::new() }
    }

    /// Measures a selection set.
    ///
    /// # Errors
    /// If a fragment contains itself.
    pub(super) fn measure(&mut self, set: &'a Positioned<SelectionSet>) -> Result<Cost, Refusal> {
        let mut total = Cost::default();
        for selection in &set.node.items {
            let cost = match &selection.node {
                Selection::Field(field) => {
                    self.measure(&field.node.selection_set)?.as_subfields_of(&field.node)
                }
                Selection::InlineFragment(inline) => {
                    self.measure(&inline.node.selection_set)?.plus(Cost::FRAGMENT)
                }
                Selection::FragmentSpread(spread) => {
                    self.measure_fragment(&spread.node.fragment_name.node)?.plus(Cost::FRAGMENT)
                }
            };
            total = total.plus(cost);
        }
        Ok(total)
    }

    /// Measures a fragment. A fragment that does not exist costs nothing here; validation refuses it later.
    pub(super) fn measure_fragment(&mut self, name: &'a str) -> Result<Cost, Refusal> {
        let Some(fragment) = self.document.fragments.get(name) else { return Ok(Cost::default()) };
        match self.fragments.get(name) {
            Some(Some(cost)) => return Ok(*cost),
            Some(None) => return Err(Refusal::FragmentCycle(name.to_owned())),
            None => {}
        }
        self.fragments.insert(name, None);
        let cost = self.measure(&fragment.node.selection_set)?;
        self.fragments.insert(name, Some(cost));
        Ok(cost)
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    fn measure(query: &str) -> Result<Cost, Refusal> {
        let document = parse_query(query).unwrap();
        let (_, operation) = document.operations.iter().next().unwrap();
        CostMeter::new(&document).measure(&operation.node.selection_set)
    }

    #[test]
    fn fields_fragments_and_aliases_are_counted_as_expanded() {
        let cost =
            measure("{ a: b { c } ...F ...F ... { d } } fragment F on Q { x: y { z } }").unwrap();
        assert_eq!(
            cost,
            Cost { nodes: 10, fields: 4, aliases: 3, depth: 2, introspection_depth: 0 }
        );
    }

    #[test]
    fn the_depth_of_introspection_is_counted_separately() {
        let cost =
            measure("{ a { b } ...F } fragment F on Q { __schema { types { fields { name } } } }")
                .unwrap();
        assert_eq!((cost.depth, cost.introspection_depth), (2, 4));
    }

    #[test]
    fn a_chain_of_doubling_fragments_is_measured_in_one_pass() {
        let chain = |n| format!("fragment F{n} on Q {{ ...F{} ...F{} }}", n + 1, n + 1);
        let fragments: String = (0..200).map(chain).collect();
        let cost = measure(&format!("{{ ...F0 }} {fragments} fragment F200 on Q {{ a }}")).unwrap();
        assert_eq!(cost.nodes, usize::MAX);
    }

    #[test]
    fn a_fragment_within_itself_is_refused() {
        let refusal = measure("{ ...A } fragment A on Q { a { ...B } } fragment B on Q { ...A }")
            .unwrap_err();
        assert!(matches!(refusal, Refusal::FragmentCycle(name) if name == "A"));
    }
}
