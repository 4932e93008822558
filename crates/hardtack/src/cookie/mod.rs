//! Cookies: found byte for byte, set and deleted by one policy.

mod find;
mod policy;
mod render;
mod set_cookies;

pub use find::{CookieName, DuplicateCookie};
pub use policy::{CookiePolicy, CookiePrefix, SameSite};
pub(crate) use policy::{CookieSlot, ResolvedPolicy, is_cookie_domain, is_cookie_path};
pub use render::CookieTooLarge;
pub(crate) use render::Setting;
pub use set_cookies::SetCookies;
