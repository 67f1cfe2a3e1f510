//! The binary `cartulary`.

use std::process::ExitCode;

use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Nothing is awaited here: the compiler would generate code for all that is awaited a second time, in this crate.
fn main() -> ExitCode {
    api::cli::main()
}
