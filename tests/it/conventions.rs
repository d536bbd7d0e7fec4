//! Conventions that hold for every noun: what the executor does with errors, idempotency, pages, versions, languages,
//! available actions, nodes, the access log, and why each record is still here.

use aftersales::graphql::node;
use async_graphql::{EmptyMutation, EmptySubscription, Object, Schema};
use chrono::TimeDelta;
use entity::staff::Role;
use serde_json::{Value, json};

use crate::on_both_engines;
use crate::support::{App, Caller, life};

struct Toy;
struct Inner;

#[Object]
impl Inner {
    async fn ok(&self) -> i32 {
        1
    }

    async fn bad(&self) -> async_graphql::Result<i32> {
        Err("bad".into())
    }

    async fn nul(&self) -> async_graphql::Result<Option<i32>> {
        Err("nul".into())
    }
}

#[Object]
impl Toy {
    async fn slow(&self) -> i32 {
        tokio::task::yield_now().await;
        1
    }

    async fn fast(&self) -> i32 {
        2
    }

    async fn obj(&self) -> Option<Inner> {
        Some(Inner)
    }

    async fn req(&self) -> Inner {
        Inner
    }

    async fn list(&self) -> Vec<Inner> {
        vec![Inner, Inner]
    }
}

/// The semantics that 7.0.19 was chosen for (7.1 and 7.2 have others): a change of version shows here first.
#[tokio::test]
async fn fields_keep_their_order_and_nulls_go_up_as_far_as_they_must() {
    let schema = Schema::new(Toy, EmptyMutation, EmptySubscription);
    for (query, data, fine) in [
        ("{slow fast}", r#"{"slow":1,"fast":2}"#, true),
        ("{obj{ok bad} fast}", r#"{"obj":null,"fast":2}"#, false),
        ("{req{ok bad}}", "null", false),
        ("{list{ok bad}}", "null", false),
        ("{obj{ok nul}}", r#"{"obj":null}"#, false),
        ("{nope}", "null", false),
    ] {
        let response = schema.execute(query).await;
        assert_eq!(serde_json::to_string(&response.data).unwrap(), data, "{query}");
        assert_eq!(response.errors.is_empty(), fine, "{query}");
    }
}

/// What a mutation without a selection is refused with; nothing if it is done.
async fn attempt(caller: &Caller<'_>, mutation: &str, mut input: Value) -> Option<String> {
    input["idempotencyKey"] = json!(caller.app.key());
    let input_type = match mutation {
        "refundApprove" | "refundSubmit" | "refundAcknowledge" | "refundCredit" | "refundFail" => {
            "RefundStepInput".to_owned()
        }
        "serviceCaseReview" | "serviceCaseReexamine" => "ServiceCaseStepInput".to_owned(),
        _ => format!("{}{}Input", mutation[..1].to_uppercase(), &mutation[1..]),
    };
    let query = format!("mutation($input: {input_type}!) {{ {mutation}(input: $input) {{ userErrors {{ code }} }} }}");
    let answer = caller.gql(&query, json!({ "input": input })).await.json();
    let top = &answer["errors"][0]["extensions"]["code"];
    let code = if top.is_null() { &answer["data"][mutation]["userErrors"][0]["code"] } else { top };
    code.as_str().map(str::to_owned)
}

fn input_of(mutation: &str, id: &str, other: &str) -> Value {
    match mutation {
        "messageAdd" => json!({ "caseId": id, "body": "Guten Tag." }),
        "attachmentUploadCreate" => json!({ "caseId": id, "fileName": "a", "mediaType": "image/png", "byteSize": 9 }),
        "serviceCaseDecide" => json!({
            "caseId": id, "outcome": "ELIGIBLE", "reason": "DAMAGED", "legalBasis": "WARRANTY", "text": "Wir erstatten.",
        }),
        "refundGrant" => json!({ "caseId": id, "amount": { "amountMinor": 1, "currency": "EUR" } }),
        "serviceCaseClose"
        | "serviceCaseResume"
        | "serviceCaseReview"
        | "serviceCaseReexamine"
        | "serviceCaseAssign"
        | "serviceCaseCancel"
        | "disputeOpen" => json!({ "caseId": id }),
        "serviceCaseMerge" => json!({ "caseId": id, "intoCaseId": other }),
        "serviceCaseAskInfo" => json!({ "caseId": id, "facts": ["PHOTOS"], "text": "Bitte ein Foto." }),
        "serviceCaseNotify" => json!({ "caseId": id, "channel": "EMAIL", "text": "Das Ergebnis." }),
        "serviceCaseObject" => json!({ "caseId": id, "text": "Nicht einverstanden." }),
        "proposalRecord" => json!({ "caseId": id, "text": "Ein Vorschlag." }),
        "caseDossier" => json!({
            "caseId": id, "recipientKind": "COURT", "recipient": "Amtsgericht", "purpose": "LEGAL_CLAIM",
        }),
        "returnInstruct" => {
            json!({ "caseId": id, "notes": "Gut verpacken.", "lines": [{ "position": 1, "quantity": 1 }] })
        }
        "remedyArrange" => json!({ "caseId": id, "kind": "REPLACEMENT", "position": 1, "quantity": 1 }),
        "serviceCasePause" => json!({ "caseId": id, "reason": "WAITING_FOR_CUSTOMER" }),
        "serviceCaseExtend" => json!({ "caseId": id, "until": "2014-03-25", "situation": "Es dauert." }),
        "refundApprove" | "refundSubmit" | "refundAcknowledge" | "refundCredit" | "refundFail" => {
            json!({ "refundId": id })
        }
        "refundAgreeAlternative" => json!({ "refundId": id, "consent": "Überweisung, am Telefon vereinbart." }),
        "refundInquire" => json!({ "refundId": id, "text": "Es ist nichts angekommen." }),
        "refundInquiryNote" => json!({ "refundId": id, "party": "BANK", "text": "Nachgefragt." }),
        unknown => panic!("{unknown} needs an input here"),
    }
}

/// A case, or a refund, that has come so far.
async fn so_far(app: &App, known: &life::Known, state: &str) -> String {
    let customer = app.customer(&known.email).await;
    let case = life::open(&customer, "WARRANTY_CLAIM", Some(&known.order), "Defekt.").await;
    if state == "RECEIVED" {
        return case;
    }
    life::decide(app, &case, if state == "REJECTED" { "NOT_ELIGIBLE" } else { "ELIGIBLE" }).await;
    let steps: &[&str] = match state {
        "REFUNDING" | "GRANTED" => &[],
        "SUBMITTED" => &["refundSubmit"],
        "CREDITED" => &["refundSubmit", "refundCredit"],
        "FAILED" => &["refundSubmit", "refundFail"],
        "CLOSED" => {
            life::refunded(app, &case, 1).await;
            life::close(app, &case).await;
            return case;
        }
        _ => return case,
    };
    let refund = life::grant(app, &case, 1).await;
    for step in steps {
        life::step(app, step, &refund).await;
    }
    if state == "REFUNDING" { case } else { refund }
}

/// Every action of a record agrees with what happens when it is tried, for every caller and state.
async fn actions_agree(app: &App, query: &str, states: &[&str], count: usize) {
    let known = life::order_of(app, "max@example.com", "K-1", 1000).await;
    // What another one may be merged into.
    let other = life::open(&app.customer(&known.email).await, "COMPLAINT", Some(&known.order), "Dasselbe.").await;
    let callers = [app.agent().await, app.customer(&known.email).await, app.finance().await];
    let mut wrong = Vec::new();
    for state in states {
        for (caller, who) in callers.iter().zip(["agent", "customer", "finance"]) {
            let id = so_far(app, &known, state).await;
            let found = caller.data(query, json!({ "id": id })).await;
            let actions = found["found"]["availableActions"].as_array().unwrap().clone();
            assert_eq!(actions.len(), count);
            for action in actions {
                let (mutation, enabled) = (action["mutation"].as_str().unwrap(), action["enabled"] == true);
                // What is refused changes nothing; what works needs a record of its own.
                let target = if enabled { so_far(app, &known, state).await } else { id.clone() };
                let outcome = attempt(caller, mutation, input_of(mutation, &target, &other)).await;
                let by_role = action["reason"] == "ROLE";
                let agrees = enabled == outcome.is_none() && by_role == (outcome.as_deref() == Some("FORBIDDEN"));
                if !agrees || enabled != action["reason"].is_null() {
                    wrong.push(format!("{state}, {who}: {action} but {outcome:?}"));
                }
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

on_both_engines! {
    /// F32, F103: sent again it answers the same and does nothing; with another input it is refused.
    async fn a_key_does_its_work_once(app) {
        let known = life::order(app, "max@example.com", "K-2").await;
        let customer = app.customer(&known.email).await;
        let input = json!({ "kind": "COMPLAINT", "description": "Beschwerde.", "idempotencyKey": "once" });
        let selection = "serviceCase { id number }";
        let first = customer.done("serviceCaseOpen", "ServiceCaseOpenInput", input.clone(), selection).await;
        app.advance(TimeDelta::seconds(1));
        let again = customer.done("serviceCaseOpen", "ServiceCaseOpenInput", input.clone(), selection).await;
        assert_eq!(first, again);
        let mut other = input;
        other["description"] = json!("Etwas anderes.");
        let (code, error) = customer.refused("serviceCaseOpen", "ServiceCaseOpenInput", other).await;
        assert_eq!((code.as_str(), &error["field"]), ("IDEMPOTENCY_MISMATCH", &json!(["input", "idempotencyKey"])));
        let case = first["serviceCase"]["id"].as_str().unwrap();
        let say = json!({ "caseId": case, "body": "Noch etwas.", "idempotencyKey": "once" });
        for _ in 0..2 {
            customer.done("messageAdd", "MessageAddInput", say.clone(), "message { id }").await;
        }
        assert_eq!((app.count("cases", "1 = 1").await, app.count("messages", "1 = 1").await), (1, 2));
    }

    /// F103: what was refused did not happen, so the mended input works under the same key.
    async fn a_refused_input_burns_no_key(app) {
        let known = life::order(app, "max@example.com", "K-3").await;
        let foreign = life::order(app, "erika@example.com", "K-4").await;
        let customer = app.customer(&known.email).await;
        let input = |text: &str, order: &str| {
            json!({ "kind": "RETURN", "description": text, "orderId": order, "idempotencyKey": "mended" })
        };
        for (wrong, code) in [(input("", &known.order), "REQUIRED"), (input("Zu klein.", &foreign.order), "NOT_FOUND")] {
            assert_eq!(customer.refused("serviceCaseOpen", "ServiceCaseOpenInput", wrong).await.0, code);
        }
        let right = input("Zu klein.", &known.order);
        customer.done("serviceCaseOpen", "ServiceCaseOpenInput", right, "serviceCase { id }").await;
        assert_eq!(app.count("cases", "1 = 1").await, 1);
    }

    /// F103: a key belongs to an actor.
    async fn the_keys_of_two_actors_never_meet(app) {
        for (email, number) in [("max@example.com", "K-5"), ("erika@example.com", "K-6")] {
            life::order(app, email, number).await;
            let input = json!({ "kind": "COMPLAINT", "description": number, "idempotencyKey": "same" });
            app.customer(email).await.done("serviceCaseOpen", "ServiceCaseOpenInput", input, "serviceCase { id }").await;
        }
        assert_eq!(app.count("cases", "1 = 1").await, 2);
    }

    /// F101: every case once, in order, while new ones arrive between the pages.
    async fn pages_stay_whole_while_cases_arrive(app) {
        let known = life::order(app, "max@example.com", "K-7").await;
        let customer = app.customer(&known.email).await;
        let mut expected = Vec::new();
        for n in 0..45 {
            app.advance(TimeDelta::seconds(1));
            expected.insert(0, life::open(&customer, "COMPLAINT", None, &format!("Nr. {n}")).await);
        }
        let query = "query($after: String) { serviceCases(first: 20, after: $after) { edges { cursor node { id } } \
                     pageInfo { hasNextPage hasPreviousPage endCursor } } }";
        let (mut seen, mut pages, mut after) = (Vec::new(), Vec::new(), Value::Null);
        while pages.len() < 5 {
            let page = customer.data(query, json!({ "after": after })).await["serviceCases"].clone();
            let (edges, info) = (page["edges"].as_array().unwrap(), &page["pageInfo"]);
            seen.extend(edges.iter().map(|e| e["node"]["id"].as_str().unwrap().to_owned()));
            assert_eq!(edges.last().unwrap()["cursor"], info["endCursor"]);
            pages.push((edges.len(), info["hasPreviousPage"] == true, info["hasNextPage"] == true));
            if info["hasNextPage"] == false {
                break;
            }
            after = info["endCursor"].clone();
            app.advance(TimeDelta::seconds(1));
            life::open(&customer, "COMPLAINT", None, "Dazwischen.").await;
        }
        assert_eq!(pages, [(20, false, true), (20, true, true), (5, true, false)]);
        assert_eq!(seen, expected);
    }

    /// F101: a page is 1 to 100 long and begins after a cursor of ours.
    async fn a_wrong_page_is_refused(app) {
        let agent = app.agent().await;
        let id = node::id("ServiceCase", uuid::Uuid::nil()).0;
        for connection in ["serviceCases", "customers", "orders", "refunds"] {
            let query = format!("query($n: Int, $c: String) {{ {connection}(first: $n, after: $c) {{ nodes {{ id }} }} }}");
            for (n, cursor) in [(0, None), (101, None), (-1, None), (5, Some("20")), (5, Some("MjA")), (5, Some(&*id))] {
                let reply = agent.gql(&query, json!({ "n": n, "c": cursor })).await;
                assert_eq!(reply.code(), "BAD_USER_INPUT", "{connection} {n} {cursor:?}");
            }
            agent.data(&query, json!({ "n": 100, "c": null })).await;
        }
    }

    /// F104: the version guards the decision that somebody saw, not the messages.
    async fn a_version_guards_the_decision_and_not_the_messages(app) {
        let known = life::order(app, "max@example.com", "K-8").await;
        let customer = app.customer(&known.email).await;
        let case = life::open(&customer, "RETURN", Some(&known.order), "Zu klein.").await;
        let agent = app.agent().await;
        let version = async || {
            let seen = agent.data("query($id: ID!) { serviceCase(id: $id) { version } }", json!({ "id": case })).await;
            seen["serviceCase"]["version"].clone()
        };
        let mut decision = input_of("serviceCaseDecide", &case, &case);
        decision["expectedVersion"] = version().await;
        life::say(&customer, &case, "Bitte beeilen Sie sich.").await;
        assert_eq!(version().await, decision["expectedVersion"]);
        agent.done("serviceCaseDecide", "ServiceCaseDecideInput", decision.clone(), "serviceCase { id }").await;
        let (code, error) = agent.refused("serviceCaseDecide", "ServiceCaseDecideInput", decision).await;
        assert_eq!((code.as_str(), &error["field"]), ("VERSION_CONFLICT", &json!(["input", "expectedVersion"])));
        let current = version().await.to_string();
        assert_eq!(error["details"], json!([{ "name": "currentVersion", "value": current }]));
    }

    /// Messages and labels in German and English, by Accept-Language.
    async fn everybody_is_answered_in_their_language(app) {
        let known = life::order(app, "max@example.com", "K-9").await;
        let customer = app.customer(&known.email).await;
        let case = life::open(&customer, "WARRANTY_CLAIM", Some(&known.order), "Defekt.").await;
        let say = "mutation($id: ID!) { messageAdd(input: {caseId: $id, body: \"\", idempotencyKey: \"k\"}) { userErrors { message } } }";
        let labels = "query($id: ID!) { serviceCase(id: $id) { kindLabel stateLabel } }";
        for (language, kind, state, message) in [
            ("de-DE,de;q=0.9,en;q=0.8", "Gewährleistung", "Eingegangen", "Diese Angabe wird benötigt."),
            ("en-GB,de;q=0.5", "Warranty claim", "Received", "This is required."),
            ("fr", "Warranty claim", "Received", "This is required."),
        ] {
            let found = customer.gql_in(language, labels, json!({ "id": case })).await.json();
            assert_eq!(found["data"]["serviceCase"], json!({ "kindLabel": kind, "stateLabel": state }), "{language}");
            let refused = customer.gql_in(language, say, json!({ "id": case })).await.json();
            assert_eq!(refused["data"]["messageAdd"]["userErrors"], json!([{ "message": message }]), "{language}");
        }
    }

    /// F4: what a case offers is what works.
    async fn the_actions_of_a_case_agree_with_what_happens(app) {
        let query = "query($id: ID!) { found: serviceCase(id: $id) { availableActions { mutation enabled reason } } }";
        actions_agree(app, query, &["RECEIVED", "DECIDED", "REJECTED", "REFUNDING", "CLOSED"], 21).await;
    }

    /// F4, F36: what a refund offers is what works.
    async fn the_actions_of_a_refund_agree_with_what_happens(app) {
        let query = "query($id: ID!) { found: refund(id: $id) { availableActions { mutation enabled reason } } }";
        actions_agree(app, query, &["GRANTED", "SUBMITTED", "CREDITED", "FAILED"], 8).await;
    }

    /// Relay: everything with an id is found by it; anything else is null, with `NOT_FOUND` at its place.
    async fn a_node_is_found_by_its_id(app) {
        let known = life::order(app, "max@example.com", "K-10").await;
        let (case, refund, photo) = life::whole_case(app, &known).await;
        let customer = app.customer(&known.email).await;
        let query = "query($id: ID!) { node(id: $id) { __typename id } }";
        let kinds = ["ServiceCase", "Refund", "Attachment", "Order", "Customer"];
        for (kind, id) in kinds.iter().zip([&case, &refund, &photo, &known.order, &known.customer]) {
            let found = customer.data(query, json!({ "id": id })).await;
            assert_eq!(found["node"], json!({ "__typename": kind, "id": id }));
        }
        let strange = ["Widget", "Hold", "Message", "ServiceCase"].map(|kind| node::id(kind, uuid::Uuid::nil()).0);
        for id in strange.iter().map(String::as_str).chain(["", "?", "nonsense"]) {
            let answer = customer.gql(query, json!({ "id": id })).await.json();
            assert_eq!(answer["data"], json!({ "node": null }), "{id}");
            assert_eq!(answer["errors"][0]["extensions"]["code"], "NOT_FOUND", "{id}");
            assert_eq!(answer["errors"][0]["path"], json!(["node"]), "{id}");
        }
        let several = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }";
        let found = customer.data(several, json!({ "ids": [photo, strange[0], case] })).await;
        assert_eq!(found["nodes"], json!([{ "id": photo }, null, { "id": case }]));
        assert_eq!(customer.gql(several, json!({ "ids": vec![&case; 101] })).await.code(), "BAD_USER_INPUT");
    }

    /// S65, S66, F94: staff leaves one trace per case and hour, a customer's own reading none.
    async fn opening_a_case_leaves_a_trace(app) {
        let known = life::order(app, "max@example.com", "K-11").await;
        let customer = app.customer(&known.email).await;
        let case = life::open(&customer, "WARRANTY_CLAIM", Some(&known.order), "Defekt.").await;
        let query = "query($id: ID!) { serviceCase(id: $id) { customer { contact { email } } messages { nodes { body } } } }";
        let traces = async || app.count("access_entries", "case_id IS NOT NULL").await;
        let own = customer.data(query, json!({ "id": case })).await;
        assert_eq!((own["serviceCase"]["customer"]["contact"]["email"].as_str(), traces().await), (Some("max@example.com"), 0));
        let agent = app.agent().await;
        for _ in 0..2 {
            assert_eq!(agent.data(query, json!({ "id": case })).await, own, "an opened case shows everything");
        }
        agent.data("query($id: ID!) { node(id: $id) { id } }", json!({ "id": case })).await;
        assert_eq!(traces().await, 1);
        app.finance().await.data(query, json!({ "id": case })).await;
        assert_eq!((traces().await, app.count("access_entries", "purpose = 'REFUND'").await), (2, 1));
        app.advance(TimeDelta::hours(1));
        agent.data(query, json!({ "id": case })).await;
        assert_eq!(traces().await, 3);
    }

    /// S66: the answer to a mutation shows no more than an opening that is logged.
    async fn a_mutation_shows_nothing_without_a_trace(app) {
        let known = life::order(app, "max@example.com", "K-12").await;
        let case = life::open(&app.customer(&known.email).await, "COMPLAINT", None, "Beschwerde.").await;
        let query = "mutation($id: ID!) { messageAdd(input: {caseId: $id, body: \"Notiz\", internal: true, idempotencyKey: \"k\"}) \
                     { serviceCase { customer { contact { email } } messages { nodes { body } } } } }";
        let answer = app.agent().await.gql(query, json!({ "id": case })).await;
        let shown = answer.json()["data"]["messageAdd"]["serviceCase"]["customer"]["contact"]["email"] == "max@example.com";
        assert_eq!(shown, app.count("access_entries", "case_id IS NOT NULL").await == 1);
    }

    /// S65, F105: a list is masked; full contact data needs a role and a purpose, and is logged.
    async fn a_list_is_masked_and_contact_needs_a_purpose(app) {
        let known = life::order(app, "max@example.com", "K-13").await;
        let customer = app.customer(&known.email).await;
        life::open(&customer, "WARRANTY_CLAIM", Some(&known.order), "Defekt.").await;
        let agent = app.agent().await;
        let query = "{ serviceCases { nodes { customer { displayName emailMasked } messages { nodes { body } } } } }";
        let first = |found: Value| found["serviceCases"]["nodes"][0].clone();
        let listed = first(agent.data(query, json!({})).await);
        assert_eq!(listed["customer"], json!({ "displayName": "E. M.", "emailMasked": "m…@example.com" }));
        assert_eq!(listed["messages"]["nodes"], json!([{ "body": null }]));
        let own = first(customer.data(query, json!({})).await);
        assert_eq!((&own["customer"]["displayName"], &own["messages"]["nodes"]), (&json!("Erika Mustermann"), &json!([{ "body": "Defekt." }])));
        let contact = "query($p: AccessPurpose) { customers { nodes { contact(purpose: $p) { email phone } } } }";
        assert_eq!(agent.gql(contact, json!({})).await.code(), "BAD_USER_INPUT");
        assert_eq!(app.staff(Role::Warehouse).await.gql(contact, json!({ "p": "CONTACT" })).await.code(), "FORBIDDEN");
        customer.data(contact, json!({})).await;
        assert_eq!(app.count("access_entries", "1 = 1").await, 0);
        let shown = agent.data(contact, json!({ "p": "CONTACT" })).await;
        assert_eq!(shown["customers"]["nodes"][0]["contact"], json!({ "email": "max@example.com", "phone": "030 23125 101" }));
        assert_eq!(app.count("access_entries", "purpose = 'CONTACT' AND customer_id IS NOT NULL").await, 1);
    }

    /// F85, F96: every record says what it is kept for, by which norm, and until when.
    async fn every_record_says_why_it_is_kept(app) {
        let known = life::order(app, "max@example.com", "K-14").await;
        life::delivered(app, &known).await;
        let (case, ..) = life::whole_case(app, &known).await;
        let query = "query($id: ID!) { serviceCase(id: $id) { retention { ...R } customer { retention { ...R } } order { \
            retention { ...R } lines { retention { ...R } } parcels { retention { ...R } } } messages { nodes { retention { ...R } } } \
            refunds { retention { ...R } } attachments { retention { ...R } } } } \
            fragment R on Retention { dataType because purpose keptUntil }";
        let found = app.agent().await.data(query, json!({ "id": case })).await["serviceCase"].clone();
        for (place, data_type, ends_on) in [
            ("", "R24", "2017-12-31"), ("/customer", "R21", "2017-12-31"), ("/order", "R25", "2017-12-31"),
            ("/order/lines/0", "R25", "2017-12-31"), ("/order/parcels/0", "R07", "2017-12-31"),
            ("/messages/nodes/0", "R03", "2020-12-31"), ("/refunds/0", "R01", "2022-12-31"),
            ("/attachments/0", "R09a", "2014-09-10"),
        ] {
            let retention = found.pointer(&format!("{place}/retention")).unwrap();
            assert_eq!((&retention["dataType"], &retention["keptUntil"]), (&json!(data_type), &json!(ends_on)), "{place}");
            assert!(["because", "purpose"].iter().all(|k| retention[k].as_str().is_some_and(|t| !t.is_empty())), "{place}: {retention}");
        }
    }
}
