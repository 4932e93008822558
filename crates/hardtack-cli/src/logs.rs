//! The log, on the standard error.

use std::io::{self, IsTerminal};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{EnvFilter, FilterExt, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use crate::error::Error;

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Starts the log. `RUST_LOG` says what is in it; `info` unless set.
pub(crate) fn init(format: LogFormat) -> Result<(), Error> {
    let filter = match std::env::var("RUST_LOG") {
        Ok(text) => EnvFilter::try_new(&text).map_err(|_| {
            let expected = "expected a level (error, warn, info, debug, trace) or a list such as info,hardtack=debug";
            Error::config(format_args!("RUST_LOG is {text:?}; {expected}"))
        })?,
        Err(_) => EnvFilter::new("info"),
    };
    let layer = match format {
        LogFormat::Text => fmt::layer().with_writer(io::stderr).with_ansi(io::stderr().is_terminal()).boxed(),
        LogFormat::Json => fmt::layer().json().flatten_event(true).with_writer(io::stderr).boxed(),
    };
    let started = tracing_subscriber::registry().with(layer.with_filter(filter.and(without_wire_logs()))).try_init();
    started.map_err(|error| Error::runtime(format_args!("the log cannot be started: {error}")))
}

/// What speaks HTTP, SQL and to Redis below us may log what it carries, tokens and passwords among it, at its
/// chattiest (ASVS 5.0 V16.2.5). It is never asked to.
fn without_wire_logs() -> Targets {
    ["h2", "hyper", "hyper_util", "redis", "sqlx", "axum"]
        .into_iter()
        .fold(Targets::new().with_default(LevelFilter::TRACE), |targets, target| {
            targets.with_target(target, LevelFilter::DEBUG)
        })
}
