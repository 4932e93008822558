//! Groups of the authenticator's settings.

use std::time::Duration;

use hardtack::Builder;
use hardtack::location::Locations;

/// Declares a group of setters of [`Builder`].
macro_rules! policy {
    ($name:ident { $($setter:ident($type:ty) => $set:ident;)* }) => {
        #[derive(Default)]
        pub(super) struct $name(Vec<Box<dyn Fn(Builder) -> Builder>>);

        impl $name {
            $(pub(super) fn $setter(mut self, value: $type) -> Self {
                self.0.push(Box::new(move |builder| builder.$set(value.clone())));
                self
            })*

            pub(super) fn apply(&self, builder: Builder) -> Builder {
                self.0.iter().fold(builder, |builder, set| set(builder))
            }
        }
    };
}

policy! {
    ClaimsPolicy {
        leeway(Duration) => leeway;
        issuer(String) => issuer;
        audience(String) => audience;
        identity_claim(String) => identity_claim;
        encode_nbf(bool) => encode_nbf;
    }
}

policy! {
    SessionPolicy {
        absolute_lifetime(Duration) => session_lifetime;
        max_staleness(Duration) => max_staleness;
    }
}

policy! {
    TokenSources {
        locations(Locations) => token_locations;
        header_name(String) => token_header;
        header_type(String) => token_header_type;
        query_name(String) => query_name;
        query_prefix(String) => query_value_prefix;
        json_key(String) => json_key;
        refresh_json_key(String) => refresh_json_key;
    }
}

policy! {
    CsrfPolicy {
        header(String) => csrf_header;
    }
}

impl CsrfPolicy {
    pub(super) fn insecure_disabled(mut self) -> Self {
        self.0.push(Box::new(Builder::insecure_without_csrf));
        self
    }
}
