//! Who pays, what goes back, and how a request is weighed.

use super::*;

pub(super) fn carriage() -> Vec<Row> {
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
            .gives([Back(ShopReturn, Shop), Back(Withdrawal, Shop), Best(Some(Withdrawal)), On(Some(Withdrawal))]),
        row("the policy charges for the other goods", "contract", day)
            .shop(|p| p.freight.no_reason_exchange = Customer)
            .gives([Back(ShopReturn, Customer), Forth(ShopReturn, Customer)]),
        row("cure is free of charge both ways", "BGB § 439(2)", "2026-12-01T10:00:00Z")
            .because(Reason::Damaged)
            .gives([Back(Warranty, Shop), Forth(Warranty, Shop)]),
    ]
}

pub(super) fn outbound() -> Vec<Row> {
    const STANDARD: Delivery = Delivery { paid: 490, standard: 490, of_the_rest: 0 };
    const EXPRESS: Delivery = Delivery { paid: 990, standard: 490, of_the_rest: 0 };
    const PART: Delivery = Delivery { paid: 490, standard: 490, of_the_rest: 290 };
    const PART_EXPRESS: Delivery = Delivery { paid: 990, standard: 490, of_the_rest: 290 };
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
            Amount(Withdrawal, PART_EXPRESS, 200),
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

pub(super) fn requests() -> Vec<Row> {
    let day = "2026-08-10T10:00:00Z";
    let later = "2026-09-10T10:00:00Z";
    vec![
        row("the order is unknown", "BGB § 355(1)", day).asked(|r| r.proven = false).gives([
            Advice(Manual),
            On(Some(Withdrawal)),
            Because(None, Why::OrderUnknown),
        ]),
        row("the order is unknown, the goods are damaged", "BGB §§ 437, 476(1)", "2026-12-01T10:00:00Z")
            .asked(|r| r.proven = false)
            .because(Reason::Damaged)
            .wants(Repair)
            .gives([Advice(Manual), On(Some(Warranty)), Because(None, Why::OrderUnknown)]),
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
