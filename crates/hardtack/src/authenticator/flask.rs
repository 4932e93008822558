//! The options of Flask-JWT-Extended that are not safer one way than another, and its defaults.

use std::time::Duration;

use super::Builder;
use crate::config::{ConfigError, JwtOptions, Lifetime, RefreshMode};
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
    /// token may replace any other; a `kid` that no key has is not looked at. Signatures, algorithms, duplicate
    /// members and cookies, `crit`, lengths and the strength of keys are judged as ever.
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
        settings.csrf.empty_is_none = true;
        settings.csrf.methods = Some(["POST", "PUT", "PATCH", "DELETE"].map(str::to_owned).to_vec());
        self.cookies = self
            .cookies
            .secure(false)
            .same_site(SameSite::InsecureUnset)
            .prefix(CookiePrefix::None)
            .session_cookies(true);
        self
    }

    /// Settings by Flask-JWT-Extended's names. The keys go into [`crate::Authenticator::builder`].
    ///
    /// ```no_run
    /// use hardtack::{Authenticator, config::JwtOptions};
    /// let options = JwtOptions::from_env()?;
    /// let auth = Authenticator::builder(options.keys()?).flask_compatible().jwt_options(&options)?.build()?;
    /// # Ok::<(), hardtack::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// The first option with a value that it cannot have; outside of [`Self::flask_compatible`], also those that
    /// would take protection away without saying so.
    pub fn jwt_options(self, options: &JwtOptions) -> Result<Self, ConfigError> {
        self.token_options(options)?.cookie_options(options)?.csrf_options(options)
    }

    fn token_options(mut self, options: &JwtOptions) -> Result<Self, ConfigError> {
        let settings = &mut self.settings;
        if let Some(locations) = options.locations("JWT_TOKEN_LOCATION")? {
            settings.locations = locations;
        }
        if let Some(lifetime) = options.lifetime("JWT_ACCESS_TOKEN_EXPIRES")? {
            settings.access_lifetime = lifetime;
        }
        if let Some(lifetime) = options.lifetime("JWT_REFRESH_TOKEN_EXPIRES")? {
            settings.refresh_lifetime = lifetime;
        }
        if let Some(leeway) = options.seconds("JWT_DECODE_LEEWAY")? {
            settings.leeway = leeway;
        }
        let names = |option| options.list(option).map(|names| names.into_iter().map(str::to_owned).collect());
        for (setting, option) in [
            (&mut settings.encode_audience, "JWT_ENCODE_AUDIENCE"),
            (&mut settings.decode_audience, "JWT_DECODE_AUDIENCE"),
            (&mut settings.decode_issuers, "JWT_DECODE_ISSUER"),
        ] {
            if let Some(names) = names(option) {
                *setting = names;
            }
        }
        if let Some(issuer) = options.given("JWT_ENCODE_ISSUER") {
            settings.encode_issuer = Some(issuer.to_owned());
        }
        if let Some(write) = options.flag("JWT_ENCODE_NBF")? {
            settings.encode_nbf = write;
        }
        if let Some(verify) = options.flag("JWT_VERIFY_SUB")? {
            if !verify && settings.verify_sub && !settings.flask {
                return Err(options.refused("JWT_VERIFY_SUB", "true, unless Builder::insecure_any_identity was called"));
            }
            settings.verify_sub = verify;
        }
        for (setting, given) in [
            (&mut settings.identity_claim, options.identity_claim("JWT_IDENTITY_CLAIM")?),
            (&mut settings.error_key, options.name("JWT_ERROR_MESSAGE_KEY")?),
            (&mut settings.places.header_name, options.token("JWT_HEADER_NAME")?),
            (&mut settings.places.header_type, options.token_or_none("JWT_HEADER_TYPE")?),
            (&mut settings.places.query_name, options.name("JWT_QUERY_STRING_NAME")?),
            (&mut settings.places.query_prefix, options.text("JWT_QUERY_STRING_VALUE_PREFIX")),
            (&mut settings.places.json_key, options.name("JWT_JSON_KEY")?),
            (&mut settings.places.refresh_json_key, options.name("JWT_REFRESH_JSON_KEY")?),
        ] {
            if let Some(text) = given {
                text.clone_into(setting);
            }
        }
        Ok(self)
    }

    fn cookie_options(mut self, options: &JwtOptions) -> Result<Self, ConfigError> {
        let cookies = &mut self.cookies;
        for (setting, given) in [
            (&mut cookies.access_name, options.cookie_name("JWT_ACCESS_COOKIE_NAME")?),
            (&mut cookies.refresh_name, options.cookie_name("JWT_REFRESH_COOKIE_NAME")?),
            (&mut cookies.csrf_access_name, options.cookie_name("JWT_ACCESS_CSRF_COOKIE_NAME")?),
            (&mut cookies.csrf_refresh_name, options.cookie_name("JWT_REFRESH_CSRF_COOKIE_NAME")?),
            (&mut cookies.csrf_access_path, options.cookie_path("JWT_ACCESS_CSRF_COOKIE_PATH")?),
            (&mut cookies.csrf_refresh_path, options.cookie_path("JWT_REFRESH_CSRF_COOKIE_PATH")?),
        ] {
            if let Some(text) = given {
                text.clone_into(setting);
            }
        }
        if let Some(path) = options.cookie_path("JWT_ACCESS_COOKIE_PATH")? {
            cookies.access_paths = vec![path.to_owned()];
        }
        if let Some(path) = options.cookie_path("JWT_REFRESH_COOKIE_PATH")? {
            cookies.refresh_paths = Some(vec![path.to_owned()]);
        }
        if let Some(domain) = options.cookie_domain("JWT_COOKIE_DOMAIN")? {
            cookies.domain = Some(domain.to_owned());
        }
        if let Some(secure) = options.flag("JWT_COOKIE_SECURE")? {
            cookies.secure = Some(secure);
        }
        if let Some(same_site) = options.same_site("JWT_COOKIE_SAMESITE")? {
            cookies.same_site = same_site;
        }
        if let Some(session) = options.flag("JWT_SESSION_COOKIE")? {
            cookies.session_cookies = session;
        }
        if let Some(readable) = options.flag("JWT_CSRF_IN_COOKIES")? {
            cookies.csrf_cookies = readable;
        }
        Ok(self)
    }

    fn csrf_options(mut self, options: &JwtOptions) -> Result<Self, ConfigError> {
        let flask = self.settings.flask;
        if let Some(protect) = options.flag("JWT_COOKIE_CSRF_PROTECT")? {
            if !protect && !self.without_csrf && !flask {
                let expected = "true, unless Builder::insecure_without_csrf was called";
                return Err(options.refused("JWT_COOKIE_CSRF_PROTECT", expected));
            }
            self.without_csrf = !protect;
        }
        let csrf = &mut self.settings.csrf;
        if let Some(methods) = options.list("JWT_CSRF_METHODS") {
            if csrf.methods.is_none() && !flask {
                let expected = "nothing, as every method that changes something is checked, unless \
                                Builder::insecure_csrf_methods was called";
                return Err(options.refused("JWT_CSRF_METHODS", expected));
            }
            csrf.methods = Some(methods.into_iter().map(str::to_owned).collect());
        }
        if let Some(check) = options.flag("JWT_CSRF_CHECK_FORM")? {
            csrf.check_form = check;
        }
        for (setting, given) in [
            (&mut csrf.access.header, options.token("JWT_ACCESS_CSRF_HEADER_NAME")?),
            (&mut csrf.refresh.header, options.token("JWT_REFRESH_CSRF_HEADER_NAME")?),
            (&mut csrf.access.field, options.name("JWT_ACCESS_CSRF_FIELD_NAME")?),
            (&mut csrf.refresh.field, options.name("JWT_REFRESH_CSRF_FIELD_NAME")?),
        ] {
            if let Some(text) = given {
                text.clone_into(setting);
            }
        }
        Ok(self)
    }
}
