//! People and their passwords: signing up, checking a log-in, changing what may be changed.

use hardtack::Timestamp;
use hardtack::session::StoreError;
use hardtack_sqlx::{Database, MigrateError, Migration};

use crate::passwords::{HashError, Hasher, PasswordProblem, Verdict, validate as validate_password};
use crate::users::{NewUser, Settings, SettingsProblem, User, UserNameProblem, UserStore, validate as validate_name};

/// The tables of this crate, in order.
const MIGRATIONS: &[Migration] = &[Migration::per_database(
    1,
    include_str!("../migrations/sqlite/0001_users.sql"),
    include_str!("../migrations/postgres/0001_users.sql"),
)];

/// Why the accounts could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccountsError {
    /// The database's tables.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    /// The first password hash.
    #[error("passwords cannot be hashed: {0}")]
    Hash(String),
}

/// Users and passwords over a database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Accounts {
    users: UserStore,
    hasher: Hasher,
}

/// Someone whose password was right a moment ago.
pub(crate) struct Proven {
    pub(crate) id: String,
    version: i64,
}

/// What can be wrong with a sign-up, field by field.
#[derive(Debug, Default)]
pub(crate) struct SignUpProblems {
    pub(crate) username: Option<UserNameProblem>,
    pub(crate) password: Option<PasswordProblem>,
}

/// Why something was not done.
#[derive(Debug)]
pub(crate) enum Refusal<P> {
    /// What was typed is not right.
    Problem(P),
    /// Passwords cannot be checked at the moment.
    Busy,
    /// The database failed.
    Store(StoreError),
}

impl<P> From<StoreError> for Refusal<P> {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl<P> From<HashError> for Refusal<P> {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Busy => Self::Busy,
            HashError::Failed(error) => Self::Store(error),
        }
    }
}

/// A password that is not the user's.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct WrongPassword;

/// Why a password was not changed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum PasswordChange {
    /// The current one is another.
    WrongCurrent,
    /// The new one will not do.
    BadNew(PasswordProblem),
}

impl Accounts {
    /// Brings the database's tables up to date. Takes a [`Database`] or an sqlx pool.
    ///
    /// # Errors
    /// A database that fails or is newer than this program.
    pub async fn open(database: impl Into<Database>) -> Result<Self, AccountsError> {
        let database = database.into();
        Self::migrate(&database).await?;
        let hasher = Hasher::new().await.map_err(|error| AccountsError::Hash(error.to_string()))?;
        Ok(Self { users: UserStore::new(database), hasher })
    }

    /// Only brings the database's tables up to date; answers how many steps that took.
    ///
    /// # Errors
    /// A database that fails or is newer than this program.
    pub async fn migrate(database: &Database) -> Result<usize, MigrateError> {
        database.migrate("accounts", MIGRATIONS).await
    }

    /// Adds a user, or says what is wrong with both fields.
    pub(crate) async fn sign_up(
        &self,
        username: &str,
        password: String,
        now: Timestamp,
    ) -> Result<User, Refusal<SignUpProblems>> {
        let problems = SignUpProblems {
            username: validate_name(username).err(),
            password: validate_password(&password, username).err(),
        };
        if problems.username.is_some() || problems.password.is_some() {
            return Err(Refusal::Problem(problems));
        }
        let password_hash = self.hasher.hash(password).await?;
        let added = self.users.add(NewUser { username, password_hash: &password_hash, now }).await?;
        let taken = SignUpProblems { username: Some(UserNameProblem::Taken), password: None };
        added.ok_or(Refusal::Problem(taken))
    }

    /// Checks a log-in. An unknown name, a disabled user and a wrong password take the same work and
    /// give the same answer (ASVS 5.0 V6.3.8).
    pub(crate) async fn check(&self, username: &str, password: String) -> Result<Proven, Refusal<WrongPassword>> {
        let found = self.users.credentials_of_name(username).await?;
        self.prove(found, password).await
    }

    /// Checks the password of someone who is logged in.
    pub(crate) async fn check_again(&self, id: &str, password: String) -> Result<Proven, Refusal<WrongPassword>> {
        let found = self.users.credentials_of_id(id).await?;
        self.prove(found, password).await
    }

    async fn prove(
        &self,
        found: Option<crate::users::Credentials>,
        password: String,
    ) -> Result<Proven, Refusal<WrongPassword>> {
        let hash = found.as_ref().map(|credentials| credentials.password_hash.clone());
        let verdict = self.hasher.verify(password.clone(), hash).await?;
        let Some(credentials) = found.filter(|found| verdict != Verdict::Wrong && !found.disabled) else {
            return Err(Refusal::Problem(WrongPassword));
        };
        if verdict == Verdict::RightButWeak {
            let hash = self.hasher.hash(password).await?;
            self.users.set_password(&credentials.id, &hash, credentials.password_version, false).await?;
        }
        Ok(Proven { id: credentials.id, version: credentials.password_version })
    }

    /// Whether what was proven still holds. Asked again once a session exists: a password that was
    /// changed in between ends all sessions before it, and this catches those that came just after.
    pub(crate) async fn still_holds(&self, proven: &Proven) -> Result<bool, StoreError> {
        let found = self.users.credentials_of_id(&proven.id).await?;
        Ok(found.is_some_and(|found| found.password_version == proven.version && !found.disabled))
    }

    /// Changes a password whose current one is known.
    pub(crate) async fn change_password(
        &self,
        user: &User,
        current: String,
        new: String,
    ) -> Result<(), Refusal<PasswordChange>> {
        validate_password(&new, &user.username).map_err(|problem| Refusal::Problem(PasswordChange::BadNew(problem)))?;
        let proven = self.check_again(&user.id, current).await.map_err(|refusal| match refusal {
            Refusal::Problem(WrongPassword) => Refusal::Problem(PasswordChange::WrongCurrent),
            Refusal::Busy => Refusal::Busy,
            Refusal::Store(error) => Refusal::Store(error),
        })?;
        let hash = self.hasher.hash(new).await?;
        if self.users.set_password(&user.id, &hash, proven.version, true).await? {
            return Ok(());
        }
        // Somebody changed it in between: the current password is no longer the one that was typed.
        Err(Refusal::Problem(PasswordChange::WrongCurrent))
    }

    /// Changes settings that are right.
    pub(crate) async fn change_settings(
        &self,
        user: &User,
        settings: Settings,
    ) -> Result<User, Refusal<(Settings, Vec<SettingsProblem>)>> {
        let (settings, problems) = settings.validate();
        if !problems.is_empty() {
            return Err(Refusal::Problem((settings, problems)));
        }
        let changed = self.users.set_settings(&user.id, &settings).await?;
        changed.ok_or_else(|| Refusal::Store(StoreError::new("the user is gone")))
    }

    /// The user that a token names; none who was deleted or disabled.
    ///
    /// # Errors
    /// The database failed.
    pub async fn find(&self, id: &str) -> Result<Option<User>, StoreError> {
        self.users.active(id).await
    }

    pub(crate) async fn ping(&self) -> Result<(), StoreError> {
        self.users.ping().await
    }
}
