//! Goods on their way: instructed, sent, counted, inspected, sent back. Remedies in kind and carriers have files of their own.

mod carrier;
mod remedy;

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::on_both_engines;
use crate::support::{App, Caller, days, goods, life, media};

/// One piece of the first line.
fn one() -> Value {
    json!([{ "position": 1, "quantity": 1, "reason": "QUALITY_DEFECT", "detail": "LEAKS" }])
}

fn fact(error: &Value, name: &str) -> String {
    let details = error["details"].as_array().unwrap();
    let found = details.iter().find(|d| d["name"] == name).unwrap_or_else(|| panic!("no {name}: {error:#}"));
    found["value"].as_str().unwrap().to_owned()
}

/// Code, field and error of a refusal.
async fn refused(caller: &Caller<'_>, mutation: &str, input_type: &str, input: Value) -> (String, String, Value) {
    let (code, error) = caller.refused(mutation, input_type, input).await;
    let field: Vec<_> = error["field"].as_array().unwrap().iter().map(|f| f.as_str().unwrap().to_owned()).collect();
    (code, field.join("."), error)
}

fn with(mut input: Value, field: &str, value: Value) -> Value {
    input[field] = value;
    input
}

async fn of(app: &App, id: &str, selection: &str) -> Value {
    let query = format!("query($id: ID!) {{ return(id: $id) {{ {selection} }} }}");
    goods::warehouse(app).await.data(&query, json!({ "id": id })).await["return"].clone()
}

async fn state(app: &App, case: &str) -> String {
    goods::seen(app, case, "state").await["state"].as_str().unwrap().to_owned()
}

async fn delivered_at(app: &App, known: &life::Known) -> Value {
    let query = "query($id: ID!) { order(id: $id) { deliveredAt } }";
    app.agent().await.data(query, json!({ "id": known.order })).await["order"]["deliveredAt"].clone()
}

on_both_engines! {
    /// F15, S46 to S51, S54: the reasons, on two levels and in both languages, for everybody.
    async fn the_catalogue_of_reasons_is_public(app) {
        let query = "{ returnReasons { code label details { code label } } }";
        let german = app.anonymous().gql_in("de", query, json!({})).await.json()["data"]["returnReasons"].clone();
        let english = app.anonymous().data(query, json!({})).await["returnReasons"].clone();
        let codes: Vec<_> = german.as_array().unwrap().iter().map(|r| r["code"].as_str().unwrap()).collect();
        let expected = [
            "QUALITY_DEFECT", "NOT_AS_DESCRIBED", "MISSING_ACCESSORY", "DAMAGED", "WRONG_DELIVERY", "WRONG_LABELLING",
            "NO_REASON",
        ];
        assert_eq!(codes, expected);
        assert_eq!(german[0]["details"][0], json!({ "code": "DOES_NOT_START", "label": "startet nicht" }));
        assert_eq!(english[0]["details"][0], json!({ "code": "DOES_NOT_START", "label": "does not start" }));
        assert_eq!(english[6]["label"], "No reason given");
    }

    /// S25, S26, S27, S28, S53, F21: number, articles, named address, last day, who pays, label and notes, in the customer's
    /// language, for an exchange as for a return.
    async fn an_instruction_says_everything_in_both_languages(app) {
        for (number, locale, kind, parts) in [
            ("R-1", "DE", "RETURN", ["zurück", "1 × Wasserkocher Elbe (W-100): undicht", "bis zum 24.03.2014", "Kosten der Rücksendung tragen wir", "Bitte beachten Sie:\nBitte das Zubehör beilegen.", "Versandmarke: LABEL-77"]),
            ("R-2", "EN", "EXCHANGE", ["send us the goods", "1 × Wasserkocher Elbe (W-100): leaks", "by 24 March 2014", "We bear the cost", "Please note:\nBitte das Zubehör beilegen.", "Label: LABEL-77"]),
        ] {
            let known = goods::order(app, &format!("{locale}@example.com"), number, locale).await;
            let case = goods::case(app, &known, kind).await;
            let id = goods::instruct(app, &case, one()).await;
            let found = of(app, &id, "number address notes label carriage sendBy state lines { quantity reasonLabel orderLine { sku } }").await;
            let letter = goods::letter(app, &case, "RETURN_INSTRUCTION").await;
            let shop = &app.state.policies.at(app.now()).shop;
            let address = format!("{}\n{}", shop.name, shop.address.join("\n"));
            for part in parts.into_iter().chain([found["number"].as_str().unwrap(), &address]) {
                assert!(letter.contains(part), "{part} in {letter}");
            }
            assert!(found["number"].as_str().unwrap().starts_with("RA-2014-"));
            assert_eq!(found["address"], address.as_str());
            assert_eq!((&found["carriage"], &found["sendBy"], &found["state"]), (&json!("SHOP"), &json!("2014-03-24"), &json!("INSTRUCTED")));
            assert_eq!((&found["notes"], &found["label"]), (&json!("Bitte das Zubehör beilegen."), &json!("LABEL-77")));
            assert_eq!(found["lines"], json!([{ "quantity": 1, "reasonLabel": "leaks", "orderLine": { "sku": "W-100" } }]));
            let after = goods::seen(app, &case, "state waitingFor timers { rule state }").await;
            assert_eq!((&after["state"], &after["waitingFor"]), (&json!("RETURN_INSTRUCTED"), &json!("CUSTOMER")));
            assert!(after["timers"].as_array().unwrap().iter().all(|t| t["state"] == "MET"), "{after}");
        }
    }

    /// S52, S53, S54, F20: law and policy say who pays; staff may only be kinder.
    async fn who_pays_the_way_back_is_derived(app) {
        let known = goods::order(app, "max@example.com", "R-3", "DE").await;
        let agent = app.agent().await;
        for (reason, kind, carriage) in [
            ("NO_REASON", "RETURN", "CUSTOMER"), ("DAMAGED", "RETURN", "SHOP"), ("WRONG_LABELLING", "EXCHANGE", "SHOP"),
            ("QUALITY_DEFECT", "WARRANTY_CLAIM", "SHOP"),
        ] {
            let case = goods::case(app, &known, kind).await;
            let input = goods::instruction(&case, &json!([{ "position": 1, "quantity": 1, "reason": reason }]));
            if carriage == "SHOP" {
                let worse = with(input.clone(), "carriage", json!("CUSTOMER"));
                let (code, field, error) = refused(&agent, "returnInstruct", "ReturnInstructInput", worse).await;
                assert_eq!((code.as_str(), field.as_str(), fact(&error, "expected").as_str()), ("INVALID", "input.carriage", "SHOP"));
            }
            let done = agent.done("returnInstruct", "ReturnInstructInput", input, "return { carriage }").await;
            assert_eq!(done["return"]["carriage"], carriage, "{reason}");
        }
        let case = goods::case(app, &known, "RETURN").await;
        let input = goods::instruction(&case, &json!([{ "position": 1, "quantity": 1, "reason": "NO_REASON" }]));
        let kinder = with(input, "carriage", json!("SHOP"));
        let done = agent.done("returnInstruct", "ReturnInstructInput", kinder, "return { carriage }").await;
        assert_eq!(done["return"]["carriage"], "SHOP");
    }

    /// F14: part of a line may come back, and never more than is with the customer, whatever else is under way.
    async fn quantities_are_partial_and_never_exceed_what_is_left(app) {
        let known = goods::order(app, "max@example.com", "R-4", "DE").await;
        let first = goods::case(app, &known, "RETURN").await;
        let id = goods::instruct(app, &first, json!([{ "position": 1, "quantity": 3 }, { "position": 2, "quantity": 1 }])).await;
        let second = goods::case(app, &known, "RETURN").await;
        let agent = app.agent().await;
        let before = app.counts().await;
        let asks = |lines: Value| goods::instruction(&second, &lines);
        for (lines, code, field, most) in [
            (json!([{ "position": 1, "quantity": 3 }]), "TOO_LARGE", "input.lines.0.quantity", Some("2")),
            (json!([{ "position": 2, "quantity": 1 }, { "position": 1, "quantity": 9 }]), "TOO_LARGE", "input.lines.1.quantity", Some("2")),
            (json!([{ "position": 1, "quantity": 0 }]), "NOT_POSITIVE", "input.lines.0.quantity", None),
            (json!([{ "position": 3, "quantity": 1 }]), "NOT_FOUND", "input.lines.0.position", None),
            (json!([{ "position": 1, "quantity": 1 }, { "position": 1, "quantity": 1 }]), "ALREADY_EXISTS", "input.lines.1.position", None),
            (json!([{ "position": 1, "quantity": 1, "reason": "ANSWERED" }]), "INVALID", "input.lines.0.reason", None),
            (json!([{ "position": 1, "quantity": 1, "reason": "DAMAGED", "detail": "LEAKS" }]), "INVALID", "input.lines.0.detail", None),
            (json!([{ "position": 1, "quantity": 1, "detail": "LEAKS" }]), "INVALID", "input.lines.0.detail", None),
            (json!([]), "REQUIRED", "input.lines", None),
        ] {
            let (got, at, error) = refused(&agent, "returnInstruct", "ReturnInstructInput", asks(lines)).await;
            assert_eq!((got.as_str(), at.as_str()), (code, field));
            if let Some(most) = most {
                assert_eq!(fact(&error, "maximum"), most);
            }
        }
        for (input, code, field) in [
            (with(asks(one()), "notes", json!(" ")), "REQUIRED", "input.notes"),
            (with(asks(one()), "expectedVersion", json!(1)), "VERSION_CONFLICT", "input.expectedVersion"),
            (with(asks(one()), "caseId", json!(first)), "TRANSITION_NOT_ALLOWED", "input.caseId"),
        ] {
            let (got, at, _) = refused(&agent, "returnInstruct", "ReturnInstructInput", input).await;
            assert_eq!((got.as_str(), at.as_str()), (code, field));
        }
        assert_eq!(app.counts().await, before, "a refusal leaves nothing");
        let bare = life::open(&app.customer(&known.email).await, "RETURN", None, "Ohne Bestellung.").await;
        let (code, _, error) = refused(&agent, "returnInstruct", "ReturnInstructInput", goods::instruction(&bare, &one())).await;
        assert_eq!((code.as_str(), fact(&error, "missing").as_str()), ("REQUIRED", "order"));
        // What was announced and did not come is with the customer again.
        goods::receive(app, &id, json!([{ "position": 1, "received": 1 }])).await;
        goods::instruct(app, &second, json!([{ "position": 1, "quantity": 4 }, { "position": 2, "quantity": 2 }])).await;
    }

    /// The same request twice does it once; the same key with another body is refused.
    async fn an_instruction_is_given_once(app) {
        let known = goods::order(app, "max@example.com", "R-5", "DE").await;
        let case = goods::case(app, &known, "RETURN").await;
        let agent = app.agent().await;
        let input = with(goods::instruction(&case, &one()), "idempotencyKey", json!("once"));
        let first = agent.done("returnInstruct", "ReturnInstructInput", input.clone(), "return { id number }").await;
        let again = agent.done("returnInstruct", "ReturnInstructInput", input.clone(), "return { id number }").await;
        assert_eq!(first, again);
        assert_eq!((app.count("returns", "1 = 1").await, app.count("return_lines", "1 = 1").await), (1, 1));
        let other = with(input, "notes", json!("Anders."));
        let (code, ..) = refused(&agent, "returnInstruct", "ReturnInstructInput", other).await;
        assert_eq!(code, "IDEMPOTENCY_MISMATCH");
    }

    /// F41, F44: the customer's own proof counts, and a return may travel in several parcels.
    async fn dispatch_takes_a_proof_or_parcels(app) {
        let known = goods::order(app, "max@example.com", "R-6", "DE").await;
        life::order(app, "erika@example.com", "R-7").await;
        let case = goods::case(app, &known, "RETURN").await;
        let id = goods::instruct(app, &case, one()).await;
        let customer = app.customer(&known.email).await;
        let nothing = json!({ "returnId": id });
        for (input, code, field) in [
            (nothing.clone(), "REQUIRED", "input.proof"),
            (with(nothing.clone(), "carrier", json!("DHL")), "REQUIRED", "input.trackingNumber"),
            (json!({ "returnId": id, "proof": "Beleg", "dispatchedAt": app.now() + days(1) }), "INVALID", "input.dispatchedAt"),
        ] {
            let (got, at, _) = refused(&customer, "returnDispatch", "ReturnDispatchInput", input).await;
            assert_eq!((got.as_str(), at.as_str()), (code, field));
        }
        let proof = json!({ "returnId": id, "proof": "Einlieferungsbeleg MARKE-BELEG" });
        let other = app.customer("erika@example.com").await;
        assert_eq!(refused(&other, "returnDispatch", "ReturnDispatchInput", proof.clone()).await.0, "NOT_FOUND");
        let done = customer.done("returnDispatch", "ReturnDispatchInput", proof, "return { state dispatchProof }").await;
        assert_eq!(done["return"], json!({ "state": "IN_TRANSIT", "dispatchProof": "Einlieferungsbeleg MARKE-BELEG" }));
        goods::dispatch(app, &known, &id, "back-1").await;
        app.advance(TimeDelta::seconds(1));
        goods::dispatch(app, &known, &id, "back-2").await;
        let found = goods::seen(app, &case, "state parcels { purpose state trackingNumber }").await;
        let parcel = |number| json!({ "purpose": "RETURN", "state": "IN_TRANSIT", "trackingNumber": number });
        assert_eq!(found, json!({ "state": "IN_TRANSIT", "parcels": [parcel("back-1"), parcel("back-2")] }));
        assert_eq!(goods::tasks(app, &case).await, Vec::<String>::new(), "no refund is due without a withdrawal");
    }

    /// BGB § 357(4): proof of dispatch ends the right to withhold; the inspection is not waited for.
    async fn a_withdrawal_is_refunded_from_dispatch_on(app) {
        let known = goods::order(app, "max@example.com", "R-8", "DE").await;
        let case = goods::case(app, &known, "WITHDRAWAL").await;
        let id = goods::instruct(app, &case, json!([{ "position": 1, "quantity": 1, "reason": "NO_REASON" }])).await;
        assert!(!goods::tasks(app, &case).await.contains(&"REFUND_WITHDRAWAL".to_owned()));
        goods::dispatch(app, &known, &id, "back-w").await;
        assert_eq!(goods::tasks(app, &case).await, ["REFUND_WITHDRAWAL"]);
        goods::receive(app, &id, json!([{ "position": 1, "received": 1 }])).await;
        assert_eq!(goods::tasks(app, &case).await, ["INSPECT_GOODS", "REFUND_WITHDRAWAL"], "once");
    }

    /// F22, S29: counted with what is missing and what is another article; from then on the decision is due.
    async fn goods_are_counted_with_missing_and_wrong_ones(app) {
        let known = goods::order(app, "max@example.com", "R-9", "DE").await;
        let case = goods::case(app, &known, "RETURN").await;
        let id = goods::instruct(app, &case, json!([{ "position": 1, "quantity": 3 }, { "position": 2, "quantity": 2 }])).await;
        goods::dispatch(app, &known, &id, "back-9").await;
        let warehouse = goods::warehouse(app).await;
        let counts = |lines: Value| json!({ "returnId": id, "lines": lines });
        for (lines, code, field) in [
            (json!([{ "position": 1, "received": 4 }]), "TOO_LARGE", "input.lines.0.received"),
            (json!([{ "position": 1, "received": -1 }]), "INVALID", "input.lines.0.received"),
            (json!([{ "position": 1, "received": 1, "wrong": -1 }]), "INVALID", "input.lines.0.wrong"),
            (json!([{ "position": 3, "received": 1 }]), "NOT_FOUND", "input.lines.0.position"),
        ] {
            let (got, at, _) = refused(&warehouse, "returnReceive", "ReturnReceiveInput", counts(lines)).await;
            assert_eq!((got.as_str(), at.as_str()), (code, field));
        }
        let stale = with(counts(json!([{ "position": 1, "received": 1 }])), "expectedVersion", json!(1));
        assert_eq!(refused(&warehouse, "returnReceive", "ReturnReceiveInput", stale).await.0, "VERSION_CONFLICT");
        goods::receive(app, &id, json!([{ "position": 1, "received": 2, "wrong": 1 }])).await;
        let found = of(app, &id, "state receivedAt lines { quantity received missing wrong } parcels { state deliveredAt }").await;
        assert_eq!(found["lines"], json!([
            { "quantity": 3, "received": 2, "missing": 1, "wrong": 1 },
            { "quantity": 2, "received": 0, "missing": 2, "wrong": 0 },
        ]));
        assert_eq!((&found["state"], &found["parcels"][0]["state"]), (&json!("RECEIVED"), &json!("DELIVERED")));
        assert_eq!(state(app, &case).await, "RETURN_RECEIVED");
        let timers = goods::seen(app, &case, "timers { rule state }").await;
        assert!(timers["timers"].as_array().unwrap().contains(&json!({ "rule": "decision", "state": "RUNNING" })), "{timers}");
        assert_eq!(goods::tasks(app, &case).await, ["INSPECT_GOODS"]);
        let (code, _, error) = refused(&warehouse, "returnReceive", "ReturnReceiveInput", counts(json!([{ "position": 1, "received": 1 }]))).await;
        assert_eq!((code.as_str(), fact(&error, "returnState").as_str()), ("TRANSITION_NOT_ALLOWED", "RECEIVED"));
        let order = delivered_at(app, &known).await;
        assert_eq!(order, "2014-03-10T09:00:00+00:00", "goods on their way back move no window");
    }

    /// F22: what never came expires two weeks after its day, once; what comes later is still received.
    async fn a_return_expires_and_is_received_late(app) {
        let known = goods::order(app, "max@example.com", "R-10", "DE").await;
        let case = goods::case(app, &known, "RETURN").await;
        let id = goods::instruct(app, &case, one()).await;
        app.at("2014-04-07T22:59:00Z");
        assert_eq!(app.run_job("timers").await["returnsExpired"], 0);
        app.at("2014-04-07T23:00:00Z");
        assert_eq!(app.run_job("timers").await["returnsExpired"], 1);
        assert_eq!(app.run_job("timers").await["returnsExpired"], 0);
        assert_eq!((state(app, &case).await.as_str(), &of(app, &id, "state").await["state"]), ("RETURN_EXPIRED", &json!("EXPIRED")));
        assert_eq!(goods::tasks(app, &case).await, ["DEADLINE_MISSED"]);
        goods::receive(app, &id, json!([{ "position": 1, "received": 1 }])).await;
        assert_eq!(state(app, &case).await, "RETURN_RECEIVED");
    }

    /// F22: lost goods are traced, and received if they turn up after all.
    async fn lost_goods_are_traced_and_may_turn_up(app) {
        let known = goods::order(app, "max@example.com", "R-11", "DE").await;
        let case = goods::case(app, &known, "RETURN").await;
        let id = goods::instruct(app, &case, one()).await;
        let agent = app.agent().await;
        let lose = json!({ "returnId": id });
        let (code, _, error) = refused(&agent, "returnLose", "ReturnStepInput", lose.clone()).await;
        assert_eq!((code.as_str(), fact(&error, "returnState").as_str()), ("TRANSITION_NOT_ALLOWED", "INSTRUCTED"));
        goods::dispatch(app, &known, &id, "back-11").await;
        agent.done("returnLose", "ReturnStepInput", lose, "return { state }").await;
        let found = goods::seen(app, &case, "state parcels { state retention { startedAt } }").await;
        assert_eq!((&found["state"], &found["parcels"][0]["state"]), (&json!("LOST_IN_TRANSIT"), &json!("LOST")));
        assert!(found["parcels"][0]["retention"]["startedAt"].is_string());
        assert_eq!(goods::tasks(app, &case).await, ["TRACE_PARCEL"]);
        goods::receive(app, &id, json!([{ "position": 1, "received": 1 }])).await;
        let found = goods::seen(app, &case, "state parcels { state }").await;
        assert_eq!(found, json!({ "state": "RETURN_RECEIVED", "parcels": [{ "state": "DELIVERED" }] }));
    }

    /// S30, S31, S33, F23, F24: everything accepted; finding, grade, photo and disposition are kept, the remedy is a task.
    async fn an_inspection_accepts(app) {
        let known = goods::order(app, "max@example.com", "R-12", "DE").await;
        let case = goods::case(app, &known, "WARRANTY_CLAIM").await;
        let id = goods::instruct(app, &case, one()).await;
        goods::receive(app, &id, json!([{ "position": 1, "received": 1 }])).await;
        goods::begin(app, &id).await;
        let photo = media::jpeg();
        let input = json!({ "caseId": case, "returnId": id, "fileName": "boden.jpg", "mediaType": "image/jpeg", "byteSize": photo.len() });
        let warehouse = goods::warehouse(app).await;
        let ticket = warehouse.done("attachmentUploadCreate", "AttachmentUploadCreateInput", input.clone(), "upload { url }").await;
        let path = ticket["upload"]["url"].as_str().unwrap().trim_start_matches("http://test").to_owned();
        let put = axum::http::Request::put(path).header("content-length", photo.len());
        assert_eq!(app.send(put.body(axum::body::Body::from(photo)).unwrap()).await.status, 201);
        let other = goods::case(app, &known, "RETURN").await;
        let (code, field, _) = refused(&warehouse, "attachmentUploadCreate", "AttachmentUploadCreateInput", with(input, "caseId", json!(other))).await;
        assert_eq!((code.as_str(), field.as_str()), ("NOT_FOUND", "input.returnId"));
        app.advance(TimeDelta::hours(1));
        let mut input = goods::inspection(&id, 1, "QUALITY_DEFECT", "WARRANTY");
        for field in ["reason", "legalBasis", "text"] {
            input.as_object_mut().unwrap().remove(field);
        }
        goods::inspect(app, input).await;
        let found = of(app, &id, "state finding inspectedAt inspectedBy attachments { state } lines { accepted grade finding disposition }").await;
        assert_eq!(found["lines"], json!([{ "accepted": 1, "grade": "DEFECTIVE", "finding": "Boden undicht, MARKE-ZEILE.", "disposition": "REFURBISH" }]));
        assert_eq!((&found["finding"], &found["attachments"]), (&json!("Kratzer am Boden, MARKE-BEFUND."), &json!([{ "state": "AVAILABLE" }])));
        assert_eq!(found["inspectedAt"], "2014-03-10T10:00:00+00:00");
        assert!(found["inspectedBy"].is_string());
        let case_now = goods::seen(app, &case, "state outcome legalBasis timers { rule state }").await;
        assert_eq!((&case_now["state"], &case_now["outcome"], &case_now["legalBasis"]), (&json!("ELIGIBLE"), &json!("ELIGIBLE"), &json!("WARRANTY")));
        assert!(case_now["timers"].as_array().unwrap().contains(&json!({ "rule": "decision", "state": "MET" })), "{case_now}");
        assert_eq!(goods::tasks(app, &case).await, ["ARRANGE_REMEDY"]);
        assert!(goods::letter(app, &case, "DECISION").await.contains("Ergebnis der Prüfung: anerkannt"));
    }

    /// S34, S35, S31: not accepted never without reason, basis and words; the way back is a task.
    async fn an_inspection_refuses_with_reason_basis_and_text(app) {
        let known = goods::order(app, "max@example.com", "R-13", "DE").await;
        let case = goods::case(app, &known, "RETURN").await;
        let id = goods::instruct(app, &case, one()).await;
        goods::receive(app, &id, json!([{ "position": 1, "received": 1 }])).await;
        let warehouse = goods::warehouse(app).await;
        let whole = goods::inspection(&id, 0, "PERIOD_ENDED", "SHOP_RETURN");
        let (code, ..) = refused(&warehouse, "returnInspectionRecord", "ReturnInspectionRecordInput", whole.clone()).await;
        assert_eq!(code, "TRANSITION_NOT_ALLOWED", "nobody has begun");
        goods::begin(app, &id).await;
        let line = |accepted: i32, position: i32| json!([{ "position": position, "accepted": accepted, "grade": "USED", "disposition": "SEND_BACK" }]);
        for (input, code, field) in [
            (with(whole.clone(), "reason", Value::Null), "REQUIRED", "input.reason"),
            (with(whole.clone(), "legalBasis", Value::Null), "REQUIRED", "input.legalBasis"),
            (with(whole.clone(), "legalBasis", json!("NONE")), "REQUIRED", "input.legalBasis"),
            (with(whole.clone(), "text", json!("  ")), "REQUIRED", "input.text"),
            (with(whole.clone(), "finding", json!("")), "REQUIRED", "input.finding"),
            (with(whole.clone(), "lines", line(2, 1)), "TOO_LARGE", "input.lines.0.accepted"),
            (with(whole.clone(), "lines", line(-1, 1)), "INVALID", "input.lines.0.accepted"),
            (with(whole.clone(), "lines", line(0, 2)), "NOT_FOUND", "input.lines.0.position"),
            (with(whole.clone(), "lines", json!([])), "REQUIRED", "input.lines"),
            (with(whole.clone(), "expectedVersion", json!(1)), "VERSION_CONFLICT", "input.expectedVersion"),
        ] {
            let (got, at, _) = refused(&warehouse, "returnInspectionRecord", "ReturnInspectionRecordInput", input).await;
            assert_eq!((got.as_str(), at.as_str()), (code, field));
        }
        goods::inspect(app, whole).await;
        let found = goods::seen(app, &case, "state outcome reason legalBasis").await;
        assert_eq!(found, json!({ "state": "NOT_ELIGIBLE", "outcome": "NOT_ELIGIBLE", "reason": "PERIOD_ENDED", "legalBasis": "SHOP_RETURN" }));
        let letter = goods::letter(app, &case, "DECISION").await;
        for part in ["Wir haben das Gerät geprüft.", "abgelehnt", "Grund: Frist abgelaufen", "Grundlage: Rückgabegarantie"] {
            assert!(letter.contains(part), "{part} in {letter}");
        }
        assert_eq!(goods::tasks(app, &case).await, ["SEND_GOODS_BACK"]);
    }

    /// Domain 5.1, row 23: a case may be called off while its goods are here or under way; they go back, and are never lost.
    async fn goods_of_a_case_that_was_called_off_go_back(app) {
        let known = goods::order(app, "max@example.com", "R-60", "DE").await;
        for (index, here) in [true, false].into_iter().enumerate() {
            let case = goods::case(app, &known, "WARRANTY_CLAIM").await;
            let id = goods::instruct(app, &case, json!([{ "position": 1, "quantity": 1, "reason": "QUALITY_DEFECT" }])).await;
            let counted = json!([{ "position": 1, "received": 1 }]);
            if here {
                goods::receive(app, &id, counted.clone()).await;
            }
            let customer = app.customer(&known.email).await;
            let step = json!({ "caseId": case });
            customer.done("serviceCaseCancel", "ServiceCaseCancelInput", step, "serviceCase { state }").await;
            if !here {
                assert!(!goods::tasks(app, &case).await.contains(&"SEND_GOODS_BACK".to_owned()), "nothing is here");
                goods::receive(app, &id, counted).await;
            }
            assert!(goods::tasks(app, &case).await.contains(&"SEND_GOODS_BACK".to_owned()));
            let input = json!({
                "returnId": id, "carrier": "DHL", "trackingNumber": format!("back-{index}"), "costs": "SHOP",
                "text": "Sie haben den Fall zurückgezogen.",
            });
            let warehouse = goods::warehouse(app).await;
            warehouse.done("returnSendBack", "ReturnSendBackInput", input.clone(), "return { state }").await;
            assert!(!goods::tasks(app, &case).await.contains(&"SEND_GOODS_BACK".to_owned()));
            assert_eq!(warehouse.refused("returnSendBack", "ReturnSendBackInput", input).await.0, "ALREADY_EXISTS");
            assert_eq!(state(app, &case).await, "CANCELLED");
        }
    }

    /// S36, S37, F25: the goods go back with number, reason and a decision about the cost; the carrier is noted.
    async fn what_was_refused_goes_back_at_a_decided_cost(app) {
        let known = goods::order(app, "max@example.com", "R-14", "DE").await;
        let case = goods::case(app, &known, "RETURN").await;
        let id = goods::inspected(app, &case, 1, 0, "PERIOD_ENDED", "SHOP_RETURN").await;
        let warehouse = goods::warehouse(app).await;
        let input = json!({ "returnId": id, "carrier": "dhl", "trackingNumber": "home-14", "costs": "CUSTOMER", "text": "Die Frist war abgelaufen." });
        let empty = with(input.clone(), "text", json!(""));
        assert_eq!(refused(&warehouse, "returnSendBack", "ReturnSendBackInput", empty).await.0, "REQUIRED");
        app.advance(TimeDelta::seconds(1));
        warehouse.done("returnSendBack", "ReturnSendBackInput", input.clone(), "return { parcels { purpose } }").await;
        let found = goods::seen(app, &case, "state parcels { purpose state trackingNumber }").await;
        assert_eq!(found, json!({ "state": "SENT_BACK", "parcels": [{ "purpose": "SENT_BACK", "state": "IN_TRANSIT", "trackingNumber": "home-14" }] }));
        let letter = goods::letter(app, &case, "DECISION").await;
        for part in ["Die Frist war abgelaufen.", "Sendung: DHL home-14", "Die Versandkosten tragen Sie."] {
            assert!(letter.contains(part), "{part} in {letter}");
        }
        assert_eq!(app.count("disclosures", "recipient_kind = 'CARRIER' AND recipient = 'DHL' AND purpose = 'DELIVERY'").await, 1);
        assert_eq!(goods::tasks(app, &case).await, Vec::<String>::new());
        let (code, ..) = refused(&warehouse, "returnSendBack", "ReturnSendBackInput", input).await;
        assert_eq!(code, "TRANSITION_NOT_ALLOWED");
    }

    /// BGH VIII ZR 246/06: a refused claim for a defect goes back at the customer's cost only where use caused it.
    async fn a_refused_claim_costs_the_customer_nothing_unless_use_caused_it(app) {
        let known = goods::order(app, "max@example.com", "R-15", "DE").await;
        let warehouse = goods::warehouse(app).await;
        for (reason, tracking, costs) in [("DEFECT_NOT_CONFIRMED", "home-a", "SHOP"), ("CAUSED_BY_USE", "home-b", "CUSTOMER")] {
            let case = goods::case(app, &known, "WARRANTY_CLAIM").await;
            let id = goods::inspected(app, &case, 1, 0, reason, "WARRANTY").await;
            let input = json!({ "returnId": id, "carrier": "DHL", "trackingNumber": tracking, "costs": "CUSTOMER", "text": "Siehe Befund." });
            if costs == "SHOP" {
                let (code, field, error) = refused(&warehouse, "returnSendBack", "ReturnSendBackInput", input.clone()).await;
                assert_eq!((code.as_str(), field.as_str(), fact(&error, "expected").as_str()), ("INVALID", "input.costs", "SHOP"));
            }
            let input = with(input, "costs", json!(costs));
            warehouse.done("returnSendBack", "ReturnSendBackInput", input, "return { id }").await;
            assert_eq!(state(app, &case).await, "SENT_BACK");
        }
    }

    /// R02a, R02b: a return that leads to a booking is sealed anew, with a period of its own; any other waits for the case.
    async fn a_booked_return_changes_its_data_type(app) {
        let known = goods::order(app, "max@example.com", "R-20", "DE").await;
        let case = goods::case(app, &known, "WARRANTY_CLAIM").await;
        let id = goods::inspected(app, &case, 1, 1, "QUALITY_DEFECT", "WARRANTY").await;
        let selection = "notes label finding retention { dataType startedAt } lines { finding retention { dataType startedAt } }";
        let before = of(app, &id, selection).await;
        assert_eq!((&before["retention"]["dataType"], &before["retention"]["startedAt"]), (&json!("R02b"), &Value::Null));
        goods::arrange(app, &case, "REPLACEMENT").await;
        assert_eq!(app.count("outbox_entries", "kind = 'DESTROY_KEY' AND state = 'PENDING'").await, 1);
        app.run_job("outbox").await;
        let after = of(app, &id, selection).await;
        for place in [&after["retention"], &after["lines"][0]["retention"]] {
            assert_eq!(place, &json!({ "dataType": "R02a", "startedAt": "2014-03-10T09:00:00+00:00" }));
        }
        for text in ["notes", "label", "finding"] {
            assert_eq!(after[text], before[text], "{text} opens under its new key");
        }
        assert_eq!(after["lines"][0]["finding"], "Boden undicht, MARKE-ZEILE.");
        let other = goods::case(app, &known, "RETURN").await;
        let id = goods::instruct(app, &other, one()).await;
        let cancel = json!({ "caseId": other });
        app.customer(&known.email).await.done("serviceCaseCancel", "ServiceCaseCancelInput", cancel, "serviceCase { state }").await;
        let after = of(app, &id, selection).await;
        assert_eq!(after["retention"], json!({ "dataType": "R02b", "startedAt": "2014-03-10T09:00:00+00:00" }));
    }

    /// S64, S68: what was written about goods lies nowhere in plain text.
    async fn no_text_about_goods_is_stored_in_plain(app) {
        let known = goods::order(app, "max@example.com", "R-26", "DE").await;
        let case = goods::case(app, &known, "WARRANTY_CLAIM").await;
        let id = goods::instruct(app, &case, one()).await;
        let input = json!({ "returnId": id, "proof": "MARKE-BELEG", "carrier": "DHL", "trackingNumber": "MARKE-NUMMER" });
        app.customer(&known.email).await.done("returnDispatch", "ReturnDispatchInput", input, "return { state }").await;
        goods::report(app, json!([with(goods::event(app, "e-1", "MARKE-NUMMER", "IN_TRANSIT"), "detail", json!("MARKE-ORT"))])).await;
        goods::receive(app, &id, json!([{ "position": 1, "received": 1 }])).await;
        goods::begin(app, &id).await;
        goods::inspect(app, goods::inspection(&id, 1, "QUALITY_DEFECT", "WARRANTY")).await;
        let input = json!({ "caseId": case, "kind": "EXCHANGE", "position": 1, "quantity": 1, "sku": "W-300", "title": "MARKE-TITEL" });
        app.agent().await.done("remedyArrange", "RemedyArrangeInput", input, "remedy { title }").await;
        let mut looked = 0;
        for t in entity::map::tables() {
            for column in &t.columns {
                let text = format!("CAST({} AS text) LIKE '%MARKE-%'", column.name);
                let bytes = format!("{} IS NOT NULL", column.name);
                looked += app.count(t.name, &bytes).await;
                assert_eq!(app.count(t.name, &text).await, 0, "{}.{}", t.name, column.name);
            }
        }
        assert!(looked > 100, "{looked}");
    }

    /// BGB §§ 355, 357a: wear is no ground against a withdrawal.
    async fn a_withdrawal_is_not_refused_for_wear(app) {
        let known = goods::order(app, "max@example.com", "R-61", "DE").await;
        let case = goods::case(app, &known, "WITHDRAWAL").await;
        let id = goods::instruct(app, &case, json!([{ "position": 1, "quantity": 1, "reason": "NO_REASON" }])).await;
        goods::receive(app, &id, json!([{ "position": 1, "received": 1 }])).await;
        goods::begin(app, &id).await;
        let worn = goods::inspection(&id, 0, "CAUSED_BY_USE", "WITHDRAWAL");
        let warehouse = goods::warehouse(app).await;
        let (code, error) = warehouse.refused("returnInspectionRecord", "ReturnInspectionRecordInput", worn).await;
        assert_eq!((code.as_str(), &error["field"]), ("INVALID", &json!(["input", "reason"])));
        goods::inspect(app, goods::inspection(&id, 0, "GOODS_NOT_RETURNED", "WITHDRAWAL")).await;
    }
}
