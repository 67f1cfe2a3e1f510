//! The demo shop and the console, in a real browser.

mod browser;
mod console;
mod served;
mod shop;
