//! Checks a document: its limits, which of its operations runs, and whether the caller may run it.

use std::collections::HashSet;
use std::fmt::Display;

use async_graphql::parser::parse_query;
use async_graphql::parser::types::{
    Directive, DocumentOperations, ExecutableDocument, OperationDefinition, OperationType,
    Selection, SelectionSet,
};
use async_graphql::{Positioned, ServerError, Variables};

use super::cost::{Cost, CostMeter};
use super::inputs::InputTypes;
use super::{Refusal, lexer};
use crate::access::{self, Root, RootFields};
use crate::auth::Caller;
use crate::config::Limits;

/// A document within its limits, and what is known about the operation that will run.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) parsed: ExecutableDocument,
    kind: OperationType,
    root_fields: Vec<String>,
    has_introspection: bool,
    /// Whether the document has one operation only and each variable is used as the whole value of an argument. Then a
    /// value that fits its variable's type needs no further validation.
    has_plain_variables: bool,
    /// The number of tokens of its text, by which its size in memory is estimated.
    pub(super) tokens: usize,
}

/// Checks the text, parses it, and checks the document.
///
/// The result depends only on the text, the operation's name and the limits, so it can be cached.
pub(super) fn prepare(
    query: &str,
    operation_name: Option<&str>,
    limits: &Limits,
) -> Result<Document, Refusal> {
    // A character has at least one byte, so only texts of many bytes have to be counted.
    if query.len() > limits.query_chars && query.chars().count() > limits.query_chars {
        return Err(Refusal::QueryTooLong(limits.query_chars));
    }
    let tokens = lexer::check(query, limits.query_tokens, limits.query_nesting)?;
    let parsed =
        parse_query(query).map_err(|error| Refusal::Parse(Box::new(ServerError::from(error))))?;
    let has_introspection = check_costs(&parsed, limits)?;
    let operation = select_operation(&parsed, operation_name)?;
    let kind = operation.ty;
    let root_fields = collect_root_fields(&parsed, operation);
    let has_plain_variables = has_plain_variables(&parsed);
    Ok(Document { kind, root_fields, has_introspection, has_plain_variables, tokens, parsed })
}

impl Document {
    /// The kind of the operation that will run, as the keyword of GraphQL.
    pub(super) fn kind(&self) -> &'static str {
        match self.kind {
            OperationType::Query => "query",
            OperationType::Mutation => "mutation",
            OperationType::Subscription => "subscription",
        }
    }

    /// Checks whether this caller may run the operation by this HTTP method.
    ///
    /// Fields that the schema does not have are not checked here; validation refuses them later.
    pub(super) fn authorize(
        &self,
        is_get: bool,
        may_introspect: bool,
        schema: &RootFields,
        caller: &Caller,
    ) -> Result<(), Refusal> {
        let root = match self.kind {
            OperationType::Query => Root::Query,
            OperationType::Mutation if is_get => return Err(Refusal::MutationOverGet),
            OperationType::Mutation => Root::Mutation,
            OperationType::Subscription => return Err(Refusal::SubscriptionOverHttp),
        };
        if self.has_introspection && !may_introspect {
            return Err(Refusal::IntrospectionOff);
        }
        for field in self.root_fields.iter().filter(|field| schema.contains(root, field)) {
            access::check(root, field, caller)?;
        }
        Ok(())
    }

    /// Whether a document that was validated with other variables is certainly valid with these.
    pub(super) fn stays_valid_with(&self, variables: &Variables, types: &InputTypes) -> bool {
        let declared = self.parsed.operations.iter().flat_map(|(_, operation)| {
            operation.node.variable_definitions.iter().map(|variable| &variable.node)
        });
        self.has_plain_variables && types.are_certainly_valid(declared, variables)
    }
}

/// Checks the cost of all operations and fragments, because validation visits even unused ones. Returns whether the
/// document uses introspection.
fn check_costs(document: &ExecutableDocument, limits: &Limits) -> Result<bool, Refusal> {
    let mut meter = CostMeter::new(document);
    let mut total = Cost::default();
    for (_, operation) in document.operations.iter() {
        let cost = meter.measure(&operation.node.selection_set)?;
        if operation.node.ty == OperationType::Mutation && cost.fields > limits.mutations {
            return Err(Refusal::TooManyMutations(limits.mutations));
        }
        check_cost(cost, limits)?;
        total.nodes = total.nodes.saturating_add(cost.nodes);
        total.introspection_depth = total.introspection_depth.max(cost.introspection_depth);
    }
    for name in document.fragments.keys() {
        check_cost(meter.measure_fragment(name)?, limits)?;
    }
    check_cost(total, limits)?;
    Ok(total.introspection_depth > 0)
}

fn check_cost(cost: Cost, limits: &Limits) -> Result<(), Refusal> {
    match cost {
        cost if cost.nodes > limits.nodes => Err(Refusal::TooManyNodes(limits.nodes)),
        cost if cost.depth > limits.depth => Err(Refusal::TooDeep(limits.depth)),
        cost if cost.introspection_depth > limits.introspection_depth => {
            Err(Refusal::TooDeep(limits.introspection_depth))
        }
        cost if cost.aliases > limits.aliases => Err(Refusal::TooManyAliases(limits.aliases)),
        _ => Ok(()),
    }
}

/// Selects the operation to run: the named one, or the only one.
fn select_operation<'a>(
    document: &'a ExecutableDocument,
    name: Option<&str>,
) -> Result<&'a OperationDefinition, Refusal> {
    match (&document.operations, name) {
        (DocumentOperations::Single(operation), None) => Ok(&operation.node),
        (DocumentOperations::Multiple(operations), Some(name)) => {
            let operation =
                operations.get(name).ok_or_else(|| Refusal::OperationUnknown(name.to_owned()))?;
            Ok(&operation.node)
        }
        (DocumentOperations::Multiple(operations), None) => match operations.values().next() {
            Some(operation) if operations.len() == 1 => Ok(&operation.node),
            _ => Err(Refusal::OperationNotNamed),
        },
        (DocumentOperations::Single(_), Some(name)) => {
            Err(Refusal::OperationUnknown(name.to_owned()))
        }
    }
}

/// Collects the names of the operation's root fields, including those in fragments.
fn collect_root_fields(
    document: &ExecutableDocument,
    operation: &OperationDefinition,
) -> Vec<String> {
    let mut names = Vec::new();
    let mut seen = HashSet::new();
    collect_fields(document, &operation.selection_set, &mut seen, &mut names);
    names
}

fn collect_fields<'a>(
    document: &'a ExecutableDocument,
    set: &'a Positioned<SelectionSet>,
    seen: &mut HashSet<&'a str>,
    names: &mut Vec<String>,
) {
    for selection in &set.node.items {
        match &selection.node {
            Selection::Field(field) => names.push(field.node.name.node.to_string()),
            Selection::InlineFragment(inline) => {
                collect_fields(document, &inline.node.selection_set, seen, names)
            }
            Selection::FragmentSpread(spread) => {
                let name = spread.node.fragment_name.node.as_str();
                if let Some(fragment) = document.fragments.get(name).filter(|_| seen.insert(name)) {
                    collect_fields(document, &fragment.node.selection_set, seen, names);
                }
            }
        }
    }
}

/// Whether the document has one operation only, and each variable in it is used as the whole value of an argument.
fn has_plain_variables(document: &ExecutableDocument) -> bool {
    let mut operations = document.operations.iter().map(|(_, operation)| &operation.node);
    let mut fragments = document.fragments.values().map(|fragment| &fragment.node);
    operations.len() == 1
        && operations.all(|part| {
            have_plain_arguments(&part.directives) && selects_plain_arguments(&part.selection_set)
        })
        && fragments.all(|part| {
            have_plain_arguments(&part.directives) && selects_plain_arguments(&part.selection_set)
        })
}

fn selects_plain_arguments(set: &Positioned<SelectionSet>) -> bool {
    set.node.items.iter().all(|selection| {
        let is_plain = match &selection.node {
            Selection::Field(field) => {
                let mut arguments = field.node.arguments.iter();
                arguments.all(|(_, value)| is_variable_or_literal(&value.node))
                    && selects_plain_arguments(&field.node.selection_set)
            }
            Selection::InlineFragment(inline) => {
                selects_plain_arguments(&inline.node.selection_set)
            }
            Selection::FragmentSpread(_) => true,
        };
        is_plain && have_plain_arguments(selection.node.directives())
    })
}

fn have_plain_arguments(directives: &[Positioned<Directive>]) -> bool {
    let mut arguments = directives.iter().flat_map(|directive| &directive.node.arguments);
    arguments.all(|(_, value)| is_variable_or_literal(&value.node))
}

/// Whether the value of an argument is a variable, or contains none. A string that contains a dollar sign is taken to
/// contain a variable, so that it is validated.
fn is_variable_or_literal(value: &impl Display) -> bool {
    let text = value.to_string();
    text.starts_with('$') || !text.contains('$')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(query: &str) -> &'static str {
        prepare(query, None, &Limits::default()).map_or_else(|refusal| refusal.code(), |_| "OK")
    }

    /// `{ a { a { … } } }` with this number of levels.
    fn nested(field: &str, levels: usize) -> String {
        format!(
            "{{ {}{field}{} }}",
            format!("{field} {{ ").repeat(levels - 1),
            " }".repeat(levels - 1)
        )
    }

    #[test]
    fn a_query_at_each_limit_is_accepted_and_one_beyond_it_is_refused() {
        let fields = |n: usize, field: &str| format!("{{ {} }}", format!("{field} ").repeat(n));
        let mutations = |n: usize| format!("mutation {}", fields(n, "a"));
        for (query, expected) in [
            (fields(998, "a"), "OK"),
            (fields(999, "a"), "QUERY_TOO_MANY_TOKENS"),
            (format!("{{ a }}{}", " ".repeat(9_995)), "OK"),
            (format!("{{ a }}{}", " ".repeat(9_996)), "QUERY_TOO_LONG"),
            (format!("{{ a }} #{}", "é".repeat(9_993)), "OK"),
            (nested("a", 10), "OK"),
            (nested("a", 11), "QUERY_TOO_DEEP"),
            (nested("a", 65), "QUERY_TOO_NESTED"),
            (nested("a", 16).replacen('a', "__schema", 1), "OK"),
            (nested("a", 17).replacen('a', "__schema", 1), "QUERY_TOO_DEEP"),
            (fields(15, "b: a"), "OK"),
            (fields(16, "b: a"), "QUERY_TOO_MANY_ALIASES"),
            (mutations(4), "OK"),
            (mutations(5), "QUERY_TOO_MANY_MUTATIONS"),
        ] {
            assert_eq!(code(&query), expected, "{query}");
        }
    }

    #[test]
    fn unused_fragments_are_limited_too() {
        let chain = |n: usize| format!("fragment F{n} on Q {{ ...F{} ...F{} }}", n + 1, n + 1);
        let fragments: String = (0..30).map(chain).collect();
        assert_eq!(
            code(&format!("{{ a }} {fragments} fragment F30 on Q {{ a }}")),
            "QUERY_TOO_COMPLEX"
        );
        assert_eq!(code("{ a } fragment F on Q { ...F }"), "FRAGMENT_CYCLE");
    }

    /// The deepest nesting that is accepted does not overflow the parser's stack, even in a small thread.
    #[test]
    fn the_deepest_nesting_that_is_accepted_can_be_parsed() {
        let brackets = |open: &str, close: &str, n: usize| {
            format!("{{ a(b: {}{}) }}", open.repeat(n), close.repeat(n))
        };
        for query in [
            brackets("[", "]", 62),
            brackets("{c:", "}", 62).replace("c:}", "c:1}"),
            nested("a", 63),
        ] {
            let parse =
                std::thread::Builder::new().stack_size(1 << 20).spawn(move || code(&query).len());
            parse.unwrap().join().unwrap();
        }
        assert_eq!(code(&brackets("[", "]", 2_000)), "QUERY_TOO_NESTED");
        assert_eq!(
            code(&format!("query($a: {}Int{}) {{ a }}", "[".repeat(500), "]".repeat(490))),
            "QUERY_TOO_NESTED"
        );
    }

    #[test]
    fn the_operation_is_the_named_or_the_only_one() {
        let two = "query A { a } query B { b }";
        let select = |query, name| {
            prepare(query, name, &Limits::default())
                .map(|document| document.root_fields)
                .map_err(|refusal| refusal.code())
        };
        assert_eq!(select(two, Some("B")), Ok(vec!["b".to_owned()]));
        assert_eq!(select(two, None), Err("OPERATION_NOT_FOUND"));
        assert_eq!(select(two, Some("C")), Err("OPERATION_NOT_FOUND"));
        assert_eq!(select("{ a }", Some("A")), Err("OPERATION_NOT_FOUND"));
        assert_eq!(select("query A { a }", None), Ok(vec!["a".to_owned()]));
    }

    #[test]
    fn variables_are_plain_where_they_are_whole_arguments_of_the_only_operation() {
        for (query, plain) in [
            ("{ a }", true),
            ("query A($x: Int) { a(b: $x, c: [1, {d: 2}]) }", true),
            ("query($x: Int) { a(b: [$x]) }", false),
            ("query($x: Int) { a(b: {c: $x}) }", false),
            ("query($x: Int) { a { b(c: {d: [1, $x]}) } }", false),
            ("query($x: Boolean!) { a @skip(if: $x) }", true),
            ("query($x: Int) { a @b(c: [$x]) }", false),
            ("query($x: Int) @b(c: [$x]) { a }", false),
            ("query($x: Int) { ... @b(c: [$x]) { a } }", false),
            ("query($x: Int) { ... { a(b: [$x]) } }", false),
            ("query($x: Int) { ...F @b(c: [$x]) } fragment F on Q { a }", false),
            ("query($x: Int) { ...F } fragment F on Q { a(b: [$x]) }", false),
            ("query($x: Int) { ...F } fragment F on Q @b(c: [$x]) { a }", false),
        ] {
            let document = prepare(query, None, &Limits::default()).unwrap();
            assert_eq!(document.has_plain_variables, plain, "{query}");
        }
        let two = prepare("query A { a } query B { b }", Some("A"), &Limits::default()).unwrap();
        assert!(!two.has_plain_variables);
    }

    #[test]
    fn a_root_field_cannot_hide_in_a_fragment_or_behind_an_alias() {
        let query = "{ me: events ... { ...F } } fragment F on Query { projections ...G } fragment G on Query { me }";
        let document = prepare(query, None, &Limits::default()).unwrap();
        let schema = RootFields::from_sdl("type Query { me: Int events: Int }").unwrap();
        assert_eq!(document.root_fields, ["events", "projections", "me"]);
        assert!(matches!(
            document.authorize(false, true, &schema, &Caller::Anonymous),
            Err(Refusal::Denied(_))
        ));
    }
}
