//! The URL that a configuration uses to identify a Redis server.

use std::fmt;
use std::str::FromStr;

use redis::{ConnectionInfo, IntoConnectionInfo, RedisResult};

use crate::error::OpenError;

/// The schemes that the `redis` crate knows.
const SCHEMES: [&str; 7] = ["redis", "rediss", "valkey", "valkeys", "unix", "redis+unix", "valkey+unix"];

/// The schemes of connections with TLS.
const TLS_SCHEMES: [&str; 2] = ["rediss", "valkeys"];

/// The URL of a Redis server: `redis://USER:PASSWORD@HOST:PORT/DATABASE` or `unix:///PATH`. In the first form, only the
/// host is required. Percent-encode special characters in the user and the password.
///
/// `Display` and `Debug` leave out the password.
#[derive(Clone)]
pub struct RedisUrl(ConnectionInfo);

impl FromStr for RedisUrl {
    type Err = OpenError;

    fn from_str(text: &str) -> Result<Self, OpenError> {
        let scheme = text.split_once("://").map(|(scheme, _)| scheme);
        if !scheme.is_some_and(|scheme| SCHEMES.contains(&scheme)) {
            return Err(OpenError::InvalidAddress { reason: "its scheme is unknown".into() });
        }
        // Whether TLS is supported depends on the features of the `redis` crate.
        if scheme.is_some_and(|scheme| TLS_SCHEMES.contains(&scheme)) && "rediss://host".into_connection_info().is_err()
        {
            let reason = "TLS to Redis is not supported; use a private network or a tunnel, and redis://";
            return Err(OpenError::InvalidAddress { reason: reason.into() });
        }
        text.into_connection_info().map(Self).map_err(|error| OpenError::invalid_address(&error))
    }
}

impl IntoConnectionInfo for RedisUrl {
    fn into_connection_info(self) -> RedisResult<ConnectionInfo> {
        Ok(self.0)
    }
}

impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (address, settings) = (self.0.addr(), self.0.redis_settings());
        if let redis::ConnectionAddr::Unix(path) = address {
            write!(f, "unix://{}", path.display())?;
            let user = settings.username().map(|user| format!("user={user}"));
            let db = (settings.db() != 0).then(|| format!("db={}", settings.db()));
            let query: Vec<String> = db.into_iter().chain(user).collect();
            return if query.is_empty() { Ok(()) } else { write!(f, "?{}", query.join("&")) };
        }
        let user = settings.username().map(|user| format!("{user}@")).unwrap_or_default();
        write!(f, "redis://{user}{address}/{}", settings.db())
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_not_shown() {
        for (text, shown) in [
            ("redis://127.0.0.1", "redis://127.0.0.1:6379/0"),
            ("redis://:canary@cache.example:7000/2", "redis://cache.example:7000/2"),
            ("valkey://me:canary@cache.example", "redis://me@cache.example:6379/0"),
            ("unix:///run/redis.sock?pass=canary", "unix:///run/redis.sock"),
            ("unix:///run/redis.sock?db=3&pass=canary&user=me", "unix:///run/redis.sock?db=3&user=me"),
        ] {
            let url: RedisUrl = text.parse().unwrap();
            assert_eq!(format!("{url} {url:?}"), format!("{shown} RedisUrl({shown})"));
        }
    }

    #[test]
    fn an_invalid_url_is_refused_without_being_repeated() {
        for text in ["", "canary", "http://me:canary@host", "redis://:can/ary@host", "redis://:canary@host/x"] {
            let error = text.parse::<RedisUrl>().unwrap_err();
            assert!(matches!(error, OpenError::InvalidAddress { .. }), "{text}: {error}");
            assert!(!format!("{error} {error:?}").contains("ary"), "{text}: {error:?}");
        }
    }
}
