//! Refunds: reckoned, granted, approved, paid, followed, traced. Never more than was captured, whatever happens at the same
//! moment.

use entity::proposals;
use entity::refunds::State;
use sea_orm::Iterable as _;
use serde_json::{Value, json};

use crate::on_both_engines;
use crate::support::money::{self, Bought, Parcel};
use crate::support::{App, days, life};

async fn claim(app: &App, number: &str) -> (life::Known, String) {
    let known = life::order(app, "max@example.com", number).await;
    life::delivered(app, &known).await;
    let customer = app.customer(&known.email).await;
    let case = life::open(&customer, "WARRANTY_CLAIM", Some(&known.order), "Defekt.").await;
    life::decide(app, &case, "ELIGIBLE").await;
    (known, case)
}

fn amount(case: &str, minor: i64) -> Value {
    json!({ "caseId": case, "amount": { "amountMinor": minor, "currency": "EUR" } })
}

/// A withdrawal with its statement on an order with two lines and express delivery.
async fn withdrawal(app: &App, number: &str) -> (Bought, String) {
    let bought = money::order(app, number, &[(2, 5000, 1900), (1, 1070, 700)], Some((990, 490))).await;
    let case = money::case(app, &bought, "WITHDRAWAL").await;
    money::withdrawn(app, &bought, &case).await;
    (bought, case)
}

fn lines(bought: &Bought, units: &[(usize, i32)]) -> String {
    let line = |(line, n): &(usize, i32)| format!("{{orderLineId: \"{}\", quantity: {n}}}", bought.lines[*line]);
    format!("lines: [{}]", units.iter().map(line).collect::<Vec<_>>().join(", "))
}

fn line_input(bought: &Bought, units: &[(usize, i32)]) -> Value {
    units.iter().map(|(line, n)| json!({ "orderLineId": bought.lines[*line], "quantity": n })).collect()
}

fn minor(value: &Value) -> i64 {
    value["amountMinor"].as_i64().unwrap()
}

fn codes(errors: &Value) -> Vec<&str> {
    errors.as_array().unwrap().iter().map(|e| e["code"].as_str().unwrap()).collect()
}

fn detail<'a>(error: &'a Value, name: &str) -> &'a str {
    let found = error["details"].as_array().unwrap().iter().find(|d| d["name"] == name);
    found.unwrap_or_else(|| panic!("{name} in {error}"))["value"].as_str().unwrap()
}

async fn refused(app: &App, mutation: &str, refund: &str) -> (String, Value) {
    app.finance().await.refused(mutation, "RefundStepInput", json!({ "refundId": refund })).await
}

/// Which states each step starts from.
const TABLE: &[(&str, &str)] = &[
    ("refundApprove", "GRANTED"),
    ("refundSubmit", "GRANTED ALTERNATIVE_AGREED"),
    ("refundAcknowledge", "SUBMITTED"),
    ("refundInquire", "SUBMITTED PENDING_AT_PROVIDER OVERDUE CREDITED"),
    ("refundCredit", "SUBMITTED PENDING_AT_PROVIDER OVERDUE CLARIFICATION"),
    ("refundFail", "GRANTED SUBMITTED PENDING_AT_PROVIDER OVERDUE CLARIFICATION CREDITED ALTERNATIVE_AGREED"),
    ("refundAgreeAlternative", "FAILED"),
];

async fn attempt(app: &App, mutation: &str, refund: &str) -> Value {
    let (input, kind) = match mutation {
        "refundInquire" => (json!({ "refundId": refund, "text": "Wo?" }), "RefundInquireInput"),
        "refundAgreeAlternative" => (json!({ "refundId": refund, "consent": "Ja." }), "RefundAgreeAlternativeInput"),
        "refundSubmit" => (json!({ "refundId": refund, "means": "ORIGINAL" }), "RefundStepInput"),
        _ => (json!({ "refundId": refund }), "RefundStepInput"),
    };
    app.finance().await.mutate(mutation, kind, input, "refund { state }").await
}

on_both_engines! {
    /// F29: a preview tells lines, tax, delivery and ceiling with words and norms, and writes nothing.
    async fn a_preview_explains_itself_and_writes_nothing(app) {
        let (bought, case) = withdrawal(app, "D-1").await;
        let agent = app.agent().await;
        let before = app.counts().await;
        let all = lines(&bought, &[(0, 2), (1, 1)]);
        let found = money::preview(&agent, &case, &all).await;
        assert_eq!(found["userErrors"], json!([]));
        let c = &found["calculation"];
        // 100.00 + 10.70 + 4.90 of 9.90 for delivery: express stays with the customer (BGB § 357(2)).
        assert_eq!((minor(&c["total"]), minor(&c["ceiling"]), &c["ceilingReason"]), (11560, 12060, &json!("CAPTURED")));
        let tax: Vec<_> = c["tax"].as_array().unwrap().iter()
            .map(|t| (t["taxBasisPoints"].as_i64().unwrap(), minor(&t["net"]), minor(&t["tax"]), minor(&t["gross"]))).collect();
        assert_eq!(tax, [(700, 1000, 70, 1070), (1900, 8815, 1675, 10490)]);
        let steps = c["steps"].as_array().unwrap();
        assert_eq!(steps.iter().map(|s| minor(&s["amount"])).sum::<i64>(), 11560);
        assert!(steps.iter().all(|s| !s["what"].as_str().unwrap().is_empty() && !s["norm"].as_str().unwrap().is_empty()));
        assert_eq!(c["lines"][0]["orderLineId"], bought.lines[0].as_str());
        assert!(c["notes"].as_array().unwrap().iter().any(|n| n["code"] == "ORIGINAL_MEANS" && n["norm"] == "BGB § 357(3)"));

        // Part of the order: delivery goes back only as far as the rest would have cost less.
        for (rest, total, shipping) in [("", 5000, None), (", standardForRestMinor: 290", 5200, Some(200))] {
            let found = money::preview(&agent, &case, &format!("{}{rest}", lines(&bought, &[(0, 1)]))).await;
            let c = &found["calculation"];
            assert_eq!(minor(&c["total"]), total, "{found}");
            assert_eq!(c["shipping"].is_null().then_some(()).map_or_else(|| Some(minor(&c["shipping"]["gross"])), |()| None), shipping);
        }
        // Loss of value, on one line.
        let deduction = format!("{all}, deduction: {{amountMinor: 1000, reason: USE_BEYOND_TESTING, evidence: true, orderLineId: \"{}\"}}", bought.lines[0]);
        let c = money::preview(&agent, &case, &deduction).await["calculation"].clone();
        assert_eq!((minor(&c["total"]), minor(&c["deduction"])), (10560, 1000));

        // All faults at once, each at its place.
        let wrong = "deduction: {amountMinor: 99999, reason: DAMAGE, evidence: false}, priceReduction: 99999";
        let found = money::preview(&agent, &case, &format!("{}, {wrong}", lines(&bought, &[(0, 3), (1, 1)]))).await;
        assert!(found["calculation"].is_null());
        let errors = found["userErrors"].as_array().unwrap();
        let faults: Vec<&str> = errors.iter().map(|e| detail(e, "fault")).collect();
        for fault in ["QUANTITY_ABOVE_LEFT", "REDUCTION_WITHOUT_DEFECT", "DEDUCTION_WITHOUT_EVIDENCE", "DEDUCTION_ABOVE_GOODS"] {
            assert!(faults.contains(&fault), "{fault} in {faults:?}");
        }
        let above = errors.iter().find(|e| e["code"] == "TOO_LARGE").unwrap();
        assert_eq!((&above["field"], detail(above, "maximum")), (&json!(["lines", "0", "quantity"]), "2"));
        let found = money::preview(&agent, &case, "lines: []").await;
        assert_eq!((codes(&found["userErrors"]), &found["userErrors"][0]["field"]), (vec!["REQUIRED"], &json!(["lines"])));
        assert_eq!(app.counts().await, before);
    }

    /// F29, F34, F40: what was granted for goods is kept as it was reckoned and counts in what follows; delivery goes back
    /// once, a unit goes back once.
    async fn parts_add_up_to_the_order(app) {
        let (bought, case) = withdrawal(app, "D-2").await;
        let finance = app.finance().await;
        let selection = "refund { id kind means amount { amountMinor } calculation { total { amountMinor } lines { quantity } steps { code norm } } }";
        let grant = |units: &[(usize, i32)]| json!({ "caseId": case, "lines": line_input(&bought, units) });
        let first = finance.done("refundGrant", "RefundGrantInput", grant(&[(0, 1)]), selection).await["refund"].clone();
        assert_eq!((minor(&first["amount"]), &first["kind"], &first["means"]), (5000, &json!("GOODS"), &json!("ORIGINAL")));
        assert_eq!((minor(&first["calculation"]["total"]), &first["calculation"]["lines"][0]["quantity"]), (5000, &json!(1)));
        let (code, error) = finance.refused("refundGrant", "RefundGrantInput", grant(&[(0, 2)])).await;
        assert_eq!((code.as_str(), detail(&error, "maximum")), ("TOO_LARGE", "1"));
        let rest = finance.done("refundGrant", "RefundGrantInput", grant(&[(0, 1), (1, 1)]), selection).await["refund"].clone();
        assert_eq!(minor(&rest["amount"]), 5000 + 1070 + 490, "with the last of it, the standard delivery goes back");
        let stored = aftersales::db::rows(app.state.db.write(), "SELECT calculation FROM refunds", []).await.unwrap();
        assert!(stored.iter().all(|row| !row.try_get_by_index::<String>(0).unwrap().contains("Muster")));
        // What fails is free again.
        life::step(app, "refundFail", first["id"].as_str().unwrap()).await;
        finance.done("refundGrant", "RefundGrantInput", grant(&[(0, 1)]), selection).await;
        assert_eq!(app.count("cases", "state = 'RECEIVED'").await, 1, "paying early is no step of the case");
    }

    /// F39: a deduction has its own text to the customer, and an amount is either plain or reckoned.
    async fn a_deduction_is_told(app) {
        let (bought, case) = withdrawal(app, "D-3").await;
        let finance = app.finance().await;
        let deduction = json!({ "amountMinor": 500, "reason": "DAMAGE", "evidence": true });
        let mut input = json!({ "caseId": case, "lines": line_input(&bought, &[(0, 2)]), "deduction": deduction });
        let (code, error) = finance.refused("refundGrant", "RefundGrantInput", input.clone()).await;
        assert_eq!((code.as_str(), &error["field"]), ("REQUIRED", &json!(["input", "deductionText"])));
        input["deductionText"] = json!("Der Deckel ist zerkratzt.");
        finance.done("refundGrant", "RefundGrantInput", input.clone(), "refund { id }").await;
        let query = "query($id: ID!) { serviceCase(id: $id) { messages { nodes { form body } } } }";
        let seen = app.customer(&bought.known.email).await.data(query, json!({ "id": case })).await;
        let messages = seen["serviceCase"]["messages"]["nodes"].as_array().unwrap();
        assert!(messages.iter().any(|m| m["form"] == "DECISION" && m["body"] == "Der Deckel ist zerkratzt."), "{seen}");
        input["amount"] = json!({ "amountMinor": 1, "currency": "EUR" });
        assert_eq!(finance.refused("refundGrant", "RefundGrantInput", input).await.0, "INVALID");
        assert_eq!(finance.refused("refundGrant", "RefundGrantInput", json!({ "caseId": case })).await.0, "REQUIRED");
    }

    /// F34: where goods have to come back, no more is refunded than came back is worth, whichever way it is granted.
    async fn what_came_back_is_the_ceiling(app) {
        let bought = money::order(app, "D-4", &[(2, 5000, 1900)], None).await;
        let case = money::case(app, &bought, "RETURN").await;
        money::came_back(app, &bought, &case, Parcel { dispatched: true, received: true }, &[(0, 2, Some(1))]).await;
        money::set_case(app, &case, "state = 'PARTIALLY_ELIGIBLE', outcome = 'PARTIALLY_ELIGIBLE', legal_basis = 'SHOP_RETURN', reason = 'NO_REASON'").await;
        let finance = app.finance().await;
        let found = money::preview(&finance, &case, &lines(&bought, &[(0, 2)])).await;
        assert_eq!(codes(&found["userErrors"]), ["AMOUNT_EXCEEDS_RETURNED"]);
        assert_eq!(detail(&found["userErrors"][0], "largestAmountMinor"), "5000");
        let c = money::preview(&finance, &case, &lines(&bought, &[(0, 1)])).await["calculation"].clone();
        assert_eq!((minor(&c["ceiling"]), &c["ceilingReason"]), (5000, &json!("GOODS_RETURNED")));
        let (code, error) = finance.refused("refundGrant", "RefundGrantInput", amount(&case, 5001)).await;
        assert_eq!((code.as_str(), detail(&error, "largestAmountMinor")), ("AMOUNT_EXCEEDS_RETURNED", "5000"));
        finance.done("refundGrant", "RefundGrantInput", amount(&case, 1000), "refund { id }").await;
        assert_eq!(app.count("cases", "state = 'REFUND'").await, 1);
        // A plain amount counts against the goods.
        let input = json!({ "caseId": case, "lines": line_input(&bought, &[(0, 1)]) });
        let (code, error) = finance.refused("refundGrant", "RefundGrantInput", input).await;
        assert_eq!((code.as_str(), detail(&error, "largestAmountMinor")), ("AMOUNT_EXCEEDS_RETURNED", "4000"));
        finance.done("refundGrant", "RefundGrantInput", amount(&case, 4000), "refund { kind }").await;
        assert_eq!(finance.refused("refundGrant", "RefundGrantInput", amount(&case, 1)).await.0, "AMOUNT_EXCEEDS_RETURNED");
    }

    /// F38, 4.1: a withdrawal is paid without an inspection; proof of dispatch is enough, and so is what came, in whatever
    /// state; paying before either is the shop's choice.
    async fn an_inspection_never_gates_a_withdrawal(app) {
        for (number, parcel, units, most) in [
            ("D-5", Parcel { dispatched: true, received: false }, None, 12060),
            ("D-6", Parcel { dispatched: false, received: true }, Some(0), 5000),
            ("D-7", Parcel { dispatched: false, received: false }, None, 12060),
        ] {
            let (bought, case) = withdrawal(app, number).await;
            money::came_back(app, &bought, &case, parcel, &[(0, 1, units)]).await;
            money::set_case(app, &case, "state = 'INSPECTING'").await;
            let finance = app.finance().await;
            let (_, error) = finance.refused("refundGrant", "RefundGrantInput", amount(&case, 12061)).await;
            assert_eq!(detail(&error, "largestAmountMinor"), most.to_string(), "{number}");
            let input = json!({ "caseId": case, "lines": line_input(&bought, &[(0, 1)]) });
            finance.done("refundGrant", "RefundGrantInput", input, "refund { id }").await;
        }
        assert_eq!(app.count("cases", "state = 'INSPECTING'").await, 3);
    }

    /// F33: sixteen grants of 20.00 at once on 119.90: five fit, with the rest refused and told what is left.
    async fn sixteen_at_once_never_pass_the_ceiling(app) {
        let (_, case) = claim(app, "D-8").await;
        let finance = app.finance().await;
        let grants = (0..16).map(|_| finance.mutate("refundGrant", "RefundGrantInput", amount(&case, 2000), "refund { id }"));
        let done = futures::future::join_all(grants).await;
        let granted = done.iter().filter(|p| !p["refund"].is_null()).count();
        assert_eq!(granted, 5);
        let refused = done.iter().find(|p| p["refund"].is_null()).unwrap();
        assert_eq!(refused["userErrors"][0]["code"], "AMOUNT_EXCEEDS_CAPTURED");
        assert_eq!(app.count("refunds", "1 = 1").await, 5);
    }

    /// F33: the same with goods, two cases on one order at once: the units are refunded once.
    async fn sixteen_at_once_refund_a_unit_once(app) {
        let bought = money::order(app, "D-9", &[(3, 5000, 1900)], Some((490, 490))).await;
        let mut cases = Vec::new();
        for _ in 0..2 {
            let case = money::case(app, &bought, "WARRANTY_CLAIM").await;
            life::decide(app, &case, "ELIGIBLE").await;
            cases.push(case);
        }
        let finance = app.finance().await;
        let grants = (0..16).map(|n| {
            let input = json!({ "caseId": cases[n % 2], "lines": line_input(&bought, &[(0, 1)]) });
            finance.mutate("refundGrant", "RefundGrantInput", input, "refund { amount { amountMinor } }")
        });
        let done = futures::future::join_all(grants).await;
        let mut amounts: Vec<i64> = done.iter().filter(|p| !p["refund"].is_null()).map(|p| minor(&p["refund"]["amount"])).collect();
        amounts.sort_unstable();
        assert_eq!(amounts, [5000, 5000, 5490], "delivery goes back with the last unit");
    }

    /// F32: the same key sixteen times at once grants once.
    async fn one_key_grants_once(app) {
        let (_, case) = claim(app, "D-10").await;
        let finance = app.finance().await;
        let mut input = amount(&case, 100);
        input["idempotencyKey"] = json!("the-same");
        let grants = (0..16).map(|_| finance.done("refundGrant", "RefundGrantInput", input.clone(), "refund { id }"));
        let done = futures::future::join_all(grants).await;
        assert!(done.iter().all(|p| p["refund"]["id"] == done[0]["refund"]["id"]));
        assert_eq!(app.count("refunds", "1 = 1").await, 1);
    }

    /// F30, F36: the way of a refund; every other step is refused and names the legal ones.
    async fn a_refund_goes_its_way(app) {
        let (_, case) = claim(app, "D-11").await;
        let refund = life::grant(app, &case, 11990).await;
        let step = json!({ "refundId": refund });
        let finance = app.finance().await;
        let (code, error) = refused(app, "refundCredit", &refund).await;
        assert_eq!(code, "TRANSITION_NOT_ALLOWED");
        assert_eq!(detail(&error, "state"), "GRANTED");
        assert_eq!(detail(&error, "possibleIn"), "SUBMITTED, PENDING_AT_PROVIDER, OVERDUE, CLARIFICATION");
        assert_eq!(detail(&error, "legalTransitions"), "refundApprove, refundSubmit, refundFail");
        let done = finance.done("refundSubmit", "RefundStepInput", json!({ "refundId": refund, "reference": "ARN-1" }),
            "refund { state stateLabel reference submittedAt means serviceCase { waitingFor } }").await;
        assert_eq!(done["refund"]["state"], "SUBMITTED");
        assert_eq!((&done["refund"]["reference"], &done["refund"]["means"]), (&json!("ARN-1"), &json!("ORIGINAL")));
        assert_eq!(done["refund"]["serviceCase"]["waitingFor"], "BANK");
        assert_eq!(money::step(app, "refundAcknowledge", &refund, json!({})).await["state"], "PENDING_AT_PROVIDER");
        finance.done("refundCredit", "RefundStepInput", step.clone(), "refund { state }").await;
        // The bank sends it back: it fails after all, and the amount can be granted again.
        finance.done("refundFail", "RefundStepInput", step.clone(), "refund { state }").await;
        assert_eq!(app.count("tasks", "kind = 'REFUND_FAILED' AND done_at IS NULL").await, 1);
        assert_eq!(refused(app, "refundSubmit", &refund).await.0, "TRANSITION_NOT_ALLOWED");
        life::grant(app, &case, 11990).await;
        assert_eq!(app.count("cases", "state = 'REFUND' AND waiting_for = 'SHOP'").await, 1);
    }

    /// F36: each step from each state: allowed exactly where the table says so.
    async fn the_whole_machine(app) {
        let bought = money::order(app, "D-12", &[(1, 11990, 1900)], None).await;
        let case = money::case(app, &bought, "WARRANTY_CLAIM").await;
        life::decide(app, &case, "ELIGIBLE").await;
        let agent = app.agent().await;
        let mut wrong = Vec::new();
        for (mutation, from) in TABLE {
            for state in State::iter() {
                let done = agent.done("refundGrant", "RefundGrantInput", amount(&case, 1), "refund { id }").await;
                let refund = done["refund"]["id"].as_str().unwrap();
                let sql = "UPDATE refunds SET state = $1, submitted_at = granted_at WHERE id = $2";
                let values = [state.code().into(), life::row(refund).into()];
                aftersales::db::run(app.state.db.write(), sql, values).await.unwrap();
                let answer = attempt(app, mutation, refund).await;
                let legal = from.split(' ').any(|code| code == state.code());
                let fine = match answer["userErrors"].as_array().unwrap().as_slice() {
                    [] => legal,
                    [error] => {
                        !legal && error["code"] == "TRANSITION_NOT_ALLOWED"
                            && detail(error, "possibleIn").replace(',', "") == *from
                            && !detail(error, "legalTransitions").split(", ").any(|m| m == *mutation)
                    }
                    _ => false,
                };
                if !fine {
                    wrong.push(format!("{mutation} from {}: {answer}", state.code()));
                }
            }
        }
        assert_eq!(wrong, Vec::<String>::new());
    }

    /// F31: above the policy's amount somebody else in finance approves; the one who granted it never does.
    async fn four_eyes_above_the_amount(app) {
        let bought = money::order(app, "D-13", &[(1, 100_001, 1900)], None).await;
        let case = money::case(app, &bought, "WARRANTY_CLAIM").await;
        life::decide(app, &case, "ELIGIBLE").await;
        let at_the_limit = life::grant(app, &case, 50_000).await;
        life::step(app, "refundSubmit", &at_the_limit).await;
        assert_eq!(app.count("tasks", "kind = 'APPROVE_REFUND'").await, 0);

        // A large refund is not made small by paying it in parts.
        let part = life::grant(app, &case, 1).await;
        assert_eq!(refused(app, "refundSubmit", &part).await.0, "APPROVAL_NEEDED");
        life::step(app, "refundFail", &part).await;
        assert_eq!(app.count("tasks", "kind = 'APPROVE_REFUND' AND done_at IS NULL").await, 0);

        let refund = life::grant(app, &case, 50_001).await;
        let query = "query($id: ID!) { refund(id: $id) { approvalNeeded approvedAt } }";
        let finance = app.finance().await;
        assert_eq!(finance.data(query, json!({ "id": refund })).await["refund"], json!({ "approvalNeeded": true, "approvedAt": null }));
        assert_eq!(app.count("tasks", "kind = 'APPROVE_REFUND' AND done_at IS NULL").await, 1);
        let (code, error) = refused(app, "refundSubmit", &refund).await;
        assert_eq!((code.as_str(), detail(&error, "approvalAboveMinor")), ("APPROVAL_NEEDED", "50000"));
        assert_eq!(refused(app, "refundApprove", &refund).await.0, "SAME_PERSON");
        let second = money::second_finance(app).await;
        let step = json!({ "refundId": refund });
        let done = second.done("refundApprove", "RefundStepInput", step.clone(), "refund { state approvedAt }").await;
        assert_eq!((&done["refund"]["state"], done["refund"]["approvedAt"].is_string()), (&json!("GRANTED"), true));
        assert_eq!(app.count("tasks", "kind = 'APPROVE_REFUND' AND done_at IS NULL").await, 0);
        assert_eq!(second.refused("refundApprove", "RefundStepInput", step).await.0, "ALREADY_EXISTS");
        life::step(app, "refundSubmit", &refund).await;
    }

    /// S58, S59, F35: the means of the payment, until they have failed and the customer has agreed to others.
    async fn other_means_need_consent(app) {
        let (_, case) = claim(app, "D-14").await;
        let refund = life::grant(app, &case, 5000).await;
        let transfer = json!({ "refundId": refund, "means": "BANK_TRANSFER", "reference": "Überweisung 17" });
        let finance = app.finance().await;
        let (code, error) = finance.refused("refundSubmit", "RefundStepInput", transfer.clone()).await;
        assert_eq!((code.as_str(), &error["field"]), ("CONSENT_NEEDED", &json!(["input", "means"])));
        assert_eq!(money::step(app, "refundSubmit", &refund, json!({})).await["means"], "ORIGINAL");
        life::step(app, "refundFail", &refund).await;
        money::agree(app, &refund).await;
        assert_eq!(app.count("consents", "kind = 'OTHER_PAYMENT_MEANS' AND start_at = given_at AND unit_id IS NOT NULL").await, 1);
        assert_eq!(app.count("tasks", "kind = 'REFUND_FAILED' AND done_at IS NULL").await, 0);
        app.advance(days(2));
        let finance = app.finance().await;
        let done = finance.done("refundSubmit", "RefundStepInput", transfer, "refund { state means reference }").await;
        assert_eq!(done["refund"], json!({ "state": "SUBMITTED", "means": "BANK_TRANSFER", "reference": "Überweisung 17" }));
        assert_eq!(app.count("consents", "start_at > given_at").await, 1, "its period counts from its last use");
        // Each failure asks again.
        life::step(app, "refundFail", &refund).await;
        assert_eq!(refused(app, "refundSubmit", &refund).await.0, "TRANSITION_NOT_ALLOWED");
        // What has failed was free for others; once promised, it is not there twice.
        life::grant(app, &case, 11990).await;
        let input = json!({ "refundId": refund, "consent": "Ja." });
        assert_eq!(finance.refused("refundAgreeAlternative", "RefundAgreeAlternativeInput", input).await.0, "AMOUNT_EXCEEDS_CAPTURED");
    }

    /// F35: a refund that was withdrawn before it was sent has not failed.
    async fn only_a_failure_opens_other_means(app) {
        let (_, case) = claim(app, "D-15").await;
        let refund = life::grant(app, &case, 5000).await;
        life::step(app, "refundFail", &refund).await;
        assert_eq!(app.count("tasks", "kind = 'REFUND_FAILED'").await, 0);
        let input = json!({ "refundId": refund, "consent": "Ja." });
        let refused = app.finance().await.refused("refundAgreeAlternative", "RefundAgreeAlternativeInput", input).await;
        assert_eq!((refused.0.as_str(), detail(&refused.1, "missing")), ("TRANSITION_NOT_ALLOWED", "submittedAt"));
    }

    /// S61, F37: after fifteen Werktage without a credit the job marks it, once; a credit ends it.
    async fn what_does_not_arrive_is_overdue(app) {
        let (_, case) = claim(app, "D-16").await;
        let refund = life::grant(app, &case, 5000).await;
        life::step(app, "refundSubmit", &refund).await;
        app.at("2014-03-27T22:59:59Z");
        assert_eq!(app.run_job("timers").await["refundsOverdue"], 0);
        app.at("2014-03-27T23:00:00Z");
        assert_eq!(app.run_job("timers").await["refundsOverdue"], 1);
        assert_eq!(app.run_job("timers").await["refundsOverdue"], 0);
        assert_eq!(app.count("refunds", "state = 'OVERDUE'").await, 1);
        assert_eq!(app.count("tasks", "kind = 'REFUND_NOT_CREDITED' AND done_at IS NULL").await, 1);
        assert_eq!(app.count("audit_entries", "action = 'refund.advance' AND actor_kind = 'SYSTEM'").await, 1);
        // A second submission has fifteen Werktage of its own.
        life::step(app, "refundFail", &refund).await;
        money::agree(app, &refund).await;
        life::step(app, "refundSubmit", &refund).await;
        app.run_job("timers").await;
        assert_eq!(app.count("refunds", "state = 'SUBMITTED'").await, 1);
        life::step(app, "refundCredit", &refund).await;
        assert_eq!(app.count("tasks", "kind = 'REFUND_NOT_CREDITED' AND done_at IS NULL").await, 0);
    }

    /// S61, S62: asked too early, it is refused with the day; then it is traced, and the customer sees what concerns them.
    async fn an_inquiry_is_answered_with_a_log(app) {
        let (known, case) = claim(app, "D-17").await;
        let refund = life::grant(app, &case, 5000).await;
        life::step(app, "refundSubmit", &refund).await;
        let customer = app.customer(&known.email).await;
        let ask = json!({ "refundId": refund, "text": "Es ist nichts angekommen." });
        let (code, error) = customer.refused("refundInquire", "RefundInquireInput", ask.clone()).await;
        assert_eq!((code.as_str(), detail(&error, "lastDay"), detail(&error, "possibleFrom")),
            ("TOO_EARLY", "2014-03-27", "2014-03-27T23:00:00+00:00"));
        app.at("2014-03-28T09:00:00Z");
        app.run_job("timers").await;
        let customer = app.customer(&known.email).await;
        let done = customer.done("refundInquire", "RefundInquireInput", ask.clone(), "refund { state stateLabel }").await;
        assert_eq!(done["refund"]["state"], "CLARIFICATION");
        assert_eq!(app.count("tasks", "kind = 'REFUND_NOT_CREDITED' AND done_at IS NULL").await, 1, "not twice");
        assert_eq!(customer.refused("refundInquire", "RefundInquireInput", ask).await.0, "TRANSITION_NOT_ALLOWED");

        let agent = app.agent().await;
        let selection = "entry { party arn } warnings { name value }";
        for (party, arn, odd) in [("PROVIDER", "74987500000000000000001", 0), ("BANK", "RRN 123", 1), ("SHOP", "", 0)] {
            app.advance(chrono::TimeDelta::seconds(1));
            let input = json!({ "refundId": refund, "party": party, "text": format!("Mit {party} gesprochen."), "arn": arn });
            let done = agent.done("refundInquiryNote", "RefundInquiryNoteInput", input, selection).await;
            assert_eq!(done["warnings"].as_array().unwrap().len(), odd, "{done}");
        }
        let query = "query($id: ID!) { refund(id: $id) { inquiry { party text arn author } } }";
        for (caller, parties) in [(&customer, vec!["CUSTOMER", "PROVIDER", "BANK"]), (&agent, vec!["CUSTOMER", "PROVIDER", "BANK", "SHOP"])] {
            let found = caller.data(query, json!({ "id": refund })).await;
            let log = found["refund"]["inquiry"].as_array().unwrap().clone();
            assert_eq!(log.iter().map(|e| e["party"].as_str().unwrap()).collect::<Vec<_>>(), parties);
            assert_eq!((&log[0]["text"], &log[0]["author"]), (&json!("Es ist nichts angekommen."), &json!("CUSTOMER")));
            assert_eq!(log[1]["arn"], "74987500000000000000001");
        }
        assert_eq!(app.count("inquiry_entries", "start_at = at").await, 4);
        life::step(app, "refundCredit", &refund).await;
        assert_eq!(app.count("tasks", "kind = 'REFUND_NOT_CREDITED' AND done_at IS NULL").await, 0);
    }

    /// S61: a customer may ask after a case was closed; nothing is reopened by that, and what is filed ends with the case.
    async fn an_inquiry_after_closing_reopens_nothing(app) {
        let (known, case) = claim(app, "D-18").await;
        let refund = life::refunded(app, &case, 11990).await;
        life::close(app, &case).await;
        app.at("2014-04-01T09:00:00Z");
        let customer = app.customer(&known.email).await;
        let ask = json!({ "refundId": refund, "text": "Auf dem Konto ist nichts." });
        customer.done("refundInquire", "RefundInquireInput", ask, "refund { state }").await;
        assert_eq!(app.count("cases", "state = 'CLOSED'").await, 1);
        assert_eq!(app.count("tasks", "kind = 'REFUND_NOT_CREDITED' AND done_at IS NULL AND start_at IS NOT NULL").await, 1);
        // It is found to have bounced: now it is owed again.
        life::step(app, "refundFail", &refund).await;
        assert_eq!(app.count("cases", "state = 'REFUND'").await, 1);
    }

    /// R10, R03: consent and log have their own periods, outlive an erasure as long as these last, and leave no key behind.
    async fn consent_and_log_go_when_their_periods_end(app) {
        let (known, case) = claim(app, "D-25").await;
        let refund = life::grant(app, &case, 5000).await;
        life::step(app, "refundSubmit", &refund).await;
        let note = json!({ "refundId": refund, "party": "BANK", "text": "Konto geschlossen." });
        app.agent().await.done("refundInquiryNote", "RefundInquiryNoteInput", note, "entry { id }").await;
        life::step(app, "refundFail", &refund).await;
        money::agree(app, &refund).await;
        life::step(app, "refundSubmit", &refund).await;
        life::step(app, "refundCredit", &refund).await;
        life::close(app, &case).await;
        let input = json!({ "customerId": known.customer });
        app.dpo().await.done("subjectErase", "SubjectEraseInput", input, "erasure { state }").await;
        let left = async || {
            (app.count("consents", "1 = 1").await, app.count("inquiry_entries", "1 = 1").await, app.count("refunds", "1 = 1").await)
        };
        // Year's end and three years for the consent, six for the letter, eight for the voucher.
        for (at, rows) in [
            ("2017-12-31T22:00:00Z", (1, 1, 1)), ("2018-01-01T12:00:00Z", (0, 1, 1)),
            ("2021-01-01T12:00:00Z", (0, 0, 1)), ("2023-01-01T12:00:00Z", (0, 0, 0)),
        ] {
            app.at(at);
            app.run_job("retention").await;
            assert_eq!(left().await, rows, "{at}");
        }
        let keys = aftersales::db::rows(app.state.keys.db().read(), "SELECT 1 FROM units", []).await.unwrap();
        assert_eq!(keys.len(), 0);
    }

    /// S57, F38: fourteen days by law, ten by the shop's target, and the bank's estimate stand side by side.
    async fn three_dates_are_told_apart(app) {
        let (_, case) = withdrawal(app, "D-19").await;
        let refund = life::grant(app, &case, 1000).await;
        life::step(app, "refundSubmit", &refund).await;
        let query = "query($id: ID!) { refund(id: $id) { dueBy { endsOn source } submitBy creditExpected { earliest endsOn } } }";
        let found = app.finance().await.data(query, json!({ "id": refund })).await["refund"].clone();
        assert_eq!(found["dueBy"], json!({ "endsOn": "2014-03-24", "source": "BGB §§ 355(3), 357(1)" }));
        assert_eq!(found["submitBy"], "2014-03-20");
        assert_eq!(found["creditExpected"], json!({ "earliest": "2014-03-21", "endsOn": "2014-03-27" }));
        let (_, other) = claim(app, "D-20").await;
        let refund = life::grant(app, &other, 1000).await;
        let found = app.finance().await.data(query, json!({ "id": refund })).await["refund"].clone();
        assert_eq!((&found["dueBy"], &found["submitBy"]), (&Value::Null, &Value::Null));
    }

    /// F33: what the issuer takes back is not refunded as well; it is lowered only with a reason.
    async fn a_chargeback_lowers_the_ceiling(app) {
        let (known, case) = claim(app, "D-21").await;
        let charged = |minor: i64| json!({ "orderNumber": known.number, "chargedBack": { "amountMinor": minor, "currency": "EUR" } });
        let shop = app.shop();
        let selection = "order { chargedBack { amountMinor } }";
        let granted = life::grant(app, &case, 4000).await;
        for _ in 0..2 {
            let done = shop.done("orderChargeback", "OrderChargebackInput", charged(8000), selection).await;
            assert_eq!(minor(&done["order"]["chargedBack"]), 8000);
        }
        let finance = app.finance().await;
        let (code, error) = finance.refused("refundGrant", "RefundGrantInput", amount(&case, 1)).await;
        assert_eq!((code.as_str(), detail(&error, "largestAmountMinor")), ("AMOUNT_EXCEEDS_CAPTURED", "0"));
        // What was granted before is not paid, either: 39.90 are left.
        let (code, error) = refused(app, "refundSubmit", &granted).await;
        assert_eq!((code.as_str(), detail(&error, "largestAmountMinor")), ("AMOUNT_EXCEEDS_CAPTURED", "3990"));
        let (code, error) = shop.refused("orderChargeback", "OrderChargebackInput", charged(0)).await;
        assert_eq!((code.as_str(), &error["field"]), ("REQUIRED", &json!(["input", "lowered"])));
        for (minor, code) in [(11991, "INVALID"), (-1, "INVALID")] {
            assert_eq!(shop.refused("orderChargeback", "OrderChargebackInput", charged(minor)).await.0, code);
        }
        let mut lower = charged(0);
        lower["lowered"] = json!("REVERSED");
        shop.done("orderChargeback", "OrderChargebackInput", lower, selection).await;
        life::step(app, "refundSubmit", &granted).await;
        assert_eq!(app.count("audit_entries", "action = 'order.chargeback'").await, 3);
    }

    /// Money that comes back after the case was closed takes it up again, and stops the periods that closing had started.
    async fn a_bounced_refund_reopens_its_case(app) {
        let (_, case) = claim(app, "D-22").await;
        let refund = life::refunded(app, &case, 11990).await;
        life::close(app, &case).await;
        let started = "start_at IS NOT NULL";
        assert_eq!((app.count("cases", started).await, app.count("customers", started).await), (1, 1));
        life::step(app, "refundFail", &refund).await;
        assert_eq!(app.count("cases", "state = 'REFUND' AND closed_at IS NULL AND waiting_for = 'SHOP'").await, 1);
        assert_eq!((app.count("cases", started).await, app.count("customers", started).await), (0, 0));
        life::refunded(app, &case, 11990).await;
        life::close(app, &case).await;
    }

    /// S33, F34: only what was decided in the customer's favour, and only with an order.
    async fn no_refund_without_a_decision_and_an_order(app) {
        let known = life::order(app, "max@example.com", "D-23").await;
        let customer = app.customer(&known.email).await;
        let case = life::open(&customer, "WARRANTY_CLAIM", Some(&known.order), "Defekt.").await;
        let finance = app.finance().await;
        assert_eq!(finance.refused("refundGrant", "RefundGrantInput", amount(&case, 1)).await.0, "TRANSITION_NOT_ALLOWED");
        life::decide(app, &case, "NOT_ELIGIBLE").await;
        assert_eq!(finance.refused("refundGrant", "RefundGrantInput", amount(&case, 1)).await.0, "TRANSITION_NOT_ALLOWED");
        let without = life::open(&customer, "COMPLAINT", None, "Beschwerde.").await;
        life::decide(app, &without, "ELIGIBLE").await;
        assert_eq!(finance.refused("refundGrant", "RefundGrantInput", amount(&without, 1)).await.0, "REQUIRED");
    }

    /// S33, S44: in which states of a case money may go back, and which step of the case goes with it.
    async fn states_in_which_a_refund_is_granted(app) {
        let bought = money::order(app, "D-24", &[(1, 11990, 1900)], None).await;
        let finance = app.finance().await;
        for (state, outcome, proposal, then) in [
            ("ELIGIBLE", "ELIGIBLE", None, Some("REFUND")),
            ("PARTIALLY_ELIGIBLE", "PARTIALLY_ELIGIBLE", None, Some("REFUND")),
            ("SENT_BACK", "PARTIALLY_ELIGIBLE", None, Some("SENT_BACK")),
            ("SENT_BACK", "NOT_ELIGIBLE", None, None),
            ("REPAIR", "ELIGIBLE", None, Some("REPAIR")),
            ("RE_EXAMINATION", "NOT_ELIGIBLE", None, None),
            ("RE_EXAMINATION", "NOT_ELIGIBLE", Some(proposals::State::Offered), None),
            ("RE_EXAMINATION", "NOT_ELIGIBLE", Some(proposals::State::Accepted), Some("RE_EXAMINATION")),
            ("SETTLED", "NOT_ELIGIBLE", Some(proposals::State::Accepted), Some("SETTLED")),
            ("RESULT_NOTIFIED", "ELIGIBLE", None, None),
            ("CLOSED", "ELIGIBLE", None, None),
        ] {
            let case = money::case(app, &bought, "WARRANTY_CLAIM").await;
            money::set_case(app, &case, &format!("state = '{state}', outcome = '{outcome}', legal_basis = 'WARRANTY'")).await;
            if let Some(proposal) = proposal {
                money::proposed(app, &case, proposal).await;
            }
            let done = finance.mutate("refundGrant", "RefundGrantInput", amount(&case, 1), "refund { serviceCase { state } }").await;
            match then {
                Some(then) => assert_eq!(done["refund"]["serviceCase"]["state"], then, "{state}: {done}"),
                None => assert_eq!(codes(&done["userErrors"]), ["TRANSITION_NOT_ALLOWED"], "{state}"),
            }
        }
        let case = money::case(app, &bought, "WARRANTY_CLAIM").await;
        life::decide(app, &case, "ELIGIBLE").await;
        let input = json!({ "caseId": case, "priceReduction": 2000 });
        let done = finance.done("refundGrant", "RefundGrantInput", input, "refund { kind amount { amountMinor } serviceCase { state } }").await;
        assert_eq!(done["refund"], json!({ "kind": "PRICE_REDUCTION", "amount": { "amountMinor": 2000 }, "serviceCase": { "state": "PRICE_REDUCTION" } }));
    }
}
