//! The binary `cartulary`.

use std::process::ExitCode;

use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// `main` awaits nothing itself. Otherwise the compiler would generate the code of every awaited function a second
/// time, for this crate.
fn main() -> ExitCode {
    api::cli::main()
}
