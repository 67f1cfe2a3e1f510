//! The crate seen from outside: its values, its storage format, and properties under random
//! commands.

mod cart;
mod golden;
mod inventory;
mod money;
mod order;
mod payment;
mod play;
mod product;
mod samples;
mod settling;
mod source;
mod states;
mod values;
