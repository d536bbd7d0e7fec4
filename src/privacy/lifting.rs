//! Lifting a restriction of processing: the person is told before (GDPR Art. 18(3)). A mail counts as told when a mail server
//! has taken it, whoever calls it told; a letter and a call count when staff says so.

use chrono::{DateTime, Datelike as _, NaiveDate, Utc};
use entity::codes::Locale;
use entity::ids::{MailId, RestrictionId};
use entity::mails::{self, State};
use entity::restrictions::{ActiveModel, Ground, Model, Told};
use entity::{DataType, cases, customers};
use sea_orm::{ActiveModelTrait as _, ActiveValue::Set, ConnectionTrait, DatabaseTransaction, EntityTrait as _};
use serde_json::json;

use crate::auth::{Actor, Permission};
use crate::error::{Code, Error, Refusal, Result};
use crate::idempotency::{self, Outcome};
use crate::keys::UnitOf;
use crate::mail::letter::{Content, Letter, RestrictionNotice};
use crate::policy::calendar;
use crate::policy::words::{Words, words};
use crate::privacy::erasure::letter;
use crate::retention::holds;
use crate::retention::restrictions::{self, Scope};
use crate::state::App;
use crate::{db, mail};

/// Tells the person that the restriction will be lifted, from a day on where one is named: by e-mail it is written and
/// queued here; a letter or a call has been made, and is recorded. The last telling counts: a mail that still waits does not
/// follow a letter or a call.
///
/// # Errors
/// Refused: unknown or lifted; a day in the past or more than six months ahead; by e-mail, a person without a known address,
/// or one whose last mail still waits to be sent; otherwise, a mail that is being sent at this moment.
pub async fn tell(
    app: &App,
    actor: &Actor,
    id: RestrictionId,
    told_by: Told,
    lift_on: Option<NaiveDate>,
    key: &str,
) -> Result<Model> {
    actor.require(Permission::ProtectData)?;
    let (tx, now) = (app.db.begin().await?, app.clock.now());
    let claim = match idempotency::claim(app, &tx, actor, "restrictionTell", key, &(id, told_by, lift_on)).await? {
        Outcome::Replay(_) => return restrictions::by_id(&tx, id).await,
        Outcome::First(claim) => claim,
    };
    let row = restrictions::standing(&tx, id).await?;
    if let Some(day) = lift_on {
        holds::check_day(day, "liftOn", now)?;
    }
    let (told_at, mail_id) = match told_by {
        Told::Email => (None, Some(write(app, &tx, &row, lift_on, now).await?)),
        Told::Letter | Told::Phone => {
            // What still waits would come after the lifting, or name another day.
            if let Some(waiting) = mail_of(&tx, &row).await?.filter(|m| m.state == State::Queued)
                && !mail::withdraw(&tx, &waiting, now).await?
            {
                let refusal = Refusal::at(Code::TransitionNotAllowed, &["input", "toldBy"]);
                return Err(refusal.with("mail", waiting.state.code()).into());
            }
            (Some(now), row.mail_id)
        }
    };
    let mut row: ActiveModel = row.into();
    (row.told_at, row.told_by) = (Set(told_at), Set(Some(told_by)));
    (row.mail_id, row.lift_on) = (Set(mail_id), Set(lift_on));
    let row = row.update(&tx).await?;
    let details = json!({ "by": told_by.code(), "liftOn": lift_on, "mail": mail_id });
    restrictions::note(&tx, actor, claim, now, "restriction.tell", &row, details).await?;
    restrictions::changed(app, tx, row).await
}

/// Lifts a restriction: what it covered is seen and worked on again, an erasure that waited for it goes on with the job's next
/// turn, and what became due meanwhile goes with the next nightly run.
///
/// # Errors
/// Refused: unknown, lifted already; the person has not been told, or not yet (`mail` says where that stands); before the
/// day of which the person was told.
pub async fn lift(app: &App, actor: &Actor, id: RestrictionId, key: &str) -> Result<Model> {
    actor.require(Permission::ProtectData)?;
    let (tx, now) = (app.db.begin().await?, app.clock.now());
    let claim = match idempotency::claim(app, &tx, actor, "restrictionLift", key, &id).await? {
        Outcome::Replay(_) => return restrictions::by_id(&tx, id).await,
        Outcome::First(claim) => claim,
    };
    let row = restrictions::standing(&tx, id).await?;
    let mail = mail_of(&tx, &row).await?;
    let Some(told_at) = told_at(&row, mail.as_ref()) else {
        let mut refusal = Refusal::at(Code::PersonNotTold, &["input", "id"]).with("norm", "GDPR Art. 18(3)");
        if let Some(mail) = mail {
            refusal = refusal.with("mail", mail.state.code());
        }
        return Err(refusal.into());
    };
    if let Some(day) = row.lift_on.filter(|day| calendar::day_of(now) < *day) {
        return Err(Refusal::at(Code::TransitionNotAllowed, &["input", "id"]).with("liftOn", day).into());
    }
    let mut row: ActiveModel = row.into();
    (row.told_at, row.lifted_at) = (Set(Some(told_at)), Set(Some(now)));
    (row.lifted_by, row.start_at) = (Set(actor.staff()), Set(Some(now)));
    let row = row.update(&tx).await?;
    restrictions::note(&tx, actor, claim, now, "restriction.lift", &row, json!({})).await?;
    restrictions::changed(app, tx, row).await
}

/// When the person was told that the restriction will be lifted, as far as it is known; `mail` is the one that told it.
#[must_use]
pub fn told_at(row: &Model, mail: Option<&mails::Model>) -> Option<DateTime<Utc>> {
    row.told_at.or_else(|| mail.filter(|m| m.state == State::Sent).and_then(|m| m.sent_at))
}

async fn mail_of(db: &impl ConnectionTrait, row: &Model) -> Result<Option<mails::Model>> {
    let Some(id) = row.mail_id else { return Ok(None) };
    Ok(mails::Entity::find_by_id(id).one(db).await?)
}

/// Writes the mail and queues it, as part of the files about the person's requests (R14). It hangs on the person, not on the
/// case: the officer's letters are not shown with the case.
async fn write(
    app: &App,
    tx: &DatabaseTransaction,
    row: &Model,
    lift_on: Option<NaiveDate>,
    now: DateTime<Utc>,
) -> Result<MailId> {
    if let Some(waiting) = mail_of(tx, row).await?.filter(|m| m.state == State::Queued) {
        let refusal = Refusal::at(Code::TransitionNotAllowed, &["input", "toldBy"]);
        return Err(refusal.with("mail", waiting.state.code()).into());
    }
    let scope = row.case_id.map(Scope::Case).or(row.customer_id.map(Scope::Customer)).ok_or(Error::NotFound)?;
    let customer = restrictions::customer_of(tx, scope).await?;
    // Under the lock, so that neither the contact record nor the key goes between here and the commit.
    db::lock(tx, "customers", customer.0).await?;
    let person = customers::Entity::find_by_id(customer).one(tx).await?.ok_or(Error::NotFound)?;
    let (recipient, name) = mail::recipient_of(app, &person).await?.ok_or_else(|| {
        Refusal::at(Code::Invalid, &["input", "toldBy"]).with("expected", "a contact record with an e-mail address")
    })?;
    let number = match row.case_id {
        Some(case) => cases::Entity::find_by_id(case).one(tx).await?.and_then(|case| case.number),
        None => None,
    };
    let year = calendar::day_of(now).year();
    let unit = UnitOf { owner: customer.0, data_type: DataType::R14, year, subject: Some(customer.0) };
    let unit = app.keys.ensure(unit, now).await?;
    let locale = person.locale.unwrap_or(Locale::De);
    let content = RestrictionNotice {
        since: calendar::day_of(row.placed_at),
        ground: ground(row.ground).said(letter::language_of(locale)).to_owned(),
        lift_on,
    };
    let letter = Letter {
        content: Content::RestrictionNotice(content),
        locale,
        recipient,
        name,
        case: None,
        customer,
        data_type: DataType::R14,
        number,
        link: None,
    };
    mail::queue(app, tx, &unit, letter, now).await
}

/// Why it was placed, as a clause to the person.
const fn ground(ground: Ground) -> Words {
    match ground {
        Ground::AccuracyContested => words(
            "Sie haben bestritten, dass die Daten richtig sind (Art. 18 Abs. 1 Buchst. a DSGVO)",
            "you contested that the data is right (GDPR Art. 18(1)(a))",
        ),
        Ground::UnlawfulProcessing => words(
            "die Verarbeitung war nicht rechtmäßig, und Sie wollten, dass die Daten eingeschränkt und nicht gelöscht \
             werden (Art. 18 Abs. 1 Buchst. b DSGVO)",
            "the processing was unlawful, and you wanted the data restricted, not erased (GDPR Art. 18(1)(b))",
        ),
        Ground::NeededForClaims => words(
            "wir brauchten die Daten nicht mehr, Sie aber brauchten sie für Rechtsansprüche (Art. 18 Abs. 1 Buchst. c \
             DSGVO)",
            "we needed the data no longer, but you needed it for legal claims (GDPR Art. 18(1)(c))",
        ),
        Ground::ObjectionPending => words(
            "Sie haben widersprochen, und es war zu prüfen, wessen Gründe überwiegen (Art. 18 Abs. 1 Buchst. d, Art. 21 \
             Abs. 1 DSGVO)",
            "you objected, and it was to be weighed whose grounds prevail (GDPR Art. 18(1)(d), 21(1))",
        ),
    }
}
