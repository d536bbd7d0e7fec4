//! Defects: the limitation with its tails, negotiations, failed cure, guarantees, and where two rules meet.

use super::*;

pub(super) fn defects() -> Vec<Row> {
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
        at("after two years", "BGB §§ 214(1), 438(1) no. 3", "2028-08-07T22:00:00Z")
            .shown("2028-04-01T10:00:00Z")
            .gives([
                Is(Warranty, Ended),
                Because(Some(Warranty), Why::TooLate),
                BestAny(None),
                Advice(Rejected),
                On(None),
            ]),
        at("the policy presumes for two years", "contract; BGB § 477(1)", "2027-10-01T10:00:00Z")
            .shop(|p| p.periods.get_mut(&RuleId::BurdenOfProof).unwrap().months = Some(24))
            .gives([Advice(Eligible), Because(Some(Warranty), Why::DefectPresumed)]),
        at("the policy gives three years", "contract; BGB § 476(1)", "2029-08-07T21:59:59Z")
            .shop(|p| p.periods.get_mut(&RuleId::Warranty).unwrap().months = Some(36))
            .gives([Ends(Warranty, "2029-08-07"), Is(Warranty, Open)]),
        // The right stands, but nothing is wrong with the goods.
        row("nothing is wrong with the goods after 45 days", "BGB § 434", "2026-12-01T10:00:00Z").gives([
            Is(Warranty, Open),
            Best(None),
            BestAny(None),
            Advice(Rejected),
            On(None),
        ]),
        at("received on a leap day", "BGB § 188(3)", "2028-03-10T10:00:00Z")
            .received("2028-02-29T10:00:00Z")
            .gives([Ends(Warranty, "2030-02-28"), Advice(Eligible)]),
    ]
}

pub(super) fn tails() -> Vec<Row> {
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
        row("the last instant of the four months", LATE, "2028-10-20T21:59:59Z")
            .shown("2028-06-20T10:00:00Z")
            .gives([Is(Warranty, Open)]),
        row("after the four months", LATE, "2028-10-20T22:00:00Z")
            .shown("2028-06-20T10:00:00Z")
            .gives([Is(Warranty, Ended), Because(Some(Warranty), Why::TooLate)]),
        row("after the two months", CURE, "2028-09-20T22:00:00Z")
            .because(Reason::QualityDefect)
            .cured(false, "2028-07-20T10:00:00Z")
            .gives([Is(Warranty, Ended), Advice(Rejected)]),
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

pub(super) fn talks() -> Vec<Row> {
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
        // The end lies behind the change of the clocks: midnight is an hour later in UTC.
        row("the last instant of the three months", "BGB § 203 sentence 2", "2028-10-31T22:59:59Z")
            .because(Reason::QualityDefect)
            .talks("2028-07-10T10:00:00Z", "2028-07-31T12:00:00Z")
            .gives([Is(Warranty, Open)]),
        row("after the three months", "BGB § 203 sentence 2", "2028-10-31T23:00:00Z")
            .shown("2028-06-01T10:00:00Z")
            .talks("2028-07-10T10:00:00Z", "2028-07-31T12:00:00Z")
            .gives([Is(Warranty, Ended)]),
        late("talks after the end revive nothing", "BGB §§ 203, 214(1)")
            .shown("2028-01-10T10:00:00Z")
            .talks("2028-08-09T10:00:00Z", "2028-08-12T10:00:00Z")
            .gives([Ends(Warranty, "2028-08-07"), Is(Warranty, Ended), Advice(Rejected)]),
        late("talks do not lengthen the shop's window", "contract; BGB § 203")
            .talks("2026-08-17T10:00:00Z", "2026-08-26T10:00:00Z")
            .gives([Ends(ShopReturn, "2026-09-21"), Ends(Withdrawal, "2026-08-21"), Ends(Warranty, "2028-08-17")]),
    ]
}

pub(super) fn failed_cures() -> Vec<Row> {
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

pub(super) fn guarantees() -> Vec<Row> {
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
        with("after the warranty", "BGB § 443(1)", "2028-09-01T10:00:00Z", Shop).shown("2028-04-01T10:00:00Z").gives([
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
            .gives([Is(Guarantee, NotYet), Because(Some(Guarantee), Why::DeliveryUnreported)]),
    ]
}

/// Where two rules meet, or something is not known: the better one for the customer holds, and a person looks.
pub(super) fn meetings() -> Vec<Row> {
    let defect = |name, norm, now| row(name, norm, now).because(Reason::QualityDefect).wants(Repair);
    vec![
        defect(
            "talks within the four months of a late defect",
            "BGB §§ 203 sentence 2, 475e(3)",
            "2028-12-15T10:00:00Z",
        )
        .shown("2028-07-20T10:00:00Z")
        .talks("2028-09-01T10:00:00Z", "2028-11-10T10:00:00Z")
        .gives([Ends(Warranty, "2029-02-10"), Is(Warranty, Open)]),
        defect("talks within the two months after a cure", "BGB §§ 203 sentence 2, 475e(4)", "2028-11-01T10:00:00Z")
            .cured(false, "2028-07-20T10:00:00Z")
            .talks("2028-08-15T10:00:00Z", "2028-09-19T10:00:00Z")
            .gives([Ends(Warranty, "2028-12-19"), Is(Warranty, Open)]),
        // It may have shown on the last day: nobody asked.
        defect("reported soon after two years, nobody knows when it showed", "BGB § 475e(3)", "2028-09-01T10:00:00Z")
            .gives([Advice(Manual), On(Some(Warranty))]),
        // Whoever complains of the goods has them.
        defect("a defect of goods whose delivery nobody reported", "BGB §§ 434, 437", "2026-08-10T10:00:00Z")
            .with(|s| s.received = Received::NotYet)
            .gives([Advice(Manual), On(Some(Warranty))]),
        row("other goods for those of the first parcel", "contract: 45 days", "2026-08-10T10:00:00Z")
            .with(|s| s.received = Received::Partly(at("2026-08-08T10:00:00Z")))
            .wants(Exchange)
            .gives([Advice(Manual), On(Some(ShopReturn))]),
        row(
            "what is to be mixed can be withdrawn from before the delivery",
            "BGB § 312g(2) no. 4",
            "2026-08-04T10:00:00Z",
        )
        .with(|s| (s.exclusion, s.received) = (Some(Exclusion::Mixed), Received::NotYet))
        .gives([Is(Withdrawal, Open), Advice(Eligible), On(Some(Withdrawal))]),
        row("excluded and too late: both are told", "BGB §§ 312g(2) no. 1, 355(2)", "2026-12-01T10:00:00Z")
            .with(|s| s.exclusion = Some(Exclusion::CustomMade))
            .gives([Because(Some(Withdrawal), Why::ExcludedByLaw), Because(Some(Withdrawal), Why::TooLate)]),
        row(
            "the seal is broken and it is too late: both are told",
            "BGB §§ 312g(2) no. 3, 355(2)",
            "2026-12-01T10:00:00Z",
        )
        .with(|s| (s.exclusion, s.unsealed) = (Some(Exclusion::HygieneSealed), Some(true)))
        .gives([Because(Some(Withdrawal), Why::ExcludedByLaw), Because(Some(Withdrawal), Why::TooLate)]),
        row(
            "who bears every return bears that of a withdrawal",
            "BGB §§ 357(5) sentence 2, 361(2)",
            "2026-08-10T10:00:00Z",
        )
        .shop(|p| p.freight.no_reason_return = Shop)
        .gives([Back(Withdrawal, Shop), Best(Some(Withdrawal))]),
        row("whoever was not instructed has no less time", "BGB §§ 356(3), 361(2)", "2027-09-01T10:00:00Z")
            .shop(|p| p.periods.get_mut(&RuleId::Withdrawal).unwrap().days = Some(400))
            .with(|s| s.instructed = false)
            .gives([Ends(Withdrawal, "2027-09-13"), Is(Withdrawal, Open)]),
        row("the statute wins a tie", "BGB § 361(2)", "2026-08-10T10:00:00Z")
            .shop(|p| p.periods.get_mut(&RuleId::Withdrawal).unwrap().days = Some(45))
            .because(Reason::Damaged)
            .with(|s| (s.told_return_cost, s.whole_order) = (false, false))
            .gives([Best(Some(Withdrawal))]),
    ]
}
