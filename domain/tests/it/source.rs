//! Rules about the source of this crate that no other test would notice.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, Expr, File, ItemEnum, ItemMod, Lit, Macro, Pat, Token};

/// The longest arm of a `match` in a function that decides, folds or reacts: these functions are
/// tables of calls.
const ARM_LINES_MAX: usize = 3;

/// A file of the crate that is not a test.
struct SourceFile {
    path: PathBuf,
    syntax: File,
}

fn sources() -> Vec<SourceFile> {
    let mut sources = vec![];
    collect(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &mut sources);
    sources
}

fn collect(folder: &Path, sources: &mut Vec<SourceFile>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if ["tests", "tests.rs", "fixtures.rs"].contains(&name) {
            continue;
        }
        if path.is_dir() {
            collect(&path, sources);
        } else {
            let syntax = syn::parse_file(&fs::read_to_string(&path).unwrap()).unwrap();
            sources.push(SourceFile { path, syntax });
        }
    }
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Path>().is_ok_and(|condition| condition.is_ident("test"))
    })
}

/// The long arms of all functions that decide, fold or react, each with its line.
#[derive(Default)]
struct LongArms {
    functions: Vec<String>,
    found: Vec<(usize, String)>,
}

impl LongArms {
    fn visit_function(&mut self, name: &syn::Ident, visit: impl FnOnce(&mut Self)) {
        self.functions.push(name.to_string());
        visit(self);
        self.functions.pop();
    }

    fn is_table(&self) -> bool {
        let verbs = ["decide", "apply", "react", "effects"];
        let is_table = |name: &String| verbs.iter().any(|verb| name.starts_with(verb));
        self.functions.last().is_some_and(is_table)
    }
}

impl<'a> Visit<'a> for LongArms {
    fn visit_item_fn(&mut self, function: &'a syn::ItemFn) {
        self.visit_function(&function.sig.ident, |arms| visit::visit_item_fn(arms, function));
    }

    fn visit_impl_item_fn(&mut self, function: &'a syn::ImplItemFn) {
        self.visit_function(&function.sig.ident, |arms| visit::visit_impl_item_fn(arms, function));
    }

    fn visit_arm(&mut self, arm: &'a syn::Arm) {
        let span = arm.span();
        let (first, last) = (span.start().line, span.end().line);
        if self.is_table() && last - first >= ARM_LINES_MAX {
            self.found.push((first, self.functions.join("::")));
        }
        visit::visit_arm(self, arm);
    }
}

#[test]
fn no_arm_that_decides_folds_or_reacts_is_longer_than_three_lines() {
    let mut long = vec![];
    for SourceFile { path, syntax } in sources() {
        let mut arms = LongArms::default();
        arms.visit_file(&syntax);
        let lines = arms.found.into_iter();
        long.extend(lines.map(|(line, name)| format!("{}:{line} in {name}", path.display())));
    }
    assert!(long.is_empty(), "give these arms a function of their own:\n{}", long.join("\n"));
}

/// `match` on a bool, and closures that are called at once.
#[derive(Default)]
struct Detours(Vec<usize>);

impl<'a> Visit<'a> for Detours {
    fn visit_expr_match(&mut self, found: &'a syn::ExprMatch) {
        let is_bool = |arm: &syn::Arm| match &arm.pat {
            Pat::Lit(literal) => matches!(literal.lit, Lit::Bool(_)),
            _ => false,
        };
        let is_unit = matches!(&*found.expr, Expr::Tuple(tuple) if tuple.elems.is_empty());
        if is_unit || found.arms.iter().any(is_bool) {
            self.0.push(found.span().start().line);
        }
        visit::visit_expr_match(self, found);
    }

    fn visit_expr_call(&mut self, call: &'a syn::ExprCall) {
        if matches!(&*call.func, Expr::Paren(function) if matches!(*function.expr, Expr::Closure(_)))
        {
            self.0.push(call.span().start().line);
        }
        visit::visit_expr_call(self, call);
    }
}

#[test]
fn nothing_matches_on_a_bool_or_calls_a_closure_at_once() {
    let mut found = vec![];
    for SourceFile { path, syntax } in sources() {
        let mut detours = Detours::default();
        detours.visit_file(&syntax);
        found.extend(detours.0.into_iter().map(|line| format!("{}:{line}", path.display())));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// The variants that are declared, and those that are constructed, as `Enum::Variant`.
#[derive(Default)]
struct Variants {
    declared: BTreeSet<String>,
    made: BTreeSet<String>,
}

impl Variants {
    fn make(&mut self, path: &syn::Path) {
        let names: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if let [.., of, variant] = names.as_slice() {
            self.made.insert(format!("{of}::{variant}"));
        }
    }
}

impl<'a> Visit<'a> for Variants {
    fn visit_item_mod(&mut self, module: &'a ItemMod) {
        if !is_test(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    /// Only this crate constructs these: events, and the reasons for releasing stock.
    fn visit_item_enum(&mut self, declared: &'a ItemEnum) {
        let name = declared.ident.to_string();
        if name.ends_with("Event") && name != "Event" || name == "ReleaseReason" {
            let variants = declared.variants.iter();
            self.declared.extend(variants.map(|variant| format!("{name}::{}", variant.ident)));
        }
    }

    fn visit_expr_struct(&mut self, made: &'a syn::ExprStruct) {
        self.make(&made.path);
        visit::visit_expr_struct(self, made);
    }

    fn visit_expr_path(&mut self, made: &'a syn::ExprPath) {
        self.make(&made.path);
    }

    fn visit_macro(&mut self, called: &'a Macro) {
        let elements = called.parse_body_with(Punctuated::<Expr, Token![,]>::parse_terminated);
        if called.path.is_ident("vec")
            && let Ok(elements) = elements
        {
            elements.iter().for_each(|element| self.visit_owned(element));
        }
    }
}

impl Variants {
    /// The elements of a `vec!` do not live as long as the file that contains it.
    fn visit_owned(&mut self, element: &Expr) {
        let mut inner = Variants::default();
        inner.visit_expr(element);
        self.made.extend(inner.made);
    }
}

#[test]
fn every_event_is_emitted_somewhere() {
    let mut variants = Variants::default();
    for SourceFile { syntax, .. } in sources() {
        let mut found = Variants::default();
        found.visit_file(&syntax);
        variants.declared.extend(found.declared);
        variants.made.extend(found.made);
    }
    let never: Vec<_> = variants.declared.difference(&variants.made).collect();
    assert!(variants.declared.len() > 70, "{:?}", variants.declared);
    assert!(never.is_empty(), "nothing emits {never:?}: remove what was never stored");
}
