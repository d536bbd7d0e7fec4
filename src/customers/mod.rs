//! Customers: the contact record, and the short tokens that the shop's backend mints for them.

pub mod access;

use chrono::{DateTime, Utc};
use entity::access_entries;
use entity::codes::Locale;
use entity::customers::{ActiveModel, Column, Entity, Model};
use entity::ids::{CustomerId, EntryId, OrderId, uuid_at};
use entity::{DataType, Purpose, orders};
use sea_orm::{
    ActiveModelTrait as _,
    ActiveValue::{NotSet, Set},
    ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait as _, QueryFilter as _,
    QuerySelect as _, Select,
};
use serde::Serialize;
use uuid::Uuid;

use crate::auth::{Actor, Guest, Permission};
use crate::error::{Code, Error, Refusal, Result};
use crate::keys::lookup::{Entry, Kind as Lookup};
use crate::keys::{Place, Unit, UnitOf};
use crate::retention::restrictions;
use crate::state::App;
use crate::{db, input};

/// Contact data as the shop registers it.
#[derive(Clone, Debug, Serialize)]
pub struct Contact {
    /// E-mail: what recognises the person.
    pub email: String,
    /// Name.
    pub name: String,
    /// Telephone.
    pub phone: Option<String>,
    /// Postal address, a line per line.
    pub address: Option<String>,
    /// Language of messages.
    pub locale: Locale,
}

impl Contact {
    /// Checks every field.
    ///
    /// # Errors
    /// The first field that is missing or not of the expected form.
    pub fn checked(self) -> Result<Self> {
        Ok(Self {
            email: input::email(&self.email, &["input", "customer", "email"])?,
            name: input::text(&self.name, &["input", "customer", "name"], input::SHORT_TEXT)?,
            phone: input::optional(self.phone.as_deref(), &["input", "customer", "phone"], 40)?,
            address: input::optional(self.address.as_deref(), &["input", "customer", "address"], input::SHORT_TEXT)?,
            locale: self.locale,
        })
    }
}

/// The customers whom an actor may see: a customer the own record, the data-protection officer all of them, staff with
/// cases those who are neither archived nor restricted (GDPR Art. 18).
#[must_use]
pub fn visible_to(actor: &Actor) -> Select<Entity> {
    let all = Entity::find().filter(Column::ErasedAt.is_null());
    match actor {
        Actor::Customer(id) | Actor::Guest(Guest { customer: id, .. }) => all.filter(Column::Id.eq(*id)),
        _ if actor.may(Permission::ProtectData) => all,
        Actor::Staff(..) if actor.may(Permission::ReadCases) => {
            all.filter(Column::ArchivedAt.is_null()).filter(restrictions::none_on_person("customers.id"))
        }
        _ => all.filter(sea_orm::sea_query::Expr::cust("1 = 0")),
    }
}

/// One customer.
///
/// # Errors
/// `NOT_FOUND` for an unknown or invisible id.
pub async fn get(app: &App, actor: &Actor, id: CustomerId) -> Result<Model> {
    visible_to(actor).filter(Column::Id.eq(id)).one(app.db.read()).await?.ok_or(Error::NotFound)
}

/// A page of customers after an id, in order of registration, one more than asked for.
///
/// # Errors
/// The database cannot be read.
pub async fn page(app: &App, actor: &Actor, after: Option<CustomerId>, most: u64) -> Result<Vec<Model>> {
    use sea_orm::QueryOrder as _;
    let mut rows = visible_to(actor).order_by_asc(Column::Id).limit(most + 1);
    if let Some(after) = after {
        rows = rows.filter(Column::Id.gt(after));
    }
    Ok(rows.all(app.db.read()).await?)
}

/// The id that a text leads to; `fresh` from now on if it led nowhere.
pub(crate) async fn allot(app: &App, kind: Lookup, text: &str, fresh: Uuid, whose: Option<CustomerId>) -> Result<Uuid> {
    if let Some(id) = app.keys.look_up(kind, text).await? {
        return Ok(id);
    }
    let entry = Entry { kind, text, target: fresh, subject: whose.map_or(fresh, |c| c.0) };
    if app.keys.remember(entry).await? {
        return Ok(fresh);
    }
    app.keys.look_up(kind, text).await?.ok_or_else(|| anyhow::anyhow!("a look-up vanished while in use").into())
}

/// Locks a person whom nobody may have met yet: a row that is not there cannot be locked, and two who meet them at once would both
/// write it.
///
/// # Errors
/// The database fails.
pub(crate) async fn lock(tx: &DatabaseTransaction, id: CustomerId) -> Result<()> {
    if tx.get_database_backend() == DbBackend::Postgres {
        db::rows(tx, "SELECT pg_advisory_xact_lock(hashtextextended($1::uuid::text, 7174))", [id.0.into()]).await?;
    }
    Ok(db::lock(tx, "customers", id.0).await?)
}

/// Meets a person by e-mail address, under the person's lock: the one who is known, or a new contact record. What is
/// known of somebody is neither changed nor shown by what a stranger enters.
///
/// # Errors
/// A database fails.
pub(crate) async fn meet(
    app: &App,
    tx: &DatabaseTransaction,
    contact: &Contact,
    now: DateTime<Utc>,
) -> Result<CustomerId> {
    let id = CustomerId(allot(app, Lookup::Email, &contact.email, uuid_at(now), None).await?);
    lock(tx, id).await?;
    let unit = UnitOf { owner: id.0, data_type: DataType::R21, year: 0, subject: Some(id.0) };
    let unit = app.keys.ensure(unit, now).await?;
    if allot(app, Lookup::Email, &contact.email, id.0, None).await? != id.0 {
        return Err(anyhow::anyhow!("the person was erased at this moment and met anew elsewhere").into());
    }
    let known = Entity::find_by_id(id).one(tx).await?.filter(|row| row.erased_at.is_none());
    if known.is_none() {
        upsert(tx, id, &unit, contact, now).await?;
    }
    Ok(id)
}

/// The order that a text names, if it is this person's: the text itself, or a word in it.
///
/// # Errors
/// A database cannot be read.
pub(crate) async fn order_named(
    app: &App,
    db: &impl ConnectionTrait,
    text: &str,
    customer: CustomerId,
) -> Result<Option<orders::Model>> {
    const MOST_WORDS: usize = 20;
    let trimmed = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_owned();
    let words = text.split([' ', '\n', '\t', ',', ';']).map(trimmed).filter(|word| !word.is_empty()).take(MOST_WORDS);
    for word in std::iter::once(text.trim().to_owned()).chain(words) {
        let Some(id) = app.keys.look_up(Lookup::OrderNumber, &word).await? else { continue };
        let order = orders::Entity::find_by_id(OrderId(id)).one(db).await?;
        if let Some(order) = order.filter(|o| o.customer_id == customer && o.erased_at.is_none()) {
            return Ok(Some(order));
        }
    }
    Ok(None)
}

/// Writes the contact record: a new one, a changed one, or one that had become a bare id and is a customer again.
pub(crate) async fn upsert(
    tx: &DatabaseTransaction,
    id: CustomerId,
    unit: &Unit,
    contact: &Contact,
    now: DateTime<Utc>,
) -> Result<Model> {
    let seal = |column, text: Option<&str>| -> Result<_> {
        let place = Place { table: "customers", column, row: id.0 };
        Ok(text.map(|t| unit.key.seal(place, t)).transpose()?)
    };
    let mut row = ActiveModel {
        id: Set(id),
        unit_id: Set(Some(unit.id)),
        name: Set(seal("name", Some(&contact.name))?),
        email: Set(seal("email", Some(&contact.email))?),
        phone: Set(seal("phone", contact.phone.as_deref())?),
        address: Set(seal("address", contact.address.as_deref())?),
        locale: Set(Some(contact.locale)),
        archived_at: Set(None),
        erased_at: Set(None),
        ..Default::default()
    };
    let before = Entity::find_by_id(id).one(tx).await?;
    row.version = Set(before.as_ref().map_or(1, |b| b.version + 1));
    match before {
        None => {
            row.created_at = Set(Some(now));
            row.start_at = Set(None);
            row.not_before = Set(None);
            Ok(row.insert(tx).await?)
        }
        Some(before) => {
            row.created_at = Set(Some(before.created_at.unwrap_or(now)));
            // What an order does not mention is not taken back, least of all from under a hold.
            if contact.phone.is_none() && before.unit_id == Some(unit.id) {
                row.phone = NotSet;
            }
            if contact.address.is_none() && before.unit_id == Some(unit.id) {
                row.address = NotSet;
            }
            Ok(row.update(tx).await?)
        }
    }
}

/// Logs that staff has seen full contact data outside an opened case, with the purpose that was named.
///
/// # Errors
/// Refused with `PURPOSE_NOT_ALLOWED`. The log cannot be written, and then nothing is shown.
pub async fn log_reveal(app: &App, actor: &Actor, id: CustomerId, purpose: Purpose) -> Result<()> {
    // Nobody speaks for the person or for the data-protection officer.
    let of_others = matches!(purpose, Purpose::SelfService | Purpose::DataProtection) && purpose != actor.purpose();
    if of_others || !DataType::R21.serves(purpose) {
        let refusal = Refusal::at(Code::PurposeNotAllowed, &["purpose"]);
        return Err(refusal.with("dataType", DataType::R21.code()).with("purpose", purpose.code()).into());
    }
    let now = app.clock.now();
    let row = access_entries::ActiveModel {
        id: Set(EntryId::new(now)),
        at: Set(now),
        actor_kind: Set(actor.kind()),
        actor_id: Set(actor.id()),
        case_id: Set(None),
        customer_id: Set(Some(id)),
        attachment_id: Set(None),
        purpose: Set(purpose),
    };
    row.insert(app.db.write()).await?;
    Ok(())
}
