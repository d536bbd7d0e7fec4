//! A PostgreSQL server for the tests.
//!
//! In this order:
//!
//! 1. the server named by `TEST_DATABASE_URL`
//!    (`postgres://user@127.0.0.1:5432/postgres`; the user must be allowed to
//!    create databases);
//! 2. a throwaway cluster of this process' own, when PostgreSQL's `initdb` is
//!    installed;
//! 3. none. With `AFTERSALES_REQUIRE_POSTGRES=1` that is a failure.
//!
//! A `static` is never dropped, and a test process may be killed, so the
//! throwaway cluster is stopped and removed by a watchdog: a small shell
//! process in a process group of its own that waits for the end of file on a
//! pipe only this process holds open. The kernel closes that pipe however the
//! process ends.

use std::ffi::OsStr;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::{env, fs, io};

/// The account a cluster runs under when the tests run as root, which
/// PostgreSQL refuses, and the superuser inside the cluster in every case.
const ACCOUNT: &str = "postgres";

/// How often another port is tried when the chosen one is taken between the
/// choice and the start.
const ATTEMPTS: usize = 5;

const SETTINGS: &str = "
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 300
shared_buffers = 128MB
fsync = off
synchronous_commit = off
full_page_writes = off
";

/// Its arguments: the folder, then the command that stops the server.
/// The second round is for a server that was still starting in the first.
const WATCHDOG: &str = r#"
trap '' HUP INT TERM
cat > /dev/null
folder=$1
shift
for round in 1 2 3; do
    "$@"
    rm -rf "$folder"
    sleep 1
    [ -e "$folder" ] || break
done
"#;

/// A running server on which tests create databases.
pub struct Server {
    psql: PathBuf,
    /// The address without a database: `postgres://user@host:port`.
    base: String,
    /// `?…` of `TEST_DATABASE_URL`, or nothing.
    query: String,
    /// The database connected to while creating and dropping others.
    maintenance: String,
    /// Holds the pipe whose closing ends the cluster.
    _watchdog: Option<Child>,
}

/// The server of this test process, started by the first call.
///
/// # Panics
///
/// When `TEST_DATABASE_URL` names a server that does not answer, and when
/// `AFTERSALES_REQUIRE_POSTGRES=1` is set and there is no server.
pub fn server() -> Option<&'static Server> {
    static SERVER: OnceLock<Result<Option<Server>, String>> = OnceLock::new();
    match SERVER.get_or_init(find) {
        Ok(server) => server.as_ref(),
        Err(reason) => panic!("{reason}"),
    }
}

impl Server {
    /// The address of a database on this server, for `sqlx` and `sea-orm`.
    pub fn url(&self, database: &str) -> String {
        format!("{}/{database}{}", self.base, self.query)
    }

    /// Creates an empty database.
    pub fn create_database(&self, name: &str) {
        self.run(&format!("CREATE DATABASE {}", quote(name)));
    }

    /// Creates databases as copies of others, to which nothing may be connected.
    pub fn copy_databases(&self, copies: &[(String, String)]) {
        let create = |(name, of): &(String, String)| format!("CREATE DATABASE {} TEMPLATE {}", quote(name), quote(of));
        self.run_all(&copies.iter().map(create).collect::<Vec<_>>());
    }

    /// As [`Server::drop_database`], for many.
    pub fn drop_databases(&self, names: &[String]) {
        let drop = |name: &String| format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quote(name));
        self.run_all(&names.iter().map(drop).collect::<Vec<_>>());
    }

    /// Drops a database together with the connections to it; one that does not
    /// exist is no error.
    pub fn drop_database(&self, name: &str) {
        self.run(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quote(name)));
    }

    fn run(&self, statement: &str) {
        self.run_all(&[statement.to_owned()]);
    }

    fn run_all(&self, statements: &[String]) {
        if let Err(reason) = self.query_all(statements) {
            panic!("PostgreSQL: {statements:?}: {reason}");
        }
    }

    fn query(&self, statement: &str) -> Result<String, String> {
        self.query_all(&[statement.to_owned()])
    }

    /// One after the other, each in a transaction of its own.
    fn query_all(&self, statements: &[String]) -> Result<String, String> {
        let mut psql = Command::new(&self.psql);
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d"])
            .arg(self.url(&self.maintenance))
            .args(statements.iter().flat_map(|statement| ["-c", statement]))
            .env("PGCONNECT_TIMEOUT", "10");
        output(&mut psql)
    }

    fn version(&self) -> Result<String, String> {
        self.query("SHOW server_version")
    }

    /// Host and port, without the user and the password.
    fn place(&self) -> &str {
        let authority = self.base.split_once("://").map_or("", |(_, rest)| rest);
        authority.rsplit_once('@').map_or(authority, |(_, at)| at)
    }
}

fn find() -> Result<Option<Server>, String> {
    let found = match env::var("TEST_DATABASE_URL") {
        Ok(url) if !url.is_empty() => Some(given(&url)?),
        _ => None,
    };
    let (server, missing) = match found {
        Some(server) => (Some(server), String::new()),
        None => match own() {
            Ok(server) => (Some(server), String::new()),
            Err(reason) => (None, reason),
        },
    };
    let Some(server) = server else {
        if env::var("AFTERSALES_REQUIRE_POSTGRES").is_ok_and(|value| value == "1") {
            return Err(format!(
                "AFTERSALES_REQUIRE_POSTGRES=1, but {missing}: install PostgreSQL's server \
                 programs (Debian: `apt-get install postgresql`) or point TEST_DATABASE_URL at a \
                 running server"
            ));
        }
        announce(&format!("{missing}: tests run on SQLite only"));
        return Ok(None);
    };
    let version =
        server.version().map_err(|reason| format!("PostgreSQL at {} does not answer: {reason}", server.place()))?;
    let major = version.split(['.', ' ']).next().unwrap_or_default();
    announce(&format!("PostgreSQL {major} found at {}: every test runs on SQLite and PostgreSQL", server.place()));
    Ok(Some(server))
}

/// Writes to the handle: the test harness captures the print macros only, and
/// this line is for everyone.
fn announce(line: &str) {
    let _ = io::stderr().write_all(format!("{line}\n").as_bytes());
}

/// The server of `TEST_DATABASE_URL`.
fn given(url: &str) -> Result<Server, String> {
    let malformed = || "TEST_DATABASE_URL must look like postgres://user:password@host:5432/database".to_owned();
    let (scheme, rest) = url.split_once("://").ok_or_else(malformed)?;
    if !matches!(scheme, "postgres" | "postgresql") {
        return Err(malformed());
    }
    let (address, query) = rest.split_at(rest.find('?').unwrap_or(rest.len()));
    let (authority, database) = address.split_once('/').unwrap_or((address, ""));
    let psql = program("psql").ok_or(
        "TEST_DATABASE_URL is set, but `psql` is not installed (Debian: `apt-get install \
         postgresql-client`)",
    )?;
    Ok(Server {
        psql,
        base: format!("{scheme}://{authority}"),
        query: query.to_owned(),
        maintenance: if database.is_empty() { ACCOUNT.to_owned() } else { database.to_owned() },
        _watchdog: None,
    })
}

/// A cluster of this process' own.
fn own() -> Result<Server, String> {
    let initdb = program("initdb").ok_or("PostgreSQL not found")?;
    // Through symbolic links, so that the programs beside it are found.
    let initdb = initdb.canonicalize().unwrap_or(initdb);
    let beside = |name: &str| {
        Some(initdb.with_file_name(name))
            .filter(|path| path.is_file())
            .or_else(|| program(name))
            .ok_or_else(|| format!("PostgreSQL's `{name}` not found"))
    };
    let pg_ctl = beside("pg_ctl")?;
    let psql = beside("psql")?;

    let root = output(Command::new("id").arg("-u"))? == "0";
    let folder = folder(root)?;
    let data = folder.join("data");
    let log = folder.join("log");

    let mut stop = as_account(root, &pg_ctl);
    stop.arg("-D").arg(&data).args(["-m", "immediate", "stop"]);
    let watchdog = watch(&folder, &stop)?;

    output(
        as_account(root, &initdb)
            .arg("-D")
            .arg(&data)
            .args(["-U", ACCOUNT, "-A", "trust", "-E", "UTF8", "--locale=C"])
            .arg("--no-sync"),
    )
    .map_err(|reason| format!("PostgreSQL's `initdb` failed ({reason})"))?;
    fs::OpenOptions::new()
        .append(true)
        .open(data.join("postgresql.conf"))
        .and_then(|mut file| file.write_all(SETTINGS.as_bytes()))
        .map_err(|error| format!("PostgreSQL's settings cannot be written ({error})"))?;

    let mut reason = String::new();
    for _ in 0..ATTEMPTS {
        let port = free_port().map_err(|error| format!("no free port ({error})"))?;
        let started = as_account(root, &pg_ctl)
            .arg("-D")
            .arg(&data)
            .arg("-l")
            .arg(&log)
            .args(["-o", &format!("-p {port}"), "-w", "-t", "60", "start"])
            // The server outlives `pg_ctl`: it must not hold pipes of ours.
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        match started {
            Ok(status) if status.success() => {
                return Ok(Server {
                    psql,
                    base: format!("postgres://{ACCOUNT}@127.0.0.1:{port}"),
                    query: String::new(),
                    maintenance: ACCOUNT.to_owned(),
                    _watchdog: Some(watchdog),
                });
            }
            Ok(_) => reason = fs::read_to_string(&log).unwrap_or_default(),
            Err(error) => reason = error.to_string(),
        }
    }
    // Dropping the watchdog here closes its pipe, and it removes the folder.
    Err(format!("PostgreSQL did not start ({})", reason.trim()))
}

/// Starts the process that stops the server and removes the folder once this
/// process is gone.
fn watch(folder: &Path, stop: &Command) -> Result<Child, String> {
    Command::new("sh")
        .args(["-c", WATCHDOG, "aftersales-postgres-watchdog"])
        .arg(folder)
        .arg(stop.get_program())
        .args(stop.get_args())
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Not in the tests' process group: an interrupt from the terminal and
        // a test runner that kills the group must not reach it.
        .process_group(0)
        .spawn()
        .map_err(|error| format!("the watchdog of PostgreSQL did not start ({error})"))
}

/// A new folder that belongs to the account the server runs under.
fn folder(root: bool) -> Result<PathBuf, String> {
    let mut reason = String::new();
    // As root the usual folder may be closed to the other account.
    for parent in [env::temp_dir(), PathBuf::from("/tmp")] {
        let template = parent.join("aftersales-postgres-XXXXXXXX");
        match output(as_account(root, Path::new("mktemp")).arg("-d").arg(&template)) {
            Ok(path) => return Ok(PathBuf::from(path)),
            Err(error) => reason = error,
        }
    }
    Err(format!("no folder for PostgreSQL ({reason})"))
}

/// A command run as ourselves, or as the account when we are root.
fn as_account(root: bool, program: &Path) -> Command {
    let mut command = if root {
        let mut command = Command::new("runuser");
        command.args(["-u", ACCOUNT, "--"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    // The account may not enter the folder the tests run in.
    command.current_dir("/").stdin(Stdio::null());
    for name in ["PGDATA", "PGHOST", "PGPORT", "PGUSER", "PGOPTIONS"] {
        command.env_remove(name);
    }
    command
}

/// What a command printed, or why it failed.
fn output(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{name}: {error}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    } else {
        let stderr = String::from_utf8_lossy(&output.stderr);
        Err(format!("{name}: {}: {}", output.status, stderr.trim()))
    }
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Looks in `PATH`, then where Debian keeps the server's programs.
fn program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(versions(Path::new("/usr/lib/postgresql")))
        .map(|folder| folder.join(name))
        .find(|candidate| candidate.is_file())
}

/// `…/<version>/bin`, the newest version first.
fn versions(parent: &Path) -> Vec<PathBuf> {
    let number = |name: &OsStr| name.to_str().and_then(|name| name.parse::<f64>().ok());
    let mut found: Vec<(f64, PathBuf)> = fs::read_dir(parent)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((number(&entry.file_name())?, entry.path().join("bin"))))
        .collect();
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    found.into_iter().map(|(_, path)| path).collect()
}

fn quote(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}
