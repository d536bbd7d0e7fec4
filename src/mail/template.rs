//! Templates: a subject, a plain and an HTML part per letter and language, as shipped or as the operator words them.

use std::path::Path;

use anyhow::Context as _;
use chrono::{DateTime, NaiveDate, Utc};
use entity::codes::Locale;
use entity::mails::Template;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior};
use sea_orm::Iterable as _;
use serde::Serialize;

use super::letter::{Content, Letter};
use super::sample::sample;
use super::words;
use crate::policy::shop::Policy;

/// What is sent of a letter.
#[derive(Clone, PartialEq, Eq)]
pub struct Rendered {
    /// One line.
    pub subject: String,
    /// The plain part.
    pub text: String,
    /// The HTML part.
    pub html: String,
}

macro_rules! shipped {
    ($language:literal: $($name:literal)+) => {
        &[
            ("layout.txt", include_str!(concat!("templates/", $language, "/layout.txt"))),
            ("layout.html", include_str!(concat!("templates/", $language, "/layout.html"))),
            ("erasure.txt", include_str!(concat!("templates/", $language, "/erasure.txt"))),
            ("erasure.html", include_str!(concat!("templates/", $language, "/erasure.html"))),
            $(
                (
                    concat!($name, ".subject.txt"),
                    include_str!(concat!("templates/", $language, "/", $name, ".subject.txt")),
                ),
                (concat!($name, ".txt"), include_str!(concat!("templates/", $language, "/", $name, ".txt"))),
                (concat!($name, ".html"), include_str!(concat!("templates/", $language, "/", $name, ".html"))),
            )+
        ]
    };
    ($language:literal) => {
        shipped!($language: "acknowledgement" "withdrawal_receipt" "message" "info_request" "delay_notice"
            "return_instruction" "decision" "result_notice" "refund_update" "dispute_notice" "guest_link"
            "erasure_answer" "erasure_closing" "recipient_notice" "restriction_notice")
    };
}

/// File name and text.
type Files = &'static [(&'static str, &'static str)];

const fn shipped(locale: Locale) -> (&'static str, Files) {
    match locale {
        Locale::De => ("de", shipped!("de")),
        Locale::En => ("en", shipped!("en")),
    }
}

/// The templates of both languages.
pub struct Templates {
    de: Environment<'static>,
    en: Environment<'static>,
}

impl Templates {
    /// The shipped ones, and over them the files of the same name in `folder`. With a folder, each is tried once.
    ///
    /// # Errors
    /// A file cannot be read, is no template, or names what no letter has: the text says which and where.
    pub fn load(folder: Option<&Path>) -> anyhow::Result<Self> {
        let all = Self { de: environment(Locale::De, folder)?, en: environment(Locale::En, folder)? };
        if folder.is_some() {
            for template in Template::iter() {
                for locale in [Locale::De, Locale::En] {
                    let letter = sample(template, locale, "…", "…");
                    all.render(&letter, Policy::shipped())
                        .with_context(|| format!("the template {} ({})", template.code(), locale.code()))?;
                }
            }
        }
        Ok(all)
    }

    /// Writes a letter out, from the shop as the policy of the day describes it.
    ///
    /// # Errors
    /// A template names what the letter does not have.
    pub fn render(&self, letter: &Letter, policy: &Policy) -> anyhow::Result<Rendered> {
        let environment = match letter.locale {
            Locale::De => &self.de,
            Locale::En => &self.en,
        };
        let shop = Shop {
            name: &policy.shop.name,
            address: &policy.shop.address,
            email: &policy.shop.email,
            phone: &policy.shop.phone,
            hours: words::hours(letter.locale, &policy.service_hours),
        };
        let mut values = Values {
            shop,
            subject: None,
            number: letter.number.as_deref(),
            link: letter.link.as_deref(),
            name: letter.name.as_deref(),
            letter: &letter.content,
        };
        let stem = letter.content.template().code().to_lowercase();
        let part = |ending: &str, values: &Values<'_>| -> anyhow::Result<String> {
            Ok(environment.get_template(&format!("{stem}.{ending}"))?.render(Serde(values))?)
        };
        let subject = part("subject.txt", &values)?.split_whitespace().collect::<Vec<_>>().join(" ");
        values.subject = Some(&subject);
        let (text, html) = (part("txt", &values)?, part("html", &values)?);
        Ok(Rendered { subject, text, html })
    }
}

#[derive(Serialize)]
struct Values<'a> {
    shop: Shop<'a>,
    subject: Option<&'a str>,
    number: Option<&'a str>,
    link: Option<&'a str>,
    name: Option<&'a str>,
    letter: &'a Content,
}

#[derive(Serialize)]
struct Shop<'a> {
    name: &'a str,
    address: &'a [String],
    email: &'a str,
    phone: &'a str,
    hours: String,
}

fn environment(locale: Locale, folder: Option<&Path>) -> anyhow::Result<Environment<'static>> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.add_filter("date", move |day: String| {
        day.parse::<NaiveDate>().map(|day| words::date(locale, day)).map_err(|_| no("a day", &day))
    });
    environment.add_filter("moment", move |instant: String| {
        let parsed = instant.parse::<DateTime<Utc>>();
        parsed.map(|instant| words::moment(locale, instant)).map_err(|_| no("a moment", &instant))
    });
    environment.add_filter("money", move |amount: Value| {
        let minor = amount.get_attr("minor")?.as_i64().ok_or_else(|| no("an amount", &amount.to_string()))?;
        let currency = amount.get_attr("currency")?;
        Ok::<_, Error>(words::money(locale, minor, currency.as_str().unwrap_or_default()))
    });
    let (language, files) = shipped(locale);
    for (name, text) in files {
        let own = folder.map(|folder| folder.join(language).join(name)).filter(|path| path.exists());
        match own {
            None => environment.add_template(name, text)?,
            Some(path) => {
                let text = std::fs::read_to_string(&path)
                    .with_context(|| format!("cannot read the template {}", path.display()))?;
                environment
                    .add_template_owned(*name, text)
                    .with_context(|| format!("the template {} is broken", path.display()))?;
            }
        }
    }
    Ok(environment)
}

fn no(what: &str, value: &str) -> Error {
    Error::new(ErrorKind::InvalidOperation, format!("{value:?} is not {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every(name: &str, text: &str) -> Vec<(Template, Locale, Rendered)> {
        let templates = Templates::load(None).unwrap();
        let pairs = Template::iter().flat_map(|t| [(t, Locale::De), (t, Locale::En)]);
        pairs.map(|(t, l)| (t, l, templates.render(&sample(t, l, name, text), Policy::shipped()).unwrap())).collect()
    }

    /// F46: what each letter says, in both languages.
    #[test]
    fn every_letter_in_both_languages() {
        for locale in [Locale::De, Locale::En] {
            let letters: Vec<String> = every("Erika Mustermann", "Ein Text")
                .into_iter()
                .filter(|(_, l, _)| *l == locale)
                .map(|(t, _, r)| format!("==== {} v{}\n{}\n\n{}\n", t.code(), t.version(), r.subject, r.text))
                .collect();
            assert_eq!(letters.len(), 15);
            insta::assert_snapshot!(format!("letters_{}", locale.code().to_lowercase()), letters.concat());
        }
    }

    #[test]
    fn html_escapes_and_plain_text_does_not() {
        for (template, _, rendered) in every("<b>& Text", "<b>& Text") {
            let has_text = template != Template::GuestLink;
            assert!(!rendered.html.contains("<b>"), "{template:?}");
            assert!(rendered.html.contains("&lt;b&gt;&amp; Text"), "{template:?}: at least the name is there");
            assert!(!has_text || rendered.text.matches("<b>& Text").count() >= 2, "{template:?}");
            assert!(!rendered.subject.contains('\n') && !rendered.subject.is_empty(), "{template:?}");
        }
    }

    #[test]
    fn a_line_end_in_a_value_adds_no_header() {
        let mut letter = sample(Template::Message, Locale::De, "x", "x");
        letter.number = Some("AS-1\r\nBcc: everybody@example.com".to_owned());
        let rendered = Templates::load(None).unwrap().render(&letter, Policy::shipped()).unwrap();
        assert!(rendered.subject.contains("AS-1 Bcc:") && !rendered.subject.contains(['\r', '\n']));
    }

    #[test]
    fn what_may_be_missing_may_be_missing() {
        let templates = Templates::load(None).unwrap();
        for (template, locale) in Template::iter().flat_map(|t| [(t, Locale::De), (t, Locale::En)]) {
            let mut letter = sample(template, locale, "x", "x");
            (letter.name, letter.number, letter.link) = (None, None, None);
            match &mut letter.content {
                Content::Acknowledgement(c) => (c.next_steps, c.needed) = (Vec::new(), Vec::new()),
                Content::InfoRequest(c) => c.needed = Vec::new(),
                Content::ReturnInstruction(c) => (c.return_by, c.notes) = (None, Vec::new()),
                Content::Decision(c) => (c.reasons, c.basis_label) = (Vec::new(), None),
                Content::ResultNotice(c) => (c.shipping, c.refund, c.text) = (None, None, None),
                Content::RefundUpdate(c) => {
                    (c.reference, c.expected_from, c.expected_to, c.duty_until) = (None, None, None, None);
                }
                Content::DisputeNotice(c) => (c.text, c.takes_part) = (None, true),
                Content::ErasureAnswer(c) => {
                    (c.erased, c.anonymised, c.recipients) = (Vec::new(), Vec::new(), Vec::new());
                    (c.kept, c.waiting, c.traces) = (Vec::new(), Vec::new(), Vec::new());
                }
                Content::ErasureClosing(c) => {
                    (c.erased, c.anonymised, c.recipients) = (Vec::new(), Vec::new(), Vec::new());
                    (c.kept, c.traces) = (Vec::new(), Vec::new());
                }
                Content::RestrictionNotice(c) => c.lift_on = None,
                _ => {}
            }
            let rendered = templates.render(&letter, Policy::shipped()).unwrap();
            assert!(
                !rendered.text.contains("none") && !rendered.html.contains("none"),
                "{template:?}: {}",
                rendered.text
            );
            assert!(!rendered.text.contains("\n\n\n"), "{template:?} has a gap:\n{}", rendered.text);
        }
    }

    /// VSBG § 37, and the platform of Regulation 524/2013, which closed on 20 July 2025: nothing may send anybody there.
    #[test]
    fn nothing_links_to_the_closed_platform() {
        for (_, files) in [shipped(Locale::De), shipped(Locale::En)] {
            for (name, text) in files {
                let text = text.to_lowercase();
                assert!(!text.contains("ec.europa.eu/consumers/odr") && !text.contains("webgate"), "{name}");
            }
        }
    }

    #[test]
    fn an_own_file_wins_and_a_wrong_one_is_named() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("de")).unwrap();
        let path = folder.path().join("de/message.subject.txt");
        std::fs::write(&path, "Post von {{ shop.name }}").unwrap();
        let templates = Templates::load(Some(folder.path())).unwrap();
        let subject =
            |locale| templates.render(&sample(Template::Message, locale, "x", "x"), Policy::shipped()).unwrap().subject;
        assert_eq!(subject(Locale::De), "Post von Sofioma");
        assert_ne!(subject(Locale::En), "Post von Sofioma");
        std::fs::write(&path, "{{ letter.bdoy }}").unwrap();
        let error = Templates::load(Some(folder.path())).err().unwrap();
        assert!(format!("{error:#}").contains("MESSAGE (DE)"), "{error:#}");
        std::fs::write(&path, "{{ ").unwrap();
        let error = Templates::load(Some(folder.path())).err().unwrap();
        assert!(format!("{error:#}").contains("message.subject.txt"), "{error:#}");
    }
}
