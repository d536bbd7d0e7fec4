//! An entry is made, from a case or without one.

use chrono::NaiveDate;
use entity::DataType;
use entity::ids::{CaseId, SafetyEntryId};
use entity::safety_entries::{ActiveModel, Harm, Model};
use sea_orm::{ActiveModelTrait as _, ActiveValue::Set};
use serde::Serialize;
use serde_json::json;

use super::place;
use crate::auth::{Actor, Permission};
use crate::error::{Code, Error, Refusal, Result};
use crate::idempotency::{self, Outcome};
use crate::keys::UnitOf;
use crate::policy::calendar;
use crate::state::App;
use crate::{audit, cases as case_room, db, input};

/// An entry to be made.
#[derive(Clone, Debug, Serialize)]
pub struct NewEntry {
    /// The case that it is taken from.
    pub case_id: Option<CaseId>,
    /// Article number.
    pub sku: String,
    /// Product group.
    pub product_group: String,
    /// What happened to people.
    pub harm: Harm,
    /// The day on which it happened.
    pub happened_on: Option<NaiveDate>,
    /// What happened, in words.
    pub account: String,
    /// How to reach who complained, as far as that is needed.
    pub contact: Option<String>,
}

/// Makes an entry. It holds no more of the person than it is given: of a case, only which one it is.
///
/// # Errors
/// Refused: an unknown case, no account or article, a day in the future.
pub async fn record(app: &App, actor: &Actor, new: NewEntry, key: &str) -> Result<Model> {
    actor.require(Permission::KeepSafety)?;
    let now = app.clock.now();
    let sku = input::identifier(&new.sku, &["input", "sku"], 100)?;
    let product_group = input::code(&new.product_group, &["input", "productGroup"])?;
    let account = input::text(&new.account, &["input", "account"], input::LONG_TEXT)?;
    let contact = input::optional(new.contact.as_deref(), &["input", "contact"], input::SHORT_TEXT)?;
    let today = calendar::day_of(now);
    if let Some(day) = new.happened_on.filter(|day| *day > today) {
        let refusal = Refusal::at(Code::Invalid, &["input", "happenedOn"]).with("latest", today);
        return Err(refusal.with("actual", day).into());
    }
    let case = match new.case_id {
        Some(id) => Some(case_room::seen(app, actor, id).await?),
        None => None,
    };
    let customer = case.as_ref().map(|case| case.customer_id);

    let tx = app.db.begin().await?;
    let claim = match idempotency::claim(app, &tx, actor, "safetyEntryRecord", key, &new).await? {
        Outcome::Replay(ids) => {
            return super::get(&tx, actor, SafetyEntryId(*ids.first().ok_or(Error::NotFound)?)).await;
        }
        Outcome::First(claim) => claim,
    };
    if let Some(customer) = customer {
        // As a hold does, so that no erasure passes between the key and the commit.
        db::lock(&tx, "customers", customer.0).await?;
    }
    if let Some(case) = &case {
        case_room::for_change(&tx, actor, case.id, &["input", "caseId"]).await?;
    }
    let id = SafetyEntryId::new(now);
    let unit = UnitOf { owner: id.0, data_type: DataType::R20, year: 0, subject: customer.map(|c| c.0) };
    let unit = app.keys.ensure(unit, now).await?;
    let row = ActiveModel {
        id: Set(id),
        case_id: Set(new.case_id),
        customer_id: Set(customer),
        unit_id: Set(Some(unit.id)),
        sku: Set(sku),
        product_group: Set(product_group),
        harm: Set(new.harm),
        happened_on: Set(new.happened_on),
        account: Set(Some(unit.key.seal(place("account", id), &account)?)),
        contact: Set(contact.map(|text| unit.key.seal(place("contact", id), &text)).transpose()?),
        measures: Set(None),
        reported_at: Set(None),
        entered_at: Set(now),
        entered_by: Set(actor.staff()),
        version: Set(1),
    };
    let row = row.insert(&tx).await?;
    claim.done(&tx, now, &[id.0], customer).await?;
    let details = json!({ "case": new.case_id, "harm": new.harm.code() });
    audit::record(&tx, now, actor, "safety.record", ("safety_entries", Some(id.0)), details).await?;
    tx.commit().await?;
    Ok(row)
}
