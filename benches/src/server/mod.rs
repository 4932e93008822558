//! Servers with one route and one kind of authentication. Each server runs in a process of its own, so that its memory
//! and CPU time can be measured.

mod actix;
mod axum;
mod process;

pub(crate) use process::Server;

use std::io::Read;
use std::net::SocketAddr;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::Failed;

/// The framework and the authentication of the route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Auth {
    /// axum without authentication.
    AxumNone,
    /// axum with Hardtack's layer and extractor.
    AxumHardtack,
    /// axum with Hardtack, with the cache of verified tokens turned off.
    AxumHardtackUncached,
    /// axum with a cookie jar and a general JWT crate.
    AxumByHand,
    /// axum with axum-login.
    AxumLogin,
    /// The older axum that jwt-authorizer supports, without authentication.
    OlderAxumNone,
    /// The older axum with jwt-authorizer.
    JwtAuthorizer,
    /// actix-web without authentication.
    ActixNone,
    /// actix-web with Hardtack's layer and extractor.
    ActixHardtack,
    /// actix-web with actix-session.
    ActixSession,
}

/// The line of JSON that a server prints to stdout when it listens.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Greeting {
    pub(crate) address: SocketAddr,
    /// The `Cookie` field of a logged-in user. If it is `None`, a request to `/login` sets the cookies.
    pub(crate) cookie: Option<String>,
}

impl Greeting {
    fn say(address: SocketAddr, cookie: Option<String>) -> Result<(), Failed> {
        println!("{}", serde_json::to_string(&Self { address, cookie })?);
        Ok(())
    }
}

/// Serves requests until stdin is closed. When the parent process ends, stdin is closed as well.
pub(crate) fn serve(auth: Auth) -> Result<(), Failed> {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    match auth {
        Auth::ActixNone | Auth::ActixHardtack | Auth::ActixSession => actix::serve(auth),
        _ => axum::serve(auth),
    }
}
