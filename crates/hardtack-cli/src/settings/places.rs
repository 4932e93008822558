//! Where requests carry their tokens.

use hardtack::Builder;
use hardtack::TokenLocation;
use hardtack::location::Locations;

use super::given::Layers;
use super::options;
use crate::error::Error;

/// The locations, and what they are called.
pub(super) struct Places {
    locations: Locations,
    /// Names with the setters that they go to.
    names: [(String, Set); 6],
}

type Set = fn(Builder, String) -> Builder;

impl Places {
    pub(super) fn apply(&self, builder: Builder) -> Builder {
        let builder = builder.token_locations(self.locations);
        self.names.iter().fold(builder, |builder, (name, set)| set(builder, name.clone()))
    }
}

/// Reads `JWT_TOKEN_LOCATION` and the names that go with it. Cookies are always among the locations: the site's
/// own pages have nothing else.
pub(super) fn read(layers: &Layers) -> Result<Places, Error> {
    let expected =
        "cookies, alone or in a list with headers, query_string and json, as the site's pages live by cookies";
    let locations = layers.read(&options::TOKEN_LOCATION, expected, |text| {
        let names = text.split(',').map(str::trim);
        let locations = names.map(|name| name.parse::<TokenLocation>().ok()).collect::<Option<Locations>>()?;
        locations.contains(TokenLocation::Cookies).then_some(locations)
    })?;
    let text = |opt| layers.text(opt).unwrap_or_default().to_owned();
    Ok(Places {
        locations: locations.unwrap_or(Locations::COOKIES),
        names: [
            (text(&options::HEADER_NAME), Builder::token_header),
            (text(&options::HEADER_TYPE), Builder::token_header_type),
            (text(&options::QUERY_STRING_NAME), Builder::query_name),
            (text(&options::QUERY_STRING_VALUE_PREFIX), Builder::query_value_prefix),
            (text(&options::JSON_KEY), Builder::json_key),
            (text(&options::REFRESH_JSON_KEY), Builder::refresh_json_key),
        ],
    })
}
