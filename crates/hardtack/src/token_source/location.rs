//! Where a request may carry its token.

use std::fmt;
use std::str::FromStr;

/// A part of a request that may carry a token (`JWT_TOKEN_LOCATION`).
///
/// Only a cookie travels without the client's doing. CSRF protection, the origin check, unset cookies and
/// redirects are for tokens out of cookies; whoever sends a token in another way has put it there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenLocation {
    /// A header field: `Authorization: Bearer …` unless set otherwise.
    Headers,
    /// The access or the refresh cookie.
    Cookies,
    /// A parameter of the query. Queries end up in logs, in histories and in `Referer` fields.
    QueryString,
    /// A member of a JSON body.
    Json,
}

impl TokenLocation {
    const ALL: [Self; 4] = [Self::Headers, Self::Cookies, Self::QueryString, Self::Json];

    /// The name in Flask-JWT-Extended: `headers`, `cookies`, `query_string` or `json`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Headers => "headers",
            Self::Cookies => "cookies",
            Self::QueryString => "query_string",
            Self::Json => "json",
        }
    }
}

impl fmt::Display for TokenLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that is no location.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected headers, cookies, query_string or json")]
pub struct UnknownLocation;

impl FromStr for TokenLocation {
    type Err = UnknownLocation;

    fn from_str(name: &str) -> Result<Self, UnknownLocation> {
        Self::ALL.into_iter().find(|location| location.as_str() == name).ok_or(UnknownLocation)
    }
}

/// Locations in order of precedence, each at most once: the first that holds a token decides.
///
/// ```
/// use hardtack::TokenLocation::{Cookies, Headers};
/// use hardtack::token_source::Locations;
///
/// let locations = Locations::from([Headers, Cookies, Headers]);
/// assert_eq!(locations.iter().collect::<Vec<_>>(), [Headers, Cookies]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Locations([Option<TokenLocation>; 4]);

impl Locations {
    /// Nowhere.
    pub(crate) const NONE: Self = Self([None; 4]);

    /// Cookies and nothing else.
    pub const COOKIES: Self = Self([Some(TokenLocation::Cookies), None, None, None]);

    /// The locations, in order.
    pub fn iter(self) -> impl Iterator<Item = TokenLocation> {
        self.0.into_iter().flatten()
    }

    /// Whether this is one of them.
    pub fn contains(self, location: TokenLocation) -> bool {
        self.0.contains(&Some(location))
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(self) -> bool {
        // Filled from the front.
        matches!(self.0, [None, ..])
    }

    /// Whether it is cookies and nothing else.
    #[inline]
    pub(crate) fn is_only_cookies(self) -> bool {
        matches!(self.0, [Some(TokenLocation::Cookies), None, ..])
    }
}

impl FromIterator<TokenLocation> for Locations {
    fn from_iter<I: IntoIterator<Item = TokenLocation>>(locations: I) -> Self {
        let mut all = Self::default();
        for location in locations {
            if let (false, Some(free)) = (all.contains(location), all.0.iter_mut().find(|slot| slot.is_none())) {
                *free = Some(location);
            }
        }
        all
    }
}

impl<const N: usize> From<[TokenLocation; N]> for Locations {
    fn from(locations: [TokenLocation; N]) -> Self {
        locations.into_iter().collect()
    }
}

impl From<TokenLocation> for Locations {
    fn from(location: TokenLocation) -> Self {
        [location].into()
    }
}
