//! The answers to the person, from the report: data types in words, what is kept until when because of which norm, what
//! waits and for what (GDPR Art. 12(3), (4), 17, 19, 77); and, where something waited, what became of that.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDate, Utc};
use entity::DataType;
use entity::codes::Locale;
use entity::erasures::State;

use super::record::{HELD_BY_DUTY, HELD_FOR_ACCESS};
use super::{Outcome, Record, Report};
use crate::error::Language;
use crate::mail::letter::{Content, ErasureAnswer, ErasureClosing, Kept, Letter, Waiting};
use crate::policy::words::{Words, words};
use crate::state::App;

/// Writes the answer in a language: to an addressee (address and name) as a mail, else to be shown. `has_file`: the request has one,
/// which is kept.
#[must_use]
pub fn compose(
    app: &App,
    report: &Report,
    decided_at: DateTime<Utc>,
    locale: Locale,
    addressee: Option<(String, Option<String>)>,
    has_file: bool,
) -> Letter {
    let language = language_of(locale);
    let content = ErasureAnswer {
        decided_at,
        erased: what(Outcome::Erased, &report.records, language),
        anonymised: what(Outcome::Anonymised, &report.records, language),
        kept: kept(app, &report.records, language),
        in_use: in_use(&report.records, language),
        waiting: waiting(app, report, language),
        recipients: recipients(report),
        traces: traces(app, report, decided_at, has_file, language),
        backups_unreadable_from: report.backups_unreadable_from,
    };
    letter(Content::ErasureAnswer(content), report, locale, addressee.unwrap_or_default())
}

/// Writes the answer that closes a request, of what had waited when it was answered first. It is a mail of the file.
#[must_use]
pub fn close(
    app: &App,
    report: &Report,
    (decided_at, answered_at): (DateTime<Utc>, DateTime<Utc>),
    locale: Locale,
    addressee: (String, Option<String>),
) -> Letter {
    let language = language_of(locale);
    let waited: Vec<Record> = report.records.iter().filter(|r| r.waited).cloned().collect();
    let content = ErasureClosing {
        decided_at,
        answered_at,
        erased: what(Outcome::Erased, &waited, language),
        anonymised: what(Outcome::Anonymised, &waited, language),
        kept: kept(app, &waited, language),
        in_use: in_use(&waited, language),
        recipients: recipients(report),
        traces: traces(app, report, app.clock.now(), true, language),
        backups_unreadable_from: report.backups_unreadable_from,
    };
    letter(Content::ErasureClosing(content), report, locale, addressee)
}

fn letter(content: Content, report: &Report, locale: Locale, (recipient, name): (String, Option<String>)) -> Letter {
    Letter {
        content,
        locale,
        recipient,
        name,
        case: None,
        customer: report.customer_id,
        data_type: DataType::R14,
        number: None,
        link: None,
    }
}

pub(in crate::privacy) const fn language_of(locale: Locale) -> Language {
    match locale {
        Locale::De => Language::De,
        Locale::En => Language::En,
    }
}

/// Each recipient once, however many passes have told it of something.
fn recipients(report: &Report) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for told in &report.recipients {
        if !names.contains(&told.recipient) {
            names.push(told.recipient.clone());
        }
    }
    names
}

fn what(outcome: Outcome, records: &[Record], language: Language) -> Vec<String> {
    names(records.iter().filter(|r| r.outcome == outcome), language)
}

/// What no norm keeps, but new business does.
fn in_use(records: &[Record], language: Language) -> Vec<String> {
    names(records.iter().filter(|r| r.is_in_use()), language)
}

fn names<'a>(records: impl Iterator<Item = &'a Record>, language: Language) -> Vec<String> {
    let mut types: Vec<DataType> = records.map(|r| r.data_type).collect();
    types.sort_unstable();
    types.dedup();
    let mut texts: Vec<String> = types.into_iter().map(|t| name(t).said(language).to_owned()).collect();
    texts.dedup();
    texts
}

fn kept(app: &App, records: &[Record], language: Language) -> Vec<Kept> {
    let kept = records.iter().filter(|r| r.outcome == Outcome::Kept && !r.is_in_use());
    let text = |text: &Option<Cow<'static, str>>| text.clone().unwrap_or_default();
    let mut groups: Vec<_> = kept.map(|r| (r.data_type, r.until, text(&r.because), text(&r.article))).collect();
    groups.sort_unstable();
    groups.dedup();
    groups.into_iter().map(|(t, until, norm, article)| one(app, t, until, (&norm, &article), language)).collect()
}

fn one(app: &App, t: DataType, until: Option<NaiveDate>, (norm, article): (&str, &str), language: Language) -> Kept {
    let because = match article {
        "" => cited(norm, language),
        article => format!("{}; {}", cited(norm, language), cited(article, language)),
    };
    let rule = app.rules().get(&t);
    let begins_with = rule.map_or("", |rule| rule.start_event.said(language)).to_owned();
    let period = rule.map_or_else(String::new, |rule| {
        let from = if rule.year_end { FROM_YEAR_END.said(language) } else { "" };
        format!("{}{from}", rule.span().said(language))
    });
    Kept { what: name(t).said(language).to_owned(), until, begins_with, period, because }
}

fn waiting(app: &App, report: &Report, language: Language) -> Vec<Waiting> {
    let waits = report.records.iter().filter(|r| r.waits());
    let said = |text: &Option<Cow<'static, str>>| text.clone().unwrap_or_default();
    let mut groups: Vec<_> = waits.map(|r| (r.data_type, said(&r.because), said(&r.article), r.until)).collect();
    groups.sort_unstable();
    groups.dedup();
    let waiting =
        |(t, because, article, until): (DataType, Cow<'static, str>, Cow<'static, str>, Option<NaiveDate>)| {
            let mut why = why(&because, &article).said(language).to_owned();
            // What it waits for is not all that keeps it.
            if let Some(duty) = app.rules().get(&t).filter(|rule| rule.floor.is_some()) {
                why.push_str(&format!("{} {}", BUT_NOT_BEFORE.said(language), cited(duty.norm, language)));
            }
            Waiting { what: name(t).said(language).to_owned(), why, until }
        };
    groups.into_iter().map(waiting).collect()
}

const FROM_YEAR_END: Words = words(" vom Jahresende an", " from the end of the year");

const BUT_NOT_BEFORE: Words = words(
    "; frühestens aber, wenn die gesetzliche Frist der Aufbewahrung um ist:",
    "; but not before the statutory period of keeping is over:",
);

/// What is kept of the erasure itself: its log (R13), the hashes that keep it from being undone (R34), what recipients are told with
/// the numbers that they know (R30), and the file of the request with its answers (R14). Log and file begin their period when nothing
/// waits any more; hashes and notices are written with each pass.
fn traces(app: &App, report: &Report, last_pass: DateTime<Utc>, has_file: bool, language: Language) -> Vec<Kept> {
    let now = app.clock.now();
    let is_over = report.state == State::Settled;
    let types = [
        (DataType::R13, is_over.then_some(now), true, None),
        (DataType::R34, Some(last_pass), true, None),
        (DataType::R30, Some(last_pass), !report.recipients.is_empty(), Some(NOTICES)),
        (DataType::R14, is_over.then_some(now), has_file, Some(OWN_FILE)),
    ];
    let trace = |(t, began, _, what): (DataType, Option<DateTime<Utc>>, bool, Option<Words>)| {
        let rule = app.rules().get(&t)?;
        let until = began.map(|began| rule.last_day(began));
        let mut kept = one(app, t, until, (rule.norm, rule.floor.unwrap_or_default()), language);
        if let Some(what) = what {
            what.said(language).clone_into(&mut kept.what);
        }
        Some(kept)
    };
    types.into_iter().filter(|(_, _, is_there, _)| *is_there).filter_map(trace).collect()
}

const OWN_FILE: Words = words("Ihr Antrag und diese Antwort", "your request and this answer");
const NOTICES: Words = words(
    "Mitteilungen an diese Empfänger, mit den Nummern, die sie kennen",
    "notices to these recipients, with the numbers that they know",
);

fn why(because: &str, article: &str) -> Words {
    match because {
        "OPEN_CASE" => words(
            "ein Vorgang dazu ist noch offen; gelöscht wird, sobald er abgeschlossen ist",
            "a case about that is still open; erasure follows as soon as it is closed",
        ),
        "RUNNING_REFUND" => words(
            "eine Erstattung dazu ist noch unterwegs; gelöscht wird, sobald sie angekommen ist",
            "a refund about that is still on its way; erasure follows as soon as it has arrived",
        ),
        "ORDER_ON_ITS_WAY" => words(
            "eine Bestellung ist noch unterwegs; gelöscht wird, sobald sie zugestellt ist",
            "an order is still on its way; erasure follows as soon as it is delivered",
        ),
        "RESTRICTION" => words(
            "die Verarbeitung ist eingeschränkt; gelöscht wird, sobald das aufgehoben ist (Art. 18 DSGVO)",
            "processing is restricted; erasure follows as soon as that is lifted (GDPR Art. 18)",
        ),
        _ if article == HELD_FOR_ACCESS => words(
            "Ihr Antrag auf Auskunft ist noch offen; gelöscht wird, sobald er beantwortet ist (Art. 15 DSGVO)",
            "your request for access is still open; erasure follows as soon as it is answered (GDPR Art. 15)",
        ),
        _ if article == HELD_BY_DUTY => words(
            "eine Steuerprüfung oder eine Behörde verlangt die Aufbewahrung; gelöscht wird, sobald das endet (Art. 17 Abs. 3 \
             Buchst. b DSGVO)",
            "a tax audit or an authority demands that it is kept; erasure follows as soon as that ends (GDPR Art. 17(3)(b))",
        ),
        _ => words(
            "für Rechtsansprüche gebraucht; gelöscht wird, sobald das endet (Art. 17 Abs. 3 Buchst. e DSGVO)",
            "needed for legal claims; erasure follows as soon as that ends (GDPR Art. 17(3)(e))",
        ),
    }
}

/// A norm as German law is cited in German; as it stands in English.
fn cited(norm: &str, language: Language) -> String {
    if language == Language::En {
        return norm.to_owned();
    }
    let mut text = String::with_capacity(norm.len() * 2);
    let mut rest = norm;
    while let Some((before, after)) = rest.split_once('(') {
        let (inner, behind) = after.split_once(')').unwrap_or((after, ""));
        text.push_str(before);
        match inner {
            n if n.bytes().all(|b| b.is_ascii_digit()) => {
                text.push_str(if before.ends_with(' ') { "Abs. " } else { " Abs. " });
                text.push_str(n);
            }
            letter if letter.len() == 1 => {
                text.push_str(" Buchst. ");
                text.push_str(letter);
            }
            other => text.push_str(&format!("({other})")),
        }
        rest = behind;
    }
    text.push_str(rest);
    let german = [
        ("GDPR", "DSGVO"),
        ("Regulation", "Verordnung"),
        (" and ", " und "),
        ("no. ", "Nr. "),
        ("sentence", "Satz"),
        ("Rec. ", "Erwägungsgrund "),
    ];
    german.iter().fold(text, |text, (en, de)| text.replace(en, de))
}

/// A data type in the words of a person who has never read a deletion concept.
#[must_use]
pub const fn name(data_type: DataType) -> Words {
    use DataType as D;
    match data_type {
        D::R00 => words("Angaben ohne Personenbezug", "data that is not personal"),
        D::R01 => words("Belege über Erstattungen und Gutschriften", "records of refunds and credits"),
        D::R02a => words("Rücksendungen, die gebucht wurden", "returns that were booked"),
        D::R02b => words("Rücksendungen, die nicht gebucht wurden", "returns that were not booked"),
        D::R03 => words("Schriftwechsel zu Bestellungen", "correspondence about orders"),
        D::R04 => words("Beschwerden und was ihnen folgte", "complaints and what followed them"),
        D::R05 => words("Widerrufserklärungen und ihre Bestätigungen", "statements of withdrawal and their receipts"),
        D::R06 => words("Beratung", "advice"),
        D::R07 => words("Sendungen mit ihren Nummern", "parcels with their numbers"),
        D::R08 => words("Meldungen der Versanddienste", "reports of carriers"),
        D::R09a => words("Fotos und Videos zu erledigten Vorgängen", "photos and videos of settled cases"),
        D::R09b => words("Fotos und Videos, die Ansprüche belegen", "photos and videos that prove claims"),
        D::R10 => words("Einwilligungen", "consents"),
        D::R11 => words("Protokoll von Entscheidungen, ohne Inhalte", "log of decisions, without content"),
        D::R12 => words("Protokoll der Zugriffe auf Ihre Vorgänge", "log of who opened your cases"),
        D::R13 => words("Nachweis der Löschung, ohne Inhalte", "proof of erasure, without content"),
        D::R14 => words("frühere Anträge und unsere Antworten", "earlier requests and our answers"),
        D::R15 => words("Nachweise Ihrer Identität", "proofs of your identity"),
        D::R16 => words("Archive mit Auskünften", "archives of exports"),
        D::R17 => words("Verzeichnis von Datenschutzverletzungen", "register of data breaches"),
        D::R18 => words("Protokolle des Servers", "logs of the server"),
        D::R19 => words("Akten von Streitigkeiten", "files of disputes"),
        D::R20 => words("Meldungen zur Produktsicherheit", "reports on product safety"),
        D::R21 => words(
            "Kontaktdaten (Name, Anschriften, E-Mail, Telefon)",
            "contact data (name, addresses, e-mail, telephone)",
        ),
        D::R22 => words("Fassungen unserer Regeln", "versions of our rules"),
        D::R23 => words("Schlüssel, mit denen Ihre Daten verschlossen sind", "keys that your data is sealed with"),
        D::R24 => words("Vorgänge (Art, Grund, Ergebnis, Zeiten)", "cases (kind, reason, outcome, times)"),
        D::R25 => words("Bestellungen und ihre Artikel", "orders and their articles"),
        D::R26 => words("Verlauf, Fristen und Aufgaben von Vorgängen", "history, deadlines and tasks of cases"),
        D::R27 => words("Zugänge und Links", "tokens and links"),
        D::R28 => words("Kennungen erledigter Anfragen", "ids of requests that were done"),
        D::R29 => words("eingegangene E-Mails im Original", "e-mails as they came in"),
        D::R30 => words("Verzeichnis, an wen Daten gegeben wurden", "log of whom data was given to"),
        D::R31 => words("Konten von Beschäftigten", "staff accounts"),
        D::R32 => words("Vermerke über Löschsperren und Einschränkungen", "notes of holds and restrictions"),
        D::R33 => words("technische Aufträge", "technical orders"),
        D::R34 => {
            words("Prüfwerte, damit Gelöschtes nicht zurückkehrt", "hashes that keep erased data from coming back")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::retention::shipped;

    #[test]
    fn norms_are_cited_as_each_language_does() {
        for (norm, german) in [
            ("GDPR Art. 17(3)(b)", "DSGVO Art. 17 Abs. 3 Buchst. b"),
            ("AO § 147(3), HGB § 257(4)", "AO § 147 Abs. 3, HGB § 257 Abs. 4"),
            ("HGB § 257(1) no. 2 and 3, (4), AO § 147(3)", "HGB § 257 Abs. 1 Nr. 2 und 3, Abs. 4, AO § 147 Abs. 3"),
            ("BGB §§ 195, 199", "BGB §§ 195, 199"),
            ("Regulation (EU) 2023/988 Art. 9(12), 11", "Verordnung (EU) 2023/988 Art. 9 Abs. 12, 11"),
            ("UStG § 22(1) sentence 4", "UStG § 22 Abs. 1 Satz 4"),
        ] {
            assert_eq!(cited(norm, Language::De), german);
            assert_eq!(cited(norm, Language::En), norm);
        }
    }

    #[test]
    fn every_data_type_has_words_of_its_own() {
        let mut seen = std::collections::BTreeSet::new();
        for rule in shipped() {
            let words = name(rule.data_type);
            assert!(seen.insert(words.de) && seen.insert(words.en), "{:?}", rule.data_type);
        }
    }
}
