//! Who or what speaks: a person, a robot that must not be answered (RFC 3834), or a mail server that could not deliver
//! (RFC 3464).

use super::clean;
use super::mime::{self, Head, Part};

/// Who or what speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A person, as far as one can tell.
    Message,
    /// A machine: an absence note, a list, a read receipt. It is never answered, so that two robots do not write to each
    /// other for ever.
    AutoReply,
    /// A mail could not be delivered.
    Bounce(Bounce),
}

/// What a mail server says of a mail that it could not deliver. Whether that mail was ever sent, the reader checks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bounce {
    /// `Message-ID` of the mail that came back, without `<>`.
    pub original_message_id: Option<String>,
    /// Enhanced status code (RFC 3463), such as `5.1.1`.
    pub status: Option<String>,
    /// Class 5: another try will not help. A delay, and a server that gave up after many tries (4), are not.
    pub permanent: bool,
    /// The address that could not be reached.
    pub final_recipient: Option<String>,
}

/// Tells the kind. `from` is empty where no sender could be read; `text` is what the mail says in words.
pub fn kind(mail: &Part, from: &str, text: &str) -> Kind {
    if mail.is("multipart", Some("report")) {
        return report(mail).map_or(Kind::AutoReply, Kind::Bounce);
    }
    let head = &mail.head;
    let user = from.split('@').next().unwrap_or_default().to_lowercase();
    let nobody = head.said("Return-Path").is_some_and(|path| path.is_empty() || path == "<>");
    let failed = head.said("X-Failed-Recipients");
    if user == "mailer-daemon" || nobody && (failed.is_some() || matches!(user.as_str(), "postmaster" | "")) {
        return Kind::Bounce(unstructured(mail, failed, text));
    }
    if nobody || is_automatic(head) { Kind::AutoReply } else { Kind::Message }
}

fn is_automatic(head: &Head) -> bool {
    let submitted =
        head.said("Auto-Submitted").is_some_and(|how| how.split(';').next().unwrap_or_default().trim() != "no");
    let suppressed = head.said("X-Auto-Response-Suppress").is_some_and(|what| !matches!(what.as_str(), "" | "none"));
    let precedence = head.said("Precedence").unwrap_or_default();
    let bulk = matches!(precedence.as_str(), "bulk" | "list" | "junk" | "auto_reply" | "auto-reply");
    submitted || suppressed || bulk || head.said("X-Autoreply").is_some() || head.said("X-Autorespond").is_some()
}

/// A report as RFC 3464 wants it; nothing where it reports something else, a read receipt or a success.
fn report(mail: &Part) -> Option<Bounce> {
    let status = mail.parts.iter().find(|part| {
        part.is("message", Some("delivery-status")) || part.is("message", Some("global-delivery-status"))
    })?;
    let status = status.bytes();
    let mut recipients: Vec<Head> = Vec::new();
    let mut rest = status.trim_ascii_start();
    // The first group tells of the mail, each further one of a recipient. Some servers write but one group.
    while !rest.is_empty() && recipients.len() < 100 {
        let (group, after) = mime::halves(rest);
        recipients.extend(Head::read(group, mime::LONGEST_PART_HEAD));
        rest = after.trim_ascii_start();
    }
    let told = |action: &str| recipients.iter().find(|head| head.said("Action").is_some_and(|a| a.starts_with(action)));
    let failed = told("failed");
    let recipient = failed.or_else(|| told("delayed"))?;
    let named = recipient.said("Status").or_else(|| recipient.said("Diagnostic-Code"));
    let status = named.and_then(|text| code(&text));
    let address = ["Final-Recipient", "Original-Recipient"].iter().find_map(|name| recipient_of(recipient, name));
    let permanent = failed.is_some() && status.as_deref().is_none_or(|code| code.starts_with('5'));
    Some(Bounce { original_message_id: original(mail), status, permanent, final_recipient: address })
}

/// A server that writes in words only.
fn unstructured(mail: &Part, failed: Option<String>, text: &str) -> Bounce {
    let words = |name: &str| {
        let lines = text.lines().filter_map(|line| line.split_once(':'));
        lines.filter(|(field, _)| field.trim().eq_ignore_ascii_case(name)).find_map(|(_, id)| clean::id(id))
    };
    let status = code(text);
    Bounce {
        original_message_id: original(mail)
            .or_else(|| words("Message-ID"))
            .or_else(|| mail.head.ids("In-Reply-To").into_iter().next()),
        permanent: status.as_deref().is_none_or(|code| code.starts_with('5')),
        status,
        final_recipient: failed.and_then(|list| clean::address(list.split(',').next().unwrap_or_default())),
    }
}

/// The id of the mail that came back, which is attached whole or with its header only.
fn original(mail: &Part) -> Option<String> {
    let attached = mail.parts.iter().rev().find(|part| {
        let whole = part.is("message", Some("rfc822")) || part.is("message", Some("global"));
        let header = part.is("message", Some("global-headers")) || part.is("text", Some("rfc822-headers"));
        whole || header
    })?;
    let bytes = attached.bytes();
    Head::read(mime::halves(bytes.trim_ascii_start()).0, mime::LONGEST_HEAD)?.ids("Message-ID").into_iter().next()
}

/// `rfc822; name@domain` without its type.
fn recipient_of(head: &Head, name: &str) -> Option<String> {
    let field = head.all(name).next()?;
    let field = String::from_utf8_lossy(field);
    let address = field.split_once(';').map_or(field.as_ref(), |(_, address)| address);
    clean::address(address.trim().trim_start_matches('<').trim_end_matches('>'))
}

/// The first enhanced status code of a failure in a text: 4 or 5, and two numbers of at most three digits.
fn code(text: &str) -> Option<String> {
    let words = text.split(|c: char| !(c.is_ascii_digit() || c == '.')).map(|word| word.trim_matches('.'));
    let is_code = |word: &&str| {
        let parts: Vec<&str> = word.split('.').collect();
        let short = parts.iter().all(|part| (1..=3).contains(&part.len()));
        parts.len() == 3 && short && matches!(parts.first(), Some(&("4" | "5")))
    };
    words.filter(|word| word.len() <= 9).find(is_code).map(ToOwned::to_owned)
}
