//! The limit on open files, which also limits the number of connections.

/// How many open files the server needs besides connections from clients: for the database, Redis, keys, and programs
/// that it starts.
const RESERVE: usize = 128;

/// Raises the process's limit on open files to allow this number of connections. If the operating system does not
/// permit this, raises the limit as far as possible. Returns the number of connections that the new limit allows.
#[cfg(unix)]
pub(super) fn raise_for(connections: usize) -> usize {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};

    let needed = u64::try_from(connections + RESERVE).unwrap_or(u64::MAX);
    let raised = getrlimit(Resource::RLIMIT_NOFILE).and_then(|(soft, hard)| {
        let wanted = needed.min(hard);
        if soft < wanted {
            setrlimit(Resource::RLIMIT_NOFILE, wanted, hard)?;
        }
        Ok(soft.max(wanted))
    });
    match raised {
        Ok(allowed) if allowed < needed => {
            let fewer = usize::try_from(allowed).unwrap_or(usize::MAX).saturating_sub(RESERVE).max(RESERVE / 2);
            tracing::warn!(
                event = "few_open_files",
                limit = allowed,
                "the system allows only {allowed} open files, so the server accepts {fewer} connections instead of \
                 {connections} (max_connections); raise the hard limit (ulimit -Hn, LimitNOFILE in systemd), or lower \
                 max_connections"
            );
            fewer
        }
        Ok(_) => connections,
        Err(error) => {
            tracing::warn!(event = "few_open_files", %error, "the limit on open files cannot be raised");
            connections
        }
    }
}

/// Returns `connections` unchanged, because systems other than Unix have no such limit on open files.
#[cfg(not(unix))]
pub(super) fn raise_for(connections: usize) -> usize {
    let _ = RESERVE;
    connections
}
