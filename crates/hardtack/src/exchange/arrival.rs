//! What the layer does before the handler runs.

use super::BodyPeek;
use crate::authenticator::Authenticator;
use crate::csrf::FormPeek;
use crate::location::{JsonPeek, TokenLocation};
use crate::request::RequestHead;

impl Authenticator {
    /// Whether a request is one whose body [`Self::body_peek`] may want to read, by its method's promise to change
    /// nothing (RFC 9110 §9.2.1): an adapter asks here first, as most are not, and does no more for them.
    #[inline]
    pub fn may_peek(&self, is_safe: bool) -> bool {
        if is_safe { self.shortcuts().may_peek_safe } else { self.shortcuts().may_peek_unsafe }
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
            && csrf.applies_to(head)
            && head.header("cookie").is_some()
            && !(in_header(&csrf.access.header) && in_header(&csrf.refresh.header));
        if wanted { FormPeek::start(head, &csrf.access.field, &csrf.refresh.field).map(BodyPeek::Form) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use crate::authenticator::{Authenticator, Builder};
    use crate::jwt::{Algorithm, KeySet, SigningKey};
    use crate::location::TokenLocation;
    use crate::testing::TestRequest;

    fn engine(set: fn(Builder) -> Builder) -> Authenticator {
        let keys = KeySet::new(SigningKey::generate(Algorithm::HS256).unwrap());
        set(Authenticator::builder(keys).base_url("https://site.example")).build().unwrap()
    }

    /// How many of the requests have a body to be read.
    fn peeks(engine: &Authenticator) -> usize {
        let types = ["application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "application/json"];
        let methods = ["GET", "HEAD", "OPTIONS", "TRACE", "POST", "PUT", "PATCH", "DELETE", "get", "QUERY"];
        let requests = methods.into_iter().flat_map(|method| types.map(|body| (method, body)));
        requests
            .filter(|(method, body)| {
                let request = TestRequest::new(*method, "/").fields([
                    ("cookie", "a=1"),
                    ("content-type", body),
                    ("content-length", "9"),
                ]);
                let wanted = engine.body_peek(&request.head()).is_some();
                assert!(!wanted || engine.may_peek(request.head().is_safe()), "{method} {body}");
                wanted
            })
            .count()
    }

    #[test]
    fn whoever_asks_first_by_the_method_misses_no_body() {
        assert_eq!(peeks(&engine(|builder| builder)), 12);
        assert_eq!(peeks(&engine(|builder| builder.insecure_csrf_methods(["GET", "POST"]))), 4);
        assert_eq!(peeks(&engine(|builder| builder.csrf_in_forms(false))), 0);
        assert_eq!(peeks(&engine(|builder| builder.insecure_without_csrf())), 0);
        assert_eq!(
            peeks(&engine(|builder| builder.token_locations([TokenLocation::Json, TokenLocation::Cookies]))),
            22
        );
        assert_eq!(peeks(&engine(|builder| builder.route_locations([TokenLocation::Json]).csrf_in_forms(false))), 10);
    }

    #[test]
    fn nothing_is_asked_of_the_usual_reader() {
        let auth = engine(|builder| builder);
        assert!(!auth.may_peek(true) && auth.may_peek(false));
    }
}
