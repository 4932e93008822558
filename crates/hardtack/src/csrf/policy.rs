//! Which requests need a CSRF value, and where they carry it.

use super::trusted_origin;
use crate::error::ConfigError;
use crate::jwt::TokenKind;
use crate::request::is_token;

/// Which requests need a CSRF value, where requests carry the value, and which other origins are trusted.
///
/// By default, a request needs its session's CSRF value if its method is unsafe (such as POST) and its token is in a
/// cookie. The request carries the value in the header `X-CSRF-TOKEN` or in the hidden form field `csrf_token`. Log-in
/// and sign-up forms are sent before there is a session, so they need a separate value, which they carry in the same
/// places.
///
/// ```
/// use hardtack::CsrfPolicy;
///
/// let policy = CsrfPolicy::default()
///     .header("X-XSRF-TOKEN")
///     .trusted_origin("https://app.site.example");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a policy does nothing until it is passed to AuthenticatorBuilder::csrf"]
pub struct CsrfPolicy {
    pub(crate) protect: bool,
    pub(crate) pre_session: bool,
    pub(crate) check_form: bool,
    pub(crate) access: CsrfNames,
    pub(crate) refresh: CsrfNames,
    /// The methods that need a CSRF value. If `None`, all unsafe methods need one.
    pub(crate) methods: Option<Vec<String>>,
    /// Whether an empty header or field counts as missing, as in Flask-JWT-Extended. Otherwise, it counts as a wrong
    /// value.
    pub(crate) empty_is_missing: bool,
    pub(crate) trusted_origins: Vec<String>,
    /// Whether pages contain the masked CSRF value instead of the raw one.
    pub(crate) mask: bool,
}

/// Where a request carries the CSRF value for one kind of token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CsrfNames {
    pub(crate) header: String,
    pub(crate) field: String,
}

impl Default for CsrfNames {
    fn default() -> Self {
        Self { header: "x-csrf-token".into(), field: "csrf_token".into() }
    }
}

impl Default for CsrfPolicy {
    fn default() -> Self {
        Self {
            protect: true,
            pre_session: true,
            check_form: true,
            access: CsrfNames::default(),
            refresh: CsrfNames::default(),
            methods: None,
            empty_is_missing: false,
            trusted_origins: Vec::new(),
            mask: true,
        }
    }
}

/// The characters that header and method names may contain (RFC 9110 section 5.6.2).
const TOKEN: &str = "letters, digits and !#$%&'*+-.^_`|~";

impl CsrfPolicy {
    /// Sets the name of the header that carries the CSRF value, for both access and refresh tokens. Default:
    /// `X-CSRF-TOKEN`.
    pub fn header(self, name: impl Into<String>) -> Self {
        let name = name.into();
        self.access_header(name.clone()).refresh_header(name)
    }

    /// Sets the name of the form field that carries the CSRF value, for both access and refresh tokens. Default:
    /// `csrf_token`.
    pub fn field(self, name: impl Into<String>) -> Self {
        let name = name.into();
        self.access_field(name.clone()).refresh_field(name)
    }

    /// Sets the name of the header that carries the access token's CSRF value (`JWT_ACCESS_CSRF_HEADER_NAME`).
    pub fn access_header(mut self, name: impl Into<String>) -> Self {
        self.access.header = name.into();
        self
    }

    /// Sets the name of the header that carries the refresh token's CSRF value (`JWT_REFRESH_CSRF_HEADER_NAME`).
    pub fn refresh_header(mut self, name: impl Into<String>) -> Self {
        self.refresh.header = name.into();
        self
    }

    /// Sets the name of the form field that carries the access token's CSRF value (`JWT_ACCESS_CSRF_FIELD_NAME`).
    pub fn access_field(mut self, name: impl Into<String>) -> Self {
        self.access.field = name.into();
        self
    }

    /// Sets the name of the form field that carries the refresh token's CSRF value (`JWT_REFRESH_CSRF_FIELD_NAME`).
    pub fn refresh_field(mut self, name: impl Into<String>) -> Self {
        self.refresh.field = name.into();
        self
    }

    /// Sets whether forms can carry the CSRF value in a field (`JWT_CSRF_CHECK_FORM`). Default: yes.
    ///
    /// To find the CSRF field, Hardtack reads the beginning of the form, up to 64 KiB, before the handler runs.
    pub fn check_forms(mut self, check: bool) -> Self {
        self.check_form = check;
        self
    }

    /// Sets whether log-in and sign-up forms need a CSRF value that is tied to a cookie. Default: yes.
    ///
    /// Without this value, only the origin check prevents another site from logging a user in to an attacker's account.
    pub fn pre_session(mut self, check: bool) -> Self {
        self.pre_session = check;
        self
    }

    /// Adds an origin whose pages may send requests with unsafe methods, such as POST.
    ///
    /// The origin can belong to another site (`https://app.site.example`), to an app (`tauri://localhost`,
    /// `capacitor://localhost`) or to a browser extension (`chrome-extension://ID`). Call this method once for each
    /// origin. If an origin contains a wildcard, as in `https://*.site.example`, building the authenticator fails.
    pub fn trusted_origin(mut self, origin: impl Into<String>) -> Self {
        self.trusted_origins.push(origin.into());
        self
    }

    /// Sets whether [`VerifiedToken::csrf_token`](crate::VerifiedToken::csrf_token) masks the value, so that the value
    /// looks different on each page. Default: yes.
    ///
    /// Masking prevents an attacker from deducing the CSRF value from the length of compressed pages. Hardtack always
    /// accepts both raw and masked values. Turn masking off if your pages post forms to an application that accepts
    /// only raw values, such as one that uses Flask-JWT-Extended.
    pub fn mask_csrf(mut self, mask: bool) -> Self {
        self.mask = mask;
        self
    }

    /// Requires a CSRF value only for these methods (`JWT_CSRF_METHODS`). By default, every method that can change
    /// something requires a CSRF value.
    ///
    /// For the methods that you leave out, only `SameSite` and the origin check prevent another site from sending
    /// requests as your users.
    pub fn insecure_methods<M: Into<String>>(mut self, methods: impl IntoIterator<Item = M>) -> Self {
        self.methods = Some(methods.into_iter().map(Into::into).collect());
        self
    }

    /// Turns off the CSRF value check (`JWT_COOKIE_CSRF_PROTECT = False`). The origin of each request is still checked.
    ///
    /// Turn off the CSRF value check only if every cookie is `SameSite=Strict`, or if another mechanism protects
    /// against CSRF.
    pub fn insecure_disabled(mut self) -> Self {
        self.protect = false;
        self
    }

    /// Returns the header name and the form field name for one kind of token.
    pub(crate) const fn names(&self, kind: TokenKind) -> &CsrfNames {
        match kind {
            TokenKind::Access => &self.access,
            TokenKind::Refresh => &self.refresh,
        }
    }

    /// Returns whether a value in a request counts as present. An empty value counts as missing if `empty_is_missing`
    /// is set.
    pub(crate) const fn counts(&self, sent: &[u8]) -> bool {
        !self.empty_is_missing || !sent.is_empty()
    }

    pub(crate) fn trusts(&self, origin: &[u8]) -> bool {
        self.trusted_origins.iter().any(|trusted| trusted.as_bytes() == origin)
    }

    /// Checks the names and origins, and normalizes them for comparison with requests.
    pub(crate) fn check(&mut self) -> Result<(), ConfigError> {
        for names in [&mut self.access, &mut self.refresh] {
            names.header.make_ascii_lowercase();
        }
        for names in [&self.access, &self.refresh] {
            if !is_token(&names.header) {
                return Err(ConfigError::BadCsrfName { what: "header", name: names.header.clone(), expected: TOKEN });
            }
            // The name of a form field may be any non-empty text.
            if names.field.is_empty() {
                return Err(ConfigError::BadCsrfName {
                    what: "field",
                    name: String::new(),
                    expected: "any text that is not empty",
                });
            }
        }
        if let Some(bad) = self.methods.iter().flatten().find(|method| !is_token(method)) {
            return Err(ConfigError::BadCsrfName { what: "method", name: bad.clone(), expected: TOKEN });
        }
        for origin in &mut self.trusted_origins {
            *origin = trusted_origin::parse(origin)?;
        }
        Ok(())
    }
}
