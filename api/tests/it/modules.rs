//! No cycle of files inside a crate, except a module and its own parts.
//!
//! The test reads the paths that every file of `src` names by `crate::`, `super::`, `self::` or a
//! child module, follows `pub use` to the file that defines the name, and looks for cycles. Tests,
//! and what only tests see, are left out. A file at the root of a crate knows all others, so it is
//! left out too.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::workspace::metadata;

/// The path of a module inside its crate; the root is empty.
type Module = Vec<String>;

/// A path that a file names.
struct Use {
    path: Vec<String>,
    /// The name under which `pub use` gives the path to others; `*` for all names.
    reexported_as: Option<String>,
}

/// The modules of a crate with the paths that each names.
type Crate = BTreeMap<Module, Vec<Use>>;

type Edges = BTreeMap<Module, BTreeSet<Module>>;

/// The crates whose files still import each other in cycles. Untie one and take it off the list.
const TANGLED: &[&str] = &["/local-postgres/"];

#[test]
fn no_files_of_a_crate_import_each_other_in_a_cycle() {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().expect("packages");
    let targets =
        packages.iter().flat_map(|package| package["targets"].as_array().expect("targets"));
    let roots: BTreeSet<_> = targets
        .filter_map(|target| target["src_path"].as_str())
        .filter(|path| path.ends_with("/src/lib.rs") || path.ends_with("/src/main.rs"))
        .filter(|path| !TANGLED.iter().any(|tangled| path.contains(tangled)))
        .collect();
    assert!(roots.len() >= 7, "{roots:?}");
    let found: Vec<_> = roots
        .into_iter()
        .flat_map(|root| {
            cycles(&read_crate(Path::new(root)))
                .into_iter()
                .map(move |cycle| format!("{root}: {cycle}"))
        })
        .collect();
    assert!(found.is_empty(), "these files import each other:\n{}", found.join("\n"));
}

#[test]
fn a_cycle_is_found_and_a_module_with_its_parts_is_none() {
    let cycles_of = |files: &[(&str, &str)]| cycles(&crate_of(files));
    let parts = [
        ("", "mod a;"),
        ("a", "mod b; pub use b::B; fn f() { b::g() }"),
        ("a::b", "use super::f;"),
    ];
    assert_eq!(cycles_of(&parts), Vec::<String>::new());
    let two = [("", "mod a; mod b;"), ("a", "use crate::b::B;"), ("b", "fn f() { crate::a::g() }")];
    assert_eq!(cycles_of(&two), ["a -> b, b -> a"]);
    let tests =
        [("", "mod a; mod b;"), ("a", "use crate::b::B;"), ("b", "#[cfg(test)] use crate::a::A;")];
    assert_eq!(cycles_of(&tests), Vec::<String>::new());
    // Of siblings, one uses the other by the name that their module gives it.
    let siblings = [
        ("", "mod a;"),
        ("a", "mod b; mod c; pub use self::b::B;"),
        ("a::b", "use super::c::C;"),
        ("a::c", "use super::{B, X};"),
    ];
    assert_eq!(cycles_of(&siblings), ["a::b -> a::c, a::c -> a::b"]);
    // A part and another module use each other, by way of the part's own module.
    let detour = [
        ("", "mod a; mod b;"),
        ("a", "mod c; fn f() { c::g() }"),
        ("a::c", "use crate::b::B;"),
        ("b", "use crate::a::f;"),
    ];
    assert_eq!(cycles_of(&detour), ["a -> a::c, a::c -> b, b -> a"]);
}

/// The cycles that are not allowed, each as the imports that make it.
fn cycles(modules: &Crate) -> Vec<String> {
    let mut edges = Edges::new();
    for (module, uses) in modules.iter().filter(|(module, _)| !module.is_empty()) {
        let named = uses.iter().filter(|named| named.reexported_as.is_none());
        let defined_in = named.map(|named| definer(modules, &named.path, 0));
        let others = defined_in.filter(|other| other != module && !other.is_empty());
        edges.insert(module.clone(), others.collect());
    }
    let between_parts = |from: &Module, to: &Module| !from.starts_with(to) && !to.starts_with(from);
    let mut siblings = edges.clone();
    for (from, to) in &mut siblings {
        to.retain(|to| between_parts(from, to));
    }
    let mut found: BTreeSet<_> =
        components(&siblings).iter().map(|files| shown(files, &siblings)).collect();
    let is_module_with_parts = |files: &BTreeSet<Module>| {
        files.iter().any(|module| files.iter().all(|part| part.starts_with(module)))
    };
    let all = components(&edges).into_iter().filter(|files| !is_module_with_parts(files));
    if found.is_empty() {
        found.extend(all.map(|files| shown(&files, &edges)));
    }
    found.into_iter().collect()
}

fn shown(files: &BTreeSet<Module>, edges: &Edges) -> String {
    let imports = files.iter().flat_map(|from| {
        let to = edges[from].iter().filter(|to| files.contains(*to));
        to.map(move |to| format!("{} -> {}", from.join("::"), to.join("::")))
    });
    imports.collect::<Vec<_>>().join(", ")
}

/// The sets of more than one file in which each reaches every other.
fn components(edges: &Edges) -> Vec<BTreeSet<Module>> {
    let reach: BTreeMap<_, _> = edges.keys().map(|from| (from, reachable(from, edges))).collect();
    let of = |module: &Module| -> BTreeSet<Module> {
        let there = reach[module].iter();
        there
            .filter(|other| reach.get(*other).is_some_and(|back| back.contains(module)))
            .cloned()
            .collect()
    };
    let all: BTreeSet<_> = edges.keys().map(of).filter(|files| files.len() > 1).collect();
    all.into_iter().collect()
}

fn reachable(from: &Module, edges: &Edges) -> BTreeSet<Module> {
    let (mut found, mut open) = (BTreeSet::new(), vec![from.clone()]);
    while let Some(module) = open.pop() {
        for next in edges.get(&module).into_iter().flatten() {
            if found.insert(next.clone()) {
                open.push(next.clone());
            }
        }
    }
    found
}

/// The module that defines what is at this path, whichever module re-exports it.
fn definer(modules: &Crate, path: &[String], depth: usize) -> Module {
    let mut module = Module::new();
    for (at, segment) in path.iter().enumerate() {
        let child: Module = module.iter().chain([segment]).cloned().collect();
        if modules.contains_key(&child) {
            module = child;
            continue;
        }
        if depth > 20 {
            break;
        }
        let rest = &path[at + 1..];
        let reexports = || modules[&module].iter();
        if let Some(named) = reexports().find(|it| it.reexported_as.as_ref() == Some(segment)) {
            let target: Vec<_> = named.path.iter().chain(rest).cloned().collect();
            return definer(modules, &target, depth + 1);
        }
        for all in reexports().filter(|it| it.reexported_as.as_deref() == Some("*")) {
            let target: Vec<_> = all.path.iter().chain(&path[at..]).cloned().collect();
            let found = definer(modules, &target, depth + 1);
            if found != all.path && !found.is_empty() {
                return found;
            }
        }
        break;
    }
    module
}

fn read_crate(root: &Path) -> Crate {
    let (mut modules, mut open) = (BTreeMap::new(), vec![(Module::new(), root.to_owned())]);
    while let Some((module, file)) = open.pop() {
        let text = fs::read_to_string(&file).expect("the file can be read");
        let tokens = without_tests(flatten(text.parse().expect("the file is Rust")));
        let children = declared(&tokens);
        let stem = file.with_extension("");
        let is_directory = ["mod.rs", "lib.rs", "main.rs"].iter().any(|name| file.ends_with(name));
        let directory = if is_directory { file.parent().expect("a directory") } else { &stem };
        for child in &children {
            let path = module.iter().chain([child]).cloned().collect();
            open.push((path, file_of(directory, child)));
        }
        modules.insert(module.clone(), uses(&tokens, &module, &children));
    }
    modules
}

fn file_of(directory: &Path, module: &str) -> PathBuf {
    let flat = directory.join(format!("{module}.rs"));
    if flat.exists() { flat } else { directory.join(module).join("mod.rs") }
}

/// A crate of these modules and their texts.
fn crate_of(files: &[(&str, &str)]) -> Crate {
    let modules = files.iter().map(|(path, text)| {
        let module: Module =
            path.split("::").filter(|name| !name.is_empty()).map(str::to_owned).collect();
        let tokens = without_tests(flatten(text.parse().expect("Rust")));
        let uses = uses(&tokens, &module, &declared(&tokens));
        (module, uses)
    });
    modules.collect()
}

#[derive(Clone, PartialEq)]
enum Token {
    Word(String),
    /// Two colons.
    Separator,
    Open(Delimiter),
    Close(Delimiter),
    Other(char),
}

fn flatten(stream: TokenStream) -> Vec<Token> {
    let mut tokens = Vec::new();
    for tree in stream {
        match tree {
            TokenTree::Ident(word) => tokens.push(Token::Word(word.to_string())),
            TokenTree::Literal(_) => tokens.push(Token::Other('"')),
            TokenTree::Group(group) => {
                tokens.push(Token::Open(group.delimiter()));
                tokens.extend(flatten(group.stream()));
                tokens.push(Token::Close(group.delimiter()));
            }
            TokenTree::Punct(sign)
                if sign.as_char() == ':' && tokens.last() == Some(&Token::Other(':')) =>
            {
                tokens.pop();
                tokens.push(Token::Separator);
            }
            TokenTree::Punct(sign) => tokens.push(Token::Other(sign.as_char())),
        }
    }
    tokens
}

fn word(tokens: &[Token], at: usize) -> Option<&str> {
    match tokens.get(at) {
        Some(Token::Word(word)) => Some(word),
        _ => None,
    }
}

/// Leaves out every item behind `#[cfg(test)]`.
fn without_tests(tokens: Vec<Token>) -> Vec<Token> {
    let cfg_test: Vec<_> = flatten("#[cfg(test)]".parse().expect("Rust"));
    let (mut kept, mut at) = (Vec::new(), 0);
    while at < tokens.len() {
        if !tokens[at..].starts_with(&cfg_test) {
            kept.push(tokens[at].clone());
            at += 1;
            continue;
        }
        at += cfg_test.len();
        let mut depth = 0;
        while at < tokens.len() {
            depth += match tokens[at] {
                Token::Open(_) => 1,
                Token::Close(_) => -1,
                _ => 0,
            };
            let is_end = depth == 0
                && matches!(tokens[at], Token::Other(';') | Token::Close(Delimiter::Brace));
            at += 1;
            if is_end {
                break;
            }
        }
    }
    kept
}

/// The modules that have files of their own.
fn declared(tokens: &[Token]) -> BTreeSet<String> {
    let is_declaration = |at: &usize| {
        word(tokens, *at) == Some("mod") && tokens.get(at + 2) == Some(&Token::Other(';'))
    };
    let names = (0..tokens.len()).filter(is_declaration).filter_map(|at| word(tokens, at + 1));
    names.map(str::to_owned).collect()
}

fn uses(tokens: &[Token], module: &Module, children: &BTreeSet<String>) -> Vec<Use> {
    let (mut uses, mut at) = (Vec::new(), 0);
    while at < tokens.len() {
        let begins = at == 0 || !matches!(tokens[at - 1], Token::Separator | Token::Other('.'));
        let start = word(tokens, at)
            .filter(|_| begins && tokens.get(at + 1) == Some(&Token::Separator))
            .and_then(|first| start(first, module, children));
        let Some(start) = start else {
            at += 1;
            continue;
        };
        let is_reexport = at >= 2
            && word(tokens, at - 1) == Some("use")
            && (word(tokens, at - 2) == Some("pub")
                || tokens[at - 2] == Token::Close(Delimiter::Parenthesis));
        let mut named = Vec::new();
        at = tree(tokens, at + 2, start, &mut named);
        uses.extend(
            named.into_iter().map(|(name, path)| Use {
                path,
                reexported_as: Some(name).filter(|_| is_reexport),
            }),
        );
    }
    uses
}

/// The module at which a path begins, if it is a path inside the crate.
fn start(first: &str, module: &Module, children: &BTreeSet<String>) -> Option<Module> {
    match first {
        "crate" => Some(Module::new()),
        "self" => Some(module.clone()),
        "super" => Some(module[..module.len().saturating_sub(1)].to_vec()),
        child if children.contains(child) => {
            Some(module.iter().cloned().chain([child.to_owned()]).collect())
        }
        _ => None,
    }
}

/// Reads a path or a tree of paths with their names; returns the index after it.
fn tree(
    tokens: &[Token],
    mut at: usize,
    mut path: Vec<String>,
    named: &mut Vec<(String, Vec<String>)>,
) -> usize {
    loop {
        match tokens.get(at) {
            Some(Token::Open(Delimiter::Brace)) => {
                at += 1;
                while !matches!(tokens.get(at), None | Some(Token::Close(_))) {
                    at = tree(tokens, at, path.clone(), named);
                    if tokens.get(at) == Some(&Token::Other(',')) {
                        at += 1;
                    }
                }
                return at + 1;
            }
            Some(Token::Other('*')) => {
                named.push(("*".to_owned(), path));
                return at + 1;
            }
            Some(Token::Word(segment)) => {
                match segment.as_str() {
                    "self" => {}
                    "super" => drop(path.pop()),
                    segment => path.push(segment.to_owned()),
                }
                at += 1;
                if tokens.get(at) == Some(&Token::Separator) {
                    at += 1;
                    continue;
                }
                let mut name = path.last().cloned().unwrap_or_default();
                if word(tokens, at) == Some("as") {
                    name = word(tokens, at + 1).unwrap_or_default().to_owned();
                    at += 2;
                }
                named.push((name, path));
                return at;
            }
            // Something else ends the path, such as the generics of a function. It always gets
            // ahead.
            _ => {
                named.push((String::new(), path));
                return at + 1;
            }
        }
    }
}
