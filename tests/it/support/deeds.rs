//! Every deed of the state machine through the API, by whoever does it, and the way that leads to each state.

use aftersales::cases::machine::Deed;
use entity::staff::Role;
use serde_json::{Value, json};

use super::{App, Caller, life};

/// The people and the order of a story.
pub struct World<'a> {
    pub app: &'a App,
    pub known: life::Known,
    pub customer: Caller<'a>,
    pub agent: Caller<'a>,
    pub second: Caller<'a>,
    pub warehouse: Caller<'a>,
    pub finance: Caller<'a>,
}

impl<'a> World<'a> {
    /// Everybody there, and an order that was delivered, of so many pieces for 10.00 EUR each.
    pub async fn new(app: &'a App, pieces: i32) -> Self {
        let known = life::order_of(app, "max@example.com", "S-1", pieces).await;
        life::delivered(app, &known).await;
        let nobody = || app.anonymous();
        let (customer, agent, second, warehouse, finance) = (nobody(), nobody(), nobody(), nobody(), nobody());
        let mut world = Self { app, known, customer, agent, second, warehouse, finance };
        world.sign_in().await;
        world
    }

    /// New tokens: the old ones end while time goes on. The second agent is always somebody new.
    pub async fn sign_in(&mut self) {
        self.customer = self.app.customer(&self.known.email).await;
        self.agent = self.app.agent().await;
        self.second = self.app.second_agent().await;
        self.warehouse = self.app.staff(Role::Warehouse).await;
        self.finance = self.app.finance().await;
    }

    /// A new case, led to a state.
    pub async fn case_in(&mut self, state: &str) -> String {
        self.case_by(&way_to(state)).await
    }

    /// A new case, led by these deeds.
    pub async fn case_by(&mut self, way: &[Deed]) -> String {
        let case = self.open("WARRANTY_CLAIM").await;
        for deed in way {
            if matches!(deed, Deed::Close | Deed::Cancel | Deed::Merge) {
                self.settle(&case).await;
            }
            self.attempt(*deed, &case).await.unwrap_or_else(|code| panic!("{deed:?} of {way:?}: {code}"));
            if *deed == Deed::Expire {
                self.sign_in().await;
            }
        }
        case
    }

    /// A new case of the order.
    pub async fn open(&self, kind: &str) -> String {
        life::open(&self.customer, kind, Some(&self.known.order), "Das Gerät leckt.").await
    }

    /// Where a case stands.
    pub async fn state(&self, case: &str) -> String {
        let sql = "SELECT state FROM cases WHERE id = $1";
        let rows = aftersales::db::rows(self.app.state.db.write(), sql, [life::row(case).into()]).await.unwrap();
        rows[0].try_get_by_index(0).unwrap()
    }

    /// The newest row of a table that belongs to the case, as an opaque id; one that does not exist if there is none.
    async fn of_case(&self, kind: &str, table: &str, case: &str) -> String {
        let sql = format!("SELECT id FROM {table} WHERE case_id = $1 ORDER BY id DESC LIMIT 1");
        let rows = aftersales::db::rows(self.app.state.db.write(), &sql, [life::row(case).into()]).await.unwrap();
        let id: uuid::Uuid = rows.first().map_or(uuid::Uuid::nil(), |r| r.try_get_by_index(0).unwrap());
        aftersales::graphql::node::id(kind, id).0
    }

    /// Tries a deed on a case; the refusal's code if it is refused.
    pub async fn attempt(&self, deed: Deed, case: &str) -> Result<(), String> {
        let returned = self.of_case("Return", "returns", case).await;
        let dispute = self.of_case("Dispute", "disputes", case).await;
        let decide = |outcome: &str, basis: &str| json!({ "caseId": case, "outcome": outcome, "reason": "QUALITY_DEFECT", "legalBasis": basis, "text": "Geprüft." });
        let step = json!({ "caseId": case });
        let back = json!({ "returnId": returned });
        let found = |accepted: i32, disposition: &str| {
            json!({
                "returnId": returned, "finding": "Geprüft.", "reason": "CAUSED_BY_USE", "legalBasis": "WARRANTY",
                "text": "Das haben wir gefunden.",
                "lines": [{ "position": 1, "accepted": accepted, "grade": "DEFECTIVE", "disposition": disposition }],
            })
        };
        let remedy = |kind: &str| json!({ "caseId": case, "kind": kind, "position": 1, "quantity": 1 });
        let proceed = |way: &str| json!({ "disputeId": dispute, "way": way, "body": "Stelle", "reference": "7/26" });
        let (caller, mutation, input_type, input): (&Caller<'_>, &str, &str, Value) = match deed {
            Deed::Review => (&self.agent, "serviceCaseReview", "ServiceCaseStepInput", step),
            Deed::AskInfo => (
                &self.agent,
                "serviceCaseAskInfo",
                "ServiceCaseAskInfoInput",
                json!({ "caseId": case, "facts": ["SERIAL_NUMBER"], "text": "Bitte die Seriennummer." }),
            ),
            Deed::Answer => {
                (&self.customer, "messageAdd", "MessageAddInput", json!({ "caseId": case, "body": "4711" }))
            }
            Deed::Extend => {
                let until = (self.app.now() + super::days(20)).date_naive();
                let input =
                    json!({ "caseId": case, "until": until, "situation": "Der Hersteller antwortet noch nicht." });
                (&self.agent, "serviceCaseExtend", "ServiceCaseExtendInput", input)
            }
            Deed::Solve => {
                (&self.agent, "serviceCaseDecide", "ServiceCaseDecideInput", decide("SOLVED_DIRECTLY", "NONE"))
            }
            Deed::AcceptWithoutReturn => {
                (&self.agent, "serviceCaseDecide", "ServiceCaseDecideInput", decide("ELIGIBLE", "WARRANTY"))
            }
            Deed::Refuse => {
                (&self.agent, "serviceCaseDecide", "ServiceCaseDecideInput", decide("NOT_ELIGIBLE", "WARRANTY"))
            }
            Deed::InstructReturn => (
                &self.agent,
                "returnInstruct",
                "ReturnInstructInput",
                json!({
                    "caseId": case, "notes": "Bitte gut verpacken.",
                    "lines": [{ "position": 1, "quantity": 2, "reason": "QUALITY_DEFECT" }],
                }),
            ),
            Deed::Dispatch => {
                let input = json!({ "returnId": returned, "proof": "Einlieferungsbeleg" });
                (&self.customer, "returnDispatch", "ReturnDispatchInput", input)
            }
            Deed::Lose => (&self.agent, "returnLose", "ReturnStepInput", back),
            Deed::Receive => (
                &self.warehouse,
                "returnReceive",
                "ReturnReceiveInput",
                json!({ "returnId": returned, "lines": [{ "position": 1, "received": 2 }] }),
            ),
            Deed::Inspect => (&self.warehouse, "returnInspectionBegin", "ReturnStepInput", back),
            Deed::FindEligible => {
                (&self.warehouse, "returnInspectionRecord", "ReturnInspectionRecordInput", found(2, "RESTOCK"))
            }
            Deed::FindPartlyEligible => {
                (&self.warehouse, "returnInspectionRecord", "ReturnInspectionRecordInput", found(1, "SEND_BACK"))
            }
            Deed::FindNotEligible => {
                (&self.warehouse, "returnInspectionRecord", "ReturnInspectionRecordInput", found(0, "SEND_BACK"))
            }
            Deed::ArrangeRepair => (&self.agent, "remedyArrange", "RemedyArrangeInput", remedy("REPAIR")),
            Deed::ArrangeReplacement => (&self.agent, "remedyArrange", "RemedyArrangeInput", remedy("REPLACEMENT")),
            Deed::ArrangeRefund => {
                let input = json!({ "caseId": case, "amount": { "amountMinor": 100, "currency": "EUR" } });
                (&self.agent, "refundGrant", "RefundGrantInput", input)
            }
            Deed::ArrangeReduction => {
                (&self.agent, "refundGrant", "RefundGrantInput", json!({ "caseId": case, "priceReduction": 100 }))
            }
            Deed::SendBack => {
                let number = format!("back-{}", self.app.key());
                let input = json!({
                    "returnId": returned, "carrier": "DHL", "trackingNumber": number, "costs": "SHOP",
                    "text": "Wir senden die Ware auf unsere Kosten zurück.",
                });
                (&self.warehouse, "returnSendBack", "ReturnSendBackInput", input)
            }
            Deed::Notify => (
                &self.agent,
                "serviceCaseNotify",
                "ServiceCaseNotifyInput",
                json!({ "caseId": case, "channel": "EMAIL", "text": "Das Ergebnis." }),
            ),
            Deed::Close => (&self.agent, "serviceCaseClose", "ServiceCaseCloseInput", step),
            Deed::Object => {
                let input = json!({ "caseId": case, "text": "Ich bin nicht einverstanden." });
                (&self.customer, "serviceCaseObject", "ServiceCaseObjectInput", input)
            }
            Deed::Reexamine => (&self.second, "serviceCaseReexamine", "ServiceCaseStepInput", step),
            Deed::OpenDispute => {
                if self.state(case).await == "RE_EXAMINATION" {
                    let input = json!({ "caseId": case, "text": "Wir bieten eine Reparatur an." });
                    self.agent.done("proposalRecord", "ProposalRecordInput", input, "proposal { id }").await;
                }
                (&self.agent, "disputeOpen", "DisputeOpenInput", step)
            }
            Deed::Settle => (&self.agent, "disputeProceed", "DisputeProceedInput", proceed("SETTLED")),
            Deed::Conciliate => (&self.agent, "disputeProceed", "DisputeProceedInput", proceed("ADR")),
            Deed::Sue => (&self.agent, "disputeProceed", "DisputeProceedInput", proceed("COURT")),
            Deed::EndDispute => {
                let input = json!({ "disputeId": dispute, "outcome": "FOR_SHOP", "summary": "Beendet." });
                (&self.agent, "disputeClose", "DisputeCloseInput", input)
            }
            Deed::Cancel => (&self.customer, "serviceCaseCancel", "ServiceCaseCancelInput", step),
            Deed::Merge => {
                let into = self.open("COMPLAINT").await;
                let input = json!({ "caseId": case, "intoCaseId": into });
                (&self.agent, "serviceCaseMerge", "ServiceCaseMergeInput", input)
            }
            Deed::Expire => return self.expire(case).await,
            Deed::MoneyReturned => {
                let refund = self.of_case("Refund", "refunds", case).await;
                (&self.finance, "refundFail", "RefundStepInput", json!({ "refundId": refund }))
            }
        };
        let payload = caller.mutate(mutation, input_type, input, "").await;
        match payload["userErrors"].as_array().unwrap().first() {
            None => Ok(()),
            Some(error) => Err(error["code"].as_str().unwrap().to_owned()),
        }
    }

    /// The return does not come until the job gives it up; another state is left alone by it.
    async fn expire(&self, case: &str) -> Result<(), String> {
        let before = self.state(case).await;
        self.app.advance(super::days(40));
        self.app.run_job("timers").await;
        if self.state(case).await == before { Err("TRANSITION_NOT_ALLOWED".to_owned()) } else { Ok(()) }
    }

    /// What is under way on a case comes to its end: refunds are credited, remedies sent.
    pub async fn settle(&self, case: &str) {
        let sql = "SELECT id, state FROM refunds WHERE case_id = $1 AND state IN ('GRANTED', 'SUBMITTED')";
        for row in aftersales::db::rows(self.app.state.db.write(), sql, [life::row(case).into()]).await.unwrap() {
            let id = aftersales::graphql::node::id("Refund", row.try_get_by_index(0).unwrap()).0;
            let granted = row.try_get_by_index::<String>(1).unwrap() == "GRANTED";
            for step in ["refundSubmit", "refundCredit"].into_iter().skip(usize::from(!granted)) {
                self.finance.done(step, "RefundStepInput", json!({ "refundId": id }), "refund { state }").await;
            }
        }
        let sql = "SELECT id FROM remedies WHERE case_id = $1 AND state = 'ORDERED'";
        for row in aftersales::db::rows(self.app.state.db.write(), sql, [life::row(case).into()]).await.unwrap() {
            let id = aftersales::graphql::node::id("RemedyInKind", row.try_get_by_index(0).unwrap()).0;
            let input =
                json!({ "remedyId": id, "carrier": "DHL", "trackingNumber": format!("new-{}", self.app.key()) });
            self.warehouse.done("remedyShip", "RemedyShipInput", input, "remedy { state }").await;
        }
    }
}

/// The deeds that lead from the receipt to a state, by its code.
pub fn way_to(state: &str) -> Vec<Deed> {
    use Deed as D;
    let then = |from: &str, deed: Deed| {
        let mut way = way_to(from);
        way.push(deed);
        way
    };
    match state {
        "RECEIVED" => Vec::new(),
        "UNDER_REVIEW" => vec![D::Review],
        "NEEDS_INFO" => then("UNDER_REVIEW", D::AskInfo),
        "EXTENDED" => then("UNDER_REVIEW", D::Extend),
        "SOLVED_DIRECTLY" => then("UNDER_REVIEW", D::Solve),
        "RETURN_INSTRUCTED" => then("UNDER_REVIEW", D::InstructReturn),
        "RESOLVED_WITHOUT_RETURN" => then("UNDER_REVIEW", D::AcceptWithoutReturn),
        "NOT_ELIGIBLE" => then("INSPECTING", D::FindNotEligible),
        "IN_TRANSIT" => then("RETURN_INSTRUCTED", D::Dispatch),
        "RETURN_EXPIRED" => then("RETURN_INSTRUCTED", D::Expire),
        "LOST_IN_TRANSIT" => then("IN_TRANSIT", D::Lose),
        "RETURN_RECEIVED" => then("IN_TRANSIT", D::Receive),
        "INSPECTING" => then("RETURN_RECEIVED", D::Inspect),
        "ELIGIBLE" => then("INSPECTING", D::FindEligible),
        "PARTIALLY_ELIGIBLE" => then("INSPECTING", D::FindPartlyEligible),
        "REPAIR" => then("ELIGIBLE", D::ArrangeRepair),
        "REPLACEMENT" => then("ELIGIBLE", D::ArrangeReplacement),
        "REFUND" => then("ELIGIBLE", D::ArrangeRefund),
        "PRICE_REDUCTION" => then("RESOLVED_WITHOUT_RETURN", D::ArrangeReduction),
        "SENT_BACK" => then("NOT_ELIGIBLE", D::SendBack),
        "RESULT_NOTIFIED" => then("REFUND", D::Notify),
        "CLOSED" => then("RESULT_NOTIFIED", D::Close),
        "REOPENED" => then("CLOSED", D::Object),
        "RE_EXAMINATION" => then("REOPENED", D::Reexamine),
        "DISPUTE_OPEN" => then("RE_EXAMINATION", D::OpenDispute),
        "SETTLED" => then("DISPUTE_OPEN", D::Settle),
        "ADR" => then("DISPUTE_OPEN", D::Conciliate),
        "COURT" => then("DISPUTE_OPEN", D::Sue),
        "DISPUTE_CLOSED" => then("ADR", D::EndDispute),
        "CANCELLED" => vec![D::Cancel],
        "MERGED" => vec![D::Merge],
        other => panic!("no way to {other}"),
    }
}
