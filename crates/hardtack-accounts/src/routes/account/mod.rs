//! `/account` and the forms on it. These routes need either the password or a fresh token, which shows that the user
//! has entered the password recently.

mod page;
mod password;
mod settings;

pub(crate) use page::show;
pub(super) use password::PasswordInput;
pub(crate) use password::change_password;
pub(super) use settings::SettingsInput;
pub(crate) use settings::change_settings;
