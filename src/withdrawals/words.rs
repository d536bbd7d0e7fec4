//! The words of the withdrawal function: labels that the law wants so (BGB § 356a(1), (3)), and the statement itself.

use crate::error::Language;
use crate::policy::words::{Words, words};

/// What the function is called, legible wherever contracts are concluded (BGB § 356a(1)).
pub const FUNCTION: Words = words("Vertrag widerrufen", "Withdraw from contract here");
/// What the button of the second step is called, and nothing else stands on it (BGB § 356a(3)).
pub const CONFIRM: Words = words("Widerruf bestätigen", "Confirm withdrawal");

const DECLARATION: Words = words(
    "Hiermit widerrufe ich den von mir abgeschlossenen Vertrag.",
    "I hereby give notice that I withdraw from my contract.",
);
const CONTRACT: Words = words("Vertrag:", "Contract:");
const NAME: Words = words("Name:", "Name:");
const RECEIPT: Words = words("Bestätigung an:", "Receipt to:");
const CONCERNS: Words = words("Widerruf betrifft:", "The withdrawal concerns:");

/// The statement in words, as it is shown before it is confirmed and stored afterwards.
#[must_use]
pub fn statement(language: Language, name: &str, contract: &str, receipt_to: &str, concerns: Option<&str>) -> String {
    let mut lines =
        vec![DECLARATION.said(language).to_owned(), String::new(), format!("{} {contract}", CONTRACT.said(language))];
    lines.extend(concerns.map(|what| format!("{} {what}", CONCERNS.said(language))));
    lines.push(format!("{} {name}", NAME.said(language)));
    lines.push(format!("{} {receipt_to}", RECEIPT.said(language)));
    lines.join("\n")
}
