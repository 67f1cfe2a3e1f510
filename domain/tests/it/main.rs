//! The crate from outside: its values, what it stores, and what holds whatever it is asked.

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
