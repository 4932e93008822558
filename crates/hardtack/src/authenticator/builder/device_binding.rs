//! The setting for sessions that are bound to devices.

use super::AuthenticatorBuilder;
use crate::config::DeviceBinding;

impl AuthenticatorBuilder {
    /// Sets whether browsers are offered to bind sessions to their devices. Default: [`DeviceBinding::Off`].
    ///
    /// Cookies that are copied from a bound session to another device are worthless there once the access token has
    /// expired. The guide to [`device_binding`](crate::device_binding) says what a thief still has.
    ///
    /// With [`DeviceBinding::Offer`], the application needs two routes: a POST to [`Urls::bind`](crate::Urls::bind) that
    /// calls `Auth::bind_device`, and one to [`Urls::bound`](crate::Urls::bound) that calls `Auth::refresh_bound`. They
    /// must not require a token, and nothing in front of them may answer with a 4xx status, such as a rate limit,
    /// because the browser would then end its session.
    ///
    /// Browsers bind over https only, so nothing is offered over http.
    pub fn device_binding(mut self, binding: DeviceBinding) -> Self {
        self.settings.binding = binding;
        self
    }
}
