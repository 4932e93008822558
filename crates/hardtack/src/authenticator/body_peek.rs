//! Whether the adapter should read a request's body before the handler runs.

use super::Authenticator;
use crate::body::{BodyPeek, FormPeek, JsonPeek};
use crate::request::RequestHead;
use crate::token_source::TokenLocation;

impl Authenticator {
    /// Returns a reader for the beginning of a request's body, if the adapter has to read it before the handler runs.
    ///
    /// A JSON body is read if a route may take tokens from JSON. A form is read for its CSRF fields if forms may carry
    /// the CSRF value, the request has cookies, its method needs a CSRF value, and one of the CSRF headers is missing.
    pub fn body_peek(&self, head: &RequestHead<'_>) -> Option<BodyPeek> {
        let settings = self.settings();
        let sources = &settings.sources;
        if sources.may_be_in(TokenLocation::Json)
            && let Some(json) = JsonPeek::start(head, &sources.json_key, &sources.refresh_json_key)
        {
            return Some(BodyPeek::json(json));
        }
        let csrf = &settings.csrf;
        let in_header = |name: &str| head.header(name).is_some_and(|value| csrf.counts(value));
        let wanted = csrf.check_form
            && self.needs_csrf_value(head)
            && head.header("cookie").is_some()
            && !(in_header(&csrf.access.header) && in_header(&csrf.refresh.header));
        if wanted { FormPeek::start(head, &csrf.access.field, &csrf.refresh.field).map(BodyPeek::form) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use crate::authenticator::{Authenticator, AuthenticatorBuilder};
    use crate::csrf::CsrfPolicy;
    use crate::jwt::{Algorithm, KeySet, SigningKey};
    use crate::testing::TestRequest;
    use crate::token_source::{TokenLocation, TokenSources};

    fn build(set: fn(AuthenticatorBuilder) -> AuthenticatorBuilder) -> Authenticator {
        let keys = KeySet::new(SigningKey::generate(Algorithm::HS256).unwrap());
        set(Authenticator::builder(keys).base_url("https://site.example")).build().unwrap()
    }

    /// How many of the requests have a body to be read.
    fn peeks(authenticator: &Authenticator) -> usize {
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
                let wanted = authenticator.body_peek(&request.head()).is_some();
                assert!(!wanted || authenticator.method_may_need_body(request.head().is_safe()), "{method} {body}");
                wanted
            })
            .count()
    }

    #[test]
    fn the_method_check_never_misses_a_body() {
        assert_eq!(peeks(&build(|builder| builder)), 12);
        assert_eq!(peeks(&build(|builder| builder.csrf(CsrfPolicy::default().insecure_methods(["GET", "POST"])))), 4);
        assert_eq!(peeks(&build(|builder| builder.csrf(CsrfPolicy::default().check_forms(false)))), 0);
        assert_eq!(peeks(&build(|builder| builder.csrf(CsrfPolicy::default().insecure_disabled()))), 0);
        assert_eq!(peeks(&build(|builder| builder.token_sources([TokenLocation::Json, TokenLocation::Cookies]))), 22);
        assert_eq!(
            peeks(&build(|builder| builder
                .token_sources(TokenSources::default().route_locations([TokenLocation::Json]))
                .csrf(CsrfPolicy::default().check_forms(false)))),
            10
        );
    }

    #[test]
    fn safe_methods_need_no_body_by_default() {
        let auth = build(|builder| builder);
        assert!(!auth.method_may_need_body(true) && auth.method_may_need_body(false));
    }
}
