//! Ends the session of the browser that sent a request, if the request has ended all sessions of the logged-in user.

use hardtack::adapter::LogLimit;
use hardtack::error::WithCauses;
use hardtack::session::EndedSessions;
use hardtack_axum::Auth;
use http::Uri;

use crate::extract::user_of_refused;
use crate::site::Site;

/// Ends the sessions that must end because of a committed change, as [`Site::finish_ending`] does. If the browser is
/// logged in as the user whose sessions end, the browser's own session ends too, even if the store has lost that
/// session's row.
pub(super) async fn finish_ending(site: &Site, auth: &Auth, ended: EndedSessions) -> bool {
    let subject = ended.subject().map(str::to_owned);
    site.finish_ending(ended).await && end_own_session(site, auth, subject.as_deref()).await
}

static NOT_ENDED: LogLimit = LogLimit::new("not_ended");

/// Ends the session of the request's access token if the token is valid and belongs to the user `subject`. Returns
/// `false` if the session store failed.
async fn end_own_session(site: &Site, auth: &Auth, subject: Option<&str>) -> bool {
    let Some(user) = user_of_refused(auth.headers(), &Uri::default(), site).await else { return true };
    if subject != Some(user.token().subject()) {
        return true;
    }
    let result = site.auth.revoke_session_of(user.token()).await;
    if let Err(error) = &result {
        NOT_ENDED.add(|not_logged| tracing::error!(event = "not_ended", not_logged, error = %WithCauses(error)));
    }
    result.is_ok()
}
