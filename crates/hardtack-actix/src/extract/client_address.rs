//! The extractor for the client's address.

use std::fmt;
use std::future::{Ready, ready};
use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use hardtack::refusal::Reason;

use super::token::OptionalFromRequest;
use crate::request::{AuthState, Head};
use crate::respond::AuthError;

/// The client's address: the address of the socket's peer or, if the peer is a
/// [trusted proxy](hardtack::AuthenticatorBuilder::trusted_proxies), the address that the proxy reports.
///
/// If the server does not know the peer's address, for example on a Unix socket, the extractor rejects the request
/// with 500. `Optional<ClientAddress>` instead passes `None` to the handler.
///
/// ```
/// use hardtack_actix::ClientAddress;
///
/// async fn show(client: ClientAddress) -> String {
///     format!("You are {client}, counted as {}.", client.network())
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(hardtack::client_address::ClientAddress);

impl Deref for ClientAddress {
    type Target = hardtack::client_address::ClientAddress;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// Writes the IP address.
impl fmt::Display for ClientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl ClientAddress {
    fn extract(request: &HttpRequest) -> Result<Self, AuthError> {
        let (state, head) = (AuthState::for_verification(request)?, Head::of(request));
        let exchange = head.exchange(&state);
        exchange.client_address().map(Self).ok_or_else(|| {
            let advice = "the client's address is not known; listen on a TCP port, or extract Optional<ClientAddress>";
            state.refuse(exchange.refuse(Reason::NotSetUp(advice.into())))
        })
    }
}

impl FromRequest for ClientAddress {
    type Error = AuthError;
    type Future = Ready<Result<Self, AuthError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::extract(request))
    }
}

impl OptionalFromRequest for ClientAddress {
    async fn from_request_optional(request: &HttpRequest) -> Result<Option<Self>, AuthError> {
        let state = AuthState::for_verification(request)?;
        Ok(Head::of(request).exchange(&state).client_address().map(Self))
    }
}
