//! The types that most applications need: `use hardtack_axum::prelude::*`.

#[doc(no_inline)]
pub use crate::{
    AccessToken, Auth, AuthError, AuthLayer, Authenticator, CurrentUser, FindUser, FreshAccessToken, KeySet, LogIn,
    MemorySessions, Need, RefreshToken, Require, SetCookies, VerifiedToken,
};
