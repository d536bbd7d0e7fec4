//! What a refund is reckoned from: the order, what went back before, what came back, and the two ceilings (F33, F34).

use std::collections::BTreeMap;

use entity::cases::{self, Kind as CaseKind, LegalBasis, State as CaseState};
use entity::ids::RefundId;
use entity::refunds::{Column, Entity, Model, State};
use entity::{order_lines, orders, return_lines, returns};
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _};
use uuid::Uuid;

use super::stored;
use crate::db;
use crate::error::Result;
use crate::policy::refund::{Fault, Line, OutboundShipping, Request, calculate};
use crate::returns::remedy::remedied;

/// The facts behind every refund of a case.
#[derive(Clone, Debug)]
pub struct Ground {
    /// A request that asks for nothing yet.
    pub request: Request,
    /// Whether the customer was instructed about withdrawal.
    pub instructed: bool,
    /// What was granted on the case as a plain amount, in minor units: it counts against what came back, too.
    agreed_minor: i64,
}

/// The other refunds of an order that have not failed.
///
/// # Errors
/// The database cannot be read.
pub(super) async fn others(
    db: &impl ConnectionTrait,
    order: &orders::Model,
    except: Option<RefundId>,
) -> Result<Vec<Model>> {
    let of_order = Entity::find().filter(Column::OrderId.eq(order.id)).filter(Column::State.ne(State::Failed));
    Ok(of_order.all(db).await?.into_iter().filter(|r| Some(r.id) != except).collect())
}

/// What can still be refunded of the payment, in minor units: captured, less what was charged back and what other refunds
/// have promised. Below zero after a chargeback that came too late.
#[must_use]
pub(super) fn left(order: &orders::Model, others: &[Model]) -> i64 {
    let promised: i64 = others.iter().map(|r| r.amount_minor).sum();
    order.captured_minor.unwrap_or(0) - order.charged_back_minor.unwrap_or(0) - promised
}

/// What came back of a case, per order line: pieces, and whether it is awaited at all.
struct Back {
    units: BTreeMap<Uuid, i32>,
    bound: bool,
}

async fn back(db: &impl ConnectionTrait, case: &cases::Model) -> Result<Back> {
    let of_case = returns::Entity::find().filter(returns::Column::CaseId.eq(case.id)).all(db).await?;
    let ids = of_case.iter().map(|r| r.id.0);
    let lines = return_lines::Entity::find().filter(db::any(db.get_database_backend(), "return_id", ids));
    let withdrawal = case.kind == Some(CaseKind::Withdrawal);
    let mut units: BTreeMap<Uuid, i32> = BTreeMap::new();
    for line in lines.all(db).await? {
        // A withdrawal never waits for the inspection: what came counts, in whatever state it is (BGB § 357(4)).
        let counted = if withdrawal { line.received } else { line.accepted };
        if let Some(n) = counted {
            *units.entry(line.order_line_id.0).or_default() += n.max(0);
        }
    }
    if !withdrawal {
        // A piece that was repaired or replaced is not paid back as well.
        for (line, remedied) in remedied(db, case.id).await? {
            if let Some(units) = units.get_mut(&line.0) {
                *units -= remedied;
            }
        }
    }
    let agreed = matches!(case.state, CaseState::ResolvedWithoutReturn | CaseState::ReExamination | CaseState::Settled);
    let awaited = if withdrawal {
        // Proof of dispatch ends the right to withhold, and nobody has to make use of it before the goods are here.
        of_case.iter().any(|r| r.received_at.is_some()) && of_case.iter().all(|r| r.dispatched_at.is_none())
    } else {
        !of_case.is_empty()
    };
    Ok(Back { units, bound: awaited && !agreed })
}

/// Reads the facts. The caller has locked the order where something is going to be written.
///
/// # Errors
/// The database cannot be read.
pub async fn ground(db: &impl ConnectionTrait, case: &cases::Model, order: &orders::Model) -> Result<Ground> {
    let others = others(db, order, None).await?;
    let mut credited: BTreeMap<Uuid, (i32, i64)> = BTreeMap::new();
    let mut used: BTreeMap<Uuid, i32> = BTreeMap::new();
    let (mut shipping, mut agreed_minor) = (0, 0);
    for refund in &others {
        let of_case = refund.case_id == case.id;
        let Some(calculation) = stored::calculation(refund) else {
            agreed_minor += if of_case { refund.amount_minor } else { 0 };
            continue;
        };
        shipping += calculation.shipping.map_or(0, |s| s.amount.gross_minor);
        for line in calculation.lines {
            let (units, gross) = credited.entry(line.id).or_default();
            *units += line.quantity;
            *gross += line.amount.gross_minor;
            if of_case {
                *used.entry(line.id).or_default() += line.quantity;
            }
        }
    }
    let back = back(db, case).await?;
    let lines = order_lines::Entity::find().filter(order_lines::Column::OrderId.eq(order.id));
    let line = |l: &order_lines::Model| {
        let (refunded, gross) = credited.get(&l.id.0).copied().unwrap_or_default();
        let refunded = refunded.min(l.quantity);
        let cost = |units: i32| i64::from(units) * l.unit_price_minor;
        Line {
            id: l.id.0,
            ordered: l.quantity,
            refunded,
            now: 0,
            unit_price_minor: l.unit_price_minor,
            // A reduction that failed after a unit was refunded at the reduced price leaves less than its price.
            credited_minor: gross.clamp(cost(refunded), cost(l.quantity)),
            tax_basis_points: l.tax_basis_points,
            received: back.units.get(&l.id.0).map(|n| (n - used.get(&l.id.0).copied().unwrap_or(0)).max(0)),
        }
    };
    let lines = lines.order_by_asc(order_lines::Column::Position).all(db).await?.iter().map(line).collect();
    let withdrawn = (case.kind == Some(CaseKind::Withdrawal)).then_some(LegalBasis::Withdrawal);
    let charged = order.shipping_minor.unwrap_or(0);
    Ok(Ground {
        request: Request {
            basis: withdrawn.or(case.legal_basis).unwrap_or(LegalBasis::None),
            reason: case.reason,
            lines,
            outbound: OutboundShipping {
                charged_minor: charged,
                standard_minor: order.standard_shipping_minor.unwrap_or(charged),
                standard_for_rest_minor: None,
                refunded_minor: shipping,
                tax_basis_points: order.shipping_tax_basis_points.unwrap_or(0),
            },
            deduction: None,
            price_reduction: None,
            captured_minor: order.captured_minor.unwrap_or(0),
            charged_back_minor: order.charged_back_minor.unwrap_or(0),
            promised_minor: others.iter().map(|r| r.amount_minor).sum(),
            goods_received_bound: back.bound,
        },
        instructed: order.withdrawal_instructed == Some(true),
        agreed_minor,
    })
}

impl Ground {
    /// What can still be refunded of the payment, in minor units.
    #[must_use]
    pub fn left(&self) -> i64 {
        self.request.captured_minor - self.request.charged_back_minor - self.request.promised_minor
    }

    /// What may still go back for the goods that came, delivery included, in minor units; none where goods need not come.
    #[must_use]
    pub fn left_for_goods(&self) -> Option<i64> {
        if !self.request.goods_received_bound {
            return None;
        }
        let mut all = self.request.clone();
        for line in &mut all.lines {
            line.now = line.received.unwrap_or(0).min(line.left());
        }
        // The other ceiling has its own check.
        (all.captured_minor, all.charged_back_minor, all.promised_minor) = (i64::MAX, 0, 0);
        let came = match calculate(&all) {
            Ok(calculation) => calculation.total_minor,
            Err(faults) => faults.iter().map(largest).max().unwrap_or(0),
        };
        Some((came - self.agreed_minor).max(0))
    }
}

const fn largest(fault: &Fault) -> i64 {
    match fault {
        Fault::AboveCeiling { largest_minor, .. } => *largest_minor,
        _ => 0,
    }
}
