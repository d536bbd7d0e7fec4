//! What happens when the customer does not agree: proposals first, then a dispute with its hold, its notice and its end.

use chrono::TimeDelta;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::on_both_engines;
use crate::support::{App, dispute, life, media};

async fn claim(app: &App, number: &str) -> (life::Known, String) {
    let known = life::order(app, "max@example.com", number).await;
    let customer = app.customer(&known.email).await;
    let case = life::open(&customer, "WARRANTY_CLAIM", Some(&known.order), "Der Wasserkocher leckt.").await;
    (known, case)
}

async fn seen(app: &App, known: &life::Known, case: &str, selection: &str) -> Value {
    let query = format!("query($id: ID!) {{ serviceCase(id: $id) {{ {selection} }} }}");
    app.customer(&known.email).await.data(&query, json!({ "id": case })).await["serviceCase"].clone()
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

on_both_engines! {
    /// S44, S78: no dispute without a proposal; the customer reads it and answers it, once.
    async fn an_agreement_is_looked_for_first(app) {
        let (known, case) = claim(app, "D-1").await;
        let agent = app.agent().await;
        let input = json!({ "caseId": case, "text": "Vorschlag" });
        let early = agent.refused("proposalRecord", "ProposalRecordInput", input).await;
        assert_eq!((early.0.as_str(), &early.1["field"]), ("TRANSITION_NOT_ALLOWED", &json!(["input", "caseId"])));
        dispute::reexamined(app, &known, &case).await;
        let before = app.counts().await;
        let (code, error) = agent.refused("disputeOpen", "DisputeOpenInput", json!({ "caseId": case })).await;
        assert_eq!(code, "TRANSITION_NOT_ALLOWED");
        let needs = json!({ "name": "needs", "value": "PROPOSAL" });
        assert!(error["details"].as_array().unwrap().contains(&needs), "{error}");
        let foreign = json!({ "caseId": case, "text": "Geld", "amount": { "amountMinor": 100, "currency": "USD" } });
        assert_eq!(agent.refused("proposalRecord", "ProposalRecordInput", foreign).await.0, "CURRENCY_MISMATCH");
        assert_eq!(app.counts().await, before, "nothing half done");

        let offer = json!({
            "caseId": case, "text": "Wir bieten 30 EUR an.", "amount": { "amountMinor": 3000, "currency": "EUR" },
        });
        let selection = "proposal { id } serviceCase { waitingFor }";
        let done = agent.done("proposalRecord", "ProposalRecordInput", offer, selection).await;
        assert_eq!(done["serviceCase"]["waitingFor"], "CUSTOMER");
        let found = seen(app, &known, &case, "proposals { state text amount { amountMinor currency } } \
            messages(first: 100) { nodes { form body } }").await;
        assert_eq!(found["proposals"], json!([{
            "state": "OFFERED", "text": "Wir bieten 30 EUR an.", "amount": { "amountMinor": 3000, "currency": "EUR" },
        }]));
        let told = json!({ "form": "REPLY", "body": "Wir bieten 30 EUR an." });
        assert!(found["messages"]["nodes"].as_array().unwrap().contains(&told), "{found:#}");

        let id = &done["proposal"]["id"];
        life::order(app, "erika@example.com", "D-2").await;
        let answer = json!({ "proposalId": id, "accepted": true });
        let other = app.customer("erika@example.com").await;
        assert_eq!(other.refused("proposalAnswer", "ProposalAnswerInput", answer.clone()).await.0, "NOT_FOUND");
        let silent = agent.refused("proposalAnswer", "ProposalAnswerInput", answer.clone()).await;
        assert_eq!((silent.0.as_str(), &silent.1["field"]), ("REQUIRED", &json!(["input", "text"])), "a call is recorded");
        let customer = app.customer(&known.email).await;
        let selection = "proposal { state answeredAt } serviceCase { waitingFor }";
        let done = customer.done("proposalAnswer", "ProposalAnswerInput", answer, selection).await;
        assert_eq!((&done["proposal"]["state"], &done["serviceCase"]["waitingFor"]), (&json!("ACCEPTED"), &json!("SHOP")));
        let again = json!({ "proposalId": id, "accepted": false });
        assert_eq!(customer.refused("proposalAnswer", "ProposalAnswerInput", again).await.0, "TRANSITION_NOT_ALLOWED");
    }

    /// S79, F58, F61: the dispute, its hold and the notice of VSBG § 37 come together, once.
    async fn a_dispute_brings_its_hold_and_its_notice(app) {
        let (known, case) = claim(app, "D-3").await;
        dispute::reexamined(app, &known, &case).await;
        dispute::propose(app, &case, "Vorschlag").await;
        let input = json!({ "caseId": case, "summary": "Streit.", "idempotencyKey": "once" });
        for _ in 0..2 {
            let selection = "dispute { state summary } serviceCase { state }";
            let done = app.agent().await.done("disputeOpen", "DisputeOpenInput", input.clone(), selection).await;
            assert_eq!(done["dispute"], json!({ "state": "OPEN", "summary": "Streit." }));
            assert_eq!(done["serviceCase"]["state"], "DISPUTE_OPEN");
        }
        let hold = "reason = 'LEGAL_CLAIM' AND case_id IS NOT NULL AND released_at IS NULL AND review_on = '2014-09-10'";
        assert_eq!((app.count("holds", hold).await, app.count("disputes", "1 = 1").await), (1, 1));
        let found = seen(app, &known, &case, "dispute { state summary } messages(first: 100) { nodes { form body } }").await;
        assert_eq!(found["dispute"], json!({ "state": "OPEN", "summary": null }), "the shop's own words stay its own");
        let nodes = found["messages"]["nodes"].as_array().unwrap();
        let notices: Vec<_> = nodes.iter().filter(|m| m["form"] == "DISPUTE_NOTICE").collect();
        assert_eq!(notices.len(), 1);
        let body = notices[0]["body"].as_str().unwrap();
        for part in ["§ 37", "Zentrum für Schlichtung", "77694 Kehl", "https://www.verbraucher-schlichter.de", "weder bereit noch"] {
            assert!(body.contains(part), "{part} is missing in {body}");
        }
    }

    /// S79, F61: after conciliation the hold stands for six months and goes by itself; the file begins its period.
    async fn a_hold_ends_with_limitation(app) {
        let (known, case) = claim(app, "D-4").await;
        let id = dispute::disputed(app, &known, &case).await;
        let agent = app.agent().await;
        let nameless = json!({ "disputeId": id, "way": "ADR" });
        assert_eq!(agent.refused("disputeProceed", "DisputeProceedInput", nameless).await.1["field"], json!(["input", "body"]));
        let early = json!({ "disputeId": id, "outcome": "FOR_SHOP", "summary": "Ende." });
        assert_eq!(agent.refused("disputeClose", "DisputeCloseInput", early).await.0, "TRANSITION_NOT_ALLOWED");
        let done = dispute::proceed(app, &id, "ADR").await;
        assert_eq!(done["dispute"], json!({
            "state": "CONCILIATION", "body": "Amtsgericht Köln", "reference": "123 C 45/14", "version": 2,
        }));
        assert_eq!(done["serviceCase"]["state"], "ADR");
        let stale = json!({ "disputeId": id, "outcome": "FOR_SHOP", "summary": "Ende.", "expectedVersion": 1 });
        assert_eq!(agent.refused("disputeClose", "DisputeCloseInput", stale).await.0, "VERSION_CONFLICT");
        let done = dispute::end(app, &id, "NO_AGREEMENT", false).await;
        assert_eq!(done["dispute"], json!({
            "state": "CLOSED", "outcome": "NO_AGREEMENT", "limitationUntil": "2014-09-10T22:00:00+00:00",
            "retention": { "keptUntil": "2017-12-31" },
        }));
        assert_eq!(done["serviceCase"]["state"], "DISPUTE_CLOSED");
        app.at("2014-09-09T10:00:00Z");
        assert_eq!(app.run_job("timers").await["holdsReleased"], 0);
        assert_eq!(app.count("holds", "released_at IS NULL").await, 1);
        app.at("2014-09-10T22:00:00Z");
        assert_eq!(app.run_job("timers").await["holdsReleased"], 1);
        assert_eq!(app.run_job("timers").await["holdsReleased"], 0, "once");
        assert_eq!(app.count("holds", "released_at IS NOT NULL AND start_at IS NOT NULL AND released_by IS NULL").await, 1);
    }

    /// F61: a settlement that the customer has accepted leaves nothing to claim: the hold goes with it.
    async fn an_accepted_settlement_ends_the_hold_at_once(app) {
        let (known, case) = claim(app, "D-5").await;
        let id = dispute::disputed(app, &known, &case).await;
        dispute::proceed(app, &id, "SETTLED").await;
        let wrong = json!({ "disputeId": id, "outcome": "FOR_SHOP", "summary": "Ende.", "accepted": true });
        let refused = app.agent().await.refused("disputeClose", "DisputeCloseInput", wrong).await;
        assert_eq!((refused.0.as_str(), &refused.1["field"]), ("INVALID", &json!(["input", "accepted"])));
        assert_eq!(app.count("holds", "released_at IS NULL").await, 1);
        dispute::end(app, &id, "SETTLEMENT", true).await;
        assert_eq!(app.count("holds", "released_at IS NULL").await, 0);
    }

    /// S80, F61: a dispute before a court is looked at again on the date of review, once for each date.
    async fn a_long_dispute_is_reviewed(app) {
        let (known, case) = claim(app, "D-6").await;
        let id = dispute::disputed(app, &known, &case).await;
        assert_eq!(dispute::proceed(app, &id, "COURT").await["serviceCase"]["state"], "COURT");
        let tasks = "kind = 'REVIEW_DISPUTE'";
        app.at("2014-09-09T10:00:00Z");
        app.run_job("timers").await;
        assert_eq!(app.count("tasks", tasks).await, 0);
        for (at, filed) in [("2014-09-10T10:00:00Z", 1), ("2014-09-11T10:00:00Z", 1), ("2015-03-10T10:00:00Z", 2)] {
            app.at(at);
            app.run_job("timers").await;
            assert_eq!(app.count("tasks", tasks).await, filed, "{at}");
        }
        assert_eq!(app.count("holds", "released_at IS NULL").await, 1, "nothing ends by itself before the court does");
    }

    /// S81, S82, F60: one archive with chronology, messages, evidence and checksums; who gets it is recorded, each download
    /// logged, and what staff noted for itself stays in the house.
    async fn a_dossier_leaves_with_a_record(app) {
        let (known, case) = claim(app, "D-7").await;
        life::upload(&app.customer(&known.email).await, &case, "boden.jpg", "image/jpeg", &media::jpeg_with_place("Köln")).await;
        let note = json!({ "caseId": case, "body": "Geheime Notiz", "internal": true });
        app.agent().await.done("messageAdd", "MessageAddInput", note, "message { id }").await;
        dispute::disputed(app, &known, &case).await;
        let agent = app.agent().await;
        let mut input = json!({
            "caseId": case, "recipientKind": "CONCILIATION_BOARD", "recipient": " ", "purpose": "LEGAL_CLAIM",
        });
        assert_eq!(agent.refused("caseDossier", "CaseDossierInput", input.clone()).await.0, "REQUIRED");
        input["recipient"] = json!("Universalschlichtungsstelle");
        let selection = "disclosure { recipientKind recipient purpose what } link { url expiresAt }";
        let done = agent.done("caseDossier", "CaseDossierInput", input, selection).await;
        assert_eq!(done["disclosure"], json!({
            "recipientKind": "CONCILIATION_BOARD", "recipient": "Universalschlichtungsstelle", "purpose": "LEGAL_CLAIM",
            "what": "DOSSIER",
        }));
        assert_eq!(app.count("disclosures", "what = 'DOSSIER'").await, 1);
        let url = done["link"]["url"].as_str().unwrap().to_owned();
        let reply = dispute::get(app, &url).await;
        assert_eq!((reply.status.as_u16(), reply.headers["content-type"].to_str().unwrap()), (200, "application/zip"));
        let files = dispute::unzip(&reply.bytes);

        let manifest: Value = serde_json::from_slice(&files["manifest.json"]).unwrap();
        let listed = manifest["files"].as_array().unwrap();
        assert_eq!(listed.len() + 2, files.len(), "all but the manifest and its own checksum");
        for file in listed {
            assert_eq!(file["sha256"], hex(&files[file["path"].as_str().unwrap()]), "{file}");
        }
        let own = String::from_utf8(files["manifest.json.sha256"].clone()).unwrap();
        assert_eq!(own, format!("{}  manifest.json\n", hex(&files["manifest.json"])));
        let dossier: Value = serde_json::from_slice(&files["dossier.json"]).unwrap();
        let photo = &files[dossier["files"][0]["path"].as_str().unwrap()];
        let shown = seen(app, &known, &case, "attachments { sha256 }").await;
        assert_eq!(shown["attachments"][0]["sha256"], hex(photo), "fixed at intake, over what is stored");
        assert_eq!(dossier["files"][0]["sha256AtIntake"], hex(photo));

        let (json, page) = (dossier.to_string(), String::from_utf8(files["index.html"].clone()).unwrap());
        for text in [&json, &page] {
            assert!(text.contains("Der Wasserkocher leckt.") && text.contains("DISPUTE_OPEN") && text.contains("D-7"));
            assert!(!text.contains("Geheime Notiz") && !text.contains("max@example.com"), "{text}");
        }
        let times: Vec<_> = dossier["chronology"].as_array().unwrap().iter().map(|e| e["at"].to_string()).collect();
        assert!(times.is_sorted() && times.len() > 8, "{times:?}");

        app.advance(TimeDelta::seconds(1));
        assert_eq!(dispute::get(app, &url).await.status, 200);
        assert_eq!(app.count("access_entries", "purpose = 'EVIDENCE' AND attachment_id IS NULL").await, 2, "R12");
        let mut forged = url.clone();
        let at = forged.len() - 10;
        forged.replace_range(at..=at, if &forged[at..=at] == "x" { "y" } else { "x" });
        assert_eq!(dispute::get(app, &forged).await.json()["error"]["code"], "LINK_INVALID");
        app.advance(TimeDelta::minutes(5));
        assert_eq!(dispute::get(app, &url).await.json()["error"]["code"], "LINK_INVALID");
    }

    /// R09a, R09b: what was accepted is no evidence for claims, until it is disputed after all.
    async fn evidence_of_a_case_that_is_taken_up_again_is_of_claims(app) {
        let known = life::order(app, "max@example.com", "D-9").await;
        life::delivered(app, &known).await;
        let (case, ..) = life::whole_case(app, &known).await;
        let of = async |code: &str| app.count("attachments", &format!("data_type = '{code}'")).await;
        assert_eq!((of("R09a").await, of("R09b").await), (1, 0));
        let objection = json!({ "caseId": case, "text": "Er leckt wieder." });
        let customer = app.customer(&known.email).await;
        customer.done("serviceCaseObject", "ServiceCaseObjectInput", objection, "serviceCase { state }").await;
        assert_eq!((of("R09a").await, of("R09b").await), (0, 1));
    }

    /// S67, S70: nothing goes out that does not serve what it is given for.
    async fn a_dossier_holds_what_its_purpose_needs(app) {
        let (known, case) = claim(app, "D-8").await;
        life::upload(&app.customer(&known.email).await, &case, "boden.jpg", "image/jpeg", &media::jpeg()).await;
        for (purpose, has) in [("LEGAL_CLAIM", true), ("DELIVERY", false)] {
            let input = json!({ "caseId": case, "recipientKind": "CARRIER", "recipient": "Werkstatt", "purpose": purpose });
            let agent = app.agent().await;
            let done = agent.done("caseDossier", "CaseDossierInput", input, "link { url }").await;
            let reply = dispute::get(app, done["link"]["url"].as_str().unwrap()).await;
            let files = dispute::unzip(&reply.bytes);
            let dossier: Value = serde_json::from_slice(&files["dossier.json"]).unwrap();
            let tables: Vec<_> = dossier["sections"].as_array().unwrap().iter().map(|s| s["table"].as_str().unwrap()).collect();
            assert!(tables.contains(&"orders"), "{purpose}: {tables:?}");
            assert_eq!((tables.contains(&"messages"), dossier["files"] == json!([])), (has, !has), "{purpose}: {tables:?}");
            app.advance(TimeDelta::seconds(1));
        }
    }
}
