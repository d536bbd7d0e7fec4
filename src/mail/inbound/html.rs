//! Readable text of HTML: lines where a browser breaks them, quotes marked with `> `, no styles, scripts and comments.
//! It reads the markup once from front to back and keeps no tree, so that nesting costs nothing.

use mail_parser::decoders::html::add_html_token;

/// Elements whose content is not shown.
const HIDDEN: [&str; 6] = ["head", "style", "script", "title", "template", "noscript"];
/// Elements that begin a line of their own.
const LINES: [&str; 16] = [
    "div", "tr", "li", "table", "section", "article", "header", "footer", "hr", "pre", "dt", "dd", "ul", "ol", "form",
    "address",
];
/// Elements with an empty line around them.
const PARAGRAPHS: [&str; 8] = ["p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote"];
/// Longest name of an entity, with `&` and `;`.
const LONGEST_ENTITY: usize = 34;

/// The text of a page.
pub fn readable(html: &str) -> String {
    let mut page = Page::default();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        let (text, markup) = rest.split_at(at);
        page.say(text);
        rest = markup.get(1..).unwrap_or_default();
        if let Some(comment) = rest.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
        } else if rest.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?')) {
            let Some((tag, after)) = rest.split_once('>') else { break };
            rest = page.tag(tag, after);
        } else {
            page.say("<");
        }
    }
    if !rest.contains('<') {
        page.say(rest);
    }
    page.end_line();
    page.text.trim_matches('\n').to_owned()
}

#[derive(Default)]
struct Page {
    text: String,
    line: String,
    /// White space is to be written before the next word.
    gap: bool,
    /// An empty line is to be written before the next one.
    paragraph: bool,
    quotes: usize,
}

impl Page {
    /// Text outside of tags: white space is one space, entities are what they stand for.
    fn say(&mut self, text: &str) {
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let mut taken = c.len_utf8();
            if c.is_whitespace() {
                self.gap = true;
            } else {
                self.fill_gap();
                let entity = rest.bytes().take(LONGEST_ENTITY).position(|b| b == b';').filter(|_| c == '&');
                match entity.and_then(|end| rest.get(..=end)) {
                    Some("&nbsp;" | "&#160;" | "&#xA0;" | "&#xa0;") => {
                        taken = rest.find(';').map_or(taken, |end| end + 1);
                        self.line.push(' ');
                    }
                    Some(entity) if !entity.contains(char::is_whitespace) => {
                        taken = entity.len();
                        add_html_token(&mut self.line, entity.as_bytes(), false);
                    }
                    _ => self.line.push(c),
                }
            }
            rest = rest.get(taken..).unwrap_or_default();
        }
    }

    fn fill_gap(&mut self) {
        if std::mem::take(&mut self.gap) && !self.line.is_empty() {
            self.line.push(' ');
        }
    }

    /// What a tag does to the text; returns where reading goes on.
    fn tag<'a>(&mut self, tag: &str, after: &'a str) -> &'a str {
        let closes = tag.starts_with('/');
        let name: String =
            tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).take(12).collect();
        let name = name.to_ascii_lowercase();
        match name.as_str() {
            "br" => self.break_line(),
            "td" | "th" => self.gap = true,
            "blockquote" => {
                self.end_line();
                self.paragraph = true;
                self.quotes = if closes { self.quotes.saturating_sub(1) } else { self.quotes + 1 };
            }
            name if HIDDEN.contains(&name) && !closes && !tag.ends_with('/') => return after_end(name, after),
            name if PARAGRAPHS.contains(&name) => {
                self.end_line();
                self.paragraph = true;
            }
            name if LINES.contains(&name) => {
                self.end_line();
                if name == "li" && !closes {
                    self.line.push('-');
                    self.gap = true;
                }
            }
            _ => {}
        }
        after
    }

    /// Ends the line, if anything stands in it.
    fn end_line(&mut self) {
        if !self.line.trim().is_empty() {
            self.break_line();
        }
        self.line.clear();
        self.gap = false;
    }

    fn break_line(&mut self) {
        let quote = if self.quotes > 0 { "> " } else { "" };
        if std::mem::take(&mut self.paragraph) && !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(quote);
        self.text.push_str(self.line.trim_end());
        self.text.push('\n');
        self.line.clear();
        self.gap = false;
    }
}

/// The markup after the end of a hidden element. One that does not end hides everything.
fn after_end<'a>(name: &str, markup: &'a str) -> &'a str {
    let mut rest = markup;
    while let Some((_, tag)) = rest.split_once("</") {
        if tag.get(..name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name)) {
            return tag.split_once('>').map_or("", |(_, after)| after);
        }
        rest = tag;
    }
    ""
}
