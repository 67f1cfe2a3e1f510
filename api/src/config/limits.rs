//! The limits of requests and connections, all configurable.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use event_store::time_limits;

use crate::duration;

/// The limits of one request and of the server.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(next_help_heading = "Limits")]
pub struct Limits {
    /// The most bytes of a request's body.
    #[arg(long, global = true, env = "CARTULARY_BODY_BYTES", default_value_t = Limits::DEFAULT.body_bytes, value_parser = parse_positive)]
    pub body_bytes: usize,
    /// The most bytes of a webhook's body.
    #[arg(long, global = true, env = "CARTULARY_WEBHOOK_BYTES", default_value_t = Limits::DEFAULT.webhook_bytes, value_parser = parse_positive)]
    pub webhook_bytes: usize,
    /// The most characters of a query's text.
    #[arg(long, global = true, env = "CARTULARY_QUERY_CHARS", default_value_t = Limits::DEFAULT.query_chars, value_parser = parse_positive)]
    pub query_chars: usize,
    /// The most tokens of a query.
    #[arg(long, global = true, env = "CARTULARY_QUERY_TOKENS", default_value_t = Limits::DEFAULT.query_tokens, value_parser = parse_positive)]
    pub query_tokens: usize,
    /// The most brackets that are open at once in a query; the parser's stack is safe up to 64.
    #[arg(long, global = true, env = "CARTULARY_QUERY_NESTING", default_value_t = Limits::DEFAULT.query_nesting,
        value_parser = parse_nesting)]
    pub query_nesting: usize,
    /// The most levels of fields in a query.
    #[arg(long, global = true, env = "CARTULARY_QUERY_DEPTH", default_value_t = Limits::DEFAULT.depth, value_parser = parse_positive)]
    pub depth: usize,
    /// The most levels of fields below `__schema` and `__type`.
    #[arg(long, global = true, env = "CARTULARY_INTROSPECTION_DEPTH",
        default_value_t = Limits::DEFAULT.introspection_depth, value_parser = parse_count::<usize>)]
    pub introspection_depth: usize,
    /// The most aliases of a query with its fragments expanded.
    #[arg(long, global = true, env = "CARTULARY_QUERY_ALIASES", default_value_t = Limits::DEFAULT.aliases, value_parser = parse_count::<usize>)]
    pub aliases: usize,
    /// The most root fields of a mutation.
    #[arg(long, global = true, env = "CARTULARY_MUTATIONS", default_value_t = Limits::DEFAULT.mutations, value_parser = parse_count::<usize>)]
    pub mutations: usize,
    /// The most fields and fragments of a query with its fragments expanded.
    #[arg(long, global = true, env = "CARTULARY_QUERY_NODES", default_value_t = Limits::DEFAULT.nodes, value_parser = parse_positive)]
    pub nodes: usize,
    /// How long a client may take to send a request's head.
    #[arg(long, global = true, env = "CARTULARY_HEADER_TIMEOUT", value_name = "DURATION",
        default_value = "5s", value_parser = duration::parse)]
    pub header_timeout: Duration,
    /// How long a connection is kept open between two requests; set it longer than the idle timeout of the load
    /// balancer in front.
    #[arg(long, global = true, env = "CARTULARY_IDLE_TIMEOUT", value_name = "DURATION",
        default_value = "75s", value_parser = duration::parse)]
    pub idle_timeout: Duration,
    /// How long a client may take to send a request's body.
    #[arg(long, global = true, env = "CARTULARY_BODY_TIMEOUT", value_name = "DURATION",
        default_value = "10s", value_parser = duration::parse)]
    pub body_timeout: Duration,
    /// How long an operation may take.
    #[arg(long, global = true, env = "CARTULARY_EXECUTION_TIMEOUT", value_name = "DURATION",
        default_value = "5s", value_parser = duration::parse)]
    pub execution_timeout: Duration,
    /// How long requests in progress may take to finish once the server stops.
    #[arg(long, global = true, env = "CARTULARY_SHUTDOWN_TIMEOUT", value_name = "DURATION",
        default_value = "10s", value_parser = duration::parse)]
    pub shutdown_timeout: Duration,
    /// The most GraphQL requests that are executed at once.
    #[arg(long, global = true, env = "CARTULARY_IN_FLIGHT", default_value_t = Limits::DEFAULT.in_flight, value_parser = parse_positive)]
    pub in_flight: usize,
    /// The most GraphQL requests of one caller per second, on average; 0 switches the limit off.
    #[arg(long = "rate-limit", global = true, env = "CARTULARY_RATE_LIMIT", default_value_t = Limits::DEFAULT.rate, value_parser = parse_count::<u32>)]
    pub rate: u32,
    /// The most GraphQL requests that one caller may send at once, after a pause.
    #[arg(long = "rate-burst", global = true, env = "CARTULARY_RATE_BURST", default_value_t = Limits::DEFAULT.burst, value_parser = parse_count::<u32>)]
    pub burst: u32,
    /// How many trusted proxies are in front of this server. Each must append the address of its client to
    /// X-Forwarded-For.
    #[arg(long, global = true, env = "CARTULARY_PROXIES", default_value_t = Limits::DEFAULT.proxies, value_parser = parse_count::<usize>)]
    pub proxies: usize,
}

impl Limits {
    pub const DEFAULT: Limits = Limits {
        body_bytes: 64 * 1024,
        webhook_bytes: 256 * 1024,
        query_chars: 10_000,
        query_tokens: 1_000,
        query_nesting: 64,
        depth: 10,
        introspection_depth: 16,
        aliases: 15,
        mutations: 4,
        nodes: 5_000,
        header_timeout: time_limits::REQUEST_HEAD,
        idle_timeout: time_limits::IDLE_CONNECTION,
        body_timeout: time_limits::REQUEST_BODY,
        execution_timeout: time_limits::REQUEST,
        shutdown_timeout: time_limits::SHUTDOWN_OF_REQUESTS,
        in_flight: 256,
        rate: 100,
        burst: 200,
        proxies: 0,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Limits::DEFAULT
    }
}

fn parse_count<T: FromStr>(text: &str) -> Result<T, &'static str> {
    text.parse().map_err(|_| "write a whole number, 0 or greater")
}

fn parse_positive(text: &str) -> Result<usize, &'static str> {
    text.parse().ok().filter(|number| *number > 0).ok_or("write a whole number, 1 or greater")
}

/// Parses the limit of nesting. A query with more open brackets would overflow the parser's stack and end the process.
fn parse_nesting(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(levels @ 1..=64) => Ok(levels),
        _ => Err("write a whole number from 1 to 64".to_owned()),
    }
}

/// Prints one line per limit, with the name of its variable.
impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers = [
            ("BODY_BYTES", self.body_bytes),
            ("WEBHOOK_BYTES", self.webhook_bytes),
            ("QUERY_CHARS", self.query_chars),
            ("QUERY_TOKENS", self.query_tokens),
            ("QUERY_NESTING", self.query_nesting),
            ("QUERY_DEPTH", self.depth),
            ("INTROSPECTION_DEPTH", self.introspection_depth),
            ("QUERY_ALIASES", self.aliases),
            ("MUTATIONS", self.mutations),
            ("QUERY_NODES", self.nodes),
            ("IN_FLIGHT", self.in_flight),
            ("RATE_LIMIT", self.rate as usize),
            ("RATE_BURST", self.burst as usize),
            ("PROXIES", self.proxies),
        ];
        let times = [
            ("HEADER_TIMEOUT", self.header_timeout),
            ("IDLE_TIMEOUT", self.idle_timeout),
            ("BODY_TIMEOUT", self.body_timeout),
            ("EXECUTION_TIMEOUT", self.execution_timeout),
            ("SHUTDOWN_TIMEOUT", self.shutdown_timeout),
        ];
        numbers.iter().try_for_each(|(name, value)| writeln!(f, "CARTULARY_{name}={value}"))?;
        times.iter().try_for_each(|(name, value)| {
            writeln!(f, "CARTULARY_{name}={}", duration::format(*value))
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        limits: Limits,
    }

    #[test]
    fn what_the_command_line_assumes_is_the_default() {
        assert_eq!(Line::parse_from(["test"]).limits, Limits::default());
    }

    #[test]
    fn nesting_cannot_be_set_past_what_the_stack_bears() {
        assert!(Line::try_parse_from(["test", "--query-nesting", "65"]).is_err());
    }
}
