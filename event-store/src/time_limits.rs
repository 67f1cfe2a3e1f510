//! All time limits of the program in one table, each shorter than the one around it.
//!
//! A limit ends a wait: its comment says what happens then. Limits that a setting can change are the
//! setting's default. Intervals, which end no wait, stand where they are used.

use std::time::Duration;

// In Postgres.  These are settings of every connection, so that they hold even if the node is frozen.

/// A transaction that is idle for longer is ended by Postgres, which frees the log's lock if the node
/// froze while it held it. The node's next statement fails.
pub const IDLE_TRANSACTION: Duration = Duration::from_secs(2);
/// A statement that waits longer for a lock fails. An append is then sent again.
pub const LOCK: Duration = Duration::from_secs(10);
/// Data that the other side does not acknowledge for longer closes the connection.
pub const TCP_ACKNOWLEDGEMENT: Duration = Duration::from_secs(10);
/// A statement that runs longer is ended by Postgres and fails. An append is then sent again.
pub const STATEMENT: Duration = Duration::from_secs(12);

// Of questions to Postgres, on the node that asks: a server that fell silent does not even enforce its own.

/// How much longer than its statement may run the node waits for the answer.
pub const BEYOND_STATEMENT: Duration = Duration::from_secs(2);
/// A question without an answer for longer has failed, and its connection is given up. Whether the statement
/// was carried out is then unknown.
pub const QUESTION: Duration = Duration::from_secs(14);
/// The first attempt to connect fails, and the program says so and ends.
pub const CONNECT: Duration = Duration::from_secs(3);
/// Without a free connection of the pool for longer, the question fails.
pub const POOL_CONNECTION: Duration = Duration::from_secs(10);
/// Sending or subscribing to notifications, or asking for the head, is tried again on a new connection.
pub const NOTIFICATION: Duration = Duration::from_secs(5);
/// A reader that waits for a read model asks again for the checkpoint.
pub const CHECKPOINT_QUESTION: Duration = Duration::from_secs(1);
/// Health reports Postgres, or another dependency, as failing.
pub const HEALTH_CHECK: Duration = Duration::from_secs(1);
/// `/metrics` reports `database_up 0` and leaves out what only Postgres knows.
pub const METRICS_QUESTION: Duration = Duration::from_secs(1);

// Of leases.

/// A leader that has not renewed its lease for longer loses it to another node.
pub const LEASE_TTL: Duration = Duration::from_secs(5);
/// The relay's lease lives longer, because one attempt to publish may take long, too.
pub const RELAY_LEASE_TTL: Duration = Duration::from_secs(10);
/// A leader renews its lease, and a waiting node asks for it, once in this time.
pub const LEASE_RENEWAL: Duration = Duration::from_millis(1_500);
/// A question about a lease without an answer for longer has failed: the leader stops leading and tries to
/// release the lease.
pub const LEASE_QUESTION: Duration = Duration::from_secs(3);

// Of requests and commands.

/// The execution of a GraphQL request is ended and answered with an error; its commands go on. Default of
/// `CARTULARY_EXECUTION_TIMEOUT`.
pub const REQUEST: Duration = Duration::from_secs(5);
/// A mutation's wait for its command ends with the advice to send the same idempotency key again; the
/// command goes on.
pub const COMMAND_OF_REQUEST: Duration = command_within(REQUEST);
/// The same for a command that a worker sent: the worker sends it again under the same id.
pub const COMMAND: Duration = Duration::from_secs(15);
/// A query with `minPosition` is refused because the read model is not up to date.
pub const READ_MODEL_POSITION: Duration = Duration::from_secs(2);
/// `paymentStart` answers with the payment as it is, without the provider's answer.
pub const PROVIDER_IN_REQUEST: Duration = Duration::from_secs(3);
/// A request whose head takes longer to arrive is refused. Default of `CARTULARY_HEADER_TIMEOUT`.
pub const REQUEST_HEAD: Duration = Duration::from_secs(5);
/// A request whose body takes longer to arrive is refused. Default of `CARTULARY_BODY_TIMEOUT`.
pub const REQUEST_BODY: Duration = Duration::from_secs(10);
/// A connection without a request for longer is closed. Default of `CARTULARY_IDLE_TIMEOUT`.
pub const IDLE_CONNECTION: Duration = Duration::from_secs(75);

// Of other services.

/// A call of the real payment provider counts as unanswered and is followed up later. Behind the provider
/// stands a bank, which may take seconds.
pub const PROVIDER_CALL: Duration = Duration::from_secs(20);
/// The same for the simulated payment provider.
pub const SIMULATOR_CALL: Duration = Duration::from_secs(3);
/// The simulated payment provider sends a webhook again.
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

// Of stopping, in order.

/// Requests that still run are cut off. Default of `CARTULARY_SHUTDOWN_TIMEOUT`.
pub const SHUTDOWN_OF_REQUESTS: Duration = Duration::from_secs(10);
/// Messages under way are left behind, and may be sent again by the next leader.
pub const SHUTDOWN_OF_MAIL: Duration = Duration::from_secs(3);
/// Workers that still run are left behind; what they left undone is done again after the next start.
pub const SHUTDOWN_OF_WORKERS: Duration = Duration::from_secs(5);
/// Appends, projections and their leases are left as they are: whether what was queued is written is unknown.
pub const SHUTDOWN_OF_STORE: Duration = Duration::from_secs(5);
/// Traces that are not exported yet are dropped.
pub const SHUTDOWN_OF_TRACES: Duration = Duration::from_secs(3);

/// How long a request waits for its command: shorter than the request itself, so that its answer can say
/// what to do.
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
    // A worker's command, from the inside out.
    IDLE_TRANSACTION => LOCK,
    LOCK => STATEMENT,
    TCP_ACKNOWLEDGEMENT => STATEMENT,
    STATEMENT => QUESTION,
    POOL_CONNECTION => QUESTION,
    QUESTION => COMMAND,
    // A request.
    READ_MODEL_POSITION => REQUEST,
    PROVIDER_IN_REQUEST => REQUEST,
    COMMAND_OF_REQUEST => REQUEST,
    REQUEST => IDLE_CONNECTION,
    CHECKPOINT_QUESTION => READ_MODEL_POSITION,
    // A webhook's facts are fetched and recorded before another node may claim it.
    PROVIDER_CALL.saturating_add(COMMAND) => WEBHOOK_CLAIM,
    SIMULATOR_WEBHOOK => SIMULATOR_WEBHOOK_CLAIM,
    // A leader notices that it cannot renew before another node can take over.
    LEASE_RENEWAL.saturating_mul(2) => LEASE_TTL,
    LEASE_RENEWAL.saturating_add(LEASE_QUESTION) => LEASE_TTL,
    // The relay connects and publishes between two renewals.
    LEASE_RENEWAL.saturating_add(BROKER).saturating_add(BROKER).saturating_add(LEASE_QUESTION)
        => RELAY_LEASE_TTL,
    // Stopping: a mail worker stops within the workers' limit, and a request within the requests'.
    SHUTDOWN_OF_MAIL => SHUTDOWN_OF_WORKERS,
    REQUEST => SHUTDOWN_OF_REQUESTS,
}

const _: () = assert!(
    STATEMENT.as_millis() + BEYOND_STATEMENT.as_millis() == QUESTION.as_millis(),
    "a question outlives its statement by BEYOND_STATEMENT",
);
