//! The Redis beside the database.

use hardtack_redis::RedisUrl;

use super::given::Layers;
use super::options;
use crate::error::Error;

/// Where it is, and what it is for.
pub(crate) struct Redis {
    pub(crate) url: RedisUrl,
    pub(crate) purpose: RedisFor,
}

/// What a Redis is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum RedisFor {
    /// It keeps the sessions.
    #[default]
    Sessions,
    /// It tells the other servers that a session has ended; the database keeps them.
    Notice,
}

impl RedisFor {
    const ALL: [Self; 2] = [Self::Sessions, Self::Notice];

    /// How it is written.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sessions => "sessions",
            Self::Notice => "notice",
        }
    }
}

/// Reads both settings. No error repeats the URL: it may have a password in it.
pub(super) fn read(layers: &Layers) -> Result<Option<Redis>, Error> {
    let read = |text: &str| RedisFor::ALL.into_iter().find(|purpose| purpose.name() == text);
    let purpose = layers.read(&options::REDIS_FOR, "sessions or notice", read)?;
    let Some(url) = layers.text(&options::REDIS_URL) else {
        return match purpose {
            None => Ok(None),
            Some(_) => Err(Error::config(format_args!(
                "{} without a Redis; set --redis-url or HARDTACK_REDIS_URL too, or leave it out",
                layers.named(&options::REDIS_FOR)
            ))),
        };
    };
    let url =
        url.parse().map_err(|error| Error::config(format_args!("{}: {error}", layers.label(&options::REDIS_URL))))?;
    Ok(Some(Redis { url, purpose: purpose.unwrap_or_default() }))
}
