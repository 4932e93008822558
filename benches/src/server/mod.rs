//! Servers: one route behind each kind of authentication, in a process of their own so that their
//! memory and processor time are theirs alone.

mod actix;
mod axum;
mod process;
mod site;

pub(crate) use process::Server;

use std::io::Read;
use std::net::SocketAddr;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::Failed;

/// What guards the route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Auth {
    /// axum, nothing.
    AxumNone,
    /// axum with Hardtack's layer and extractor.
    AxumHardtack,
    /// axum with Hardtack, its cache of verified tokens turned off.
    AxumHardtackUncached,
    /// axum with a cookie jar and a general JWT crate.
    AxumByHand,
    /// axum with axum-login.
    AxumLogin,
    /// The older axum that jwt-authorizer is for, nothing.
    OlderAxumNone,
    /// That axum with jwt-authorizer.
    JwtAuthorizer,
    /// actix-web, nothing.
    ActixNone,
    /// actix-web with Hardtack's layer and extractor.
    ActixHardtack,
    /// actix-web with actix-session.
    ActixSession,
    /// The ready site on two workers, with one more route that asks for nothing.
    Site,
}

/// What a server says once it listens, in one line of JSON on its standard output.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Greeting {
    pub(crate) address: SocketAddr,
    /// The `Cookie` field of someone who is logged in; where there is none, `/login` hands it out.
    pub(crate) cookie: Option<String>,
}

impl Greeting {
    fn say(address: SocketAddr, cookie: Option<String>) -> Result<(), Failed> {
        println!("{}", serde_json::to_string(&Self { address, cookie })?);
        Ok(())
    }
}

/// Serves until the standard input is closed, which the end of the parent does too.
pub(crate) fn serve(auth: Auth) -> Result<(), Failed> {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    match auth {
        Auth::ActixNone | Auth::ActixHardtack | Auth::ActixSession => actix::serve(auth),
        Auth::Site => site::serve(),
        _ => axum::serve(auth),
    }
}
