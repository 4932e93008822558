//! What the layer does before the handler runs.

use super::BodyPeek;
use crate::authenticator::Authenticator;
use crate::csrf::FormPeek;
use crate::location::{JsonPeek, TokenLocation};
use crate::request::RequestHead;

impl Authenticator {
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
            && csrf.applies_to(head)
            && head.header("cookie").is_some()
            && !(in_header(&csrf.access.header) && in_header(&csrf.refresh.header));
        if wanted { FormPeek::start(head, &csrf.access.field, &csrf.refresh.field).map(BodyPeek::Form) } else { None }
    }
}
