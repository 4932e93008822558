//! The extractor for the client's address.

use std::fmt;
use std::ops::Deref;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use hardtack::refusal::Reason;
use http::request::Parts;

use crate::request::{AuthState, Head};
use crate::respond::AuthError;

/// The client's address: the address of the socket's peer or, if the peer is a
/// [trusted proxy](hardtack::AuthenticatorBuilder::trusted_proxies), the address that the proxy reports.
///
/// The peer's address is known if you serve the application with [`serve`](fn@crate::serve). If you call `axum::serve`
/// instead, pass it `app.into_make_service_with_connect_info::<SocketAddr>()`.
///
/// If the address is not known, the request is refused with a 500 response, and the log says what to add to the
/// application. However, a handler that takes `Option<ClientAddress>` runs and gets `None`.
///
/// ```
/// use hardtack_axum::ClientAddress;
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

impl<S: Send + Sync> FromRequestParts<S> for ClientAddress {
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AuthError> {
        let (state, head) = (AuthState::for_verification(parts)?, Head::of(parts));
        let exchange = head.exchange(&state);
        exchange.client_address().map(Self).ok_or_else(|| {
            let advice = "the client's address is not known; call hardtack_axum::serve(listener, app), or pass \
                 app.into_make_service_with_connect_info::<SocketAddr>() to axum::serve";
            exchange.refuse(Reason::NotSetUp(advice.into())).into()
        })
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for ClientAddress {
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, AuthError> {
        let state = AuthState::for_verification(parts)?;
        Ok(Head::of(parts).exchange(&state).client_address().map(Self))
    }
}
