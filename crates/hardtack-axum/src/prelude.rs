//! The types that most applications need: `use hardtack_axum::prelude::*`.

#[doc(no_inline)]
pub use crate::{
    AccessToken, Auth, AuthError, AuthLayer, Authenticator, CurrentUser, FindUser, FreshAccessToken, HasRole, KeySet,
    LogIn, MemorySessions, Need, RefreshToken, Require, Role, SetCookies, VerifiedToken,
};
