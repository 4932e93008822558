//! What emails say, when warnings are sent, and what pages say about emails.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hardtack::clock::{Clock, SystemClock};
use hardtack_test_support::client::Client;
use serde_json::json;

use crate::mail::{Mailing, confirm, forgot, link_of, set_email, token_of};
use crate::recording_site::RecordingSite;
use crate::support::*;

const ADDRESS: &str = "ada@mail.example";
const NEW: &str = "another password of hers";

hardtack_test_support::on_every_store! {
    [on_sqlite: false, on_postgres: true]
    {
        s85_a11_a_new_password_on_the_account_page_is_announced,
        s85_a_new_device_is_announced_and_a_known_one_is_not,
        s85_a_name_that_an_operator_changes_is_announced,
        s76_undoing_a_new_address_can_also_set_a_password,
    }
}

async fn log_in_with(mut client: Client, agent: &str, from: &str) -> Client {
    let body = json!({ "username": "ada", "password": PASSWORD });
    let request = client.post("/login").accept_json().header("user-agent", agent).header("x-forwarded-for", from);
    assert_eq!(request.json(&body).send().await.status(), 200);
    client
}

async fn s85_a11_a_new_password_on_the_account_page_is_announced(on_postgres: bool) {
    let mailing = Mailing::start(on_postgres).await;
    let mut ada = mailing.ada().await;
    let page = open(&mut ada, "/account").await;
    let typed = [("current_password", PASSWORD), ("new_password", NEW)];
    let saved = submit(&mut ada, &page, "/account/password", &typed).await;
    assert_eq!(saved.location(), Some("/account?done=password"));
    let letter = mailing.mail(ADDRESS).await;
    assert!(letter.contains("Subject: Your password was changed\n"), "{letter}");
    assert!(letter.contains("On site.example, the password for your account \"ada\" was changed."), "{letter}");
    // Plain text and HTML.
    assert!(letter.contains("\nContent-Type: multipart/alternative; boundary="), "{letter}");
    for part in ["text/plain", "text/html"] {
        assert!(letter.contains(&format!("\nContent-Type: {part}; charset=utf-8\n")), "{letter}");
    }
    let link = "https://site.example/password/forgot";
    assert!(letter.contains(&format!("\n{link}\n")) && letter.contains(&format!("<a href=\"{link}\">{link}</a>")));
    // An unconfirmed address may belong to a stranger, so no email is sent to it.
    let mut bob = mailing.site.client();
    sign_up(&mut bob, "bob").await;
    set_email(&mut bob, "stranger@mail.example").await;
    mailing.mail("stranger@mail.example").await;
    let body = json!({ "current_password": PASSWORD, "new_password": NEW });
    assert_eq!(bob.post("/account/password").accept_json().csrf().json(&body).send().await.status(), 200);
    assert!(mailing.mails().await.is_empty());
}

async fn s85_a_new_device_is_announced_and_a_known_one_is_not(on_postgres: bool) {
    let mailing = Mailing::start(on_postgres).await;
    mailing.ada().await;
    let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    let browser = log_in_with(mailing.site.client(), firefox, "192.0.2.1").await;
    let letters = mailing.all_mails().await;
    let [letter] = &letters[..] else { panic!("{letters:?}") };
    assert!(letter.contains(&format!("\nTo: {ADDRESS}\n")), "{letter}");
    assert!(letter.contains("Subject: New device logged in\n"), "{letter}");
    assert!(letter.contains("\nFirefox on Linux, address 192.0.2.1, on "), "{letter}");
    assert!(letter.contains("\nhttps://site.example/account/sessions\n"), "{letter}");
    // No email is sent about a known browser, nor about a wrong password.
    log_in_with(browser, firefox, "192.0.2.2").await;
    assert_eq!(log_in(&mut mailing.site.client(), "ada", "not it at all").await.status(), 401);
    // An API client without cookies does not cause an email at each log-in.
    log_in_with(mailing.site.client(), "curl/8.14.1", "192.0.2.1").await;
    assert!(mailing.all_mails().await.is_empty());
}

async fn s85_a_name_that_an_operator_changes_is_announced(on_postgres: bool) {
    let mailing = Mailing::start(on_postgres).await;
    mailing.ada().await;
    let (_, ended) = mailing.site.accounts.rename("ada", "me.at.evil", mailing.site.auth.now()).await.unwrap();
    assert!(mailing.site.auth.finish_ending(ended).await);
    let letter = mailing.mail(ADDRESS).await;
    assert!(letter.contains("Subject: Your user name was changed\n"), "{letter}");
    assert!(letter.contains("from \"ada\" to \"me . at . evil\" (without the spaces)."), "{letter}");
}

/// One step for the owner of an account that someone else has taken over.
async fn s76_undoing_a_new_address_can_also_set_a_password(on_postgres: bool) {
    let mailing = Mailing::start(on_postgres).await;
    let mut thief = mailing.ada().await;
    set_email(&mut thief, "eve@mail.example").await;
    let letters = mailing.mails().await;
    let undo = letters.iter().find(|letter| letter.contains("/email/undo?token=")).unwrap();
    let mut owner = mailing.site.client();
    let page = open(&mut owner, &link_of(undo)).await;
    let weak = submit(&mut owner, &page, "/email/undo", &[("new_password", "short")]).await;
    assert_eq!(weak.status(), 422, "{}", weak.text());
    let done = submit(&mut owner, &weak, "/email/undo", &[("new_password", NEW)]).await;
    assert_eq!(done.location(), Some("/login?done=undo-password"), "{}", done.text());
    assert!(open(&mut owner, "/login?done=undo-password").await.text().contains("your password has been changed"));
    let from_a_letter =
        owner.get("/login?done=undo-password").accept_html().header("sec-fetch-site", "none").send().await;
    assert!(!from_a_letter.text().contains("your password has been changed"), "strangers can write such a link");
    assert_eq!(whoami(&mut thief).await, Err(401));
    assert_eq!(log_in(&mut mailing.site.client(), "ada", PASSWORD).await.status(), 401, "the thief's password");
    assert_eq!(log_in(&mut mailing.site.client(), "ada", NEW).await.status(), 200);
    assert!(mailing.mail(ADDRESS).await.contains("Subject: Your password was changed\n"));
    assert_eq!(open(&mut owner, &link_of(undo)).await.status(), 410, "it works once");
}

/// A former address may be that of a thief. The operator ends that access as well.
#[tokio::test(flavor = "multi_thread")]
async fn s83_an_operator_also_ends_the_links_to_former_addresses() {
    for disables in [false, true] {
        let mailing = Mailing::start(false).await;
        let (accounts, now) = (&mailing.site.accounts, mailing.site.auth.now());
        let mut ada = mailing.ada().await;
        set_email(&mut ada, "new@mail.example").await;
        let letters = mailing.mails().await;
        let undo = letters.iter().find(|letter| letter.contains("/email/undo?token=")).unwrap();
        assert_eq!(open(&mut mailing.site.client(), &link_of(undo)).await.status(), 200);
        let ended = if disables { accounts.disable("ada", now).await } else { accounts.log_out("ada", now).await };
        assert!(mailing.site.auth.finish_ending(ended.unwrap().unwrap().1).await);
        accounts.enable("ada", now).await.unwrap();
        assert_eq!(open(&mut mailing.site.client(), &link_of(undo)).await.status(), 410);
    }
}

/// An operator's link gives the account to the person who has the link, so the link also ends access through former
/// addresses.
#[tokio::test(flavor = "multi_thread")]
async fn s83_a_used_link_of_an_operator_also_ends_the_links_to_former_addresses() {
    let mailing = Mailing::start(false).await;
    let mut ada = mailing.ada().await;
    set_email(&mut ada, "new@mail.example").await;
    let letters = mailing.mails().await;
    let undo = letters.iter().find(|letter| letter.contains("/email/undo?token=")).unwrap();
    let link = mailing.site.accounts.reset_link("ada", mailing.site.auth.now()).await.unwrap().url("");
    assert_eq!(open(&mut mailing.site.client(), &link_of(undo)).await.status(), 200, "the link has not been used");
    let body = json!({ "token": link.rsplit_once("?token=").unwrap().1, "new_password": NEW });
    let response = mailing.site.client().post("/password/reset").accept_json().json(&body).send().await;
    assert_eq!(response.status(), 200, "{}", response.text());
    assert_eq!(open(&mut mailing.site.client(), &link_of(undo)).await.status(), 410);
}

/// The warning is kept for seven days, because another server could send it. Then one line in the log says that
/// warnings were lost.
#[tokio::test(flavor = "multi_thread")]
async fn s76_a_warning_that_no_server_sends_is_given_up_after_seven_days() {
    for on_postgres in [false, true] {
        let site = RecordingSite::start(on_postgres).await;
        sign_up(&mut site.client(), "ada").await;
        let (accounts, now) = (&site.accounts, site.auth.now());
        accounts.set_email("ada", ADDRESS, true, now).await.unwrap();
        let (_, ended) = accounts.rename("ada", "lovelace", now).await.unwrap();
        assert!(site.auth.finish_ending(ended).await);
        // The database's clock dates the warning.
        let day = |days: u64| SystemClock.now() + Duration::from_secs(days * 24 * 60 * 60);
        let log = Log::default();
        let written = log.clone();
        let subscriber = tracing_subscriber::fmt().with_writer(move || written.clone()).finish();
        let _guard = tracing::subscriber::set_default(subscriber);
        assert_eq!(accounts.prune_as_of(day(6), 100).await.unwrap(), 0);
        assert_eq!(log.text(), "");
        assert_eq!(accounts.prune_as_of(day(8), 100).await.unwrap(), 1);
        let text = log.text();
        assert!(text.contains("mail_lost") && text.contains("no server that uses this database sends email"), "{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
    }
}

/// The log used to say that the database had failed. The tasks run on the thread of the test, because the test reads
/// the log of this thread.
#[tokio::test]
async fn a_database_that_the_application_has_closed_has_not_failed() {
    for on_postgres in [false, true] {
        let (site, mailer) = crate::mail_queue::start(on_postgres).await;
        mailer.hangs_at_confirmations.store(true, Ordering::SeqCst);
        let mut ada = site.client();
        sign_up(&mut ada, "ada").await;
        set_email(&mut ada, ADDRESS).await;
        assert!(!site.accounts.flush().await, "the mailer hangs");
        let log = Log::default();
        let written = log.clone();
        let subscriber = tracing_subscriber::fmt().with_writer(move || written.clone()).finish();
        let _guard = tracing::subscriber::set_default(subscriber);
        site.database.close().await;
        // Wakes the task that sends emails.
        assert!(!site.accounts.flush().await);
        assert!(!log.text().contains("mail_delayed"), "{}", log.text());
    }
}

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a11_pages_name_the_address_and_say_whether_it_is_confirmed() {
    let mailing = Mailing::start(false).await;
    let mut ada = mailing.site.client();
    let page = open(&mut ada, "/signup").await;
    let typed = [("username", "ada"), ("email", ADDRESS), ("password", PASSWORD)];
    let signed_up = submit(&mut ada, &page, "/signup", &typed).await;
    assert_eq!(signed_up.location(), Some("/?done=signup"));
    let announced = format!("Open the link that we send to {ADDRESS} to confirm");
    let home = open(&mut ada, "/?done=signup").await;
    assert!(home.text().contains(&announced), "{}", home.text());
    // Later visits send no email, so they announce none.
    let home = open(&mut ada, "/").await;
    let reminder =
        format!("{ADDRESS} is not confirmed yet. Open the link in the email that we sent you, or send it again");
    assert!(home.text().contains(&reminder) && !home.text().contains(&announced), "{}", home.text());
    assert!(open(&mut ada, "/account").await.text().contains("Not confirmed"));
    let saved = open(&mut ada, "/account?done=settings-link").await;
    assert!(saved.text().contains("you cannot reset a forgotten password by email"), "{}", saved.text());

    // The link is used in a browser where someone else is logged in.
    let link = link_of(&mailing.mail(ADDRESS).await);
    let mut bob = mailing.site.client();
    sign_up(&mut bob, "bob").await;
    let page = open(&mut bob, &link).await;
    assert!(page.text().contains(ADDRESS) && page.text().contains("ada"), "{}", page.text());
    let done = submit(&mut bob, &page, "/email/confirm", &[]).await;
    let home = open(&mut bob, done.location().unwrap()).await;
    let notice = "The email address for the account ada has been confirmed. You are logged in as bob.";
    assert!(home.text().contains(notice), "{}", home.text());
    let page = open(&mut ada, "/account").await;
    assert!(page.text().contains("Confirmed") && !page.text().contains("Not confirmed"), "{}", page.text());

    // One link was already used, and one was not copied completely.
    let used = open(&mut bob, &link).await;
    assert_eq!(used.status(), 410);
    assert!(used.text().contains("If you have already confirmed the address"), "{}", used.text());
    let cut = open(&mut bob, &link[..link.len() - 3]).await;
    assert_eq!(cut.status(), 410);
    assert!(cut.text().contains("This link is incomplete"), "{}", cut.text());
    let cut = token_of(&format!("https://site.example{link}"))[3..].to_owned();
    let refused = confirm(&mailing.site, &cut).await;
    assert_eq!((refused.status().as_u16(), refused.json()["code"].as_str()), (410, Some("link_dead")));

    // A link that resets a password can also be used while another user is logged in.
    assert_eq!(forgot(&mailing.site, ADDRESS).await.status(), 200);
    let page = open(&mut bob, &link_of(&mailing.mail(ADDRESS).await)).await;
    let done = submit(&mut bob, &page, "/password/reset", &[("new_password", NEW)]).await;
    let home = open(&mut bob, done.location().unwrap()).await;
    let notice = "The password for the account ada has been changed. You are logged in as bob.";
    assert!(home.text().contains(notice), "{}", home.text());

    // A user without an address is told that a forgotten password cannot be reset by email.
    let page = open(&mut bob, "/account").await;
    let saved = submit(&mut bob, &page, "/account/change_settings", &[("display_name", "Bob")]).await;
    let page = open(&mut bob, saved.location().unwrap()).await;
    assert!(page.text().contains("Without a confirmed email address"), "{}", page.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a11_the_first_link_of_a_user_says_nothing_of_devices() {
    let mailing = Mailing::start(false).await;
    let (site, accounts) = (&mailing.site, &mailing.site.accounts);
    let link = accounts.add("ada", ADDRESS, site.auth.now()).await.unwrap().url("");
    let mut ada = site.client();
    let page = open(&mut ada, &link).await;
    assert!(page.text().contains("<h1>Choose a password</h1>"), "{}", page.text());
    assert!(!page.text().contains("devices"), "{}", page.text());
    let done = submit(&mut ada, &page, "/password/reset", &[("new_password", PASSWORD)]).await;
    let page = open(&mut ada, done.location().unwrap()).await;
    assert!(page.text().contains("Your password is set. You can now log in with it."), "{}", page.text());
    assert_eq!(log_in(&mut ada, "ada", PASSWORD).await.status(), 200);
    // The user now has devices, so the page of a later link mentions them.
    let link = accounts.reset_link("ada", site.auth.now()).await.unwrap().url("");
    let page = open(&mut site.client(), &link).await;
    assert!(page.text().contains("logs out all devices"), "{}", page.text());
}
