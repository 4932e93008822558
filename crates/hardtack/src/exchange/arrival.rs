//! What the layer does before the handler runs.

use crate::authenticator::Authenticator;
use crate::csrf::FormPeek;
use crate::request::RequestHead;

impl Authenticator {
    /// Whether to read a form's beginning for its CSRF field, and what to read it with. Only where
    /// cookies act for someone, the method changes something, and no header carries the value.
    pub fn form_peek(&self, head: &RequestHead<'_>) -> Option<FormPeek> {
        let csrf = &self.settings().csrf;
        let wanted = csrf.protect
            && csrf.check_form
            && !head.is_safe()
            && head.header("cookie").is_some()
            && head.header(&csrf.header).is_none();
        if wanted { FormPeek::start(head, &csrf.field) } else { None }
    }
}
