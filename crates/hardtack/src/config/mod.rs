//! Settings of an authenticator.

mod claims_policy;
mod device_binding;
mod lifetime;
mod refresh_mode;
mod setting_names;
mod settings;

pub use crate::body::ReadAheadLimits;
pub use claims_policy::ClaimsPolicy;
pub use device_binding::DeviceBinding;
pub use lifetime::Lifetime;
pub use refresh_mode::RefreshMode;
pub(crate) use setting_names::SettingNames;
pub(crate) use settings::Settings;
