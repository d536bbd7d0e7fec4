//! What is written to customers about goods, in both languages.

use chrono::NaiveDate;
use entity::cases::{LegalBasis, Outcome, Reason};
use entity::returns::Bearer;

use crate::cases::words as case_words;
use crate::error::Language;
use crate::mail::letter::{Decision, ReturnInstruction};
use crate::policy::words::{Words, words};

const ARTICLES: Words = words("Artikel", "Articles");
const ADDRESS: Words = words("Anschrift für die Rücksendung", "Return address");
const LABEL: Words = words("Versandmarke", "Label");
const NOTES: Words = words("Bitte beachten Sie", "Please note");
const NUMBER: Words = words(
    "Rücksendenummer, bitte außen auf dem Paket angeben",
    "Return number; please write it on the outside of the parcel",
);
const CUSTOMER_PAYS: Words = words(
    "Die unmittelbaren Kosten der Rücksendung tragen Sie.",
    "You bear the direct cost of sending the goods back.",
);
const SHOP_PAYS: Words = words("Die Kosten der Rücksendung tragen wir.", "We bear the cost of sending the goods back.");
const VERDICT: Words = words("Ergebnis der Prüfung", "Result of the inspection");
const REASON: Words = words("Grund", "Reason");
const BASIS: Words = words("Grundlage", "Basis");
const PARCEL: Words = words("Sendung", "Parcel");
const YOU_PAY: Words = words("Die Versandkosten tragen Sie.", "You bear the cost of carriage.");
const WE_PAY: Words = words("Die Versandkosten tragen wir.", "We bear the cost of carriage.");

/// How to send goods back.
pub(super) struct HowTo<'a> {
    pub case: &'a str,
    pub number: &'a str,
    pub articles: Vec<String>,
    pub address: &'a str,
    pub last_day: NaiveDate,
    pub bearer: Bearer,
    pub label: Option<&'a str>,
    pub notes: &'a str,
}

impl HowTo<'_> {
    /// As a letter.
    pub(super) fn letter(&self, language: Language) -> ReturnInstruction {
        let pays = if self.bearer == Bearer::Shop { SHOP_PAYS } else { CUSTOMER_PAYS };
        let label = self.label.map(|label| format!("{}: {label}", LABEL.said(language)));
        ReturnInstruction {
            rma: self.number.to_owned(),
            address: self.address.lines().map(str::to_owned).collect(),
            return_by: Some(self.last_day),
            bearer_text: pays.said(language).to_owned(),
            notes: label.into_iter().chain([self.notes.to_owned()]).collect(),
            lines: self.articles.clone(),
        }
    }
}

/// The return instruction: number, articles, address, day, who pays, label, notes (S25 to S28).
pub(super) fn instruction(language: Language, how: &HowTo<'_>) -> String {
    let (opening, until) = match language {
        Language::De => (
            format!("Bitte senden Sie uns die Ware zu Ihrem Vorgang {} zurück.", how.case),
            format!(
                "Bitte senden Sie sie bis zum {} ab; es genügt, wenn Sie sie an diesem Tag aufgeben.",
                how.last_day.format("%d.%m.%Y")
            ),
        ),
        Language::En => (
            format!("Please send us the goods of your case {}.", how.case),
            format!(
                "Please send them off by {}; handing them over on that day is enough.",
                how.last_day.format("%-d %B %Y")
            ),
        ),
    };
    let said = |words: Words| words.said(language);
    let pays = if how.bearer == Bearer::Shop { SHOP_PAYS } else { CUSTOMER_PAYS };
    let mut parts = vec![
        opening,
        format!("{}: {}", said(NUMBER), how.number),
        format!("{}:\n{}", said(ARTICLES), how.articles.join("\n")),
        format!("{}:\n{}", said(ADDRESS), how.address),
        until,
        said(pays).to_owned(),
    ];
    parts.extend(how.label.map(|label| format!("{}: {label}", said(LABEL))));
    parts.push(format!("{}:\n{}", said(NOTES), how.notes));
    parts.join("\n\n")
}

/// An article on a list.
pub(super) fn article(quantity: i32, title: &str, sku: &str, why: Option<Words>, language: Language) -> String {
    let why = why.map(|words| format!(": {}", words.said(language))).unwrap_or_default();
    format!("{quantity} × {title} ({sku}){why}")
}

/// The decision after an inspection: what was said, result, reason and basis (S30, S34, S35).
pub(super) fn decision(
    language: Language,
    said: &str,
    (outcome, reason, basis): (Outcome, Option<Reason>, LegalBasis),
) -> String {
    let mut lines = vec![said.to_owned(), String::new()];
    lines.push(format!("{}: {}", VERDICT.said(language), case_words::outcome(outcome).said(language)));
    if let Some(reason) = reason {
        lines.push(format!("{}: {}", REASON.said(language), case_words::reason(reason).said(language)));
    }
    lines.push(format!("{}: {}", BASIS.said(language), case_words::basis(basis).said(language)));
    lines.join("\n")
}

/// The same as a letter.
pub(super) fn decided(
    language: Language,
    said: &str,
    (outcome, reason, basis): (Outcome, Option<Reason>, LegalBasis),
) -> Decision {
    Decision {
        outcome_label: case_words::outcome(outcome).said(language).to_owned(),
        reasons: reason.map(|r| case_words::reason(r).said(language).to_owned()).into_iter().collect(),
        basis_label: Some(case_words::basis(basis).said(language).to_owned()),
        text: said.to_owned(),
    }
}

/// What is said of an inspection without a word of the inspector's own.
pub(super) const fn accepted(language: Language) -> &'static str {
    match language {
        Language::De => "Wir haben Ihre Rücksendung geprüft.",
        Language::En => "We have inspected your return.",
    }
}

/// That goods go back to the customer: why, with which parcel, at whose cost (S36, S37).
pub(super) fn sent_back(language: Language, number: &str, why: &str, parcel: &str, costs: Bearer) -> String {
    let opening = match language {
        Language::De => format!("Wir senden Ihnen die Ware der Rücksendung {number} zurück."),
        Language::En => format!("We are sending you the goods of the return {number} back."),
    };
    let pays = if costs == Bearer::Shop { WE_PAY } else { YOU_PAY };
    [opening, why.to_owned(), format!("{}: {parcel}", PARCEL.said(language)), pays.said(language).to_owned()]
        .join("\n\n")
}
