//! What a case needs to run: its own site, clients, tokens in every state, and a list of findings.
//!
//! A [`Case`] starts a [`Site`] with its own authenticator, clock and store. It sends requests to the site and compares
//! each response's [summary](summary::summary) with the expected one. Every difference becomes a
//! [finding](findings::Findings). The case continues after a finding, so one run shows all findings.

mod case;
mod connection;
mod cookie_states;
mod findings;
mod forms;
mod site;
mod summary;

pub(crate) use case::Case;
pub(crate) use connection::{RawConnection, RepeatedBody};
pub(crate) use cookie_states::{COOKIE_STATES, CookieState, Credentials, Outcome, Tokens, access_cookie, deletions};
pub(crate) use forms::{MULTIPART, URLENCODED, multipart_body};
pub(crate) use site::{
    ACCESS, ACCESS_LIFETIME, CSRF_ACCESS, HTTP, PRE_SESSION, REFRESH, Site, cookie_value, csrf_token,
};
pub(crate) use summary::RawResponse;
