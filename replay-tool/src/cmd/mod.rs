//! The commands, one a file.

pub(crate) mod history;
pub(crate) mod rebuild;
pub(crate) mod status;
pub(crate) mod verify;
