//! The server: the GraphQL API over HTTP, access control, webhooks, health, metrics and the pages.
//!
//! Read `cli` (what the binary does), [`config`] (its settings), [`serve`] (how the parts come
//! together), [`server`] (sockets and routes), then [`graphql_http`] (one request).

pub mod access;
pub mod app;
pub mod auth;
pub mod cli;
pub mod config;
pub mod database;
mod demo;
pub mod development;
pub mod duration;
pub mod graphql;
pub mod graphql_http;
pub mod health;
pub mod logging;
pub mod metrics;
pub mod output;
pub mod pages;
pub mod rate_limit;
pub mod secret;
pub mod serve;
pub mod server;
pub mod traces;
