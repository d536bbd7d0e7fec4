//! PostgreSQL's own programs, `pg_dump` and `pg_restore`. What they need to connect goes to them by the environment: a
//! command line can be read by everybody on the machine.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use percent_encoding::percent_decode_str;
use sea_orm::ConnectionTrait as _;
use url::Url;

use crate::db::{self, Db, Place};

/// What libpq calls the parameters of a URL.
const PARAMETERS: [(&str, &str); 12] = [
    ("sslmode", "PGSSLMODE"),
    ("sslrootcert", "PGSSLROOTCERT"),
    ("sslcert", "PGSSLCERT"),
    ("sslkey", "PGSSLKEY"),
    ("ssl-mode", "PGSSLMODE"),
    ("ssl-root-cert", "PGSSLROOTCERT"),
    ("host", "PGHOST"),
    ("hostaddr", "PGHOSTADDR"),
    ("port", "PGPORT"),
    ("user", "PGUSER"),
    ("password", "PGPASSWORD"),
    ("dbname", "PGDATABASE"),
];

/// Dumps a database into a file (custom format), as one snapshot beside whoever works on it.
pub(super) fn dump(url: &str, to: &Path) -> anyhow::Result<()> {
    let mut command = Command::new(program("pg_dump")?);
    command.args(["--format=custom", "--no-owner", "--no-privileges", "--no-password", "--file"]).arg(to);
    run(command, url).with_context(|| format!("cannot dump into {}", to.display()))
}

/// Restores a dump into a database that [`empty`] has emptied: all of it or nothing.
pub(in crate::privacy) fn restore(url: &str, from: &Path) -> anyhow::Result<()> {
    let mut command = Command::new(program("pg_restore")?);
    command.args(["--no-owner", "--no-privileges", "--no-password", "--exit-on-error", "--single-transaction"]);
    command.arg("--dbname").arg(database(&parse(url)?)).arg(from);
    run(command, url).with_context(|| format!("cannot restore {}", from.display()))
}

/// Whether the programs are there, before anything is touched.
pub(in crate::privacy) fn ready() -> anyhow::Result<()> {
    program("pg_restore").map(|_| ())
}

fn run(mut command: Command, url: &str) -> anyhow::Result<()> {
    let url = parse(url)?;
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let host = url.host_str().filter(|h| !h.is_empty()).map(|h| decoded(h.trim_matches(['[', ']'])));
    let user = Some(url.username()).filter(|u| !u.is_empty()).map(decoded);
    let named = [
        ("PGHOST", host),
        ("PGPORT", url.port().map(|p| p.to_string())),
        ("PGUSER", user),
        ("PGPASSWORD", url.password().map(decoded)),
        ("PGDATABASE", Some(database(&url))),
    ];
    for (name, value) in named {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    for (key, value) in url.query_pairs() {
        if let Some((_, name)) = PARAMETERS.iter().find(|(parameter, _)| *parameter == key) {
            command.env(name, value.as_ref());
        }
    }
    command.env("PGCONNECT_TIMEOUT", "30").env("LC_ALL", "C").stdin(Stdio::null()).stdout(Stdio::null());
    let output = command.stderr(Stdio::piped()).output().context("the program does not run")?;
    if !output.status.success() {
        bail!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

fn parse(url: &str) -> anyhow::Result<Url> {
    // The text of the URL holds the password: it is no part of the message.
    Url::parse(url).map_err(|error| anyhow::anyhow!("the URL of a PostgreSQL database cannot be read: {error}"))
}

fn database(url: &Url) -> String {
    percent_decode_str(url.path().trim_start_matches('/')).decode_utf8_lossy().into_owned()
}

/// In `PATH`, or where Debian keeps the server's programs: there the newest version.
fn program(name: &str) -> anyhow::Result<PathBuf> {
    let mut folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect();
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    versions.sort_by(|a, b| b.cmp(a));
    folders.extend(versions.into_iter().map(|(_, folder)| folder));
    folders.into_iter().map(|folder| folder.join(name)).find(|path| path.is_file()).with_context(|| {
        format!(
            "`{name}` is not installed, and a PostgreSQL database is backed up and restored with it \
             (Debian: `apt-get install postgresql-client`)"
        )
    })
}

/// Drops every table and function of ours in a database, in one transaction.
pub(in crate::privacy) async fn empty(db: &Db) -> anyhow::Result<()> {
    let sql = format!(
        "DO $$ DECLARE o record; BEGIN \
         FOR o IN SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tablename <> '{}' LOOP \
         EXECUTE format('DROP TABLE IF EXISTS %I CASCADE', o.tablename); END LOOP; \
         FOR o IN SELECT p.oid::regprocedure AS name FROM pg_proc p \
         WHERE p.pronamespace = current_schema()::regnamespace AND NOT EXISTS \
         (SELECT 1 FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e') LOOP \
         EXECUTE format('DROP FUNCTION IF EXISTS %s CASCADE', o.name); END LOOP; END $$",
        crate::presence::MARK_TABLE
    );
    db.write().execute_unprepared(&sql).await.context("cannot empty the database")?;
    Ok(())
}

/// The tables of a database, but for the mark of a restore.
pub(in crate::privacy) async fn tables(db: &Db) -> anyhow::Result<i64> {
    let sql = "SELECT COUNT(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename <> $1";
    let rows = db::rows(db.read(), sql, [crate::presence::MARK_TABLE.into()]).await?;
    Ok(rows.first().map_or(Ok(0), |row| row.try_get_by_index(0))?)
}

/// Makes a database of this name on the server of `url`.
pub(in crate::privacy) async fn create(url: &str, name: &str) -> anyhow::Result<String> {
    let db = Db::open(&Place::Postgres(url.to_owned())).await?;
    let made = db.write().execute_unprepared(&format!("CREATE DATABASE \"{name}\"")).await;
    db.close().await;
    made.context("cannot make a scratch database; a drill needs a user that may (ALTER ROLE … CREATEDB)")?;
    let mut scratch = parse(url)?;
    scratch.set_path(name);
    Ok(scratch.into())
}

/// Drops the database of this name.
pub(in crate::privacy) async fn drop(url: &str, name: &str) -> anyhow::Result<()> {
    let db = Db::open(&Place::Postgres(url.to_owned())).await?;
    let dropped = db.write().execute_unprepared(&format!("DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)")).await;
    db.close().await;
    dropped.with_context(|| format!("cannot drop the scratch database {name}; drop it by hand"))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_gives_its_database() {
        let of = |url: &str| database(&parse(url).unwrap());
        assert_eq!(of("postgres://u:p%40ss@h:5432/after%20sales?sslmode=require"), "after sales");
        let error = parse("postgres://u:geheim@[::1/x").unwrap_err().to_string();
        assert!(!error.contains("geheim"), "{error}");
    }
}
