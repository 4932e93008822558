//! What the layer adds to a response on its way out.

use super::Memo;
use crate::cookie::{CookieSlot, SetCookies};

/// Additions to a response.
#[derive(Debug, Default)]
#[must_use = "these belong on the response"]
pub struct Finish {
    /// `Set-Cookie` fields to append.
    pub cookies: SetCookies,
    /// Whether the response is one person's and no cache may keep it (ASVS 5.0 V14.3.2): [`NO_STORE`]
    /// is to be set in place of any other such field.
    ///
    /// [`NO_STORE`]: crate::failure::NO_STORE
    pub private: bool,
}

impl Memo {
    /// Decides what to add to a response, given the `Set-Cookie` values that it has already, which may be looked
    /// up as they are asked for: they seldom are. Cookies of a refresh are left out where the handler set or
    /// deleted tokens itself: a refresh never undoes a log-out.
    #[inline]
    pub fn finish<'r>(&self, set_cookies: impl IntoIterator<Item = &'r [u8]>) -> Finish {
        // Private already, whatever it sets: the usual response, whose fields are not even looked up.
        if self.is_authenticated() && !self.owes_cookies() {
            return Finish { cookies: SetCookies::default(), private: true };
        }
        self.finish_with_cookies(&mut set_cookies.into_iter())
    }

    fn finish_with_cookies(&self, set_cookies: &mut dyn Iterator<Item = &[u8]>) -> Finish {
        let policy = self.engine().cookies();
        let all = [&policy.access, &policy.refresh, &policy.csrf_access, &policy.csrf_refresh, &policy.pre_session];
        let names = |value: &[u8], slot: &CookieSlot| {
            value.strip_prefix(slot.name.as_str().as_bytes()).is_some_and(|rest| rest.starts_with(b"="))
        };
        let (mut tokens_set, mut any_set) = (false, false);
        for value in set_cookies {
            tokens_set |= names(value, &policy.access) || names(value, &policy.refresh);
            any_set |= all.iter().any(|slot| names(value, slot));
        }
        let pending = self.take_cookies();
        let cookies = if tokens_set { SetCookies::default() } else { pending };
        let private = self.is_authenticated() || any_set || !cookies.is_empty();
        Finish { cookies, private }
    }
}
