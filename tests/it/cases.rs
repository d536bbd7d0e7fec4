//! The life of a case: how it arrives, whose turn it is, what is decided and told, and how it ends.

use chrono::TimeDelta;
use entity::ids::CaseId;
use sea_orm::EntityTrait as _;
use serde_json::{Value, json};

use crate::on_both_engines;
use crate::support::{App, Caller, days, life};

/// A claim about an order, and its customer.
async fn claim(app: &App, number: &str) -> (life::Known, String) {
    let known = life::order(app, "max@example.com", number).await;
    life::delivered(app, &known).await;
    let customer = app.customer(&known.email).await;
    let case = life::open(&customer, "WARRANTY_CLAIM", Some(&known.order), "Der Wasserkocher leckt.").await;
    (known, case)
}

/// What a caller sees of a case.
async fn seen(caller: &Caller<'_>, case: &str, selection: &str) -> Value {
    let query = format!("query($id: ID!) {{ serviceCase(id: $id) {{ {selection} }} }}");
    caller.data(&query, json!({ "id": case })).await["serviceCase"].clone()
}

/// State and turn, as the customer sees them.
async fn stands(app: &App, known: &life::Known, case: &str) -> (String, String) {
    let found = seen(&app.customer(&known.email).await, case, "state waitingFor").await;
    (found["state"].as_str().unwrap().to_owned(), found["waitingFor"].as_str().unwrap().to_owned())
}

fn is(state: &str, turn: &str) -> (String, String) {
    (state.to_owned(), turn.to_owned())
}

/// The data type, body and readiness to be deleted of each message.
async fn letters(caller: &Caller<'_>, case: &str) -> Vec<(String, String, bool)> {
    let found = seen(caller, case, "messages { nodes { body retention { dataType startedAt } } }").await;
    let text = |value: &Value| value.as_str().unwrap_or("nothing").to_owned();
    let letter =
        |m: &Value| (text(&m["retention"]["dataType"]), text(&m["body"]), m["retention"]["startedAt"].is_string());
    found["messages"]["nodes"].as_array().unwrap().iter().map(letter).collect()
}

async fn close_refused(app: &App, case: &str, advice_only: bool) -> (String, Value) {
    let input = json!({ "caseId": case, "adviceOnly": advice_only });
    app.agent().await.refused("serviceCaseClose", "ServiceCaseCloseInput", input).await
}

/// Details as pairs.
fn facts(error: &Value) -> Vec<(&str, &str)> {
    let details = error["details"].as_array().unwrap();
    details.iter().map(|d| (d["name"].as_str().unwrap(), d["value"].as_str().unwrap())).collect()
}

on_both_engines! {
    /// F4, F30, S33, S57: every step of a claim, with its state and whose turn it is.
    async fn a_claim_goes_from_step_to_step(app) {
        let (known, case) = claim(app, "C-1").await;
        assert_eq!(stands(app, &known, &case).await, is("RECEIVED", "SHOP"));
        life::say(&app.agent().await, &case, "Bitte senden Sie uns ein Foto.").await;
        assert_eq!(stands(app, &known, &case).await, is("UNDER_REVIEW", "CUSTOMER"));
        life::say(&app.customer(&known.email).await, &case, "Hier ist es.").await;
        assert_eq!(stands(app, &known, &case).await, is("UNDER_REVIEW", "SHOP"));
        app.advance(TimeDelta::hours(1));
        life::decide(app, &case, "ELIGIBLE").await;
        assert_eq!(stands(app, &known, &case).await, is("RESOLVED_WITHOUT_RETURN", "SHOP"));
        let refund = life::grant(app, &case, 11990).await;
        assert_eq!(stands(app, &known, &case).await, is("REFUND", "SHOP"));
        life::step(app, "refundSubmit", &refund).await;
        assert_eq!(stands(app, &known, &case).await, is("REFUND", "BANK"));
        life::step(app, "refundCredit", &refund).await;
        assert_eq!(stands(app, &known, &case).await, is("REFUND", "SHOP"));
        app.advance(TimeDelta::hours(1));
        life::close(app, &case).await;
        assert_eq!(stands(app, &known, &case).await, is("CLOSED", "NOBODY"));
        let times = seen(&app.customer(&known.email).await, &case, "channel openedAt decidedAt closedAt version").await;
        assert_eq!(times, json!({
            "channel": "PORTAL", "openedAt": "2014-03-10T09:00:00+00:00", "decidedAt": "2014-03-10T10:00:00+00:00",
            "closedAt": "2014-03-10T11:00:00+00:00", "version": 6,
        }));
        let way = seen(&app.customer(&known.email).await, &case, "history { from to actorKind }").await;
        let way: Vec<_> = way["history"].as_array().unwrap().iter().map(|t| t["to"].as_str().unwrap()).collect();
        let states = ["RECEIVED", "UNDER_REVIEW", "RESOLVED_WITHOUT_RETURN", "REFUND", "RESULT_NOTIFIED", "CLOSED"];
        assert_eq!(way, states, "each step leaves its trace");
        let audit = "action IN ('case.open', 'case.message', 'case.decide', 'case.close') AND row_id IS NOT NULL";
        assert_eq!(app.count("audit_entries", audit).await, 5);
    }

    /// S16, F45: an agent writes down what was said on the telephone, and for whom; the customer finds it.
    async fn staff_opens_a_case_for_one_who_calls(app) {
        let known = life::order(app, "max@example.com", "C-2").await;
        let agent = app.agent().await;
        let mut input = json!({ "kind": "COMPLAINT", "description": "Ruft wegen einer Lieferung an." });
        let (code, error) = agent.refused("serviceCaseOpen", "ServiceCaseOpenInput", input.clone()).await;
        assert_eq!((code.as_str(), &error["field"]), ("REQUIRED", &json!(["input", "customerId"])));
        input["customerId"] = json!(known.customer);
        let (code, error) = agent.refused("serviceCaseOpen", "ServiceCaseOpenInput", input.clone()).await;
        assert_eq!((code.as_str(), &error["field"]), ("REQUIRED", &json!(["input", "channel"])));
        input["channel"] = json!("PHONE");
        let done = agent.done("serviceCaseOpen", "ServiceCaseOpenInput", input, "serviceCase { id }").await;
        let case = done["serviceCase"]["id"].as_str().unwrap();
        let selection = "channel state messages { nodes { form author body } }";
        let message = json!({ "form": "REQUEST", "author": "STAFF", "body": "Ruft wegen einer Lieferung an." });
        let expected = json!({ "channel": "PHONE", "state": "RECEIVED", "messages": { "nodes": [message] } });
        assert_eq!(seen(&app.customer(&known.email).await, case, selection).await, expected);
    }

    /// S6, S7, S8, S9, S10, S11, S19: every kind, with nothing but a description.
    async fn every_kind_can_be_opened_with_a_description_alone(app) {
        let known = life::order(app, "max@example.com", "C-3").await;
        let customer = app.customer(&known.email).await;
        let kinds = ["ORDER_ADVICE", "USAGE_GUIDANCE", "RETURN", "EXCHANGE", "REFUND_TRACKING", "LOGISTICS_QUERY", "WARRANTY_CLAIM", "COMPLAINT", "ORDER_CANCELLATION", "FEEDBACK"];
        for kind in kinds {
            let case = life::open(&customer, kind, None, "Mein Anliegen.").await;
            let found = seen(&customer, &case, "kind state order { id }").await;
            assert_eq!(found, json!({ "kind": kind, "state": "RECEIVED", "order": null }));
            let listed = customer.data("query($k: ServiceCaseKind) { serviceCases(filter: {kind: $k}) { nodes { id } } }", json!({ "k": kind })).await;
            assert_eq!(listed["serviceCases"]["nodes"], json!([{ "id": case }]));
        }
    }

    /// F17: a withdrawal is declared with its own function, which gives a receipt; it is not just opened.
    async fn a_withdrawal_has_its_own_function(app) {
        let known = life::order(app, "max@example.com", "C-19").await;
        let input = json!({ "kind": "WITHDRAWAL", "description": "Ich widerrufe.", "orderId": known.order });
        let customer = app.customer(&known.email).await;
        let (code, error) = customer.refused("serviceCaseOpen", "ServiceCaseOpenInput", input).await;
        assert_eq!((code.as_str(), facts(&error)), ("INVALID", vec![("expected", "withdrawalPrepare")]));
        let case = life::open(&customer, "WITHDRAWAL", Some(&known.order), "alles").await;
        assert_eq!(stands(app, &known, &case).await, is("RECEIVED", "SHOP"));
        assert_eq!(app.count("withdrawals", "receipt_id IS NOT NULL AND case_id IS NOT NULL").await, 1);
    }

    /// F2: by the number that people read to each other; somebody else's is not found.
    async fn a_case_is_found_by_its_number(app) {
        let (known, case) = claim(app, "C-4").await;
        life::order(app, "erika@example.com", "C-5").await;
        let customer = app.customer(&known.email).await;
        let number = seen(&customer, &case, "number").await["number"].as_str().unwrap().to_owned();
        assert!(number.starts_with("AS-2014-") && number.len() == 15, "{number}");
        let query = "query($n: String!) { serviceCaseByNumber(number: $n) { id } }";
        for text in [number.clone(), format!(" {} ", number.to_lowercase())] {
            assert_eq!(customer.data(query, json!({ "n": text })).await["serviceCaseByNumber"]["id"], case.as_str());
        }
        let reply = app.customer("erika@example.com").await.gql(query, json!({ "n": number })).await;
        assert_eq!((reply.code().as_str(), &reply.json()["data"]), ("NOT_FOUND", &json!({ "serviceCaseByNumber": null })));
        assert_eq!(customer.gql(query, json!({ "n": "AS-2014-0000000" })).await.code(), "NOT_FOUND");
    }

    /// S34, S35, F7: a claim that is not accepted says why and on what basis, and the customer reads it.
    async fn a_refusal_gives_reason_and_basis(app) {
        let (known, case) = claim(app, "C-6").await;
        app.advance(TimeDelta::minutes(1));
        let text = "Der Mangel war bei der Prüfung nicht festzustellen.";
        let mut decision = json!({ "caseId": case, "outcome": "NOT_ELIGIBLE", "reason": "DEFECT_NOT_CONFIRMED", "legalBasis": "NONE", "text": text });
        let agent = app.agent().await;
        let (code, error) = agent.refused("serviceCaseDecide", "ServiceCaseDecideInput", decision.clone()).await;
        assert_eq!((code.as_str(), &error["field"]), ("REQUIRED", &json!(["input", "legalBasis"])), "a claim needs a basis");
        assert_eq!(stands(app, &known, &case).await, is("RECEIVED", "SHOP"));
        decision["legalBasis"] = json!("WARRANTY");
        agent.done("serviceCaseDecide", "ServiceCaseDecideInput", decision, "serviceCase { id }").await;
        let selection = "outcome outcomeLabel reason legalBasis messages { nodes { form author body } }";
        let found = seen(&app.customer(&known.email).await, &case, selection).await;
        assert_eq!((&found["outcome"], &found["outcomeLabel"]), (&json!("NOT_ELIGIBLE"), &json!("Not accepted")));
        assert_eq!((&found["reason"], &found["legalBasis"]), (&json!("DEFECT_NOT_CONFIRMED"), &json!("WARRANTY")));
        assert_eq!(found["messages"]["nodes"][1], json!({ "form": "DECISION", "author": "STAFF", "body": text }));
    }

    /// S42, S43, F8: the customer disagrees, and somebody else than the first examines the matter again.
    async fn an_objection_goes_to_somebody_else(app) {
        let (known, case) = claim(app, "C-7").await;
        let customer = app.customer(&known.email).await;
        let objection = json!({ "caseId": case, "text": "Ich bin nicht einverstanden." });
        let (code, _) = customer.refused("serviceCaseObject", "ServiceCaseObjectInput", objection.clone()).await;
        assert_eq!(code, "TRANSITION_NOT_ALLOWED", "there is no result yet");
        life::decide(app, &case, "NOT_ELIGIBLE").await;
        life::close(app, &case).await;
        app.advance(TimeDelta::days(3));
        let customer = app.customer(&known.email).await;
        customer.done("serviceCaseObject", "ServiceCaseObjectInput", objection, "serviceCase { state }").await;
        assert_eq!(stands(app, &known, &case).await, is("REOPENED", "SHOP"));
        assert_eq!(app.count("cases", "start_at IS NULL AND closed_at IS NULL AND reopenings = 1").await, 1);
        assert_eq!(app.count("tasks", "kind = 'REEXAMINE_CASE' AND done_at IS NULL").await, 1);
        let step = json!({ "caseId": case });
        let (code, _) = app.agent().await.refused("serviceCaseReexamine", "ServiceCaseStepInput", step.clone()).await;
        assert_eq!(code, "SAME_PERSON", "who decided does not examine again");
        let second = app.second_agent().await;
        second.done("serviceCaseReexamine", "ServiceCaseStepInput", step.clone(), "serviceCase { state }").await;
        assert_eq!(stands(app, &known, &case).await, is("RE_EXAMINATION", "SHOP"));
        assert_eq!(app.count("timers", "rule = 'review' AND state = 'RUNNING'").await, 1, "a new review runs");
        life::notify(app, &case).await;
        assert_eq!(app.count("timers", "rule = 'review' AND state = 'RUNNING'").await, 0, "and ends with its answer");
        let found = seen(&customer, &case, "reopenings messages { nodes { form } }").await;
        assert_eq!(found["reopenings"], 1);
        let forms: Vec<&Value> = found["messages"]["nodes"].as_array().unwrap().iter().map(|m| &m["form"]).collect();
        assert!(forms.contains(&&json!("OBJECTION")) && forms.contains(&&json!("DECISION")), "{forms:?}");

        // Whoever examined it again is no fresh eye for the next objection, and sees that before trying.
        let objection = json!({ "caseId": case, "text": "Noch immer nicht." });
        customer.done("serviceCaseObject", "ServiceCaseObjectInput", objection, "serviceCase { state }").await;
        let found = seen(&second, &case, "availableActions { mutation reason }").await;
        let again = json!({ "mutation": "serviceCaseReexamine", "reason": "SAME_PERSON" });
        assert!(found["availableActions"].as_array().unwrap().contains(&again), "{found}");
        let (code, _) = second.refused("serviceCaseReexamine", "ServiceCaseStepInput", step).await;
        assert_eq!(code, "SAME_PERSON");
    }

    /// S21, S22, F6: the customer is asked for what is missing; the review waits, and goes on with the answer.
    async fn what_is_missing_is_asked_for(app) {
        let (known, case) = claim(app, "C-13").await;
        let customer = app.customer(&known.email).await;
        let missing = seen(&customer, &case, "missing { fact label }").await;
        assert!(missing["missing"].as_array().unwrap().contains(&json!({ "fact": "PHOTOS", "label": "photos or videos" })));
        let agent = app.agent().await;
        let mut ask = json!({ "caseId": case, "facts": [], "text": "Bitte nennen Sie die Seriennummer." });
        let (code, error) = agent.refused("serviceCaseAskInfo", "ServiceCaseAskInfoInput", ask.clone()).await;
        assert_eq!((code.as_str(), &error["field"]), ("REQUIRED", &json!(["input", "facts"])));
        ask["facts"] = json!(["SERIAL_NUMBER"]);
        agent.done("serviceCaseAskInfo", "ServiceCaseAskInfoInput", ask, "serviceCase { state }").await;
        assert_eq!(stands(app, &known, &case).await, is("NEEDS_INFO", "CUSTOMER"));
        assert_eq!(app.count("timers", "rule = 'review' AND state = 'PAUSED'").await, 1);
        let missing = seen(&customer, &case, "missing { fact }").await;
        assert!(missing["missing"].as_array().unwrap().contains(&json!({ "fact": "SERIAL_NUMBER" })));
        life::say(&customer, &case, "4711").await;
        assert_eq!(stands(app, &known, &case).await, is("UNDER_REVIEW", "SHOP"));
        assert_eq!(app.count("timers", "rule = 'review' AND state = 'RUNNING'").await, 1);
        let missing = seen(&customer, &case, "missing { fact }").await;
        assert!(!missing["missing"].as_array().unwrap().contains(&json!({ "fact": "SERIAL_NUMBER" })), "it was answered");
    }

    /// S21, S22, S38: a request is acknowledged by mail with the next steps and what would help, in the customer's language.
    async fn a_request_is_acknowledged(app) {
        let (_, case) = claim(app, "C-18").await;
        let mails = entity::mails::Entity::find().all(app.state.db.read()).await.unwrap();
        let [mail] = mails.as_slice() else { panic!("one mail: {mails:?}") };
        assert_eq!((mail.template, mail.case_id), (entity::mails::Template::Acknowledgement, Some(CaseId(life::row(&case)))));
        let opened = aftersales::mail::open(&app.state, mail).await.unwrap().unwrap();
        assert_eq!(opened.recipient.as_str(), "max@example.com");
        for part in ["Gewährleistung", "Wir prüfen Ihre Anfrage bis zum 13.03.2014", "Fotos oder Videos", "keine davon ist Pflicht"] {
            assert!(opened.text.as_str().contains(part), "{part} is missing in {}", opened.text.as_str());
        }
    }

    /// F6: an answer that came another way is recorded by staff, and the review goes on.
    async fn staff_records_an_answer(app) {
        let (known, case) = claim(app, "C-20").await;
        let ask = json!({ "caseId": case, "facts": ["SERIAL_NUMBER"], "text": "Bitte nennen Sie die Seriennummer." });
        let agent = app.agent().await;
        agent.done("serviceCaseAskInfo", "ServiceCaseAskInfoInput", ask, "serviceCase { state }").await;
        agent.done("serviceCaseResume", "ServiceCaseResumeInput", json!({ "caseId": case }), "serviceCase { state }").await;
        assert_eq!(stands(app, &known, &case).await, is("UNDER_REVIEW", "SHOP"));
        assert_eq!(app.count("timers", "rule = 'review' AND state = 'RUNNING'").await, 1);
        let missing = seen(&agent, &case, "missing { fact }").await;
        assert!(!missing["missing"].as_array().unwrap().contains(&json!({ "fact": "SERIAL_NUMBER" })), "it was answered");
    }

    /// BGB §§ 312g(2), 355(1): a withdrawal needs no reason, so it is not refused for a lack of one.
    async fn a_withdrawal_is_refused_for_lawful_reasons_only(app) {
        let (known, _) = claim(app, "C-21").await;
        let case = life::open(&app.customer(&known.email).await, "WITHDRAWAL", Some(&known.order), "Ich widerrufe.").await;
        let mut input = json!({
            "caseId": case, "outcome": "NOT_ELIGIBLE", "reason": "NO_REASON", "legalBasis": "WITHDRAWAL", "text": "Nein.",
        });
        let agent = app.agent().await;
        let (code, error) = agent.refused("serviceCaseDecide", "ServiceCaseDecideInput", input.clone()).await;
        assert_eq!((code.as_str(), &error["field"]), ("INVALID", &json!(["input", "reason"])));
        input["reason"] = json!("RIGHT_EXCLUDED");
        agent.done("serviceCaseDecide", "ServiceCaseDecideInput", input, "serviceCase { state }").await;
        assert_eq!(stands(app, &known, &case).await, is("NOT_ELIGIBLE", "SHOP"));
    }

    /// F6: who does not answer does not stop the shop for ever.
    async fn an_unanswered_question_goes_back_under_review(app) {
        let (known, case) = claim(app, "C-14").await;
        let ask = json!({ "caseId": case, "facts": ["PHOTOS"], "text": "Bitte senden Sie ein Foto." });
        app.agent().await.done("serviceCaseAskInfo", "ServiceCaseAskInfoInput", ask, "serviceCase { state }").await;
        app.advance(TimeDelta::days(13));
        app.run_job("timers").await;
        assert_eq!(stands(app, &known, &case).await, is("NEEDS_INFO", "CUSTOMER"));
        app.advance(TimeDelta::days(1));
        assert_eq!(app.run_job("timers").await["unanswered"], 1);
        assert_eq!(stands(app, &known, &case).await, is("UNDER_REVIEW", "SHOP"));
        assert_eq!(app.run_job("timers").await["unanswered"], 0, "once");
    }

    /// Domain 5.1, row 23: a case is called off before its result is told; a withdrawal never is (BGB § 355).
    async fn a_case_is_called_off_or_merged(app) {
        let (known, case) = claim(app, "C-15").await;
        let customer = app.customer(&known.email).await;
        let other = life::open(&customer, "COMPLAINT", Some(&known.order), "Dasselbe noch einmal.").await;
        let agent = app.agent().await;
        let into = json!({ "caseId": other, "intoCaseId": other });
        let (code, error) = agent.refused("serviceCaseMerge", "ServiceCaseMergeInput", into).await;
        assert_eq!((code.as_str(), &error["field"]), ("INVALID", &json!(["input", "intoCaseId"])));
        let into = json!({ "caseId": other, "intoCaseId": case });
        agent.done("serviceCaseMerge", "ServiceCaseMergeInput", into, "serviceCase { state }").await;
        let found = seen(&agent, &other, "state mergedInto").await;
        assert_eq!(found, json!({ "state": "MERGED", "mergedInto": case }));
        let withdrawal = life::open(&customer, "WITHDRAWAL", Some(&known.order), "Ich widerrufe.").await;
        let (code, error) = customer.refused("serviceCaseCancel", "ServiceCaseCancelInput", json!({ "caseId": withdrawal })).await;
        assert_eq!((code.as_str(), facts(&error)[0]), ("TRANSITION_NOT_ALLOWED", ("kind", "WITHDRAWAL")));
        customer.done("serviceCaseCancel", "ServiceCaseCancelInput", json!({ "caseId": case }), "serviceCase { state }").await;
        assert_eq!(stands(app, &known, &case).await, is("CANCELLED", "NOBODY"));
        assert_eq!(app.count("cases", "state IN ('CANCELLED', 'MERGED') AND start_at IS NOT NULL").await, 2);
        assert_eq!(app.count("timers", "state = 'RUNNING'").await, 3, "only the withdrawal's timers run");
    }

    /// S38, S39, S41: the result is told by e-mail or in a call, with decision, reason, basis and refund; never closed before.
    async fn the_result_is_told_before_closing(app) {
        let (known, case) = claim(app, "C-16").await;
        life::decide(app, &case, "ELIGIBLE").await;
        let notice = json!({ "caseId": case, "channel": "PHONE", "text": "Telefonisch mitgeteilt." });
        let agent = app.agent().await;
        let (code, _) = agent.refused("serviceCaseNotify", "ServiceCaseNotifyInput", notice.clone()).await;
        assert_eq!(code, "TRANSITION_NOT_ALLOWED", "accepted, but nothing is arranged yet");
        life::refunded(app, &case, 11990).await;
        let (code, error) = close_refused(app, &case, false).await;
        assert_eq!((code.as_str(), facts(&error)[1]), ("TRANSITION_NOT_ALLOWED", ("possibleIn", "RESULT_NOTIFIED")));
        agent.done("serviceCaseNotify", "ServiceCaseNotifyInput", notice, "serviceCase { state }").await;
        let found = seen(&app.customer(&known.email).await, &case, "state notifiedBy messages { nodes { form body } }").await;
        assert_eq!((&found["state"], &found["notifiedBy"]), (&json!("RESULT_NOTIFIED"), &json!("PHONE")));
        let told = found["messages"]["nodes"].as_array().unwrap().iter().find(|m| m["form"] == "CALL").unwrap();
        let body = told["body"].as_str().unwrap();
        for part in ["Telefonisch mitgeteilt.", "Entscheidung: anerkannt, Qualitätsmangel", "Gewährleistung", "119,90 EUR", "gutgeschrieben"] {
            assert!(body.contains(part), "{part} is missing in {body}");
        }
    }

    /// F10: a case is somebody's; who has left or does not decide gets none.
    async fn a_case_is_assigned(app) {
        let (_, case) = claim(app, "C-17").await;
        let agent = app.agent().await;
        agent.done("serviceCaseReview", "ServiceCaseStepInput", json!({ "caseId": case }), "serviceCase { state }").await;
        let mine = seen(&agent, &case, "assignedTo").await["assignedTo"].clone();
        assert!(mine.is_string(), "who reviews it has it");
        app.finance().await;
        let members = app.staff(entity::staff::Role::Admin).await.data("{ staffMembers { id role } }", json!({})).await;
        let finance = members["staffMembers"].as_array().unwrap().iter().find(|m| m["role"] == "FINANCE").unwrap();
        let input = json!({ "caseId": case, "staffMemberId": finance["id"] });
        let (code, _) = agent.refused("serviceCaseAssign", "ServiceCaseAssignInput", input).await;
        assert_eq!(code, "NOT_FOUND");
        agent.done("serviceCaseAssign", "ServiceCaseAssignInput", json!({ "caseId": case }), "serviceCase { id }").await;
        assert_eq!(seen(&agent, &case, "assignedTo").await["assignedTo"], Value::Null);
    }

    /// F5: what staff notes among themselves stays there, on every page, and hands nothing over.
    async fn an_internal_note_stays_inside(app) {
        let (known, case) = claim(app, "C-8").await;
        let agent = app.agent().await;
        for text in ["Kulanz möglich?", "Nein."] {
            app.advance(TimeDelta::minutes(1));
            let note = json!({ "caseId": case, "body": text, "internal": true });
            agent.done("messageAdd", "MessageAddInput", note, "message { form }").await;
        }
        assert_eq!(stands(app, &known, &case).await, is("RECEIVED", "SHOP"), "a note is no reply");
        app.advance(TimeDelta::minutes(1));
        life::say(&agent, &case, "Wir prüfen Ihr Anliegen.").await;
        let query = "query($id: ID!, $after: String) { serviceCase(id: $id) { messages(first: 1, after: $after) { nodes { form } pageInfo { endCursor hasNextPage } } } }";
        for (caller, expected) in [
            (app.customer(&known.email).await, vec!["REQUEST", "REPLY"]),
            (agent, vec!["REQUEST", "INTERNAL_NOTE", "INTERNAL_NOTE", "REPLY"]),
        ] {
            let all = seen(&caller, &case, "messages { nodes { form } }").await["messages"]["nodes"].clone();
            assert_eq!(all, expected.iter().map(|form| json!({ "form": form })).collect::<Value>());
            let (mut forms, mut after) = (Vec::new(), Value::Null);
            while forms.len() < 9 {
                let page = caller.data(query, json!({ "id": case, "after": after })).await["serviceCase"]["messages"].clone();
                forms.extend(page["nodes"].as_array().unwrap().iter().map(|m| m["form"].as_str().unwrap().to_owned()));
                if page["pageInfo"]["hasNextPage"] == false {
                    break;
                }
                after = page["pageInfo"]["endCursor"].clone();
            }
            assert_eq!(forms, expected, "page by page");
        }
    }

    /// PCI DSS 3.4.1: a card number that somebody writes down is masked before it is stored, hashed, shown or exported;
    /// a number that names something stays.
    async fn a_card_number_is_nowhere(app) {
        let known = life::order(app, "max@example.com", "4111111111111111").await;
        let customer = app.customer(&known.email).await;
        let text = "Bitte auf 5555 5555 5555 4444 erstatten.";
        let masked = "Bitte auf •••• •••• •••• 4444 erstatten.";
        let input = json!({ "kind": "COMPLAINT", "description": text, "orderId": known.order, "idempotencyKey": app.key() });
        let mutation = "mutation($i: ServiceCaseOpenInput!) { serviceCaseOpen(input: $i) { serviceCase { id order { number } messages { nodes { body } } } } }";
        let opened = customer.data(mutation, json!({ "i": input })).await["serviceCaseOpen"]["serviceCase"].clone();
        assert_eq!(opened["messages"]["nodes"], json!([{ "body": masked }]));
        assert_eq!(opened["order"]["number"], "4111111111111111");
        let replayed = customer.data(mutation, json!({ "i": input })).await;
        assert_eq!(replayed["serviceCaseOpen"]["serviceCase"], opened);
        let case = opened["id"].as_str().unwrap();
        app.advance(TimeDelta::minutes(1));
        life::say(&app.agent().await, case, "Ihre 5555555555554444?").await;
        for caller in [&customer, &app.agent().await] {
            let bodies: Vec<String> = letters(caller, case).await.into_iter().map(|(_, body, _)| body).collect();
            assert_eq!(bodies, [masked, "Ihre ••••••••••••4444?"]);
        }
        for number in ["5555 5555 5555", "555555555555"] {
            let found = aftersales::privacy::scan::scan(&app.state, &aftersales::auth::Actor::System, number).await.unwrap().findings;
            assert!(found.is_empty(), "{number}: {found:?}");
        }
        let data = crate::erasure::exported(app, &known.customer).await;
        assert!(data.contains(masked) && !data.contains("5555"), "{data}");
    }

    /// F4: a case is closed once it is decided and no refund is under way.
    async fn closing_waits_for_the_decision_and_the_refund(app) {
        let (known, case) = claim(app, "C-9").await;
        let (code, error) = close_refused(app, &case, false).await;
        assert_eq!(code, "TRANSITION_NOT_ALLOWED");
        assert_eq!(facts(&error)[..2], [("state", "RECEIVED"), ("possibleIn", "RESULT_NOTIFIED")]);
        assert!(facts(&error)[2].1.contains("serviceCaseReview"), "the refusal names what is legal: {error}");
        life::decide(app, &case, "ELIGIBLE").await;
        let refund = life::grant(app, &case, 100).await;
        for (step, state) in [(None, "GRANTED"), (Some("refundSubmit"), "SUBMITTED")] {
            if let Some(step) = step {
                life::step(app, step, &refund).await;
            }
            if state == "GRANTED" {
                assert_eq!(stands(app, &known, &case).await, is("REFUND", "SHOP"));
                life::notify(app, &case).await;
            }
            let (code, error) = close_refused(app, &case, false).await;
            assert_eq!(code, "TRANSITION_NOT_ALLOWED");
            assert!(facts(&error).contains(&("refundState", state)), "{error}");
        }
        life::step(app, "refundFail", &refund).await;
        assert_eq!(stands(app, &known, &case).await, is("REFUND", "SHOP"), "the money is owed again");
        life::close(app, &case).await;
        let (code, error) = close_refused(app, &case, false).await;
        assert_eq!((code.as_str(), facts(&error)[0]), ("TRANSITION_NOT_ALLOWED", ("state", "CLOSED")));
    }

    /// F4: nothing is added to a closed case; a new one can be opened.
    async fn a_closed_case_is_over(app) {
        let (known, case) = claim(app, "C-10").await;
        life::decide(app, &case, "NOT_ELIGIBLE").await;
        life::close(app, &case).await;
        let customer = app.customer(&known.email).await;
        let upload = json!({ "caseId": case, "fileName": "a.jpg", "mediaType": "image/jpeg", "byteSize": 9 });
        let decision = json!({ "caseId": case, "outcome": "ELIGIBLE", "reason": "DAMAGED", "legalBasis": "WARRANTY", "text": "Doch." });
        for (caller, mutation, input_type, input) in [
            (&customer, "messageAdd", "MessageAddInput", json!({ "caseId": case, "body": "Noch etwas." })),
            (&customer, "attachmentUploadCreate", "AttachmentUploadCreateInput", upload),
            (&app.agent().await, "messageAdd", "MessageAddInput", json!({ "caseId": case, "body": "Notiz", "internal": true })),
            (&app.agent().await, "serviceCaseDecide", "ServiceCaseDecideInput", decision),
        ] {
            let (code, error) = caller.refused(mutation, input_type, input).await;
            assert_eq!((code.as_str(), &error["field"]), ("TRANSITION_NOT_ALLOWED", &json!(["input", "caseId"])), "{mutation}");
            assert_eq!(facts(&error)[0], ("state", "CLOSED"), "{mutation}");
        }
        assert_eq!((app.count("messages", "1 = 1").await, app.count("attachments", "1 = 1").await), (3, 0));
        life::open(&customer, "COMPLAINT", Some(&known.order), "Ich bin nicht zufrieden.").await;
    }

    /// S24, F84: mere advice is kept for one year instead of six; closed so, it still opens.
    async fn advice_is_kept_for_less_time_and_still_opens(app) {
        let known = life::order(app, "max@example.com", "C-11").await;
        let customer = app.customer(&known.email).await;
        let case = life::open(&customer, "ORDER_ADVICE", Some(&known.order), "Ist der Deckel dabei?").await;
        app.advance(TimeDelta::minutes(1));
        life::say(&app.agent().await, &case, "Ja, er liegt bei.").await;
        app.advance(TimeDelta::minutes(1));
        life::decide(app, &case, "SOLVED_DIRECTLY").await;
        let before = letters(&customer, &case).await;
        assert!(before.iter().all(|(data_type, _, started)| data_type == "R03" && *started), "{before:?}");
        life::notify(app, &case).await;
        let before = letters(&customer, &case).await;
        let input = json!({ "caseId": case, "adviceOnly": true });
        app.agent().await.done("serviceCaseClose", "ServiceCaseCloseInput", input, "serviceCase { state }").await;
        let lowered: Vec<_> = before.into_iter().map(|(_, body, _)| ("R06".to_owned(), body, true)).collect();
        assert_eq!(lowered.len(), 4);
        assert_eq!(lowered[1].1, "Ja, er liegt bei.");
        app.run_job("outbox").await;
        for caller in [customer, app.agent().await] {
            assert_eq!(letters(&caller, &case).await, lowered, "the old key has gone, the texts have not");
        }
        let ends = seen(&app.agent().await, &case, "messages { nodes { retention { keptUntil } } }").await;
        assert_eq!(ends["messages"]["nodes"][0]["retention"]["keptUntil"], "2015-03-10");
    }

    /// AO § 147(3), F90: what is held as a letter is not made advice, which goes sooner; below the API neither.
    async fn held_letters_are_not_lowered(app) {
        let known = life::order(app, "max@example.com", "C-13").await;
        let case = life::open(&app.customer(&known.email).await, "ORDER_ADVICE", Some(&known.order), "Ist der Deckel dabei?").await;
        life::decide(app, &case, "SOLVED_DIRECTLY").await;
        life::notify(app, &case).await;
        let review = (app.now() + days(90)).date_naive();
        let year = json!({ "records": { "dataType": "R03", "year": 2014 }, "reason": "TAX_AUDIT", "reviewOn": review });
        let person = json!({ "customerId": known.customer, "reason": "LEGAL_CLAIM", "reviewOn": review });
        for hold in [year, person] {
            let placed = app.dpo().await.done("holdPlace", "HoldPlaceInput", hold, "hold { id }").await;
            let (code, error) = close_refused(app, &case, true).await;
            assert_eq!((code.as_str(), &error["field"]), ("INVALID", &json!(["input", "adviceOnly"])));
            let lower = "UPDATE messages SET data_type = 'R06'";
            let refused = aftersales::db::run(app.state.db.write(), lower, []).await.unwrap_err().to_string();
            assert!(refused.contains("under a legal hold"), "{refused}");
            let id = json!({ "id": placed["hold"]["id"] });
            app.dpo().await.done("holdRelease", "HoldReleaseInput", id, "hold { id }").await;
        }
        let input = json!({ "caseId": case, "adviceOnly": true });
        app.agent().await.done("serviceCaseClose", "ServiceCaseCloseInput", input, "serviceCase { state }").await;
    }

    /// F84: what was a claim stays a commercial letter, whatever the agent says.
    async fn a_claim_is_no_advice(app) {
        let (known, case) = claim(app, "C-12").await;
        life::decide(app, &case, "NOT_ELIGIBLE").await;
        life::notify(app, &case).await;
        let (code, error) = close_refused(app, &case, true).await;
        assert_eq!((code.as_str(), &error["field"]), ("INVALID", &json!(["input", "adviceOnly"])));
        let letters = letters(&app.customer(&known.email).await, &case).await;
        assert!(letters.len() == 3 && letters.iter().all(|(data_type, ..)| data_type == "R03"), "{letters:?}");
        assert_eq!(stands(app, &known, &case).await, is("RESULT_NOTIFIED", "SHOP"));
    }
}
