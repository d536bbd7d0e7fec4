//! What somebody wrote themselves in a reply. It cuts only what is surely a copy of earlier mails: a word too many is
//! read over, a missing one is missed.

/// Words between the dashes over a copied mail.
const ABOVE: [&str; 4] = ["original message", "ursprüngliche nachricht", "originalnachricht", "ursprüngliche e-mail"];
/// Field names of the block that Outlook puts over a copied mail: sender, date, recipient.
const FIELDS: [[&str; 4]; 3] = [
    ["von:", "from:", "*von:*", "*from:*"],
    ["gesendet:", "sent:", "datum:", "date:"],
    ["an:", "to:", "*an:*", "*to:*"],
];

/// Whether the subject says that somebody else's mail is handed on: then its text is the point.
pub fn is_forwarded(subject: &str) -> bool {
    let subject = subject.to_lowercase();
    ["wg:", "fw:", "fwd:"].iter().any(|mark| subject.starts_with(mark))
}

/// The text without the quoted history and the signature. If nothing else is there, all of it.
pub fn own_words(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let quotes = Quotes::of(&lines);
    let end = (0..lines.len()).find(|&at| history_begins(&lines, at, &quotes)).unwrap_or(lines.len());
    let mut kept = lines.get(..end).unwrap_or_default();
    if let Some(signature) = kept.iter().position(|line| *line == "-- ") {
        kept = kept.get(..signature).unwrap_or_default();
    }
    while let Some((last, rest)) = kept.split_last() {
        if !(last.trim().is_empty() || is_quoted(last)) {
            break;
        }
        kept = rest;
    }
    let own = kept.join("\n");
    let own = own.trim_matches('\n');
    if own.trim().is_empty() { text.to_owned() } else { own.to_owned() }
}

fn is_quoted(line: &str) -> bool {
    line.trim_start().starts_with('>')
}

/// Where the quoted lines stand, looked up once: a mail may have a hundred thousand lines.
struct Quotes {
    /// From here on there are only quoted and empty lines.
    tail: usize,
    /// After here there are none.
    end: usize,
}

impl Quotes {
    fn of(lines: &[&str]) -> Self {
        let after = |wanted: &dyn Fn(&&str) -> bool| lines.iter().rposition(wanted).map_or(0, |at| at + 1);
        Self { tail: after(&|line| !line.trim().is_empty() && !is_quoted(line)), end: after(&|line| is_quoted(line)) }
    }
}

/// Whether everything from here on is a copy.
fn history_begins(lines: &[&str], at: usize, quotes: &Quotes) -> bool {
    let Some(line) = lines.get(at) else { return false };
    let rest = lines.get(at + 1..).unwrap_or_default();
    let rule = line.len() > 20 && line.bytes().all(|b| b == b'_');
    let block = if rule {
        rest.iter().position(|l| !l.trim().is_empty()).and_then(|next| rest.get(next..))
    } else {
        lines.get(at..)
    };
    is_mark(line) || is_introduction(lines, at, quotes) || block.is_some_and(is_block)
}

/// `-----Original Message-----`
fn is_mark(line: &str) -> bool {
    let line = line.trim();
    let words = line.trim_matches(['-', ' ']).to_lowercase();
    line.starts_with("--") && line.ends_with("--") && ABOVE.contains(&words.as_str())
}

/// `Am … schrieb …:` or `On … wrote:`, on up to three lines, with nothing but quoted lines after it, or with the address
/// of whom it quotes.
fn is_introduction(lines: &[&str], at: usize, quotes: &Quotes) -> bool {
    let begins = lines.get(at).is_some_and(|line| line.starts_with("Am ") || line.starts_with("On "));
    if !begins {
        return false;
    }
    for length in 1..=3 {
        let Some(taken) = lines.get(at..at + length) else { return false };
        let sentence = taken.join(" ");
        let sentence = sentence.trim();
        let ends = sentence.ends_with("wrote:") || sentence.ends_with(':') && sentence.contains(" schrieb");
        if ends && sentence.len() < 400 && sentence.contains(|c: char| c.is_ascii_digit()) {
            let after = at + length;
            return after >= quotes.tail || sentence.contains('@') && after >= quotes.end;
        }
    }
    false
}

/// `Von:`, then `Gesendet:` and `An:` within the next lines.
fn is_block(lines: &[&str]) -> bool {
    let [senders, dates, recipients] = FIELDS;
    let has = |line: &str, names: &[&str]| {
        let line = line.trim().to_lowercase();
        names.iter().any(|name| line.starts_with(name))
    };
    let next = lines.get(1..lines.len().min(6)).unwrap_or_default();
    lines.first().is_some_and(|line| has(line, &senders))
        && next.iter().any(|line| has(line, &dates) || has(line.trim_matches('*'), &dates))
        && next.iter().any(|line| has(line, &recipients))
}
