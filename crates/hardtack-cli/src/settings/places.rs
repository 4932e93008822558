//! Where requests carry their tokens.

use hardtack::TokenLocation;
use hardtack::token_source::{Locations, TokenSources};

use super::given::Layers;
use super::options;
use crate::error::Error;

/// Reads `JWT_TOKEN_LOCATION` and the names that go with it. Cookies are always among the locations: the site's
/// own pages have nothing else.
pub(super) fn read(layers: &Layers) -> Result<TokenSources, Error> {
    let expected =
        "cookies, alone or in a list with headers, query_string and json, as the site's pages live by cookies";
    let locations = layers.read(&options::TOKEN_LOCATION, expected, |text| {
        let names = text.split(',').map(str::trim);
        let locations = names.map(|name| name.parse::<TokenLocation>().ok()).collect::<Option<Locations>>()?;
        locations.contains(TokenLocation::Cookies).then_some(locations)
    })?;
    let text = |opt| layers.text(opt).unwrap_or_default().to_owned();
    Ok(TokenSources::from(locations.unwrap_or(Locations::COOKIES))
        .header_name(text(&options::HEADER_NAME))
        .header_type(text(&options::HEADER_TYPE))
        .query_name(text(&options::QUERY_STRING_NAME))
        .query_prefix(text(&options::QUERY_STRING_VALUE_PREFIX))
        .json_key(text(&options::JSON_KEY))
        .refresh_json_key(text(&options::REFRESH_JSON_KEY)))
}
