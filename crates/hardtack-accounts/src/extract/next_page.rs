//! The page that the browser goes to after a log-in, a sign-up, a re-authentication or a refresh.
//!
//! A page of this site says what has just happened if its URL has a query parameter such as `done=password`. These
//! parameters are meant for the redirect that follows a form. They must not come from `next`: anyone can write a link
//! to the log-in page, and a page that is reloaded after days may ask for the password first. In both cases, the page
//! would falsely claim that something has just happened.

use hardtack::request::NextPath;
use hardtack_axum::Auth;

use super::done::is_from_elsewhere;
use crate::settings::SiteSettings;
use crate::site::Site;

/// The query parameters that tell a page what has just happened.
const CLAIMS: [&str; 3] = ["done", "ended", "form"];

/// The pages that read at least one of these parameters.
const PAGES: [&str; 6] = ["/account", "/account/sessions", "/email/confirm", "/login", "/password/forgot", "/signup"];

/// The values of `done` that say that a form has changed nothing yet. The site itself puts them into `next` if the user
/// has to log in or enter the password first, so they are kept unless the request comes from elsewhere.
const NOTHING_CHANGED: [&str; 4] = ["kept", "proof", "unchanged", "unsent"];

/// Parses `text` as the page to continue to. If it is a page of this site, removes the query parameters that claim that
/// something has happened. Returns `None` if the user cannot continue to this page.
pub(crate) fn next_page(site: &Site, auth: &Auth, text: &str) -> Option<NextPath> {
    let next = auth.authenticator().next(text)?;
    let is_own_form = !is_from_elsewhere(auth);
    Some(without_claims(next, &site.settings, is_own_form))
}

/// Like [`next_page`], but returns the home page if there is no `text` or if the user cannot continue to the page.
pub(crate) fn next_or_home(site: &Site, auth: &Auth, text: Option<&str>) -> String {
    let next = text.and_then(|text| next_page(site, auth, text));
    next.map_or_else(|| auth.authenticator().next_or_home(None), |next| next.to_string())
}

fn without_claims(next: NextPath, settings: &SiteSettings, is_own_form: bool) -> NextPath {
    let mut pages: Vec<String> = PAGES.iter().map(|page| settings.path(page)).collect();
    // Any other home page belongs to the application.
    pages.extend(settings.is_demo.then(|| settings.path("/")));
    if !next.is_any_of(pages.iter().map(String::as_str)) {
        return next;
    }
    next.without_parameters(|name, value| {
        let is_kept = is_own_form && name == "done" && NOTHING_CHANGED.contains(&value);
        CLAIMS.contains(&name) && !is_kept
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(next: &str, settings: &SiteSettings, is_own_form: bool) -> String {
        without_claims(NextPath::parse(next).unwrap(), settings, is_own_form).to_string()
    }

    #[test]
    fn only_the_claims_are_removed() {
        let demo = SiteSettings::demo();
        for (next, left) in [
            ("/account?done=password", "/account"),
            ("/account?d%6fne=password&after=3#top", "/account?after=3#top"),
            ("/%61ccount//sessions/?after=3&done=revoke", "/%61ccount//sessions/?after=3"),
            ("/account?done=kept&done=password", "/account?done=kept"),
            ("/?done=email&ended=1&form=sent&done", "/"),
            ("/signup?done=signup", "/signup"),
            ("/account?a=b&&c", "/account?a=b&&c"),
            ("/account#?done=password", "/account#?done=password"),
            ("/service?done=1", "/service?done=1"),
        ] {
            assert_eq!(cleaned(next, &demo, true), left, "{next}");
        }
        for done in NOTHING_CHANGED {
            let next = format!("/account?done={done}");
            assert_eq!((cleaned(&next, &demo, true), cleaned(&next, &demo, false)), (next, "/account".to_owned()));
        }
    }

    #[test]
    fn an_application_keeps_its_own_parameters() {
        let below = SiteSettings { prefix: "/auth".into(), ..SiteSettings::default() };
        for next in ["/?done=email", "/account?done=1", "/auth/other?form=2", "/orders?ended=1"] {
            assert_eq!(cleaned(next, &below, false), next);
        }
        assert_eq!(cleaned("/auth/account?done=password", &below, false), "/auth/account");
        assert_eq!(cleaned("/?done=email", &SiteSettings::default(), false), "/?done=email");
    }
}
