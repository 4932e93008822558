//! Sessions that are bound to a device (Device Bound Session Credentials, w3c/webappsec-dbsc).
//!
//! A browser that supports it creates a key pair, keeps the private key in the device's hardware, and proves at each
//! refresh that it has the key. Cookies that are copied to another device are then worthless there as soon as the access
//! token expires.
//!
//! 1. The response to a log-in, a sign-up or a password change asks the browser to register a key. It contains a
//!    challenge.
//! 2. The browser posts a proof with its public key to [`Urls::bind`](crate::Urls::bind), and gets instructions: which
//!    cookie is bound, and where to refresh it.
//! 3. Before the cookie expires, the browser posts to [`Urls::bound`](crate::Urls::bound), with a proof over another
//!    challenge.
//!
//! [`AuthenticatorBuilder::device_binding`](crate::AuthenticatorBuilder::device_binding) turns this on. Browsers that do
//! not support it, such as Firefox and Safari, ignore the field, and their sessions work as before.
//!
//! What a thief of the cookies of a bound session still has: the access token, until it expires. What is not prevented:
//! malware that stays on the device can use the key there, and malware that was there at the log-in can register a key of
//! its own. Nor can the server know whether the browser keeps the key in hardware. If the browser loses the key, the user
//! logs in again; a session is never bound twice.
//!
//! This module contains the formats and the cryptography. It does no I/O. Rules that hold throughout:
//!
//! - A proof says that the browser has the key, and nothing else. The session is known from the refresh cookie, which is
//!   always required as well.
//! - No field of the request may weaken a check. `Secure-Session-Skipped` is therefore not read at all.
//! - A challenge need not be remembered: it contains its time and a MAC over the session and the session's generation. A
//!   proof moves the session to the next generation, so it cannot be used again.
//! - A challenge that is too old or of another generation is no attack, because browsers cache challenges. The response
//!   contains a new one.

mod challenge;
mod device_key;
mod fields;
mod instructions;
mod proof;

pub(crate) use challenge::{Challenges, Purpose};
pub use device_key::DeviceKey;
pub(crate) use fields::{CHALLENGE, ID, PROOF, challenge_field, read_value, registration_field};
pub(crate) use instructions::{Instructions, ended};
pub(crate) use proof::{ProofError, read_refresh, read_registration};
