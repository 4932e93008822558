//! The parts of a request that are searched for tokens, and the names of the header, query parameter and JSON members
//! that carry tokens.

use super::{Locations, TokenLocation};
use crate::error::ConfigError;
use crate::request::is_token;

/// The parts of a request that are searched for tokens, and the names of the header, query parameter and JSON members
/// that carry tokens.
///
/// By default, Hardtack looks for tokens only in cookies. The default names are those of Flask-JWT-Extended.
///
/// ```
/// use hardtack::TokenLocation::{Cookies, Headers};
/// use hardtack::token_source::TokenSources;
///
/// let sources = TokenSources::from([Headers, Cookies]).header_name("X-Auth");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "token sources do nothing until they are passed to AuthenticatorBuilder::token_sources"]
pub struct TokenSources {
    pub(crate) locations: Locations,
    /// Locations that individual routes search in addition to `locations`.
    pub(crate) route_locations: Locations,
    /// The header's name, spelled as in responses.
    pub(crate) header_name: String,
    /// The header's name in lower case, for look-ups.
    pub(crate) header_lower: String,
    /// The scheme before the token, or an empty string if the header contains only the token.
    pub(crate) header_type: String,
    /// Whether to search for tokens as Flask-JWT-Extended does. If so, the scheme must be spelled exactly like
    /// `header_type`, and if the query parameter occurs more than once, the first value is used.
    pub(crate) flask: bool,
    pub(crate) query_name: String,
    pub(crate) query_prefix: String,
    pub(crate) json_key: String,
    pub(crate) refresh_json_key: String,
}

impl Default for TokenSources {
    fn default() -> Self {
        Self {
            locations: Locations::COOKIES,
            route_locations: Locations::default(),
            header_name: "Authorization".into(),
            header_lower: "authorization".into(),
            header_type: "Bearer".into(),
            flask: false,
            query_name: "jwt".into(),
            query_prefix: String::new(),
            json_key: "access_token".into(),
            refresh_json_key: "refresh_token".into(),
        }
    }
}

impl<L: Into<Locations>> From<L> for TokenSources {
    fn from(locations: L) -> Self {
        Self::default().locations(locations)
    }
}

impl TokenSources {
    /// Sets the locations that are searched for a token, in order of precedence (`JWT_TOKEN_LOCATION`). Default:
    /// cookies.
    pub fn locations(mut self, locations: impl Into<Locations>) -> Self {
        self.locations = locations.into();
        self
    }

    /// Declares additional locations that only individual routes search (see
    /// [`Need::locations`](crate::Need::locations)).
    ///
    /// You need this setting only if a route searches JSON bodies for tokens ([`TokenLocation::Json`]). The adapter
    /// then reads JSON bodies, by default up to 64 KiB, before the handler runs. Headers, cookies and the query can be
    /// searched without this setting.
    pub fn route_locations(mut self, locations: impl Into<Locations>) -> Self {
        self.route_locations = locations.into();
        self
    }

    /// Sets the header that carries a token (`JWT_HEADER_NAME`). Default: `Authorization`.
    pub fn header_name(mut self, name: impl Into<String>) -> Self {
        self.header_name = name.into();
        self
    }

    /// Sets the scheme, which is the word before the token in the header (`JWT_HEADER_TYPE`). Default: `Bearer`. If the
    /// scheme is empty, the header contains only the token. The case of the scheme does not matter (RFC 9110 section
    /// 11.1), except with [`flask_compatible`](crate::AuthenticatorBuilder::flask_compatible).
    pub fn header_type(mut self, word: impl Into<String>) -> Self {
        self.header_type = word.into();
        self
    }

    /// Sets the query parameter that carries a token (`JWT_QUERY_STRING_NAME`). Default: `jwt`.
    pub fn query_name(mut self, name: impl Into<String>) -> Self {
        self.query_name = name.into();
        self
    }

    /// Sets the text that precedes the token in the query parameter (`JWT_QUERY_STRING_VALUE_PREFIX`). Default: none.
    pub fn query_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.query_prefix = prefix.into();
        self
    }

    /// Sets the JSON member that carries an access token (`JWT_JSON_KEY`). Default: `access_token`.
    pub fn json_key(mut self, name: impl Into<String>) -> Self {
        self.json_key = name.into();
        self
    }

    /// Sets the JSON member that carries a refresh token (`JWT_REFRESH_JSON_KEY`). Default: `refresh_token`.
    pub fn refresh_json_key(mut self, name: impl Into<String>) -> Self {
        self.refresh_json_key = name.into();
        self
    }

    /// Returns whether a route may take tokens from this location.
    #[inline]
    pub(crate) fn may_be_in(&self, location: TokenLocation) -> bool {
        if self.locations.is_only_cookies() && self.route_locations.is_empty() {
            return location == TokenLocation::Cookies;
        }
        self.locations.contains(location) || self.route_locations.contains(location)
    }

    /// Checks the locations and names, and stores the header's name in lower case for look-ups.
    pub(crate) fn check(&mut self, flask: bool) -> Result<(), ConfigError> {
        self.flask = flask;
        if self.locations.is_empty() {
            return Err(ConfigError::NoTokenLocation);
        }
        self.header_lower = self.header_name.to_ascii_lowercase();
        let bad = |what, name: &str| Err(ConfigError::BadTokenPlace { what, name: name.to_owned() });
        if !is_token(&self.header_name) {
            return bad("name of the token header", &self.header_name);
        }
        if !self.header_type.is_empty() && !is_token(&self.header_type) {
            return bad("scheme before the token in the header", &self.header_type);
        }
        let named = [
            ("name of the query parameter for tokens", &self.query_name),
            ("name of the JSON member for access tokens", &self.json_key),
            ("name of the JSON member for refresh tokens", &self.refresh_json_key),
        ];
        match named.into_iter().find(|(_, name)| name.is_empty()) {
            Some((what, name)) => bad(what, name),
            None => Ok(()),
        }
    }
}
