//! The server as its clients see it: real sockets, one module per topic.

mod cluster;
mod documents;
mod faults;
mod graphql_http;
mod health;
mod schema;
mod server;
mod shop;
mod support;
mod workspace;
