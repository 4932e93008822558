//! `/account` and the forms on it. All of them need a fresh token, which shows that the user has entered the
//! password recently.

pub(super) mod draft;
mod fresh;
mod page;
mod password;
mod settings;

pub(crate) use page::show;
pub(crate) use password::change_password;
pub(crate) use settings::change_settings;
