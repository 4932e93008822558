//! The functions of [`Accounts`] that an application's own pages, imports and tests call. These tests use no router and
//! no pages.

mod own_pages;

use hardtack::testing::TestClock;
use hardtack::{Authenticator, ClientInfo, KeySet, LogIn, VerifiedToken};
use hardtack_accounts::*;
use hardtack_sqlx::Database;
use hardtack_test_support::services::postgres;
use tempfile::TempDir;

use crate::mail::{Mailing, token_of};
use crate::support::{ACCESS, PASSWORD, SECRET};

const NEW: &str = "a much longer phrase than before";

hardtack_test_support::on_every_store! {
    [on_sqlite: false, on_postgres: true]
    {
        users_are_seeded_in_one_line,
        each_field_of_a_sign_up_says_what_is_wrong,
        s55_a_wrong_password_an_unknown_name_and_a_disabled_user_are_one_error,
        s57_attempts_are_limited_per_account_and_a_known_browser_goes_on,
        a_changed_password_ends_the_other_sessions_and_a_log_in_that_is_in_flight,
        s36_a_reset_link_works_once_and_ends_the_sessions,
        an_address_is_changed_confirmed_and_restored,
        an_operator_renames_disables_lists_and_deletes,
    }
}

/// Accounts with an authenticator, but without a server.
pub(super) struct Accountant {
    pub(super) accounts: Accounts,
    pub(super) auth: Authenticator,
    _directory: TempDir,
}

impl Accountant {
    async fn open(on_postgres: bool) -> Self {
        Self::at("http://127.0.0.1:8000", on_postgres).await
    }

    /// Opens the accounts of a site with this address.
    pub(super) async fn at(base_url: &str, on_postgres: bool) -> Self {
        let directory = TempDir::with_prefix("hardtack-accounts-").unwrap();
        let url = match on_postgres {
            true => postgres::shared().database(),
            false => format!("sqlite:{}", directory.path().join("app.db").display()),
        };
        let database = Database::open(&url).await.unwrap();
        database.sessions().migrate().await.unwrap();
        let accounts = Accounts::open(database).await.unwrap().with_sessions();
        let builder = accounts.configure(Authenticator::builder(KeySet::from_secret(SECRET).unwrap()));
        let auth = builder.base_url(base_url).clock(TestClock::start_now()).build().unwrap();
        Self { accounts, auth, _directory: directory }
    }

    async fn alice(&self) -> User {
        self.accounts.sign_up(NewUser::named("alice").password(PASSWORD)).await.unwrap()
    }

    /// Returns a client with this address.
    fn client(&self, address: [u8; 4]) -> ClientInfo {
        client(&self.auth, address)
    }

    async fn knows(&self, password: &str) -> bool {
        self.accounts.insecure_verify_password_unthrottled("alice", password).await.is_ok()
    }
}

fn client(auth: &Authenticator, address: [u8; 4]) -> ClientInfo {
    ClientInfo::new(auth).with_address(std::net::IpAddr::from(address))
}

/// Starts a session, and returns its token.
async fn session(auth: &Authenticator, user: impl Into<LogIn>) -> VerifiedToken {
    let cookies = auth.log_in(user).await.unwrap();
    let token = cookies.iter().find_map(|cookie| cookie.strip_prefix(ACCESS)?.strip_prefix('='));
    auth.decode_any(token.unwrap().split(';').next().unwrap()).unwrap()
}

async fn users_are_seeded_in_one_line(on_postgres: bool) {
    let shop = Accountant::open(on_postgres).await;
    let alice = NewUser::named(" alice ").password(PASSWORD).email("alice@site.example");
    let alice = shop.accounts.sign_up(alice).await.unwrap();
    assert_eq!((alice.username.as_str(), alice.email.as_str()), ("alice", "alice@site.example"));
    assert!(!alice.email_confirmed);
    assert_eq!(shop.accounts.find(&alice.id).await.unwrap(), Some(alice.clone()));
    assert_eq!(shop.accounts.find_by_name("ALICE").await.unwrap().unwrap().user, alice);

    let at = shop.auth.now();
    let bob = shop.accounts.sign_up(NewUser::named("bob").password(PASSWORD).created_at(at)).await.unwrap();
    assert_eq!(bob.created_at.unix_seconds(), at.unix_seconds());
    assert!(!format!("{:?}", NewUser::named("carol").password(PASSWORD)).contains(PASSWORD));
}

async fn each_field_of_a_sign_up_says_what_is_wrong(on_postgres: bool) {
    let shop = Accountant::open(on_postgres).await;
    shop.alice().await;
    let wrong = NewUser::named("a b").password("short").email("nobody");
    let Err(ActionError::Invalid(problems)) = shop.accounts.sign_up(wrong).await else { panic!() };
    assert_eq!(problems.username, Some(UserNameProblem::Blank));
    assert!(problems.email.is_some());
    assert_eq!(problems.password, Some(PasswordProblem::TooShort { min: 8 }));
    assert!(problems.to_string().contains("at least 8 characters"), "{problems}");

    let taken = shop.accounts.sign_up(NewUser::named("ALICE").password(PASSWORD)).await;
    let Err(ActionError::Invalid(problems)) = taken else { panic!() };
    assert_eq!(problems.username, Some(UserNameProblem::Taken));
    let without = shop.accounts.sign_up(NewUser::named("carol")).await;
    assert!(matches!(without, Err(ActionError::Invalid(_))), "a password is required: {without:?}");

    // One address can create at most a hundred users. Other addresses can still create users.
    for guess in 0..200 {
        let new = NewUser::named(format!("user{guess}")).password("short");
        match shop.accounts.sign_up_by(new, &shop.client([192, 0, 2, 1])).await {
            Err(ActionError::Invalid(_)) => {}
            Err(ActionError::TooMany(refused)) => {
                // While the test runs, the address gets more attempts.
                assert!((100..150).contains(&guess), "{guess}");
                assert_eq!(refused.retry_after_seconds(), 1);
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    let dave = NewUser::named("dave").password(PASSWORD);
    let signed_up = shop.accounts.sign_up_by(dave, &shop.client([192, 0, 2, 2])).await.unwrap();
    assert_eq!((signed_up.user.username.as_str(), signed_up.mail_problem()), ("dave", None));
    let id = signed_up.user.id.clone();
    assert_eq!(session(&shop.auth, signed_up).await.subject(), id);
}

async fn s55_a_wrong_password_an_unknown_name_and_a_disabled_user_are_one_error(on_postgres: bool) {
    let shop = Accountant::open(on_postgres).await;
    let alice = shop.alice().await;
    let client = shop.client([192, 0, 2, 1]);
    let verified = shop.accounts.verify_password(" ALICE ", PASSWORD, &client).await.unwrap();
    assert_eq!((verified.id(), verified.username()), (alice.id.as_str(), "alice"));
    let (_, ended) = shop.accounts.disable("alice", shop.auth.now()).await.unwrap().unwrap();
    shop.auth.finish_ending(ended).await;
    for (name, password) in
        [("alice", PASSWORD), ("nobody", PASSWORD), ("alice", "wrong"), ("alice", &"x".repeat(2000))]
    {
        for throttled in [true, false] {
            let refused = match throttled {
                true => shop.accounts.verify_password(name, password, &client).await,
                false => shop.accounts.insecure_verify_password_unthrottled(name, password).await,
            };
            let refused = refused.unwrap_err();
            assert_eq!(refused.to_string(), "That user name and password do not match.", "{name}");
        }
    }
    shop.accounts.enable("alice", shop.auth.now()).await.unwrap();
    assert!(shop.knows(PASSWORD).await);
}

async fn s57_attempts_are_limited_per_account_and_a_known_browser_goes_on(on_postgres: bool) {
    let shop = Accountant::open(on_postgres).await;
    shop.alice().await;
    // Alice logs in, and her browser keeps the cookies.
    let verified = shop.accounts.verify_password("alice", PASSWORD, &shop.client([192, 0, 2, 1])).await.unwrap();
    let cookies = shop.auth.log_in(verified).await.unwrap();
    let device = cookies.iter().find(|cookie| cookie.contains("known_device=")).unwrap();
    assert!(device.contains("; HttpOnly"), "{device}");

    // A stranger guesses Alice's password from many addresses.
    let guess =
        async |host: u8| shop.accounts.verify_password("alice", "wrong", &shop.client([198, 51, 100, host])).await;
    for host in 0..10 {
        assert!(matches!(guess(host).await, Err(ActionError::Invalid(WrongPassword))), "{host}");
    }
    let Err(ActionError::TooMany(refused)) = guess(11).await else { panic!("the eleventh guess was checked") };
    assert!(refused.retry_after_seconds() <= 30, "{refused}");
    let right = shop.accounts.verify_password("alice", PASSWORD, &shop.client([192, 0, 2, 1])).await;
    assert!(matches!(right, Err(ActionError::TooMany(_))), "{right:?}");
    // The limit does not affect other accounts, or calls of the function without limits.
    let other = shop.accounts.verify_password("bob", "wrong", &shop.client([198, 51, 100, 1])).await;
    assert!(matches!(other, Err(ActionError::Invalid(WrongPassword))), "{other:?}");
    assert!(shop.knows(PASSWORD).await);
}

async fn a_changed_password_ends_the_other_sessions_and_a_log_in_that_is_in_flight(on_postgres: bool) {
    let shop = Accountant::open(on_postgres).await;
    let (accounts, auth) = (&shop.accounts, &shop.auth);
    let alice = shop.alice().await;
    let client = shop.client([192, 0, 2, 1]);
    let token = session(auth, &alice.id).await;
    session(auth, &alice.id).await;
    assert_eq!(auth.sessions(&alice.id).await.unwrap().len(), 2);

    let wrong = accounts.change_password(&token, "wrong", NEW, &client).await;
    assert!(matches!(wrong, Err(ActionError::Invalid(PasswordChangeProblem::WrongCurrent))), "{wrong:?}");
    let weak = accounts.change_password(&token, PASSWORD, "short", &client).await;
    assert!(matches!(weak, Err(ActionError::Invalid(PasswordChangeProblem::InvalidNew(_)))), "{weak:?}");
    assert_eq!(auth.sessions(&alice.id).await.unwrap().len(), 2);

    // Meanwhile, someone else has entered the old password, but has no session yet.
    let in_flight = accounts.verify_password("alice", PASSWORD, &client).await.unwrap();
    let ended = accounts.change_password(&token, PASSWORD, NEW, &client).await.unwrap();
    assert_eq!(ended.subject(), Some(alice.id.as_str()));
    // The transaction has ended the other session. `Auth::renew` replaces the session of the token.
    let sessions = async || auth.sessions(&alice.id).await.unwrap().into_iter().map(|row| row.id).collect::<Vec<_>>();
    assert_eq!(sessions().await, [token.session().unwrap()]);
    assert!(auth.finish_ending(ended).await);
    let refused = auth.log_in(in_flight).await.unwrap_err();
    assert!(matches!(refused, hardtack::authenticator::SessionError::Refused(_)), "{refused:?}");
    assert_eq!(sessions().await, [token.session().unwrap()]);
    assert!(!shop.knows(PASSWORD).await && shop.knows(NEW).await);

    assert_eq!(accounts.verify_password_of(&token, NEW, &client).await.unwrap().id(), alice.id);
    let mut checked = 0;
    while let Err(ActionError::Invalid(WrongPassword)) = accounts.verify_password_of(&token, PASSWORD, &client).await {
        checked += 1;
        assert!(checked <= 10, "a session has ten attempts");
    }
    let refused = accounts.verify_password_of(&token, NEW, &client).await;
    assert!(matches!(refused, Err(ActionError::TooMany(_))), "{refused:?}");
    assert!(accounts.verify_password("alice", NEW, &client).await.is_ok(), "log-ins have attempts of their own");
}

async fn s36_a_reset_link_works_once_and_ends_the_sessions(on_postgres: bool) {
    let shop = Accountant::open(on_postgres).await;
    let (accounts, auth) = (&shop.accounts, &shop.auth);
    let alice = shop.alice().await;
    let client = shop.client([192, 0, 2, 1]);
    session(auth, &alice.id).await;
    let link = accounts.reset_link("alice", auth.now()).await.unwrap().url("");
    let token = link.split_once("?token=").unwrap().1;
    assert_eq!(accounts.user_of_password_link(token, &client).await.unwrap().unwrap(), alice);

    let weak = accounts.reset_password(token, "short", &client).await;
    assert!(matches!(weak, Err(ActionError::Invalid(PasswordResetProblem::InvalidNew(_)))), "{weak:?}");
    let ended = accounts.reset_password(token, NEW, &client).await.unwrap();
    assert!(auth.finish_ending(ended).await);
    assert_eq!(auth.sessions(&alice.id).await.unwrap(), []);
    assert!(!shop.knows(PASSWORD).await && shop.knows(NEW).await);
    for dead in [token, "", "0123", &"0".repeat(32)] {
        let again = accounts.reset_password(dead, PASSWORD, &client).await;
        assert!(matches!(again, Err(ActionError::Invalid(PasswordResetProblem::DeadLink))), "{again:?}");
        assert_eq!(accounts.user_of_password_link(dead, &client).await.unwrap(), None);
    }
    let address = EmailAddress::parse("alice@site.example").unwrap();
    let off = accounts.request_reset(address, &client).await;
    assert!(matches!(off, Err(ActionError::Invalid(MailProblem::Off))), "{off:?}");
}

async fn an_address_is_changed_confirmed_and_restored(on_postgres: bool) {
    let mailing = Mailing::start(on_postgres).await;
    let (accounts, auth) = (&mailing.site.accounts, &mailing.site.auth);
    let client = client(auth, [192, 0, 2, 1]);
    let alice = accounts.sign_up(NewUser::named("alice").password(PASSWORD)).await.unwrap();
    let token = session(auth, &alice.id).await;

    assert_eq!(accounts.set_display_name(&token, "Alice", &client).await.unwrap().name(), "Alice");
    let long = accounts.set_display_name(&token, &"x".repeat(81), &client).await.unwrap_err();
    assert_eq!(long.to_string(), "Use at most 80 characters, without line breaks.");
    let wrong = accounts.change_email(&token, "alice@mail.example", "wrong", &client).await;
    assert!(matches!(wrong, Err(ActionError::Invalid(EmailChangeProblem::WrongCurrent))), "{wrong:?}");
    let wrong = accounts.change_email(&token, "nobody", PASSWORD, &client).await;
    assert!(matches!(wrong, Err(ActionError::Invalid(EmailChangeProblem::InvalidEmail))), "{wrong:?}");

    let changed = accounts.change_email(&token, "alice@mail.example", PASSWORD, &client).await.unwrap();
    assert_eq!((changed.email.as_str(), changed.email_confirmed), ("alice@mail.example", false));
    mailing.mail("alice@mail.example").await;
    // The password is checked even if the address stays the same.
    let wrong = accounts.change_email(&token, "alice@mail.example", "wrong", &client).await;
    assert!(matches!(wrong, Err(ActionError::Invalid(EmailChangeProblem::WrongCurrent))), "{wrong:?}");
    assert!(accounts.change_email(&token, "alice@mail.example", PASSWORD, &client).await.is_ok());
    accounts.send_confirmation(&token, &client).await.unwrap();
    let link = token_of(&mailing.mail("alice@mail.example").await);
    assert_eq!(accounts.confirm_email(&link, &client).await.unwrap(), alice.id);
    for dead in [link.as_str(), "", "0123"] {
        let dead = accounts.confirm_email(dead, &client).await;
        assert!(matches!(dead, Err(ActionError::Invalid(DeadLink))), "{dead:?}");
    }
    assert!(accounts.find(&alice.id).await.unwrap().unwrap().email_confirmed);

    accounts.request_reset(EmailAddress::parse("ALICE@mail.example").unwrap(), &client).await.unwrap();
    let reset = token_of(&mailing.mail("alice@mail.example").await);
    assert_eq!(accounts.user_of_password_link(&reset, &client).await.unwrap().unwrap().id, alice.id);

    accounts.change_email(&token, "thief@mail.example", PASSWORD, &client).await.unwrap();
    let mails = mailing.mails().await;
    let undo =
        mails.iter().find(|mail| mail.contains("\nTo: alice@mail.example\n")).map(|mail| token_of(mail)).unwrap();
    let ended = accounts.undo_email(&undo, Some(NEW.to_owned()), &client).await.unwrap();
    assert!(auth.finish_ending(ended).await);
    assert_eq!(auth.sessions(&alice.id).await.unwrap(), []);
    let restored = accounts.find(&alice.id).await.unwrap().unwrap();
    assert_eq!((restored.email.as_str(), restored.email_confirmed), ("alice@mail.example", true));
    assert!(accounts.verify_password("alice", NEW, &client).await.is_ok());
}

async fn an_operator_renames_disables_lists_and_deletes(on_postgres: bool) {
    let shop = Accountant::open(on_postgres).await;
    let (accounts, auth) = (&shop.accounts, &shop.auth);
    let alice = shop.alice().await;
    for name in ["bob", "carol"] {
        accounts.sign_up(NewUser::named(name).password(PASSWORD)).await.unwrap();
    }
    session(auth, &alice.id).await;
    let (record, ended) = accounts.rename("alice", "dora", auth.now()).await.unwrap();
    assert_eq!((record.user.id.as_str(), record.user.username.as_str()), (alice.id.as_str(), "dora"));
    assert!(auth.finish_ending(ended).await);
    assert_eq!(auth.sessions(&alice.id).await.unwrap(), []);
    accounts.set_email("dora", "dora@site.example", true, auth.now()).await.unwrap();
    assert!(accounts.find(&alice.id).await.unwrap().unwrap().email_confirmed);

    let mut names = Vec::new();
    loop {
        let page = accounts.list(names.last().map(String::as_str), 2).await.unwrap();
        if page.is_empty() {
            break;
        }
        names.extend(page.into_iter().map(|record| record.user.username));
    }
    assert_eq!(names, ["bob", "carol", "dora"]);
    let (_, ended) = accounts.delete("dora").await.unwrap();
    assert!(auth.finish_ending(ended).await);
    assert_eq!(accounts.find(&alice.id).await.unwrap(), None);
}
