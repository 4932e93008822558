//! How many emails strangers can cause, and that they delay no email of anybody else.

use std::sync::atomic::Ordering;
use std::time::Instant;

use hardtack::client_address::TrustedProxies;
use hardtack_db::Statement;
use hardtack_test_support::client::Client;
use hardtack_test_support::wait;
use serde_json::json;
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::mail::{Mailing, confirm, forgot, set_email, token_of};
use crate::mail_queue::{TestMailer, ada, count, start, wait_for_jobs, wait_until_done};
use crate::recording_site::RecordingSite;
use crate::support::*;

const ADDRESS: &str = "ada@mail.example";

hardtack_test_support::on_every_store! {
    [on_sqlite: false, on_postgres: true]
    {
        l3_s77_300_resets_for_strangers_fill_nothing_and_delay_nobody,
        l3_s77_one_address_gets_five_emails_an_hour_over_accounts_and_servers,
        l3_s77_a_mail_server_that_is_out_of_order_loses_nothing,
    }
}

/// Signs up with an address, as a client whose address a proxy names.
pub(crate) async fn sign_up_from(mut client: Client, from: &str, username: &str, email: &str) -> Client {
    let body = json!({ "username": username, "email": email, "password": PASSWORD });
    let since = Instant::now();
    loop {
        let response = client.post("/signup").accept_json().header("x-forwarded-for", from).json(&body).send().await;
        match response.status().as_u16() {
            200 => break,
            // The machine is busy, and the database took too long. The server has stored nothing, so try again.
            503 => assert!(since.elapsed() < wait::LONGEST_WAIT, "{}", response.text()),
            status => panic!("{status}: {}", response.text()),
        }
    }
    has_session(&mut client, username).await;
    client
}

pub(crate) async fn change_password(client: &mut Client, old: &str, new: &str) {
    let body = json!({ "current_password": old, "new_password": new });
    let response = client.post("/account/password").accept_json().csrf().json(&body).send().await;
    assert_eq!(response.status(), 200, "{}", response.text());
}

/// Signs up with an address and confirms it. No other message may be on its way.
pub(crate) async fn sign_up_confirmed(
    (site, mailer): (&RecordingSite, &TestMailer),
    from: &str,
    username: &str,
    email: &str,
) -> Client {
    let client = sign_up_from(site.client(), from, username, email).await;
    let letters = mailer.wait_for(1).await;
    assert_eq!(confirm(site, &token_of(&letters[0].1)).await.status(), 200);
    client
}

/// Starts to request 300 reset links for unknown addresses, all from one network.
pub(crate) fn ask_for_strangers(site: &RecordingSite) -> JoinSet<()> {
    let mut strangers = JoinSet::new();
    for from in 0..10 {
        let mut client = site.client();
        strangers.spawn(async move {
            for number in 0..30 {
                let body = json!({ "email": format!("nobody{from}.{number}@mail.example") });
                let response = client.post("/password/forgot").accept_json().json(&body).send().await;
                assert!([200, 429].contains(&response.status().as_u16()), "{}", response.text());
            }
        });
    }
    strangers
}

async fn l3_s77_300_resets_for_strangers_fill_nothing_and_delay_nobody(on_postgres: bool) {
    let (site, mailer) = start(on_postgres).await;
    let mut owner = ada(&site, &mailer).await;
    let mut strangers = ask_for_strangers(&site);
    // Meanwhile, the owner asks for a link from an IP address of her own, and then changes the password.
    let body = json!({ "email": ADDRESS });
    let mut client = site.client();
    let asked = client.post("/password/forgot").accept_json().header("x-forwarded-for", "192.0.2.7").json(&body);
    assert_eq!(asked.send().await.status(), 200);
    let since = Instant::now();
    let first = mailer.wait_for(1).await;
    assert!(first[0].1.contains("/password/reset?token="), "{}", first[0].1);
    change_password(&mut owner, PASSWORD, "another password of hers").await;
    let warning = mailer.wait_for(1).await;
    assert!(warning[0].1.contains("Subject: Your password was changed\n"), "{}", warning[0].1);
    assert!(since.elapsed() < minutes(1), "{:?}", since.elapsed());
    while let Some(done) = strangers.join_next().await {
        done.unwrap();
    }
    flush(&site.accounts).await;
    wait_until_done(&site).await;
    assert_eq!(count(&site, "mail_sent").await, 3, "the confirmation and these two");
    assert!(mailer.take().is_empty());
}

/// Twelve accounts of twelve clients at four servers, all at once.
async fn l3_s77_one_address_gets_five_emails_an_hour_over_accounts_and_servers(on_postgres: bool) {
    let directory = TempDir::with_prefix("hardtack-outbox-").unwrap();
    let options = || Options {
        on_postgres,
        outbox: Some(directory.path().to_owned()),
        configure: |builder| builder.trusted_proxies(TrustedProxies::new(["127.0.0.1"]).unwrap()),
        ..Options::default()
    };
    let site = TestSite::start(options()).await;
    let servers = [site.beside(options()).await, site.beside(options()).await, site.beside(options()).await];
    let mut accounts = JoinSet::new();
    for number in 0..12 {
        let client = servers.get(number % 4).unwrap_or(&site).client();
        // The same mailbox, as many providers see it.
        let address = ["victim@mail.example", "Victim@Mail.example", "victim+tag@mail.example"][number % 3];
        accounts.spawn(async move {
            let from = format!("198.51.100.{number}");
            let mut client = sign_up_from(client, &from, &format!("www.evil{number}.example"), address).await;
            let mut statuses = Vec::new();
            for _ in 0..3 {
                let again = client.post("/account/email/send").accept_json().csrf().header("x-forwarded-for", &from);
                statuses.push(again.send().await.status().as_u16());
            }
            statuses
        });
    }
    while let Some(statuses) = accounts.join_next().await {
        // The third is beyond the limit of the account, unless an earlier email is still queued. No account is told
        // that others have entered the address.
        let statuses = statuses.unwrap();
        assert!(statuses == [200, 200, 429] || statuses == [200; 3], "{statuses:?}");
    }
    wait::until("all are sent", async || {
        let jobs = site.database().fetch::<(i64,)>(Statement::new("SELECT COUNT(*) FROM mail_jobs")).await.unwrap();
        jobs == [(0,)]
    })
    .await;
    let files = std::fs::read_dir(directory.path()).unwrap().map(|file| file.unwrap().path());
    let letters: Vec<_> = files.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    assert_eq!(letters.len(), 4, "{letters:?}");
    for letter in letters {
        assert!(letter.contains("\"www . evil") && !letter.contains("www.evil"), "the name is a link: {letter}");
    }
}

/// It is out of order for a while: everything is sent soon after, and a warning first.
async fn l3_s77_a_mail_server_that_is_out_of_order_loses_nothing(on_postgres: bool) {
    let (site, mailer) = start(on_postgres).await;
    let mut owner = ada(&site, &mailer).await;
    mailer.is_out_of_order.store(true, Ordering::SeqCst);
    for number in 0..12 {
        let (name, from) = (format!("stranger{number}"), format!("198.51.100.{number}"));
        sign_up_from(site.client(), &from, &name, &format!("{name}@mail.example")).await;
    }
    forgot(&site, ADDRESS).await;
    flush(&site.accounts).await;
    change_password(&mut owner, PASSWORD, "another password of hers").await;
    flush(&site.accounts).await;
    assert!(mailer.take().is_empty());
    assert_eq!(count(&site, "mail_jobs").await, 13, "the new password has withdrawn the reset link");
    assert!(count(&site, "mail_jobs WHERE failures = 0").await > 6, "each letter was tried in spite of the outage");
    mailer.is_out_of_order.store(false, Ordering::SeqCst);
    let since = Instant::now();
    let letters = mailer.wait_for(13).await;
    assert!(since.elapsed() < minutes(1), "{:?}", since.elapsed());
    assert!(letters.iter().any(|(to, text)| to == ADDRESS && text.contains("Your password was changed")));
}

/// Warnings that cannot be delivered look like an outage. Other letters are tried before they are tried again.
#[tokio::test(flavor = "multi_thread")]
async fn l3_s77_warnings_to_mailboxes_that_are_gone_stop_no_other_letter() {
    let (site, mailer) = start(false).await;
    ada(&site, &mailer).await;
    let mut people = Vec::new();
    for number in 0..3 {
        let (name, from) = (format!("person{number}"), format!("198.51.100.{number}"));
        people.push(sign_up_confirmed((&site, &mailer), &from, &name, &format!("{name}@gone.example")).await);
    }
    mailer.is_gone.store(true, Ordering::SeqCst);
    for person in &mut people {
        change_password(person, PASSWORD, "another password of theirs").await;
    }
    wait_for_jobs(&site, "attempts > 0", 3).await;
    forgot(&site, ADDRESS).await;
    assert_eq!(mailer.wait_for(1).await[0].0, ADDRESS);
    assert_eq!(count(&site, "mail_jobs WHERE kind <> 'reset_password'").await, 3, "the warnings wait");
}

/// Messages to addresses of a stranger that hang take only some of the places.
#[tokio::test(flavor = "multi_thread")]
async fn l3_s77_hanging_letters_of_one_client_delay_nobody_else() {
    let (site, mailer) = start(false).await;
    ada(&site, &mailer).await;
    mailer.hangs_at_confirmations.store(true, Ordering::SeqCst);
    for number in 0..8 {
        let name = format!("stranger{number}");
        sign_up_from(site.client(), "198.51.100.1", &name, &format!("{name}@tarpit.example")).await;
    }
    forgot(&site, ADDRESS).await;
    let letters = mailer.wait_for(1).await;
    assert_eq!(letters[0].0, ADDRESS);
    mailer.assert_still_hanging();
}

/// "Send the email again" says the truth.
#[tokio::test(flavor = "multi_thread")]
async fn l3_s77_a_user_who_asks_too_often_is_told_when_to_try_again() {
    let mailing = Mailing::start(false).await;
    let mut ada = mailing.site.client();
    sign_up(&mut ada, "ada").await;
    set_email(&mut ada, ADDRESS).await;
    mailing.site.clock.advance(minutes(10));
    for _ in 0..2 {
        mailing.mail(ADDRESS).await;
        let again = ada.post("/account/email/send").accept_json().csrf().send().await;
        assert_eq!(again.status(), 200, "{}", again.text());
    }
    mailing.mail(ADDRESS).await;
    let refused = ada.post("/account/email/send").accept_json().csrf().send().await;
    assert_eq!((refused.status().as_u16(), refused.json()["code"].as_str()), (429, Some("too_many_emails")));
    let text = format!(
        "We have already sent three emails to {ADDRESS} in the last hour. Check your spam folder, or try again in 5"
    );
    let json = refused.json();
    let detail = json["detail"].as_str().unwrap();
    assert!(detail.starts_with(&text) && detail.ends_with(" minutes."), "{detail}");
    let seconds: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((50 * 60..50 * 60 + 10).contains(&seconds), "{seconds}");
    // A person gets a page that says the same.
    let page = open(&mut ada, "/account").await;
    let refused = submit(&mut ada, &page, "/account/email/send", &[]).await;
    assert_eq!(refused.status(), 429);
    assert!(refused.text().contains(&text) && refused.text().contains("href=\"/account\""), "{}", refused.text());
    assert!(mailing.mails().await.is_empty());

    // The user can also have the email sent by entering the address again.
    let page = open(&mut ada, "/account").await;
    let to = |address| [("email", address), ("current_password", PASSWORD)];
    submit(&mut ada, &page, "/account/change_settings", &to("else@mail.example")).await;
    let page = open(&mut ada, "/account").await;
    let saved = submit(&mut ada, &page, "/account/change_settings", &to(ADDRESS)).await;
    assert_eq!(saved.location(), Some("/account?done=settings-limited"));
    let page = open(&mut ada, saved.location().unwrap()).await;
    assert!(page.text().contains(&format!("We have not sent a link to {ADDRESS}")), "{}", page.text());

    mailing.mails().await;
    mailing.site.clock.advance(minutes(51));
    let again = ada.post("/account/email/send").accept_json().csrf().send().await;
    assert_eq!(again.status(), 200, "{}", again.text());
    mailing.mail(ADDRESS).await;
}
