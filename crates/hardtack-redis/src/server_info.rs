//! Checks whether a Redis server is suitable for storing sessions.

use crate::connection::{Connection, Retry};
use crate::error::OpenError;

/// The oldest version of Redis that supports everything the scripts use.
const OLDEST: (u32, u32) = (6, 2);

/// The response to `INFO`.
struct ServerInfo(String);

impl ServerInfo {
    fn field(&self, name: &str) -> Option<&str> {
        self.0.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
    }
}

/// Connects to the server. Returns an error if the server is not suitable, and logs a warning if it might lose sessions
/// because of its configuration.
pub(crate) async fn check_server(connection: &Connection) -> Result<(), OpenError> {
    let address = || connection.address();
    let info = connection.query(&redis::cmd("INFO"), Retry::Safe).await;
    let info = ServerInfo(info.map_err(|source| OpenError::Unreachable { address: address(), source })?);
    let version = info.field("redis_version").unwrap_or("unknown");
    if parse_version(version).is_none_or(|version| version < OLDEST) {
        return Err(OpenError::TooOld { address: address(), version: version.to_owned() });
    }
    if info.field("cluster_enabled") == Some("1") {
        return Err(OpenError::Cluster { address: address() });
    }
    for warning in warnings(&info) {
        tracing::warn!(event = "redis_may_lose_data", redis = address(), "{warning}");
    }
    Ok(())
}

fn parse_version(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.split('.').map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

fn warnings(info: &ServerInfo) -> Vec<&'static str> {
    let mut warnings = Vec::new();
    if info.field("aof_enabled") != Some("1") {
        warnings.push(
            "this Redis server writes no append-only file, so log-ins and log-outs are lost when it stops; \
             set appendonly to yes",
        );
    }
    // The `volatile-…` policies evict only keys that have an expiry time. The store's keys have no expiry time.
    if info.field("maxmemory_policy").is_some_and(|policy| policy.starts_with("allkeys")) {
        warnings.push(
            "this Redis server evicts keys when its memory is full, so users are logged out, and log-outs are lost; \
             set maxmemory-policy to noeviction",
        );
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_that_may_lose_sessions_causes_a_warning() {
        let info = |aof, policy| ServerInfo(format!("aof_enabled:{aof}\r\nmaxmemory_policy:{policy}\r\n"));
        assert!(warnings(&info("1", "noeviction")).is_empty());
        assert!(warnings(&info("1", "volatile-lru")).is_empty());
        assert!(warnings(&info("0", "noeviction"))[0].contains("appendonly"));
        assert!(warnings(&info("1", "allkeys-lru"))[0].contains("noeviction"));
        assert_eq!(warnings(&ServerInfo(String::new())).len(), 1);
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(parse_version("6.2.0") >= Some(OLDEST) && parse_version("10.0.1") >= Some(OLDEST));
        assert!(parse_version("6.0.16") < Some(OLDEST) && parse_version("unknown").is_none());
    }
}
