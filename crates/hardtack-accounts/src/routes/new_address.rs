//! The notice that tells a user, after a sign-up, which address to confirm.

use std::time::Duration;

use crate::pages::FEW_AN_HOUR;
use crate::respond;
use crate::site::Site;
use crate::users::User;

/// How long after sign-up the home page reminds the user which address to confirm. The account page always shows this
/// address.
const JUST_SIGNED_UP: Duration = Duration::from_secs(10 * 60);

/// Returns the notice for a user who has just signed up. `done` is `signup` on the first page after the sign-up, or
/// `signup-limited` if too many emails have been sent. On later pages, the notice must not announce another email.
/// Returns `None` if there is no address to confirm.
pub(super) async fn new_address(site: &Site, user: &User, done: &str) -> Option<String> {
    let User { email, .. } = user;
    let is_new = site.auth.now().since(user.created_at) <= JUST_SIGNED_UP;
    if !site.accounts.sends_mail() || !is_new || email.is_empty() || user.email_confirmed {
        return None;
    }
    let was_sent = site.accounts.has_sent_confirmation(user).await.unwrap_or_else(|error| {
        respond::warn_of_missing(&error);
        false
    });
    match was_sent {
        true if done == "signup" => Some(format!(
            "Open the link that we send to {email} to confirm the address. The link works for one day. If you \
             cannot find the email, check your spam folder, or send it again on your account page. {FEW_AN_HOUR}"
        )),
        true => Some(format!(
            "{email} is not confirmed yet. Open the link in the email that we sent you, or send it again on your \
             account page."
        )),
        false => (done == "signup-limited").then(|| {
            format!(
                "We have not sent a link to {email}, because too many emails were requested in the last hour. To confirm \
                 the address, request the link on your account page in an hour."
            )
        }),
    }
}
