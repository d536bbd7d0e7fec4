//! From the bytes of a mail (RFC 5322, MIME) to an [`Inbound`].

use mail_parser::parsers::MessageStream;

use super::kind::{self, Kind};
use super::mime::{self, Head, Part};
use super::{clean, html, reply};

/// Longest mail that is read, in bytes. Providers take 25 to 50 MB.
pub const LONGEST_MAIL: usize = 64 * 1024 * 1024;
/// Longest text, in characters; as `input::LONG_TEXT`.
pub const LONGEST_TEXT: usize = 10_000;
/// Most attachments that are taken.
pub const MOST_ATTACHMENTS: usize = 20;
/// Largest attachment that is taken, in bytes.
pub const LARGEST_ATTACHMENT: usize = 25 * 1024 * 1024;
/// Most addresses and most references that are kept.
const MOST_NAMES: usize = 100;
/// Longest subject, name and file name, in characters; as `input::SHORT_TEXT`.
const SHORT: usize = 300;
/// Stands at the end of a text that was shortened.
const SHORTENED: &str = "\n[…]";

/// A mail that came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inbound {
    /// Address of the sender, its domain in lower case. Empty only in a bounce that names none.
    pub from: String,
    /// Name of the sender.
    pub from_name: Option<String>,
    /// Addresses of `To`, `Cc` and of the envelope, where the server noted it; domains in lower case, each once.
    pub to: Vec<String>,
    /// Subject, in one line.
    pub subject: Option<String>,
    /// The mail's own id, without `<>`.
    pub message_id: Option<String>,
    /// Ids of `In-Reply-To`, then of `References`, without `<>`, each once. Of too many, the latest.
    pub references: Vec<String>,
    /// What the sender wrote, without the quoted history and the signature; at most [`LONGEST_TEXT`] characters.
    pub text: String,
    /// Files, in order; at most [`MOST_ATTACHMENTS`]. None of a bounce.
    pub attachments: Vec<Attachment>,
    /// Files that were too large or too many.
    pub dropped: Vec<Dropped>,
    /// Who or what speaks.
    pub kind: Kind,
}

/// A file in a mail. Name and type are the sender's claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// File name without a path.
    pub name: Option<String>,
    /// Such as `image/jpeg`, in lower case.
    pub media_type: String,
    /// The decoded content.
    pub bytes: Vec<u8>,
}

/// A file that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// File name without a path.
    pub name: Option<String>,
    /// Such as `image/jpeg`, in lower case.
    pub media_type: String,
    /// Size of the decoded content, in bytes.
    pub byte_size: usize,
}

/// Why bytes are no mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Longer than [`LONGEST_MAIL`].
    #[error("the mail is too large")]
    TooLarge,
    /// No header, or one of more than 256 KiB.
    #[error("the mail has no header, or one that is too large")]
    Header,
    /// Not exactly one usable address in `From`.
    #[error("the mail names no single sender")]
    Sender,
}

/// Reads a mail.
///
/// # Errors
/// It is too large, has no header, or names no single sender.
pub fn parse(raw: &[u8]) -> Result<Inbound, Unreadable> {
    if raw.len() > LONGEST_MAIL {
        return Err(Unreadable::TooLarge);
    }
    let mail = mime::read(raw).ok_or(Unreadable::Header)?;
    let head = &mail.head;
    let subject = head.text("Subject").and_then(|text| clean::line(&text, SHORT));
    let sender = sender(head);
    let text = shown(&mail.body());
    let address = sender.as_ref().map_or("", |(address, _)| address.as_str());
    let kind = kind::kind(&mail, address, &text);
    let (from, from_name) = match sender {
        Some(sender) => sender,
        None if matches!(kind, Kind::Bounce(_)) => (String::new(), None),
        None => return Err(Unreadable::Sender),
    };
    let forwarded = subject.as_deref().is_some_and(reply::is_forwarded);
    let text = if forwarded || kind != Kind::Message { text } else { reply::own_words(&text) };
    let (attachments, dropped) = if matches!(kind, Kind::Bounce(_)) { Default::default() } else { files(&mail) };
    Ok(Inbound {
        from,
        from_name,
        to: recipients(head),
        subject,
        message_id: head.ids("Message-ID").into_iter().next(),
        references: references(head),
        text: clean::shortened(&text, LONGEST_TEXT, SHORTENED),
        attachments,
        dropped,
        kind,
    })
}

/// The tokens of the addresses `reply+TOKEN@domain`, each once. A token keeps its case.
#[must_use]
pub fn case_tokens(to: &[String], domain: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    for address in to {
        let Some((local, at)) = address.rsplit_once('@') else { continue };
        let Some((user, token)) = local.split_once('+') else { continue };
        let ours = at.eq_ignore_ascii_case(domain) && user.eq_ignore_ascii_case("reply") && !token.is_empty();
        if ours && !tokens.iter().any(|known| known == token) {
            tokens.push(token.to_owned());
        }
    }
    tokens
}

/// `From` has to stand there once, with one address: what is shown and what is answered must not differ.
fn sender(head: &Head) -> Option<(String, Option<String>)> {
    let found = head.addresses("From");
    let [(name, address)] = found.as_slice() else { return None };
    Some((clean::address(address)?, name.as_deref().and_then(|name| clean::line(name, SHORT))))
}

fn recipients(head: &Head) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for name in ["To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To"] {
        for (_, address) in head.addresses(name) {
            if let Some(address) = clean::address(&address).filter(|a| found.len() < MOST_NAMES && !found.contains(a)) {
                found.push(address);
            }
        }
    }
    found
}

fn references(head: &Head) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut latest = head.ids("References");
    latest.drain(..latest.len().saturating_sub(MOST_NAMES));
    for id in head.ids("In-Reply-To").into_iter().take(MOST_NAMES).chain(latest) {
        if !found.contains(&id) {
            found.push(id);
        }
    }
    found
}

/// The readable text of the bodies.
fn shown(bodies: &[mime::Body]) -> String {
    let text = |body: &mime::Body| if body.html { html::readable(&body.text) } else { body.text.clone() };
    clean::text(&bodies.iter().map(text).collect::<Vec<_>>().join("\n"))
}

fn files(mail: &Part) -> (Vec<Attachment>, Vec<Dropped>) {
    let (mut attachments, mut dropped) = (Vec::new(), Vec::new());
    for part in mail.files() {
        let name = part.head.file_name().and_then(|name| clean::file_name(&name, SHORT));
        let (media_type, bytes) = (part.head.media_type(), part.bytes());
        if attachments.len() < MOST_ATTACHMENTS && bytes.len() <= LARGEST_ATTACHMENT {
            attachments.push(Attachment { name, media_type, bytes: bytes.into_owned() });
        } else {
            dropped.push(Dropped { name, media_type, byte_size: bytes.len() });
        }
    }
    (attachments, dropped)
}

impl Head {
    /// Names and addresses of every field of a name.
    fn addresses(&self, name: &str) -> Vec<(Option<String>, String)> {
        let mut found = Vec::new();
        for field in self.all(name) {
            for one in MessageStream::new(field)
                .parse_address()
                .into_address()
                .map(mail_parser::Address::into_list)
                .unwrap_or_default()
            {
                if let Some(address) = one.address {
                    found.push((one.name.map(Into::into), address.into_owned()));
                }
            }
        }
        found
    }

    /// Message ids of every field of a name, in order.
    pub(super) fn ids(&self, name: &str) -> Vec<String> {
        let listed = self
            .all(name)
            .map(MessageStream::new)
            .flat_map(|mut field| field.parse_id().into_text_list().unwrap_or_default());
        listed.filter_map(|id| clean::id(&id)).collect()
    }
}
