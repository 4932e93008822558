//! Many requests add, rename and delete users at once, and the names of these users look alike. The transactions must not
//! wait for each other in a circle.

use hardtack::jwt::Algorithm;
use hardtack::{Authenticator, KeySet, SigningKey};
use hardtack_accounts::{Accounts, UserChangeError};
use hardtack_db::{Pool, Statement};
use hardtack_sqlx::Database;

use crate::support::{Options, TestSite, sign_up};

/// The names in each group look alike.
const GROUPS: [[&str; 6]; 2] = [
    ["corner", "comer", "c0rner", "COMER", "cOrner", "comEr"],
    ["modern", "modem", "m0dern", "MODEM", "mOdern", "modEm"],
];

const TASKS: u64 = 8;
const STEPS: u64 = 80;

/// Pseudorandom numbers (Knuth's MMIX), so that each run tries the same changes.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }

    fn name(&mut self) -> &'static str {
        GROUPS[self.below(2)][self.below(6)]
    }
}

/// Adds a user as an older version did, which knew nothing of look-alikes.
async fn insert_old(database: &Pool, id: &str, name: &str) {
    let sql = "INSERT INTO users (id, username, username_key, password_hash, password_version, display_name, email, \
               created_at) SELECT $1, $2, $3, password_hash, 1, '', '', 0 FROM users WHERE username = 'bob' \
               ON CONFLICT DO NOTHING";
    database.execute(Statement::new(sql).bind(id).bind(name).bind(name.to_lowercase())).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a06_names_that_look_alike_change_at_once_without_a_deadlock() {
    let site = TestSite::start(Options { on_postgres: true, ..Options::default() }).await;
    sign_up(&mut site.client(), "bob").await;
    let accounts = Accounts::open(Database::open(&site.database_url()).await.unwrap()).await.unwrap();
    let _builder =
        accounts.configure(Authenticator::builder(KeySet::new(SigningKey::generate(Algorithm::HS256).unwrap())));
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..TASKS {
        let (accounts, database, now) = (accounts.clone(), site.database().clone(), site.now());
        tasks.spawn(async move {
            let mut random = Random(task);
            for step in 0..STEPS {
                let (name, new) = (random.name(), random.name());
                let changed = match random.below(4) {
                    0 => accounts.add(name, "", now).await.map(drop),
                    1 => accounts.rename(name, new, now).await.map(drop),
                    2 => accounts.delete(name).await.map(drop),
                    _ => {
                        insert_old(&database, &format!("{task} {step}"), name).await;
                        Ok(())
                    }
                };
                match changed {
                    Ok(())
                    | Err(
                        UserChangeError::UnknownUser(_)
                        | UserChangeError::AlreadyNamed(_)
                        | UserChangeError::NameTaken(_)
                        | UserChangeError::NameLooksTaken(_),
                    ) => {}
                    Err(error) => panic!("{name}, {new}: {error:?}"),
                }
            }
        });
    }
    tasks.join_all().await;

    // A name can be added if no user has a name that looks like it.
    Accounts::migrate(&Database::open(&site.database_url()).await.unwrap()).await.unwrap();
    for group in GROUPS {
        loop {
            let mut users = Vec::new();
            for name in group {
                users.extend(accounts.find_by_name(name).await.unwrap());
            }
            let Some(user) = users.pop() else { break };
            for name in group {
                let added = accounts.add(name, "", site.now()).await;
                assert!(added.is_err(), "{name} was added beside {}", user.user.username);
            }
            drop(accounts.delete(&user.user.username).await.unwrap());
        }
        drop(accounts.add(group[0], "", site.now()).await.unwrap());
    }
}
