//! The pages that links lead to, and sites that send no email.

use std::fs;

use serde_json::json;

use super::{ADDRESS, Mailing, NEW, confirm, forgot, link_of, set_email, token_of};
use crate::support::*;

/// The reset form shows one user and cannot change another user's password, and neither can any other form.
#[tokio::test(flavor = "multi_thread")]
async fn a03_s78_a_form_changes_only_the_user_it_was_opened_for() {
    let mailing = Mailing::start(false).await;
    mailing.ada().await;
    let mut eve = mailing.site.client();
    sign_up(&mut eve, "eve").await;
    set_email(&mut eve, "eve@mail.example").await;
    assert_eq!(confirm(&mailing.site, &token_of(&mailing.mail("eve@mail.example").await)).await.status(), 200);
    assert_eq!(forgot(&mailing.site, "eve@mail.example").await.status(), 200);
    let eves = link_of(&mailing.mail("eve@mail.example").await);
    let adas = format!("/password/reset?token={}", mailing.reset_token().await);

    // Ada has her form open, and another link is opened in the browser.
    let mut browser = mailing.site.client();
    let form = open(&mut browser, &adas).await;
    assert!(form.text().contains("ada"));
    let eves_form = open(&mut browser, &eves).await;
    let typed = [("new_password", NEW)];
    let refused = submit(&mut browser, &form, "/password/reset", &typed).await;
    assert_eq!(refused.status(), 403, "{}", refused.text());
    assert!(refused.text().contains("Nothing was changed."), "{}", refused.text());
    // The form is also refused without the field, and after the cookie has expired.
    let fields: Vec<_> =
        filled(&form, "/password/reset", &typed).into_iter().filter(|(name, _)| name != "link").collect();
    assert_eq!(browser.post("/password/reset").accept_html().form(&fields).send().await.status(), 403);
    let mut forgetful = browser.clone();
    forgetful.jar().remove("mail_link");
    assert_eq!(submit(&mut forgetful, &form, "/password/reset", &typed).await.status(), 403);
    for name in ["ada", "eve"] {
        assert_eq!(log_in(&mut mailing.site.client(), name, PASSWORD).await.status(), 200, "{name}");
    }
    // Each form works for its own link.
    assert_eq!(submit(&mut browser, &eves_form, "/password/reset", &typed).await.status(), 303);
    assert_eq!(log_in(&mut mailing.site.client(), "eve", NEW).await.status(), 200);
    let form = open(&mut browser, &adas).await;
    assert_eq!(submit(&mut browser, &form, "/password/reset", &typed).await.status(), 303);

    // A form that one user opened has no effect for the next user of the browser.
    let mut browser = mailing.site.client();
    assert_eq!(log_in(&mut browser, "ada", NEW).await.status(), 200);
    let (account, again) = (open(&mut browser, "/account").await, open(&mut browser, "/reauthenticate").await);
    assert_eq!(log_in(&mut browser, "eve", NEW).await.status(), 200);
    let passwords = [("current_password", NEW), ("new_password", "changed by a form of another")];
    assert_eq!(submit(&mut browser, &account, "/account/password", &passwords).await.status(), 403);
    assert_eq!(
        submit(&mut browser, &account, "/account/change_settings", &[("display_name", "x")]).await.status(),
        403
    );
    assert_eq!(submit(&mut browser, &again, "/reauthenticate", &[("password", NEW)]).await.status(), 403);
    assert_eq!(log_in(&mut browser, "eve", NEW).await.status(), 200, "nothing was changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_links_work_in_a_browser() {
    let mailing = Mailing::start(false).await;
    let mut ada = mailing.site.client();
    sign_up(&mut ada, "ada").await;
    let page = open(&mut ada, "/account").await;
    let typed = [("email", ADDRESS), ("current_password", PASSWORD)];
    let saved = submit(&mut ada, &page, "/account/change_settings", &typed).await;
    assert_eq!(saved.header("location"), Some("/account?done=settings-link"));
    let page = open(&mut ada, "/account?done=settings-link").await;
    let announced = format!("Your settings have been saved. Open the link that we send to {ADDRESS}.");
    assert!(page.text().contains(&announced), "{}", page.text());
    assert!(page.text().contains("is not confirmed yet"));
    // A form that leaves the address as it is causes no email.
    let saved = submit(&mut ada, &page, "/account/change_settings", &[("display_name", "Ada L.")]).await;
    assert_eq!(saved.header("location"), Some("/account?done=settings"));
    let page = open(&mut ada, "/account?done=settings").await;
    assert!(page.text().contains("Your settings have been saved.</p>"), "{}", page.text());
    mailing.mail(ADDRESS).await;
    let sent = submit(&mut ada, &page, "/account/email/send", &[]).await;
    assert_eq!(sent.header("location"), Some("/account?done=letter"));
    let page = open(&mut ada, "/account?done=letter").await;
    for text in [format!("Open the link that we send to {ADDRESS}.</p>").as_str(), "you might have to wait an hour"] {
        assert!(page.text().contains(text), "{text}: {}", page.text());
    }

    let link = link_of(&mailing.mail(ADDRESS).await);
    let mut phone = mailing.site.client();
    let first = phone.get(&link).accept_html().send().await;
    assert_eq!((first.status().as_u16(), first.header("location")), (303, Some("/email/confirm")));
    assert_eq!(first.header("referrer-policy"), Some("no-referrer"));
    let kept = first.set_cookie("mail_link").unwrap();
    assert!(kept.http_only && kept.path == "/email/confirm" && kept.max_age == Some(600), "{}", kept.raw);
    let page = open(&mut phone, "/email/confirm").await;
    assert!(page.text().contains("ada") && !page.text().contains(link.split_once('=').unwrap().1));
    let done = submit(&mut phone, &page, "/email/confirm", &[]).await;
    assert_eq!(done.header("location"), Some("/?done=email"));
    let page = open(&mut ada, "/account?done=letter").await;
    assert!(page.text().contains("Your email address is confirmed."), "{}", page.text());
    assert!(!page.text().contains("is not confirmed yet") && !page.text().contains("Open the link"));
    assert_eq!(open(&mut phone, "/email/confirm").await.status(), 410);

    let page = open(&mut phone, "/password/forgot").await;
    let wrong = submit(&mut phone, &page, "/password/forgot", &[("email", "nobody")]).await;
    assert_eq!(wrong.status(), 422);
    let asked = submit(&mut phone, &wrong, "/password/forgot", &[("email", ADDRESS)]).await;
    assert_eq!(asked.header("location"), Some("/password/forgot?done=1"));
    let link = link_of(&mailing.mail(ADDRESS).await);
    let page = open(&mut phone, &link).await;
    assert_eq!(page.status(), 200, "{}", page.text());
    let wrong = submit(&mut phone, &page, "/password/reset", &[("new_password", "short")]).await;
    assert_eq!(wrong.status(), 422);
    let done = submit(&mut phone, &wrong, "/password/reset", &[("new_password", NEW)]).await;
    assert_eq!(done.header("location"), Some("/login?done=reset"));
    assert_eq!(log_in(&mut phone, "ada", NEW).await.status(), 200);
    assert_eq!(open(&mut phone, "/password/reset").await.status(), 410);
}

#[tokio::test(flavor = "multi_thread")]
async fn s48_the_forms_of_other_sites_do_nothing() {
    let mailing = Mailing::start(false).await;
    let mut ada = mailing.ada().await;
    let token = mailing.reset_token().await;
    for path in ["/password/forgot", "/password/reset", "/email/confirm", "/account/email/send"] {
        let fields = [("email".to_owned(), ADDRESS.to_owned()), ("token".to_owned(), token.clone())];
        let request = ada.post(path).accept_html().form(&fields);
        assert_eq!(request.header("sec-fetch-site", "cross-site").send().await.status(), 403, "{path}");
        assert_eq!(ada.post(path).accept_html().form(&fields).send().await.status(), 403, "{path}: without a token");
    }
    assert!(mailing.mails().await.is_empty());
    // If there are two cookies with the same name, an attacker may have set one of them.
    let cookie = format!("mail_link={token}; mail_link={token}");
    let page = mailing.site.client().get("/password/reset").accept_html().raw_cookie_header(&cookie).send().await;
    assert_eq!(page.status(), 410);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_that_does_not_send_email_says_so() {
    let site = TestSite::start(Options::default()).await;
    let page = open(&mut site.client(), "/password/forgot").await;
    assert!(page.text().contains("This site does not send email"));
    assert!(page.text().contains("ask the administrator for a reset link"), "{}", page.text());
    let asked = site.client().post("/password/forgot").accept_json().json(&json!({ "email": ADDRESS })).send().await;
    assert_eq!((asked.status().as_u16(), asked.json()["code"].as_str()), (501, Some("no_mail")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_outbox_is_readable_by_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;

    let mailing = Mailing::start(false).await;
    mailing.ada().await;
    forgot(&mailing.site, ADDRESS).await;
    flush(&mailing.site.accounts).await;
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&mailing.outbox), 0o700);
    let file = fs::read_dir(&mailing.outbox).unwrap().next().unwrap().unwrap().path();
    assert_eq!(mode(&file), 0o600);
}
