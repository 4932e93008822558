//! Who is looking, for the frame around every page.

use hardtack_axum::CurrentUser;

use crate::pages::{Notice, Shell, Viewer};
use crate::users::User;

/// The frame of a page for someone logged in.
pub(super) fn shell_of<'a>(user: &'a CurrentUser<User>, notice: Option<Notice<'a>>) -> Shell<'a> {
    shell(user, user.token().csrf_token(), notice)
}

/// The same with a CSRF value that is newer than the request.
pub(super) fn shell<'a>(user: &'a User, csrf_token: &'a str, notice: Option<Notice<'a>>) -> Shell<'a> {
    Shell { viewer: Some(Viewer { name: user.name(), csrf_token }), notice }
}
