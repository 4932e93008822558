//! The preset for services that must behave like a Flask-JWT-Extended application, and the `JWT_…` options.

use std::time::Duration;

use super::AuthenticatorBuilder;
use crate::config::{Lifetime, RefreshMode};
use crate::cookie::{CookiePrefix, SameSite};
use crate::error::ConfigError;
use crate::flask_compat::JwtOptions;
use crate::token_source::TokenLocation;

impl AuthenticatorBuilder {
    /// Makes the authenticator behave like Flask-JWT-Extended with its default options. Call this method in a service
    /// that replaces a Flask application or runs alongside one. Later calls on the builder override these settings.
    ///
    /// The following settings give up protection:
    ///
    /// - Tokens are taken from the `Authorization` header instead of `HttpOnly` cookies. `OPTIONS` requests need no
    ///   token.
    /// - Cookies are not `Secure`, have no `SameSite` attribute, and have no name prefix. If a token is refused, its
    ///   cookie is not deleted.
    /// - The origin of a request is not checked when a token is verified. CSRF values are required for POST, PUT, PATCH
    ///   and DELETE only, and they are not read from forms.
    /// - Tokens without `exp`, `iat`, `jti` or `type` are accepted. If no audience is expected, any `aud` is accepted.
    ///   A `kid` that matches no key is ignored.
    /// - CSRF values are not masked in pages, the `Host` field is not checked, and a log-out does not clear the
    ///   browser's cache.
    /// - Refresh tokens live for 30 days instead of 1 day. A fresh token stays fresh until it expires.
    /// - Additional claims may replace any other claim.
    ///
    /// Signatures, algorithms, `crit`, lengths, the strength of keys, and duplicate JSON members and cookies are still
    /// checked. Times are checked more strictly than by default: no clock skew is tolerated, so a token is refused
    /// before its `nbf` or its `iat`.
    pub fn flask_compatible(mut self) -> Self {
        let settings = &mut self.settings;
        settings.flask = true;
        settings.exempt_options = true;
        settings.sources.locations = TokenLocation::Headers.into();
        // As in Flask-JWT-Extended, a route can search any location. Only JSON has to be listed here, because a JSON
        // body has to be read before the handler runs.
        settings.sources.route_locations = TokenLocation::Json.into();
        settings.refresh = RefreshMode::Off;
        settings.access_lifetime = Lifetime::For(Duration::from_secs(15 * 60));
        settings.refresh_lifetime = Lifetime::For(Duration::from_secs(30 * 24 * 60 * 60));
        settings.fresh_lifetime = Lifetime::InsecureForever;
        settings.csrf.check_form = false;
        settings.csrf.mask = false;
        settings.csrf.empty_is_missing = true;
        settings.csrf.methods = Some(["POST", "PUT", "PATCH", "DELETE"].map(str::to_owned).to_vec());
        self.cookies = self
            .cookies
            .secure(false)
            .same_site(SameSite::InsecureUnset)
            .prefix(CookiePrefix::None)
            .session_cookies(true);
        self
    }

    /// Applies the settings in `options`, which have Flask-JWT-Extended's option names. This method does not apply the
    /// keys: pass [`options.keys()`](JwtOptions::keys) to [`Authenticator::builder`](crate::Authenticator::builder).
    ///
    /// ```no_run
    /// use hardtack::Authenticator;
    /// use hardtack::flask_compat::JwtOptions;
    /// let options = JwtOptions::from_env()?;
    /// let auth = Authenticator::builder(options.keys()?).flask_compatible().jwt_options(&options)?.build()?;
    /// # Ok::<(), hardtack::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// Returns an error that names the first option whose value is not allowed. `JWT_VERIFY_SUB=false`,
    /// `JWT_COOKIE_CSRF_PROTECT=false` and `JWT_CSRF_METHODS` are allowed only if you have called
    /// [`Self::flask_compatible`] or the corresponding setter with `insecure` in its name.
    pub fn jwt_options(self, options: &JwtOptions) -> Result<Self, ConfigError> {
        self.token_options(options)?.cookie_options(options)?.csrf_options(options)
    }

    fn token_options(mut self, options: &JwtOptions) -> Result<Self, ConfigError> {
        let settings = &mut self.settings;
        if let Some(locations) = options.locations("JWT_TOKEN_LOCATION")? {
            settings.sources.locations = locations;
        }
        if let Some(lifetime) = options.lifetime("JWT_ACCESS_TOKEN_EXPIRES")? {
            settings.access_lifetime = lifetime;
        }
        if let Some(lifetime) = options.lifetime("JWT_REFRESH_TOKEN_EXPIRES")? {
            settings.refresh_lifetime = lifetime;
        }
        if let Some(leeway) = options.seconds("JWT_DECODE_LEEWAY")? {
            settings.claims.leeway = Some(leeway);
        }
        let names = |option| options.list(option).map(|names| names.into_iter().map(str::to_owned).collect());
        for (setting, option) in [
            (&mut settings.claims.encode_audience, "JWT_ENCODE_AUDIENCE"),
            (&mut settings.claims.decode_audience, "JWT_DECODE_AUDIENCE"),
            (&mut settings.claims.decode_issuers, "JWT_DECODE_ISSUER"),
        ] {
            if let Some(names) = names(option) {
                *setting = names;
            }
        }
        if let Some(issuer) = options.given("JWT_ENCODE_ISSUER") {
            settings.claims.encode_issuer = Some(issuer.to_owned());
        }
        if let Some(write) = options.flag("JWT_ENCODE_NBF")? {
            settings.claims.encode_nbf = write;
        }
        if let Some(verify) = options.flag("JWT_VERIFY_SUB")? {
            if !verify && settings.claims.verify_sub && !settings.flask {
                return Err(
                    options.refused("JWT_VERIFY_SUB", "true, unless ClaimsPolicy::insecure_any_identity was called")
                );
            }
            settings.claims.verify_sub = verify;
        }
        for (setting, given) in [
            (&mut settings.claims.identity_claim, options.identity_claim("JWT_IDENTITY_CLAIM")?),
            (&mut settings.error_key, options.name("JWT_ERROR_MESSAGE_KEY")?),
            (&mut settings.sources.header_name, options.token("JWT_HEADER_NAME")?),
            (&mut settings.sources.header_type, options.token_or_none("JWT_HEADER_TYPE")?),
            (&mut settings.sources.query_name, options.name("JWT_QUERY_STRING_NAME")?),
            (&mut settings.sources.query_prefix, options.text("JWT_QUERY_STRING_VALUE_PREFIX")),
            (&mut settings.sources.json_key, options.name("JWT_JSON_KEY")?),
            (&mut settings.sources.refresh_json_key, options.name("JWT_REFRESH_JSON_KEY")?),
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
            if !protect && self.settings.csrf.protect && !flask {
                let expected = "true, unless CsrfPolicy::insecure_disabled was called";
                return Err(options.refused("JWT_COOKIE_CSRF_PROTECT", expected));
            }
            self.settings.csrf.protect = protect;
        }
        let csrf = &mut self.settings.csrf;
        if let Some(methods) = options.list("JWT_CSRF_METHODS") {
            if csrf.methods.is_none() && !flask {
                let expected = "no value, because all methods except GET, HEAD, OPTIONS and TRACE are checked; to \
                                check other methods, call CsrfPolicy::insecure_methods first";
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
