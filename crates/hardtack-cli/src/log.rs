//! The log, on standard error.

use std::io::{self, IsTerminal};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{EnvFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use crate::error::Error;

/// The format of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// One line of plain text per entry.
    Text,
    /// One JSON object per entry, each on a line of its own.
    Json,
}

impl LogFormat {
    /// Parses the value of the setting that selects the log format.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match name {
            "text" => Some(Self::Text),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

/// The default log filter. The HTTP crates log a line whenever a client breaks the protocol, so any client could flood
/// the log. For this reason, the default filter lets only errors from these crates through.
const DEFAULT: &str = "info,h2=error,hyper=error,hyper_util=error";

/// Starts the log. `RUST_LOG` sets the filter. If `RUST_LOG` is not set, the filter is [`DEFAULT`].
pub(crate) fn init(format: LogFormat) -> Result<(), Error> {
    let filter = match std::env::var("RUST_LOG") {
        Ok(text) => EnvFilter::try_new(&text).map_err(|_| {
            let expected = "expected a level (error, warn, info, debug, trace) or a list such as info,hardtack=debug";
            Error::config(format_args!("RUST_LOG is {text:?}; {expected}"))
        })?,
        Err(_) => EnvFilter::new(DEFAULT),
    };
    let layer = match format {
        LogFormat::Text => fmt::layer().with_writer(io::stderr).with_ansi(io::stderr().is_terminal()).boxed(),
        LogFormat::Json => fmt::layer().json().flatten_event(true).with_writer(io::stderr).boxed(),
    };
    // The filters apply to all layers. If a filter applied to only one layer, events could be lost when another crate
    // asks whether a level is enabled, as sqlx does for each query.
    let started = tracing_subscriber::registry().with(layer).with(filter).with(without_traffic()).try_init();
    started.map_err(|error| Error::runtime(format_args!("the log cannot be started: {error}")))
}

/// Turns off trace-level logging for the crates that speak HTTP, SQL and Redis, no matter what `RUST_LOG` says. At that
/// level, these crates might log their traffic, including tokens and passwords (ASVS 5.0 V16.2.5).
fn without_traffic() -> Targets {
    ["h2", "hyper", "hyper_util", "redis", "sqlx", "axum"]
        .into_iter()
        .fold(Targets::new().with_default(LevelFilter::TRACE), |targets, target| {
            targets.with_target(target, LevelFilter::DEBUG)
        })
}
