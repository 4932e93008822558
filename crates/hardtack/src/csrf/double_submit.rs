//! The second CSRF check, the double submit: the request must contain a value that only a page of this site can read.

use super::policy::{CsrfNames, CsrfPolicy};
use super::token::is_value;
use crate::body::{FormPeek, FormToken};
use crate::request::RequestHead;

/// Why a CSRF check refuses a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum CsrfError {
    /// The request contains no CSRF value: the header and the form field are missing.
    #[error("the request has no CSRF token, neither in the header nor in the form field")]
    Missing,
    /// The CSRF value is invalid or belongs to another session, or the form contains the field with different values.
    #[error("the CSRF token does not match this session")]
    Mismatch,
    /// The request contains the header with the CSRF value more than once.
    #[error("the request has the header with the CSRF token more than once")]
    Repeated,
    /// A log-in or sign-up form was sent without the CSRF cookie that the form's page sets.
    #[error(
        "the form was sent without the CSRF cookie that the page with the form sets; check that the browser accepts \
         cookies, and reload the page"
    )]
    NoPreSession,
    /// The CSRF token of a log-in or sign-up form does not match the CSRF cookie that was sent.
    #[error("the CSRF token in the form's hidden field does not match the CSRF cookie")]
    OtherPreSession,
    /// The form is longer than the part that is read before the handler runs, and the CSRF field is not in that part.
    #[error(
        "Hardtack searches only the beginning of a form (ReadAheadLimits::bytes), and the CSRF field is not there; put \
         the field first in the form"
    )]
    BeyondPeek,
    /// The form was not read. Either no layer wraps the route, or middleware between the layer and the handler has read
    /// the form.
    #[error(
        "the form's CSRF token could not be read; if no authentication layer wraps this route, add the layer; if a \
         middleware between the layer and the handler reads the form, move the middleware outside the layer"
    )]
    Unread,
    /// This browser did not begin a log-in with this state, the log-in is already finished, or the log-in took too
    /// long.
    #[error(
        "this browser has not started a log-in with this state in the last ten minutes, or the log-in is already \
         finished; start the log-in again"
    )]
    UnknownState,
    /// Another site started the request.
    #[error("the request was started by another site")]
    CrossSite,
    /// The `Host` field is missing, is malformed or occurs twice (RFC 9112 section 3.2), so the server cannot tell
    /// which site the request is for.
    #[error(
        "the Host field is missing, is malformed or occurs twice; expected one Host field with a host and an optional \
         port"
    )]
    BadHost,
    /// The token contains no CSRF value, so there is nothing to compare the request's value with.
    #[error("the token in the cookie carries no CSRF value")]
    NoClaim,
}

impl CsrfError {
    /// Returns a stable name in `snake_case`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Missing | Self::NoPreSession => "csrf_missing",
            Self::Mismatch | Self::Repeated | Self::OtherPreSession => "csrf_mismatch",
            Self::BeyondPeek => "csrf_beyond_peek",
            Self::Unread => "csrf_unread",
            Self::CrossSite => "csrf_cross_site",
            Self::UnknownState => "csrf_unknown_state",
            Self::BadHost => "bad_host",
            Self::NoClaim => "csrf_no_claim",
        }
    }
}

/// Compares the `csrf` claim with the CSRF value in the request's header or, if the request lacks this header, in the
/// form's hidden field. The value can be masked. The query is not searched, because queries end up in logs and in
/// `Referer`.
#[inline]
pub(crate) fn check(
    head: &RequestHead<'_>,
    form: &FormToken,
    expected: &str,
    policy: &CsrfPolicy,
    names: &CsrfNames,
) -> Result<(), CsrfError> {
    let [first, second] = head.headers().first_two(&names.header);
    if let Some(sent) = first.filter(|sent| policy.counts(sent)) {
        return match second {
            Some(_) => Err(CsrfError::Repeated),
            None if is_value(sent, expected.as_bytes()) => Ok(()),
            None => Err(CsrfError::Mismatch),
        };
    }
    if !policy.check_form {
        return Err(CsrfError::Missing);
    }
    match form {
        FormToken::Found(sent) if is_value(sent.as_bytes(), expected.as_bytes()) => Ok(()),
        FormToken::Found(sent) if !policy.counts(sent.as_bytes()) => Err(CsrfError::Missing),
        FormToken::Found(_) | FormToken::Ambiguous => Err(CsrfError::Mismatch),
        FormToken::Absent => Err(CsrfError::Missing),
        FormToken::BeyondPeek => Err(CsrfError::BeyondPeek),
        FormToken::Unread if FormPeek::is_form(head) => Err(CsrfError::Unread),
        FormToken::Unread => Err(CsrfError::Missing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestRequest;

    fn settings() -> CsrfPolicy {
        CsrfPolicy::default()
    }

    #[test]
    fn s46_only_the_claims_own_value_passes() {
        let none = TestRequest::new("POST", "/");
        let good = none.clone().field("x-csrf-token", "value");
        let bad = none.clone().field("x-csrf-token", "other");
        let twice = good.clone().field("x-csrf-token", "value");
        let run = |request: &TestRequest, form: FormToken| {
            check(&request.head(), &form, "value", &settings(), &CsrfNames::default())
        };
        assert_eq!(run(&good, FormToken::Unread), Ok(()));
        assert_eq!(run(&bad, FormToken::Found("value".into())), Err(CsrfError::Mismatch));
        assert_eq!(run(&twice, FormToken::Unread), Err(CsrfError::Repeated));
        assert_eq!(run(&none, FormToken::Found("value".into())), Ok(()));
        assert_eq!(run(&none, FormToken::Found("valu".into())), Err(CsrfError::Mismatch));
        assert_eq!(run(&none, FormToken::Absent), Err(CsrfError::Missing));
        assert_eq!(run(&none, FormToken::Unread), Err(CsrfError::Missing));
        assert_eq!(run(&none, FormToken::BeyondPeek), Err(CsrfError::BeyondPeek));
        assert_eq!(
            check(&good.head(), &FormToken::Unread, "", &settings(), &CsrfNames::default()),
            Err(CsrfError::Mismatch)
        );
    }

    #[test]
    fn s52_the_query_string_is_not_looked_at() {
        let request = TestRequest::new("POST", "/?csrf_token=value&X-CSRF-TOKEN=value");
        assert_eq!(
            check(&request.head(), &FormToken::Absent, "value", &settings(), &CsrfNames::default()),
            Err(CsrfError::Missing)
        );
    }

    #[test]
    fn a_form_that_no_layer_read_is_unread_and_not_missing() {
        let form = TestRequest::new("POST", "/").field("content-type", "application/x-www-form-urlencoded");
        assert_eq!(
            check(&form.head(), &FormToken::Unread, "value", &settings(), &CsrfNames::default()),
            Err(CsrfError::Unread)
        );
    }
}
