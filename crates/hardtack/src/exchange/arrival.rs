//! What the layer does before the handler runs.

use super::BodyPeek;
use crate::authenticator::Authenticator;
use crate::csrf::FormPeek;
use crate::location::{JsonPeek, TokenLocation};
use crate::request::{Method, RequestHead};

impl Authenticator {
    /// Whether a request by this method is one whose body [`Self::body_peek`] may want to read: an adapter asks
    /// here first, as most are not, and does no more for them.
    #[inline]
    pub fn may_peek(&self, method: &str) -> bool {
        let settings = self.settings();
        let method = Method::of(method);
        settings.may_be_in(TokenLocation::Json) || (settings.csrf.check_form && settings.csrf.applies_to(method))
    }

    /// Whether to read a body's beginning, and what to read it with: JSON where some route takes tokens
    /// from it; a form for its CSRF field, only where cookies act for someone, the method changes
    /// something, and no header carries the value.
    pub fn body_peek(&self, head: &RequestHead<'_>) -> Option<BodyPeek> {
        let settings = self.settings();
        if settings.may_be_in(TokenLocation::Json)
            && let Some(json) = JsonPeek::start(head, &settings.places)
        {
            return Some(BodyPeek::Json(json));
        }
        let csrf = &settings.csrf;
        let in_header = |name: &str| head.header(name).is_some_and(|value| csrf.counts(value));
        let wanted = csrf.check_form
            && csrf.applies_to(head.judged_method())
            && head.header("cookie").is_some()
            && !(in_header(&csrf.access.header) && in_header(&csrf.refresh.header));
        if wanted { FormPeek::start(head, &csrf.access.field, &csrf.refresh.field).map(BodyPeek::Form) } else { None }
    }
}
