//! Situations of an order line on its legal tracks, a row each, with the norm that each rests on.

use aftersales::policy::deadline::Pause;
use aftersales::policy::holidays::Land;
use aftersales::policy::rights::eligibility::{Reason as Why, Request, Verdict, assess};
use aftersales::policy::rights::{
    Cure, Delivery, Guarantee as Promise, Outbound, Received, Remedy, Situation, Status, Track, Wish, most_favourable,
    rights,
};
use aftersales::policy::rules::RuleId;
use aftersales::policy::shop::{Bearer, Policy};
use aftersales::policy::words::words;
use chrono::{DateTime, Utc};
use entity::cases::Reason;
use entity::order_lines::Exclusion;

use Bearer::{Customer, Shop};
use Expect::{Advice, Amount, Back, Because, Best, BestAny, Ends, Forth, Gives, Is, Lacks, On, Refunds};
use Status::{DependsOnSeal, Ended, Excluded, NotYet, Open};
use Track::{Guarantee, ShopReturn, Warranty, Withdrawal};
use Verdict::{Eligible, Manual, Rejected};
use Wish::{Exchange, MoneyBack, PriceReduction, Repair};

#[derive(Clone, Copy, Debug)]
enum Expect {
    /// Where a track stands.
    Is(Track, Status),
    /// Its last day.
    Ends(Track, &'static str),
    /// Who pays for sending back.
    Back(Track, Bearer),
    /// Who pays for sending other goods.
    Forth(Track, Bearer),
    /// How much of the first delivery goes back.
    Refunds(Track, Outbound),
    /// The same in minor units.
    Amount(Track, Delivery, i64),
    /// A remedy that a track gives now.
    Gives(Track, Remedy),
    /// One that it does not give now.
    Lacks(Track, Remedy),
    /// The most favourable track for the row's wish.
    Best(Option<Track>),
    /// The most favourable track for any wish.
    BestAny(Option<Track>),
    /// The advice.
    Advice(Verdict),
    /// The track that the advice rests on.
    On(Option<Track>),
    /// A finding.
    Because(Option<Track>, Why),
}

struct Row {
    name: &'static str,
    norm: &'static str,
    situation: Situation,
    policy: Policy,
    request: Request,
    expect: Vec<Expect>,
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A contract of Monday 3 August 2026, received on Friday 7 August 2026; somebody asks for the money back at `now`.
fn row(name: &'static str, norm: &'static str, now: &str) -> Row {
    Row {
        name,
        norm,
        situation: Situation::ordinary(at("2026-08-03T10:00:00Z"), at("2026-08-07T10:00:00Z")),
        policy: Policy::shipped().clone(),
        request: Request { wish: MoneyBack, at: at(now), proven: true, completed: true, original: Some(true) },
        expect: Vec::new(),
    }
}

impl Row {
    fn with(mut self, change: impl FnOnce(&mut Situation)) -> Self {
        change(&mut self.situation);
        self
    }

    fn shop(mut self, change: impl FnOnce(&mut Policy)) -> Self {
        change(&mut self.policy);
        self
    }

    fn asked(mut self, change: impl FnOnce(&mut Request)) -> Self {
        change(&mut self.request);
        self
    }

    fn wants(self, wish: Wish) -> Self {
        self.asked(|r| r.wish = wish)
    }

    fn received(self, text: &str) -> Self {
        self.with(|s| s.received = Received::On(at(text)))
    }

    fn because(self, reason: Reason) -> Self {
        self.with(|s| s.reason = Some(reason))
    }

    fn shown(self, text: &str) -> Self {
        self.because(Reason::QualityDefect).with(|s| s.defect_shown = Some(at(text)))
    }

    fn cured(self, repaired: bool, text: &str) -> Self {
        self.with(|s| s.cures.push(Cure { repaired, handed_over: at(text) }))
    }

    fn talks(self, from: &str, to: &str) -> Self {
        let reason = words("Verhandlungen", "negotiations");
        self.with(|s| s.negotiations.push(Pause { from: at(from), to: at(to), reason }))
    }

    fn gives<const N: usize>(mut self, expect: [Expect; N]) -> Self {
        self.expect.extend(expect);
        self
    }

    fn check(&self) {
        let told = format!("{} ({})", self.name, self.norm);
        assert!(!self.expect.is_empty(), "{told} expects nothing");
        let rights = rights(&self.policy, &self.situation, self.request.at).unwrap();
        let advice = assess(&self.policy, &self.situation, self.request).unwrap();
        let right = |track: Track| {
            rights.iter().find(|r| r.track == track).unwrap_or_else(|| panic!("{told}: there is no {track:?}"))
        };
        let best = |wish: Option<Wish>| most_favourable(&rights, wish).map(|r| r.track);
        for expect in &self.expect {
            let (found, wanted) = match *expect {
                Is(track, status) => (format!("{:?}", right(track).status), format!("{status:?}")),
                Ends(track, day) => {
                    let end = right(track).deadline.as_ref().map(|d| d.ends_on.to_string());
                    (format!("{end:?}"), format!("{:?}", Some(day)))
                }
                Back(track, bearer) => (format!("{:?}", right(track).carriage_back), format!("{bearer:?}")),
                Forth(track, bearer) => (format!("{:?}", right(track).carriage_forth), format!("{bearer:?}")),
                Refunds(track, outbound) => (format!("{:?}", right(track).outbound), format!("{outbound:?}")),
                Amount(track, delivery, minor) => {
                    (right(track).outbound.amount(delivery).to_string(), minor.to_string())
                }
                Gives(track, remedy) | Lacks(track, remedy) => {
                    let (all, gives) = (right(track).remedies, matches!(expect, Gives(..)));
                    (format!("{} in {all:?}", all.contains(&remedy)), format!("{gives} in {all:?}"))
                }
                Best(track) => (format!("{:?}", best(Some(self.request.wish))), format!("{track:?}")),
                BestAny(track) => (format!("{:?}", best(None)), format!("{track:?}")),
                Advice(verdict) => (format!("{:?}", advice.verdict), format!("{verdict:?}")),
                On(track) => (format!("{:?}", advice.track), format!("{track:?}")),
                Because(track, why) => {
                    let all: Vec<_> = advice.findings.iter().map(|f| (f.track, f.reason)).collect();
                    (format!("{} in {all:?}", all.contains(&(track, why))), format!("true in {all:?}"))
                }
            };
            assert_eq!(found, wanted, "{told}: {expect:?}");
        }
    }
}

fn check(rows: &[Row]) {
    for row in rows {
        row.check();
    }
}

fn withdrawals() -> Vec<Row> {
    const TERM: &str = "BGB §§ 355(2), 356(2) no. 1";
    vec![
        row("the last instant of the fourteenth day is in time", TERM, "2026-08-21T21:59:59Z").gives([
            Is(Withdrawal, Open),
            Ends(Withdrawal, "2026-08-21"),
            Best(Some(Withdrawal)),
            Advice(Eligible),
            On(Some(Withdrawal)),
            Because(Some(Withdrawal), Why::InTime),
            Because(Some(Withdrawal), Why::NoReasonNeeded),
        ]),
        row("the first instant after the fourteenth day is too late", TERM, "2026-08-21T22:00:00Z").gives([
            Is(Withdrawal, Ended),
            Because(Some(Withdrawal), Why::TooLate),
            Best(Some(ShopReturn)),
            On(Some(ShopReturn)),
        ]),
        row("the day of receipt is the one in Germany", "BGB § 187(1)", "2026-08-10T10:00:00Z")
            .received("2026-08-07T22:30:00Z")
            .gives([Ends(Withdrawal, "2026-08-24")]),
        row("a Saturday rolls to Monday", "BGB § 193", "2026-08-24T12:00:00Z")
            .received("2026-08-08T10:00:00Z")
            .gives([Ends(Withdrawal, "2026-08-24"), Is(Withdrawal, Open)]),
        row("Christmas rolls over both days and the Sunday", "BGB § 193", "2026-12-28T22:59:59Z")
            .received("2026-12-11T10:00:00Z")
            .gives([Ends(Withdrawal, "2026-12-28"), Is(Withdrawal, Open)]),
        row("Good Friday rolls over Easter to Tuesday", "BGB § 193", "2027-03-30T22:00:00Z")
            .received("2027-03-12T10:00:00Z")
            .gives([Ends(Withdrawal, "2027-03-30"), Is(Withdrawal, Ended)]),
        row("Epiphany rolls in Bavaria", "BGB § 193; FTG BY Art. 1", "2027-01-07T12:00:00Z")
            .received("2026-12-23T10:00:00Z")
            .with(|s| s.land = Some(Land::BY))
            .gives([Ends(Withdrawal, "2027-01-07"), Is(Withdrawal, Open)]),
        row("Epiphany does not roll in Berlin", "BGB § 193", "2027-01-07T12:00:00Z")
            .received("2026-12-23T10:00:00Z")
            .with(|s| s.land = Some(Land::BE))
            .gives([Ends(Withdrawal, "2027-01-06"), Is(Withdrawal, Ended)]),
        row("the Land of the shop counts, too", "BGB § 193; SächsSFG § 1", "2026-11-19T12:00:00Z")
            .received("2026-11-04T10:00:00Z")
            .shop(|p| p.shop.land = Some(Land::SN))
            .gives([Ends(Withdrawal, "2026-11-19"), Is(Withdrawal, Open)]),
        row("before the delivery it is possible already", "BGB § 355(1)", "2026-08-04T10:00:00Z")
            .with(|s| s.received = Received::NotYet)
            .gives([Is(Withdrawal, Open), Advice(Eligible), On(Some(Withdrawal))])
            .gives([Because(Some(Withdrawal), Why::BeforeDelivery)]),
        row("without instruction it lasts a year longer", "BGB § 356(3) sentence 2", "2027-08-23T21:59:59Z")
            .with(|s| s.instructed = false)
            .gives([Ends(Withdrawal, "2027-08-23"), Is(Withdrawal, Open), Advice(Eligible), On(Some(Withdrawal))]),
        row("without instruction it ends as well", "BGB § 356(3) sentence 2", "2027-08-23T22:00:00Z")
            .with(|s| s.instructed = false)
            .gives([Is(Withdrawal, Ended), Advice(Rejected), On(None)]),
        row("the policy gives thirty days", "contract; BGB § 361(2)", "2026-09-07T12:00:00Z")
            .shop(|p| p.periods.get_mut(&RuleId::Withdrawal).unwrap().days = Some(30))
            .gives([Ends(Withdrawal, "2026-09-07"), Is(Withdrawal, Open)]),
        row("it gives no other goods", "BGB § 357(1)", "2026-08-10T10:00:00Z").wants(Exchange).gives([
            Lacks(Withdrawal, Remedy::Exchange),
            Because(Some(Withdrawal), Why::RemedyNotOffered),
            On(Some(ShopReturn)),
        ]),
    ]
}

fn exclusions() -> Vec<Row> {
    let bare = |name, norm, now, exclusion| row(name, norm, now).with(|s| s.exclusion = Some(exclusion));
    let early = "2026-08-10T10:00:00Z";
    vec![
        bare("made to specification", "BGB § 312g(2) no. 1", early, Exclusion::CustomMade).gives([
            Is(Withdrawal, Excluded),
            Because(Some(Withdrawal), Why::ExcludedByLaw),
            Is(ShopReturn, Open),
            Advice(Eligible),
            On(Some(ShopReturn)),
        ]),
        bare("perishable", "BGB § 312g(2) no. 2", early, Exclusion::Perishable)
            .gives([Is(Withdrawal, Excluded), Best(Some(ShopReturn))]),
        bare("mixed", "BGB § 312g(2) no. 4", early, Exclusion::Mixed).gives([Is(Withdrawal, Excluded)]),
        bare("alcohol at a market price", "BGB § 312g(2) no. 5", early, Exclusion::AlcoholAtMarketPrice)
            .gives([Is(Withdrawal, Excluded)]),
        bare("a magazine before its delivery", "BGB § 312g(2) no. 7", early, Exclusion::Press)
            .with(|s| s.received = Received::NotYet)
            .gives([Is(Withdrawal, Excluded), Advice(Rejected), On(None)]),
        bare("a price of the financial market", "BGB § 312g(2) no. 8", early, Exclusion::FinancialMarketPrice)
            .gives([Is(Withdrawal, Excluded)]),
        bare("hygiene seal, nobody knows", "BGB § 312g(2) no. 3", early, Exclusion::HygieneSealed).gives([
            Is(Withdrawal, DependsOnSeal),
            Because(Some(Withdrawal), Why::SealToBeChecked),
            Advice(Eligible),
            On(Some(ShopReturn)),
        ]),
        bare("hygiene seal intact", "BGB § 312g(2) no. 3", early, Exclusion::HygieneSealed)
            .with(|s| s.unsealed = Some(false))
            .gives([Is(Withdrawal, Open), Advice(Eligible), On(Some(Withdrawal))]),
        bare("hygiene seal broken", "BGB § 312g(2) no. 3", early, Exclusion::HygieneSealed)
            .with(|s| s.unsealed = Some(true))
            .gives([Is(Withdrawal, Excluded), Advice(Eligible), On(Some(ShopReturn))]),
        bare("hygiene seal before the delivery", "BGB §§ 312g(2) no. 3, 355(1)", early, Exclusion::HygieneSealed)
            .with(|s| s.received = Received::NotYet)
            .gives([Is(Withdrawal, Open), Advice(Eligible), On(Some(Withdrawal))]),
        bare("software unsealed", "BGB § 312g(2) no. 6", early, Exclusion::MediaSealed)
            .with(|s| s.unsealed = Some(true))
            .gives([Is(Withdrawal, Excluded), Is(ShopReturn, Open)]),
        bare(
            "software whose seal nobody saw, too late",
            "BGB § 355(2)",
            "2026-09-01T10:00:00Z",
            Exclusion::MediaSealed,
        )
        .gives([Is(Withdrawal, Ended), Because(Some(Withdrawal), Why::TooLate)]),
        bare("an excluded article with a defect", "BGB §§ 434, 437", "2026-10-01T10:00:00Z", Exclusion::CustomMade)
            .because(Reason::QualityDefect)
            .wants(Repair)
            .gives([Is(Warranty, Open), Advice(Eligible), On(Some(Warranty))]),
    ]
}

fn shop_returns() -> Vec<Row> {
    const PROMISE: &str = "contract: the shop's 45 days";
    let day = "2026-09-10T10:00:00Z";
    let fault = |name, reason| {
        row(name, PROMISE, day).because(reason).gives([
            Back(ShopReturn, Shop),
            Forth(ShopReturn, Shop),
            Refunds(ShopReturn, Outbound::Paid),
            Because(Some(ShopReturn), Why::ReasonAccepted),
            Because(Some(Warranty), Why::DefectClaimed),
            Advice(Eligible),
            On(Some(ShopReturn)),
        ])
    };
    vec![
        row("without a reason on the last day", PROMISE, "2026-09-21T21:59:59Z").gives([
            Ends(ShopReturn, "2026-09-21"),
            Is(ShopReturn, Open),
            Back(ShopReturn, Customer),
            Forth(ShopReturn, Shop),
            Refunds(ShopReturn, Outbound::Nothing),
            Because(Some(ShopReturn), Why::NoReasonNeeded),
            Because(Some(Warranty), Why::NoDefectClaimed),
            Advice(Eligible),
            On(Some(ShopReturn)),
        ]),
        row("without a reason after the last day", PROMISE, "2026-09-21T22:00:00Z")
            .gives([Is(ShopReturn, Ended), Best(None), Advice(Rejected), On(None)])
            .gives([Because(Some(ShopReturn), Why::TooLate)]),
        row("said to be without a reason", PROMISE, day)
            .because(Reason::NoReason)
            .gives([Because(Some(ShopReturn), Why::NoReasonNeeded), Back(ShopReturn, Customer)]),
        row("the last day is a Saturday", "BGB § 193", "2026-09-21T12:00:00Z")
            .received("2026-08-05T10:00:00Z")
            .gives([Ends(ShopReturn, "2026-09-21"), Is(ShopReturn, Open)]),
        row("the last day is Christmas", "BGB § 193", "2026-12-28T12:00:00Z")
            .received("2026-11-10T10:00:00Z")
            .gives([Ends(ShopReturn, "2026-12-28"), Is(ShopReturn, Open)]),
        row("the last day is a holiday in Saxony", "BGB § 193; SächsSFG § 1", "2026-11-19T12:00:00Z")
            .received("2026-10-04T10:00:00Z")
            .with(|s| s.land = Some(Land::SN))
            .gives([Ends(ShopReturn, "2026-11-19"), Is(ShopReturn, Open)]),
        row("other goods without a reason", PROMISE, day).wants(Exchange).gives([
            Gives(ShopReturn, Remedy::Exchange),
            Advice(Eligible),
            On(Some(ShopReturn)),
        ]),
        fault("quality", Reason::QualityDefect),
        fault("not as described", Reason::NotAsDescribed),
        fault("an accessory is missing", Reason::MissingAccessory),
        fault("damaged", Reason::Damaged),
        fault("the wrong article", Reason::WrongDelivery),
        fault("the wrong label", Reason::WrongLabelling),
    ]
}

fn carriage() -> Vec<Row> {
    let day = "2026-08-10T10:00:00Z";
    vec![
        row("told to bear the return", "BGB § 357(5) sentence 1", day).gives([Back(Withdrawal, Customer)]),
        row("not told to bear the return", "BGB § 357(5)", day).with(|s| s.told_return_cost = false).gives([
            Back(Withdrawal, Shop),
            Best(Some(Withdrawal)),
            On(Some(Withdrawal)),
        ]),
        row("the policy bears the withdrawal's return", "BGB § 357(5) sentence 2", day)
            .shop(|p| p.freight.withdrawal_return = Shop)
            .gives([Back(Withdrawal, Shop)]),
        row("the policy bears the return without a reason", "contract", day)
            .shop(|p| p.freight.no_reason_return = Shop)
            .gives([Back(ShopReturn, Shop), Best(Some(ShopReturn)), On(Some(ShopReturn))]),
        row("the policy charges for the other goods", "contract", day)
            .shop(|p| p.freight.no_reason_exchange = Customer)
            .gives([Back(ShopReturn, Customer), Forth(ShopReturn, Customer)]),
        row("cure is free of charge both ways", "BGB § 439(2)", "2026-12-01T10:00:00Z")
            .because(Reason::Damaged)
            .gives([Back(Warranty, Shop), Forth(Warranty, Shop)]),
    ]
}

fn defects() -> Vec<Row> {
    let at = |name, norm, now| row(name, norm, now).because(Reason::QualityDefect).wants(Repair);
    vec![
        at("mended within fourteen days", "BGB § 439(1)", "2026-08-14T10:00:00Z").gives([
            Advice(Eligible),
            On(Some(Warranty)),
            Because(Some(Warranty), Why::DefectPresumed),
            Because(Some(Withdrawal), Why::RemedyNotOffered),
        ]),
        at("money back within fourteen days costs nothing by the shop's window", "contract", "2026-08-14T10:00:00Z")
            .wants(MoneyBack)
            .gives([Best(Some(ShopReturn)), BestAny(Some(ShopReturn)), Advice(Eligible), On(Some(ShopReturn))]),
        at("mended within 45 days", "BGB § 439(1)", "2026-09-15T10:00:00Z").gives([
            Advice(Eligible),
            On(Some(Warranty)),
            Gives(Warranty, Remedy::Repair),
        ]),
        at("mended after 45 days", "BGB §§ 437, 476(1)", "2026-09-22T10:00:00Z").gives([
            Is(ShopReturn, Ended),
            BestAny(Some(Warranty)),
            Advice(Eligible),
            On(Some(Warranty)),
            Because(Some(ShopReturn), Why::TooLate),
        ]),
        at("exchanged after 45 days", "BGB §§ 439(1), 476(1)", "2026-12-01T10:00:00Z").wants(Exchange).gives([
            Gives(Warranty, Remedy::Replacement),
            Advice(Eligible),
            On(Some(Warranty)),
        ]),
        at("the wrong article after 45 days", "BGB §§ 434(5), 476(1)", "2026-12-01T10:00:00Z")
            .because(Reason::WrongDelivery)
            .wants(Exchange)
            .gives([Advice(Eligible), On(Some(Warranty))]),
        at("the last instant of the presumption", "BGB § 477(1)", "2027-08-07T21:59:59Z")
            .gives([Advice(Eligible), Because(Some(Warranty), Why::DefectPresumed)]),
        at("after a year it has to be proved", "BGB § 477(1)", "2027-08-07T22:00:00Z").gives([
            Advice(Manual),
            On(Some(Warranty)),
            Because(Some(Warranty), Why::ProofNeeded),
        ]),
        at("it showed within the year and was reported after it", "BGB § 477(1)", "2027-10-01T10:00:00Z")
            .shown("2027-06-01T10:00:00Z")
            .gives([Advice(Eligible), Because(Some(Warranty), Why::DefectPresumed)]),
        at("the last instant of two years", "BGB §§ 438(1) no. 3, 438(2)", "2028-08-07T21:59:59Z").gives([
            Ends(Warranty, "2028-08-07"),
            Is(Warranty, Open),
            Advice(Manual),
        ]),
        at("after two years", "BGB §§ 214(1), 438(1) no. 3", "2028-08-07T22:00:00Z").gives([
            Is(Warranty, Ended),
            Because(Some(Warranty), Why::TooLate),
            BestAny(None),
            Advice(Rejected),
            On(None),
        ]),
        at("received on a leap day", "BGB § 188(3)", "2028-03-10T10:00:00Z")
            .received("2028-02-29T10:00:00Z")
            .gives([Ends(Warranty, "2030-02-28"), Advice(Eligible)]),
    ]
}

fn tails() -> Vec<Row> {
    const LATE: &str = "BGB § 475e(3)";
    const CURE: &str = "BGB § 475e(4)";
    const REPAIR: &str = "Directive (EU) 2019/771 Art. 10(2a)";
    let late = |name, norm| row(name, norm, "2028-08-20T10:00:00Z").because(Reason::QualityDefect).wants(Repair);
    vec![
        late("a defect in the last months", LATE).shown("2028-06-20T10:00:00Z").gives([
            Ends(Warranty, "2028-10-20"),
            Is(Warranty, Open),
            Advice(Manual),
            On(Some(Warranty)),
        ]),
        late("a defect on the last day", LATE)
            .shown("2028-08-07T20:00:00Z")
            .gives([Ends(Warranty, "2028-12-07"), Is(Warranty, Open)]),
        late("an early defect has no tail", LATE).shown("2027-01-11T10:00:00Z").gives([
            Ends(Warranty, "2028-08-07"),
            Is(Warranty, Ended),
            Advice(Rejected),
        ]),
        late("a defect after the period has no tail", LATE).shown("2028-08-08T10:00:00Z").gives([
            Ends(Warranty, "2028-08-07"),
            Is(Warranty, Ended),
            Advice(Rejected),
        ]),
        late("replaced shortly before the end", CURE)
            .cured(false, "2028-07-20T10:00:00Z")
            .gives([Ends(Warranty, "2028-09-20"), Is(Warranty, Open)]),
        late("replaced long before the end", CURE)
            .cured(false, "2027-02-01T10:00:00Z")
            .gives([Ends(Warranty, "2028-08-07"), Is(Warranty, Ended)]),
        late("a late defect and then a replacement: the later end", "BGB § 475e(3), (4)")
            .shown("2028-07-20T10:00:00Z")
            .cured(false, "2028-08-10T10:00:00Z")
            .gives([Ends(Warranty, "2028-11-20"), Is(Warranty, Open)]),
        late("repaired, a contract of August 2026", REPAIR)
            .cured(true, "2027-03-01T10:00:00Z")
            .gives([Ends(Warranty, "2029-08-07"), Is(Warranty, Open)]),
        late("repaired, a contract of 30 July 2026", REPAIR)
            .with(|s| s.contract_at = at("2026-07-30T21:59:59Z"))
            .cured(true, "2027-03-01T10:00:00Z")
            .gives([Ends(Warranty, "2028-08-07"), Is(Warranty, Ended)]),
        late("repaired, a contract of the first minutes of 31 July 2026", REPAIR)
            .with(|s| s.contract_at = at("2026-07-30T22:00:00Z"))
            .cured(true, "2027-03-01T10:00:00Z")
            .gives([Ends(Warranty, "2029-08-07"), Is(Warranty, Open)]),
        late("repaired, the extension is switched off", REPAIR)
            .shop(|p| p.warranty.repair_extension_from = None)
            .cured(true, "2027-03-01T10:00:00Z")
            .gives([Ends(Warranty, "2028-08-07"), Is(Warranty, Ended)]),
        late("repaired twice is extended once", REPAIR)
            .cured(true, "2027-03-01T10:00:00Z")
            .cured(true, "2028-03-01T10:00:00Z")
            .gives([Ends(Warranty, "2029-08-07")]),
        late("repaired at the end of the longer period", "Directive (EU) 2019/771 Art. 10(2a); BGB § 475e(4)")
            .cured(true, "2029-07-03T10:00:00Z")
            .gives([Ends(Warranty, "2029-09-03")]),
    ]
}

fn talks() -> Vec<Row> {
    let late = |name, norm| row(name, norm, "2028-08-14T10:00:00Z").because(Reason::QualityDefect).wants(Repair);
    vec![
        late("ten days of talks", "BGB §§ 203, 209").talks("2027-01-11T10:00:00Z", "2027-01-20T10:00:00Z").gives([
            Ends(Warranty, "2028-08-17"),
            Is(Warranty, Open),
            Advice(Manual),
        ]),
        late("talks that overlap count once", "BGB § 209")
            .talks("2027-01-11T10:00:00Z", "2027-01-20T10:00:00Z")
            .talks("2027-01-15T10:00:00Z", "2027-01-25T10:00:00Z")
            .gives([Ends(Warranty, "2028-08-22")]),
        late("three months are left after talks near the end", "BGB § 203 sentence 2")
            .talks("2028-07-10T10:00:00Z", "2028-07-31T12:00:00Z")
            .gives([Ends(Warranty, "2028-10-31"), Is(Warranty, Open)]),
        late("talks after the end revive nothing", "BGB §§ 203, 214(1)")
            .talks("2028-08-09T10:00:00Z", "2028-08-12T10:00:00Z")
            .gives([Ends(Warranty, "2028-08-07"), Is(Warranty, Ended), Advice(Rejected)]),
        late("talks do not lengthen the shop's window", "contract; BGB § 203")
            .talks("2026-08-17T10:00:00Z", "2026-08-26T10:00:00Z")
            .gives([Ends(ShopReturn, "2026-09-21"), Ends(Withdrawal, "2026-08-21"), Ends(Warranty, "2028-08-17")]),
    ]
}

fn failed_cures() -> Vec<Row> {
    let day = "2026-12-01T10:00:00Z";
    let at = |name, norm| row(name, norm, day).because(Reason::QualityDefect);
    vec![
        at("money back only after cure", "BGB §§ 437 no. 2, 475d(1)").gives([
            Lacks(Warranty, Remedy::Refund),
            Best(None),
            Advice(Manual),
            On(Some(Warranty)),
            Because(Some(Warranty), Why::CureFirst),
        ]),
        at("a lower price only after cure", "BGB §§ 441(1), 475d(1)").wants(PriceReduction).gives([
            Advice(Manual),
            On(Some(Warranty)),
            Because(Some(Warranty), Why::CureFirst),
        ]),
        at("cure was refused", "BGB § 475d(1) no. 4").with(|s| s.cure_failed = true).gives([
            Gives(Warranty, Remedy::Refund),
            Refunds(Warranty, Outbound::Paid),
            Back(Warranty, Shop),
            Best(Some(Warranty)),
            Advice(Eligible),
            On(Some(Warranty)),
        ]),
        at("cure was refused, the goods stay", "BGB §§ 441(1), 475d(1) no. 4")
            .with(|s| s.cure_failed = true)
            .wants(PriceReduction)
            .gives([Gives(Warranty, Remedy::PriceReduction), Advice(Eligible), On(Some(Warranty))]),
        at("a defect shows in spite of the repair", "BGB § 475d(1) no. 2")
            .cured(true, "2026-10-20T10:00:00Z")
            .shown("2026-11-20T10:00:00Z")
            .gives([Gives(Warranty, Remedy::Refund), Best(Some(Warranty)), Advice(Eligible)]),
        at("the repair came after the defect and held", "BGB § 475d(1)")
            .cured(true, "2026-10-20T10:00:00Z")
            .shown("2026-10-01T10:00:00Z")
            .gives([Lacks(Warranty, Remedy::Refund), Lacks(Warranty, Remedy::PriceReduction), Advice(Manual)]),
    ]
}

fn guarantees() -> Vec<Row> {
    let with = |name, norm, now, carriage| {
        row(name, norm, now)
            .because(Reason::QualityDefect)
            .wants(Repair)
            .with(|s| s.guarantee = Some(Promise { months: 36, carriage }))
    };
    vec![
        with("beside the warranty", "BGB §§ 443(1), 479(1)", "2026-12-01T10:00:00Z", Customer).gives([
            Is(Guarantee, Open),
            Is(Warranty, Open),
            Ends(Guarantee, "2029-08-07"),
            Back(Guarantee, Customer),
            Best(Some(Warranty)),
            Advice(Eligible),
            On(Some(Warranty)),
        ]),
        with("after the warranty", "BGB § 443(1)", "2028-09-01T10:00:00Z", Shop).gives([
            Is(Warranty, Ended),
            Is(Guarantee, Open),
            Refunds(Guarantee, Outbound::Nothing),
            Forth(Guarantee, Shop),
            Best(Some(Guarantee)),
            Advice(Manual),
            On(Some(Guarantee)),
            Because(Some(Guarantee), Why::TermsToBeChecked),
        ]),
        with("after the guarantee", "BGB § 443(1)", "2029-08-07T22:00:00Z", Shop)
            .gives([Is(Guarantee, Ended), Best(None), Advice(Rejected), On(None)])
            .gives([Because(Some(Guarantee), Why::TooLate)]),
        with("before the delivery", "BGB § 443(1)", "2026-08-04T10:00:00Z", Shop)
            .with(|s| s.received = Received::NotYet)
            .gives([Is(Guarantee, NotYet), Because(Some(Guarantee), Why::NotDelivered)]),
    ]
}

fn deliveries() -> Vec<Row> {
    let assumed =
        |name, norm, now| row(name, norm, now).with(|s| s.received = Received::Estimated(at("2026-08-07T10:00:00Z")));
    vec![
        row("other goods before the delivery", "contract; BGB § 446", "2026-08-04T10:00:00Z")
            .with(|s| s.received = Received::NotYet)
            .wants(Exchange)
            .gives([Is(ShopReturn, NotYet), Is(Warranty, NotYet), Advice(Rejected), On(None)])
            .gives([Because(Some(ShopReturn), Why::NotDelivered)]),
        assumed("an assumed delivery ends no window", "BGB §§ 356(2), 361(3)", "2027-06-01T10:00:00Z").gives([
            Is(Withdrawal, Open),
            Is(ShopReturn, Open),
            Ends(Withdrawal, "2026-08-21"),
            Advice(Manual),
            Because(Some(Withdrawal), Why::DeliveryAssumed),
        ]),
        assumed("an assumed delivery ends no warranty", "BGB § 438(2)", "2029-06-01T10:00:00Z")
            .because(Reason::Damaged)
            .wants(Repair)
            .gives([Is(Warranty, Open), Advice(Manual), On(Some(Warranty))])
            .gives([Because(Some(Warranty), Why::DefectPresumed)]),
    ]
}

fn outbound() -> Vec<Row> {
    const STANDARD: Delivery = Delivery { paid: 490, standard: 490, of_the_rest: 0 };
    const EXPRESS: Delivery = Delivery { paid: 990, standard: 490, of_the_rest: 0 };
    const PART: Delivery = Delivery { paid: 490, standard: 490, of_the_rest: 290 };
    const NO_SAVING: Delivery = Delivery { paid: 490, standard: 490, of_the_rest: 690 };
    let day = "2026-08-10T10:00:00Z";
    vec![
        row("standard delivery", "BGB § 357(2) sentence 1", day)
            .gives([Refunds(Withdrawal, Outbound::Standard), Amount(Withdrawal, STANDARD, 490)]),
        row("express costs more", "BGB § 357(2) sentence 2", day).gives([Amount(Withdrawal, EXPRESS, 490)]),
        row("delivery was free", "BGB § 357(2)", day).gives([Amount(
            Withdrawal,
            Delivery { paid: 0, standard: 490, of_the_rest: 0 },
            0,
        )]),
        row("a part of the order", "BGB § 357(2)", day).with(|s| s.whole_order = false).gives([
            Refunds(Withdrawal, Outbound::Difference),
            Amount(Withdrawal, PART, 200),
            Amount(Withdrawal, NO_SAVING, 0),
        ]),
        row("a defect, by the shop's window", "BGB § 346(1)", day)
            .because(Reason::Damaged)
            .gives([Amount(ShopReturn, EXPRESS, 990), Amount(Warranty, EXPRESS, 990)]),
        row("without a reason, by the shop's window", "contract", day).gives([Amount(ShopReturn, EXPRESS, 0)]),
        row("a defect in a part of the order", "BGB § 346(1)", day)
            .because(Reason::Damaged)
            .with(|s| s.whole_order = false)
            .gives([Refunds(ShopReturn, Outbound::Difference), Amount(Warranty, PART, 200)]),
    ]
}

fn requests() -> Vec<Row> {
    let day = "2026-08-10T10:00:00Z";
    let later = "2026-09-10T10:00:00Z";
    vec![
        row("the order is unknown", "BGB § 355(1)", day).asked(|r| r.proven = false).gives([
            Advice(Manual),
            On(Some(Withdrawal)),
            Because(None, Why::OrderUnknown),
        ]),
        row("the order is known", "contract: conditions", day).gives([Because(None, Why::OrderKnown)]),
        row("the goods are not ours", "BGB § 433", day).asked(|r| r.original = Some(false)).gives([
            Advice(Rejected),
            On(None),
            Because(None, Why::NotOurProduct),
        ]),
        row("nobody has seen the goods", "contract: conditions", day)
            .asked(|r| r.original = None)
            .gives([Advice(Eligible), Because(None, Why::OriginUnseen)]),
        row("the purchase was not completed", "BGB § 355(1)", day).asked(|r| r.completed = false).gives([
            Advice(Eligible),
            On(Some(Withdrawal)),
            Because(Some(ShopReturn), Why::PurchaseNotCompleted),
            Because(Some(Warranty), Why::PurchaseNotCompleted),
        ]),
        row("the purchase was not completed, after fourteen days", "contract: conditions", later)
            .asked(|r| r.completed = false)
            .gives([Advice(Rejected), On(None)]),
        row("the policy wants a reason", "contract", later).shop(|p| p.returns.without_reason = false).gives([
            Advice(Rejected),
            On(None),
            Because(Some(ShopReturn), Why::ReasonNotAccepted),
        ]),
        row("the policy wants a reason, withdrawal does not", "BGB § 355(1) sentence 4", day)
            .shop(|p| p.returns.without_reason = false)
            .gives([Advice(Eligible), On(Some(Withdrawal)), Because(Some(ShopReturn), Why::ReasonNotAccepted)]),
        row("the policy wants a reason and has one", "contract", later)
            .shop(|p| p.returns.without_reason = false)
            .because(Reason::MissingAccessory)
            .gives([Advice(Eligible), On(Some(ShopReturn)), Because(Some(ShopReturn), Why::ReasonAccepted)]),
        row("the policy does not name the defect, the law does", "BGB §§ 437, 476(1)", later)
            .shop(|p| p.returns.reasons.clear())
            .shop(|p| p.returns.without_reason = false)
            .because(Reason::Damaged)
            .wants(Repair)
            .gives([Advice(Eligible), On(Some(Warranty)), Because(Some(ShopReturn), Why::ReasonNotAccepted)]),
        row("a lower price without a defect", "BGB § 441(1)", day)
            .wants(PriceReduction)
            .gives([Best(None), Advice(Rejected), On(None), Because(Some(Warranty), Why::NoDefectClaimed)])
            .gives([Because(Some(ShopReturn), Why::RemedyNotOffered)]),
        row("mended goods without a defect", "BGB § 434", day).wants(Repair).gives([
            Advice(Rejected),
            On(None),
            Because(Some(Warranty), Why::RemedyOffered),
        ]),
    ]
}

fn all() -> Vec<Row> {
    let themes = [
        withdrawals(),
        exclusions(),
        shop_returns(),
        carriage(),
        defects(),
        tails(),
        talks(),
        failed_cures(),
        guarantees(),
        deliveries(),
        outbound(),
        requests(),
    ];
    themes.into_iter().flatten().collect()
}

// F16, F18, N1, N4
#[test]
fn withdrawal_lasts_fourteen_days_from_the_last_parcel_and_rolls() {
    check(&withdrawals());
}

// F16
#[test]
fn excluded_articles_can_still_go_back_by_the_window_of_the_shop() {
    check(&exclusions());
}

// F16, F18, S45, S46, S47, S48, S49, S50, S51, S54
#[test]
fn the_shop_takes_goods_back_for_45_days_with_and_without_a_reason() {
    check(&shop_returns());
}

// F20, S52, S53, S54
#[test]
fn the_law_and_the_policy_say_who_pays_carriage() {
    check(&carriage());
}

// F16, S46
#[test]
fn a_defect_is_never_refused_because_of_the_45_days() {
    check(&defects());
}

// F18, N1
#[test]
fn a_late_defect_a_cure_and_a_repair_lengthen_the_warranty() {
    check(&tails());
}

// F18, N1
#[test]
fn negotiations_suspend_only_the_limitation() {
    check(&talks());
}

// F16
#[test]
fn failed_cure_gives_the_money_back_or_a_lower_price() {
    check(&failed_cures());
}

// F16
#[test]
fn a_guarantee_stands_beside_the_warranty_and_outlasts_it() {
    check(&guarantees());
}

// F16, N4
#[test]
fn an_assumed_delivery_never_ends_a_right() {
    check(&deliveries());
}

// F40
#[test]
fn each_right_gives_back_its_share_of_the_first_delivery() {
    check(&outbound());
}

// F19, S12, S13, S51
#[test]
fn a_request_is_weighed_on_every_track_by_itself() {
    check(&requests());
}

#[test]
fn the_table_has_at_least_sixty_situations_of_different_names() {
    let rows = all();
    assert!(rows.len() >= 60, "only {}", rows.len());
    assert!(rows.iter().all(|row| !row.norm.is_empty()));
    for theme in [withdrawals(), exclusions(), shop_returns(), defects(), tails(), requests()] {
        let mut names: Vec<&str> = theme.iter().map(|row| row.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), theme.len(), "{names:?}");
    }
}

// F19, S12, S13
#[test]
fn every_advice_has_its_reasons_and_no_open_defect_claim_is_rejected() {
    for row in all() {
        let told = format!("{} ({})", row.name, row.norm);
        for wish in [MoneyBack, Exchange, Repair, PriceReduction] {
            let request = Request { wish, ..row.request };
            let advice = assess(&row.policy, &row.situation, request).unwrap();
            for finding in &advice.findings {
                let said = finding.reason.words();
                assert!(!finding.basis.is_empty(), "{told}: {finding:?}");
                assert!(!said.de.is_empty() && !said.en.is_empty() && said.de != said.en, "{told}: {finding:?}");
            }
            if advice.verdict == Rejected {
                assert!(advice.track.is_none(), "{told}: {wish:?} rests on {:?}", advice.track);
                for weighed in &advice.tracks {
                    let track = weighed.right.track;
                    let mut here = advice.findings.iter().filter(|f| f.track.is_none_or(|t| t == track));
                    assert!(here.any(|f| f.reason.effect() == Rejected), "{told}: {wish:?} on {track:?}");
                }
            }
            let defect = matches!(
                row.situation.reason,
                Some(
                    Reason::QualityDefect
                        | Reason::NotAsDescribed
                        | Reason::MissingAccessory
                        | Reason::Damaged
                        | Reason::WrongDelivery
                        | Reason::WrongLabelling
                )
            );
            let open = advice.tracks.iter().any(|t| t.right.track == Warranty && t.right.is_open());
            if wish == Repair && defect && open && request.completed && request.original != Some(false) {
                assert_ne!(advice.verdict, Rejected, "{told}");
            }
        }
    }
}
