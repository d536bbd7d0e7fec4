//! Holds and restrictions that the ledger knows stand again as they stood, and end as they ended, before anything else is
//! replayed: what they cover is not taken by a check or by an erasure that goes on.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;

use chrono::{DateTime, Utc};
use entity::ids::{HoldId, RestrictionId};
use entity::{holds, restrictions};
use sea_orm::{ActiveModelTrait as _, ActiveValue::NotSet, DatabaseTransaction, EntityTrait as _};
use serde_json::json;
use uuid::Uuid;

use super::{NotPlaced, Report};
use crate::auth::Actor;
use crate::error::Result;
use crate::retention::holds::Scope;
use crate::retention::ledger::{Entry, Protection, Why};
use crate::retention::protections::{hold_row, of_hold, of_restriction, restriction_row};
use crate::state::App;
use crate::{audit, db};

/// Puts every hold and restriction back that changed since an instant.
pub(super) async fn put_back(app: &App, entries: &[Entry], since: DateTime<Utc>, report: &mut Report) -> Result<()> {
    let tx = app.db.begin().await?;
    for protection in latest(entries, since).values() {
        let known = known(&tx, protection).await?;
        let is_new = known.is_none();
        if known.is_some_and(|known| known == **protection || known.ended_at.is_some()) {
            continue;
        }
        if is_new && let Some(missing) = missing(&tx, protection).await? {
            // What has ended covers nothing any more.
            if protection.ended_at.is_none() {
                report.not_placed.push(missing);
            }
            continue;
        }
        write(app, &tx, protection, is_new).await?;
        let (placed, ended) = match protection.why {
            Why::Hold(_) => (&mut report.holds_placed_again, &mut report.holds_released_again),
            Why::Restriction(_) => (&mut report.restrictions_placed_again, &mut report.restrictions_lifted_again),
        };
        *placed += u64::from(is_new);
        *ended += u64::from(protection.ended_at.is_some());
    }
    Ok(tx.commit().await?)
}

/// The last word on each. An end is final, whatever was written beside it.
fn latest(entries: &[Entry], since: DateTime<Utc>) -> BTreeMap<Uuid, &Protection> {
    let mut latest: BTreeMap<Uuid, &Protection> = BTreeMap::new();
    for entry in entries {
        let Entry::Protection { at, protection } = entry else { continue };
        if *at < since {
            continue;
        }
        match latest.entry(protection.id) {
            Slot::Occupied(slot) if slot.get().ended_at.is_some() => {}
            Slot::Occupied(mut slot) => _ = slot.insert(protection),
            Slot::Vacant(slot) => _ = slot.insert(protection),
        }
    }
    latest
}

/// As the backup has it.
async fn known(tx: &DatabaseTransaction, protection: &Protection) -> Result<Option<Protection>> {
    match protection.why {
        Why::Hold(_) => {
            let row = holds::Entity::find_by_id(HoldId(protection.id)).one(tx).await?;
            row.as_ref().map(of_hold).transpose()
        }
        Why::Restriction(_) => {
            let row = restrictions::Entity::find_by_id(RestrictionId(protection.id)).one(tx).await?;
            row.as_ref().map(of_restriction).transpose()
        }
    }
}

/// What it covers, where that is not there.
async fn missing(tx: &DatabaseTransaction, protection: &Protection) -> Result<Option<NotPlaced>> {
    let (on_table, on_id) = match protection.on {
        Scope::Customer(id) => ("customers", id.0),
        Scope::Order(id) => ("orders", id.0),
        Scope::Case(id) => ("cases", id.0),
        Scope::Records(..) => return Ok(None),
    };
    let found = db::rows(tx, &format!("SELECT 1 FROM {on_table} WHERE id = $1"), [on_id.into()]).await?;
    let not_placed = NotPlaced { table: table(protection), id: protection.id, on_table, on_id };
    Ok(found.is_empty().then_some(not_placed))
}

const fn table(protection: &Protection) -> &'static str {
    match protection.why {
        Why::Hold(_) => "holds",
        Why::Restriction(_) => "restrictions",
    }
}

/// A row of the backup keeps its note and the key of it; a new one has none.
async fn write(app: &App, tx: &DatabaseTransaction, protection: &Protection, is_new: bool) -> Result<()> {
    let action = match protection.why {
        Why::Hold(reason) => {
            let row = hold_row(protection, reason);
            if is_new {
                row.insert(tx).await?;
            } else {
                holds::ActiveModel { note: NotSet, unit_id: NotSet, ..row }.update(tx).await?;
            }
            "hold.again"
        }
        Why::Restriction(ground) => {
            let row = restriction_row(protection, ground);
            if is_new {
                row.insert(tx).await?;
            } else {
                restrictions::ActiveModel { note: NotSet, unit_id: NotSet, ..row }.update(tx).await?;
            }
            "restriction.again"
        }
    };
    let details = json!({ "reviewOn": protection.review_on, "endedAt": protection.ended_at, "new": is_new });
    audit::record(tx, app.clock.now(), &Actor::System, action, (table(protection), Some(protection.id)), details).await
}

#[cfg(test)]
mod tests {
    use entity::ids::CaseId;
    use entity::restrictions::Ground;

    use super::*;

    #[test]
    fn the_last_word_counts_and_an_end_is_final() {
        let at = |hour: u32| format!("2026-11-29T{hour:02}:00:00Z").parse::<DateTime<Utc>>().unwrap();
        let case = Scope::Case(CaseId::new(at(1)));
        let word = |hour, id, review_on: &str, ended: bool| {
            let (why, review_on) = (Why::Restriction(Ground::NeededForClaims), review_on.parse().unwrap());
            let mut protection = Protection::placed(Uuid::from_u128(id), why, case, None, at(1), review_on);
            protection.ended_at = ended.then(|| at(hour));
            Entry::Protection { at: at(hour), protection }
        };
        let entries = [
            word(1, 1, "2026-12-01", false),
            word(2, 2, "2026-12-01", false),
            word(3, 2, "2026-12-02", false),
            word(4, 3, "2026-12-01", true),
            // Another instance reviewed it at the same moment.
            word(5, 3, "2026-12-02", false),
        ];
        let found = latest(&entries, at(2));
        let said = |id| found.get(&Uuid::from_u128(id)).map(|p| (p.review_on.to_string(), p.ended_at));
        assert_eq!(said(1), None, "before the instant");
        assert_eq!(said(2), Some(("2026-12-02".to_owned(), None)));
        assert_eq!(said(3), Some(("2026-12-01".to_owned(), Some(at(4)))));
    }
}
