//! Settings and why some are refused.

mod base_url;
mod error;
mod jwt_options;
mod settings;

pub use base_url::BaseUrl;
pub use error::ConfigError;
pub use jwt_options::JwtOptions;
pub(crate) use settings::{CsrfNames, CsrfSettings, Settings};
pub use settings::{Lifetime, RefreshMode, Urls};
