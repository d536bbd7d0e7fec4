//! Who may do what: every root field of the API by every kind of actor, and what another customer never sees.

use aftersales::graphql::{node, sdl};
use async_graphql_parser::types::{TypeKind, TypeSystemDefinition};
use entity::staff::Role;
use serde_json::{Value, json};

use crate::on_both_engines;
use crate::support::{App, Caller, goods, intake, life};

const EVERYBODY: &str = "anonymous customer other guest agent warehouse finance dpo admin shop";
/// Those who see cases; what is foreign to the other customer is not found.
const READERS: &str = "customer other guest agent warehouse finance";
const WRITERS: &str = "customer other guest agent";

/// Root field, who may, and a request. Mutations name what does not exist: whoever may is refused by the input, and
/// nothing changes.
const MATRIX: &[(&str, &str, &str)] = &[
    ("viewer", EVERYBODY, "viewer { kind }"),
    ("withdrawalLabels", EVERYBODY, "withdrawalLabels { locale }"),
    (
        "guestAccessRequest",
        EVERYBODY,
        r#"guestAccessRequest(input: {orderNumber: "", email: "", idempotencyKey: "k"}) <errors>"#,
    ),
    ("guestAccessRedeem", EVERYBODY, r#"guestAccessRedeem(input: {token: "none", idempotencyKey: "k"}) <errors>"#),
    ("guestAccessRenew", "guest", r#"guestAccessRenew(input: {idempotencyKey: ""}) <errors>"#),
    ("guestAccessRevoke", "guest", r#"guestAccessRevoke(input: {idempotencyKey: ""}) <errors>"#),
    (
        "serviceCaseSubmit",
        EVERYBODY,
        r#"serviceCaseSubmit(input: {kind: COMPLAINT, description: "", name: "", email: "", idempotencyKey: "k"}) <errors>"#,
    ),
    ("withdrawalPrepare", EVERYBODY, r#"withdrawalPrepare(input: {contract: "", receiptTo: "none"}) <errors>"#),
    ("withdrawalConfirm", EVERYBODY, r#"withdrawalConfirm(input: {token: "none", idempotencyKey: "k"}) <errors>"#),
    (
        "withdrawalRecord",
        "agent",
        r#"withdrawalRecord(input: {contract: "", statement: "", channel: PHONE, receivedAt: "2014-03-10T09:00:00Z",
            idempotencyKey: "k"}) <errors>"#,
    ),
    (
        "withdrawalMatch",
        "agent",
        r#"withdrawalMatch(input: {caseId: "<no case>", orderId: "<order>", idempotencyKey: "k"}) <errors>"#,
    ),
    ("node", READERS, r#"node(id: "<case>") { id }"#),
    ("nodes", READERS, r#"nodes(ids: ["<case>"]) { id }"#),
    ("serviceCase", READERS, r#"serviceCase(id: "<case>") { id }"#),
    ("serviceCaseByNumber", READERS, r#"serviceCaseByNumber(number: "<number>") { id }"#),
    ("serviceCases", READERS, "serviceCases { nodes { id } }"),
    ("serviceCaseCounts", "agent warehouse finance", "serviceCaseCounts { total }"),
    ("serviceQuality", "agent finance admin", r#"serviceQuality(from: "2014-03-01", to: "2014-03-31") { cases }"#),
    ("serviceStatistics", "agent finance admin", r#"serviceStatistics(year: 2014, by: [KIND]) { total }"#),
    ("safetyEntry", "agent dpo admin", r#"safetyEntry(id: "<danger>") { id }"#),
    ("safetyEntries", "agent dpo admin", "safetyEntries { nodes { id } }"),
    (
        "safetyEntryRecord",
        "agent",
        r#"safetyEntryRecord(input: {sku: "W-1", productGroup: "KITCHEN", harm: NONE, account: "", idempotencyKey: "k"}) <errors>"#,
    ),
    (
        "safetyEntryUpdate",
        "agent",
        r#"safetyEntryUpdate(input: {safetyEntryId: "<no danger>", measures: "a", idempotencyKey: "k"}) <errors>"#,
    ),
    ("customer", READERS, r#"customer(id: "<customer>") { id }"#),
    ("customers", READERS, "customers { nodes { id } }"),
    ("refund", READERS, r#"refund(id: "<refund>") { id }"#),
    ("refunds", READERS, "refunds { nodes { id } }"),
    ("refundPreview", "agent finance", r#"refundPreview(caseId: "<case>", lines: []) { userErrors { code } }"#),
    ("order", "customer other guest agent warehouse finance shop", r#"order(id: "<order>") { id }"#),
    ("return", READERS, r#"return(id: "<return>") { id }"#),
    ("returnByNumber", READERS, r#"returnByNumber(number: "<return number>") { id }"#),
    ("returns", READERS, "returns { nodes { id } }"),
    ("returnReasons", EVERYBODY, "returnReasons { code }"),
    ("orders", "customer other guest agent warehouse finance shop", "orders { nodes { id } }"),
    ("policy", EVERYBODY, "policy { version }"),
    ("policyVersions", EVERYBODY, "policyVersions { version }"),
    ("tasks", "agent finance", "tasks { nodes { id } }"),
    ("dataSubject", "dpo", r#"dataSubject(email: "max@example.com") { customerId }"#),
    ("archive", "finance dpo", r#"archive(of: {email: "max@example.com"}, reason: LEGAL_CLAIM) { table }"#),
    ("holds", "dpo", "holds { nodes { id } }"),
    ("retentionRuns", "dpo admin", "retentionRuns { nodes { id } }"),
    ("retentionPlans", "dpo", "retentionPlans { nodes { id } }"),
    ("retentionPaused", "dpo admin", "retentionPaused"),
    ("restrictions", "dpo", "restrictions { nodes { id } }"),
    ("erasure", "dpo", r#"erasure(id: "<erasure>") { id certificate }"#),
    ("erasures", "dpo", "erasures { nodes { id } }"),
    (
        "recipientTold",
        "dpo",
        r#"recipientTold(input: {id: "<no notice>", acknowledged: true, idempotencyKey: "k"}) <errors>"#,
    ),
    ("jobs", "dpo admin", "jobs { name }"),
    ("retentionRules", "dpo admin", "retentionRules { norm }"),
    ("staffMembers", "admin", "staffMembers { id }"),
    (
        "orderRegister",
        "shop",
        r#"orderRegister(input: {number: "", orderedAt: "2014-03-10T09:00:00Z", captured: {amountMinor: 1, currency: "EUR"},
            customer: {email: "a@example.com", name: "A"}, paymentMethod: VISA, lines: [], idempotencyKey: "k"}) <errors>"#,
    ),
    (
        "parcelDeliver",
        "shop",
        r#"parcelDeliver(input: {orderNumber: "none", carrier: "DHL", trackingNumber: "1",
            deliveredAt: "2014-03-10T09:00:00Z", idempotencyKey: "k"}) <errors>"#,
    ),
    (
        "orderChargeback",
        "shop",
        r#"orderChargeback(input: {orderNumber: "none", chargedBack: {amountMinor: 1, currency: "EUR"},
            idempotencyKey: "k"}) <errors>"#,
    ),
    (
        "customerAccessTokenCreate",
        "shop",
        r#"customerAccessTokenCreate(input: {email: "nobody@example.com", idempotencyKey: "k"}) <errors>"#,
    ),
    (
        "customerAccessTokenRenew",
        "shop",
        r#"customerAccessTokenRenew(input: {id: "<no token>", idempotencyKey: "k"}) <errors>"#,
    ),
    (
        "customerAccessTokenRevoke",
        "shop",
        r#"customerAccessTokenRevoke(input: {id: "<no token>", idempotencyKey: "k"}) <errors>"#,
    ),
    (
        "serviceCaseOpen",
        WRITERS,
        r#"serviceCaseOpen(input: {kind: COMPLAINT, description: "", idempotencyKey: "k"}) <errors>"#,
    ),
    ("messageAdd", WRITERS, r#"messageAdd(input: {caseId: "<no case>", body: "a", idempotencyKey: "k"}) <errors>"#),
    (
        "attachmentUploadCreate",
        WRITERS,
        r#"attachmentUploadCreate(input: {caseId: "<no case>", fileName: "a", mediaType: "image/png", byteSize: 1,
            idempotencyKey: "k"}) <errors>"#,
    ),
    (
        "serviceCaseDecide",
        "agent",
        r#"serviceCaseDecide(input: {caseId: "<no case>", outcome: ELIGIBLE, reason: DAMAGED, legalBasis: WARRANTY,
            text: "a", idempotencyKey: "k"}) <errors>"#,
    ),
    ("serviceCaseClose", "agent", r#"serviceCaseClose(input: {caseId: "<no case>", idempotencyKey: "k"}) <errors>"#),
    ("serviceCaseReview", "agent", r#"serviceCaseReview(input: {caseId: "<no case>", idempotencyKey: "k"}) <errors>"#),
    (
        "serviceCaseReexamine",
        "agent",
        r#"serviceCaseReexamine(input: {caseId: "<no case>", idempotencyKey: "k"}) <errors>"#,
    ),
    ("serviceCaseAssign", "agent", r#"serviceCaseAssign(input: {caseId: "<no case>", idempotencyKey: "k"}) <errors>"#),
    (
        "serviceCaseAskInfo",
        "agent",
        r#"serviceCaseAskInfo(input: {caseId: "<no case>", facts: [PHOTOS], text: "a", idempotencyKey: "k"}) <errors>"#,
    ),
    (
        "serviceCaseNotify",
        "agent",
        r#"serviceCaseNotify(input: {caseId: "<no case>", channel: EMAIL, text: "a", idempotencyKey: "k"}) <errors>"#,
    ),
    (
        "serviceCaseObject",
        WRITERS,
        r#"serviceCaseObject(input: {caseId: "<no case>", text: "a", idempotencyKey: "k"}) <errors>"#,
    ),
    ("serviceCaseCancel", WRITERS, r#"serviceCaseCancel(input: {caseId: "<no case>", idempotencyKey: "k"}) <errors>"#),
    (
        "serviceCaseMerge",
        "agent",
        r#"serviceCaseMerge(input: {caseId: "<no case>", intoCaseId: "<no case>", idempotencyKey: "k"}) <errors>"#,
    ),
    (
        "serviceCaseExtend",
        "agent",
        r#"serviceCaseExtend(input: {caseId: "<no case>", until: "2014-03-20", situation: "a", idempotencyKey: "k"}) <errors>"#,
    ),
    (
        "serviceCasePause",
        "agent",
        r#"serviceCasePause(input: {caseId: "<no case>", reason: WAITING_FOR_CUSTOMER, idempotencyKey: "k"}) <errors>"#,
    ),
    ("serviceCaseResume", "agent", r#"serviceCaseResume(input: {caseId: "<no case>", idempotencyKey: "k"}) <errors>"#),
    ("taskComplete", "agent finance", r#"taskComplete(input: {taskId: "<no task>", idempotencyKey: "k"}) <errors>"#),
    (
        "refundGrant",
        "agent finance",
        r#"refundGrant(input: {caseId: "<no case>", amount: {amountMinor: 1, currency: "EUR"}, idempotencyKey: "k"}) <errors>"#,
    ),
    ("refundSubmit", "finance", r#"refundSubmit(input: {refundId: "<no refund>", idempotencyKey: "k"}) <errors>"#),
    ("refundApprove", "finance", r#"refundApprove(input: {refundId: "<no refund>", idempotencyKey: "k"}) <errors>"#),
    (
        "refundAcknowledge",
        "finance",
        r#"refundAcknowledge(input: {refundId: "<no refund>", idempotencyKey: "k"}) <errors>"#,
    ),
    (
        "refundAgreeAlternative",
        "agent finance",
        r#"refundAgreeAlternative(input: {refundId: "<no refund>", consent: "a", idempotencyKey: "k"}) <errors>"#,
    ),
    (
        "refundInquire",
        "customer other guest agent finance",
        r#"refundInquire(input: {refundId: "<no refund>", text: "a", idempotencyKey: "k"}) <errors>"#,
    ),
    (
        "refundInquiryNote",
        "agent finance",
        r#"refundInquiryNote(input: {refundId: "<no refund>", party: BANK, text: "a", idempotencyKey: "k"}) <errors>"#,
    ),
    ("refundCredit", "finance", r#"refundCredit(input: {refundId: "<no refund>", idempotencyKey: "k"}) <errors>"#),
    ("refundFail", "finance", r#"refundFail(input: {refundId: "<no refund>", idempotencyKey: "k"}) <errors>"#),
    (
        "proposalRecord",
        "agent",
        r#"proposalRecord(input: {caseId: "<no case>", text: "a", idempotencyKey: "k"}) <errors>"#,
    ),
    (
        "proposalAnswer",
        WRITERS,
        r#"proposalAnswer(input: {proposalId: "<no proposal>", accepted: true, text: "a", idempotencyKey: "k"}) <errors>"#,
    ),
    ("disputeOpen", "agent", r#"disputeOpen(input: {caseId: "<no case>", idempotencyKey: "k"}) <errors>"#),
    (
        "disputeProceed",
        "agent",
        r#"disputeProceed(input: {disputeId: "<no dispute>", way: SETTLED, idempotencyKey: "k"}) <errors>"#,
    ),
    (
        "disputeClose",
        "agent",
        r#"disputeClose(input: {disputeId: "<no dispute>", outcome: FOR_SHOP, summary: "a", idempotencyKey: "k"}) <errors>"#,
    ),
    (
        "caseDossier",
        "agent",
        r#"caseDossier(input: {caseId: "<no case>", recipientKind: COURT, recipient: "a", purpose: LEGAL_CLAIM,
            idempotencyKey: "k"}) <errors>"#,
    ),
    (
        "returnInstruct",
        "agent",
        r#"returnInstruct(input: {caseId: "<no case>", lines: [{position: 1, quantity: 1}], notes: "a",
            idempotencyKey: "k"}) <errors>"#,
    ),
    (
        "returnDispatch",
        WRITERS,
        r#"returnDispatch(input: {returnId: "<no return>", proof: "a", idempotencyKey: "k"}) <errors>"#,
    ),
    (
        "returnReceive",
        "agent warehouse",
        r#"returnReceive(input: {returnId: "<no return>", lines: [{position: 1, received: 1}], idempotencyKey: "k"}) <errors>"#,
    ),
    ("returnLose", "agent", r#"returnLose(input: {returnId: "<no return>", idempotencyKey: "k"}) <errors>"#),
    (
        "returnInspectionBegin",
        "agent warehouse",
        r#"returnInspectionBegin(input: {returnId: "<no return>", idempotencyKey: "k"}) <errors>"#,
    ),
    (
        "returnInspectionRecord",
        "agent warehouse",
        r#"returnInspectionRecord(input: {returnId: "<no return>", finding: "a", lines: [{position: 1, accepted: 1,
            grade: NEW, disposition: RESTOCK}], idempotencyKey: "k"}) <errors>"#,
    ),
    (
        "returnSendBack",
        "agent warehouse",
        r#"returnSendBack(input: {returnId: "<no return>", carrier: "DHL", trackingNumber: "1", costs: SHOP, text: "a",
            idempotencyKey: "k"}) <errors>"#,
    ),
    (
        "remedyArrange",
        "agent",
        r#"remedyArrange(input: {caseId: "<no case>", kind: REPAIR, position: 1, quantity: 1, idempotencyKey: "k"}) <errors>"#,
    ),
    (
        "remedyShip",
        "agent warehouse",
        r#"remedyShip(input: {remedyId: "<no remedy>", carrier: "DHL", trackingNumber: "1", idempotencyKey: "k"}) <errors>"#,
    ),
    ("remedyCancel", "agent", r#"remedyCancel(input: {remedyId: "<no remedy>", idempotencyKey: "k"}) <errors>"#),
    (
        "remedyDifferenceSettle",
        "agent",
        r#"remedyDifferenceSettle(input: {remedyId: "<no remedy>", idempotencyKey: "k"}) <errors>"#,
    ),
    ("subjectExport", "dpo", r#"subjectExport(input: {customerId: "<no customer>", idempotencyKey: "k"}) <errors>"#),
    ("subjectErase", "dpo", r#"subjectErase(input: {customerId: "<no customer>", idempotencyKey: "k"}) <errors>"#),
    (
        "holdPlace",
        "dpo",
        r#"holdPlace(input: {customerId: "<no customer>", reason: TAX_AUDIT, reviewOn: "2014-04-01", idempotencyKey: "k"}) <errors>"#,
    ),
    ("retentionPause", "dpo", r#"retentionPause(input: {idempotencyKey: ""}) <errors>"#),
    ("retentionResume", "dpo", r#"retentionResume(input: {idempotencyKey: ""}) <errors>"#),
    ("retentionRunCancel", "dpo", r#"retentionRunCancel(input: {id: "<no run>", idempotencyKey: "k"}) <errors>"#),
    ("retentionRunConfirm", "dpo", r#"retentionRunConfirm(input: {id: "<no run>", idempotencyKey: "k"}) <errors>"#),
    ("retentionPlanCreate", "dpo", r#"retentionPlanCreate(input: {idempotencyKey: ""}) <errors>"#),
    ("retentionPlanApprove", "dpo", r#"retentionPlanApprove(input: {id: "<no plan>", idempotencyKey: "k"}) <errors>"#),
    ("retentionPlanCancel", "dpo", r#"retentionPlanCancel(input: {id: "<no plan>", idempotencyKey: "k"}) <errors>"#),
    (
        "holdReview",
        "dpo",
        r#"holdReview(input: {id: "<no hold>", reviewOn: "2014-04-01", idempotencyKey: "k"}) <errors>"#,
    ),
    ("holdRelease", "dpo", r#"holdRelease(input: {id: "<no hold>", idempotencyKey: "k"}) <errors>"#),
    (
        "restrictionPlace",
        "dpo",
        r#"restrictionPlace(input: {customerId: "<no customer>", ground: OBJECTION_PENDING, reviewOn: "2014-04-01", idempotencyKey: "k"}) <errors>"#,
    ),
    (
        "restrictionReview",
        "dpo",
        r#"restrictionReview(input: {id: "<no restriction>", reviewOn: "2014-04-01", idempotencyKey: "k"}) <errors>"#,
    ),
    (
        "restrictionTell",
        "dpo",
        r#"restrictionTell(input: {id: "<no restriction>", toldBy: LETTER, idempotencyKey: "k"}) <errors>"#,
    ),
    ("restrictionLift", "dpo", r#"restrictionLift(input: {id: "<no restriction>", idempotencyKey: "k"}) <errors>"#),
    ("staffMemberLeave", "admin", r#"staffMemberLeave(input: {id: "<no member>", idempotencyKey: "k"}) <errors>"#),
];

/// The root fields of the API, each with its operation.
fn root_fields() -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    for definition in async_graphql_parser::parse_schema(sdl()).unwrap().definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let operation = match definition.node.name.node.as_str() {
            "Query" => "query",
            "Mutation" => "mutation",
            "Subscription" => "subscription",
            _ => continue,
        };
        let TypeKind::Object(object) = definition.node.kind else { panic!("{operation} is an object") };
        found.extend(object.fields.into_iter().map(|field| (operation, field.node.name.node.to_string())));
    }
    found
}

/// A customer with one of everything, and the callers.
struct World {
    known: life::Known,
    case: String,
    number: String,
    refund: String,
    photo: String,
    /// Id and number of a return.
    of_return: (String, String),
    danger: String,
    /// The erasure of somebody who was here before.
    erasure: String,
}

impl World {
    async fn new(app: &App) -> Self {
        let gone = life::order(app, "gone@example.com", "M-0").await;
        life::delivered(app, &gone).await;
        let input = json!({ "customerId": gone.customer });
        let done = app.dpo().await.done("subjectErase", "SubjectEraseInput", input, "erasure { id }").await;
        let erasure = done["erasure"]["id"].as_str().unwrap().to_owned();
        let known = life::order(app, "max@example.com", "M-1").await;
        life::order(app, "erika@example.com", "M-2").await;
        let (case, refund, photo) = life::whole_case(app, &known).await;
        let customer = app.customer(&known.email).await;
        let found = customer.data("query($id: ID!) { serviceCase(id: $id) { number } }", json!({ "id": case })).await;
        let number = found["serviceCase"]["number"].as_str().unwrap().to_owned();
        let other = goods::case(app, &known, "RETURN").await;
        let id = goods::instruct(app, &other, json!([{ "position": 1, "quantity": 1 }])).await;
        let found = customer.data("query($id: ID!) { return(id: $id) { number } }", json!({ "id": id })).await;
        let of_return = (id, found["return"]["number"].as_str().unwrap().to_owned());
        let input = json!({ "sku": "W-100", "productGroup": "KITCHEN", "harm": "NONE", "account": "Es hat gefunkt." });
        let agent = app.agent().await;
        let done = agent.done("safetyEntryRecord", "SafetyEntryRecordInput", input, "safetyEntry { id }").await;
        let danger = done["safetyEntry"]["id"].as_str().unwrap().to_owned();
        Self { known, case, number, refund, photo, of_return, danger, erasure }
    }

    fn fill(&self, request: &str) -> String {
        let none = |kind| node::id(kind, uuid::Uuid::nil()).0;
        request
            .replace("<case>", &self.case)
            .replace("<number>", &self.number)
            .replace("<refund>", &self.refund)
            .replace("<photo>", &self.photo)
            .replace("<order>", &self.known.order)
            .replace("<customer>", &self.known.customer)
            .replace("<no case>", &none("ServiceCase"))
            .replace("<no proposal>", &none("Proposal"))
            .replace("<no dispute>", &none("Dispute"))
            .replace("<return>", &self.of_return.0)
            .replace("<return number>", &self.of_return.1)
            .replace("<no return>", &none("Return"))
            .replace("<no remedy>", &none("RemedyInKind"))
            .replace("<no refund>", &none("Refund"))
            .replace("<no customer>", &none("Customer"))
            .replace("<no token>", &none("CustomerAccessToken"))
            .replace("<no hold>", &none("Hold"))
            .replace("<no run>", &none("RetentionRun"))
            .replace("<no plan>", &none("RetentionPlan"))
            .replace("<no restriction>", &none("Restriction"))
            .replace("<danger>", &self.danger)
            .replace("<no danger>", &none("SafetyEntry"))
            .replace("<no notice>", &none("RecipientNotice"))
            .replace("<erasure>", &self.erasure)
            .replace("<no member>", &none("StaffMember"))
            .replace("<errors>", "{ userErrors { code } }")
    }
}

async fn callers(app: &App) -> Vec<(&'static str, Caller<'_>)> {
    vec![
        ("anonymous", app.anonymous()),
        ("customer", app.customer("max@example.com").await),
        ("other", app.customer("erika@example.com").await),
        ("guest", intake::guest(app, "M-1", "max@example.com").await),
        ("agent", app.agent().await),
        ("warehouse", app.staff(Role::Warehouse).await),
        ("finance", app.finance().await),
        ("dpo", app.dpo().await),
        ("admin", app.staff(Role::Admin).await),
        ("shop", app.shop()),
    ]
}

/// What is wrong with an answer, if anything.
fn judge(answer: &Value, field: &str, who: &str, may: bool, mutation: bool) -> Option<String> {
    let code = answer["errors"][0]["extensions"]["code"].as_str();
    let expected = match (may, who) {
        (false, "anonymous") => code == Some("UNAUTHENTICATED"),
        (false, _) => code == Some("FORBIDDEN"),
        // Refused by the input, so that nothing changes.
        (true, _) if mutation => code.is_none() && !answer["data"][field]["userErrors"][0]["code"].is_null(),
        (true, "other") => code.is_none_or(|code| code == "NOT_FOUND"),
        (true, _) => code.is_none() && !answer["data"][field].is_null(),
    };
    (!expected).then(|| format!("{field} by {who}, who may: {may}: {answer}"))
}

#[test]
fn the_matrix_names_every_root_field_once_and_no_other() {
    let mut fields: Vec<String> = root_fields().into_iter().map(|(_, field)| field).collect();
    let mut named: Vec<&str> = MATRIX.iter().map(|(field, ..)| *field).collect();
    fields.sort_unstable();
    named.sort_unstable();
    assert_eq!(fields, named);
    let actors = MATRIX.iter().flat_map(|(_, may, _)| may.split(' '));
    assert!(actors.into_iter().all(|actor| EVERYBODY.split(' ').any(|known| known == actor)), "a name is misspelt");
}

on_both_engines! {
    /// S65, S66, S69, F98: the matrix holds, and nobody changes anything by trying.
    async fn every_root_field_knows_its_actors(app) {
        let world = World::new(app).await;
        let callers = callers(app).await;
        let before = app.counts().await;
        let mut wrong = Vec::new();
        for (operation, field) in root_fields() {
            let Some((_, may, request)) = MATRIX.iter().find(|(name, ..)| *name == field) else {
                wrong.push(format!("{field} is missing in the matrix"));
                continue;
            };
            let query = world.fill(&format!("{operation} {{ {request} }}"));
            for (who, caller) in &callers {
                let may = may.split(' ').any(|name| name == *who);
                let answer = caller.gql(&query, json!({})).await.json();
                wrong.extend(judge(&answer, &field, who, may, operation == "mutation"));
            }
        }
        assert_eq!(wrong, Vec::<String>::new());
        assert_eq!(app.counts().await, before);
    }

    /// S65: what belongs to somebody else looks like what does not exist, whichever way one asks.
    async fn another_customer_finds_nothing(app) {
        let world = World::new(app).await;
        let owner = app.customer("max@example.com").await;
        let other = app.customer("erika@example.com").await;
        for request in [
            r#"serviceCase(id: "<case>")"#, r#"serviceCaseByNumber(number: "<number>")"#, r#"order(id: "<order>")"#,
            r#"refund(id: "<refund>")"#, r#"customer(id: "<customer>")"#, r#"node(id: "<case>")"#, r#"node(id: "<order>")"#,
            r#"return(id: "<return>")"#, r#"returnByNumber(number: "<return number>")"#, r#"node(id: "<return>")"#,
            r#"node(id: "<refund>")"#, r#"node(id: "<photo>")"#, r#"node(id: "<customer>")"#,
        ] {
            let query = world.fill(&format!("{{ found: {request} {{ id }} }}"));
            assert!(owner.data(&query, json!({})).await["found"]["id"].is_string(), "{request}");
            let answer = other.gql(&query, json!({})).await.json();
            assert_eq!(answer["data"], json!({ "found": null }), "{request}");
            let unknown = world.fill(&format!("{{ found: {} {{ id }} }}", request.replace('<', "AAAA<")));
            let not_there = other.gql(&unknown, json!({})).await.json();
            assert_eq!(answer["errors"][0]["message"], not_there["errors"][0]["message"], "one cannot tell which");
            assert_eq!(answer["errors"][0]["extensions"], json!({ "code": "NOT_FOUND" }), "{request}");
        }
        let query = r#"{ nodes(ids: ["<case>", "<order>", "<refund>", "<photo>", "<customer>"]) { id } }"#;
        assert_eq!(other.data(&world.fill(query), json!({})).await["nodes"], json!([null, null, null, null, null]));
    }

    /// S65: lists hold one's own rows only; staff sees all of them.
    async fn lists_hold_own_rows_only(app) {
        World::new(app).await;
        let query = "{ serviceCases { nodes { id } } refunds { nodes { id } } orders { nodes { id } } customers { nodes { id } } }";
        for (email, expected) in [("max@example.com", [2, 1, 1, 1]), ("erika@example.com", [0, 0, 1, 1])] {
            assert_eq!(lengths(&app.customer(email).await.data(query, json!({})).await), expected, "{email}");
        }
        assert_eq!(lengths(&app.agent().await.data(query, json!({})).await), [2, 1, 2, 2]);
    }

    /// F98: the token says who one is, and nothing more.
    async fn a_viewer_is_who_the_token_says(app) {
        let known = life::order(app, "max@example.com", "M-1").await;
        life::order(app, "erika@example.com", "M-4").await;
        for (who, caller) in callers(app).await {
            let found = caller.data("{ viewer { kind role customerId } }", json!({})).await["viewer"].clone();
            let (kind, role) = match who {
                "anonymous" => ("ANONYMOUS", None),
                "shop" => ("SHOP", None),
                "customer" | "other" | "guest" => ("CUSTOMER", None),
                staff => ("STAFF", Some(staff.to_uppercase())),
            };
            assert_eq!((&found["kind"], &found["role"]), (&json!(kind), &json!(role)), "{who}");
            assert_eq!(found["customerId"] == known.customer.as_str(), matches!(who, "customer" | "guest"), "{who}");
        }
    }

    /// An internal note is written by staff only.
    async fn a_customer_writes_no_internal_note(app) {
        let world = World::new(app).await;
        let customer = app.customer("max@example.com").await;
        let before = app.counts().await;
        let query = r#"mutation { messageAdd(input: {caseId: "<case>", body: "a", internal: true, idempotencyKey: "k"}) <errors> }"#;
        assert_eq!(customer.gql(&world.fill(query), json!({})).await.code(), "FORBIDDEN");
        assert_eq!(app.counts().await, before);
    }
}

fn lengths(lists: &Value) -> [usize; 4] {
    ["serviceCases", "refunds", "orders", "customers"].map(|list| lists[list]["nodes"].as_array().unwrap().len())
}
