//! The command line.

use clap::{Parser, Subcommand};

use crate::run::Plan;
use crate::server::Auth;

/// Measures what Hardtack costs, beside other crates, in one run. Leave the machine alone meanwhile.
#[derive(Parser)]
#[command(name = "hardtack-bench", version)]
pub(crate) struct Options {
    /// Print JSON instead of Markdown.
    #[arg(long)]
    pub(crate) json: bool,
    /// Few short rounds: a first look, not figures to quote.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Only these parts: verify, request, asymmetric, login, router, allocations, http, logins, cores.
    #[arg(long, value_delimiter = ',', value_name = "PART")]
    pub(crate) only: Vec<String>,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What the program starts itself for.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Serve one route behind an authentication, until the standard input ends.
    #[command(hide = true)]
    Serve {
        #[arg(long, value_enum)]
        auth: Auth,
    },
}

impl Options {
    pub(crate) const fn plan(&self) -> Plan {
        if self.quick { Plan::quick() } else { Plan::full() }
    }
}
