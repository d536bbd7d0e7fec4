//! The return instruction: what comes back, to which address, until when, at whose cost (S25 to S28, F20, F21).

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::cases::{self, Reason};
use entity::ids::{CaseId, CustomerId, OrderId, OrderLineId, ReturnId, ReturnLineId};
use entity::messages::Form;
use entity::returns::{ActiveModel, Bearer, Column, Entity, Model, State};
use entity::{DataType, Purpose, order_lines, orders, parcels, remedies, return_lines};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, DatabaseTransaction, EntityTrait as _, QueryFilter as _,
    QueryOrder as _,
};
use serde::Serialize;
use serde_json::json;

use super::{at_line, letter, seal};
use crate::auth::{Actor, Permission};
use crate::cases::machine::{self, Deed};
use crate::cases::{self as case_room, letters, timers};
use crate::error::{Code, Error, Refusal, Result};
use crate::idempotency::{self, Outcome};
use crate::keys::{Personal, Place, Unit};
use crate::mail::letter::Content;
use crate::orders::situation::{Around, Claim, policy, situation};
use crate::policy::deadline::Facts;
use crate::policy::rules::{Length, Rule, RuleId, days};
use crate::policy::shop::{self, Policy};
use crate::policy::words::Words;
use crate::policy::{calendar, carriage, reasons, rights};
use crate::state::App;
use crate::{audit, db, input};

const CASE: &[&str] = &["input", "caseId"];

/// A line that is to come back.
#[derive(Clone, Debug, Serialize)]
pub struct Announced {
    /// Position in the order, from 1.
    pub position: i32,
    /// Pieces.
    pub quantity: i32,
    /// Why, of the first level of the catalogue.
    pub reason: Option<Reason>,
    /// Why, of the second.
    pub detail: Option<String>,
}

/// An instruction.
#[derive(Clone, Debug, Serialize)]
pub struct Instruction {
    /// What is to come back.
    pub lines: Vec<Announced>,
    /// What to take care of.
    pub notes: String,
    /// Reference or drop-off code of a label.
    pub label: Option<String>,
    /// Where to, a line per line; none: the shop.
    pub address: Option<String>,
    /// Who pays; none: whoever law and policy say.
    pub carriage: Option<Bearer>,
    /// The version of the case that it was decided on.
    pub expected_version: Option<i64>,
}

/// Instructs the customer how to send goods back, and writes to them in the same transaction.
///
/// # Errors
/// Refused: an unknown case, one that is not under review or has no order, lines that the order does not have or pieces
/// that are on their way back already, a reason that is not in the catalogue, costs put on the customer where the shop
/// bears them, no notes, another version.
pub async fn instruct(app: &App, actor: &Actor, id: CaseId, new: Instruction, key: &str) -> Result<Model> {
    actor.require(Permission::Decide)?;
    let notes = input::text(&new.notes, &["input", "notes"], input::LONG_TEXT)?;
    let label = input::optional(new.label.as_deref(), &["input", "label"], input::SHORT_TEXT)?;
    let address = input::optional(new.address.as_deref(), &["input", "address"], input::SHORT_TEXT)?;
    check(&new.lines)?;
    let now = app.clock.now();
    let seen = case_room::seen(app, actor, id).await?;
    let writing = letters::unit(app, &seen, now).await?;
    let return_id = ReturnId::new(now);
    let unit = seal::unit(app, return_id, DataType::R02b, seen.customer_id, now).await?;

    let tx = app.db.begin().await?;
    let claim = match idempotency::claim(app, &tx, actor, "returnInstruct", key, &(id, &new)).await? {
        Outcome::Replay(ids) => return super::get(&tx, actor, ReturnId(*ids.first().ok_or(Error::NotFound)?)).await,
        Outcome::First(claim) => claim,
    };
    let case = case_room::for_change(&tx, actor, id, CASE).await?;
    input::version(new.expected_version, case.version)?;
    machine::require(&case, Deed::InstructReturn, CASE)?;
    let known = Known::load(&tx, &case).await?;
    let chosen = known.choose(&tx, &new.lines).await?;
    let due = known.bearer(app, &case, &chosen, now)?;
    if (new.carriage, due) == (Some(Bearer::Customer), Bearer::Shop) {
        return Err(Refusal::at(Code::Invalid, &["input", "carriage"]).with("expected", "SHOP").into());
    }
    let shop = app.policies.at(now);
    let address = address.unwrap_or_else(|| named_address(shop));
    let row = ActiveModel {
        id: Set(return_id),
        case_id: Set(id),
        order_id: Set(known.order.id),
        customer_id: Set(case.customer_id),
        unit_id: Set(Some(unit.id)),
        data_type: Set(DataType::R02b),
        number: Set(case_room::open::number("RA", return_id.0, calendar::day_of(now))),
        state: Set(State::Instructed),
        bearer: Set(new.carriage.unwrap_or(due)),
        address: Set(address),
        notes: Set(Some(unit.key.seal(seal::place("notes", return_id), &notes)?)),
        label: Set(label.as_deref().map(|l| unit.key.seal(seal::place("label", return_id), l)).transpose()?),
        instructed_at: Set(now),
        return_by: Set(return_by(shop, &known.order, now)),
        dispatched_at: Set(None),
        dispatch_proof: Set(None),
        received_at: Set(None),
        received_by: Set(None),
        inspected_at: Set(None),
        inspected_by: Set(None),
        finding: Set(None),
        booked_at: Set(None),
        version: Set(1),
        start_at: Set(None),
        not_before: Set(None),
    };
    let row = row.insert(&tx).await?;
    insert_lines(&tx, &row, &unit, &chosen, now).await?;
    let case = machine::advance(&tx, actor, case, Deed::InstructReturn, CASE, now).await?.update(&tx).await?;
    let language = letters::language(&tx, &case).await?;
    let how = letter::HowTo {
        case: case.number.as_deref().unwrap_or_default(),
        number: &row.number,
        articles: known.articles(app, &chosen, language).await?,
        address: &row.address,
        last_day: calendar::day_of(row.return_by - chrono::TimeDelta::microseconds(1)),
        bearer: row.bearer,
        label: label.as_deref(),
        notes: &notes,
    };
    let body = letter::instruction(language, &how);
    let (form, content) = (Form::ReturnInstruction, Content::ReturnInstruction(how.letter(language)));
    letters::tell(app, &tx, actor, (&case, &writing), (form, &body, Some(content)), now).await?;
    for rule in [RuleId::FirstResponse, RuleId::Review] {
        timers::settle(&tx, id, Some((rule, None)), true, now).await?;
    }
    claim.done(&tx, now, &[return_id.0], Some(case.customer_id)).await?;
    let details = json!({ "case": id, "bearer": row.bearer.code(), "lines": chosen.len(), "returnBy": row.return_by });
    audit::record(&tx, now, actor, "return.instruct", ("returns", Some(return_id.0)), details).await?;
    tx.commit().await?;
    Ok(row)
}

fn check(lines: &[Announced]) -> Result<()> {
    super::check_positions(lines.iter().map(|line| line.position))?;
    for (index, line) in lines.iter().enumerate() {
        if line.quantity <= 0 {
            return Err(at_line(Code::NotPositive, index, "quantity").into());
        }
        if line.reason.is_some_and(|reason| reasons::entry(reason).is_none()) {
            return Err(at_line(Code::Invalid, index, "reason").with("expected", "a code of returnReasons").into());
        }
        let known = line
            .detail
            .as_deref()
            .is_none_or(|detail| line.reason.is_some_and(|reason| reasons::find(reason, detail).is_some()));
        if !known {
            let codes = line.reason.and_then(reasons::entry).map(|entry| entry.details).unwrap_or_default();
            let codes: Vec<&str> = codes.iter().map(|detail| detail.code).collect();
            return Err(at_line(Code::Invalid, index, "detail").with("expected", codes.join(", ")).into());
        }
    }
    Ok(())
}

fn named_address(policy: &Policy) -> String {
    let name = std::iter::once(policy.shop.name.as_str());
    name.chain(policy.shop.address.iter().map(String::as_str)).collect::<Vec<_>>().join("\n")
}

/// The first instant after the days to send goods back in. Reckoned as the consumer's own period: it never ends on a
/// Sunday or holiday (BGB §§ 193, 355(3)).
fn return_by(policy: &Policy, order: &orders::Model, now: DateTime<Utc>) -> DateTime<Utc> {
    let count = policy.service.return_by_days;
    let plain = || calendar::start_of(calendar::plus_days(calendar::day_of(now), count.saturating_add(1)));
    let Some(withdrawal) = policy.rule(RuleId::Withdrawal) else { return plain() };
    let rule = Rule { length: Length::Spans(vec![days(count)]), ..withdrawal };
    let land = order.land.as_deref().and_then(|land| land.parse().ok());
    policy.deadline(&rule, &Facts { land, ..Facts::from(now) }).map_or_else(|_| plain(), |d| d.ends_at)
}

/// A line of the order with what is announced of it.
struct Chosen<'a> {
    line: &'a order_lines::Model,
    announced: &'a Announced,
}

/// The order of a case with everything around it, locked.
struct Known {
    order: orders::Model,
    lines: Vec<order_lines::Model>,
    parcels: Vec<parcels::Model>,
    cases: Vec<cases::Model>,
    remedies: Vec<remedies::Model>,
}

impl Known {
    async fn load(tx: &DatabaseTransaction, case: &cases::Model) -> Result<Self> {
        let order = super::instruct::order_of(tx, case).await?;
        let id = order.id;
        let lines = order_lines::Entity::find().filter(order_lines::Column::OrderId.eq(id));
        Ok(Self {
            order,
            lines: lines.order_by_asc(order_lines::Column::Position).all(tx).await?,
            parcels: parcels::Entity::find().filter(parcels::Column::OrderId.eq(id)).all(tx).await?,
            cases: cases::Entity::find().filter(cases::Column::OrderId.eq(id)).all(tx).await?,
            remedies: remedies::Entity::find().filter(remedies::Column::OrderId.eq(id)).all(tx).await?,
        })
    }

    /// The lines of the order that are meant, each with no more pieces than are left with the customer.
    async fn choose<'a>(&'a self, tx: &DatabaseTransaction, announced: &'a [Announced]) -> Result<Vec<Chosen<'a>>> {
        let away = self.away(tx).await?;
        let mut chosen = Vec::with_capacity(announced.len());
        for (index, announced) in announced.iter().enumerate() {
            let line = self.lines.iter().find(|l| l.position == announced.position);
            let line = line.ok_or_else(|| at_line(Code::NotFound, index, "position"))?;
            let left = (line.quantity - away.get(&line.id).copied().unwrap_or(0)).max(0);
            if announced.quantity > left {
                return Err(at_line(Code::TooLarge, index, "quantity").with("maximum", left).into());
            }
            chosen.push(Chosen { line, announced });
        }
        Ok(chosen)
    }

    /// How many pieces of each line are not with the customer: on their way back, or here to stay. What never came, was
    /// not accepted or was cured is with the customer again.
    async fn away(&self, tx: &DatabaseTransaction) -> Result<HashMap<OrderLineId, i32>> {
        let mut away: HashMap<OrderLineId, i32> = HashMap::new();
        for of in Entity::find().filter(Column::OrderId.eq(self.order.id)).all(tx).await? {
            for line in super::lines_of(tx, &of).await? {
                let (row, mut gone) = (&line.row, line.row.quantity);
                match of.state {
                    State::Instructed | State::InTransit | State::Lost => {}
                    State::Expired => gone = 0,
                    State::Received | State::Inspecting => gone = row.received.unwrap_or(row.quantity),
                    State::Inspected => {
                        let cured = self.remedies.iter().filter(|r| {
                            r.case_id == of.case_id
                                && r.order_line_id == row.order_line_id
                                && r.state != remedies::State::Cancelled
                        });
                        let cured: i32 = cured.map(|r| r.quantity).sum();
                        gone = (row.accepted.unwrap_or(0) - cured).max(0);
                    }
                }
                *away.entry(row.order_line_id).or_default() += gone;
            }
        }
        Ok(away)
    }

    /// Who pays, by law and policy: the shop for all of it as soon as it does for one line.
    fn bearer(&self, app: &App, case: &cases::Model, chosen: &[Chosen<'_>], now: DateTime<Utc>) -> Result<Bearer> {
        let policy = policy(app, &self.order);
        let around =
            Around { lines: self.lines.len(), parcels: &self.parcels, cases: &self.cases, remedies: &self.remedies };
        for Chosen { line, announced } in chosen {
            let reason = announced.reason.or(case.reason);
            let s = situation(app, &self.order, line, around, Claim { reason, defect_shown: None });
            let rights = rights::rights(policy, &s, now).map_err(|e| anyhow::anyhow!("rights: {e}"))?;
            if carriage::back(policy, &rights, case.kind, reason) == shop::Bearer::Shop {
                return Ok(Bearer::Shop);
            }
        }
        Ok(Bearer::Customer)
    }

    async fn articles(
        &self,
        app: &App,
        chosen: &[Chosen<'_>],
        language: crate::error::Language,
    ) -> Result<Vec<String>> {
        let units: Vec<_> = chosen.iter().filter_map(|c| c.line.unit_id).collect();
        let keys = app.keys.load(&units, Purpose::CaseHandling, app.clock.now()).await?;
        let article = |Chosen { line, announced }: &Chosen<'_>| {
            let place = Place { table: "order_lines", column: "title", row: line.id.0 };
            let key = line.unit_id.and_then(|unit| keys.get(&unit));
            let title = key.zip(line.title.as_ref()).and_then(|(key, sealed)| key.open(place, sealed));
            let title = title.as_ref().map(Personal::as_str).unwrap_or_default();
            letter::article(announced.quantity, title, &line.sku, why(announced), language)
        };
        Ok(chosen.iter().map(article).collect())
    }
}

fn why(announced: &Announced) -> Option<Words> {
    let reason = announced.reason?;
    let detail = announced.detail.as_deref().and_then(|code| reasons::find(reason, code)).map(|d| d.words);
    detail.or_else(|| reasons::entry(reason).map(|entry| entry.words))
}

/// The order of a case, locked.
pub(super) async fn order_of(tx: &DatabaseTransaction, case: &cases::Model) -> Result<orders::Model> {
    let no_order = || Error::from(Refusal::at(Code::Required, CASE).with("missing", "order"));
    let id = case.order_id.ok_or_else(no_order)?;
    db::lock(tx, "orders", id.0).await?;
    orders::Entity::find_by_id(id).one(tx).await?.filter(|o| o.erased_at.is_none()).ok_or_else(no_order)
}

/// The order that a case had when it was last looked at: for the keys that a change will need.
pub(super) fn order_seen(case: &cases::Model) -> Result<(OrderId, CustomerId)> {
    let order = case.order_id.ok_or_else(|| Refusal::at(Code::Required, CASE).with("missing", "order"))?;
    Ok((order, case.customer_id))
}

async fn insert_lines(
    tx: &DatabaseTransaction,
    of: &Model,
    unit: &Unit,
    chosen: &[Chosen<'_>],
    now: DateTime<Utc>,
) -> Result<()> {
    for Chosen { line, announced } in chosen {
        let row = return_lines::ActiveModel {
            id: Set(ReturnLineId::new(now)),
            return_id: Set(of.id),
            order_line_id: Set(line.id),
            unit_id: Set(Some(unit.id)),
            data_type: Set(DataType::R02b),
            quantity: Set(announced.quantity),
            reason: Set(announced.reason),
            detail: Set(announced.detail.clone()),
            received: Set(None),
            wrong: Set(0),
            accepted: Set(None),
            grade: Set(None),
            finding: Set(None),
            disposition: Set(None),
            start_at: Set(None),
            not_before: Set(None),
        };
        row.insert(tx).await?;
    }
    Ok(())
}
