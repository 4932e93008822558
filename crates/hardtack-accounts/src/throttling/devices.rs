//! The cookie that marks a browser as one in which users have logged in before.
//!
//! The cookie is not a credential. It only gives the browser its own counter for password attempts. If a user logs in
//! with a browser whose cookie does not list this user, the site tells the user by email.

use std::time::Duration;

use axum::response::Response;
use hardtack::{Authenticator, ClientInfo, SetCookies};
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::page_cookie::{CookieScope, PageCookie, names};
use crate::settings::SiteSettings;
use crate::users::{User, username_key};

/// The cookie that lists the users who have logged in with a browser. Its value is encrypted. A log-out or a password
/// change does not delete the cookie.
const COOKIE: PageCookie = PageCookie { name: names::DEVICE, path: "/", max_age: LIFETIME.as_secs() as u32 };

/// The longest time that browsers keep a cookie (RFC 6265bis §5.5).
const LIFETIME: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// The maximum number of users in one browser's cookie.
const MAX_USERS: usize = 5;

const PURPOSE: &str = "known device";

/// The users who have logged in with a browser, most recent first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Devices(Vec<Device>);

/// A browser with which a user has logged in. The serialized field names are short, because each request carries the
/// cookie.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Device {
    #[serde(rename = "u")]
    user: String,
    /// A hash of the user's name. It is used to find the entry for a name without looking up the user.
    #[serde(rename = "n")]
    name: String,
    /// A random id.
    #[serde(rename = "d")]
    id: String,
    /// The version of the password that the user last entered in this browser.
    #[serde(rename = "v")]
    version: i64,
    /// When the user last entered this password.
    #[serde(rename = "t")]
    at: i64,
}

impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Device(…)")
    }
}

/// The browser with which a user is logging in. The user has logged in with this browser before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KnownDevice<'a> {
    pub(super) user: &'a str,
    /// The device's id, or `None` if the user has not entered the password in this browser since it was last changed.
    ///
    /// Browsers in which a user has entered only an old password share one counter. Without this rule, an attacker who
    /// knew the old password could log in many times to collect cookies. Each of these cookies would then allow
    /// separate guesses at the new password.
    pub(super) id: Option<&'a str>,
}

/// A user who has just logged in or set a password.
pub(crate) struct KnownUser<'a> {
    pub(crate) id: &'a str,
    pub(crate) username: &'a str,
    pub(crate) password_version: i64,
    /// Whether the device keeps its id, and therefore its attempt counter.
    pub(crate) keeps_device: bool,
}

impl<'a> KnownUser<'a> {
    /// Describes a user who has just signed up or changed their password. The device gets a new id, so its attempt
    /// counter starts from zero.
    pub(crate) fn of(user: &'a User, password_version: i64) -> Self {
        Self { id: &user.id, username: &user.username, password_version, keeps_device: false }
    }
}

impl Devices {
    /// Reads the cookie from a request. A cookie that this site did not set, or that was encrypted with a key that is
    /// no longer in use, counts as absent.
    pub(crate) fn find(headers: &HeaderMap, auth: &Authenticator, site: &SiteSettings) -> Self {
        Self::open(COOKIE.find(headers, CookieScope::new(site, auth)), auth)
    }

    /// Like [`Self::find`], but works with a request from any framework.
    pub(super) fn of(client: &ClientInfo, site: &SiteSettings) -> Self {
        let auth = client.authenticator();
        Self::open(COOKIE.find_of(client, CookieScope::new(site, auth)), auth)
    }

    fn open(sealed: Option<&str>, auth: &Authenticator) -> Self {
        let devices = sealed.and_then(|sealed| auth.open_sealed(PURPOSE, sealed));
        let devices = devices.and_then(|json| serde_json::from_slice::<Vec<Device>>(&json).ok()).unwrap_or_default();
        let oldest = (auth.now() - LIFETIME).unix_seconds();
        Self(devices.into_iter().filter(|device| device.at > oldest).collect())
    }

    /// Returns the device that belongs to the user with this name, if this user has logged in with this browser.
    /// Another user might have taken the name since then, so also call [`Device::known_to`].
    pub(crate) fn of_name(&self, name_key: &str) -> Option<&Device> {
        let name = hash(name_key);
        self.0.iter().find(|device| device.name == name)
    }

    /// Returns whether the user has logged in with this browser before. If not, the site sends the user an email about
    /// the log-in.
    pub(crate) fn know(&self, user_id: &str) -> bool {
        self.0.iter().any(|device| device.user == user_id)
    }

    /// Adds the cookie to a response.
    pub(crate) fn remember(
        &self,
        response: Response,
        user: &KnownUser<'_>,
        auth: &Authenticator,
        site: &SiteSettings,
    ) -> Response {
        match self.sealed_with(user, auth) {
            Some(sealed) => COOKIE.set(response, &sealed, CookieScope::new(site, auth)),
            None => response,
        }
    }

    /// Returns the cookie in a form that works with any framework's response.
    pub(crate) fn cookie(&self, user: &KnownUser<'_>, auth: &Authenticator, site: &SiteSettings) -> SetCookies {
        let mut cookies = SetCookies::default();
        if let Some(sealed) = self.sealed_with(user, auth) {
            cookies.push(COOKIE.set_cookie(&sealed, CookieScope::new(site, auth)));
        }
        cookies
    }

    /// Returns the cookie's value, which lists this user first and then the browser's other users, up to [`MAX_USERS`]
    /// in total.
    fn sealed_with(&self, user: &KnownUser<'_>, auth: &Authenticator) -> Option<String> {
        let own = self.0.iter().find(|device| device.user == user.id && user.keeps_device);
        let id = own.map_or_else(|| format!("{:016x}", rand::random::<u64>()), |device| device.id.clone());
        let first = Device {
            user: user.id.to_owned(),
            name: hash(&username_key(user.username)),
            id,
            version: user.password_version,
            at: auth.now().unix_seconds(),
        };
        let others = self.0.iter().filter(|device| device.user != user.id);
        let devices: Vec<&Device> = std::iter::once(&first).chain(others).take(MAX_USERS).collect();
        serde_json::to_vec(&devices).ok().and_then(|json| auth.seal(PURPOSE, &json))
    }
}

impl Device {
    /// Returns this device if it belongs to the user. If the password that was last entered on this device is not the
    /// version `password_version`, the returned device has no id.
    pub(crate) fn known_to(&self, user_id: &str, password_version: i64) -> Option<KnownDevice<'_>> {
        let id = (self.version == password_version).then_some(self.id.as_str());
        (self.user == user_id).then_some(KnownDevice { user: &self.user, id })
    }
}

/// Returns the first 64 bits of the SHA-256 hash, in hexadecimal. 64 bits are enough, because the hash is compared only
/// with the few hashes in the same browser's cookie.
fn hash(name_key: &str) -> String {
    Sha256::digest(name_key.as_bytes()).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
