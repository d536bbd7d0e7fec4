//! The one error type of the domain, and its texts in German and English.
//!
//! A [`Refusal`] is the caller's business and becomes a `userError`; everything else is a top-level error.
//! Nothing here shows SQL, paths or personal data to a client.

use std::fmt;

use sea_orm::DbErr;

use crate::policy::words::Words;

/// The result of every domain function.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No valid credentials: missing, expired, forged or revoked.
    #[error("{0}")]
    Unauthenticated(&'static str),
    /// The role may not do this.
    #[error("your role does not permit this")]
    Forbidden,
    /// The row does not exist or is not visible to the caller, who cannot tell which.
    #[error("not found")]
    NotFound,
    /// The request is understood and refused; nothing has changed.
    #[error("{0}")]
    Refused(Refusal),
    /// A disk is full or read-only, a database takes no writes. Nothing has changed; the cause is in the log.
    #[error("the storage takes no changes at the moment; nothing has been changed, send the request again later")]
    Unavailable,
    /// Our fault. The text goes to the log only.
    #[error("internal error")]
    Internal(anyhow::Error),
}

impl Error {
    /// In full, for the operator at a terminal: what clients never see.
    #[must_use]
    pub fn cause(self) -> anyhow::Error {
        match self {
            Self::Internal(cause) => cause,
            other => anyhow::anyhow!("{other}"),
        }
    }

    /// The public code of a top-level error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unauthenticated(_) => "UNAUTHENTICATED",
            Self::Forbidden => "FORBIDDEN",
            Self::NotFound => "NOT_FOUND",
            Self::Refused(_) => "BAD_USER_INPUT",
            Self::Unavailable => "SERVICE_UNAVAILABLE",
            Self::Internal(_) => "INTERNAL_SERVER_ERROR",
        }
    }
}

/// Every code that a top-level error of ours may carry as it is; `INTERNAL_SERVER_ERROR` gets a request id first.
pub const PUBLIC_CODES: &[&str] =
    &["UNAUTHENTICATED", "FORBIDDEN", "NOT_FOUND", "BAD_USER_INPUT", "SERVICE_UNAVAILABLE"];

impl From<DbErr> for Error {
    /// PostgreSQL's error details quote values, so only the kind and the engine's code are kept.
    fn from(error: DbErr) -> Self {
        let text = match error.sql_err() {
            Some(sea_orm::SqlErr::UniqueConstraintViolation(_)) => "database: unique constraint".to_owned(),
            Some(sea_orm::SqlErr::ForeignKeyConstraintViolation(_)) => "database: foreign key".to_owned(),
            _ => format!("database: {}", describe(&error)),
        };
        if takes_no_changes(&error) {
            tracing::error!(cause = text, "the database takes no changes");
            return Self::Unavailable;
        }
        if gave_way(&error) {
            return Self::Internal(anyhow::Error::new(GaveWay).context(text));
        }
        Self::Internal(anyhow::anyhow!(text))
    }
}

/// PostgreSQL rolled back one of two transactions that met; done once more, it goes through.
#[derive(Debug, thiserror::Error)]
#[error("gave way to another transaction")]
struct GaveWay;

impl Error {
    /// The same may go through when it is done once more: another transaction was in the way.
    #[must_use]
    pub fn gave_way(&self) -> bool {
        matches!(self, Self::Internal(cause) if cause.downcast_ref::<GaveWay>().is_some())
    }
}

fn sql_state(error: &DbErr) -> Option<String> {
    let (DbErr::Exec(cause) | DbErr::Query(cause)) = error else { return None };
    let sea_orm::RuntimeErr::SqlxError(cause) = cause else { return None };
    Some(cause.as_database_error()?.code()?.into_owned())
}

/// Serialisation failure, deadlock, or a row that came to point to one that was to go (PostgreSQL and SQLite).
fn gave_way(error: &DbErr) -> bool {
    sql_state(error).is_some_and(|code| matches!(code.as_str(), "40001" | "40P01" | "23503" | "787"))
}

/// SQLite: READONLY, IOERR, FULL, CANTOPEN (the low byte of the extended code). PostgreSQL: read-only transaction, disk
/// full.
fn takes_no_changes(error: &DbErr) -> bool {
    let Some(code) = sql_state(error) else { return false };
    match code.parse::<u32>() {
        Ok(sqlite) if code.len() < 5 => matches!(sqlite & 0xFF, 8 | 10 | 13 | 14),
        _ => matches!(code.as_str(), "25006" | "53100"),
    }
}

fn describe(error: &DbErr) -> String {
    match error {
        DbErr::Exec(sea_orm::RuntimeErr::SqlxError(e)) | DbErr::Query(sea_orm::RuntimeErr::SqlxError(e)) => e
            .as_database_error()
            .map_or_else(|| e.to_string(), |d| format!("code {} {}", d.code().unwrap_or_default(), d.message())),
        other => other.to_string(),
    }
}

impl From<anyhow::Error> for Error {
    fn from(error: anyhow::Error) -> Self {
        use std::io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem, StorageFull};
        let mut causes = error.chain().filter_map(|cause| cause.downcast_ref::<std::io::Error>());
        if causes.any(|io| matches!(io.kind(), PermissionDenied | ReadOnlyFilesystem | StorageFull)) {
            tracing::error!(cause = format!("{error:#}"), "the storage takes no changes");
            return Self::Unavailable;
        }
        Self::Internal(error)
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// A refusal: code, the path in the input, and named facts that help to mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What is wrong.
    pub code: Code,
    /// Path in the mutation's arguments; a place in a list is its index from 0.
    pub field: Vec<String>,
    /// Facts such as the legal transitions, the current version, the largest amount.
    pub details: Vec<(&'static str, String)>,
    /// What is wrong in words, where the code alone says too little.
    pub said: Option<Words>,
}

impl Refusal {
    /// A refusal of the input at `field`.
    #[must_use]
    pub fn at(code: Code, field: &[&'static str]) -> Self {
        Self { code, field: field.iter().map(|&f| f.to_owned()).collect(), details: Vec::new(), said: None }
    }

    /// Says it in words of its own instead of the code's.
    #[must_use]
    pub const fn saying(mut self, words: Words) -> Self {
        self.said = Some(words);
        self
    }

    /// What it means and what helps.
    #[must_use]
    pub fn text(&self, language: Language) -> &'static str {
        self.said.map_or_else(|| self.code.text(language), |words| words.said(language))
    }

    /// Says which element of the list `list` in the path is meant.
    #[must_use]
    pub fn element(mut self, list: &str, index: usize) -> Self {
        if let Some(at) = self.field.iter().position(|f| f == list) {
            self.field.insert(at + 1, index.to_string());
        }
        self
    }

    /// Adds a fact.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.details.push((name, value.to_string()));
        self
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.text(Language::En))?;
        for (name, value) in &self.details {
            write!(f, " ({name}: {value})")?;
        }
        Ok(())
    }
}

/// The language of messages and labels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// German.
    De,
    /// English.
    #[default]
    En,
}

impl Language {
    /// The better of German and English for an `Accept-Language` header (RFC 9110 § 12.5.4); English without one.
    #[must_use]
    pub fn from_accept_language(header: Option<&str>) -> Self {
        let mut best = (0.0_f32, Self::En);
        for part in header.unwrap_or_default().split(',') {
            let mut pieces = part.split(';');
            let tag = pieces.next().unwrap_or_default().trim().to_ascii_lowercase();
            let quality = pieces.find_map(|p| p.trim().strip_prefix("q=")?.parse().ok()).unwrap_or(1.0);
            let language = match tag.split('-').next() {
                Some("de") => Self::De,
                Some("en") => Self::En,
                _ => continue,
            };
            if quality > best.0 {
                best = (quality, language);
            }
        }
        best.1
    }
}

macro_rules! refusal_codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal: $de:literal, $en:literal;)+) => {
        /// What is wrong with a request.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Code { $($(#[$doc])* $name,)+ }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The public code.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// What it means and what helps.
            #[must_use]
            pub const fn text(self, language: Language) -> &'static str {
                match (self, language) { $((Self::$name, Language::De) => $de, (Self::$name, Language::En) => $en,)+ }
            }
        }
    };
}

refusal_codes! {
    /// An id that does not exist or is not visible.
    NotFound = "NOT_FOUND": "Nicht gefunden.", "Not found.";
    /// Empty where something is needed.
    Required = "REQUIRED": "Diese Angabe wird benötigt.", "This is required.";
    /// Not of the expected form.
    Invalid = "INVALID": "Diese Angabe hat nicht die erwartete Form.", "This does not have the expected form.";
    /// Longer than allowed.
    TooLong = "TOO_LONG": "Dieser Text ist zu lang.", "This text is too long.";
    /// More or larger than allowed.
    TooLarge = "TOO_LARGE": "Das ist zu groß oder zu viel.", "This is too large or too many.";
    /// Zero or negative.
    NotPositive = "NOT_POSITIVE": "Der Wert muss größer als null sein.", "The value has to be above zero.";
    /// More than was captured less what was refunded.
    AmountExceedsCaptured = "AMOUNT_EXCEEDS_CAPTURED":
        "Der Betrag übersteigt, was von der Zahlung noch erstattet werden kann.",
        "The amount exceeds what can still be refunded of the payment.";
    /// Another currency than the order's.
    CurrencyMismatch = "CURRENCY_MISMATCH":
        "Die Währung muss die der Bestellung sein.", "The currency has to be that of the order.";
    /// The state does not allow this.
    TransitionNotAllowed = "TRANSITION_NOT_ALLOWED":
        "In diesem Zustand ist das nicht möglich.", "This is not possible in the current state.";
    /// Somebody else has changed it since.
    VersionConflict = "VERSION_CONFLICT":
        "Der Datensatz wurde inzwischen geändert. Bitte neu laden.", "The record has changed since. Load it again.";
    /// The key has been used with another input.
    IdempotencyMismatch = "IDEMPOTENCY_MISMATCH":
        "Dieser Idempotenzschlüssel wurde schon mit anderen Angaben verwendet.",
        "This idempotency key has been used with another input.";
    /// The person has to be told before (GDPR Art. 18(3)).
    PersonNotTold = "PERSON_NOT_TOLD":
        "Die betroffene Person muss vorher unterrichtet werden.", "The person has to be told first.";
    /// Its processing is restricted (GDPR Art. 18).
    Restricted = "RESTRICTED":
        "Die Verarbeitung dieser Daten ist eingeschränkt.", "The processing of this data is restricted.";
    /// Data of this type may not be opened for this (GDPR Art. 5(1)(b)).
    PurposeNotAllowed = "PURPOSE_NOT_ALLOWED":
        "Diese Daten dürfen zu diesem Zweck nicht verwendet werden.", "This data may not be used for this purpose.";
    /// Another policy has been put in force since this process was started: nothing is removed by the older one.
    PolicySuperseded = "POLICY_SUPERSEDED":
        "Seit dem Start dieses Servers gilt eine andere Richtlinie. Er muss mit ihr neu gestartet werden.",
        "Another policy has been put in force since this server was started. It has to be started again with that.";
    /// The same person may not do both.
    SamePerson = "SAME_PERSON":
        "Das muss jemand anderes tun als beim ersten Mal.", "Somebody else than the first time has to do this.";
    /// More than the goods are worth that came back.
    AmountExceedsReturned = "AMOUNT_EXCEEDS_RETURNED":
        "Der Betrag übersteigt den Wert der zurückerhaltenen Ware.",
        "The amount exceeds the value of the goods that came back.";
    /// Law or policy do not carry such a refund.
    RefundNotDue = "REFUND_NOT_DUE":
        "So kann nicht erstattet werden.", "A refund like this is not due.";
    /// The amount needs a second person first.
    ApprovalNeeded = "APPROVAL_NEEDED":
        "Dieser Betrag muss zuerst von einer zweiten Person freigegeben werden.",
        "A second person has to approve this amount first.";
    /// Other means of payment need the customer's express consent.
    ConsentNeeded = "CONSENT_NEEDED":
        "Ein anderer Zahlungsweg braucht die ausdrückliche Zustimmung des Kunden (§ 357 Abs. 3 BGB).",
        "Other means of payment need the customer's express consent (BGB § 357(3)).";
    /// Not before an instant that is named.
    TooEarly = "TOO_EARLY":
        "Dafür ist es noch zu früh; ab wann es möglich ist, ist angegeben.",
        "It is too early for this; from when on it is possible is stated.";
    /// It exists already.
    AlreadyExists = "ALREADY_EXISTS": "Das gibt es schon.", "This exists already.";
    /// It has been erased and stays erased.
    Erased = "ERASED": "Diese Angaben wurden gelöscht und bleiben gelöscht.", "This has been erased and stays erased.";
    /// Not a kind of file that is accepted.
    UnsupportedType = "UNSUPPORTED_TYPE":
        "Dieser Dateityp wird nicht angenommen.", "This type of file is not accepted.";
    /// The bytes are not of the announced type.
    TypeMismatch = "TYPE_MISMATCH":
        "Der Inhalt der Datei entspricht nicht dem angegebenen Typ.", "The file's content is not of the announced type.";
    /// Fewer or more bytes than announced.
    SizeMismatch = "SIZE_MISMATCH":
        "Die Datei hat nicht die angegebene Größe.", "The file does not have the announced size.";
    /// The picture cannot be read.
    Malformed = "MALFORMED": "Die Datei ist beschädigt.", "The file is damaged.";
    /// The link or ticket is over, used or forged.
    LinkInvalid = "LINK_INVALID":
        "Dieser Link ist ungültig, abgelaufen oder schon benutzt.", "This link is invalid, expired or used up.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_the_wanted_one() {
        let of = |h| Language::from_accept_language(Some(h));
        assert_eq!(of("de-DE,de;q=0.9,en;q=0.8"), Language::De);
        assert_eq!(of("fr, en;q=0.5, de;q=0.7"), Language::De);
        assert_eq!(of("en-GB,de;q=0.1"), Language::En);
        assert_eq!(of("tlh"), Language::En);
        assert_eq!(Language::from_accept_language(None), Language::En);
    }

    #[test]
    fn codes_are_distinct() {
        let mut codes: Vec<_> = Code::ALL.iter().map(|c| c.as_str()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), Code::ALL.len());
    }
}
