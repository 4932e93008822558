//! Counts allocations. A separate program does this, because counting slows down each allocation.

use std::process::ExitCode;

use clap::Parser;
use serde::{Deserialize, Serialize};

use crate::Failed;
use crate::rows::router::Apps;

/// A function that calls its argument once and returns the number of allocations of this call.
pub type Counter = fn(&mut dyn FnMut()) -> u64;

/// Counts the allocations that authentication adds to a request.
#[derive(Parser)]
#[command(name = "hardtack-bench-allocations", version)]
struct Options {
    /// Fail if Hardtack adds more than this number of allocations to a request.
    #[arg(long, value_name = "COUNT")]
    at_most: Option<i64>,
}

/// How many allocations each crate adds to a request, compared with the route without authentication.
#[derive(Deserialize, Serialize)]
pub(crate) struct Counts {
    pub(crate) hardtack: i64,
    pub(crate) layered: i64,
    pub(crate) without_cache: i64,
    pub(crate) by_hand: i64,
    pub(crate) axum_login: i64,
    pub(crate) jwt_authorizer: i64,
}

/// Runs the program.
pub fn count_allocations(counter: Counter) -> ExitCode {
    let options = Options::parse();
    let counted = Counts::taken(counter).and_then(|counts| {
        println!("{}", serde_json::to_string(&counts)?);
        Ok(counts.hardtack)
    });
    match (counted, options.at_most) {
        (Ok(count), Some(limit)) if count > limit => {
            eprintln!(
                "hardtack-bench-allocations: Hardtack adds {count} allocations to a request; --at-most allows {limit}"
            );
            ExitCode::FAILURE
        }
        (Ok(_), _) => ExitCode::SUCCESS,
        (Err(error), _) => {
            eprintln!("hardtack-bench-allocations: {error}");
            ExitCode::FAILURE
        }
    }
}

impl Counts {
    fn taken(counter: Counter) -> Result<Self, Failed> {
        let mut apps = Apps::new()?;
        let none = settled(counter, || apps.none.make().is_some())?;
        let older_none = settled(counter, || apps.older_none.make().is_some())?;
        Ok(Self {
            hardtack: settled(counter, || apps.hardtack.make().is_some())? - none,
            layered: settled(counter, || apps.layered.make().is_some())? - none,
            without_cache: settled(counter, || apps.uncached.make().is_some())? - none,
            by_hand: settled(counter, || apps.by_hand.make().is_some())? - none,
            axum_login: settled(counter, || apps.axum_login.make().is_some())? - none,
            jwt_authorizer: settled(counter, || apps.jwt_authorizer.make().is_some())? - older_none,
        })
    }
}

/// Returns the number of allocations of one call, after 100 calls that fill caches.
fn settled(counter: Counter, mut call: impl FnMut() -> bool) -> Result<i64, Failed> {
    let mut good = (0..100).all(|_| call());
    let count = counter(&mut || good &= call());
    if good {
        Ok(i64::try_from(count)?)
    } else {
        Err("a request was refused, so the allocations cannot be compared".into())
    }
}
