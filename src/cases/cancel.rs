//! A case ends without a result: the customer calls it off, or it is the same as another one.

use entity::DataType;
use entity::cases::{Kind, Model, State};
use entity::ids::CaseId;
use entity::tasks::Kind as Task;
use entity::{refunds, remedies, returns};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, DatabaseTransaction, EntityTrait as _, QueryFilter as _,
};
use serde_json::json;

use super::machine::{self, Deed};
use super::{close, tasks, timers, withdrawn_at};
use crate::audit;
use crate::auth::{Actor, Permission};
use crate::error::{Code, Refusal, Result};
use crate::idempotency::{self, Outcome};
use crate::retention::starts;
use crate::state::App;

const CASE: &[&str] = &["input", "caseId"];

/// Calls a case off. A withdrawal is not called off: what was declared stays declared (BGB § 355). Goods that are here, or come
/// afterwards, go back: they are the customer's.
///
/// # Errors
/// Refused: an unknown or foreign case, one whose result was told, a withdrawal, one with a refund or goods under way.
pub async fn cancel(app: &App, actor: &Actor, id: CaseId, key: &str) -> Result<Model> {
    actor.require(Permission::Correspond)?;
    end(app, actor, id, None, key).await
}

/// Merges a case into another one of the same customer, which goes on.
///
/// # Errors
/// Refused: as [`cancel`]; a target that is unknown, over, the same, or somebody else's; for a withdrawal, one that is not an earlier
/// withdrawal from the same order.
pub async fn merge(app: &App, actor: &Actor, id: CaseId, into: CaseId, key: &str) -> Result<Model> {
    actor.require(Permission::Decide)?;
    end(app, actor, id, Some(into), key).await
}

async fn end(app: &App, actor: &Actor, id: CaseId, into: Option<CaseId>, key: &str) -> Result<Model> {
    let tx = app.db.begin().await?;
    let now = app.clock.now();
    let (operation, deed) = match into {
        None => ("serviceCaseCancel", Deed::Cancel),
        Some(_) => ("serviceCaseMerge", Deed::Merge),
    };
    let claim = match idempotency::claim(app, &tx, actor, operation, key, &(id, into)).await? {
        Outcome::Replay(_) => return super::get(&tx, actor, id).await,
        Outcome::First(claim) => claim,
    };
    // Two merges that meet lock in one order.
    for each in [Some(id), into].into_iter().flatten().collect::<std::collections::BTreeSet<_>>() {
        super::lock(&tx, each).await?;
    }
    let case = super::for_change(&tx, actor, id, CASE).await?;
    machine::require(&case, deed, CASE)?;
    if case.kind == Some(Kind::Withdrawal) && into.is_none() {
        return Err(Refusal::at(Code::TransitionNotAllowed, CASE).with("kind", "WITHDRAWAL").into());
    }
    if let Some(into) = into {
        let field = &["input", "intoCaseId"];
        let target = super::for_change(&tx, actor, into, field).await?;
        if target.id == id || target.customer_id != case.customer_id || target.state.is_over() {
            return Err(Refusal::at(Code::Invalid, field).with("expected", "another open case of the customer").into());
        }
        // The period of the refund runs from the statement (BGB § 357(1)): no merger may end it or move it back.
        if case.kind == Some(Kind::Withdrawal) {
            let stated = (withdrawn_at(&tx, &case).await?, withdrawn_at(&tx, &target).await?);
            let is_earlier = matches!(stated, (Some(of_this), Some(of_target)) if of_target <= of_this);
            if case.order_id.is_none() || target.order_id != case.order_id || !is_earlier {
                let expected = "the case of an earlier withdrawal from the same order";
                return Err(Refusal::at(Code::Invalid, field).with("expected", expected).into());
            }
        }
    }
    close::require_settled(&tx, id).await?;
    let stranded = goods_here(&tx, &case).await?;
    let mut row = machine::advance(&tx, actor, case, deed, CASE, now).await?;
    row.closed_at = Set(Some(now));
    row.merged_into = Set(into);
    let row = row.update(&tx).await?;
    timers::settle(&tx, id, None, false, now).await?;
    if let Some((target, stated)) = into.zip(withdrawn_at(&tx, &row).await?) {
        timers::owe(app, &tx, target, stated).await?;
    }
    if stranded && !tasks::is_open(&tx, id, Task::SendGoodsBack).await? {
        tasks::file(&tx, id, None, Task::SendGoodsBack, now).await?;
    }
    starts::case_closed(&tx, id, row.customer_id, row.order_id, DataType::R09b, now).await?;
    claim.done(&tx, now, &[id.0], Some(row.customer_id)).await?;
    let action = if into.is_some() { "case.merge" } else { "case.cancel" };
    audit::record(&tx, now, actor, action, ("cases", Some(id.0)), json!({ "into": into })).await?;
    tx.commit().await?;
    Ok(row)
}

/// Whether goods are here that still are the customer's: neither sent back, nor paid back, nor replaced.
async fn goods_here(tx: &DatabaseTransaction, case: &Model) -> Result<bool> {
    if case.state == State::SentBack {
        return Ok(false);
    }
    let here = [returns::State::Received, returns::State::Inspecting, returns::State::Inspected];
    let here =
        returns::Entity::find().filter(returns::Column::CaseId.eq(case.id)).filter(returns::Column::State.is_in(here));
    let paid = refunds::Entity::find()
        .filter(refunds::Column::CaseId.eq(case.id))
        .filter(refunds::Column::State.eq(refunds::State::Credited));
    let sent = remedies::Entity::find()
        .filter(remedies::Column::CaseId.eq(case.id))
        .filter(remedies::Column::State.ne(remedies::State::Cancelled));
    Ok(here.one(tx).await?.is_some() && paid.one(tx).await?.is_none() && sent.one(tx).await?.is_none())
}
