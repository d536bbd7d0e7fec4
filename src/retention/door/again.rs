//! What the ledger says has gone goes again, after a restore: by id alone, because the check was passed when it went.

use chrono::{DateTime, Utc};
use entity::DataType;
use entity::ids::{StaffId, UnitId, made_at};
use entity::map::Table;
use entity::retention_rules::Action;
use entity::staff;
use sea_orm::{ConnectionTrait as _, DatabaseTransaction, DbBackend, EntityTrait as _};
use serde_json::json;
use uuid::Uuid;

use super::{Asked, Proof, Still, clear_staff, pass, rows};
use crate::auth::Actor;
use crate::error::Result;
use crate::state::App;
use crate::{audit, db};

/// Rows of one table that went together, as the ledger has them.
#[derive(Clone, Debug)]
pub struct Gone {
    /// The intent that they went by.
    pub intent: Uuid,
    /// When they went.
    pub at: DateTime<Utc>,
    /// Which.
    pub rows: Asked,
    /// They may have gone before the backup saw the row: one that was filled anew since is new data.
    pub may_be_new: bool,
}

/// What went again.
#[derive(Clone, Debug, Default)]
pub struct Again {
    /// Ids and data types.
    pub rows: Vec<(Uuid, DataType)>,
    /// The erasure units that sealed them.
    pub units: Vec<UnitId>,
    /// How many of them a hold or a restriction covers: it was placed after they had gone.
    pub were_held: u64,
}

/// Takes what has gone before through the door again. Work and periods of the restored rows are of before they went, and what
/// protects them was placed after they had gone, so none of it is asked. Only a restore calls this, while nobody else is there.
///
/// # Errors
/// The database fails, or rows that the ledger does not know still point to one: then nothing of this has gone.
pub async fn again(app: &App, actor: &Actor, gone: &Gone) -> Result<Again> {
    let t = gone.rows.table;
    let tx = app.db.begin().await?;
    let mut done = Again::default();
    if t.name == "staff" {
        for id in &gone.rows.ids {
            let member = staff::Entity::find_by_id(StaffId(*id)).one(&tx).await?;
            if let Some(member) = member.filter(|m| m.left_at.is_none()) {
                done.units.extend(member.unit_id);
                clear_staff(&tx, member, gone.at).await?;
                done.rows.push((*id, DataType::R31));
            }
        }
    } else {
        let mut proofs = Vec::new();
        for row in rows::read_ids(&tx, t, &gone.rows.ids).await? {
            let is_new = gone.may_be_new && row.unit.and_then(|u| made_at(u.0)).is_some_and(|made| made > gone.at);
            if !row.bare && !is_new {
                let action = app.rules().get(&row.data_type).map_or(Action::Delete, |rule| rule.action);
                done.rows.push((row.id, row.data_type));
                done.units.extend(row.unit);
                done.were_held += u64::from(row.held || row.restricted);
                proofs.push(Proof { row, action });
            }
        }
        let triggers = if done.were_held > 0 { disarm(&tx, t).await? } else { Vec::new() };
        pass(&tx, t, &proofs, gone.at, Still::default(), false).await?;
        arm(&tx, &triggers).await?;
    }
    if !done.rows.is_empty() {
        let details = json!({ "ground": format!("RESTORE:{}", gone.intent), "rows": done.rows.len() });
        audit::record(&tx, app.clock.now(), actor, "retention.again", (t.name, None), details).await?;
    }
    tx.commit().await?;
    Ok(done)
}

/// Takes the triggers off a table until [`arm`], inside the transaction. A hold that was placed after something had gone
/// would refuse that it goes again.
async fn disarm(tx: &DatabaseTransaction, t: &Table) -> Result<Vec<String>> {
    if tx.get_database_backend() == DbBackend::Postgres {
        db::run(tx, &format!("ALTER TABLE {} DISABLE TRIGGER USER", t.name), []).await?;
        return Ok(vec![format!("ALTER TABLE {} ENABLE TRIGGER USER", t.name)]);
    }
    let sql = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = $1";
    let mut again = Vec::new();
    for row in db::rows(tx, sql, [t.name.into()]).await? {
        db::run(tx, &format!("DROP TRIGGER \"{}\"", row.try_get_by_index::<String>(0)?), []).await?;
        again.push(row.try_get_by_index(1)?);
    }
    Ok(again)
}

async fn arm(tx: &DatabaseTransaction, triggers: &[String]) -> Result<()> {
    for sql in triggers {
        tx.execute_unprepared(sql).await?;
    }
    Ok(())
}
