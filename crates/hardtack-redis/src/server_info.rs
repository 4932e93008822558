//! Whether a Redis can be trusted with sessions.

use crate::link::{Again, Link};
use crate::{AskError, OpenError};

/// The oldest version with all that the scripts use.
const OLDEST: (u32, u32) = (6, 2);

/// What `INFO` says of a server.
struct Health(String);

impl Health {
    fn field(&self, name: &str) -> Option<&str> {
        self.0.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
    }
}

/// Connects; refuses a server that cannot keep sessions, and warns of one that may lose them.
pub(crate) async fn check(link: &Link) -> Result<(), OpenError> {
    let asked: Result<String, AskError> = link.ask(&redis::cmd("INFO"), Again::Yes).await;
    let health = Health(asked.map_err(|source| OpenError::Unreachable { address: link.address(), source })?);
    let version = health.field("redis_version").unwrap_or("unknown");
    if parse(version).is_none_or(|version| version < OLDEST) {
        return Err(OpenError::TooOld { address: link.address(), version: version.to_owned() });
    }
    if health.field("cluster_enabled") == Some("1") {
        return Err(OpenError::Cluster { address: link.address() });
    }
    for warning in warnings(&health) {
        tracing::warn!(redis = link.address(), "{warning}");
    }
    Ok(())
}

fn parse(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.split('.').map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

fn warnings(health: &Health) -> Vec<&'static str> {
    let mut warnings = Vec::new();
    if health.field("aof_enabled") != Some("1") {
        warnings.push(
            "the append-only file is off: when this Redis stops, log-ins are lost and log-outs undone; \
             set appendonly to yes",
        );
    }
    // The policies `volatile-…` evict only keys that expire; none of these does.
    if health.field("maxmemory_policy").is_some_and(|policy| policy.starts_with("allkeys")) {
        warnings.push(
            "this Redis forgets keys when its memory is full: users are then logged out, and log-outs undone; \
             set maxmemory-policy to noeviction",
        );
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_lose_sessions_is_warned_of() {
        let health = |aof, policy| Health(format!("aof_enabled:{aof}\r\nmaxmemory_policy:{policy}\r\n"));
        assert!(warnings(&health("1", "noeviction")).is_empty());
        assert!(warnings(&health("1", "volatile-lru")).is_empty());
        assert!(warnings(&health("0", "noeviction"))[0].contains("appendonly"));
        assert!(warnings(&health("1", "allkeys-lru"))[0].contains("noeviction"));
        assert_eq!(warnings(&Health(String::new())).len(), 1);
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(parse("6.2.0") >= Some(OLDEST) && parse("10.0.1") >= Some(OLDEST));
        assert!(parse("6.0.16") < Some(OLDEST) && parse("unknown").is_none());
    }
}
