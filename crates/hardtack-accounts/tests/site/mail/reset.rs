//! Links that reset a forgotten password.

use hardtack_db::Statement;
use serde_json::json;

use super::{ADDRESS, Mailing, NEW, confirm, forgot, link_of, reset, set_email, set_email_with, token_of};
use crate::recording_site::kinds;
use crate::support::*;

hardtack_test_support::on_every_store! {
    [on_sqlite: false, on_postgres: true]
    {
        s36_a_link_for_a_new_password_works_once_and_logs_everybody_out,
        s36_of_two_who_use_a_link_at_once_one_succeeds,
        a_link_does_not_set_the_current_password_again,
        s36_a_link_ends_after_an_hour_with_another_password_and_with_another_address,
        s56_nobody_learns_whose_an_address_is,
        s36_a_disabled_user_gets_no_link_and_a_link_enables_nobody,
        s83_links_die_with_the_access_they_stand_for,
    }
}

async fn s36_a_link_for_a_new_password_works_once_and_logs_everybody_out(on_postgres: bool) {
    let mailing = Mailing::start(on_postgres).await;
    let mut ada = mailing.ada().await;
    let token = mailing.reset_token().await;
    // A copy of the database does not reveal a working token.
    let stored: Vec<(String,)> =
        mailing.site.database.fetch(Statement::new("SELECT token_hash FROM links")).await.unwrap();
    assert_eq!(stored.len(), 1);
    assert!(!stored[0].0.contains(&token) && reset(&mailing.site, &stored[0].0, NEW).await.status() == 410);

    let refused = reset(&mailing.site, &token, "short").await;
    assert_eq!(refused.status(), 422, "the link still works");
    let done = reset(&mailing.site, &token, NEW).await;
    assert_eq!(done.status(), 200, "{}", done.text());
    // The response only makes the browser a known device.
    let set = done.set_cookies();
    let set: Vec<_> = set.iter().filter(|cookie| cookie.max_age != Some(0)).map(|cookie| &cookie.name).collect();
    assert!(set.iter().all(|name| name.ends_with("hardtack_device")), "the reset does not log in: {set:?}");
    assert_eq!(whoami(&mut ada).await, Err(401));
    assert_eq!(log_in(&mut mailing.site.client(), "ada", PASSWORD).await.status(), 401);
    let mut again = mailing.site.client();
    assert_eq!(log_in(&mut again, "ada", NEW).await.status(), 200);
    assert_eq!(reset(&mailing.site, &token, "a third password").await.status(), 410);
    // The user is notified.
    assert!(mailing.mail(ADDRESS).await.contains("Subject: Your password was changed\n"));
    let kinds = kinds(&mut again).await;
    assert!(kinds.contains(&"reset_sent".to_owned()) && kinds.contains(&"password_reset".to_owned()), "{kinds:?}");
}

async fn s36_of_two_who_use_a_link_at_once_one_succeeds(on_postgres: bool) {
    let mailing = Mailing::start(on_postgres).await;
    mailing.ada().await;
    let token = mailing.reset_token().await;
    let (one, other) = tokio::join!(reset(&mailing.site, &token, NEW), reset(&mailing.site, &token, "of the other"));
    let mut statuses = [one.status().as_u16(), other.status().as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 410]);
    mailing.mails().await;
    // A browser that sends the form twice sends the same password twice.
    let (token, again) = (mailing.reset_token().await, "sent twice at once");
    let (one, other) = tokio::join!(reset(&mailing.site, &token, again), reset(&mailing.site, &token, again));
    let mut statuses = [one.status().as_u16(), other.status().as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 410]);
}

/// The link still works afterwards. This holds for a link to reset the password and for a link to undo a change.
async fn a_link_does_not_set_the_current_password_again(on_postgres: bool) {
    let mailing = Mailing::start(on_postgres).await;
    let mut ada = mailing.ada().await;
    let words = "Your new password is the same as your current one. Choose another.";
    let token = mailing.reset_token().await;
    let refused = reset(&mailing.site, &token, PASSWORD).await;
    assert_eq!((refused.status().as_u16(), &refused.json()["errors"]["new_password"]), (422, &json!(words)));
    let mut browser = mailing.site.client();
    let page = open(&mut browser, &format!("/password/reset?token={token}")).await;
    let refused = submit(&mut browser, &page, "/password/reset", &[("new_password", PASSWORD)]).await;
    assert_eq!(refused.status(), 422);
    assert!(refused.text().contains(words), "{}", refused.text());
    assert_eq!(whoami(&mut ada).await.as_deref(), Ok("ada"), "nothing was changed");
    let done = submit(&mut browser, &refused, "/password/reset", &[("new_password", NEW)]).await;
    assert_eq!(done.location(), Some("/login?done=reset"), "{}", done.text());
    mailing.mails().await;

    assert_eq!(log_in(&mut ada, "ada", NEW).await.status(), 200);
    set_email_with(&mut ada, "else@mail.example", NEW).await;
    let mails = mailing.mails().await;
    let undo = link_of(mails.iter().find(|mail| mail.contains("/email/undo?token=")).unwrap());
    let page = open(&mut browser, &undo).await;
    let refused = submit(&mut browser, &page, "/email/undo", &[("new_password", NEW)]).await;
    assert_eq!(refused.status(), 422);
    assert!(refused.text().contains(words), "{}", refused.text());
    let done = submit(&mut browser, &refused, "/email/undo", &[("new_password", PASSWORD)]).await;
    assert_eq!(done.location(), Some("/login?done=undo-password"), "{}", done.text());
    assert_eq!(log_in(&mut ada, "ada", PASSWORD).await.status(), 200);
    let page = open(&mut ada, "/account/sessions").await;
    assert_eq!(page.text().matches("Password set with a link from an email").count(), 2, "{}", page.text());
}

async fn s36_a_link_ends_after_an_hour_with_another_password_and_with_another_address(on_postgres: bool) {
    let mailing = Mailing::start(on_postgres).await;
    let mut ada = mailing.ada().await;
    let token = mailing.reset_token().await;
    let body = json!({ "current_password": PASSWORD, "new_password": NEW });
    assert_eq!(ada.post("/account/password").accept_json().csrf().json(&body).send().await.status(), 200);
    assert_eq!(reset(&mailing.site, &token, "a third password").await.status(), 410, "another password");
    assert!(mailing.mail(ADDRESS).await.contains("Subject: Your password was changed\n"));

    let token = mailing.reset_token().await;
    set_email_with(&mut ada, "else@mail.example", NEW).await;
    assert_eq!(mailing.mails().await.len(), 2, "one to each address");
    mailing.forget_sent().await;
    assert_eq!(reset(&mailing.site, &token, "a third password").await.status(), 410, "another address");
    set_email_with(&mut ada, ADDRESS, NEW).await;
    assert_eq!(confirm(&mailing.site, &token_of(&mailing.mail(ADDRESS).await)).await.status(), 200);

    let token = mailing.reset_token().await;
    mailing.site.clock.advance(minutes(60));
    assert_eq!(reset(&mailing.site, &token, "a third password").await.status(), 410, "an hour");
    // The change of the password has already deleted the first link.
    assert_eq!(mailing.site.accounts.prune_as_of(mailing.site.auth.now(), 100).await.unwrap(), 2);
    assert_eq!(log_in(&mut mailing.site.client(), "ada", NEW).await.status(), 200);
}

async fn s56_nobody_learns_whose_an_address_is(on_postgres: bool) {
    let mailing = Mailing::start(on_postgres).await;
    mailing.ada().await;
    let mut bob = mailing.site.client();
    sign_up(&mut bob, "bob").await;
    set_email(&mut bob, "bob@mail.example").await;
    mailing.mail("bob@mail.example").await;

    let known = forgot(&mailing.site, "Ada@MAIL.example").await;
    // Sent to the address as it was confirmed, not as it was entered.
    mailing.mail(ADDRESS).await;
    for unknown in ["nobody@mail.example", "bob@mail.example"] {
        let response = forgot(&mailing.site, unknown).await;
        assert_eq!((response.status(), response.text()), (known.status(), known.text()), "{unknown}");
        assert_eq!(response.headers().keys().collect::<Vec<_>>(), known.headers().keys().collect::<Vec<_>>());
        assert!(mailing.mails().await.is_empty(), "{unknown}: not confirmed");
    }
    // The site sends at most three links an hour. The response stays the same.
    for _ in 0..5 {
        assert_eq!(forgot(&mailing.site, ADDRESS).await.text(), known.text());
    }
    assert_eq!(mailing.mails().await.len(), 2);
    mailing.site.clock.advance(minutes(61));
    mailing.reset_token().await;
    for bad in ["", "nobody", "a@b\r\nBcc: c@d", "a@b,c@d"] {
        assert_eq!(forgot(&mailing.site, bad).await.status(), 422, "{bad:?}");
    }
    assert!(mailing.mails().await.is_empty());
}

async fn s36_a_disabled_user_gets_no_link_and_a_link_enables_nobody(on_postgres: bool) {
    let mailing = Mailing::start(on_postgres).await;
    mailing.ada().await;
    let token = mailing.reset_token().await;
    let disable = "UPDATE users SET disabled_at = 1 WHERE username = 'ada'";
    mailing.site.database.execute(Statement::new(disable)).await.unwrap();
    assert_eq!(reset(&mailing.site, &token, NEW).await.status(), 410);
    assert_eq!(forgot(&mailing.site, ADDRESS).await.status(), 200);
    assert!(mailing.mails().await.is_empty());
}

/// Disabling, an operator's log-out and a new password kill links, and enabling the user does not revive them.
async fn s83_links_die_with_the_access_they_stand_for(on_postgres: bool) {
    let mailing = Mailing::start(on_postgres).await;
    let (site, accounts) = (&mailing.site, &mailing.site.accounts);
    let mut ada = mailing.ada().await;
    let mut bob = site.client();
    sign_up(&mut bob, "bob").await;
    for what in ["disable", "log-out", "password"] {
        site.clock.advance(minutes(61));
        assert_eq!(log_in(&mut ada, "ada", PASSWORD).await.status(), 200);
        assert_eq!(log_in(&mut bob, "bob", PASSWORD).await.status(), 200);
        let reset_ada = mailing.reset_token().await;
        set_email(&mut bob, &format!("bob.{what}@mail.example")).await;
        let confirm_bob = token_of(&mailing.mail(&format!("bob.{what}@mail.example")).await);
        for (name, client) in [("ada", &mut ada), ("bob", &mut bob)] {
            match what {
                "disable" => {
                    let (_, ended) = accounts.disable(name, site.auth.now()).await.unwrap().unwrap();
                    assert!(site.auth.finish_ending(ended).await);
                    assert_eq!(whoami(client).await, Err(401), "{what}");
                    accounts.enable(name, site.auth.now()).await.unwrap();
                }
                "log-out" => {
                    let (_, ended) = accounts.log_out(name, site.auth.now()).await.unwrap().unwrap();
                    assert!(site.auth.finish_ending(ended).await);
                    assert_eq!(whoami(client).await, Err(401), "{what}");
                }
                _ => {
                    let body = json!({ "current_password": PASSWORD, "new_password": "set on the account page" });
                    let response = client.post("/account/password").accept_json().csrf().json(&body).send().await;
                    assert_eq!(response.status(), 200, "{}", response.text());
                }
            }
        }
        assert_eq!(reset(site, &reset_ada, NEW).await.status(), 410, "{what}");
        assert_eq!(confirm(site, &confirm_bob).await.status(), 410, "{what}");
    }
}
