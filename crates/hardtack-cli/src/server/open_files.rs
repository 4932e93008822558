//! The limit on open files, which also limits the number of connections.

use std::io;

use super::limits::{Limits, OVERFLOW};
use crate::error::Error;

/// How many open files the server needs besides connections from clients: for the database, Redis, keys, and programs
/// that it starts.
const RESERVE: usize = 128;

/// The server does not start if the limit on open files allows fewer connections than this, because it could not even
/// serve pages to a few browsers.
const LEAST_CONNECTIONS: usize = 16;

impl Limits {
    /// Raises the process's limit on open files. If the limit is still too low for the configured number of
    /// connections, lowers this number and logs a warning.
    ///
    /// # Errors
    /// Returns an error if the limit on open files is too low to serve requests.
    pub(crate) fn within_open_files(self) -> Result<Self, Error> {
        raise_for(self)
    }
}

/// Raises the process's limit on open files so that it allows the connections in `limits`. If the operating system does
/// not permit this, raises the limit as far as possible, and lowers the number of connections.
///
/// # Errors
/// Returns an error if the limit is too low to serve even a few connections.
#[cfg(unix)]
fn raise_for(limits: Limits) -> Result<Limits, Error> {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};

    let needed = needed(limits.connections);
    let raised = getrlimit(Resource::RLIMIT_NOFILE).and_then(|(soft, hard)| {
        let wanted = needed.min(hard);
        if soft < wanted {
            setrlimit(Resource::RLIMIT_NOFILE, wanted, hard)?;
        }
        Ok(soft.max(wanted))
    });
    match raised {
        Ok(allowed) => within(limits, allowed),
        Err(error) => {
            tracing::warn!(event = "few_open_files", %error, "the limit on open files cannot be raised");
            Ok(limits)
        }
    }
}

/// Returns `limits` unchanged, because systems other than Unix have no such limit on open files.
#[cfg(not(unix))]
fn raise_for(limits: Limits) -> Result<Limits, Error> {
    within(limits, u64::MAX)
}

/// Returns how many open files the server needs for this number of connections. The overflow connections, which get
/// 503, need open files as well.
fn needed(connections: usize) -> u64 {
    u64::try_from(connections + OVERFLOW + RESERVE).unwrap_or(u64::MAX)
}

/// Lowers the number of connections if `allowed` open files are not enough for it.
fn within(limits: Limits, allowed: u64) -> Result<Limits, Error> {
    let configured = limits.connections;
    let (needed, least) = (needed(configured), needed(configured.min(LEAST_CONNECTIONS)));
    if allowed >= needed {
        return Ok(limits);
    }
    if allowed < least {
        return Err(Error::runtime(format_args!(
            "the system allows only {allowed} open files, which are too few to serve requests; raise the hard limit \
             (ulimit -Hn, LimitNOFILE in systemd) to at least {least}, or to {needed} for {configured} connections \
             (max_connections)"
        )));
    }
    let connections = usize::try_from(allowed).unwrap_or(usize::MAX) - OVERFLOW - RESERVE;
    tracing::warn!(
        event = "few_open_files",
        limit = allowed,
        "the system allows only {allowed} open files, so the server accepts {connections} connections instead of \
         {configured} (max_connections); raise the hard limit (ulimit -Hn, LimitNOFILE in systemd) to {needed}, or \
         lower max_connections to {connections}"
    );
    Ok(Limits { connections, connections_wanted: configured, ..limits })
}

/// Says what the operator can do if the operating system cannot accept a connection.
pub(super) fn advice(error: &io::Error) -> &'static str {
    #[cfg(unix)]
    {
        use nix::errno::Errno;

        match error.raw_os_error().map(Errno::from_raw) {
            Some(Errno::EMFILE) => {
                return "this process has too many open files, so connections have to wait; restart the server with a \
                        higher limit on open files (ulimit -n, LimitNOFILE in systemd)";
            }
            Some(Errno::ENFILE) => {
                return "all programs together have too many open files, so connections have to wait; raise the \
                        system's limit (fs.file-max on Linux), or stop other programs";
            }
            Some(Errno::ENOBUFS | Errno::ENOMEM) => {
                return "the system has too little memory, so connections have to wait; stop other programs, or add \
                        memory";
            }
            _ => {}
        }
    }
    let _ = error;
    "a connection could not be accepted; the server tries again"
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hardtack::client_address::TrustedProxies;

    use super::*;

    #[test]
    fn l1_the_open_files_suffice_for_the_connections_that_are_accepted() {
        let limits = |connections| Limits {
            connections,
            connections_wanted: connections,
            connections_per_address: 8,
            body_timeout: Duration::from_secs(1),
            proxies: TrustedProxies::default(),
        };
        for (configured, allowed, expected) in [
            (2048, 1 << 20, Some(2048)),
            (2048, 2304, Some(2048)),
            (2048, 2303, Some(2047)),
            (2048, 1024, Some(768)),
            (2048, 272, Some(16)),
            (2048, 271, None),
            (2048, 8, None),
            (4, 260, Some(4)),
            (4, 259, None),
        ] {
            let accepted = within(limits(configured), allowed).ok().map(|limits| limits.connections);
            assert_eq!(accepted, expected, "{configured} {allowed}");
        }
    }
}
