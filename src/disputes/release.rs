//! What the job does for disputes: holds are released once limitation is over (F61), and looked at again until then.

use chrono::NaiveDate;
use entity::ids::{CaseId, CustomerId, DisputeId, HoldId};
use entity::tasks::Kind;
use serde::Serialize;
use serde_json::json;

use crate::auth::Actor;
use crate::cases::{self as case_room, tasks};
use crate::error::Result;
use crate::policy::calendar;
use crate::retention::{holds, protections};
use crate::state::App;
use crate::{audit, db};

/// What a look at the holds of disputes did.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Holds released because limitation is over.
    pub holds_released: u64,
    /// Disputes whose hold had its date of review, each with a task for staff.
    pub disputes_to_review: u64,
}

/// At most so many in a run; the next run goes on.
const BATCH: i64 = 500;

/// Releases the holds of closed disputes whose limitation is over, and files a task where the date of review of another
/// one has come. The next date is six months later, so that each date leaves one task. In the archive nobody would see it: there the
/// date stays, and the data-protection officer finds it among the holds to be reviewed.
///
/// # Errors
/// The database fails; what was done by then stays done, the next run goes on.
pub async fn release_due(app: &App, dry_run: bool) -> Result<Report> {
    Ok(Report { holds_released: release(app, dry_run).await?, disputes_to_review: review(app, dry_run).await? })
}

async fn release(app: &App, dry_run: bool) -> Result<u64> {
    let now = app.clock.now();
    let sql = "SELECT d.id, d.customer_id, d.hold_id FROM holds h JOIN disputes d ON d.hold_id = h.id \
               WHERE h.start_at IS NULL AND h.released_at IS NULL AND d.state = 'CLOSED' AND d.limitation_until <= $1 \
               ORDER BY d.id LIMIT $2";
    let rows = db::rows(app.db.read(), sql, [now.into(), BATCH.into()]).await?;
    let mut released = 0;
    for row in rows {
        let dispute = DisputeId(row.try_get_by_index(0)?);
        let customer = CustomerId(row.try_get_by_index(1)?);
        let hold = HoldId(row.try_get_by_index(2)?);
        if dry_run {
            released += 1;
            continue;
        }
        let tx = app.db.begin().await?;
        db::lock(&tx, "customers", customer.0).await?;
        let Some(ended) = holds::release_in(&tx, &Actor::System, hold, now).await? else { continue };
        let details = json!({ "hold": hold });
        audit::record(&tx, now, &Actor::System, "dispute.release", ("disputes", Some(dispute.0)), details).await?;
        protections::commit_changed(app, tx, Some(ended)).await?;
        released += 1;
    }
    Ok(released)
}

async fn review(app: &App, dry_run: bool) -> Result<u64> {
    let now = app.clock.now();
    let today = calendar::day_of(now);
    let sql = "SELECT d.case_id, h.id, h.review_on FROM holds h JOIN disputes d ON d.hold_id = h.id \
               JOIN cases c ON c.id = d.case_id AND c.archived_at IS NULL \
               WHERE h.start_at IS NULL AND h.released_at IS NULL AND h.review_on <= $1 ORDER BY d.id LIMIT $2";
    let rows = db::rows(app.db.read(), sql, [today.into(), BATCH.into()]).await?;
    let mut due = 0;
    for row in rows {
        let case = CaseId(row.try_get_by_index(0)?);
        let hold = HoldId(row.try_get_by_index(1)?);
        let on: NaiveDate = row.try_get_by_index(2)?;
        if dry_run {
            due += 1;
            continue;
        }
        let tx = app.db.begin().await?;
        case_room::lock(&tx, case).await?;
        let Some(put_off) = holds::put_off_in(&tx, hold, on, now).await? else { continue };
        tasks::file(&tx, case, None, Kind::ReviewDispute, now).await?;
        let details = json!({ "hold": hold, "reviewOn": on });
        audit::record(&tx, now, &Actor::System, "dispute.review", ("cases", Some(case.0)), details).await?;
        protections::commit_changed(app, tx, Some(put_off)).await?;
        due += 1;
    }
    Ok(due)
}
