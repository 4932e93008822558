//! Sessions that are bound to a device (Device Bound Session Credentials, w3c/webappsec-dbsc).
//!
//! A browser that supports device binding creates a key pair, and keeps the private key in the device's hardware. At
//! each refresh, the browser proves that it has this key. If someone copies the cookies to another device, the copies
//! are worthless as soon as the access token has expired.
//!
//! 1. The response to a log-in, a sign-up or a password change contains a challenge, and asks the browser to register a
//!    key.
//! 2. The browser posts a proof with its public key to [`Urls::bind`](crate::Urls::bind). The response tells the
//!    browser which cookie is bound, and where to refresh the session.
//! 3. Before the cookie expires, the browser posts a proof for another challenge to
//!    [`Urls::bound`](crate::Urls::bound).
//!
//! To turn device binding on, call
//! [`AuthenticatorBuilder::device_binding`](crate::AuthenticatorBuilder::device_binding), which requires the feature
//! `asymmetric`. Browsers without support for device binding, such as Firefox and Safari, do not register a key, and
//! their sessions work as before.
//!
//! A thief who has copied the cookies of a bound session can use the access token until it expires. Device binding does
//! not protect against malware on the device. Malware that runs during the log-in can register its own key. Malware
//! that runs later can use the device's key as long as the malware stays on the device. The server cannot check whether
//! the browser keeps the key in hardware. A session is bound only once, so if the browser loses the key, the user has
//! to log in again.
//!
//! This module contains the formats and the cryptography, and does no I/O. Its rules:
//!
//! - A proof shows only that the browser has the key. The refresh cookie identifies the session, so the server always
//!   requires this cookie in addition to the proof.
//! - A request header must never weaken a check, so the server ignores `Secure-Session-Skipped`.
//! - The server does not store challenges. A challenge contains the time at which it was issued, and a MAC over this
//!   time, the purpose, the session and the session's generation. A refresh with a proof moves the session to the next
//!   generation, so the proof cannot be used again.
//! - A challenge that is too old, or that was issued for a different generation, is not a sign of an attack, because
//!   browsers cache challenges. The response then contains a new challenge.

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
