//! For each reason for a refusal, advice on what to change.

use super::absence::Absence;
use super::token::TokenState;
use super::verified::Verified;
use crate::config::{RefreshMode, SettingNames};
use crate::csrf::{CsrfError, same_origin_page};
use crate::explain::{Check, quoted};
use crate::jwt::{TokenError, TokenKind};
use crate::refusal::Reason;
use crate::session::RefreshFlaw;
use crate::token_source::TokenLocation;

/// Returns the setting or line of code to change, or what to do next.
pub(super) fn of(verified: &Verified<'_>) -> Option<String> {
    let Some(reason) = verified.found.reason() else {
        let is_absent = !verified.main.is_present() && !verified.refresh.is_present();
        return is_absent.then(|| of_absent(verified));
    };
    let settings = verified.verifier.authenticator.settings();
    let names = settings.names;
    let text = match reason {
        Reason::Missing => return Some(of_absent(verified)),
        Reason::DuplicateHeader => {
            return Some(format!("Send the header `{}` once, with one token.", settings.sources.header_name));
        }
        Reason::DuplicateParameter => {
            return Some(format!("Send the query parameter `{}` once, with one token.", settings.sources.query_name));
        }
        Reason::DuplicateMember => {
            let member = match verified.need.kind {
                TokenKind::Access => &settings.sources.json_key,
                TokenKind::Refresh => &settings.sources.refresh_json_key,
            };
            return Some(format!("Send the member `{member}` of the JSON body once, with one token."));
        }
        Reason::DuplicateCookie => {
            return Some(format!(
                "Delete this site's cookies in the browser and log in again. The browser has several cookies with this \
                  name, but with a different `Domain` or `Path`. Check whether another application on this host, or an \
                  earlier {}, set one of them. {} gives each application its own cookie names.",
                names.or("CookiePolicy", "`CookiePolicy`"),
                names.of(".realm(\"…\")")
            ));
        }
        Reason::Malformed(_) => {
            let (name, scheme) = (&settings.sources.header_name, &settings.sources.header_type);
            let field = format!("{name}: {scheme}");
            return Some(format!("Send the token as `{} TOKEN`, or as a string in JSON.", field.trim_end()));
        }
        Reason::BeyondPeek => "Send the token in a header or a cookie, or raise `ReadAheadLimits::bytes`.",
        Reason::Token(error) => return Some(of_token(verified, *error)),
        Reason::NotFresh => {
            return Some(format!(
                "The user has to enter the password again at {}. To ask for the password less often, raise \
                 `.fresh_lifetime(…)`. If the route needs no recent log-in, take an `AccessToken` instead of a \
                 `FreshAccessToken`.",
                quoted(&settings.urls.reauthenticate)
            ));
        }
        Reason::ProofNeeded => {
            "Reload the page, so that the browser can send a proof. If the route needs no recent proof, take an \
             `AccessToken` instead of a `Proven`, or leave out `.proven(…)`."
        }
        Reason::Revoked | Reason::EndedAfterChange => {
            "Log in again. If nobody ended the session on purpose, look for these events in the log: `logout`, \
             `password_changed`, `reuse_detected`, `revoked`. `SessionPolicy::max_sessions` limits how many sessions a \
             user can have."
        }
        Reason::Replaced => "You don't need to change anything. The next request will have the newer cookies.",
        Reason::Refresh(flaw) => match flaw {
            RefreshFlaw::UnknownSession => {
                "Log in again. `MemorySessions` forgets all sessions when the process restarts. To keep them, use \
                 `hardtack-sqlx` or `hardtack-redis`."
            }
            RefreshFlaw::SessionEnded => "Log in again. The events in the log say what ended the session.",
            RefreshFlaw::SessionExpired => {
                "Log in again. `.refresh_lifetime(…)` sets how long an unused session lives. \
                 `SessionPolicy::absolute_lifetime` sets how long any session lives."
            }
            RefreshFlaw::Reused => {
                "Log in again. If nobody copied the cookies, a client is sending an old refresh token. A client must \
                 store the cookies from each response. Two concurrent refreshes are accepted within \
                 `SessionPolicy::race_window`."
            }
            RefreshFlaw::Superseded => {
                "If the user entered the password in another tab a moment ago, you don't need to change anything. The \
                 next request will have the new cookies."
            }
            RefreshFlaw::Ahead => "Check whether the session store was restored from a backup or has lost writes.",
            RefreshFlaw::Unproven | RefreshFlaw::ProofFailed => {
                "Reload the page, so that the browser can send a proof, or log in again. Only browsers that support \
                 device binding can refresh a session that is bound to a device."
            }
        },
        Reason::RefreshNeeded if verified.refresh.state == TokenState::Expired => {
            return Some(away_for_too_long(names));
        }
        Reason::RefreshNeeded => {
            return Some(format!(
                "If the client is redirected to {0} and back, you don't need to change anything. A script has to POST \
                 to {0} and repeat its request. To let requests refresh their tokens, set {1}.",
                quoted(&settings.urls.refresh),
                names.of(".refresh_mode(RefreshMode::Transparent)")
            ));
        }
        Reason::UnknownUser => "The user was probably deleted. Check what your `FindUser` looks up.",
        Reason::ClaimsRefused => "Check your `verify_claims` callback.",
        Reason::InsufficientClaims(_) => {
            "Add the claim when the user logs in (`LogIn::claim`) or with `change_claims`, or change the route's \
             `HasRole` or `Require::claim`."
        }
        Reason::Forbidden(_) => "The handler called `auth.forbid(…)`.",
        Reason::Csrf(error) => return Some(of_csrf(verified, *error)),
        Reason::Method => "Send the request as a POST.",
        Reason::BodyTooSlow => "Send the form faster, or raise `ReadAheadLimits::timeout`.",
        Reason::TooManyBodies => "Try again, or raise `ReadAheadLimits::at_once`.",
        Reason::TooManyAttempts(_) => "Wait, or change the throttle's limits.",
        Reason::LogInRefused(_) => "Your `check_password` returned `None`, or your handler called `auth.refuse(…)`.",
        Reason::InvalidForm(_) | Reason::BodyTooLarge => "Check the fields of the form that the client sends.",
        Reason::Store(_) => "Check the session store and your callbacks. The log contains the error.",
        Reason::OutcomeUnknown(_) => {
            "Check whether your change is in the database, and why the connection broke. The log contains the error."
        }
        Reason::Issue(_) => "Put fewer claims into the token, or rename the claims. The log contains the error.",
        Reason::NotSetUp(_) => "Change the call or setting that the error message names.",
        Reason::OtherUser => "Log out first, or enter the logged-in user's password.",
    };
    Some(text.to_owned())
}

/// The advice for a missing access token.
fn of_absent(verified: &Verified<'_>) -> String {
    let names = verified.verifier.authenticator.settings().names;
    match verified.main.state {
        TokenState::Foreign => format!(
            "Log in again. If the token is from another of your applications on this host, give each application a \
              realm, such as {}, so that their cookies have different names. If this application's key was replaced, \
              keep the old key in the key set ({}).",
            names.of(".realm(\"shop\")"),
            names.of("KeySet::retire")
        ),
        _ => Absence::of(verified, verified.need.kind).advice(names),
    }
}

fn of_token(verified: &Verified<'_>, error: TokenError) -> String {
    let names = verified.verifier.authenticator.settings().names;
    match error {
        TokenError::Expired => of_expired(verified),
        TokenError::BadSignature | TokenError::UnknownKey => {
            let load =
                "Load the key with `KeySet::from_secret_env(\"JWT_SECRET_KEY\")` instead of `SigningKey::generate`.";
            format!(
                "Log in again. If tokens become invalid at each restart, the application generates a new key each time \
                  it starts. {} If the key was replaced on purpose, keep the old key in the key set ({}).",
                names.or("KeySet::from_secret_env", load),
                names.of("KeySet::retire")
            )
        }
        TokenError::WrongAlgorithm | TokenError::WrongTyp | TokenError::UnsupportedHeader(_) => {
            format!(
                "Another application or library issued the token. Give both applications the same key and algorithm, \
                 or give this application a realm, such as {}.",
                names.of(".realm(\"shop\")")
            )
        }
        TokenError::TooLarge
        | TokenError::NotCompact
        | TokenError::Malformed
        | TokenError::BadHeader
        | TokenError::DuplicateMember
        | TokenError::BadClaim(_)
        | TokenError::MissingClaim(_) => not_a_token(verified),
        TokenError::NotYetValid | TokenError::IssuedInFuture => format!(
            "Synchronize the servers' clocks. {} sets the tolerance; the default is 3 seconds.",
            names.of("ClaimsPolicy::clock_skew")
        ),
        TokenError::WrongAudience | TokenError::WrongIssuer => format!(
            "Log in again. If the token is from another of your services, accept its `aud` and `iss` with {} and {}. \
              Setting or changing the realm logs every user out once.",
            names.of("ClaimsPolicy::decode_audience"),
            names.of("decode_issuers")
        ),
        TokenError::WrongKind => {
            "A refresh token was sent instead of an access token, or the other way around. Check that the access \
              cookie and the refresh cookie have different names, and that the client sends the right token."
                .to_owned()
        }
    }
}

/// The advice for a value that is not one of this application's tokens.
fn not_a_token(verified: &Verified<'_>) -> String {
    let names = verified.verifier.authenticator.settings().names;
    let is_refresh = verified.need.kind == TokenKind::Refresh || verified.refusing == Some(Check::Refresh);
    let (kind, setter) = match is_refresh {
        true => (TokenKind::Refresh, "CookiePolicy::refresh_name"),
        false => (TokenKind::Access, "CookiePolicy::access_name"),
    };
    if !is_refresh && verified.location != TokenLocation::Cookies {
        return "The value is not one of this application's tokens. Send the token that the log-in returned, whole and \
                unchanged."
            .to_owned();
    }
    format!(
        "The value is not one of this application's tokens. Delete the cookie `{}` and log in again. If another \
          application sets a cookie with this name, change {} or set a {}.",
        verified.cookie_name(kind),
        names.of(setter),
        names.of(".realm(\"…\")")
    )
}

/// The advice for a refresh token that has expired.
fn away_for_too_long(names: SettingNames) -> String {
    format!("Log in again. {} sets how long a user can be away and stay logged in.", names.of(".refresh_lifetime(…)"))
}

fn of_expired(verified: &Verified<'_>) -> String {
    let authenticator = verified.verifier.authenticator;
    let names = authenticator.settings().names;
    if verified.main.state == TokenState::Valid {
        return "The claims were changed with `change_claims`, so this token is outdated. If the client refreshes it, \
        you don't need to change anything."
            .to_owned();
    }
    match (authenticator.refresh_mode(), verified.refresh.state) {
        (RefreshMode::Sliding, _) => format!(
            "Log in again. In sliding mode, a token is replaced only while the user sends requests. To let users stay \
              idle for longer, raise {}.",
            names.of(".access_lifetime(…)")
        ),
        (_, TokenState::Expired) => away_for_too_long(names),
        (RefreshMode::Off, _) => format!(
            "POST to the refresh URL, or set {}, so that requests refresh expired tokens.",
            names.of(".refresh_mode(RefreshMode::Transparent)")
        ),
        (_, TokenState::Absent | TokenState::Empty | TokenState::Foreign) => format!(
            "The access token has expired, and there is no refresh token to replace it with. Log in with {}, which \
              sets both cookies, and check that the refresh cookie is sent to this path ({}).",
            names.or("auth.log_in", "`auth.log_in(…)`"),
            names.of("CookiePolicy::refresh_paths")
        ),
        (_, TokenState::Valid) => {
            "Wrap the route in the `AuthLayer`, and verify the token before the response begins, \
                                   so that the request can refresh it."
                .to_owned()
        }
        (_, TokenState::Doubled(_) | TokenState::Invalid(_)) => {
            "Delete this site's cookies and log in again.".to_owned()
        }
    }
}

fn of_csrf(verified: &Verified<'_>, error: CsrfError) -> String {
    let authenticator = verified.verifier.authenticator;
    let names = authenticator.settings().csrf.names(verified.need.kind);
    let (policy, head) = (authenticator.cookies(), &verified.verifier.head);
    let cookie = match verified.need.kind {
        TokenKind::Access => policy.csrf_access.name.as_str(),
        TokenKind::Refresh => policy.csrf_refresh.name.as_str(),
    };
    match error {
        CsrfError::Missing | CsrfError::NoClaim => format!(
            "In a form, add the hidden field `{}` with the value of `token.csrf_token()`. In a script, send the value \
             of the cookie `{cookie}` in the header `{}`.",
            names.field, names.header
        ),
        CsrfError::Mismatch => {
            let other = &policy.csrf_refresh.name;
            let sent = head.header(&names.header);
            let is_of_refresh = sent.is_some() && matches!(other.find(head), Ok(Some(value)) if Some(value) == sent);
            match is_of_refresh && verified.need.kind == TokenKind::Access {
                true => format!(
                    "The script sent the value of the cookie `{}`. It has to send the value of `{cookie}`.",
                    other.as_str()
                ),
                false => format!(
                    "Reload the page, because it was opened before the latest log-in. A script has to read the cookie \
                     `{cookie}` again before each request."
                ),
            }
        }
        CsrfError::Repeated => format!("Send the header `{}` once.", names.header),
        CsrfError::CrossSite => match same_origin_page(head) {
            Some(page) => format!(
                "If {page} is the address of your site, set the base URL with `.base_url(\"{page}\")`. Otherwise, open \
                 the page at the base URL."
            ),
            None => {
                "If the page is yours, open the page at the base URL, or change `.base_url(…)` to the address that \
                     browsers use. If the page is on another of your origins, add that origin with \
                     `CsrfPolicy::trusted_origin(…)`."
                    .to_owned()
            }
        },
        CsrfError::BadHost => "Send one `Host` field with the site's host.".to_owned(),
        CsrfError::NoPreSession => {
            "The page with the form sets a cookie, which the browser has to send back. Check that the browser \
             accepts cookies, and that the form is posted to the same host. An API client should send JSON instead."
                .to_owned()
        }
        CsrfError::OtherPreSession => "Reload the page with the form, because its hidden field is outdated.".to_owned(),
        CsrfError::UnknownState => "Start the log-in again, and finish it in the same browser.".to_owned(),
        CsrfError::BeyondPeek => "Put the hidden field first in the form.".to_owned(),
        CsrfError::Unread => {
            "Wrap the route in the `AuthLayer`. Middleware that reads the body must be outside this layer.".to_owned()
        }
    }
}
