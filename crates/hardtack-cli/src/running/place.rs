//! Where sessions are stored.

use std::fmt;

/// Where sessions are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The sessions are in the database, alongside the users.
    Database,
    /// The sessions are in Redis. `id` is a random id that is stored in Redis. `address` is the URL that the server
    /// used to connect to Redis, without the password.
    Redis { id: String, address: String },
}

impl Place {
    /// Returns whether both places are the same store. Redis stores are compared by id, because the address of a store
    /// may have changed.
    pub(super) fn is_same_store(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Database, Self::Database) => true,
            (Self::Redis { id, .. }, Self::Redis { id: other, .. }) => id == other,
            (Self::Database, Self::Redis { .. }) | (Self::Redis { .. }, Self::Database) => false,
        }
    }

    /// Returns a string that identifies the store: the id that is stored in Redis, or `database`. The strings of two
    /// places are equal only if both places are the same store.
    pub(super) fn key(&self) -> &str {
        self.id().unwrap_or("database")
    }

    /// Returns the random id that is stored in Redis, or `None` if the sessions are in the database.
    pub(super) fn id(&self) -> Option<&str> {
        match self {
            Self::Database => None,
            Self::Redis { id, .. } => Some(id),
        }
    }

    /// Returns the URL of the Redis server, without the password, or `None` if the sessions are in the database.
    pub(super) fn address(&self) -> Option<&str> {
        match self {
            Self::Database => None,
            Self::Redis { address, .. } => Some(address),
        }
    }

    /// Returns the text that is stored in a row: `database`, or `redis ID ADDRESS`.
    pub(super) fn to_text(&self) -> String {
        match self {
            Self::Database => "database".to_owned(),
            Self::Redis { id, address } => format!("redis {id} {address}"),
        }
    }

    /// Parses the value that is stored in a row. Returns `None` for an unknown value, because a newer version of the
    /// program might have written it.
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text.splitn(3, ' ').collect::<Vec<_>>()[..] {
            ["database"] => Some(Self::Database),
            ["redis", id, address] => Some(Self::Redis { id: id.to_owned(), address: address.to_owned() }),
            _ => None,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Database => f.write_str("the database"),
            Self::Redis { address, .. } => write!(f, "the Redis at {address}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_written_and_read() {
        let redis = Place::Redis { id: "1f".into(), address: "unix:///run/a b.sock".into() };
        for place in [Place::Database, redis] {
            assert_eq!(Place::parse(&place.to_text()), Some(place));
        }
        assert_eq!(Place::parse("etcd x"), None);
    }

    #[test]
    fn a_redis_is_the_same_at_another_address() {
        let at = |id: &str, address: &str| Place::Redis { id: id.into(), address: address.into() };
        assert!(at("1", "a").is_same_store(&at("1", "b")) && Place::Database.is_same_store(&Place::Database));
        assert!(!at("1", "a").is_same_store(&at("2", "a")) && !at("1", "a").is_same_store(&Place::Database));
        assert!(!Place::Database.is_same_store(&at("1", "a")));
    }
}
