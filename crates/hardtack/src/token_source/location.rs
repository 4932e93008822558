//! Where a request may carry its token.

use std::fmt;
use std::str::FromStr;

/// A part of a request that may carry a token (`JWT_TOKEN_LOCATION`).
///
/// Only tokens in cookies need the CSRF and origin checks, because browsers add cookies even to requests that come from
/// another site's page. That page does not know the user's token, so it cannot put the token anywhere else in the
/// request. A refusal redirects the browser or deletes cookies only if the token was in a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenLocation {
    /// A header, by default `Authorization: Bearer …`.
    Headers,
    /// The access cookie or the refresh cookie.
    Cookies,
    /// A query parameter. Queries end up in logs, in browser histories and in `Referer` headers.
    QueryString,
    /// A member of a JSON body.
    Json,
}

impl TokenLocation {
    const ALL: [Self; 4] = [Self::Headers, Self::Cookies, Self::QueryString, Self::Json];

    /// Returns the location's name in Flask-JWT-Extended: `headers`, `cookies`, `query_string` or `json`.
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

/// The error that is returned if a text is not the name of a token location.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown token location; expected headers, cookies, query_string or json")]
pub struct UnknownLocation;

impl FromStr for TokenLocation {
    type Err = UnknownLocation;

    fn from_str(name: &str) -> Result<Self, UnknownLocation> {
        Self::ALL.into_iter().find(|location| location.as_str() == name).ok_or(UnknownLocation)
    }
}

/// Locations in order of precedence, each at most once. The first location that contains a token is used.
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
    /// No location.
    pub(crate) const NONE: Self = Self([None; 4]);

    /// Cookies only.
    pub const COOKIES: Self = Self([Some(TokenLocation::Cookies), None, None, None]);

    /// Returns the locations, in order.
    pub fn iter(self) -> impl Iterator<Item = TokenLocation> {
        self.0.into_iter().flatten()
    }

    /// Returns whether `location` is one of these locations.
    pub fn contains(self, location: TokenLocation) -> bool {
        self.0.contains(&Some(location))
    }

    /// Returns `true` if there are no locations.
    #[inline]
    pub fn is_empty(self) -> bool {
        // Look only at the first element, because the array is filled from the beginning.
        matches!(self.0, [None, ..])
    }

    /// Returns whether cookies are the only location.
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
