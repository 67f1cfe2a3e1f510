//! Tests of the server as its clients see it: real sockets, one module for each topic.

mod cli;
mod cluster;
mod documents;
mod faults;
mod graphql_http;
mod health;
mod mail;
mod manual;
mod metrics;
mod modules;
mod names;
mod pages;
mod programs;
mod rate_limit;
mod relay;
mod releases;
mod schema;
mod seeds;
mod server;
mod shop;
mod stripe;
mod support;
mod traces;
mod venv;
mod workspace;
