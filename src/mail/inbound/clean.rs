//! Texts of strangers, made harmless: no control characters, no line ends where there is one line, not too long.

/// Longest address (RFC 5321 § 4.5.3.1.3) and longest message id (RFC 5322 § 2.1.1), in characters.
const LONGEST_ADDRESS: usize = 254;
const LONGEST_ID: usize = 998;

/// Signs that turn the direction of what follows, and the byte order mark: they only deceive.
fn deceives(c: char) -> bool {
    matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

/// Text of several lines: line ends are `\n`, no control characters but tabs, nothing blank at the end of a line but the
/// one space of a signature's mark.
pub fn text(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut clean = String::with_capacity(text.len());
    let mut blank = 0;
    for line in text.split('\n') {
        let kept: String = line.chars().filter(|c| (!c.is_control() || *c == '\t') && !deceives(*c)).collect();
        let kept = if kept == "-- " { kept.as_str() } else { kept.trim_end() };
        blank = if kept.is_empty() { blank + 1 } else { 0 };
        if blank < 3 {
            clean.push_str(kept);
            clean.push('\n');
        }
    }
    clean.trim_matches('\n').to_owned()
}

/// One line, of at most `most` characters, or nothing.
pub fn line(text: &str, most: usize) -> Option<String> {
    let kept = text.chars().map(|c| if c.is_control() { ' ' } else { c }).filter(|c| !deceives(*c));
    let kept: String = kept.collect();
    let one: String = kept.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(most).collect();
    let one = one.trim_end();
    (!one.is_empty()).then(|| one.to_owned())
}

/// A file name without the path before it.
pub fn file_name(name: &str, most: usize) -> Option<String> {
    line(name.rsplit(['/', '\\']).next().unwrap_or(name), most).filter(|name| !matches!(name.as_str(), "." | ".."))
}

/// An address with its domain in lower case, if it is one.
pub fn address(address: &str) -> Option<String> {
    let (local, domain) = address.trim().rsplit_once('@')?;
    let odd = |c: char| c.is_control() || c.is_whitespace() || deceives(c) || matches!(c, '<' | '>' | ',' | ';' | '@');
    let fine = !local.is_empty() && !domain.is_empty() && !local.contains(odd) && !domain.contains(odd);
    let address = format!("{local}@{}", domain.to_lowercase());
    (fine && address.chars().count() <= LONGEST_ADDRESS).then_some(address)
}

/// A message id without its brackets, if it is one.
pub fn id(id: &str) -> Option<String> {
    let id = id.trim().trim_start_matches('<').trim_end_matches('>');
    let odd = |c: char| c.is_control() || c.is_whitespace() || deceives(c) || matches!(c, '<' | '>');
    (!id.is_empty() && !id.contains(odd) && id.chars().count() <= LONGEST_ID).then(|| id.to_owned())
}

/// The text, or its beginning and a mark that the rest is missing; at most `most` characters with the mark.
pub fn shortened(text: &str, most: usize, mark: &str) -> String {
    if text.chars().nth(most).is_none() {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most - mark.chars().count()).collect();
    format!("{}{mark}", kept.trim_end())
}
