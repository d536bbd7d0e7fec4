//! Settings: one TOML file, and environment variables that win over it. Secrets come from the environment or files only.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::db::Place;
use crate::keys::master::Source;
use crate::policy::shop::{self, Policy};

/// Everything that can be set. `aftersales.example.toml` documents each key.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where `serve` listens; port 0 picks a free one.
    pub listen: SocketAddr,
    /// What clients call the server, without a path; derived from the listener where unset.
    pub public_url: Option<String>,
    /// The page that a guest's link leads to; the token stands behind its `#`, so that no server logs it. Derived from
    /// `public_url` where unset.
    pub guest_url: Option<String>,
    /// Signs what the mail gateway delivers; none: `/webhooks/mail` does not exist.
    pub inbound_secret: Option<Secret>,
    /// The data folder: `main/`, `keys/`, `blobs/`, `ledger/`.
    pub data: PathBuf,
    /// The main database.
    pub database: Place,
    /// The key store.
    pub keystore: Place,
    /// The erasure ledger: a folder, or a PostgreSQL database.
    pub ledger: Place,
    /// The master key.
    pub master_key: Source,
    /// GraphiQL for a browser's GET.
    pub graphiql: bool,
    /// Introspection.
    pub introspection: bool,
    /// Origins that browsers may call from.
    pub cors_origins: Vec<String>,
    /// Largest photo in bytes; a photo is stripped in memory.
    pub max_photo_bytes: u64,
    /// Largest video in bytes; a video streams.
    pub max_video_bytes: u64,
    /// Whether this instance runs jobs.
    pub jobs: bool,
    /// The policy of the shop; none: the shipped one.
    pub policy: Option<PathBuf>,
    /// The secret that carriers sign their events with; none: nothing is taken from them.
    pub carrier_secret: Option<Secret>,
    /// E-mail.
    pub mail: Mail,
    /// How the nightly removal behaves.
    pub retention: Retention,
}

/// How the nightly removal behaves. What is due, and when, is the policy's.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// Rows that one run takes at most; 0: no bound. The next run goes on.
    pub daily_cap: u32,
    /// Rows due beyond the forecast, unexplained, up to which a run goes on.
    pub surplus_tolerance: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { daily_cap: 1_000_000, surplus_tolerance: 100 }
    }
}

/// How mail is sent.
#[derive(Clone, Debug)]
pub struct Mail {
    /// `Name <name@domain>`; none: the service address of the shop's policy.
    pub from: Option<String>,
    /// The domain whose mail this program receives: of reply addresses and message ids. None: replies go to `from`.
    pub domain: Option<String>,
    /// A folder whose files stand over the shipped templates.
    pub templates: Option<PathBuf>,
    /// The mail server; none: mail waits.
    pub smtp: Option<Secret>,
    /// How long one mail may take from the connection to the server's last reply.
    pub patience: Duration,
}

/// A setting that nothing prints.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// A secret of this text.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text, for the one place that uses it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct MailFile {
    from: Option<String>,
    domain: Option<String>,
    templates: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    listen: Option<SocketAddr>,
    public_url: Option<String>,
    guest_url: Option<String>,
    data: Option<PathBuf>,
    graphiql: Option<bool>,
    introspection: Option<bool>,
    cors_origins: Option<Vec<String>>,
    max_photo_bytes: Option<u64>,
    max_video_bytes: Option<u64>,
    jobs: Option<bool>,
    policy: Option<PathBuf>,
    mail: MailFile,
    retention: Retention,
}

impl Config {
    /// Reads the file, if one is named, and the environment through `var`.
    ///
    /// # Errors
    /// The file is missing or broken, a key is unknown, a value has the wrong form: the text names it.
    pub fn load(file: Option<&Path>, var: impl Fn(&str) -> Option<String>) -> anyhow::Result<Self> {
        let set: File = match file {
            None => File::default(),
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .with_context(|| format!("cannot read the settings file {}", path.display()))?;
                toml::from_str(&text).with_context(|| format!("the settings file {} is broken", path.display()))?
            }
        };
        let var = |name: &str| var(name).filter(|v| !v.is_empty());
        let listen = match var("AFTERSALES_LISTEN") {
            Some(text) => text
                .parse()
                .with_context(|| format!("AFTERSALES_LISTEN is not address:port such as 127.0.0.1:8080: {text}"))?,
            None => set.listen.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8080))),
        };
        let data = var("AFTERSALES_DATA").map(PathBuf::from).or(set.data).unwrap_or_else(|| PathBuf::from("data"));
        let database = place(var("DATABASE_URL"), "DATABASE_URL", &data.join("main/aftersales.sqlite"))?;
        let keystore = place(var("KEYSTORE_URL"), "KEYSTORE_URL", &data.join("keys/keys.sqlite"))?;
        if matches!((&database, &keystore), (Place::Postgres(_), Place::File(_))) {
            bail!(
                "DATABASE_URL names a PostgreSQL database, so KEYSTORE_URL has to name a second one: keys must not \
                 lie in the same backup as what they open"
            );
        }
        if let (Place::Postgres(a), Place::Postgres(b)) = (&database, &keystore)
            && a == b
        {
            bail!("KEYSTORE_URL names the same database as DATABASE_URL; it has to be a second one");
        }
        for origin in set.cors_origins.iter().flatten() {
            let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
            if host.is_none_or(|h| h.is_empty() || h.contains(['/', '*', ' '])) {
                bail!("cors_origins: {origin} is not an origin such as https://www.example.com");
            }
        }
        let ledger = match var("LEDGER_URL") {
            Some(url) if url.starts_with("file://") => Place::File(PathBuf::from(url.trim_start_matches("file://"))),
            other => place(other, "LEDGER_URL", &data.join("ledger"))?,
        };
        if let Place::Postgres(url) = &ledger
            && [&database, &keystore].iter().any(|p| matches!(p, Place::Postgres(other) if other == url))
        {
            bail!("LEDGER_URL names the same database as DATABASE_URL or KEYSTORE_URL; it has to be one of its own");
        }
        Ok(Self {
            listen,
            guest_url: set.guest_url,
            inbound_secret: var("AFTERSALES_INBOUND_SECRET").map(Secret::new),
            public_url: set.public_url.map(|u| u.trim_end_matches('/').to_owned()),
            master_key: master_key(&var, &data),
            database,
            keystore,
            ledger,
            data,
            graphiql: set.graphiql.unwrap_or(false),
            introspection: set.introspection.unwrap_or(false),
            cors_origins: set.cors_origins.unwrap_or_default(),
            max_photo_bytes: set.max_photo_bytes.unwrap_or(25 << 20),
            max_video_bytes: set.max_video_bytes.unwrap_or(1 << 30),
            jobs: set.jobs.unwrap_or(true),
            policy: var("AFTERSALES_POLICY").map(PathBuf::from).or(set.policy),
            carrier_secret: var("AFTERSALES_CARRIER_SECRET").map(Secret::new),
            mail: mail(set.mail, var("AFTERSALES_SMTP_URL"))?,
            retention: set.retention,
        })
    }
}

impl Config {
    /// Reads the policy of the shop: its file over the shipped default.
    ///
    /// # Errors
    /// The file cannot be read, or it has values that the law does not allow: the text names each with its norm.
    pub fn policy(&self) -> anyhow::Result<Policy> {
        let Some(path) = &self.policy else { return Ok(Policy::shipped().clone()) };
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read the policy file {}", path.display()))?;
        shop::parse(Some(&text)).map_err(|faults| {
            let lines: Vec<String> = faults.iter().map(|fault| format!("\n  {fault}")).collect();
            anyhow::anyhow!("the policy file {} is refused:{}", path.display(), lines.concat())
        })
    }
}

fn place(url: Option<String>, name: &str, default: &Path) -> anyhow::Result<Place> {
    match url {
        None => Ok(Place::File(default.to_owned())),
        Some(url) if url.starts_with("postgres://") || url.starts_with("postgresql://") => Ok(Place::Postgres(url)),
        Some(_) => bail!("{name} has to start with postgres:// (leave it out for SQLite in the data folder)"),
    }
}

fn mail(set: MailFile, smtp: Option<String>) -> anyhow::Result<Mail> {
    if let Some(domain) = &set.domain
        && (!domain.contains('.') || domain.contains(['@', '/', ' ', '<', '>']))
    {
        bail!("mail.domain: {domain} is not a domain such as service.example.com");
    }
    let smtp = smtp.map(Secret::new);
    Ok(Mail { from: set.from, domain: set.domain, templates: set.templates, smtp, patience: Duration::from_secs(30) })
}

fn master_key(var: &impl Fn(&str) -> Option<String>, data: &Path) -> Source {
    if let Some(key) = var("AFTERSALES_MASTER_KEY") {
        return Source::Given(Zeroizing::new(key));
    }
    let default = || secrets_beside(data).join("master.key");
    Source::File(var("AFTERSALES_MASTER_KEY_FILE").map_or_else(default, PathBuf::from))
}

/// `<data folder>.secrets`: a sibling of the data folder, so that a copy of the one never holds the other.
#[must_use]
pub fn secrets_beside(data: &Path) -> PathBuf {
    let mut name = data.as_os_str().to_owned();
    name.push(".secrets");
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str, vars: &[(&str, &str)]) -> anyhow::Result<Config> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("aftersales.toml");
        std::fs::write(&path, text).unwrap();
        Config::load(Some(&path), |name| vars.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
    }

    #[test]
    fn the_environment_wins() {
        let config = load("listen = \"127.0.0.1:1\"\ndata = \"a\"", &[("AFTERSALES_LISTEN", "127.0.0.1:0")]).unwrap();
        assert_eq!((config.listen.port(), config.data), (0, PathBuf::from("a")));
    }

    #[test]
    fn a_broken_file_is_refused_with_the_line() {
        let error = format!("{:#}", load("listen = 7\n", &[]).unwrap_err());
        assert!(error.contains("aftersales.toml is broken") && error.contains("line 1"), "{error}");
        let error = format!("{:#}", load("lisen = \"127.0.0.1:1\"", &[]).unwrap_err());
        assert!(error.contains("unknown field `lisen`"), "{error}");
    }

    #[test]
    fn postgres_needs_a_key_store_of_its_own() {
        let one = [("DATABASE_URL", "postgres://h/a")];
        assert!(load("", &one).unwrap_err().to_string().contains("KEYSTORE_URL"));
        let same = [("DATABASE_URL", "postgres://h/a"), ("KEYSTORE_URL", "postgres://h/a")];
        assert!(load("", &same).unwrap_err().to_string().contains("second one"));
    }

    #[test]
    fn mail_has_a_table_and_its_password_is_never_shown() {
        let text = "[mail]\nfrom = \"Service <s@example.com>\"\ndomain = \"example.com\"";
        let config = load(text, &[("AFTERSALES_SMTP_URL", "smtps://u:geheim@mail.example.com")]).unwrap();
        assert_eq!(config.mail.domain.as_deref(), Some("example.com"));
        assert!(!format!("{config:?}").contains("geheim"));
        assert!(load("[mail]\ndomain = \"a@b.c\"", &[]).unwrap_err().to_string().contains("mail.domain"));
        assert!(load("[mail]\nsmtp = \"smtp://h\"", &[]).is_err(), "a secret has no place in the file");
    }

    #[test]
    fn the_shipped_example_is_the_default() {
        let example = Config::load(Some(Path::new("aftersales.example.toml")), |_| None).unwrap();
        let default = Config::load(None, |_| None).unwrap();
        assert_eq!(format!("{example:?}"), format!("{default:?}"));
    }
}
