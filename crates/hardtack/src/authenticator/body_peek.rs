//! Decides which bodies have to be read before the handler runs.

use super::Authenticator;
use crate::body::{BodyPeek, FormPeek, JsonPeek, Reader, is_json};
use crate::csrf::PreSessionKey;
use crate::refusal::Reason;
use crate::request::RequestHead;
use crate::token_source::{Locations, TokenLocation};

/// What the beginning of a body may contain.
#[derive(Clone, Copy, PartialEq, Eq)]
enum BodyContent {
    /// A CSRF field in a form.
    CsrfField,
    /// A token, in JSON.
    Token,
}

/// Why the beginning of a body is needed.
#[derive(Clone, Copy)]
pub(crate) enum BodyUser {
    /// The body is needed to verify a token that may be in one of these locations.
    Verification(Locations),
    /// The body is needed for an `Auth` operation that might run before a log-in.
    Auth,
}

impl Authenticator {
    /// Returns whether an extractor might have to read the beginning of the request's body. If so, the adapter's layer
    /// makes the body available to extractors. This method itself does not read the body.
    ///
    /// A JSON body is read if the settings allow tokens in JSON. A form is read to find its CSRF field, but only if all
    /// of the following are true: the request has cookies, its method needs a CSRF value, and the CSRF headers do not
    /// already contain the value.
    pub fn may_read_body(&self, head: &RequestHead<'_>) -> bool {
        self.body_content(head).is_some()
    }

    fn body_content(&self, head: &RequestHead<'_>) -> Option<BodyContent> {
        let settings = self.settings();
        if settings.sources.may_be_in(TokenLocation::Json) && is_json(head) {
            return Some(BodyContent::Token);
        }
        let csrf = &settings.csrf;
        let in_header = |name: &str| head.header(name).is_some_and(|value| csrf.counts(value));
        let wanted = csrf.check_form
            && self.needs_csrf_value(head)
            && head.header("cookie").is_some()
            && !(in_header(&csrf.access.header) && in_header(&csrf.refresh.header))
            && FormPeek::is_form(head);
        wanted.then_some(BodyContent::CsrfField)
    }

    /// Returns a reader for the beginning of a request's body. Returns `None` if the body is not needed for `user`.
    ///
    /// Reading bodies costs memory, and anyone can send cookies. Except in the Flask preset, a form is read only if
    /// a cookie contains a token that one of the keys has signed. For [`BodyUser::Auth`], a cookie with the nonce of a
    /// log-in form is enough.
    ///
    /// # Errors
    /// Too many other bodies are being read at the moment.
    pub(crate) fn body_peek(&self, head: &RequestHead<'_>, user: BodyUser) -> Result<Option<BodyPeek>, Reason> {
        let settings = self.settings();
        let limits = &settings.read_ahead;
        let reader = match (self.body_content(head), user) {
            (None, _) => None,
            (Some(BodyContent::Token), BodyUser::Verification(locations))
                if !locations.contains(TokenLocation::Json) =>
            {
                None
            }
            (Some(BodyContent::Token), _) => {
                let sources = &settings.sources;
                JsonPeek::start(head, &sources.json_key, &sources.refresh_json_key, sources.flask, limits.bytes)
                    .map(Reader::Json)
            }
            (Some(BodyContent::CsrfField), user) if self.has_cookie_of_ours(head, user) => {
                let csrf = &settings.csrf;
                FormPeek::start(head, &csrf.access.field, &csrf.refresh.field, limits.bytes).map(Reader::Form)
            }
            (Some(BodyContent::CsrfField), _) => None,
        };
        let Some(reader) = reader else { return Ok(None) };
        let permit = self.0.bodies.permit(limits).ok_or(Reason::TooManyBodies)?;
        Ok(Some(BodyPeek::new(reader, limits.timeout, permit)))
    }

    fn has_cookie_of_ours(&self, head: &RequestHead<'_>, user: BodyUser) -> bool {
        // Flask-JWT-Extended looks for the CSRF value before it verifies the token, so read the form even if the token
        // is invalid.
        if self.settings().flask {
            return true;
        }
        let cookies = self.cookies();
        let is_signed = |text: &[u8]| !text.is_empty() && self.verify_token(text, None, self.now()).is_ok();
        let has_token =
            [&cookies.access, &cookies.refresh].iter().any(|slot| slot.name.find_all(head).into_iter().any(is_signed));
        let has_nonce = || cookies.pre_session.name.find_all(head).into_iter().any(PreSessionKey::is_nonce);
        has_token || (matches!(user, BodyUser::Auth) && has_nonce())
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

    /// Counts the test requests whose body the authenticator may read.
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
                let wanted = authenticator.may_read_body(&request.head());
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
