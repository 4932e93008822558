//! The people of the examples: a table in memory in place of an application's own database. Passwords are
//! kept as argon2 hashes all the same; the `hardtack-accounts` crate adds sign-up and throttling to that.

use std::collections::HashMap;
use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{self, PasswordHasher, PasswordVerifier};
use hardtack::BackendError;
use hardtack::FindUser;
use tokio::sync::Mutex;

/// Somebody with an account.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) nickname: String,
    password: PasswordHash,
}

/// Everybody with an account, by name.
#[derive(Clone)]
pub(crate) struct People {
    table: Arc<Mutex<HashMap<String, Person>>>,
    nobody: PasswordHash,
}

impl People {
    /// `alice` with the password `correct horse`, and `bob` with `battery staple`.
    pub(crate) fn new() -> Result<Self, password_hash::Error> {
        let person = |name: &str, nickname: &str, password: &str| {
            let password = Argon2::default().hash_password(password.as_bytes())?;
            Ok::<_, password_hash::Error>((
                name.to_owned(),
                Person { name: name.to_owned(), nickname: nickname.to_owned(), password },
            ))
        };
        let table = [person("alice", "Allie", "correct horse")?, person("bob", "Bobby", "battery staple")?];
        let (_, nobody) = person("", "", "")?;
        Ok(Self { table: Arc::new(Mutex::new(table.into())), nobody: nobody.password })
    }

    /// The person, if the password is theirs.
    pub(crate) async fn check(&self, name: &str, password: &str) -> Option<Person> {
        let person = self.table.lock().await.get(name).cloned();
        // An unknown name takes as long as a wrong password does.
        let hash = person.as_ref().map_or_else(|| self.nobody.clone(), |person| person.password.clone());
        let password = password.to_owned();
        let verify = move || Argon2::default().verify_password(password.as_bytes(), &hash).is_ok();
        let right = tokio::task::spawn_blocking(verify).await.unwrap_or(false);
        person.filter(|_| right)
    }

    /// Changes what a person is called.
    pub(crate) async fn rename(&self, name: &str, nickname: String) {
        if let Some(person) = self.table.lock().await.get_mut(name) {
            person.nickname = nickname;
        }
    }
}

/// Lets `CurrentUser<Person>` look people up.
impl FindUser for Person {
    type State = People;

    async fn find_user(subject: &str, people: &People) -> Result<Option<Self>, BackendError> {
        Ok(people.table.lock().await.get(subject).cloned())
    }
}
