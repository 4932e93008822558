//! Whether sessions can be bound to devices.

/// Whether browsers are offered to bind a session to their device. See [`device_binding`](crate::device_binding).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeviceBinding {
    /// No session is bound. Sessions that are bound already stay bound: they cannot be refreshed without the device's
    /// key.
    #[default]
    Off,
    /// The response to a log-in, a sign-up or a password change asks the browser to bind the new session. Browsers that
    /// do not support this ignore it, and their sessions work as before.
    Offer,
}
