//! Says what each of a site's cookies is for.

use crate::authenticator::Authenticator;
use crate::explain::without_prefix;
use crate::jwt::TokenKind;

impl Authenticator {
    /// Returns a sentence that says what a cookie is for, or `None` if the site has no cookie with this name.
    ///
    /// The names of the application's own cookies are compared without their prefixes.
    pub(super) fn purpose_of(&self, name: &str) -> Option<String> {
        let (policy, settings) = (self.cookies(), self.settings());
        let header = |kind| &settings.csrf.names(kind).header;
        let own = [
            (&policy.access, "contains the access token, which says who is logged in".to_owned()),
            (
                &policy.refresh,
                "contains the refresh token, which the server exchanges for a new access token".to_owned(),
            ),
            (
                &policy.csrf_access,
                format!(
                    "contains the CSRF value of the access token. Scripts send this value in the header `{}`",
                    header(TokenKind::Access)
                ),
            ),
            (
                &policy.csrf_refresh,
                format!(
                    "contains the CSRF value of the refresh token. Scripts send this value in the header `{}`",
                    header(TokenKind::Refresh)
                ),
            ),
            (
                &policy.pre_session,
                "protects forms that are sent before the user logs in. Its value has to match the form's hidden field"
                    .to_owned(),
            ),
            (
                &policy.notice,
                "tells the log-in page why the last log-in was refused, and lasts until the page has shown the reason"
                    .to_owned(),
            ),
            (
                &policy.device,
                "lists the accounts that were used to log in from this browser. It is not a credential".to_owned(),
            ),
            (
                &policy.device_proof,
                "records how the server last told the browser to repeat a request with a proof of its device's key"
                    .to_owned(),
            ),
            (
                &policy.reauthentication,
                "shows that the browser has received the response to the last re-authentication. It is useless without \
                 one of the session's refresh tokens"
                    .to_owned(),
            ),
        ];
        let log_in_state = format!("{}_", policy.log_in_state.name.as_str());
        if name.starts_with(&log_in_state) {
            // The rest of the name is secret.
            return Some(format!("The cookie `{log_in_state}…` belongs to an unfinished log-in at another site."));
        }
        let own = own.into_iter().find(|(slot, _)| slot.name.as_str() == name).map(|(_, purpose)| purpose);
        let purpose = own.or_else(|| {
            let name = without_prefix(name);
            let in_realm = settings.realm.as_deref().and_then(|realm| name.strip_prefix(realm)?.strip_prefix('_'));
            let is_it = |other: &str| other == name || Some(other) == in_realm;
            let described = settings.described_cookies.iter().find(|(other, _)| is_it(other));
            described.map(|(_, purpose)| (*purpose).to_owned())
        });
        purpose.map(|purpose| format!("The cookie `{name}` {purpose}."))
    }
}
