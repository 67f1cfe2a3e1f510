//! Every lease that a migration names exists.

use std::fs;
use std::path::PathBuf;

use projections::ReadModel;

/// The leases of workers that are not projections.
const OTHERS: [&str; 4] = ["reactions", "deadlines", "mail", "relay"];

/// Names that no lease has, in migrations that are already applied and so can never change; and why
/// each is harmless.
const EXCEPTIONS: [(&str, &str, &str); 1] = [(
    "0036_carts_expire.sql",
    "carts",
    "0039_carts_folded_anew.sql resets the lease that was meant, 'projection:carts'",
)];

/// The names that a statement about leases compares or advances.
fn lease_names(sql: &str) -> Vec<String> {
    let code: Vec<_> = sql.lines().map(|line| line.split("--").next().unwrap_or("")).collect();
    let code = code.join(" ").to_lowercase();
    let statements = code.split(';').filter(|text| text.contains("lease"));
    let after = ["name = ", "name in (", "name like ", "advance_lease(", "insert into leases"];
    let mut names = vec![];
    for statement in statements {
        for (at, found) in after.iter().flat_map(|word| statement.match_indices(word)) {
            let rest = &statement[at + found.len()..];
            let rest = rest.split(" and ").next().unwrap_or(rest);
            names.extend(rest.split('\'').skip(1).step_by(2).take(1).map(str::to_owned));
        }
    }
    names
}

#[test]
fn names_are_found_in_statements_about_leases() {
    let sql = "-- name = 'comment'\nupdate leases set position = 0 where name = 'a' and epoch = 1;
        select advance_lease('b', 1, 2, 3); select from carts where name = 'c';
        delete from leases where name in ('d');";
    assert_eq!(lease_names(sql), ["a", "b", "d"]);
}

#[test]
fn every_lease_that_a_migration_names_exists() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../migrations");
    let read_models = ReadModel::ALL.map(ReadModel::lease);
    let mut unknown = vec![];
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_str().unwrap().to_owned();
        for name in lease_names(&fs::read_to_string(&path).unwrap()) {
            if !read_models.contains(&name.as_str()) && !OTHERS.contains(&name.as_str()) {
                unknown.push((file.clone(), name));
            }
        }
    }
    let excepted = EXCEPTIONS.map(|(file, name, _)| (file.to_owned(), name.to_owned()));
    assert_eq!(
        unknown, excepted,
        "these leases do not exist: see ReadModel::lease for those that do"
    );
}
