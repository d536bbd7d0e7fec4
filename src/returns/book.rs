//! A return that leads to a refund, a replacement or a write-off is a voucher of the books: R02b becomes R02a.

use chrono::{DateTime, Utc};
use entity::ids::{CaseId, UnitId};
use entity::returns::{ActiveModel, Column, Entity, Model};
use entity::{DataType, Purpose, Sealed, orders, return_lines};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, DatabaseTransaction, EntityTrait as _, QueryFilter as _,
};

use super::seal;
use crate::error::Result;
use crate::keys::{Place, Unit, UnitKey};
use crate::retention::starts;
use crate::state::App;
use crate::{keys, outbox};

/// Books the returns of a case: they are sealed anew under another unit, whose period begins now, and the old units go.
/// Called in the transaction of what books them; a second time it does nothing.
///
/// # Errors
/// A store fails, or a stored text does not open.
pub(crate) async fn book(app: &App, tx: &DatabaseTransaction, case: CaseId, now: DateTime<Utc>) -> Result<()> {
    let of_case = Entity::find().filter(Column::CaseId.eq(case)).filter(Column::DataType.eq(DataType::R02b));
    let mut old: Vec<UnitId> = Vec::new();
    for row in of_case.all(tx).await? {
        let ordered_at = orders::Entity::find_by_id(row.order_id).one(tx).await?.and_then(|order| order.ordered_at);
        let start = starts::booked(app, DataType::R02a, ordered_at, now);
        let unit = seal::unit(app, row.id, DataType::R02a, row.customer_id, now).await?;
        let lines = return_lines::Entity::find().filter(return_lines::Column::ReturnId.eq(row.id)).all(tx).await?;
        let units: Vec<UnitId> = lines.iter().filter_map(|l| l.unit_id).chain(row.unit_id).collect();
        let keys = app.keys.load(&units, Purpose::CaseHandling, now).await?;
        let moving =
            |from: Option<UnitId>| Moving { from: from.and_then(|u| keys.get(&u)).map(AsRef::as_ref), to: &unit };
        for line in lines {
            let finding = moving(line.unit_id).over(seal::finding(line.id), line.finding.as_ref())?;
            let mut change: return_lines::ActiveModel = line.into();
            change.finding = Set(finding);
            change.unit_id = Set(Some(unit.id));
            change.data_type = Set(DataType::R02a);
            change.start_at = Set(Some(start));
            change.update(tx).await?;
        }
        store(tx, row, moving, &unit, (now, start)).await?;
        old.extend(units);
    }
    old.sort_unstable();
    old.dedup();
    let unused = keys::without_rows(tx, &old, &[DataType::R02b]).await?;
    outbox::destroy_left_keys(tx, now, &unused).await
}

async fn store<'a>(
    tx: &DatabaseTransaction,
    row: Model,
    moving: impl Fn(Option<UnitId>) -> Moving<'a>,
    unit: &Unit,
    (now, start): (DateTime<Utc>, DateTime<Utc>),
) -> Result<()> {
    let (id, version) = (row.id, row.version);
    let moving = moving(row.unit_id);
    let moved = |column, sealed: Option<&Sealed>| moving.over(seal::place(column, id), sealed);
    let notes = moved("notes", row.notes.as_ref())?;
    let label = moved("label", row.label.as_ref())?;
    let proof = moved("dispatch_proof", row.dispatch_proof.as_ref())?;
    let finding = moved("finding", row.finding.as_ref())?;
    let mut change: ActiveModel = row.into();
    change.notes = Set(notes);
    change.label = Set(label);
    change.dispatch_proof = Set(proof);
    change.finding = Set(finding);
    change.unit_id = Set(Some(unit.id));
    change.data_type = Set(DataType::R02a);
    change.booked_at = Set(Some(now));
    change.start_at = Set(Some(start));
    change.version = Set(version + 1);
    change.update(tx).await?;
    Ok(())
}

/// From one key to another.
struct Moving<'a> {
    from: Option<&'a UnitKey>,
    to: &'a Unit,
}

impl Moving<'_> {
    fn over(&self, place: Place, sealed: Option<&Sealed>) -> Result<Option<Sealed>> {
        let Some(sealed) = sealed else { return Ok(None) };
        let text = self.from.and_then(|key| key.open(place, sealed));
        let text = text.ok_or_else(|| anyhow::anyhow!("{} {} does not open", place.table, place.row))?;
        Ok(Some(self.to.key.seal(place, text.as_str())?))
    }
}
