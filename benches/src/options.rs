//! The command-line options.

use clap::{Parser, Subcommand};

use crate::run::Plan;
use crate::server::Auth;

/// Compares the cost of Hardtack with that of other crates. Run nothing else on the machine while it runs.
#[derive(Parser)]
#[command(name = "hardtack-bench", version)]
pub(crate) struct Options {
    /// Print JSON instead of Markdown.
    #[arg(long)]
    pub(crate) json: bool,
    /// Run fewer and shorter rounds, for a first look. Do not quote these figures.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Measure only these parts: verify, request, asymmetric, login, router, allocations, http, logins, cores.
    #[arg(long, value_delimiter = ',', value_name = "PART")]
    pub(crate) only: Vec<String>,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// The subcommand with which the program starts itself as a server.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Serve one route with the given kind of authentication, until stdin is closed.
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
