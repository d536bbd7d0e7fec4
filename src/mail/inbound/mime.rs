//! The parts of a mail (RFC 2045, 2046). The walk is written by hand, because it has to be bounded: in depth, in number of
//! parts, in the size of each header. What stands in a header, and how content is encoded, mail-parser knows.

use std::borrow::Cow;

use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::charsets::map::charset_decoder;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;
use mail_parser::parsers::MessageStream;
use mail_parser::{ContentType, Header, MessageParser};

/// Longest header of a mail, in bytes.
pub const LONGEST_HEAD: usize = 256 * 1024;
/// Longest header of a part; one that is longer hides the part. Fields are many times larger in memory than here.
pub const LONGEST_PART_HEAD: usize = 16 * 1024;
/// Deepest nesting of multiparts that is followed; what is deeper is not read.
const DEEPEST: usize = 20;
/// Most parts that are looked at; what follows is not read.
const MOST_PARTS: usize = 200;
/// Deepest nesting of mails in mails that is told, of which so many may be encoded, though none should be (RFC 2046 5.2.1): each
/// of those is a copy.
const MAILS: Nested = Nested { any: 20, encoded: 2 };
/// Most bytes of an encoded body that are decoded for its text.
const MOST_OF_A_BODY: usize = 1024 * 1024;

/// A header: its bytes, and where its fields stand in them.
pub struct Head {
    bytes: Vec<u8>,
    fields: Vec<Header<'static>>,
}

/// A part of a mail, or the mail itself.
pub struct Part<'a> {
    /// Its header.
    pub head: Head,
    /// Its content as it came. Of a multipart, all of its parts.
    pub content: &'a [u8],
    /// The parts of a multipart.
    pub parts: Vec<Part<'a>>,
}

/// A text to be read.
pub struct Body {
    /// Markup, or plain.
    pub html: bool,
    /// Decoded.
    pub text: String,
}

/// Reads a mail into its parts; nothing without a header of a bearable size.
pub fn read(raw: &[u8]) -> Option<Part<'_>> {
    let begin = raw.iter().position(|b| !b.is_ascii_whitespace())?;
    let mut budget = MOST_PARTS;
    Part::read(raw.get(begin..)?, 0, &mut budget).filter(|mail| !mail.head.fields.is_empty())
}

/// Tells what a mail says, without the encodings of mail, as far as a mail is read: each field of each header; each content
/// as bytes, and where it is text also in its character set, of which the first MiB; mails in the mail alike.
pub fn said(raw: &[u8], mut tell: impl FnMut(&[u8])) {
    tell_mail(raw, MAILS, &mut tell);
}

/// How much deeper mails in mails are told.
#[derive(Clone, Copy)]
struct Nested {
    any: usize,
    encoded: usize,
}

fn tell_mail(raw: &[u8], deeper: Nested, tell: &mut impl FnMut(&[u8])) {
    if let Some(mail) = read(raw) {
        mail.tell(deeper, tell);
    }
}

impl<'a> Part<'a> {
    fn read(raw: &'a [u8], depth: usize, budget: &mut usize) -> Option<Self> {
        *budget = budget.checked_sub(1)?;
        let (head, content) = halves(raw);
        let mut part = Self {
            head: Head::read(head, if depth == 0 { LONGEST_HEAD } else { LONGEST_PART_HEAD })?,
            content,
            parts: Vec::new(),
        };
        if part.is("multipart", None) {
            if depth == DEEPEST {
                return None;
            }
            let kind = part.head.content_type();
            let boundary = kind.and_then(|kind| kind.attribute("boundary")).unwrap_or_default().trim_end().to_owned();
            for piece in pieces(content, boundary.as_bytes(), *budget) {
                part.parts.extend(Self::read(piece, depth + 1, budget));
            }
        }
        Some(part)
    }

    /// Whether its type is this one; what names no type is plain text.
    pub fn is(&self, kind: &str, subtype: Option<&str>) -> bool {
        let (mine, sub) = self.head.kind();
        mine == kind && subtype.is_none_or(|wanted| wanted == sub)
    }

    /// Content without its transfer encoding. What is encoded wrongly stays as it is.
    pub fn bytes(&self) -> Cow<'a, [u8]> {
        self.decoded(self.content)
    }

    fn decoded(&self, content: &'a [u8]) -> Cow<'a, [u8]> {
        let encoding = self.head.said("Content-Transfer-Encoding").unwrap_or_default();
        let decoded = match encoding.as_str() {
            "base64" => base64_decode(content),
            "quoted-printable" => quoted_printable_decode(content),
            _ => None,
        };
        decoded.map_or(Cow::Borrowed(content), Cow::Owned)
    }

    fn tell(&self, deeper: Nested, tell: &mut impl FnMut(&[u8])) {
        for text in self.head.texts().chain(self.head.file_name()) {
            tell(text.as_bytes());
        }
        for part in &self.parts {
            part.tell(deeper, tell);
        }
        if !self.parts.is_empty() {
            return;
        }
        let bytes = self.bytes();
        tell(&bytes);
        if self.is("text", None) || self.is("multipart", None) {
            tell(self.text().as_bytes());
        }
        let encoded = usize::from(matches!(bytes, Cow::Owned(_)));
        if let (true, Some(any), Some(encoded)) =
            (self.is("message", None), deeper.any.checked_sub(1), deeper.encoded.checked_sub(encoded))
        {
            tell_mail(&bytes, Nested { any, encoded }, tell);
        }
    }

    /// Its text in its character set. Without one, or with an unknown one: UTF-8, else Windows-1252.
    pub fn text(&self) -> String {
        let most = self.content.len().min(MOST_OF_A_BODY);
        // Not within a line, and so not within an encoded group or character.
        let most = match self.content.get(..most) {
            Some(begin) if most < self.content.len() => begin.iter().rposition(|b| *b == b'\n').unwrap_or(most),
            _ => most,
        };
        let bytes = self.decoded(self.content.get(..most).unwrap_or_default());
        let charset = self.head.content_type().and_then(|kind| kind.attribute("charset")).unwrap_or_default();
        let charset = charset.trim().to_ascii_lowercase();
        let usual = matches!(charset.as_str(), "" | "utf-8" | "utf8" | "us-ascii");
        let decode = if usual { None } else { charset_decoder(charset.as_bytes()) };
        match (decode, std::str::from_utf8(&bytes)) {
            (Some(decode), _) => decode(&bytes),
            (None, Ok(text)) => text.to_owned(),
            (None, Err(_)) => {
                let decode = charset_decoder(b"windows-1252").filter(|_| !charset.starts_with("utf"));
                decode.map_or_else(|| String::from_utf8_lossy(&bytes).into_owned(), |decode| decode(&bytes))
            }
        }
    }

    /// Whether it is shown as text, not handed over as a file.
    fn is_body(&self) -> bool {
        let readable = self.is("text", Some("plain")) || self.is("text", Some("html"));
        readable && !self.head.is_attachment() && self.head.file_name().is_none()
    }

    /// What is to be read of it, in order; of alternatives the plain one, if it says anything.
    pub fn body(&self) -> Vec<Body> {
        if self.parts.is_empty() {
            if self.is_body() || self.is("multipart", None) {
                return vec![Body { html: self.is("text", Some("html")), text: self.text() }];
            }
            return Vec::new();
        }
        let mut bodies: Vec<Body> = self.parts.iter().flat_map(Self::body).collect();
        if self.is("multipart", Some("alternative")) {
            let plain = bodies.iter().any(|body| !body.html && !body.text.trim().is_empty());
            bodies.retain(|body| body.html != plain);
        }
        bodies
    }

    /// Its files, in order.
    pub fn files(&self) -> Vec<&Self> {
        if self.is("multipart", None) {
            return self.parts.iter().flat_map(Self::files).collect();
        }
        if self.is_body() { Vec::new() } else { vec![self] }
    }
}

impl Head {
    /// Reads a header, if it is not too large.
    pub fn read(bytes: &[u8], most: usize) -> Option<Self> {
        if bytes.len() > most {
            return None;
        }
        let bytes = [bytes, b"\r\n\r\n"].concat();
        let parsed = MessageParser::new().parse_headers(&bytes);
        let fields = parsed.and_then(|mut parsed| parsed.parts.pop()).map(|part| part.headers).unwrap_or_default();
        let fields = fields.into_iter().map(Header::into_owned).collect();
        Some(Self { bytes, fields })
    }

    /// Every field of a name, as it came, with its line end.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        let fields = self.fields.iter().filter(move |field| field.name.as_str().eq_ignore_ascii_case(name));
        fields.filter_map(move |field| self.value(field))
    }

    /// The first field of a name as text, its encoded words decoded.
    pub fn text(&self, name: &str) -> Option<String> {
        decoded_words(self.all(name).next()?)
    }

    /// Every field as text, its encoded words decoded.
    fn texts(&self) -> impl Iterator<Item = String> {
        self.fields.iter().filter_map(move |field| decoded_words(self.value(field)?))
    }

    fn value(&self, field: &Header<'_>) -> Option<&[u8]> {
        self.bytes.get(field.offset_start as usize..field.offset_end as usize)
    }

    /// The first field of a name as it came, trimmed and in lower case. Empty where it is empty.
    pub fn said(&self, name: &str) -> Option<String> {
        Some(String::from_utf8_lossy(self.all(name).next()?).trim().to_lowercase())
    }

    /// The content's type, where one is named.
    pub fn content_type(&self) -> Option<&ContentType<'static>> {
        self.mime("Content-Type")
    }

    fn mime(&self, name: &str) -> Option<&ContentType<'static>> {
        let field = self.fields.iter().find(|field| field.name.as_str().eq_ignore_ascii_case(name))?;
        field.value.as_content_type()
    }

    fn kind(&self) -> (String, String) {
        let lower = |text: &str| text.trim().to_ascii_lowercase();
        match self.content_type() {
            Some(kind) => (lower(kind.ctype()), lower(kind.subtype().unwrap_or_default())),
            None => ("text".to_owned(), "plain".to_owned()),
        }
    }

    /// The content's type in lower case; what is no type is `application/octet-stream`.
    pub fn media_type(&self) -> String {
        let (kind, subtype) = self.kind();
        let token = |text: &str| {
            let sign = |b: u8| b.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&b);
            (1..=127).contains(&text.len()) && text.bytes().all(sign)
        };
        if token(&kind) && token(&subtype) {
            format!("{kind}/{subtype}")
        } else {
            "application/octet-stream".to_owned()
        }
    }

    /// The name of a file, as it came.
    pub fn file_name(&self) -> Option<String> {
        let named = self.mime("Content-Disposition").and_then(|disposition| disposition.attribute("filename"));
        named.or_else(|| self.content_type()?.attribute("name")).map(ToOwned::to_owned)
    }

    fn is_attachment(&self) -> bool {
        let disposition = self.mime("Content-Disposition");
        disposition.is_some_and(|disposition| disposition.ctype().eq_ignore_ascii_case("attachment"))
    }
}

fn decoded_words(value: &[u8]) -> Option<String> {
    MessageStream::new(value).parse_unstructured().into_text().map(Cow::into_owned)
}

/// Header and content: the first empty line parts them.
pub fn halves(raw: &[u8]) -> (&[u8], &[u8]) {
    let mut at = 0;
    for line in raw.split_inclusive(|b| *b == b'\n') {
        if matches!(line, b"\n" | b"\r\n") {
            return (raw.get(..at).unwrap_or_default(), raw.get(at + line.len()..).unwrap_or_default());
        }
        at += line.len();
    }
    (raw, &[])
}

/// What stands between the lines of a boundary, at most `most` pieces. The line end before a boundary belongs to it.
fn pieces<'a>(content: &'a [u8], boundary: &[u8], most: usize) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    let (mut begin, mut at) = (None, 0);
    let mut cut = |begin: Option<usize>, end: usize| {
        let piece = content.get(begin?..end)?;
        let piece = piece.strip_suffix(b"\n").unwrap_or(piece);
        pieces.push(piece.strip_suffix(b"\r").unwrap_or(piece));
        Some(pieces.len())
    };
    if boundary.is_empty() {
        return pieces;
    }
    for line in content.split_inclusive(|b| *b == b'\n') {
        let rest = line.strip_prefix(b"--").and_then(|line| line.strip_prefix(boundary)).map(<[u8]>::trim_ascii_end);
        if let Some(rest @ (b"" | b"--")) = rest {
            let count = cut(begin, at);
            begin = Some(at + line.len());
            if rest == b"--" || count.is_some_and(|count| count >= most) {
                return pieces;
            }
        }
        at += line.len();
    }
    cut(begin, at);
    pieces
}
