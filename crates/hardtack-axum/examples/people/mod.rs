//! The users of the examples, in a table in memory. Passwords are stored as Argon2 hashes. For users in a database, and
//! for sign-up, use the `hardtack-accounts` crate.

use std::collections::HashMap;
use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{self, PasswordHasher, PasswordVerifier};
use hardtack::{BackendError, FindUser};
use tokio::sync::Mutex;

/// A user.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) nickname: String,
    password: PasswordHash,
}

/// All users by name.
#[derive(Clone)]
pub(crate) struct People {
    table: Arc<Mutex<HashMap<String, Person>>>,
    /// The hash that a log-in with an unknown name is checked against.
    unknown: PasswordHash,
}

impl People {
    /// Creates `alice` with the password `correct horse`, and `bob` with `battery staple`.
    pub(crate) fn new() -> Result<Self, password_hash::Error> {
        let person = |name: &str, nickname: &str, password: &str| {
            let password = Argon2::default().hash_password(password.as_bytes())?;
            Ok::<_, password_hash::Error>((
                name.to_owned(),
                Person { name: name.to_owned(), nickname: nickname.to_owned(), password },
            ))
        };
        let table = [person("alice", "Allie", "correct horse")?, person("bob", "Bobby", "battery staple")?];
        let (_, unknown) = person("", "", "")?;
        Ok(Self { table: Arc::new(Mutex::new(table.into())), unknown: unknown.password })
    }

    /// Returns the user if the password is right.
    pub(crate) async fn check(&self, name: &str, password: &str) -> Option<Person> {
        let person = self.table.lock().await.get(name).cloned();
        // Take as long for an unknown name as for a wrong password, so that the time does not reveal which names exist.
        let hash = person.as_ref().map_or_else(|| self.unknown.clone(), |person| person.password.clone());
        let password = password.to_owned();
        let verify = move || Argon2::default().verify_password(password.as_bytes(), &hash).is_ok();
        let right = tokio::task::spawn_blocking(verify).await.unwrap_or(false);
        person.filter(|_| right)
    }

    /// Changes a user's nickname.
    pub(crate) async fn rename(&self, name: &str, nickname: String) {
        if let Some(person) = self.table.lock().await.get_mut(name) {
            person.nickname = nickname;
        }
    }
}

/// Lets `CurrentUser<Person>` look users up.
impl FindUser for Person {
    type State = People;

    async fn find_user(subject: &str, people: &People) -> Result<Option<Self>, BackendError> {
        Ok(people.table.lock().await.get(subject).cloned())
    }
}
