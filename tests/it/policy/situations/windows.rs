//! Windows from the delivery: withdrawal, excluded articles, the 45 days of the shop, what has not arrived.

use super::*;

pub(super) fn withdrawals() -> Vec<Row> {
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
        row("without instruction the end rolls in Bavaria, too", "BGB §§ 193, 356(3)", "2028-01-07T22:59:59Z")
            .received("2026-12-23T10:00:00Z")
            .with(|s| (s.instructed, s.land) = (false, Some(Land::BY)))
            .gives([Ends(Withdrawal, "2028-01-07"), Is(Withdrawal, Open)]),
        row("without instruction it does not roll in Berlin", "BGB §§ 193, 356(3)", "2028-01-06T23:00:00Z")
            .received("2026-12-23T10:00:00Z")
            .with(|s| (s.instructed, s.land) = (false, Some(Land::BE)))
            .gives([Ends(Withdrawal, "2028-01-06"), Is(Withdrawal, Ended)]),
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

pub(super) fn exclusions() -> Vec<Row> {
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
        bare("mixed, nobody knows", "BGB § 312g(2) no. 4", early, Exclusion::Mixed)
            .gives([Is(Withdrawal, DependsOnSeal)]),
        bare("mixed after the delivery", "BGB § 312g(2) no. 4", early, Exclusion::Mixed)
            .with(|s| s.unsealed = Some(true))
            .gives([Is(Withdrawal, Excluded)]),
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

pub(super) fn shop_returns() -> Vec<Row> {
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

pub(super) fn deliveries() -> Vec<Row> {
    let assumed =
        |name, norm, now| row(name, norm, now).with(|s| s.received = Received::Estimated(at("2026-08-07T10:00:00Z")));
    let partly =
        |name, norm, now| row(name, norm, now).with(|s| s.received = Received::Partly(at("2026-08-08T10:00:00Z")));
    vec![
        row("other goods before the delivery", "contract; BGB § 446", "2026-08-04T10:00:00Z")
            .with(|s| s.received = Received::NotYet)
            .wants(Exchange)
            .gives([Is(ShopReturn, NotYet), Is(Warranty, NotYet), Advice(Rejected), On(None)])
            .gives([Because(Some(ShopReturn), Why::NotDelivered)]),
        row("two parcels nine days apart: the last one counts", "BGB § 356(2) no. 1 b", "2026-08-25T10:00:00Z")
            .received("2026-08-17T10:00:00Z")
            .gives([
                Ends(Withdrawal, "2026-08-31"),
                Ends(ShopReturn, "2026-10-01"),
                Ends(Warranty, "2028-08-17"),
                Is(Withdrawal, Open),
                On(Some(Withdrawal)),
            ]),
        partly("the second parcel is on its way", "BGB §§ 355(1), 356(2) no. 1 b", "2026-08-25T10:00:00Z").gives([
            Is(Withdrawal, Open),
            Is(ShopReturn, NotYet),
            Advice(Eligible),
            On(Some(Withdrawal)),
            Because(Some(Withdrawal), Why::BeforeDelivery),
        ]),
        partly("what the first parcel held is damaged", "BGB §§ 437, 438(2)", "2026-08-10T10:00:00Z")
            .because(Reason::Damaged)
            .wants(Repair)
            .gives([
                Is(Warranty, Open),
                Ends(Warranty, "2028-08-08"),
                Back(Warranty, Shop),
                Advice(Manual),
                On(Some(Warranty)),
                Because(Some(Warranty), Why::DeliveryAssumed),
            ]),
        partly("the second parcel never came", "BGB § 438(2)", "2029-06-01T10:00:00Z")
            .because(Reason::Damaged)
            .wants(Exchange)
            .gives([Is(Warranty, Open), Advice(Manual), On(Some(Warranty))]),
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
