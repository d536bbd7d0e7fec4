//! The first letters of a case, queued in the transaction of what they answer: that a request has arrived, and the
//! receipt of a withdrawal (BGB § 356a(4)).

use chrono::{DateTime, TimeDelta, Utc};
use entity::DataType;
use entity::cases::Model;
use entity::codes::Locale;
use entity::ids::MailId;
use sea_orm::DatabaseTransaction;

use super::{checklist, correspondence, timers, words};
use crate::error::{Language, Result};
use crate::keys::Unit;
use crate::mail::letter::{Acknowledgement, WithdrawalReceipt};
use crate::mail::words::date;
use crate::mail::{self, Content, Letter};
use crate::policy::calendar;
use crate::policy::rules::RuleId;
use crate::state::App;

/// To whom a letter goes.
#[derive(Clone, Debug)]
pub(crate) struct Addressee {
    /// E-mail address.
    pub email: String,
    /// Name for the salutation. None where a stranger entered it: nobody writes to others through the shop's letters.
    pub name: Option<String>,
    /// Language.
    pub locale: Locale,
}

/// The language of a locale.
#[must_use]
pub(crate) const fn language(locale: Locale) -> Language {
    match locale {
        Locale::De => Language::De,
        Locale::En => Language::En,
    }
}

pub(super) fn letter(case: &Model, to: &Addressee, data_type: DataType, content: Content) -> Letter {
    Letter {
        content,
        locale: to.locale,
        recipient: to.email.clone(),
        name: to.name.clone(),
        case: Some(case.id),
        customer: case.customer_id,
        data_type,
        number: case.number.clone(),
        link: None,
    }
}

/// Says that a request has arrived, until when it is reviewed, and what would help. `unit` is the case's own.
///
/// # Errors
/// The letter cannot be written or queued; nothing must be committed then.
pub(crate) async fn acknowledge(
    app: &App,
    tx: &DatabaseTransaction,
    case: &Model,
    unit: &Unit,
    to: &Addressee,
    now: DateTime<Utc>,
) -> Result<MailId> {
    let said = language(to.locale);
    let review = timers::of_case(tx, case.id).await?.into_iter().find(|t| t.rule == RuleId::Review.to_string());
    let until = review.map(|timer| {
        let day = date(to.locale, calendar::day_of(timer.ends_at - TimeDelta::microseconds(1)));
        format!("{} {day}.", words::REVIEWED_UNTIL.said(said))
    });
    let needed = checklist::missing(case, checklist::Known::default());
    let content = Content::Acknowledgement(Acknowledgement {
        kind_label: case.kind.map_or_else(String::new, |kind| words::kind(kind).said(said).to_owned()),
        received_at: case.opened_at.unwrap_or(now),
        next_steps: until.into_iter().chain([words::NEXT.said(said).to_owned()]).collect(),
        needed: needed.into_iter().map(|fact| fact.words().said(said).to_owned()).collect(),
    });
    let data_type = correspondence(case.kind, case.order_id.is_some());
    mail::queue(app, tx, unit, letter(case, to, data_type, content), now).await
}

/// The receipt of a statement of withdrawal, with its content and the date and time at which it arrived. `unit` seals R05.
///
/// # Errors
/// As [`acknowledge`].
pub(crate) async fn receipt(
    app: &App,
    tx: &DatabaseTransaction,
    case: &Model,
    unit: &Unit,
    to: &Addressee,
    (statement, received_at): (&str, DateTime<Utc>),
    now: DateTime<Utc>,
) -> Result<MailId> {
    // In the consumer's time zone by the template, and in UTC, which no change of clocks makes ambiguous.
    let statement = format!("{statement}\n\n{} {}", words::RECEIVED_UTC.said(language(to.locale)), utc(received_at));
    let content = Content::WithdrawalReceipt(WithdrawalReceipt { statement, received_at });
    mail::queue(app, tx, unit, letter(case, to, DataType::R05, content), now).await
}

fn utc(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}
