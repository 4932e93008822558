//! Cookies.

mod cookie_date;
mod domain;
mod name;
mod policy;
mod prefix;
mod resolved;
mod same_site;
mod set_cookie;
mod set_cookies;
mod stored;

pub(crate) use domain::{PublicSuffix, is_cookie_domain, public_suffix};
pub use name::{CookieName, DuplicateCookie};
pub use policy::CookiePolicy;
pub use prefix::CookiePrefix;
pub(crate) use resolved::{CookieSlot, ResolvedPolicy};
pub use same_site::SameSite;
pub use set_cookie::CookieTooLarge;
pub(crate) use set_cookie::Setting;
pub use set_cookies::{CLEAR_CACHE, REGISTRATION, SetCookies};
pub use stored::StoredCookie;
