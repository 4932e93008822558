//! Where sessions are kept.

use std::fmt;

/// The place of the sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In the database, beside the users.
    Database,
    /// In the Redis with this id. At `address`, the server that recorded the place reached this Redis. The address
    /// contains no password.
    Redis { id: String, address: String },
}

impl Place {
    /// Whether both are the same store. The address of a Redis may have changed.
    pub(super) fn is_same_store(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Database, Self::Database) => true,
            (Self::Redis { id, .. }, Self::Redis { id: other, .. }) => id == other,
            (Self::Database, Self::Redis { .. }) | (Self::Redis { .. }, Self::Database) => false,
        }
    }

    /// The id of the store, if it is not the database.
    pub(super) fn id(&self) -> Option<&str> {
        match self {
            Self::Database => None,
            Self::Redis { id, .. } => Some(id),
        }
    }

    /// The value of the row: `database`, or `redis`, the id and the address.
    pub(super) fn to_text(&self) -> String {
        match self {
            Self::Database => "database".to_owned(),
            Self::Redis { id, address } => format!("redis {id} {address}"),
        }
    }

    /// Reads a value. Returns `None` for a value that this version does not know, because a newer version may have
    /// written it.
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
