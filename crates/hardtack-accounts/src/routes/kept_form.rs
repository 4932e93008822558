//! A submitted profile that the user's browser keeps while the user logs in or re-enters the password.

use std::time::Duration;

use axum::response::Response;
use hardtack::Authenticator;
use hardtack::clock::Timestamp;
use http::HeaderMap;
use serde::{Deserialize, Serialize};

use crate::page_cookie::{PageCookie, names};
use crate::site::Site;
use crate::users::{Profile, User};

/// The cookie that stores the submitted form. The cookie's value is encrypted and belongs to one user. The site uses
/// the value only to fill in the form again. The user then checks the form and submits it. The browser also sends the
/// cookie to the pages that ask for the password, so these pages can tell the user that the form has been kept.
const COOKIE: PageCookie = PageCookie { name: names::SETTINGS_DRAFT, path: "/", max_age: LIFETIME.as_secs() as u32 };

const LIFETIME: Duration = Duration::from_secs(15 * 60);

/// The maximum length of the cookie's value, in bytes. Some browsers and proxies refuse longer cookies, so a longer
/// form is not kept.
const MAX_LEN: usize = 3800;

const FORM: &str = "kept form";
const OWNER: &str = "owner of a form";

/// The cookie's content, which does not include a password.
#[derive(Deserialize, Serialize)]
struct KeptForm {
    user: String,
    until: i64,
    display_name: String,
    email: String,
}

/// Returns the value of a hidden field that identifies the form's user. The value stays readable after the session has
/// ended. Only this site can create and read such values.
pub(super) fn owner_field(user: &User, auth: &Authenticator) -> String {
    auth.seal(OWNER, user.id.as_bytes()).unwrap_or_default()
}

/// Returns the user id that the hidden field contains.
pub(super) fn owner(field: &str, auth: &Authenticator) -> Option<String> {
    String::from_utf8(auth.open_sealed(OWNER, field)?).ok()
}

/// Encrypts a submitted profile for the cookie. Returns `None` if the value would be too long.
pub(super) fn seal(user_id: &str, profile: &Profile, auth: &Authenticator) -> Option<String> {
    let Profile { display_name, email } = profile.clone();
    let until = (auth.now() + LIFETIME).unix_seconds();
    let form = KeptForm { user: user_id.to_owned(), until, display_name, email };
    let sealed = auth.seal(FORM, &serde_json::to_vec(&form).ok()?)?;
    (sealed.len() <= MAX_LEN).then_some(sealed)
}

/// Sets the cookie that holds the encrypted form.
pub(super) fn set(response: Response, sealed: &str, site: &Site) -> Response {
    COOKIE.set(response, sealed, site.cookies())
}

/// Deletes the cookie.
pub(super) fn clear(response: Response, site: &Site) -> Response {
    COOKIE.clear(response, site.cookies())
}

/// Returns whether the browser sent the cookie that holds the form.
pub(super) fn is_set(headers: &HeaderMap, site: &Site) -> bool {
    COOKIE.find(headers, site.cookies()).is_some()
}

/// Returns the profile in the cookie, if this user submitted it.
pub(super) fn find(headers: &HeaderMap, user: &User, site: &Site) -> Option<Profile> {
    let form = open(headers, site).filter(|form| form.user == user.id)?;
    Some(Profile { display_name: form.display_name, email: form.email })
}

/// Returns whether the profile in the cookie comes from a different user's form.
pub(super) fn is_of_another(headers: &HeaderMap, user: &User, site: &Site) -> bool {
    open(headers, site).is_some_and(|form| form.user != user.id)
}

/// Returns the cookie's content, unless it is too old.
fn open(headers: &HeaderMap, site: &Site) -> Option<KeptForm> {
    let json = site.auth.open_sealed(FORM, COOKIE.find(headers, site.cookies())?)?;
    let form: KeptForm = serde_json::from_slice(&json).ok()?;
    (site.auth.now() < Timestamp::from_unix_seconds(form.until)).then_some(form)
}
