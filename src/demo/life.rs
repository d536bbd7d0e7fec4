//! The life of a case: intake, photo, answers, decision, refund, closing. It stops where the present is reached.

use chrono::{DateTime, TimeDelta, Utc};
use entity::cases::{Channel, Kind, LegalBasis, Outcome, Reason};
use rand::RngExt as _;

use super::goods::ARTICLES;
use super::people::pick;
use super::plan::{By, Opening, Plan, What};
use super::texts;
use crate::cases::Decision;
use crate::refunds::Step;

/// How far a case gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Until {
    /// Nobody has looked at it.
    Received,
    /// It has been answered.
    UnderReview,
    /// It is decided.
    Decided,
    /// A refund is granted.
    Granted,
    /// The refund is on its way.
    Submitted,
    /// The bank has sent it back.
    Failed,
    /// As far as time allows.
    Closed,
}

/// What a case is to be about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Brief {
    /// Whose.
    pub person: usize,
    /// Which order, if any.
    pub order: Option<usize>,
    /// What the customer wants.
    pub kind: Kind,
    /// When.
    pub opened: DateTime<Utc>,
    /// How far it gets.
    pub until: Until,
}

/// A case while its life is laid out.
struct Life {
    case: usize,
    brief: Brief,
    reason: Option<Reason>,
    ware: &'static str,
    number: String,
    salutation: String,
    by: By,
    channel: Channel,
}

struct Verdict {
    outcome: Outcome,
    reason: Reason,
    legal_basis: LegalBasis,
    refund: Option<i64>,
}

impl Life {
    fn fill(&self, text: &str) -> String {
        text.replace("{ware}", self.ware).replace("{nr}", &self.number)
    }

    /// A letter of the shop.
    fn letter(&self, text: &str) -> String {
        texts::letter(&self.salutation, &self.fill(text))
    }

    const fn customer(&self) -> By {
        By::Customer(self.brief.person)
    }

    const fn is_claim(&self) -> bool {
        matches!(self.brief.kind, Kind::Return | Kind::Exchange | Kind::WarrantyClaim)
    }
}

impl Plan {
    /// Lays out a case.
    pub(super) fn live(&mut self, mut brief: Brief) {
        let placed = brief.order.map(|order| &self.orders[order]);
        let article = match placed {
            Some(placed) => placed.article,
            None => pick(&mut self.rng, ARTICLES),
        };
        let number = brief.order.map(|order| self.orders[order].number.clone()).unwrap_or_default();
        let salutation = self.people[brief.person].salutation.clone();
        let reason = self.reason(brief.kind);
        let (by, channel) = self.intake(&mut brief);
        let life = Life { case: self.cases, brief, reason, ware: article.title, number, salutation, by, channel };
        self.cases += 1;
        let _the_present_is_reached = self.steps(&life, article.group);
    }

    /// Customers write at any time; what staff writes down arrives in service hours.
    fn intake(&mut self, brief: &mut Brief) -> (By, Channel) {
        let channel = match self.rng.random_range(0..100) {
            0..62 => Channel::Portal,
            62..85 => Channel::Email,
            85..97 => Channel::Phone,
            _ => Channel::Letter,
        };
        let in_hours = self.office(brief.opened);
        if channel == Channel::Portal || in_hours > self.now - TimeDelta::minutes(10) {
            return (By::Customer(brief.person), Channel::Portal);
        }
        brief.opened = in_hours;
        (By::Agent, channel)
    }

    fn reason(&mut self, kind: Kind) -> Option<Reason> {
        use Reason::{Damaged, MissingAccessory, NoReason, NotAsDescribed, QualityDefect, WrongDelivery};
        let reasons: &[Reason] = match kind {
            Kind::Return => &[NoReason, NoReason, NoReason, Damaged, NotAsDescribed, WrongDelivery, QualityDefect],
            Kind::Exchange => &[WrongDelivery, MissingAccessory, Damaged, NotAsDescribed, QualityDefect],
            Kind::WarrantyClaim => &[QualityDefect, QualityDefect, QualityDefect, NotAsDescribed],
            _ => return None,
        };
        Some(pick(&mut self.rng, reasons))
    }

    fn steps(&mut self, life: &Life, group: &str) -> Option<()> {
        self.open(life, group)?;
        if life.brief.until == Until::Received {
            return None;
        }
        let answered = self.answer(life)?;
        if life.brief.until == Until::UnderReview {
            return None;
        }
        let wait = if life.is_claim() { self.hours(20, 130) } else { self.hours(1, 20) };
        let decided = self.office(answered + wait);
        let verdict = self.verdict(life, decided);
        let (outcome, refund) = (verdict.outcome, verdict.refund);
        let texts = texts::decision(life.brief.kind, outcome, verdict.reason, refund.is_some());
        let decision = Decision {
            outcome,
            reason: verdict.reason,
            legal_basis: verdict.legal_basis,
            text: life.letter(pick(&mut self.rng, texts)),
            expected_version: None,
        };
        self.add(decided, What::Decide { case: life.case, decision })?;
        let arranged = matches!(outcome, Outcome::Eligible | Outcome::PartiallyEligible) && refund.is_none();
        let mut decided = decided;
        if arranged && life.brief.order.is_some() && life.brief.until == Until::Closed {
            decided = self.office(decided + TimeDelta::hours(20));
            self.add(decided, What::Replace { case: life.case })?;
        }
        let settled = match refund.filter(|_| life.brief.until > Until::Decided) {
            Some(amount) => self.refund(life, decided, amount)?,
            None => decided,
        };
        if life.brief.until != Until::Closed {
            return None;
        }
        let settled = self.last_words(life, outcome, settled)?;
        let close = settled + self.hours(20, 100);
        let close = self.office(close);
        let advice = matches!(life.brief.kind, Kind::OrderAdvice | Kind::LogisticsQuery | Kind::RefundTracking);
        let advice_only = advice && outcome == Outcome::SolvedDirectly && self.rng.random_ratio(3, 5);
        let text = life.letter(texts::RESULT);
        self.add(close - TimeDelta::minutes(30), What::Notify { case: life.case, text })?;
        self.add(close, What::Close { case: life.case, advice_only })
    }

    fn open(&mut self, life: &Life, group: &str) -> Option<()> {
        let Brief { person, order, kind, opened, until } = life.brief;
        let (case, by, channel) = (life.case, life.by, life.channel);
        let wish = pick(&mut self.rng, texts::wish(kind));
        let description = match life.reason {
            Some(reason) => format!("{} {wish}", pick(&mut self.rng, texts::problem(reason, group))),
            None => wish.to_owned(),
        };
        let opening = Opening { kind, description: life.fill(&description), reason: life.reason, channel };
        if channel == Channel::Portal {
            self.add(opened - TimeDelta::minutes(4), What::SignIn { person })?;
        }
        self.add(opened, What::Open { case, by, person, order, opening })?;
        let often = if until == Until::Closed { 24 } else { 60 };
        if life.reason.is_some_and(|r| r != Reason::NoReason) && self.rng.random_ratio(often, 100) {
            let at = opened + TimeDelta::minutes(6);
            let name = format!("IMG_{}.jpg", at.format("%Y%m%d_%H%M%S"));
            let seed = self.rng.random();
            self.add(at, What::Photo { case, by, name, seed })?;
        }
        Some(())
    }

    /// The first answer and what comes back; a simple question is often decided at once (S24).
    fn answer(&mut self, life: &Life) -> Option<DateTime<Utc>> {
        let Brief { kind, opened, until, .. } = life.brief;
        let (case, minutes) = (life.case, TimeDelta::minutes);
        let first = self.office(opened + minutes(20));
        self.add(first, What::Look { case, by: By::Agent })?;
        if self.rng.random_ratio(1, 6) {
            let body = pick(&mut self.rng, texts::NOTES).to_owned();
            self.add(first + minutes(3), What::Write { case, by: By::Agent, body, internal: true })?;
        }
        if !life.is_claim() && until == Until::Closed && self.rng.random_bool(0.5) {
            return Some(first);
        }
        let body = life.letter(pick(&mut self.rng, texts::reply(kind)));
        self.add(first + minutes(8), What::Write { case, by: By::Agent, body, internal: false })?;
        if self.rng.random_ratio(1, 3) {
            return Some(first);
        }
        let wait = self.hours(24, 60);
        let back = self.daytime(first + wait);
        let body = pick(&mut self.rng, texts::follow_up(kind)).to_owned();
        self.add(back, What::Write { case, by: life.customer(), body, internal: false })?;
        Some(back)
    }

    fn verdict(&mut self, life: &Life, decided: DateTime<Utc>) -> Verdict {
        let Brief { kind, order, until, opened, .. } = life.brief;
        let placed = order.map(|order| &self.orders[order]);
        let captured = placed.filter(|p| !p.is_refunded).map_or(0, |p| p.captured);
        let days = placed.and_then(|p| p.delivered).map_or(0, |delivered| (opened - delivered).num_days());
        let reason = life.reason.unwrap_or(Reason::Answered);
        let dice = if until > Until::Decided && until < Until::Closed { 0 } else { self.rng.random_range(0..100) };
        let mut share = |from: i64, to: i64| Some(captured * self.rng.random_range(from..=to) / 100).filter(|a| *a > 0);
        let (outcome, reason, legal_basis, refund) = match (kind, dice) {
            (Kind::Return, 1..) if days > 45 && reason == Reason::NoReason => {
                (Outcome::NotEligible, Reason::PeriodEnded, LegalBasis::ShopReturn, None)
            }
            (Kind::Return, 85..) if reason != Reason::NoReason => {
                (Outcome::NotEligible, Reason::DefectNotConfirmed, LegalBasis::ShopReturn, None)
            }
            (Kind::Return, 76..) => (Outcome::PartiallyEligible, reason, LegalBasis::ShopReturn, share(40, 85)),
            (Kind::Return, _) => {
                let basis = if days <= 14 { LegalBasis::Withdrawal } else { LegalBasis::ShopReturn };
                (Outcome::Eligible, reason, basis, share(100, 100))
            }
            (Kind::Exchange, 88..) => (Outcome::NotEligible, Reason::DefectNotConfirmed, LegalBasis::ShopReturn, None),
            (Kind::Exchange, 76..) => (Outcome::PartiallyEligible, reason, LegalBasis::ShopReturn, None),
            (Kind::Exchange, _) => (Outcome::Eligible, reason, LegalBasis::ShopReturn, None),
            (Kind::WarrantyClaim, 1..) if days > 730 => {
                (Outcome::NotEligible, Reason::PeriodEnded, LegalBasis::Warranty, None)
            }
            (Kind::WarrantyClaim, 94..) => (Outcome::NotEligible, Reason::NotOurProduct, LegalBasis::Warranty, None),
            (Kind::WarrantyClaim, 80..) => {
                (Outcome::NotEligible, Reason::DefectNotConfirmed, LegalBasis::Warranty, None)
            }
            (Kind::WarrantyClaim, 62..) => (Outcome::PartiallyEligible, reason, LegalBasis::Warranty, share(15, 40)),
            (Kind::WarrantyClaim, 32..) => (Outcome::Eligible, reason, LegalBasis::Warranty, None),
            (Kind::WarrantyClaim, _) => (Outcome::Eligible, reason, LegalBasis::Warranty, share(100, 100)),
            (Kind::Complaint, 70..) if captured > 0 => {
                (Outcome::PartiallyEligible, Reason::NotAsDescribed, LegalBasis::ShopReturn, share(10, 10))
            }
            _ => (Outcome::SolvedDirectly, Reason::Answered, LegalBasis::None, None),
        };
        if let Some(order) = order.filter(|_| refund.is_some() && decided < self.now) {
            self.orders[order].is_refunded = true;
        }
        Verdict { outcome, reason, legal_basis, refund }
    }

    /// Granted by the agent, paid by finance; some banks send it back, and then it is granted again.
    fn refund(&mut self, life: &Life, decided: DateTime<Utc>, amount: i64) -> Option<DateTime<Utc>> {
        let until = life.brief.until;
        let fails = until == Until::Failed || (until == Until::Closed && self.rng.random_ratio(1, 14));
        let submitted = self.pay(life, decided + TimeDelta::minutes(10), amount)?;
        if until == Until::Submitted {
            return None;
        }
        let submitted = if fails {
            let failed = self.office(submitted + TimeDelta::days(3));
            self.step(failed, Step::Fail, None)?;
            let body = life.letter(texts::REFUND_FAILED);
            let told = failed + TimeDelta::minutes(15);
            self.add(told, What::Write { case: life.case, by: By::Agent, body, internal: false })?;
            if until == Until::Failed {
                return None;
            }
            let again = self.office(told + TimeDelta::days(2));
            self.pay(life, again, amount)?
        } else {
            submitted
        };
        if life.brief.order.is_some() && self.rng.random_ratio(1, 6) {
            let asked = submitted + self.hours(24 * 6, 24 * 11);
            let opened = self.daytime(asked);
            if opened < self.now {
                self.later.push(Brief { kind: Kind::RefundTracking, opened, until: Until::Closed, ..life.brief });
            }
        }
        let credited = submitted + self.hours(24 * 3, 24 * 14);
        let credited = self.office(credited);
        let reference = format!("ARN{:011}", self.rng.random_range(0..100_000_000_000_u64));
        self.step(credited, Step::Credit, Some(reference))?;
        Some(credited)
    }

    /// Grants and submits; returns when it was submitted.
    fn pay(&mut self, life: &Life, granted: DateTime<Utc>, amount: i64) -> Option<DateTime<Utc>> {
        self.add(granted, What::Grant { case: life.case, refund: self.refunds, amount })?;
        self.refunds += 1;
        if life.brief.until == Until::Granted {
            return None;
        }
        let submitted = self.office(granted + TimeDelta::hours(16));
        self.add(submitted, What::Look { case: life.case, by: By::Finance })?;
        let reference = format!("RF-{:08}", self.rng.random_range(0..100_000_000));
        self.step(submitted + TimeDelta::minutes(2), Step::Submit, Some(reference))?;
        Some(submitted)
    }

    /// The latest refund goes a step on.
    fn step(&mut self, at: DateTime<Utc>, step: Step, reference: Option<String>) -> Option<()> {
        self.add(at, What::Step { refund: self.refunds - 1, step, reference })
    }

    fn last_words(&mut self, life: &Life, outcome: Outcome, settled: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let case = life.case;
        let objects = outcome == Outcome::NotEligible && self.rng.random_bool(0.5);
        if !objects && !self.rng.random_ratio(1, 4) {
            return Some(settled);
        }
        let wait = self.hours(24, 100);
        let back = self.daytime(settled + wait);
        let body = pick(&mut self.rng, if objects { texts::OBJECTIONS } else { texts::THANKS }).to_owned();
        self.add(back, What::Write { case, by: life.customer(), body, internal: false })?;
        if !objects {
            return Some(back);
        }
        let answer = self.office(back + TimeDelta::hours(18));
        let body = life.letter(texts::AFTER_OBJECTION);
        self.add(answer, What::Write { case, by: By::Agent, body, internal: false })?;
        Some(answer)
    }
}
