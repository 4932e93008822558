//! Where in a request the server accepts tokens.

use hardtack::TokenLocation;
use hardtack::token_source::Locations;

use super::settings::{
    HEADER_NAME, HEADER_TYPE, JSON_KEY, QUERY_STRING_NAME, QUERY_STRING_VALUE_PREFIX, TOKEN_LOCATION,
};
use super::sources::Sources;
use crate::error::Error;
use hardtack::token_source::TokenSources;

/// Reads `JWT_TOKEN_LOCATION` and the related settings. The locations must include cookies, because the site's own
/// pages need them.
pub(super) fn read(sources: &Sources) -> Result<TokenSources, Error> {
    let expected = "cookies, alone or with headers, query_string or json, because the site's pages need cookies";
    let locations = sources.parse_required(&TOKEN_LOCATION, expected, |text| {
        let names = text.split(',').map(str::trim);
        let locations = names.map(|name| name.parse::<TokenLocation>().ok()).collect::<Option<Locations>>()?;
        locations.contains(TokenLocation::Cookies).then_some(locations)
    })?;
    Ok(TokenSources::default()
        .locations(locations)
        .header_name(sources.text_or_empty(&HEADER_NAME))
        .header_type(sources.text_or_empty(&HEADER_TYPE))
        .query_name(sources.text_or_empty(&QUERY_STRING_NAME))
        .query_prefix(sources.text_or_empty(&QUERY_STRING_VALUE_PREFIX))
        .json_key(sources.text_or_empty(&JSON_KEY)))
}
