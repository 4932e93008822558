//! Changes of an address, and links that undo them.

use hardtack_test_support::client::Client;
use serde_json::json;

use super::{ADDRESS, Mailing, NEW, confirm, forgot, link_of, me, reset, set_email, token_of};
use crate::recording_site::kinds;
use crate::support::*;

hardtack_test_support::on_every_store! {
    [on_sqlite: false, on_postgres: true]
    {
        a02_s76_a_new_address_needs_the_password_and_the_old_one_can_undo_it,
        s76_an_undone_address_cannot_be_undone_by_whoever_replaced_it,
        s76_the_link_of_a_later_change_leaves_the_link_of_an_earlier_one,
    }
}

/// A thief with a copied cookie, even a fresh one, cannot take over the account.
async fn a02_s76_a_new_address_needs_the_password_and_the_old_one_can_undo_it(on_postgres: bool) {
    let mailing = Mailing::start(on_postgres).await;
    let mut ada = mailing.ada().await;
    let (mut thief, evil) = (ada.clone(), "eve@mail.example");
    for (password, text) in [(None, "Enter your current password"), (Some("not it at all"), "That is not your")] {
        for address in [evil, ""] {
            let body = json!({ "email": address, "current_password": password });
            let refused = thief.post("/account/change_settings").accept_json().csrf().json(&body).send().await;
            assert_eq!(refused.status(), 403, "{address}: {}", refused.text());
            assert!(refused.json()["errors"]["current_password"].as_str().unwrap().starts_with(text));
        }
    }
    let page = open(&mut thief, "/account").await;
    let typed = [("display_name", "Eve"), ("email", evil)];
    let refused = submit(&mut thief, &page, "/account/change_settings", &typed).await;
    assert_eq!(refused.status(), 403);
    assert_eq!(field(&refused, "/account/change_settings", "email"), evil, "what was typed is gone");
    assert_eq!(mailing.address().await.0, ADDRESS);
    assert_eq!(me(&mut ada).await["display_name"], "", "half of it was saved");
    assert!(mailing.mails().await.is_empty());
    // Other settings need no password, and keep an address that was changed in the meantime.
    let body = json!({ "display_name": "Ada", "email": ADDRESS });
    assert_eq!(ada.post("/account/change_settings").accept_json().csrf().json(&body).send().await.status(), 200);

    // Someone who knows the password replaces the address, confirms it, and resets the password.
    set_email(&mut thief, evil).await;
    let mails = mailing.mails().await;
    let to = |address: &str| mails.iter().find(|mail| mail.contains(&format!("\nTo: {address}\n"))).unwrap();
    let undo = link_of(to(ADDRESS));
    assert!(undo.starts_with("/email/undo?token="), "{undo}");
    assert_eq!(confirm(&mailing.site, &token_of(to(evil))).await.status(), 200);
    assert_eq!(forgot(&mailing.site, evil).await.status(), 200);
    assert_eq!(reset(&mailing.site, &token_of(&mailing.mail(evil).await), NEW).await.status(), 200);
    mailing.mails().await;
    let mut intruder = mailing.site.client();
    assert_eq!(log_in(&mut intruder, "ada", NEW).await.status(), 200);

    // Six days later, the owner of the old address restores it.
    mailing.site.clock.advance(minutes(6 * 24 * 60));
    assert_eq!(log_in(&mut intruder, "ada", NEW).await.status(), 200);
    let mut owner = mailing.site.client();
    let page = open(&mut owner, &undo).await;
    assert!(page.text().contains(ADDRESS) && page.text().contains("ada"), "{}", page.text());
    let done = submit(&mut owner, &page, "/email/undo", &[]).await;
    assert_eq!(done.location(), Some("/login?done=undo"), "{}", done.text());
    let (address, confirmed) = mailing.address().await;
    assert!(address == ADDRESS && confirmed.is_some());
    assert_eq!(whoami(&mut intruder).await, Err(401), "the session of whoever replaced it");
    assert_eq!(reset(&mailing.site, &mailing.reset_token().await, "the owner's password").await.status(), 200);
    let used = open(&mut owner, &undo).await;
    assert_eq!(used.status(), 410, "it works once");
    for text in [
        "If the email address there is not yours, change it, then change your password.",
        "ask the administrator for help",
        "href=\"/account\">Go to your account",
    ] {
        assert!(used.text().contains(text), "{text}: {}", used.text());
    }
    let mut owner = mailing.site.client();
    assert_eq!(log_in(&mut owner, "ada", "the owner's password").await.status(), 200);
    assert!(kinds(&mut owner).await.contains(&"email_restored".to_owned()));

    // After a week, the link no longer works. An API client gets the error code.
    mailing.mails().await;
    let body = json!({ "email": evil, "current_password": "the owner's password" });
    assert_eq!(owner.post("/account/change_settings").accept_json().csrf().json(&body).send().await.status(), 200);
    let mails = mailing.mails().await;
    let undo = token_of(mails.iter().find(|mail| mail.contains("/email/undo?token=")).unwrap());
    mailing.site.clock.advance(minutes(7 * 24 * 60));
    let late = mailing.site.client().post("/email/undo").accept_json().json(&json!({ "token": undo })).send().await;
    assert_eq!((late.status().as_u16(), late.json()["code"].as_str()), (410, Some("link_dead")));
    assert_eq!(mailing.address().await.0, evil);
}

async fn s76_an_undone_address_cannot_be_undone_by_whoever_replaced_it(on_postgres: bool) {
    let mailing = Mailing::start(on_postgres).await;
    let mut ada = mailing.ada().await;
    let undos = replace_address_twice(&mailing, &mut ada).await;
    assert_eq!(undo(&mailing, &undos[0]).await, 200);
    assert_eq!(mailing.address().await.0, ADDRESS);
    assert_eq!(undo(&mailing, &undos[1]).await, 410, "the later link undid the undoing");
    assert_eq!(mailing.address().await.0, ADDRESS);
}

/// The address is replaced twice within one second. Undoing the second change does not prevent undoing the first.
async fn s76_the_link_of_a_later_change_leaves_the_link_of_an_earlier_one(on_postgres: bool) {
    let mailing = Mailing::start(on_postgres).await;
    let mut ada = mailing.ada().await;
    let undos = replace_address_twice(&mailing, &mut ada).await;
    assert_eq!(undo(&mailing, &undos[1]).await, 200);
    assert_eq!(mailing.address().await.0, "eve@mail.example");
    assert_eq!(undo(&mailing, &undos[0]).await, 200);
    assert_eq!(mailing.address().await.0, ADDRESS);
}

/// Returns the tokens of the links that undo the two changes. The second mail goes to the first foreign address.
async fn replace_address_twice(mailing: &Mailing, ada: &mut Client) -> Vec<String> {
    let mut undos = Vec::new();
    for address in ["eve@mail.example", "mallory@mail.example"] {
        set_email(ada, address).await;
        let mails = mailing.mails().await;
        undos.push(token_of(mails.iter().find(|mail| mail.contains("/email/undo?token=")).unwrap()));
        let confirmation = mails.iter().find(|mail| mail.contains("/email/confirm?token=")).unwrap();
        assert_eq!(confirm(&mailing.site, &token_of(confirmation)).await.status(), 200);
    }
    undos
}

async fn undo(mailing: &Mailing, token: &str) -> u16 {
    let mut client = mailing.site.client();
    client.post("/email/undo").accept_json().json(&json!({ "token": token })).send().await.status().as_u16()
}
