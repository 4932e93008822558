//! The setting for device binding.

use super::AuthenticatorBuilder;
use crate::config::DeviceBinding;

impl AuthenticatorBuilder {
    /// Sets whether the authenticator asks browsers to bind sessions to their devices. Default: [`DeviceBinding::Off`].
    ///
    /// If someone copies the cookies of a bound session to another device, the cookies stop working there when the
    /// access token expires. The module [`device_binding`](crate::device_binding) explains what device binding does not
    /// prevent.
    ///
    /// With [`DeviceBinding::Offer`], the application needs two routes for POST requests:
    /// - [`Urls::bind`](crate::Urls::bind) calls `Auth::bind_device`.
    /// - [`Urls::bound`](crate::Urls::bound) calls `Auth::refresh_bound`.
    ///
    /// The routes that call `Auth::bind_device` and `Auth::refresh_bound` must not require a token. Make sure that no
    /// middleware, proxy or rate limit responds to requests for these routes with a 4xx status, because the browser
    /// would then forget the session.
    ///
    /// Browsers sign their proofs with ES256 or RS256, so [`DeviceBinding::Offer`] needs the feature `asymmetric`.
    /// Without the feature, `build` returns an error.
    ///
    /// Browsers bind sessions only over https, so the authenticator does not ask browsers to do so over http.
    pub fn device_binding(mut self, binding: DeviceBinding) -> Self {
        self.settings.binding = binding;
        self
    }
}
