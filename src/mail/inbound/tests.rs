use std::path::Path;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::parse::{LARGEST_ATTACHMENT, LONGEST_MAIL, LONGEST_TEXT, MOST_ATTACHMENTS};
use super::*;

fn sample(name: &str) -> Vec<u8> {
    std::fs::read(Path::new("tests/fixtures/mail").join(name)).unwrap()
}

fn read(name: &str) -> Inbound {
    parse(&sample(name)).unwrap()
}

/// A plain mail with further fields.
fn mail(fields: &str, body: &str) -> Inbound {
    parse(format!("From: a@example.com\nTo: b@example.com\n{fields}\n{body}").as_bytes()).unwrap()
}

fn bounce(mail: &Inbound) -> &Bounce {
    match &mail.kind {
        Kind::Bounce(bounce) => bounce,
        other => panic!("{other:?}"),
    }
}

#[test]
fn headers_become_names_addresses_and_ids() {
    let mail = read("umlauts_quoted_printable.eml");
    assert_eq!(mail.from, "erika.mustermann@beispiel.example");
    assert_eq!(mail.from_name.as_deref(), Some("Erika Müller"));
    assert_eq!(mail.to, ["reply+k7Q2mX@laden.example", "service@laden.example"]);
    assert_eq!(mail.subject.as_deref(), Some("Rückgabe – Kühlschrank"));
    assert_eq!(mail.message_id.as_deref(), Some("qp-1@beispiel.example"));
    assert_eq!(mail.references, Vec::<String>::new());
    assert_eq!(mail.kind, Kind::Message);
    assert_eq!(case_tokens(&mail.to, "Laden.example"), ["k7Q2mX"]);
    assert_eq!(read("reply_gmail.eml").references, ["case-1@laden.example", "case-0@laden.example"]);
}

#[test]
fn texts_are_decoded() {
    let text = read("umlauts_quoted_printable.eml").text;
    assert!(
        text.starts_with("Guten Tag,\n\nder Kühlschrank kühlt nicht mehr, die Tür schließt nicht. Ich möchte"),
        "{text}"
    );
    assert!(
        text.ends_with(
            "299,00 € zurückgeben, denn es ist für mich nicht brauchbar.\n\nMit freundlichen Grüßen\nErika Müller"
        ),
        "{text}"
    );
    let mail = read("umlauts_base64.eml");
    assert_eq!(mail.subject.as_deref(), Some("Größe paßt nicht"));
    assert_eq!(mail.text, "Die Größe paßt nicht.\nBitte tauschen Sie die Schuhe um.");
    assert_eq!(read("latin1.eml").text, "Wann kommt die Lieferung für Köln? Grüße, Jörg");
    assert_eq!(mail_in("iso-8859-15", b"5 \xa4"), "5 €");
    assert_eq!(mail_in("unbekannt", b"Gr\xfc\xdfe"), "Grüße");
    assert_eq!(mail_in("", "Grüße".as_bytes()), "Grüße");
}

fn mail_in(charset: &str, body: &[u8]) -> String {
    let head = format!("From: a@example.com\nContent-Type: text/plain; charset=\"{charset}\"\n\n");
    parse(&[head.as_bytes(), body].concat()).unwrap().text
}

#[test]
fn html_becomes_text() {
    assert_eq!(
        read("html_only.eml").text,
        "Guten Tag,\n\ndas Paket war beschädigt und naß. 3 < 4 & 5 €\n\n- Karton offen\n- Glas zerbrochen\nGrüße\nErika"
    );
}

#[test]
fn files_keep_their_name_without_its_path() {
    let mail = read("photo.eml");
    assert_eq!(mail.text, "Hier ist das Foto der Glastür.");
    let [photo] = mail.attachments.as_slice() else { panic!("{:?}", mail.attachments) };
    assert_eq!((photo.name.as_deref(), photo.media_type.as_str()), (Some("Glastür.jpg"), "image/jpeg"));
    assert!(photo.bytes.starts_with(b"\xff\xd8\xff\xe0") && photo.bytes.ends_with(b"\xff\xd9"));
    assert_eq!(mail.dropped, []);
}

#[test]
fn quoted_history_and_signatures_are_left_out() {
    for (name, text) in [
        ("reply_gmail.eml", "Ja, die Tür klemmt immer noch."),
        ("reply_outlook.eml", "Guten Tag,\n\nanbei die Antwort: „nein“, das Gerät läuft nicht.\n\nGruß\nErika Müller"),
        ("reply_outlook_classic.eml", "No, it still leaks."),
        ("reply_apple.eml", "Yes, please send a new one.\n\nSent from my iPhone"),
        ("reply_apple_mail.eml", "Yes, please."),
    ] {
        assert_eq!(read(name).text, text, "{name}");
    }
    let sample = String::from_utf8(sample("reply_gmail.eml")).unwrap();
    let html_alone = sample.replace("Content-Type: text/plain", "Content-Type: text/x-unknown");
    assert_eq!(parse(html_alone.as_bytes()).unwrap().text, "Ja, die Tür klemmt immer noch.");
}

#[test]
fn what_may_be_an_own_word_stays() {
    for text in [
        "Am 3. März schrieb mir Ihr Kollege:\nSie bekommen das Geld zurück.",
        "On 3 March your colleague wrote:\nYou get your money back.",
        "On 3 March, Service <s@example.com> wrote:\n> Is it broken?\nYes.\n> Since when?\nMonday.",
        "> Nur ein Zitat",
        "Von: oben nach unten\ngerissen",
        "--\nkeine Signatur",
        "----- Original -----\nist es nicht",
    ] {
        assert_eq!(mail("Subject: x\n", text).text, text);
    }
    let history = "Zur Kenntnis.\n\n-----Original Message-----\nFrom: x@example.com\n\nRechnung";
    assert_eq!(mail("Subject: WG: Rechnung\n", history).text, history, "what is handed on is the point");
    assert_eq!(mail("Subject: AW: Rechnung\n", history).text, "Zur Kenntnis.");
}

#[test]
fn bounces_say_what_came_back() {
    let postfix = read("bounce_postfix.eml");
    assert_eq!(postfix.from, "MAILER-DAEMON@mail.laden.example");
    assert_eq!(postfix.attachments, []);
    assert_eq!(
        *bounce(&postfix),
        Bounce {
            original_message_id: Some("case-1.outbox-7@laden.example".into()),
            status: Some("5.1.1".into()),
            permanent: true,
            final_recipient: Some("nobody@beispiel.example".into()),
        }
    );
    assert_eq!(
        *bounce(&read("bounce_exchange.eml")),
        Bounce {
            original_message_id: Some("case-1.outbox-8@laden.example".into()),
            status: Some("4.2.2".into()),
            permanent: false,
            final_recipient: Some("voll@beispiel.example".into()),
        }
    );
    assert_eq!(
        *bounce(&read("bounce_in_words.eml")),
        Bounce {
            original_message_id: Some("case-1.outbox-9@laden.example".into()),
            status: Some("5.7.1".into()),
            permanent: true,
            final_recipient: Some("weg@beispiel.example".into()),
        }
    );
    let text = String::from_utf8(sample("bounce_postfix.eml")).unwrap();
    let delivered = text.replace("Action: failed", "Action: delivered").replace("Status: 5.1.1", "Status: 2.0.0");
    assert_eq!(parse(delivered.as_bytes()).unwrap().kind, Kind::AutoReply, "a success is no bounce");
    let nobody = text.replace("From: MAILER-DAEMON@mail.laden.example (Mail Delivery System)", "From: <>");
    assert_eq!(parse(nobody.as_bytes()).unwrap().from, "");
    let gave_up = text.replace("Status: 5.1.1", "Status: 4.4.7");
    assert!(!bounce(&parse(gave_up.as_bytes()).unwrap()).permanent);
}

#[test]
fn robots_are_told_from_people() {
    let absent = read("out_of_office.eml");
    assert_eq!((&absent.kind, absent.text.as_str()), (&Kind::AutoReply, "Ich bin bis zum 24.03.2014 nicht im Büro."));
    for field in [
        "Auto-Submitted: auto-replied (vacation)",
        "X-Auto-Response-Suppress: DR, OOF",
        "Precedence: bulk",
        "Precedence: AUTO_REPLY",
        "Return-Path: <>",
        "X-Autoreply: yes",
        "Content-Type: multipart/report; report-type=disposition-notification; boundary=x",
    ] {
        assert_eq!(mail(&format!("{field}\n"), "x").kind, Kind::AutoReply, "{field}");
    }
    for field in [
        "Auto-Submitted: no",
        "X-Auto-Response-Suppress: None",
        "Precedence: first-class",
        "Return-Path: <a@example.com>",
    ] {
        assert_eq!(mail(&format!("{field}\n"), "x").kind, Kind::Message, "{field}");
    }
}

#[test]
fn tokens_are_those_of_our_domain() {
    let to = ["reply+A1@shop.example", "REPLY+b2@SHOP.example", "reply+A1@shop.example", "reply+@shop.example"];
    let others =
        ["reply@shop.example", "noreply+x@shop.example", "reply+y@evil.example", "reply+z@shop.example.evil", "x"];
    let all: Vec<String> = to.iter().chain(&others).map(ToString::to_string).collect();
    assert_eq!(case_tokens(&all, "shop.example"), ["A1", "b2"]);
}

#[test]
fn what_is_no_mail_is_refused() {
    for (raw, expected) in [
        ("", Unreadable::Header),
        ("\r\n\r\n", Unreadable::Header),
        ("Subject: nobody\n\nx", Unreadable::Sender),
        ("From: \n\nx", Unreadable::Sender),
        ("From: a@example.com, b@example.com\n\nx", Unreadable::Sender),
        ("From: a@example.com\nFrom: b@example.com\n\nx", Unreadable::Sender),
        ("From: no address\n\nx", Unreadable::Sender),
    ] {
        assert_eq!(parse(raw.as_bytes()), Err(expected), "{raw:?}");
    }
    assert_eq!(parse(&vec![b'x'; LONGEST_MAIL + 1]), Err(Unreadable::TooLarge));
    let huge = format!("From: a@example.com\nX-Huge: {}\n\nx", "x".repeat(300_000));
    assert_eq!(parse(huge.as_bytes()), Err(Unreadable::Header));
}

#[test]
fn a_header_cannot_smuggle_lines() {
    let subject = "=?utf-8?B?SGFsbG8NCkJjYzogb3BmZXJAZXhhbXBsZS5jb20NCg0KPGI+?=";
    let mail = mail(
        &format!("Subject: {subject}\nMessage-ID: <a b@c>\nIn-Reply-To: <x\u{7}@y> <fine@y>\n"),
        "a\u{0}b\u{202e}c\u{1b}[31m",
    );
    assert_eq!(mail.subject.as_deref(), Some("Hallo Bcc: opfer@example.com <b>"));
    assert_eq!(mail.message_id, None);
    assert_eq!(mail.references, ["fine@y"]);
    assert_eq!(mail.text, "abc[31m");
}

#[test]
fn a_long_text_is_shortened_with_a_mark() {
    let long = mail("", &"ü".repeat(20_000)).text;
    assert_eq!(long.chars().count(), LONGEST_TEXT);
    assert!(long.ends_with("ü\n[…]"));
    let exact = "ü".repeat(LONGEST_TEXT);
    assert_eq!(mail("", &exact).text, exact);
}

/// Many files, and one that is too large, are named but not taken.
#[test]
fn files_are_bounded() {
    let mut raw = String::from("From: a@example.com\nContent-Type: multipart/mixed; boundary=b\n\n");
    for n in 0..25 {
        raw.push_str(&format!("--b\nContent-Type: image/png; name=\"{n}.png\"\n\n{n}\n"));
    }
    let mail = parse(raw.as_bytes()).unwrap();
    assert_eq!((mail.attachments.len(), mail.dropped.len()), (MOST_ATTACHMENTS, 5));
    assert_eq!((mail.attachments[3].bytes.as_slice(), mail.dropped[0].name.as_deref()), (&b"3"[..], Some("20.png")));
    let large = format!("From: a@example.com\nContent-Type: video/mp4\n\n{}", "x".repeat(LARGEST_ATTACHMENT + 1));
    let mail = parse(large.as_bytes()).unwrap();
    assert_eq!((mail.attachments.len(), mail.dropped[0].byte_size), (0, LARGEST_ATTACHMENT + 1));
}

/// All that a mail tells a search, one line for each.
fn told(raw: &[u8]) -> String {
    let mut told = String::new();
    said(raw, |said| told.push_str(&format!("{}\n", String::from_utf8_lossy(said))));
    told
}

#[test]
fn a_search_sees_what_a_reader_sees() {
    let base64 = told(&sample("umlauts_base64.eml"));
    for text in ["Größe paßt nicht", "Erika Müller", "Bitte tauschen Sie", "reply+k7Q2mX@laden.example"] {
        assert!(base64.contains(text), "{text} in {base64}");
    }
    // Without its boundary it is shown as text.
    let torn = b"From: a@example.com\nContent-Type: multipart/mixed; charset=iso-8859-1\n\nGr\xfc\xdfe, J\xf6rg";
    assert!(told(torn).contains("Grüße, Jörg"));
    assert!(told(&sample("latin1.eml")).contains("für Köln? Grüße, Jörg"));
    let quoted = told(&sample("umlauts_quoted_printable.eml"));
    assert!(quoted.contains("die Tür schließt nicht") && quoted.contains("Rückgabe – Kühlschrank"));
    // Forwarded as a file: its text is encoded again, and the name of the file, too.
    let inner = String::from_utf8(sample("umlauts_base64.eml")).unwrap();
    let outer = format!(
        "From: a@example.com\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n\
         Content-Disposition: attachment; filename*=UTF-8''J%C3%B6rg.eml\n\n{inner}\n--b--\n"
    );
    let outer = told(outer.as_bytes());
    assert!(outer.contains("Jörg.eml") && outer.contains("Die Größe paßt nicht"), "{outer}");
}

/// Each input is megabytes long or nested without end; none may take more than moments, even unoptimised.
#[test]
fn hostile_mails_stay_bounded() {
    let head = "From: a@example.com\n";
    let deep: String = (0..200).map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n")).collect();
    let same = "Content-Type: multipart/mixed; boundary=b\n\n--b\n".repeat(40_000);
    let attached = "Content-Type: message/rfc822\n\n".repeat(100_000);
    let encoded = "Content-Type: message/rfc822\nContent-Transfer-Encoding: quoted-printable\n\n".repeat(30_000);
    let references = format!("References: {}\n\nx", "<abc@example.com>\n ".repeat(10_000));
    let names = format!("To: {}\n\nx", "a@b.c,".repeat(40_000));
    let brackets = format!("Cc: {}\n\nx", "(<\"".repeat(80_000));
    let fields = format!("{}\nx", "a:\n".repeat(80_000));
    let parameters = format!("Content-Type: text/plain; {}\n\nx", "a*1*=x;".repeat(30_000));
    let parts = format!("Content-Type: multipart/mixed; boundary=b\n\n{}", "--b\n\n".repeat(400_000));
    let tags = format!("Content-Type: text/html\n\n{}", "<blockquote><style>x</styl".repeat(100_000));
    let entities = format!("Content-Type: text/html\n\n{}", "&amp".repeat(500_000));
    let lines = format!("\n{}", "Am 1 x\nVon:\n> \n".repeat(100_000));
    let introductions = format!("\n{}", "On 1 x wrote:\nOn 1 a@b wrote:\nx\n".repeat(60_000)) + "> z\nx";
    let heads = format!(
        "Content-Type: multipart/mixed; boundary=b\n\n{}",
        format!("--b\n{}\n", "a:\n".repeat(5_000)).repeat(300)
    );
    let quotes = format!("\n{}", "On 1 a@b wrote:\nx\n> y\n".repeat(100_000));
    for (name, rest) in [
        ("deep", deep),
        ("same", same),
        ("attached", attached),
        ("encoded", encoded),
        ("references", references),
        ("names", names),
        ("brackets", brackets),
        ("fields", fields),
        ("parameters", parameters),
        ("parts", parts),
        ("tags", tags),
        ("entities", entities),
        ("lines", lines),
        ("quotes", quotes),
        ("introductions", introductions),
        ("heads", heads),
    ] {
        let raw = format!("{head}{rest}");
        let begin = Instant::now();
        let mail = parse(raw.as_bytes());
        let mut told = 0;
        said(raw.as_bytes(), |said| told += said.len());
        // Each level of mails in mails once, each content as bytes and as text.
        assert!(told <= 24 * 2 * raw.len(), "{name}: {told} bytes of {}", raw.len());
        assert!(begin.elapsed() < Duration::from_secs(20), "{name} took {:?}", begin.elapsed());
        let mail = mail.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(mail.references.len() <= 100 && mail.to.len() <= 100, "{name}");
        assert!(mail.text.chars().count() <= LONGEST_TEXT && mail.attachments.len() <= MOST_ATTACHMENTS, "{name}");
    }
}

/// What holds of every mail that is read.
fn sound(raw: &[u8]) {
    said(raw, |_| {});
    let Ok(mail) = parse(raw) else { return };
    let odd = |text: &str| text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t'));
    let one_line = |text: &str| !text.is_empty() && !text.contains(char::is_control) && text.chars().count() <= 998;
    assert!(!odd(&mail.text) && mail.text.chars().count() <= LONGEST_TEXT, "{:?}", mail.text);
    assert!(mail.from.is_empty() == (mail.from.matches('@').count() == 0));
    assert!(!mail.from.is_empty() || matches!(mail.kind, Kind::Bounce(_)));
    let named = mail.attachments.iter().filter_map(|a| a.name.as_deref());
    let lines =
        mail.subject.iter().chain(&mail.from_name).chain(&mail.message_id).chain(&mail.to).chain(&mail.references);
    for line in lines.map(String::as_str).chain(named) {
        assert!(one_line(line), "{line:?}");
    }
    if let Kind::Bounce(bounce) = &mail.kind {
        assert!(bounce.status.as_ref().is_none_or(|status| status.starts_with(['4', '5']) && status.len() <= 9));
        assert!(bounce.original_message_id.as_deref().is_none_or(one_line));
    }
}

fn samples() -> Vec<Vec<u8>> {
    let mut files: Vec<_> = std::fs::read_dir("tests/fixtures/mail").unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "eml"));
    files.sort();
    files.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>) {
        sound(&bytes);
        sound(&[b"From: a@example.com\n", bytes.as_slice()].concat());
    }

    #[test]
    fn no_field_makes_it_panic(
        name in "(From|To|Subject|References|Message-ID|Content-Type|Content-Disposition|Return-Path)",
        value in "[ -~äß\n\t]{0,60}", body in "\\PC{0,60}",
    ) {
        sound(format!("From: a@example.com\n{name}: {value}\n\n{body}").as_bytes());
    }

    #[test]
    fn changed_samples_are_read_or_refused(
        sample in prop::sample::select(samples()),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_usize..40), 1..12),
    ) {
        let mut raw = sample;
        for (at, byte, cut) in changes {
            let at = at.index(raw.len().max(1));
            match cut {
                0..8 => { let end = (at + cut * 9).min(raw.len()); raw.drain(at.min(end)..end); }
                8..16 => { let copied = raw[at.min(raw.len())..(at + cut * 4).min(raw.len())].to_vec(); raw.extend(copied); }
                16..24 => raw.insert(at, b"\n\r:;<>=-"[cut - 16]),
                _ => if let Some(place) = raw.get_mut(at) { *place = byte },
            }
        }
        sound(&raw);
    }
}
