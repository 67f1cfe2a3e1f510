//! All time limits of the program in one table; each is shorter than the one around it.
//!
//! A limit ends a wait, and its comment says what happens then. If a setting can change a limit,
//! the constant is the setting's default. Intervals, which end no wait, are declared where they are
//! used.

use std::time::Duration;

// Limits that Postgres enforces. They are settings of every connection, so they hold even if the
// node is frozen.

/// A transaction that is idle for longer is ended by Postgres, which frees the log's lock if the
/// node froze while it held it. The node's next statement fails.
pub const IDLE_TRANSACTION: Duration = Duration::from_secs(2);
/// A statement that waits longer for a lock fails. An append is then sent again.
pub const LOCK: Duration = Duration::from_secs(10);
/// A connection is closed if the other side does not acknowledge data for longer.
pub const TCP_ACKNOWLEDGEMENT: Duration = Duration::from_secs(10);
/// A statement that runs longer is ended by Postgres and fails. An append is then sent again.
pub const STATEMENT: Duration = Duration::from_secs(12);

// Limits of queries, enforced by the node that sends them, since a server that hangs does not
// enforce its own.

/// How much longer than its statement's limit the node waits for the answer.
pub const BEYOND_STATEMENT: Duration = Duration::from_secs(2);
/// A query without an answer for longer has failed, and its connection is closed. Whether the
/// statement was executed is then unknown.
pub const QUERY: Duration = Duration::from_secs(14);
/// The first attempt to connect fails, and the program says so and ends.
pub const CONNECT: Duration = Duration::from_secs(3);
/// If no connection of the pool is free for longer, the query fails.
pub const POOL_CONNECTION: Duration = Duration::from_secs(10);
/// Sending or subscribing to notifications, or querying the head, is tried again on a new
/// connection.
pub const NOTIFICATION: Duration = Duration::from_secs(5);
/// A reader that waits for a read model queries its checkpoint again.
pub const CHECKPOINT_QUERY: Duration = Duration::from_secs(1);
/// Health reports Postgres, or another dependency, as failing.
pub const HEALTH_CHECK: Duration = Duration::from_secs(1);
/// `/metrics` reports `database_up 0` and leaves out what only Postgres knows.
pub const METRICS_QUESTION: Duration = Duration::from_secs(1);

// Limits of leases.

/// A leader that has not renewed its lease for longer loses it to another node.
pub const LEASE_TTL: Duration = Duration::from_secs(5);
/// The relay's lease lives longer, because one attempt to publish may take long, too.
pub const RELAY_LEASE_TTL: Duration = Duration::from_secs(10);
/// A leader renews its lease, and a waiting node requests it, once in this time.
pub const LEASE_RENEWAL: Duration = Duration::from_millis(1_500);
/// A statement about a lease without an answer for longer has failed: the leader stops leading and
/// tries to release the lease.
pub const LEASE_QUERY: Duration = Duration::from_secs(3);

// Limits of requests and commands.

/// The execution of a GraphQL request is ended and answered with an error, while its commands
/// continue. Default of `CARTULARY_EXECUTION_TIMEOUT`.
pub const REQUEST: Duration = Duration::from_secs(5);
/// A mutation stops waiting for its command, and its error asks the client to send the same
/// idempotency key again; the command continues.
pub const COMMAND_OF_REQUEST: Duration = command_within(REQUEST);
/// The same for a command that a worker sent: the worker sends it again under the same id.
pub const COMMAND: Duration = Duration::from_secs(15);
/// A query with `minPosition` is refused because the read model is not up to date.
pub const READ_MODEL_POSITION: Duration = Duration::from_secs(2);
/// `paymentStart` returns the payment without the provider's answer.
pub const PROVIDER_IN_REQUEST: Duration = Duration::from_secs(3);
/// A request whose head takes longer to arrive is refused. Default of `CARTULARY_HEADER_TIMEOUT`.
pub const REQUEST_HEAD: Duration = Duration::from_secs(5);
/// A request whose body takes longer to arrive is refused. Default of `CARTULARY_BODY_TIMEOUT`.
pub const REQUEST_BODY: Duration = Duration::from_secs(10);
/// A connection without a request for longer is closed. Default of `CARTULARY_IDLE_TIMEOUT`.
pub const IDLE_CONNECTION: Duration = Duration::from_secs(75);

// Limits of other services.

/// A call of the real payment provider counts as unanswered, and is repeated later. It is long
/// because a bank, which may take seconds, answers behind the provider.
pub const PROVIDER_CALL: Duration = Duration::from_secs(20);
/// The same for the simulated payment provider.
pub const SIMULATOR_CALL: Duration = Duration::from_secs(3);
/// The simulated payment provider counts a webhook as not delivered, and sends it again.
pub const SIMULATOR_WEBHOOK: Duration = Duration::from_secs(10);
/// A webhook that a node claimed, but did not finish, is processed again by any node.
pub const WEBHOOK_CLAIM: Duration = Duration::from_secs(40);
/// The same for a webhook that a node claimed for the simulated payment provider, to send it.
pub const SIMULATOR_WEBHOOK_CLAIM: Duration = Duration::from_secs(15);
/// A message counts as not sent, and is tried again later. Default of `MAIL_TIMEOUT`.
pub const MAIL_DELIVERY: Duration = Duration::from_secs(20);
/// Connecting to the broker, or waiting for its acknowledgements, has failed, and is tried again.
pub const BROKER: Duration = Duration::from_secs(2);
/// A batch of traces is dropped.
pub const TRACE_EXPORT: Duration = Duration::from_secs(10);

// Limits of the shutdown, in its order.

/// Requests that still run are cut off. Default of `CARTULARY_SHUTDOWN_TIMEOUT`.
pub const SHUTDOWN_OF_REQUESTS: Duration = Duration::from_secs(10);
/// Messages that are still being sent are left, and may be sent again by the next leader.
pub const SHUTDOWN_OF_MAIL: Duration = Duration::from_secs(3);
/// Workers that still run are left; their unfinished work is repeated after the next start.
pub const SHUTDOWN_OF_WORKERS: Duration = Duration::from_secs(5);
/// Queued appends, projections and leases are left. Whether the queued appends are written is
/// unknown.
pub const SHUTDOWN_OF_STORE: Duration = Duration::from_secs(5);
/// Traces that are not exported yet are dropped.
pub const SHUTDOWN_OF_TRACES: Duration = Duration::from_secs(3);

/// How long a request waits for its command: shorter than the request's own limit, so that its
/// answer can say what to do.
pub const fn command_within(request: Duration) -> Duration {
    Duration::from_millis(request.as_millis() as u64 / 5 * 4)
}

/// Fails to compile unless each limit is shorter than the one around it.
macro_rules! each_within_the_next {
    ($($inner:expr => $outer:expr),+ $(,)?) => {
        $(const _: () = assert!(
            $inner.as_millis() < $outer.as_millis(),
            concat!(stringify!($inner), " must be shorter than ", stringify!($outer)),
        );)+
    };
}

each_within_the_next! {
    // The command of a worker.
    IDLE_TRANSACTION => LOCK,
    LOCK => STATEMENT,
    TCP_ACKNOWLEDGEMENT => STATEMENT,
    STATEMENT => QUERY,
    POOL_CONNECTION => QUERY,
    QUERY => COMMAND,
    // A request.
    READ_MODEL_POSITION => REQUEST,
    PROVIDER_IN_REQUEST => REQUEST,
    COMMAND_OF_REQUEST => REQUEST,
    REQUEST => IDLE_CONNECTION,
    CHECKPOINT_QUERY => READ_MODEL_POSITION,
    // Another node may claim a webhook only after its facts can have been fetched and recorded.
    PROVIDER_CALL.saturating_add(COMMAND) => WEBHOOK_CLAIM,
    SIMULATOR_WEBHOOK => SIMULATOR_WEBHOOK_CLAIM,
    // A leader that cannot renew its lease notices before another node can take over.
    LEASE_RENEWAL.saturating_mul(2) => LEASE_TTL,
    LEASE_RENEWAL.saturating_add(LEASE_QUERY) => LEASE_TTL,
    // The relay can connect and publish between two renewals.
    LEASE_RENEWAL.saturating_add(BROKER).saturating_add(BROKER).saturating_add(LEASE_QUERY)
        => RELAY_LEASE_TTL,
    // A mail worker stops within the workers' limit, and a command within the requests'.
    SHUTDOWN_OF_MAIL => SHUTDOWN_OF_WORKERS,
    REQUEST => SHUTDOWN_OF_REQUESTS,
}

const _: () = assert!(
    STATEMENT.as_millis() + BEYOND_STATEMENT.as_millis() == QUERY.as_millis(),
    "QUERY must be STATEMENT plus BEYOND_STATEMENT",
);
