//! What is kept for a duty or a claim alone, for those who may see it, with a reason: a case, an order or a person, as far as
//! the data serves the purpose that is named. Each look is logged (R12).

use entity::ids::{CaseId, CustomerId, OrderId, uuid_at};
use entity::map::tables;
use entity::{Purpose, cases, orders};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use uuid::Uuid;

use super::export::{self, Record};
use crate::auth::{Actor, Permission};
use crate::error::{Code, Error, Refusal, Result};
use crate::keys::lookup::Kind;
use crate::retention::{paths, read};
use crate::state::App;
use crate::{db, input};

/// Whose records.
#[derive(Clone, Debug)]
pub enum Of {
    /// The case of a number.
    Case(String),
    /// The order of a number.
    Order(String),
    /// The refund with this id, and everything of its case.
    Refund(entity::ids::RefundId),
    /// The person with this e-mail address.
    Person(String),
}

/// A record with the table that it lies in.
#[derive(Debug)]
pub struct Extracted {
    /// Table.
    pub table: &'static str,
    /// The record.
    pub record: Record,
}

/// The purposes that may be named.
pub const PURPOSES: [Purpose; 3] = [Purpose::Bookkeeping, Purpose::LegalClaim, Purpose::DataProtection];

/// Opens the archive: of what is asked for, what is out of normal reads.
///
/// # Errors
/// `FORBIDDEN`; refused: nothing known by this number or address, or a purpose that opens no archive or is not the actor's.
/// The look cannot be logged, and then nothing is shown.
pub async fn extract(app: &App, actor: &Actor, of: Of, purpose: Purpose) -> Result<Vec<Extracted>> {
    actor.require(Permission::ReadArchive)?;
    let others = purpose == Purpose::DataProtection && !actor.may(Permission::ProtectData);
    if others || !PURPOSES.contains(&purpose) {
        let refusal = Refusal::at(Code::PurposeNotAllowed, &["purpose"]);
        return Err(refusal.with("purpose", purpose.code()).into());
    }
    let (owner, id, customer, case) = find(app, of).await?;
    log(app, actor, (customer, case), purpose).await?;
    let mut found = Vec::new();
    for t in tables().iter().filter(|t| t.is_personal()) {
        let Some(of_owner) = paths::on_owner(t, owner, 1) else { continue };
        // What is in service is read where it is worked on.
        let mut condition = format!("{of_owner} AND {}", paths::is_out_of_service(t));
        if purpose == Purpose::Bookkeeping {
            // What is restricted serves claims, and the person's own rights (GDPR Art. 18(2)).
            condition.push_str(&format!(" AND NOT {}", paths::is_restricted(t)));
        }
        for row in read::records(app, t, purpose, &condition, vec![id.into()]).await? {
            let bare = row.value("erased_at").is_some_and(|at| !at.is_null());
            found.extend(
                export::record(app, t, &row).filter(|_| !bare).map(|record| Extracted { table: t.name, record }),
            );
        }
    }
    Ok(found)
}

async fn find(app: &App, of: Of) -> Result<(&'static str, Uuid, CustomerId, Option<CaseId>)> {
    let unknown = || Error::from(Refusal::at(Code::NotFound, &["of"]));
    let db = app.db.read();
    let case = match of {
        Of::Person(email) => {
            let email = input::email(&email, &["of", "email"])?;
            let id = app.keys.look_up(Kind::Email, &email).await?.ok_or_else(unknown)?;
            return Ok(("customers", id, CustomerId(id), None));
        }
        Of::Order(number) => {
            let id = app.keys.look_up(Kind::OrderNumber, number.trim()).await?.ok_or_else(unknown)?;
            let order = orders::Entity::find_by_id(OrderId(id)).one(db).await?.ok_or_else(unknown)?;
            return Ok(("orders", id, order.customer_id, None));
        }
        Of::Refund(id) => {
            let refund = entity::refunds::Entity::find_by_id(id).one(db).await?.ok_or_else(unknown)?;
            cases::Entity::find_by_id(refund.case_id).one(db).await?
        }
        Of::Case(number) => {
            let number = number.trim().to_uppercase();
            cases::Entity::find().filter(cases::Column::Number.eq(number)).one(db).await?
        }
    };
    let case = case.ok_or_else(unknown)?;
    Ok(("cases", case.id.0, case.customer_id, Some(case.id)))
}

async fn log(app: &App, actor: &Actor, whose: (CustomerId, Option<CaseId>), purpose: Purpose) -> Result<()> {
    let (now, (customer, case)) = (app.clock.now(), whose);
    let sql = "INSERT INTO access_entries (id, at, actor_kind, actor_id, case_id, customer_id, attachment_id, purpose) \
               VALUES ($1, $2, $3, $4, $5, $6, NULL, $7) \
               ON CONFLICT (case_id, actor_id, at, purpose) WHERE attachment_id IS NULL DO NOTHING";
    let values = [
        uuid_at(now).into(),
        now.into(),
        actor.kind().code().into(),
        actor.id().into(),
        case.map(|c| c.0).into(),
        customer.0.into(),
        purpose.code().into(),
    ];
    db::run(app.db.write(), sql, values).await?;
    Ok(())
}
