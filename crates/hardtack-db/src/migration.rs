//! Migrations for several components that share one database.
//!
//! sqlx's own migrator keeps one list of migrations for the whole database. Here, each component, such as the sessions
//! or the accounts, has its own list.

use crate::error::MigrateError;
use crate::pool::Pool;
use crate::statement::Statement;
use crate::transaction::Transaction;

/// A migration of a component's tables from one version to the next.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    version: u32,
    sqlite: &'static str,
    postgres: &'static str,
}

impl Migration {
    /// Creates the migration to `version` from SQL that works in both SQLite and PostgreSQL. The SQL may contain
    /// several statements, but not `BEGIN` or `COMMIT`. Versions begin at 1. Never edit a migration that has been
    /// released.
    pub const fn new(version: u32, sql: &'static str) -> Self {
        Self::per_database(version, sql, sql)
    }

    /// Creates the migration to `version` with separate SQL for each database.
    pub const fn per_database(version: u32, sqlite: &'static str, postgres: &'static str) -> Self {
        Self { version, sqlite, postgres }
    }

    /// Returns the names of the tables that this migration creates.
    fn created_tables(&self, is_postgres: bool) -> impl Iterator<Item = &'static str> {
        created_tables(if is_postgres { self.postgres } else { self.sqlite })
    }
}

/// A component that has tables of its own, such as the sessions or the accounts, and its migrations.
#[derive(Clone, Copy, Debug)]
pub struct Component<'a> {
    name: &'a str,
    migrations: &'a [Migration],
}

impl<'a> Component<'a> {
    /// Creates a component. The name identifies the component in the table of applied migrations. Never change the name
    /// of a component that has been released.
    pub const fn new(name: &'a str, migrations: &'a [Migration]) -> Self {
        Self { name, migrations }
    }

    /// Returns the version of the last migration, or zero if there are no migrations. Fails if the versions do not
    /// increase.
    fn newest(&self) -> Result<u32, MigrateError> {
        let mut newest = 0;
        for step in self.migrations {
            if step.version <= newest {
                return Err(MigrateError::OutOfOrder { component: self.name.into(), version: step.version });
            }
            newest = step.version;
        }
        Ok(newest)
    }

    /// Returns what is missing in a database in which `applied` is the last applied migration. Fails if a newer program
    /// has applied this migration.
    fn missing(&self, applied: i64, is_postgres: bool) -> Result<Missing<'a>, MigrateError> {
        let known = self.newest()?;
        if applied > i64::from(known) {
            return Err(MigrateError::Newer { component: self.name.into(), found: applied, known });
        }
        let (old, steps) =
            self.migrations.split_at(self.migrations.partition_point(|step| i64::from(step.version) <= applied));
        // A migration may recreate one of its component's tables, for example after it has renamed the old table.
        let own: Vec<&str> = old.iter().flat_map(|step| step.created_tables(is_postgres)).collect();
        let created = steps.iter().flat_map(|step| step.created_tables(is_postgres));
        Ok(Missing { steps, tables: created.filter(|table| !own.contains(table)).collect() })
    }

    /// Returns an error if `table`, which a missing migration would create, exists already. `found` is the result of
    /// [`existing_table`].
    fn refuse_existing(&self, table: &str, found: &[(i64,)]) -> Result<(), MigrateError> {
        match found {
            [(0,)] => Ok(()),
            _ => Err(MigrateError::ForeignTable { component: self.name.into(), table: table.into() }),
        }
    }

    /// Applies the missing migrations, and returns their number.
    async fn migrate(&self, transaction: &mut Transaction) -> Result<usize, MigrateError> {
        let applied = version(&transaction.fetch(Statement::new(APPLIED).bind(self.name)).await?);
        let Missing { steps, tables } = self.missing(applied, transaction.connection().is_postgres())?;
        for table in tables {
            self.refuse_existing(table, &transaction.fetch(existing_table(table)).await?)?;
        }
        for step in steps {
            transaction.connection().run_script(step.sqlite, step.postgres).await.map_err(|source| {
                MigrateError::Failed { component: self.name.into(), version: step.version, source }
            })?;
            let record = Statement::per_database(
                "INSERT INTO hardtack_migrations (component, version, applied_at) VALUES ($1, $2, unixepoch())",
                "INSERT INTO hardtack_migrations (component, version, applied_at)
                 VALUES ($1, $2, EXTRACT(EPOCH FROM now())::BIGINT)",
            );
            transaction.execute(record.bind(self.name).bind(i64::from(step.version))).await?;
        }
        Ok(steps.len())
    }
}

/// What a component lacks in a database.
struct Missing<'a> {
    steps: &'a [Migration],
    /// The tables that the steps create, and that no earlier migration of the component has created.
    tables: Vec<&'static str>,
}

/// SQL that takes a lock in PostgreSQL. Only one process can hold the lock, so only one process migrates at a time. On
/// SQLite, the transaction's write lock has the same effect. The timeouts are turned off, because this process may have
/// to wait while another process runs a long migration. The lock's key is an arbitrary number that other programs are
/// unlikely to use.
const LOCK: &str = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0;
    SELECT pg_advisory_xact_lock(7521983766109545323)";

const CREATE_VERSIONS: &str = "CREATE TABLE hardtack_migrations (
    component TEXT NOT NULL,
    version BIGINT NOT NULL,
    applied_at BIGINT NOT NULL,
    PRIMARY KEY (component, version)
)";

impl Pool {
    /// Brings the tables of one component up to date, as [`Self::migrate_all`] does. Returns how many migrations this
    /// call applied.
    ///
    /// # Errors
    /// Returns an error if [`Self::migrate_all`] does.
    pub async fn migrate(&self, component: Component<'_>) -> Result<usize, MigrateError> {
        Ok(self.migrate_all(&[component]).await?.iter().sum())
    }

    /// Brings the tables of several components up to date. Returns how many migrations this call applied for each
    /// component.
    ///
    /// All migrations run in one transaction. If one migration fails, the database stays as it was. If several
    /// processes migrate at the same time, they take turns, so each migration runs only once.
    ///
    /// # Errors
    /// Returns an error if the tables are newer than the newest migration, if another program has created a table with
    /// the same name, if the versions in a list do not increase, or if the database fails.
    pub async fn migrate_all(&self, components: &[Component<'_>]) -> Result<Vec<usize>, MigrateError> {
        let result = self.apply_all(components).await;
        self.name_foreign_versions(components, result).await
    }

    /// Checks whether [`Self::migrate_all`] could bring the tables of several components up to date, but changes
    /// nothing.
    ///
    /// # Errors
    /// Returns an error if the tables are newer than the newest migration, if another program has created a table with
    /// the same name, if the versions in a list do not increase, or if the database fails.
    pub async fn check_tables(&self, components: &[Component<'_>]) -> Result<(), MigrateError> {
        let result = self.find_conflicts(components).await;
        self.name_foreign_versions(components, result).await
    }

    /// If the database has rejected a statement because another program has created the table of applied migrations,
    /// replaces the error with one that says so. After an error, PostgreSQL runs no more statements in the transaction,
    /// so call this method after the transaction.
    async fn name_foreign_versions<T>(
        &self,
        components: &[Component<'_>],
        result: Result<T, MigrateError>,
    ) -> Result<T, MigrateError> {
        match result {
            Err(MigrateError::Database(_)) if self.is_versions_table_foreign().await => {
                Err(MigrateError::ForeignTable {
                    component: components.first().map_or("", |component| component.name).into(),
                    table: "hardtack_migrations".into(),
                })
            }
            result => result,
        }
    }

    async fn find_conflicts(&self, components: &[Component<'_>]) -> Result<(), MigrateError> {
        for component in components {
            let applied = self.applied(component).await?;
            for table in component.missing(applied, self.is_postgres())?.tables {
                component.refuse_existing(table, &self.fetch(existing_table(table)).await?)?;
            }
        }
        Ok(())
    }

    /// Returns the version of a component's last applied migration, or 0 if no migration of the component has been
    /// applied.
    async fn applied(&self, component: &Component<'_>) -> Result<i64, sqlx::Error> {
        let tables: Vec<(i64,)> = self.fetch(tables_of_versions()).await?;
        if tables == [(0,)] {
            return Ok(0);
        }
        Ok(version(&self.fetch(Statement::new(APPLIED).bind(component.name)).await?))
    }

    async fn apply_all(&self, components: &[Component<'_>]) -> Result<Vec<usize>, MigrateError> {
        let mut transaction = self.begin().await?;
        transaction.connection().run_script("", LOCK).await?;
        // PostgreSQL's `IF NOT EXISTS` requires permission to create tables even if the table exists. With this check,
        // a server whose tables are up to date can run without that permission.
        let tables: Vec<(i64,)> = transaction.fetch(tables_of_versions()).await?;
        if tables == [(0,)] {
            transaction.connection().run_script(CREATE_VERSIONS, CREATE_VERSIONS).await?;
        }
        let mut applied = Vec::with_capacity(components.len());
        for component in components {
            applied.push(component.migrate(&mut transaction).await?);
        }
        transaction.commit().await?;
        Ok(applied)
    }

    /// Returns whether there is a table `hardtack_migrations` that lacks one of the columns that this crate created it
    /// with. Returns `false` if the database fails.
    async fn is_versions_table_foreign(&self) -> bool {
        let columns: Result<Vec<(i64, i64)>, _> = self.fetch(columns_of_versions()).await;
        columns.is_ok_and(|counts| counts.iter().any(|(all, own)| *all > 0 && *own < 3))
    }

    /// Returns whether any migration of a component has been applied.
    ///
    /// # Errors
    /// The database failed.
    pub async fn has_tables(&self, component: Component<'_>) -> Result<bool, sqlx::Error> {
        Ok(self.applied(&component).await? > 0)
    }

    /// Returns whether all migrations of a component have been applied.
    ///
    /// # Errors
    /// The database failed.
    pub async fn is_migrated(&self, component: Component<'_>) -> Result<bool, sqlx::Error> {
        let applied = self.applied(&component).await?;
        Ok(component.migrations.iter().all(|step| i64::from(step.version) <= applied))
    }
}

/// Returns a statement that checks whether the table of applied migrations exists. The result is 1 if the table exists,
/// and 0 if it does not.
fn tables_of_versions() -> Statement<'static> {
    Statement::per_database(
        "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'hardtack_migrations'",
        "SELECT COUNT(to_regclass('hardtack_migrations'))",
    )
}

/// Returns a statement that counts the columns of the table of applied migrations: first all columns, then those that
/// [`CREATE_VERSIONS`] names.
fn columns_of_versions() -> Statement<'static> {
    Statement::per_database(
        "SELECT COUNT(*), COUNT(*) FILTER (WHERE name IN ('component', 'version', 'applied_at'))
         FROM pragma_table_info('hardtack_migrations')",
        "SELECT COUNT(*), COUNT(*) FILTER (WHERE attname IN ('component', 'version', 'applied_at'))
         FROM pg_attribute
         WHERE attrelid = to_regclass('hardtack_migrations') AND attnum > 0 AND NOT attisdropped",
    )
}

/// Returns the names in the `CREATE TABLE` statements of a script.
fn created_tables(script: &str) -> impl Iterator<Item = &str> {
    script.split("CREATE TABLE ").skip(1).filter_map(|rest| rest.split([' ', '(', '\n']).next())
}

/// Returns a statement that checks whether the schema in which tables are created contains this table. The result is 1
/// if the table exists, and 0 if it does not.
fn existing_table(name: &str) -> Statement<'_> {
    let statement = Statement::per_database(
        "SELECT COUNT(*) FROM sqlite_master WHERE name = $1 COLLATE NOCASE",
        "SELECT COUNT(to_regclass(quote_ident(current_schema()) || '.' || $1))",
    );
    statement.bind(name)
}

/// Selects the version of a component's last applied migration, or 0 if no migration of the component has been applied.
const APPLIED: &str = "SELECT COALESCE(MAX(version), 0) FROM hardtack_migrations WHERE component = $1";

/// Returns the version in the result of [`APPLIED`].
fn version(rows: &[(i64,)]) -> i64 {
    rows.first().map_or(0, |(version,)| *version)
}
