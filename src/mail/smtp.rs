//! The mail server, and one mail's way to it.
//!
//! A connection serves one run and is closed at its end, so none can go stale between runs. lettre's own pool would put a
//! connection whose sending was cut off by a timeout back into use, out of step with the server by one reply.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, bail};
use lettre::address::Envelope;
use lettre::message::Mailbox;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use percent_encoding::percent_decode_str;
use url::Url;

use crate::config::Mail;

/// The mail server, and who mail is from.
pub struct Mailer {
    host: String,
    port: u16,
    security: Security,
    credentials: Option<Credentials>,
    hello: ClientId,
    patience: Duration,
    /// Who mail is from; none: the shop.
    pub(super) from: Option<Mailbox>,
}

enum Security {
    /// TLS from the first byte (RFC 8314).
    Wrapped(TlsParameters),
    /// STARTTLS, or no mail.
    Required(TlsParameters),
    /// None: a server on this machine.
    Plain,
}

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The server has taken it; its reply's codes.
    Sent(String),
    /// Not now: the server's codes, or a word of ours.
    Later(String),
    /// Never.
    Refused(String),
}

impl Outcome {
    /// Whether a server has spoken. Where none did for a whole batch, the next batch would fare no better.
    #[must_use]
    pub fn is_reply(&self) -> bool {
        !matches!(self, Self::Later(word) if word == TIMEOUT || word == UNREACHABLE)
    }
}

const TIMEOUT: &str = "TIMEOUT";
const UNREACHABLE: &str = "UNREACHABLE";

impl Mailer {
    /// The server of the settings; none where none is set. Connects to nothing.
    ///
    /// # Errors
    /// The URL or the sender has the wrong form, or the URL would send in plain text over a network.
    pub fn open(config: &Mail) -> anyhow::Result<Option<Self>> {
        let from = config.from.as_deref().map(str::parse).transpose();
        let from = from.context("mail.from is not an address such as Shop <service@example.com>")?;
        let Some(smtp) = &config.smtp else { return Ok(None) };
        // The parser's own error would quote the password.
        let url = Url::parse(smtp.reveal()).map_err(|_| anyhow::anyhow!("AFTERSALES_SMTP_URL is not a URL"))?;
        let host = url.host_str().filter(|h| !h.is_empty()).context("AFTERSALES_SMTP_URL names no host")?;
        let host = host.trim_matches(['[', ']']).to_owned();
        let tls = || TlsParameters::new(host.clone()).context("AFTERSALES_SMTP_URL: no TLS to this host");
        let option = url.query_pairs().find(|(name, _)| name == "tls").map(|(_, value)| value.into_owned());
        let (security, port) = match (url.scheme(), option.as_deref()) {
            ("smtps", None) => (Security::Wrapped(tls()?), 465),
            ("smtp", Some("required")) => (Security::Required(tls()?), 587),
            ("smtp", None) if is_loopback(&host) => (Security::Plain, 25),
            ("smtp", None) => bail!(
                "AFTERSALES_SMTP_URL would send personal data unencrypted: use smtps://, or smtp:// with ?tls=required"
            ),
            _ => bail!("AFTERSALES_SMTP_URL has to be smtps://… or smtp://…?tls=required"),
        };
        let decoded = |text: &str| {
            let text = percent_decode_str(text).decode_utf8();
            text.map(|t| t.into_owned()).context("AFTERSALES_SMTP_URL: user or password is not UTF-8")
        };
        let credentials = match url.password() {
            Some(password) => Some(Credentials::new(decoded(url.username())?, decoded(password)?)),
            None if url.username().is_empty() => None,
            None => bail!("AFTERSALES_SMTP_URL has a user but no password"),
        };
        let port = url.port().unwrap_or(port);
        let (hello, patience) = (ClientId::default(), config.patience);
        Ok(Some(Self { host, port, security, credentials, hello, patience, from }))
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Error> {
        let wrapped = match &self.security {
            Security::Wrapped(tls) => Some(tls.clone()),
            Security::Required(_) | Security::Plain => None,
        };
        let server = (self.host.as_str(), self.port);
        let mut line = AsyncSmtpConnection::connect_tokio1(server, None, &self.hello, wrapped, None).await?;
        if let Security::Required(tls) = &self.security {
            line.starttls(tls.clone(), &self.hello).await?;
        }
        if let Some(credentials) = &self.credentials {
            line.auth(DEFAULT_MECHANISMS, credentials).await?;
        }
        Ok(line)
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The open connections of one run.
pub struct Lines<'a> {
    mailer: &'a Mailer,
    open: Mutex<Vec<AsyncSmtpConnection>>,
}

impl<'a> Lines<'a> {
    /// None open yet.
    #[must_use]
    pub fn new(mailer: &'a Mailer) -> Self {
        Self { mailer, open: Mutex::default() }
    }

    /// Sends one mail within the mailer's patience, whatever the server does or leaves undone. A connection that the
    /// server has closed meanwhile is replaced at once; one on which anything failed is never used again.
    pub async fn send(&self, envelope: &Envelope, bytes: &[u8]) -> Outcome {
        let attempt = async {
            let mut line = match self.reuse().await {
                Some(line) => line,
                None => self.mailer.connect().await.map_err(|error| unreachable(&error))?,
            };
            let reply = line.send(envelope, bytes).await.map_err(|error| classify(&error))?;
            self.lock().push(line);
            Ok(Outcome::Sent(codes(reply.code().to_string(), reply.first_line())))
        };
        // lettre has no timeout for reading.
        match tokio::time::timeout(self.mailer.patience, attempt).await {
            Err(_) => Outcome::Later(TIMEOUT.to_owned()),
            Ok(outcome) => outcome.unwrap_or_else(|failed: Outcome| failed),
        }
    }

    async fn reuse(&self) -> Option<AsyncSmtpConnection> {
        loop {
            let mut line = self.lock().pop()?;
            if line.test_connected().await {
                return Some(line);
            }
        }
    }

    /// Takes leave of the server, without waiting for long.
    pub async fn close(self) {
        let lines = std::mem::take(&mut *self.lock());
        let farewells: Vec<_> = lines.into_iter().map(|mut line| async move { line.abort().await }).collect();
        let farewells = futures::future::join_all(farewells);
        let _ = tokio::time::timeout(self.mailer.patience.min(Duration::from_secs(2)), farewells).await;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<AsyncSmtpConnection>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Before the first command of a mail nothing is the mail's fault, not even a refusal for good.
fn unreachable(error: &Error) -> Outcome {
    tracing::warn!(kind = kind(error), "no connection to the mail server");
    Outcome::Later(error.status().map_or_else(|| UNREACHABLE.to_owned(), |code| code.to_string()))
}

fn classify(error: &Error) -> Outcome {
    let Some(code) = error.status() else {
        // Such as an address that needs SMTPUTF8, which the server does not have; or a line that broke.
        let never = error.is_client();
        return if never { Outcome::Refused("UNSUPPORTED".to_owned()) } else { Outcome::Later("BROKEN".to_owned()) };
    };
    let reply = std::error::Error::source(error).map(ToString::to_string);
    let said = codes(code.to_string(), reply.as_deref());
    // Authentication wanted, too weak or refused (RFC 4954): the settings' fault, not the mail's.
    let is_ours = matches!(code.to_string().as_str(), "530" | "534" | "535" | "538");
    if error.is_permanent() && !is_ours { Outcome::Refused(said) } else { Outcome::Later(said) }
}

/// The kind of an error, without the server's words, which may quote an address.
fn kind(error: &Error) -> &'static str {
    match error {
        e if e.status().is_some() => "reply",
        e if e.is_tls() => "TLS",
        e if e.is_client() => "client",
        e if e.is_response() => "not SMTP",
        _ => "network",
    }
}

/// `550 5.1.1`: the code, and the enhanced code (RFC 3463) where the text begins with one.
fn codes(code: String, text: Option<&str>) -> String {
    let word = text.and_then(|t| t.split_whitespace().next()).unwrap_or_default();
    let parts: Vec<&str> = word.split('.').collect();
    let is_enhanced = parts.len() == 3
        && parts.iter().all(|p| (1..=3).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_digit()))
        && code.starts_with(parts[0]);
    if is_enhanced { format!("{code} {word}") } else { code }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    fn open(url: &str) -> anyhow::Result<Option<Mailer>> {
        let mut config = crate::config::Config::load(None, |_| None)?.mail;
        config.smtp = Some(Secret::new(url.to_owned()));
        Mailer::open(&config)
    }

    #[test]
    fn nothing_goes_in_plain_over_a_network() {
        for (url, port) in [
            ("smtps://u:p@mail.example.com", 465),
            ("smtps://u:p@mail.example.com:4465", 4465),
            ("smtp://u:p@mail.example.com?tls=required", 587),
            ("smtp://127.0.0.1", 25),
            ("smtp://[::1]:2525", 2525),
            ("smtp://localhost:2525", 2525),
        ] {
            assert_eq!(open(url).unwrap().unwrap().port, port, "{url}");
        }
        for url in [
            "smtp://mail.example.com",
            "smtp://mail.example.com?tls=opportunistic",
            "smtp://u@mail.example.com?tls=required",
            "http://127.0.0.1",
            "mail.example.com",
            "smtps://",
        ] {
            assert!(open(url).is_err(), "{url}");
        }
    }

    #[test]
    fn an_error_never_quotes_the_password() {
        for url in ["smtp://u:geheim@mail.example.com", "smtp://u:geheim@:99999", "smtps://u:gehe im@h:x"] {
            let error = format!("{:#}", open(url).err().unwrap());
            assert!(!error.contains("gehe"), "{error}");
        }
    }

    #[test]
    fn only_codes_of_a_reply_are_kept() {
        let of = |code: &str, text| codes(code.to_owned(), text);
        assert_eq!(of("550", Some("5.1.1 <erika@example.com> unknown")), "550 5.1.1");
        assert_eq!(of("550", Some("erika@example.com unknown")), "550");
        assert_eq!(of("550", Some("1.2.3 odd")), "550", "another class");
        assert_eq!(of("250", None), "250");
    }
}
