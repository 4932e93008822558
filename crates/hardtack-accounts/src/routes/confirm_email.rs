//! `/email/confirm`, which confirmation links lead to, and `/account/email/send`, which sends another confirmation
//! link.

use axum::extract::{FromRequest, Request, State};
use axum::response::{IntoResponse, Response};
use hardtack::request::Wants;
use hardtack_axum::{Auth, AuthError, CurrentUser};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use super::link_page::{LinkPage, SentLink};
use super::link_used;
use crate::accounts::DeadLink;
use crate::activity::RequestInfo;
use crate::extract::{AccountForm, FormOrJson, NoInput, SentForm, done, shell_of};
use crate::links::{LinkPurpose, LinkToken};
use crate::mail::MailLimit;
use crate::pages::{ConfirmEmailView, ErrorView, FEW_AN_HOUR, Notice, Shell, confirm_email, error_page};
use crate::respond;
use crate::site::Site;
use crate::throttling::{Client, Tried};
use crate::users::User;

const PAGE: LinkPage = LinkPage::new(
    "/email/confirm",
    |_| {
        "If you have already confirmed the address, there is nothing to do. Otherwise, the link may have expired, or \
         your account may have changed since the link was sent. Request a new link on your account page."
            .to_owned()
    },
    ("/account", "Go to your account"),
);

pub(crate) async fn show(State(site): State<Site>, auth: Auth) -> Result<Response, AuthError> {
    if let Some(redirect) = PAGE.move_token_to_cookie(&site, &auth) {
        return Ok(redirect);
    }
    if done(&auth).is_some() {
        return Ok(link_used::message(&site, &auth, "email").await);
    }
    show_form(&site, &auth, StatusCode::OK, &Shell::unknown(&site.settings)).await
}

async fn show_form(site: &Site, auth: &Auth, status: StatusCode, shell: &Shell<'_>) -> Result<Response, AuthError> {
    let Some(token) = PAGE.token(site, auth) else { return Ok(PAGE.dead_link(site, auth)) };
    let link = site.accounts.find_link(&token, LinkPurpose::ConfirmEmail, auth.authenticator().now()).await;
    let Some(link) = link.map_err(|error| auth.refuse(error))? else { return Ok(PAGE.dead_link(site, auth)) };
    let (csrf_token, cookies) = auth.pre_session()?;
    let form_key = token.form_key();
    let (csrf_token, username, address) = (&csrf_token, &link.username, &link.address);
    let page = confirm_email(shell, &ConfirmEmailView { csrf_token, form_key: &form_key, username, address });
    Ok((cookies, respond::page(status, page)).into_response())
}

pub(crate) async fn submit(
    State(site): State<Site>,
    auth: Auth,
    request: RequestInfo,
    client: Client,
    FormOrJson(link): FormOrJson<SentLink>,
) -> Result<Response, AuthError> {
    if let Err(error) = auth.require_pre_session() {
        return match PAGE.shell_of_unverified(&site, &auth, &error) {
            Some(shell) => show_form(&site, &auth, StatusCode::FORBIDDEN, &shell).await,
            None => Err(error),
        };
    }
    match PAGE.sent_token(&link, &site, &auth) {
        Ok(token) => {
            let work = Box::pin(confirm(site.clone(), auth.clone(), token, (request, client)));
            site.run_uninterrupted(&auth, work).await
        }
        Err(response) => Ok(*response),
    }
}

async fn confirm(
    site: Site,
    auth: Auth,
    token: LinkToken,
    (request, client): (RequestInfo, Client),
) -> Result<Response, AuthError> {
    let wants = auth.wants();
    let attempt = match site.accounts.throttling().by_address(Tried::Link, &client, &request).await {
        Ok(attempt) => attempt,
        Err(refused) => return Ok(respond::too_many(wants, &refused)),
    };
    match site.accounts.use_confirmation_link(&token, &request).await {
        Ok(link) => {
            attempt.succeeded().await;
            let body = json!({ "detail": "Your email address has been confirmed." });
            let done = if site.settings.is_demo { "/?done=email" } else { "/email/confirm?done=email" };
            let success = respond::success(wants, &site.path(done), body);
            Ok(PAGE.clear_token(link_used::remember(success, &link.user_id, &site, wants), &site))
        }
        Err(error) => Ok(match respond::invalid_input(wants, error) {
            Ok(DeadLink) => PAGE.dead_link(&site, &auth),
            Err(response) => *response,
        }),
    }
}

/// The form whose button sends another confirmation link. The form has no inputs for the user to fill in.
pub(crate) struct SendAgainForm;

impl AccountForm for SendAgainForm {
    const PAGE: &'static str = "/account";
    const UNCHANGED: Option<&'static str> = Some("unsent");
    const OUT_OF_DATE: &'static str = "To send the email, go to your account, and send it from there.";

    async fn read(request: Request, site: &Site) -> Result<Self, Response> {
        NoInput::from_request(request, site).await.map(|NoInput| Self)
    }

    async fn show_again(
        self,
        site: &Site,
        _: &Auth,
        user: &CurrentUser<User>,
        notice: Notice<'_>,
    ) -> Result<Response, AuthError> {
        // The account page, which contains the button, needs a recent log-in. Show an error page instead.
        let status = StatusCode::FORBIDDEN;
        let view = ErrorView {
            status: status.as_u16(),
            title: "No email was sent",
            explanation: notice.text,
            action: Some(("/account", "Go to your account")),
        };
        Ok(respond::page(status, error_page(&shell_of(&site.settings, user, None), &view)))
    }
}

pub(crate) async fn send_again(
    State(site): State<Site>,
    auth: Auth,
    request: RequestInfo,
    SentForm { user, .. }: SentForm<SendAgainForm>,
) -> Response {
    let wants = auth.wants();
    if !site.accounts.sends_mail() {
        let detail = "This site does not send email, so addresses cannot be confirmed.";
        return respond::problem(wants, StatusCode::NOT_IMPLEMENTED, "no_mail", detail, &[]);
    }
    let tried = Tried::ConfirmationRequest;
    if let Err(refused) = site.accounts.throttling().by_user(tried, &user.id, &request).await {
        return respond::too_many(wants, &refused);
    }
    match site.accounts.queue_confirmation(&user, &request).await {
        Ok(None) => {}
        Ok(Some(limit)) => return limited(&site, &user, &limit, wants),
        Err(error) => return respond::unavailable(wants, &error),
    }
    let detail = format!("If your address is not confirmed yet, we will send a link to it. {FEW_AN_HOUR}");
    let body = json!({ "detail": detail });
    respond::success(wants, &site.path("/account?done=letter"), body)
}

/// Responds with a message that says why no email was sent, and when one can be sent.
fn limited(site: &Site, user: &CurrentUser<User>, limit: &MailLimit, wants: Wants) -> Response {
    let (status, text) = (StatusCode::TOO_MANY_REQUESTS, limit.explain(&user.email));
    let mut response = match wants {
        Wants::Page => {
            let (title, action) = ("No email was sent", Some(("/account", "Go to your account")));
            let view = ErrorView { status: status.as_u16(), title, explanation: &text, action };
            respond::page(status, error_page(&shell_of(&site.settings, user, None), &view))
        }
        _ => respond::problem(wants, status, "too_many_emails", &text, &[]),
    };
    let seconds = HeaderValue::from(limit.retry_after.as_secs().max(1));
    response.headers_mut().insert(header::RETRY_AFTER, seconds);
    response
}
