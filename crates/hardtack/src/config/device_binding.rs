//! Whether sessions can be bound to devices.

/// Whether the authenticator asks browsers to bind sessions to their devices. See
/// [`device_binding`](crate::device_binding).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeviceBinding {
    /// No new session is bound to a device. A session that is already bound stays bound, so each refresh still needs a
    /// proof that the browser has the device's key.
    #[default]
    Off,
    /// The response to a log-in, a sign-up or a password change contains a header that asks the browser to bind the new
    /// session. Browsers that do not support device binding ignore this header, and their sessions work as before.
    Offer,
}
