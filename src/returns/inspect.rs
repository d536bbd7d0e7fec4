//! The inspection: findings against what was claimed, the decision that follows from them, and the next step (S30 to S35).

use entity::cases::{self, Kind, LegalBasis, Outcome as Verdict, Reason};
use entity::ids::ReturnId;
use entity::messages::Form;
use entity::return_lines::{self, Disposition, Grade};
use entity::returns::{ActiveModel, Model, State};
use entity::tasks;
use sea_orm::{ActiveModelTrait as _, ActiveValue::Set, DatabaseTransaction};
use serde::Serialize;
use serde_json::json;

use super::{Line, RETURN, at_line, check_positions, letter, lines_of, require_state, seal};
use crate::auth::{Actor, Permission};
use crate::cases::machine::{self, Deed};
use crate::cases::{self as case_room, letters, tasks as filing, timers};
use crate::error::{Code, Error, Refusal, Result};
use crate::idempotency::{self, Outcome};
use crate::mail::letter::Content;
use crate::policy::rules::RuleId;
use crate::state::App;
use crate::{audit, input};

/// What the inspection found of a line.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// Position in the order.
    pub position: i32,
    /// Pieces that meet the conditions.
    pub accepted: i32,
    /// What they are like.
    pub grade: Grade,
    /// In words.
    pub finding: Option<String>,
    /// Where they go.
    pub disposition: Disposition,
}

/// An inspection with its decision. Accepted in full is `ELIGIBLE`, nothing of it `NOT_ELIGIBLE`.
#[derive(Clone, Debug, Serialize)]
pub struct Inspection {
    /// One finding for each line of the return.
    pub lines: Vec<Finding>,
    /// What was found as a whole.
    pub finding: String,
    /// Why it was decided so; needed where not everything is accepted.
    pub reason: Option<Reason>,
    /// On what basis; needed where not everything is accepted.
    pub legal_basis: Option<LegalBasis>,
    /// The text to the customer; needed where not everything is accepted.
    pub text: Option<String>,
    /// The version of the return that was inspected.
    pub expected_version: Option<i64>,
}

/// Begins an inspection.
///
/// # Errors
/// Refused: an unknown return, one that is not here or inspected already, another version.
pub async fn begin(app: &App, actor: &Actor, id: ReturnId, expected: Option<i64>, key: &str) -> Result<Model> {
    actor.require(Permission::HandleGoods)?;
    let now = app.clock.now();
    let tx = app.db.begin().await?;
    let claim = match idempotency::claim(app, &tx, actor, "returnInspectionBegin", key, &(id, expected)).await? {
        Outcome::Replay(_) => return super::get(&tx, actor, id).await,
        Outcome::First(claim) => claim,
    };
    let (case, row) = super::for_change(&tx, actor, id).await?;
    input::version(expected, row.version)?;
    require_state(&row, &[State::Received])?;
    let case = machine::advance(&tx, actor, case, Deed::Inspect, RETURN, now).await?.update(&tx).await?;
    let version = row.version;
    let mut change: ActiveModel = row.into();
    change.state = Set(State::Inspecting);
    change.inspected_by = Set(actor.staff());
    change.version = Set(version + 1);
    let row = change.update(&tx).await?;
    claim.done(&tx, now, &[id.0], Some(case.customer_id)).await?;
    audit::record(&tx, now, actor, "return.inspect", ("returns", Some(id.0)), json!({ "case": case.id })).await?;
    tx.commit().await?;
    Ok(row)
}

/// Records what the inspection found: the case is decided by it, the customer is written to, the next step is a task.
///
/// # Errors
/// Refused: an unknown return, one that is not being inspected, a line missing or not of it, more accepted than received,
/// no finding, not everything accepted without reason, basis and text, another version.
pub async fn record(app: &App, actor: &Actor, id: ReturnId, new: Inspection, key: &str) -> Result<Model> {
    actor.require(Permission::HandleGoods)?;
    let finding = input::text(&new.finding, &["input", "finding"], input::LONG_TEXT)?;
    let text = input::optional(new.text.as_deref(), &["input", "text"], input::LONG_TEXT)?;
    check_positions(new.lines.iter().map(|line| line.position))?;
    let now = app.clock.now();
    let seen = super::seen(app, actor, id).await?;
    let writing = match case_room::get(app.db.read(), actor, seen.case_id).await {
        Err(Error::NotFound) => return Err(Refusal::at(Code::NotFound, RETURN).into()),
        case => letters::unit(app, &case?, now).await?,
    };

    let tx = app.db.begin().await?;
    let claim = match idempotency::claim(app, &tx, actor, "returnInspectionRecord", key, &(id, &new)).await? {
        Outcome::Replay(_) => return super::get(&tx, actor, id).await,
        Outcome::First(claim) => claim,
    };
    let (case, row) = super::for_change(&tx, actor, id).await?;
    input::version(new.expected_version, row.version)?;
    require_state(&row, &[State::Inspecting])?;
    let lines = lines_of(&tx, &row).await?;
    let tally = tally(&lines, &new.lines)?;
    let verdict = tally.verdict();
    let deed = match verdict {
        Verdict::NotEligible => Deed::FindNotEligible,
        Verdict::PartiallyEligible => Deed::FindPartlyEligible,
        Verdict::Eligible | Verdict::SolvedDirectly => Deed::FindEligible,
    };
    machine::require(&case, deed, RETURN)?;
    let (reason, basis) = grounds(&case, &new, verdict, text.is_some())?;
    let unit = seal::of(app, &row, now).await?;
    for line in lines {
        let Some(found) = new.lines.iter().find(|f| f.position == line.of.position) else { continue };
        let words = words(found)?;
        let place = seal::finding(line.row.id);
        let mut change: return_lines::ActiveModel = line.row.into();
        change.accepted = Set(Some(found.accepted));
        change.grade = Set(Some(found.grade));
        change.finding = Set(words.as_deref().map(|words| unit.key.seal(place, words)).transpose()?);
        change.disposition = Set(Some(found.disposition));
        change.update(&tx).await?;
    }
    let version = row.version;
    let mut change: ActiveModel = row.into();
    change.state = Set(State::Inspected);
    change.inspected_at = Set(Some(now));
    change.inspected_by = Set(actor.staff());
    change.finding = Set(Some(unit.key.seal(seal::place("finding", id), &finding)?));
    change.version = Set(version + 1);
    change.update(&tx).await?;
    let mut change = machine::advance(&tx, actor, case, deed, RETURN, now).await?;
    change.outcome = Set(Some(verdict));
    change.reason = Set(reason);
    change.legal_basis = Set(Some(basis));
    change.decided_at = Set(Some(now));
    change.decided_by = Set(actor.staff());
    let case = change.update(&tx).await?;
    let language = letters::language(&tx, &case).await?;
    let said = text.as_deref().unwrap_or_else(|| letter::accepted(language));
    let body = letter::decision(language, said, (verdict, reason, basis));
    let content = Content::Decision(letter::decided(language, said, (verdict, reason, basis)));
    letters::tell(app, &tx, actor, (&case, &writing), (Form::Decision, &body, Some(content)), now).await?;
    timers::settle(&tx, case.id, Some((RuleId::Decision, None)), true, now).await?;
    filing::settle(&tx, actor, case.id, tasks::Kind::InspectGoods, now).await?;
    next_steps(&tx, &case, verdict, &tally, now).await?;
    if new.lines.iter().any(|line| line.disposition == Disposition::Destroy) {
        // Written off: a voucher of the books.
        super::book(app, &tx, case.id, now).await?;
    }
    claim.done(&tx, now, &[id.0], Some(case.customer_id)).await?;
    let details = json!({
        "outcome": verdict.code(),
        "reason": reason.map(Reason::code),
        "legalBasis": basis.code(),
        "accepted": tally.accepted,
        "announced": tally.announced,
    });
    audit::record(&tx, now, actor, "return.decide", ("returns", Some(id.0)), details).await?;
    let row = super::get(&tx, actor, id).await?;
    tx.commit().await?;
    Ok(row)
}

/// Pieces of a return.
struct Tally {
    announced: i32,
    here: i32,
    accepted: i32,
}

impl Tally {
    const fn verdict(&self) -> Verdict {
        match self.accepted {
            0 => Verdict::NotEligible,
            accepted if accepted == self.announced => Verdict::Eligible,
            _ => Verdict::PartiallyEligible,
        }
    }
}

fn tally(lines: &[Line], found: &[Finding]) -> Result<Tally> {
    let mut tally = Tally { announced: 0, here: 0, accepted: 0 };
    for (index, finding) in found.iter().enumerate() {
        let line = lines.iter().find(|l| l.of.position == finding.position);
        let line = line.ok_or_else(|| at_line(Code::NotFound, index, "position"))?;
        let received = line.row.received.unwrap_or(0);
        if finding.accepted < 0 {
            return Err(at_line(Code::Invalid, index, "accepted").with("minimum", 0).into());
        }
        if finding.accepted > received {
            return Err(at_line(Code::TooLarge, index, "accepted").with("maximum", received).into());
        }
        words(finding).map_err(|error| match error {
            Error::Refused(refusal) => Error::Refused(refusal.element("lines", index)),
            other => other,
        })?;
        tally.accepted += finding.accepted;
    }
    if let Some(missing) = lines.iter().find(|l| found.iter().all(|f| f.position != l.of.position)) {
        let refusal = Refusal::at(Code::Required, &["input", "lines"]);
        return Err(refusal.with("position", missing.of.position).into());
    }
    tally.announced = lines.iter().map(|l| l.row.quantity).sum();
    tally.here = lines.iter().map(|l| l.row.received.unwrap_or(0) + l.row.wrong).sum();
    Ok(tally)
}

fn words(finding: &Finding) -> Result<Option<String>> {
    input::optional(finding.finding.as_deref(), &["input", "lines", "finding"], input::LONG_TEXT)
}

/// Reason and basis of a decision. Whatever is not accepted in full needs both, and words (S34, S35).
fn grounds(
    case: &cases::Model,
    new: &Inspection,
    verdict: Verdict,
    has_text: bool,
) -> Result<(Option<Reason>, LegalBasis)> {
    let needed = |field| Refusal::at(Code::Required, &["input", field]).with("outcome", verdict.code());
    let basis = new.legal_basis.filter(|basis| *basis != LegalBasis::None);
    if verdict == Verdict::Eligible {
        let implied = match case.kind {
            Some(Kind::WarrantyClaim) => LegalBasis::Warranty,
            Some(Kind::Withdrawal) => LegalBasis::Withdrawal,
            _ => LegalBasis::ShopReturn,
        };
        return Ok((new.reason.or(case.reason), basis.unwrap_or(implied)));
    }
    let reason = new.reason.ok_or_else(|| needed("reason"))?;
    // Wear is no ground against a withdrawal, only for compensation (BGB § 357a(1)).
    let mut lawful = case_room::AGAINST_WITHDRAWAL.to_vec();
    lawful.push(Reason::GoodsNotReturned);
    if case.kind == Some(Kind::Withdrawal) && !lawful.contains(&reason) {
        let codes: Vec<&str> = lawful.iter().map(|reason| reason.code()).collect();
        return Err(Refusal::at(Code::Invalid, &["input", "reason"]).with("expected", codes.join(", ")).into());
    }
    let basis = basis.ok_or_else(|| needed("legalBasis"))?;
    if !has_text {
        return Err(needed("text").into());
    }
    Ok((Some(reason), basis))
}

/// The next step follows from the result by itself (S31): the remedy for what was accepted, the way back for what is here and
/// was not.
async fn next_steps(
    tx: &DatabaseTransaction,
    case: &cases::Model,
    verdict: Verdict,
    tally: &Tally,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<()> {
    if verdict != Verdict::NotEligible {
        filing::file(tx, case.id, None, tasks::Kind::ArrangeRemedy, now).await?;
    }
    if tally.here > tally.accepted {
        filing::file(tx, case.id, None, tasks::Kind::SendGoodsBack, now).await?;
    }
    Ok(())
}
