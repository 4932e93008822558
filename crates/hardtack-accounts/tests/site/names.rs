//! User names: every script is taken, equal names are one, look-alikes are refused, and names from before still work.

use hardtack::jwt::Algorithm;
use hardtack::{Authenticator, KeySet, SigningKey};
use hardtack_accounts::{Accounts, NameRules};
use hardtack_db::Statement;
use hardtack_sqlx::Database;
use hardtack_test_support::client::Response;
use serde_json::json;

use crate::support::{Options, PASSWORD, TestSite, log_in, sign_up, whoami};

hardtack_test_support::on_every_store! {
    [on_sqlite: false, on_postgres: true]
    {
        s79_names_of_every_script_are_taken_and_equal_forms_are_one_name,
        s79_a06_look_alikes_are_refused_beside_existing_names,
        a06_users_with_names_from_before_log_in_as_before,
        s79_names_that_look_alike_in_some_case_are_refused_in_either_order,
        s79_stored_skeletons_follow_the_rules,
        a06_a_look_passes_to_the_next_user_who_has_it,
        a06_several_processes_upgrade_names_at_once,
        s79_a06_of_look_alikes_at_once_at_two_servers_one_signs_up,
        a06_operators_add_and_rename_users_by_the_same_rules,
    }
}

async fn on(on_postgres: bool) -> TestSite {
    TestSite::start(Options { on_postgres, ..Options::default() }).await
}

async fn try_to_sign_up(site: &TestSite, username: &str) -> Response {
    let body = json!({ "username": username, "password": PASSWORD });
    site.client().post("/signup").accept_json().json(&body).send().await
}

/// Signing up is refused, and the error of the field contains these words.
async fn assert_refused(site: &TestSite, username: &str, words: &str) {
    let response = try_to_sign_up(site, username).await;
    assert_eq!(response.status(), 422, "{username:?}: {}", response.text());
    let body = response.json();
    let error = body["errors"]["username"].as_str().unwrap_or_default();
    assert!(error.contains(words), "{username:?}: {error}");
    assert_eq!(body["code"], "invalid_fields");
}

async fn s79_names_of_every_script_are_taken_and_equal_forms_are_one_name(on_postgres: bool) {
    let site = on(on_postgres).await;
    for (name, shown, others) in [
        ("हिन्दी", "हिन्दी", vec![]),
        ("น้องส้ม", "น้องส้ม", vec![]),
        ("σας", "σας", vec!["ΣΑΣ", "σασ"]),
        ("Jo\u{308}rg", "J\u{f6}rg", vec!["J\u{d6}RG", "jo\u{308}rg"]),
        ("ａｌｉｃｅ", "alice", vec!["alice", "ALICE", "Ａlice"]),
        ("\u{1112}\u{1161}\u{11ab}", "한", vec!["한"]),
    ] {
        let user = sign_up(&mut site.client(), name).await;
        assert_eq!(user["username"], shown);
        for other in others {
            assert_refused(&site, other, "taken").await;
            let mut client = site.client();
            assert_eq!(log_in(&mut client, other, PASSWORD).await.status(), 200, "{other}");
            assert_eq!(whoami(&mut client).await.as_deref(), Ok(shown));
        }
    }
}

async fn s79_a06_look_alikes_are_refused_beside_existing_names(on_postgres: bool) {
    let site = on(on_postgres).await;
    for name in ["scope", "corner", "paypal", "fiona"] {
        sign_up(&mut site.client(), name).await;
    }
    for look_alike in ["ѕсоре", "ѕcope", "comer", "paypaI", "p\u{430}ypal"] {
        assert_refused(&site, look_alike, "looks like the name of another user").await;
        assert_eq!(log_in(&mut site.client(), look_alike, PASSWORD).await.status(), 401, "{look_alike}");
    }
    // Invisible marks, and letters without their dot.
    for look_alike in ["fi\u{307}ona", "f\u{131}ona", "f\u{131}\u{307}ona", "FİONA", "fi\u{307}\u{307}ona"] {
        assert_refused(&site, look_alike, "looks like the name of another user").await;
    }
    for invisible in ["fiona\u{fe0f}", "fi\u{34f}ona", "fiona\u{e0101}", "fiona\u{180b}"] {
        assert_refused(&site, invisible, "invisible character").await;
    }
    // A small l or a 1 looks like a capital I.
    sign_up(&mut site.client(), "MIKE").await;
    for look_alike in ["MlKE", "mlke", "M1KE", "m1ke", "FlONA", "flona", "F1ONA"] {
        assert_refused(&site, look_alike, "looks like the name of another user").await;
    }
    for name in ["ADMlN", "OFFlClAL", "lNFO", "adm1n", "Admln"] {
        assert_refused(&site, name, "reserved").await;
    }
    // A small i does not look like an l, so these names do not look like `all` and `mail`, which are reserved.
    for name in ["ali", "mali"] {
        sign_up(&mut site.client(), name).await;
    }
    for (name, words) in [
        ("adm\u{69}\u{307}n", "reserved"),
        ("adm\u{131}n", "reserved"),
        ("\u{430}dmin", "reserved"),
        ("root", "reserved"),
        ("admin\u{3164}", "invisible character"),
        ("\u{3164}", "invisible character"),
        ("a\u{a0}b", "cannot contain spaces"),
        ("ﬁona", "only letters, digits and . _ - @ +"),
        (".", "Begin your user name with a letter or a digit"),
        ("..", "Begin your user name with a letter or a digit"),
        ("--help", "Begin your user name with a letter or a digit"),
    ] {
        assert_refused(&site, name, words).await;
    }
}

/// What a row looked like before names were folded.
async fn insert_old(site: &TestSite, number: u32, username: &str) {
    let sql = "INSERT INTO users (id, username, username_key, password_hash, password_version, display_name, email, \
               created_at) SELECT $1, $2, $3, password_hash, 1, '', '', created_at + $4 FROM users WHERE username = 'bob'";
    let id = format!("{number:032}");
    let statement = Statement::new(sql).bind(&id).bind(username).bind(username.to_lowercase());
    assert_eq!(site.database().execute(statement.bind(i64::from(number))).await.unwrap(), 1);
}

async fn a06_users_with_names_from_before_log_in_as_before(on_postgres: bool) {
    let site = on(on_postgres).await;
    sign_up(&mut site.client(), "bob").await;
    let old = [
        "alice",
        "ａｌｉｃｅ",
        "ﬁona",
        "fiona",
        "admin",
        "admin\u{3164}",
        ".",
        "--help",
        "ΣΑΣ",
        "σασ",
        "Jo\u{308}rg",
        "comer",
        "corner",
        "MIKE",
        "mlke",
    ];
    for (number, name) in (1..).zip(old) {
        insert_old(&site, number, name).await;
    }
    // The first server that starts afterwards checks the names. A second start changes nothing.
    let next = site.beside(Options { on_postgres, ..Options::default() }).await;
    let again = site.beside(Options { on_postgres, ..Options::default() }).await;
    for site in [&site, &next, &again] {
        for name in old {
            let mut client = site.client();
            assert_eq!(log_in(&mut client, name, PASSWORD).await.status(), 200, "{name}");
            assert_eq!(whoami(&mut client).await.as_deref(), Ok(name), "someone else was logged in");
        }
    }
    // If no other user has a name with the same normal form, the user can type the name in a different form.
    for (typed, name) in [("J\u{f6}rg", "Jo\u{308}rg"), ("ALICE", "alice"), ("Fiona", "fiona")] {
        let mut client = next.client();
        assert_eq!(log_in(&mut client, typed, PASSWORD).await.status(), 200, "{typed}");
        assert_eq!(whoami(&mut client).await.as_deref(), Ok(name));
    }
    assert_refused(&next, "Alice", "taken").await;
    for look_alike in ["\u{430}lice", "M1KE"] {
        assert_refused(&next, look_alike, "looks like the name of another user").await;
    }

    let accounts = Accounts::open(Database::open(&site.database_url()).await.unwrap()).await.unwrap();
    let found = Accounts::name_collisions(&Database::open(&site.database_url()).await.unwrap()).await.unwrap();
    let found: Vec<_> = found.iter().map(|found| (found.username.as_str(), found.other.as_str())).collect();
    let expected = [
        ("ａｌｉｃｅ", "alice"),
        ("fiona", "ﬁona"),
        ("admin\u{3164}", "admin"),
        ("σασ", "ΣΑΣ"),
        ("corner", "comer"),
        ("mlke", "MIKE"),
    ];
    assert_eq!(found, expected);
    // An operator can find each user by name, and a paged list contains each user once.
    for name in old {
        assert_eq!(accounts.find_by_name(name).await.unwrap().unwrap().user.username, name);
    }
    let (mut listed, mut last): (Vec<String>, Option<String>) = (Vec::new(), None);
    loop {
        let page = accounts.list(last.as_deref(), 2).await.unwrap();
        let Some(record) = page.last() else { break };
        last = Some(record.user.username.clone());
        listed.extend(page.into_iter().map(|record| record.user.username));
        assert!(listed.len() < 20, "{listed:?}");
    }
    listed.sort_unstable();
    let mut all: Vec<String> = old.iter().chain(&["bob"]).map(|name| (*name).to_owned()).collect();
    all.sort_unstable();
    assert_eq!(listed, all);
}

/// When one of the two users has signed up, the other user is refused, in either order.
async fn s79_names_that_look_alike_in_some_case_are_refused_in_either_order(on_postgres: bool) {
    for (name, other) in [("MlKE", "mike"), ("MIKE", "mlke"), ("paypaI", "paypal"), ("BlLL", "bill")] {
        for (first, second) in [(name, other), (other, name)] {
            let site = on(on_postgres).await;
            sign_up(&mut site.client(), first).await;
            assert_refused(&site, second, "looks like the name of another user").await;
            // Their owner may rename them.
            sign_up(&mut site.client(), "carol").await;
            let accounts = Accounts::open(Database::open(&site.database_url()).await.unwrap()).await.unwrap();
            let _builder = accounts
                .configure(Authenticator::builder(KeySet::new(SigningKey::generate(Algorithm::HS256).unwrap())));
            let error = accounts.rename("carol", second, site.now()).await.unwrap_err().to_string();
            assert!(error.contains("looks like the name of another user"), "{second}: {error}");
            assert_eq!(accounts.rename(first, second, site.now()).await.unwrap().0.user.username, second);
        }
    }
}

/// The stored skeletons were computed under another version of the rules, such as an older version of Unicode.
async fn s79_stored_skeletons_follow_the_rules(on_postgres: bool) {
    let site = on(on_postgres).await;
    for name in ["scope", "corner", "alice"] {
        sign_up(&mut site.client(), name).await;
    }
    // The stored skeleton and look of `corner` are the ones that the upgrade computes for `scope`.
    let older = [
        "DELETE FROM name_looks",
        "INSERT INTO name_looks (look, user_id) SELECT 'scope', id FROM users WHERE username = 'corner'",
        "UPDATE users SET name_rules = 0, skeleton = 'x' WHERE username = 'scope'",
        "UPDATE users SET skeleton = 'y', name_rules = 0 WHERE username = 'alice'",
        "UPDATE users SET skeleton = 'scope', name_rules = 0 WHERE username = 'corner'",
    ];
    for sql in older {
        site.database().execute(Statement::new(sql)).await.unwrap();
    }
    let next = site.beside(Options { on_postgres, ..Options::default() }).await;
    for look_alike in ["ѕсоре", "comer", "\u{430}lice"] {
        assert_refused(&next, look_alike, "looks like the name of another user").await;
    }
    let found = Accounts::name_collisions(&Database::open(&site.database_url()).await.unwrap()).await.unwrap();
    assert!(found.is_empty(), "{found:?}");
}

/// Users from before the rules share a look. If the user to whom the look belongs is deleted or renamed, strangers still
/// cannot take it.
async fn a06_a_look_passes_to_the_next_user_who_has_it(on_postgres: bool) {
    let site = on(on_postgres).await;
    sign_up(&mut site.client(), "bob").await;
    for (number, name) in (1..).zip(["comer", "corner", "c0rner", "alice"]) {
        insert_old(&site, number, name).await;
    }
    let next = site.beside(Options { on_postgres, ..Options::default() }).await;
    let database = Database::open(&site.database_url()).await.unwrap();
    let accounts = Accounts::open(database.clone()).await.unwrap();
    let _builder =
        accounts.configure(Authenticator::builder(KeySet::new(SigningKey::generate(Algorithm::HS256).unwrap())));
    let collisions = async || {
        let found = Accounts::name_collisions(&database).await.unwrap();
        found.into_iter().map(|found| (found.username, found.other)).collect::<Vec<_>>()
    };
    let pair = |one: &str, other: &str| (one.to_owned(), other.to_owned());
    assert_eq!(collisions().await, [pair("corner", "comer"), pair("c0rner", "comer")]);

    let _ended = accounts.delete("comer").await.unwrap();
    for look_alike in ["comer", "\u{441}orner", "COMER"] {
        assert_refused(&next, look_alike, "looks like the name of another user").await;
    }
    assert_eq!(collisions().await, [pair("c0rner", "corner")]);

    let _renamed = accounts.rename("corner", "dora", next.now()).await.unwrap();
    for look_alike in ["comer", "corner", "\u{441}0rner"] {
        assert_refused(&next, look_alike, "looks like the name of another user").await;
    }
    assert_eq!(collisions().await, []);
    assert_eq!(log_in(&mut next.client(), "c0rner", PASSWORD).await.status(), 200);

    let _ended = accounts.delete("c0rner").await.unwrap();
    sign_up(&mut next.client(), "comer").await;
}

async fn a06_several_processes_upgrade_names_at_once(on_postgres: bool) {
    const USERS: usize = 600;
    let site = on(on_postgres).await;
    insert_look_alikes(&site, USERS).await;
    let migrate = async || {
        let database = Database::open(&site.database_url()).await.unwrap();
        Accounts::migrate(&database).await.unwrap()
    };
    assert_eq!(tokio::join!(migrate(), migrate(), migrate(), migrate()), (0, 0, 0, 0));
    assert_older_users_have_the_looks(&site, USERS).await;
}

/// Adds users as they were before the rules. Half of them have names such as `corner1`. The other half are younger, and
/// have names such as `comer1`, in reverse order.
pub(crate) async fn insert_look_alikes(site: &TestSite, users: usize) {
    sign_up(&mut site.client(), "bob").await;
    for (prefix, created_at) in [("corner", "n.i"), ("comer", "5000 - n.i")] {
        let sql = format!(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {users}) \
             INSERT INTO users (id, username, username_key, password_hash, password_version, display_name, email, \
             created_at) SELECT '{prefix}' || n.i, '{prefix}' || n.i, '{prefix}' || n.i, password_hash, 1, '', '', \
             {created_at} FROM users, n WHERE username = 'bob'"
        );
        let sql: &'static str = sql.leak();
        assert_eq!(site.database().execute(Statement::new(sql)).await.unwrap(), users as u64);
    }
}

pub(crate) async fn assert_older_users_have_the_looks(site: &TestSite, users: usize) {
    let found = Accounts::name_collisions(&Database::open(&site.database_url()).await.unwrap()).await.unwrap();
    assert_eq!(found.len(), users);
    for collision in found {
        assert_eq!(collision.username.replace("comer", "corner"), collision.other);
    }
}

/// The server checks names before it hashes the password. All of these simultaneous sign-ups therefore pass the check.
async fn s79_a06_of_look_alikes_at_once_at_two_servers_one_signs_up(on_postgres: bool) {
    let site = on(on_postgres).await;
    let servers = [&site, &site.beside(Options { on_postgres, ..Options::default() }).await];
    for names in [["scope", "ѕсоре"], ["MIKE", "mlke"], ["paypaI", "paypal"], ["bIll", "bi11"], ["b0b", "BOB"]] {
        let (one, other) = tokio::join!(try_to_sign_up(servers[0], names[0]), try_to_sign_up(servers[1], names[1]));
        let mut statuses = [one.status().as_u16(), other.status().as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 422], "{names:?}: {} {}", one.text(), other.text());
        let refused = if one.status() == 200 { &other } else { &one };
        assert!(refused.text().contains("looks like the name of another user"), "{names:?}: {}", refused.text());
    }
    // An operator renames a user at the same time.
    sign_up(&mut site.client(), "carol").await;
    let accounts = Accounts::open(Database::open(&site.database_url()).await.unwrap()).await.unwrap();
    let _builder =
        accounts.configure(Authenticator::builder(KeySet::new(SigningKey::generate(Algorithm::HS256).unwrap())));
    let (renamed, signed_up) =
        tokio::join!(accounts.rename("carol", "lana", site.now()), try_to_sign_up(&site, "Iana"));
    assert_ne!(renamed.is_ok(), signed_up.status() == 200, "{renamed:?} {}", signed_up.text());
}

/// Only reserved names are for operators alone.
async fn a06_operators_add_and_rename_users_by_the_same_rules(on_postgres: bool) {
    let site = on(on_postgres).await;
    let accounts = Accounts::open(Database::open(&site.database_url()).await.unwrap()).await.unwrap();
    let _builder =
        accounts.configure(Authenticator::builder(KeySet::new(SigningKey::generate(Algorithm::HS256).unwrap())));
    let now = site.now();
    sign_up(&mut site.client(), "scope").await;
    assert_eq!(accounts.add("Admin", "", now).await.unwrap().user.username, "Admin");
    for (name, words) in
        [("ѕсоре", "looks like the name of another user"), ("SCOPE", "is taken"), ("--help", "Begin your user name")]
    {
        for error in [
            accounts.add(name, "", now).await.unwrap_err().to_string(),
            accounts.rename("admin", name, now).await.unwrap_err().to_string(),
        ] {
            assert!(error.contains(words), "{name}: {error}");
        }
    }
    // After a rename, names that look like the new name are refused, and names that look like the old one are accepted.
    let (renamed, _) = accounts.rename("scope", "Corner", now).await.unwrap();
    assert_eq!(renamed.user.username, "Corner");
    assert_refused(&site, "comer", "looks like the name of another user").await;
    sign_up(&mut site.client(), "ѕсоре").await;
    assert_eq!(accounts.rename("corner", "CORNER", now).await.unwrap().0.user.username, "CORNER");
    // After a user has been deleted, names that look like the user's name are accepted.
    let _ended = accounts.delete("corner").await.unwrap();
    sign_up(&mut site.client(), "comer").await;
}

#[tokio::test]
async fn a06_reserved_names_can_be_added_and_given_up() {
    let rules = |accounts: Accounts| accounts.with_name_rules(NameRules::default().reserve(["billing"]));
    let site = TestSite::start(Options { rules, ..Options::default() }).await;
    for name in ["billing", "BiIling", "admin"] {
        assert_refused(&site, name, "reserved").await;
    }
    let rules = |accounts: Accounts| accounts.with_name_rules(NameRules::without_reserved_names());
    let site = TestSite::start(Options { rules, ..Options::default() }).await;
    sign_up(&mut site.client(), "admin").await;
}
