//! The server's settings, all in one place and written anew at every start.

use std::path::Path;

use crate::binaries::Binaries;
use crate::home::Home;
use crate::reach::Reach;

/// What the cluster is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The product's data: kept, and durable.
    Keep,
    /// Tests: many small databases, gone with the process.
    ThrowAway,
}

/// Only these may connect: whoever knows the password, from this machine.
pub(crate) const PG_HBA: &str = "\
# type  database  user  address       method
local   all       all                 scram-sha-256
host    all       all   127.0.0.1/32  scram-sha-256
";

/// For a commerce write load on a small machine: a modest share of its memory, few and spread-out
/// checkpoints, plans without start-up costs.
const COMMON: &str = "\
listen_addresses = '127.0.0.1'
unix_socket_permissions = 0700
password_encryption = 'scram-sha-256'

# An event is stored when we say it is, so these stay on.
fsync = on
synchronous_commit = on
full_page_writes = on

checkpoint_timeout = 15min
checkpoint_completion_target = 0.9

# Every statement here is short; compiling one costs more than it saves.
jit = off
autovacuum = on
track_io_timing = off

timezone = 'UTC'
log_timezone = 'UTC'
log_destination = 'stderr'
logging_collector = off
log_line_prefix = '%m [%p] %q%d '
# How the start recognises what it may try again; translations would hide it.
lc_messages = 'C'
";

const KEEP: &str = "\
shared_buffers = 256MB
max_wal_size = 2GB
max_connections = 200
";

/// Nothing in it is to survive a power cut, and surviving a killed server takes no fsync. Making a
/// database for each test is what it does most. Later lines win over those above.
const THROW_AWAY: &str = "\
fsync = off
shared_buffers = 128MB
max_wal_size = 1GB
max_connections = 300
";

/// The whole of `postgresql.conf`.
pub(crate) fn postgresql_conf(
    home: &Home,
    reach: &Reach,
    binaries: &Binaries,
    purpose: Purpose,
    port: u16,
) -> String {
    let (own, wal_compression) = match purpose {
        Purpose::Keep => (KEEP, binaries.wal_compression()),
        Purpose::ThrowAway => (THROW_AWAY, "off"),
    };
    let libraries =
        if binaries.has_library("pg_stat_statements") { "pg_stat_statements" } else { "" };
    // As the server's account sees them.
    let (home_name, socket_dir) = (reach.name(), home.socket_dir());
    let data = home_name.join("data");
    let socket_dir = match socket_dir.strip_prefix(home.path()) {
        Ok(inside) => home_name.join(inside),
        Err(_) => socket_dir,
    };
    format!(
        "# Written at every start of the cluster; changes made here are lost.\n\
         data_directory = {data}\n\
         hba_file = {hba}\n\
         ident_file = {ident}\n\
         unix_socket_directories = {socket}\n\
         port = {port}\n\
         shared_preload_libraries = '{libraries}'\n\
         wal_compression = {wal_compression}\n\
         {COMMON}{own}",
        data = quoted(&data),
        hba = quoted(&home_name.join("pg_hba.conf")),
        ident = quoted(&data.join("pg_ident.conf")),
        socket = quoted(&socket_dir),
    )
}

fn quoted(path: &Path) -> String {
    format!("'{}'", path.to_string_lossy().replace('\\', r"\\").replace('\'', "''"))
}
