//! The `Set-Cookie` fields of a response.

use crate::session::SessionId;

/// The value of `Clear-Site-Data` in a response that ends the browser's session. It makes the browser clear its cache,
/// so that even the Back button does not show pages of that session.
///
/// The value does not include `"cookies"`, because the browser would then delete the cookies of the entire registrable
/// domain.
pub const CLEAR_CACHE: &str = "\"cache\"";

/// The name of the response header that asks the browser to bind a new session to its device.
pub const REGISTRATION: &str = "secure-session-registration";

/// The values of a response's `Set-Cookie` fields, in order. Add them to the response. Without them, a log-in does not
/// log the browser in, and a log-out does not delete the browser's cookies.
#[derive(Clone, Default, PartialEq, Eq)]
#[must_use = "these cookies must be added to the response"]
pub struct SetCookies {
    values: Vec<String>,
    clears_cache: bool,
    begun: Option<SessionId>,
    registration: Option<String>,
}

impl SetCookies {
    /// Appends another `Set-Cookie` value, for a cookie of your own that the same response sets.
    ///
    /// The value must be a valid field value (RFC 9110 section 5.5). If a value is not valid, the adapter leaves it out
    /// and logs an error.
    pub fn push(&mut self, value: impl Into<String>) {
        self.values.push(value.into());
    }

    /// Appends the cookies in `other`.
    pub fn extend(&mut self, other: Self) {
        self.values.extend(other.values);
        self.clears_cache |= other.clears_cache;
        self.begun = other.begun.or(self.begun);
        self.registration = other.registration.or(self.registration.take());
    }

    /// Returns the new session if these cookies come from a log-in or a password change. To undo a log-in, for example
    /// because the password was changed in the meantime, end the session with
    /// [`Authenticator::revoke_session`](crate::Authenticator::revoke_session).
    pub fn session(&self) -> Option<SessionId> {
        self.begun
    }

    /// Records the session that a log-in or a password change began.
    pub(crate) fn of_session(self, begun: SessionId) -> Self {
        Self { begun: Some(begun), ..self }
    }

    /// Returns the value of the response header [`REGISTRATION`](crate::adapter::REGISTRATION), which asks the browser
    /// to bind the session to its device. Adapters add this header. Returns `None` if the browser is not asked to do
    /// this.
    pub fn registration(&self) -> Option<&str> {
        self.registration.as_deref()
    }

    /// Sets the value that [`Self::registration`] returns.
    pub(crate) fn asking_to_bind(self, registration: Option<String>) -> Self {
        Self { registration, ..self }
    }

    /// Returns whether the response with these cookies ends the browser's session. If so, the response also needs the
    /// header `Clear-Site-Data` with the value [`CLEAR_CACHE`](crate::adapter::CLEAR_CACHE). Adapters add this header.
    pub fn clears_cache(&self) -> bool {
        self.clears_cache
    }

    /// Sets whether the response with these cookies ends the browser's session.
    pub(crate) fn clearing_cache(self, clears: bool) -> Self {
        Self { clears_cache: clears, ..self }
    }

    /// Returns the values, one for each `Set-Cookie` field.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.values.iter().map(String::as_str)
    }

    /// Returns whether there are no cookies.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

impl IntoIterator for SetCookies {
    type Item = String;
    type IntoIter = std::vec::IntoIter<String>;

    fn into_iter(self) -> Self::IntoIter {
        self.values.into_iter()
    }
}

/// Shows only the names of the cookies, because their values are credentials.
impl std::fmt::Debug for SetCookies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.values.iter().filter_map(|value| value.split('=').next())).finish()
    }
}
