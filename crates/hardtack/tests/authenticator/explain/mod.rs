//! Explanations of requests and of copied header fields, and the page that shows them.

mod absence;
mod page;
mod pasted;
mod requests;
mod tokens;

use hardtack::explain::{Check, Explanation, Verdict};
use hardtack::{AuthenticatorBuilder, KeySet, Need};

use crate::support::{Browser, Request, Site, key, page};

const HOST: &str = "localhost:3000";

/// A site in development that explains refusals.
fn site(set: impl FnOnce(AuthenticatorBuilder) -> AuthenticatorBuilder) -> Site {
    site_with_keys(KeySet::new(key()), set)
}

fn site_with_keys(keys: KeySet, set: impl FnOnce(AuthenticatorBuilder) -> AuthenticatorBuilder) -> Site {
    Site::with_keys(keys, |builder| set(builder.base_url("http://localhost:3000").explain_refusals()))
}

fn get() -> Request {
    Request::get("/page").host(HOST)
}

fn post() -> Request {
    Request::post("/page").host(HOST)
}

/// Sends a request that needs an access token, and returns its explanation.
fn explained(site: &Site, browser: &Browser, request: Request) -> Explanation {
    explained_for(site, browser, request, Need::access())
}

fn explained_for(site: &Site, browser: &Browser, request: Request, need: Need) -> Explanation {
    site.respond(browser, request, page(need));
    let explanations = site.auth.explanations();
    no_secret(&explanations[0].to_string(), browser);
    explanations[0].clone()
}

/// Checks that a text contains no part of a cookie that is secret.
#[track_caller]
fn no_secret(text: &str, browser: &Browser) {
    for name in ["access_token_cookie", "refresh_token_cookie", "csrf_access_token", "csrf_refresh_token"] {
        let value = browser.value(name).unwrap_or_default();
        for secret in value.split('.').filter(|part| part.len() > 8) {
            assert!(!text.contains(secret), "{secret} of {name} in {text}");
        }
    }
}

/// Checks which check refused a request, and that the texts contain the given parts.
#[track_caller]
fn refused(explanation: &Explanation, code: &str, check: Check, text: &str, advice: &str) {
    let step = explanation.refusal().unwrap_or_else(|| panic!("not refused: {explanation}"));
    assert_eq!((explanation.outcome.code(), step.check), (Some(code), check), "{explanation}");
    assert!(step.text.contains(text), "{text} is missing: {explanation}");
    let given = explanation.advice.as_deref().unwrap_or_default();
    assert!(given.contains(advice), "{advice} is missing: {explanation}");
    let after = explanation.steps.iter().skip_while(|step| step.verdict != Verdict::Refused).skip(1);
    assert!(after.clone().all(|step| step.verdict != Verdict::Passed || step.check == Check::Refresh), "{explanation}");
}

fn verdict(explanation: &Explanation, check: Check) -> Option<Verdict> {
    explanation.steps.iter().find(|step| step.check == check).map(|step| step.verdict)
}
