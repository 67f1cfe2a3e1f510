//! The server as its clients see it: real sockets, one module per topic.

mod cluster;
mod documents;
mod faults;
mod graphql_http;
mod health;
mod mail;
mod pages;
mod programs;
mod schema;
mod seeds;
mod server;
mod shop;
mod stripe;
mod support;
mod venv;
mod workspace;
