//! The options of Flask-JWT-Extended that are not safer one way than another, and its defaults.

use std::time::Duration;

use super::Builder;
use crate::config::{Lifetime, RefreshMode};
use crate::cookie::{CookiePrefix, SameSite};
use crate::location::{Locations, TokenLocation};

/// Generates the setters of text options.
macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident => $($field:ident).+),* $(,)?) => {$(
        $(#[$doc])*
        pub fn $name(mut self, value: impl Into<String>) -> Self {
            self.settings.$($field).+ = value.into();
            self
        }
    )*};
}

impl Builder {
    /// Where requests carry their tokens, in order of precedence; cookies unless set (`JWT_TOKEN_LOCATION`).
    ///
    /// ```
    /// # use hardtack::{Authenticator, KeySet, SigningKey, jwt::Algorithm};
    /// use hardtack::TokenLocation::{Cookies, Headers};
    /// # let keys = KeySet::new(SigningKey::generate(Algorithm::HS256)?);
    /// let auth = Authenticator::builder(keys).token_locations([Headers, Cookies]).build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn token_locations(mut self, locations: impl Into<Locations>) -> Self {
        self.settings.locations = locations.into();
        self
    }

    /// Locations that single routes ask for besides ([`crate::Need::locations`]). Only JSON has to be announced:
    /// its bodies are then read ahead of the handler, up to 64 KiB.
    pub fn route_locations(mut self, locations: impl Into<Locations>) -> Self {
        self.settings.route_locations = locations.into();
        self
    }

    texts! {
        /// The header field that carries a token; `Authorization` unless set (`JWT_HEADER_NAME`).
        token_header => places.header_name,
        /// The word before the token there; `Bearer` unless set, and empty for none (`JWT_HEADER_TYPE`).
        token_header_type => places.header_type,
        /// The query's parameter that carries a token; `jwt` unless set (`JWT_QUERY_STRING_NAME`).
        query_name => places.query_name,
        /// What stands before the token there; nothing unless set (`JWT_QUERY_STRING_VALUE_PREFIX`).
        query_value_prefix => places.query_prefix,
        /// The JSON member that carries an access token; `access_token` unless set (`JWT_JSON_KEY`).
        json_key => places.json_key,
        /// The JSON member that carries a refresh token; `refresh_token` unless set (`JWT_REFRESH_JSON_KEY`).
        refresh_json_key => places.refresh_json_key,
        /// The claim that says whose token it is; `sub` unless set (`JWT_IDENTITY_CLAIM`).
        identity_claim => identity_claim,
        /// The JSON member of a failure's reply that holds its sentence; `msg` unless set
        /// (`JWT_ERROR_MESSAGE_KEY`).
        error_message_key => error_key,
        /// The header with the access token's CSRF value (`JWT_ACCESS_CSRF_HEADER_NAME`).
        access_csrf_header => csrf.access.header,
        /// The header with the refresh token's CSRF value (`JWT_REFRESH_CSRF_HEADER_NAME`).
        refresh_csrf_header => csrf.refresh.header,
        /// The form field with the access token's CSRF value (`JWT_ACCESS_CSRF_FIELD_NAME`).
        access_csrf_field => csrf.access.field,
        /// The form field with the refresh token's CSRF value (`JWT_REFRESH_CSRF_FIELD_NAME`).
        refresh_csrf_field => csrf.refresh.field,
    }

    /// Takes identities that are no text: numbers, lists, objects (`JWT_VERIFY_SUB = False`).
    /// [`crate::VerifiedToken::subject`] is then their JSON, in which the number 5 looks like the text "5".
    pub fn insecure_any_identity(mut self) -> Self {
        self.settings.verify_sub = false;
        self
    }

    /// Whether tokens say from when they are valid; yes unless set (`JWT_ENCODE_NBF`).
    pub fn encode_nbf(mut self, write: bool) -> Self {
        self.settings.encode_nbf = write;
        self
    }

    /// The `aud` that is written (`JWT_ENCODE_AUDIENCE`), where it is another than what is asked for.
    pub fn encode_audience<A: Into<String>>(mut self, audience: impl IntoIterator<Item = A>) -> Self {
        self.settings.encode_audience = audience.into_iter().map(Into::into).collect();
        self
    }

    /// The names of which a token's `aud` must hold one (`JWT_DECODE_AUDIENCE`).
    pub fn decode_audience<A: Into<String>>(mut self, audience: impl IntoIterator<Item = A>) -> Self {
        self.settings.decode_audience = audience.into_iter().map(Into::into).collect();
        self
    }

    /// The `iss` that is written (`JWT_ENCODE_ISSUER`), where it is another than what is asked for.
    pub fn encode_issuer(mut self, issuer: impl Into<String>) -> Self {
        self.settings.encode_issuer = Some(issuer.into());
        self
    }

    /// The names of which a token's `iss` must be one (`JWT_DECODE_ISSUER`).
    pub fn decode_issuers<I: Into<String>>(mut self, issuers: impl IntoIterator<Item = I>) -> Self {
        self.settings.decode_issuers = issuers.into_iter().map(Into::into).collect();
        self
    }

    /// Asks for the CSRF value with these methods only (`JWT_CSRF_METHODS`), and no more with every method that
    /// changes something: other sites can send the rest in a user's name, as far as SameSite and the origin
    /// check let them.
    pub fn insecure_csrf_methods<M: Into<String>>(mut self, methods: impl IntoIterator<Item = M>) -> Self {
        self.settings.csrf.methods = Some(methods.into_iter().map(Into::into).collect());
        self
    }

    /// Lets OPTIONS through without a token, as browsers ask before requests of other origins. An extractor
    /// that needs a token still refuses; [`crate::Exchange::token`] answers none.
    pub fn exempt_options(mut self) -> Self {
        self.settings.exempt_options = true;
        self
    }

    /// Flask-JWT-Extended's defaults and manner, for a service that has to answer as one of its applications
    /// does. Settings made after this one still apply.
    ///
    /// What this weakens: tokens are looked for in header fields; cookies are not Secure, have no SameSite and no
    /// name prefix, and forms' CSRF fields are not read; the origin of a request is not checked where a token is
    /// verified, and CSRF values are asked for with POST, PUT, PATCH and DELETE only; refused cookies are not
    /// unset; tokens without `exp`, `iat`, `jti` or `type` pass, and any `aud` does where none is expected;
    /// refresh tokens live 30 days and never rotate by themselves; OPTIONS needs no token; the claims given to a
    /// token may replace any other. Signatures, algorithms, key ids, duplicate members and cookies, `crit`, lengths
    /// and the strength of keys are judged as ever.
    pub fn flask_compatible(mut self) -> Self {
        let settings = &mut self.settings;
        settings.flask = true;
        settings.exempt_options = true;
        settings.locations = TokenLocation::Headers.into();
        // Any of its routes may ask for any location.
        settings.route_locations = TokenLocation::Json.into();
        settings.refresh = RefreshMode::Off;
        settings.access_lifetime = Lifetime::For(Duration::from_secs(15 * 60));
        settings.refresh_lifetime = Lifetime::For(Duration::from_secs(30 * 24 * 60 * 60));
        settings.csrf.check_form = false;
        settings.csrf.methods = Some(["POST", "PUT", "PATCH", "DELETE"].map(str::to_owned).to_vec());
        self.cookies =
            self.cookies.secure(false).same_site(SameSite::InsecureUnset).prefix(CookiePrefix::None).session_cookies(true);
        self
    }
}
