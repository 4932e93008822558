//! What a request says about its client.

use std::fmt;

use super::Exchange;
use crate::authenticator::Authenticator;
use crate::client_address::ClientAddress;
use crate::cookie::CookieName;
use crate::event::cut_user_agent;

/// What a request says about its client: the address, the user agent and the cookies. The type is the same in every
/// adapter.
///
/// An adapter's `Auth::client_info` returns a value of this type. Library functions such as
/// `hardtack_accounts::Accounts::verify_password` take it as an argument, for example to count attempts by the client's
/// address or to record which client made a change.
///
/// ```
/// use hardtack::ClientInfo;
///
/// # fn test(auth: &hardtack::Authenticator) -> Result<(), std::net::AddrParseError> {
/// // In a test, or for a protocol other than HTTP:
/// let client = ClientInfo::new(auth).with_address("192.0.2.7".parse::<std::net::IpAddr>()?);
/// assert_eq!(client.address().map(|address| address.to_string()).as_deref(), Some("192.0.2.7"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ClientInfo {
    authenticator: Authenticator,
    address: Option<ClientAddress>,
    user_agent: Option<String>,
    cookie_fields: Vec<Vec<u8>>,
}

impl ClientInfo {
    /// Describes a client that has no address, no user agent and no cookies.
    pub fn new(authenticator: &Authenticator) -> Self {
        let authenticator = authenticator.clone();
        Self { authenticator, address: None, user_agent: None, cookie_fields: Vec::new() }
    }

    /// Sets the client's address.
    #[must_use]
    pub fn with_address(self, address: impl Into<ClientAddress>) -> Self {
        Self { address: Some(address.into()), ..self }
    }

    /// Sets the user agent, truncated to 256 bytes.
    #[must_use]
    pub fn with_user_agent(self, agent: &str) -> Self {
        Self { user_agent: Some(cut_user_agent(agent).to_owned()), ..self }
    }

    /// Returns the authenticator that handles the request.
    pub const fn authenticator(&self) -> &Authenticator {
        &self.authenticator
    }

    /// Returns the client's address, or `None` if the server does not know it.
    pub const fn address(&self) -> Option<ClientAddress> {
        self.address
    }

    /// Returns the user agent, truncated to 256 bytes. Returns `None` if the request has no `User-Agent` field, or if
    /// the field is not UTF-8.
    pub fn user_agent(&self) -> Option<&str> {
        self.user_agent.as_deref()
    }

    /// Returns the cookie's value. Returns `None` if the request has no cookie with this name, or has several. If there
    /// are several, an attacker on a sibling domain might have added one of them.
    pub fn cookie(&self, name: &CookieName) -> Option<&[u8]> {
        name.find_in(self.cookie_fields.iter().map(Vec::as_slice)).ok().flatten()
    }
}

/// Omits the cookies, which contain credentials.
impl fmt::Debug for ClientInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientInfo")
            .field("address", &self.address)
            .field("user_agent", &self.user_agent)
            .finish_non_exhaustive()
    }
}

impl Exchange<'_> {
    /// Returns what the request says about its client.
    pub fn client_info(&self) -> ClientInfo {
        ClientInfo {
            authenticator: self.authenticator.clone(),
            address: self.client_address(),
            user_agent: self.head.header_text("user-agent").map(|agent| cut_user_agent(agent).to_owned()),
            cookie_fields: self.head.header_all("cookie").map(<[u8]>::to_vec).collect(),
        }
    }
}
