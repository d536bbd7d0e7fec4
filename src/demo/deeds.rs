//! The deeds of the gallery, each through the domain function that a real one goes through.

use entity::cases::{LegalBasis, NoticeChannel, Outcome, Reason};
use entity::disputes::Outcome as Ending;
use entity::ids::{CaseId, DisputeId, RemedyId, ReturnId};
use entity::remedies::Kind as Remedy;
use entity::return_lines::{Disposition, Grade};
use entity::returns::Bearer;
use uuid::Uuid;

use super::plan::By;
use super::replay::Replay;
use crate::auth::Actor;
use crate::cases::checklist::Fact;
use crate::cases::machine::Deed;
use crate::cases::{self, Ask, Close, Decision, Extension, NewMessage, Notice, Objection};
use crate::disputes::{self, NewDispute, NewProposal, Proceed, Way};
use crate::error::{Error, Result};
use crate::policy::calendar;
use crate::refunds::{self, Asked, Grant};
use crate::returns::instruct::Announced;
use crate::returns::{self, Dispatch, Inspection, Instruction, NewRemedy, Receipt, SendBack};
use crate::{db, state::App};

impl Replay<'_> {
    /// Does a deed on a case.
    pub(super) async fn deed(
        &mut self,
        case: CaseId,
        person: usize,
        deed: Deed,
        into: Option<CaseId>,
        key: &str,
    ) -> Result<()> {
        let app = self.app();
        let customer = self.actor(By::Customer(person))?;
        let (agent, second, warehouse) = (self.actor(By::Agent)?, self.second_agent().await?, self.warehouse().await?);
        let back = ReturnId(newest(app, "returns", case).await?);
        let dispute = DisputeId(newest(app, "disputes", case).await?);
        match deed {
            Deed::Review => drop(cases::review(app, &agent, case, None, key).await?),
            Deed::AskInfo => {
                let text = "Bitte nennen Sie uns die Seriennummer und senden Sie ein Foto.".to_owned();
                let ask = Ask { facts: vec![Fact::SerialNumber, Fact::Photos], text, expected_version: None };
                cases::ask(app, &agent, case, ask, key).await?;
            }
            Deed::Answer => {
                let body = "Die Seriennummer lautet 4711.".to_owned();
                cases::reply(app, &customer, case, NewMessage { body, internal: false }, key).await?;
            }
            Deed::Extend => {
                let until = calendar::plus_days(calendar::day_of(app.clock.now()), 21);
                let situation = "Der Hersteller prüft die Seriennummer.".to_owned();
                cases::extend(app, &agent, case, Extension { until, situation, expected_version: None }, key).await?;
            }
            Deed::Solve => decide(app, &agent, case, Outcome::SolvedDirectly, LegalBasis::None, key).await?,
            Deed::AcceptWithoutReturn => {
                decide(app, &agent, case, Outcome::Eligible, LegalBasis::Warranty, key).await?;
            }
            Deed::Refuse => decide(app, &agent, case, Outcome::NotEligible, LegalBasis::Warranty, key).await?,
            Deed::InstructReturn => {
                let reason = Some(Reason::QualityDefect);
                let new = Instruction {
                    lines: vec![Announced { position: 1, quantity: 2, reason, detail: None }],
                    notes: "Bitte verpacken Sie die Ware gut und legen Sie das Zubehör bei.".to_owned(),
                    label: None,
                    address: None,
                    carriage: None,
                    expected_version: None,
                };
                returns::instruct(app, &agent, case, new, key).await?;
            }
            Deed::Dispatch => {
                let shipment = Some(self.shipment());
                let new = Dispatch { proof: None, shipment, dispatched_at: None, expected_version: None };
                returns::dispatch(app, &customer, back, new, key).await?;
            }
            Deed::Expire => drop(returns::expire(app, false).await?),
            Deed::Lose => drop(returns::lose(app, &agent, back, None, key).await?),
            Deed::Receive => {
                let count = returns::receive::Count { position: 1, received: 2, wrong: 0 };
                let new = Receipt { lines: vec![count], expected_version: None };
                returns::receive(app, &warehouse, back, new, key).await?;
            }
            Deed::Inspect => drop(returns::begin(app, &warehouse, back, None, key).await?),
            Deed::FindEligible => inspected(app, &warehouse, back, 2, key).await?,
            Deed::FindPartlyEligible => inspected(app, &warehouse, back, 1, key).await?,
            Deed::FindNotEligible => inspected(app, &warehouse, back, 0, key).await?,
            Deed::ArrangeRepair => arrange(app, &agent, case, Remedy::Repair, key).await?,
            Deed::ArrangeReplacement => arrange(app, &agent, case, Remedy::Replacement, key).await?,
            Deed::ArrangeRefund => {
                let grant = Grant::Amount { amount_minor: 1_000, currency: "EUR".to_owned() };
                refunds::grant(app, &agent, case, grant, key).await?;
            }
            Deed::ArrangeReduction => {
                let asked = Asked { price_reduction: Some(500), ..Asked::default() };
                let grant = Grant::Reckoned { asked, deduction_text: None };
                refunds::grant(app, &agent, case, grant, key).await?;
            }
            Deed::SendBack => {
                let text = "Der Schaden ist durch Gebrauch entstanden; die Ware geht an Sie zurück.".to_owned();
                let new = SendBack { shipment: self.shipment(), costs: Bearer::Shop, text, expected_version: None };
                returns::send_back(app, &warehouse, back, new, key).await?;
            }
            Deed::Notify => self.notify(case, &agent, key).await?,
            Deed::Close => {
                cases::close(app, &agent, case, Close { advice_only: false, expected_version: None }, key).await?;
            }
            Deed::Object => {
                let text = "Ich bin nicht einverstanden, das Gerät war von Anfang an undicht.".to_owned();
                cases::object(app, &customer, case, Objection { text }, key).await?;
            }
            Deed::Reexamine => drop(cases::reexamine(app, &second, case, None, key).await?),
            Deed::OpenDispute => {
                let text = "Wir bieten Ihnen eine Reparatur auf unsere Kosten an.".to_owned();
                let offer = NewProposal { text, amount: None };
                disputes::record(app, &second, case, offer, &format!("{key}-proposal")).await?;
                disputes::open(app, &second, case, NewDispute { summary: None, expected_version: None }, key).await?;
            }
            Deed::Settle => proceed(app, &agent, dispute, Way::Settled, None, key).await?,
            Deed::Conciliate => {
                proceed(app, &agent, dispute, Way::Adr, Some("Universalschlichtungsstelle"), key).await?
            }
            Deed::Sue => proceed(app, &agent, dispute, Way::Court, Some("Amtsgericht Köln"), key).await?,
            Deed::EndDispute => {
                let summary = "Der Vorschlag der Stelle wurde nicht angenommen.".to_owned();
                let (outcome, accepted) = (Ending::NoAgreement, false);
                let close = disputes::Close { outcome, summary, accepted, expected_version: None };
                disputes::close(app, &agent, dispute, close, key).await?;
            }
            Deed::Cancel => drop(cases::cancel(app, &customer, case, key).await?),
            Deed::Merge => drop(cases::merge(app, &agent, case, into.ok_or(Error::NotFound)?, key).await?),
            Deed::MoneyReturned => return Err(anyhow::anyhow!("money that returns is a step of a refund").into()),
        }
        Ok(())
    }

    /// A replacement is arranged and sent, so that the case can end.
    pub(super) async fn replace(&mut self, case: CaseId, key: &str) -> Result<()> {
        let (app, agent, warehouse) = (self.app(), self.actor(By::Agent)?, self.warehouse().await?);
        arrange(app, &agent, case, Remedy::Replacement, key).await?;
        let remedy = RemedyId(newest(app, "remedies", case).await?);
        returns::ship(app, &warehouse, remedy, self.shipment(), None, &format!("{key}-parcel")).await?;
        Ok(())
    }

    async fn notify(&self, case: CaseId, agent: &Actor, key: &str) -> Result<()> {
        let text = "die Prüfung ist abgeschlossen.".to_owned();
        let notice = Notice { channel: NoticeChannel::Email, text, expected_version: None };
        cases::notify(self.app(), agent, case, notice, key).await?;
        Ok(())
    }
}

/// The newest row of a table that belongs to a case; nil if there is none.
async fn newest(app: &App, table: &str, case: CaseId) -> Result<Uuid> {
    let sql = format!("SELECT id FROM {table} WHERE case_id = $1 ORDER BY id DESC LIMIT 1");
    let rows = db::rows(app.db.read(), &sql, [case.0.into()]).await?;
    Ok(rows.first().map(|r| r.try_get_by_index(0)).transpose()?.unwrap_or_default())
}

async fn decide(
    app: &App,
    agent: &Actor,
    case: CaseId,
    outcome: Outcome,
    legal_basis: LegalBasis,
    key: &str,
) -> Result<()> {
    let text = "Wir haben Ihren Antrag geprüft.".to_owned();
    let reason = if outcome == Outcome::SolvedDirectly { Reason::Answered } else { Reason::QualityDefect };
    let decision = Decision { outcome, reason, legal_basis, text, expected_version: None };
    cases::decide(app, agent, case, decision, key).await?;
    Ok(())
}

async fn inspected(app: &App, warehouse: &Actor, back: ReturnId, accepted: i32, key: &str) -> Result<()> {
    let disposition = if accepted == 2 { Disposition::ToSupplier } else { Disposition::SendBack };
    let (grade, finding) = (Grade::Defective, Some("Der Boden ist undicht.".to_owned()));
    let new = Inspection {
        lines: vec![returns::inspect::Finding { position: 1, accepted, grade, finding, disposition }],
        finding: "Sichtprüfung und Wasserprobe.".to_owned(),
        reason: (accepted < 2).then_some(Reason::CausedByUse),
        legal_basis: Some(LegalBasis::Warranty),
        text: (accepted < 2).then(|| "An einem Teil der Ware ist der Schaden durch Gebrauch entstanden.".to_owned()),
        expected_version: None,
    };
    returns::record(app, warehouse, back, new, key).await?;
    Ok(())
}

async fn arrange(app: &App, agent: &Actor, case: CaseId, kind: Remedy, key: &str) -> Result<()> {
    let (sku, title, price_difference) = (None, None, None);
    let new = NewRemedy { kind, position: 1, quantity: 1, sku, title, price_difference, expected_version: None };
    returns::arrange(app, agent, case, new, key).await?;
    Ok(())
}

async fn proceed(app: &App, agent: &Actor, dispute: DisputeId, way: Way, body: Option<&str>, key: &str) -> Result<()> {
    let (body, reference) = (body.map(str::to_owned), body.map(|_| "12 C 345/26".to_owned()));
    disputes::proceed(app, agent, dispute, Proceed { way, body, reference, expected_version: None }, key).await?;
    Ok(())
}
