//! The canary: a marker in every personal column and file. After an erasure only what the report lists as kept still
//! opens, and nowhere is a marker in plain; after the longest period no marker is left anywhere.

use std::path::Path;

use aftersales::auth::Actor;
use aftersales::db;
use aftersales::privacy::scan::{Finding, scan};
use entity::DataType;
use entity::map::tables;
use sea_orm::DbBackend;
use serde_json::{Value, json};

use crate::on_both_engines;
use crate::support::{App, goods, intake, life, media};

const MARKER: &str = "Kanarienvogel";

/// Fills every sealed column of the customer's tables with the marker, through the API.
async fn fill(app: &App) -> life::Known {
    let email = "kanarienvogel@example.com";
    let input = json!({
        "number": "Kanarienvogel-1", "orderedAt": app.now(),
        "customer": { "email": email, "name": "Kanarienvogel Name", "phone": "030 Kanarienvogel", "address": "Kanarienvogelweg 1" },
        "captured": { "amountMinor": 5000, "currency": "EUR" }, "paymentMethod": "MASTERCARD",
        "paymentReference": "pay-Kanarienvogel",
        "lines": [{ "sku": "S-1", "productGroup": "GARDEN", "title": "Kanarienvogelhaus", "quantity": 2,
                    "serialNumber": "SN-Kanarienvogel", "unitPriceMinor": 2500, "taxBasisPoints": 1900 }],
        "parcels": [{ "carrier": "DHL", "trackingNumber": "Kanarienvogel-track" }],
    });
    let done = app.shop().done("orderRegister", "OrderRegisterInput", input, "order { id }").await;
    let order = done["order"]["id"].as_str().unwrap().to_owned();
    let input = json!({ "orderNumber": "Kanarienvogel-1", "carrier": "DHL", "trackingNumber": "Kanarienvogel-track", "deliveredAt": app.now() });
    app.shop().done("parcelDeliver", "ParcelDeliverInput", input, "parcel { carrier }").await;
    let customer = app.customer(email).await;
    let me = customer.data("{ viewer { customerId } }", json!({})).await;
    let known = life::Known {
        email: email.to_owned(),
        number: "Kanarienvogel-1".to_owned(),
        order,
        customer: me["viewer"]["customerId"].as_str().unwrap().to_owned(),
    };
    let claim = life::open(&customer, "WARRANTY_CLAIM", Some(&known.order), "Mein Kanarienvogel ist entflogen.").await;
    let mut letter = life::letter(&known.customer, &claim, email, "Der Kanarienvogel kommt zurück.");
    letter.number = Some("Kanarienvogel-2".to_owned());
    life::queue(&app.state, letter).await;
    let photo = media::jpeg_with_place(MARKER);
    life::upload(&customer, &claim, "Kanarienvogel.jpg", "image/jpeg", &photo).await;
    let mut video = media::mp4(200_000);
    video.splice(150_000..150_013, MARKER.bytes());
    life::upload(&customer, &claim, "Kanarienvogel.mp4", "video/mp4", &video).await;
    let note = json!({ "caseId": claim, "body": "Kanarienvogel am Telefon", "internal": true });
    app.agent().await.done("messageAdd", "MessageAddInput", note, "message { id }").await;
    life::decide(app, &claim, "ELIGIBLE").await;
    let refund = life::grant(app, &claim, 4900).await;
    let step = json!({ "refundId": refund, "reference": "Kanarienvogel-ARN" });
    app.finance().await.done("refundSubmit", "RefundStepInput", step.clone(), "refund { state }").await;
    app.finance().await.done("refundCredit", "RefundStepInput", step, "refund { state }").await;
    let failed = life::grant(app, &claim, 100).await;
    life::step(app, "refundSubmit", &failed).await;
    life::step(app, "refundFail", &failed).await;
    let consent = json!({ "refundId": failed, "consent": "Kanarienvogel nimmt auch Überweisungen." });
    let agent = app.agent().await;
    agent.done("refundAgreeAlternative", "RefundAgreeAlternativeInput", consent, "refund { state }").await;
    let note =
        json!({ "refundId": failed, "party": "BANK", "text": "Kanarienvogel gesucht", "arn": "Kanarienvogel-RRN" });
    agent.done("refundInquiryNote", "RefundInquiryNoteInput", note, "entry { id }").await;
    life::step(app, "refundFail", &failed).await;
    life::close(app, &claim).await;
    danger(app, &claim).await;
    goods_and_dispute(app, &known).await;
    withdrawal(app, email).await;
    let question = life::open(&customer, "USAGE_GUIDANCE", None, "Frisst ein Kanarienvogel Hirse?").await;
    life::decide(app, &question, "SOLVED_DIRECTLY").await;
    life::close(app, &question).await;
    let hold = json!({ "caseId": question, "reason": "AUTHORITY_REQUEST", "note": "wegen Kanarienvogel", "reviewOn": "2014-09-01" });
    let note = json!({ "customerId": known.customer, "ground": "OBJECTION_PENDING", "note": "Kanarienvogel", "reviewOn": "2014-04-01" });
    let placed = app.dpo().await.done("restrictionPlace", "RestrictionPlaceInput", note, "restriction { id }").await;
    let id = placed["restriction"]["id"].clone();
    let tell = json!({ "id": id, "toldBy": "PHONE" });
    app.dpo().await.done("restrictionTell", "RestrictionTellInput", tell, "restriction { id }").await;
    app.dpo().await.done("restrictionLift", "RestrictionLiftInput", json!({ "id": id }), "restriction { id }").await;
    let hold = app.dpo().await.done("holdPlace", "HoldPlaceInput", hold, "hold { id }").await;
    app.dpo().await.done("holdRelease", "HoldReleaseInput", json!({ "id": hold["hold"]["id"] }), "hold { id }").await;
    known
}

/// A return with everything that is written about it, an exchange for another variant, an objection, a settled dispute.
async fn goods_and_dispute(app: &App, known: &life::Known) {
    let (agent, customer) = (app.agent().await, app.customer(&known.email).await);
    let case = goods::case(app, known, "EXCHANGE").await;
    let input = json!({
        "caseId": case, "notes": "Kanarienvogel herausnehmen", "label": "Kanarienvogel-Marke",
        "lines": [{ "position": 1, "quantity": 1, "reason": "DAMAGED" }],
    });
    let done = agent.done("returnInstruct", "ReturnInstructInput", input, "return { id }").await;
    let id = done["return"]["id"].as_str().unwrap().to_owned();
    let input = json!({
        "returnId": id, "proof": "Kanarienvogel-Beleg", "carrier": "DHL", "trackingNumber": "Kanarienvogel-zurueck",
    });
    customer.done("returnDispatch", "ReturnDispatchInput", input, "return { state }").await;
    let mut event = goods::event(app, "ereignis-1", "Kanarienvogel-zurueck", "IN_TRANSIT");
    event["detail"] = json!("beim Nachbarn Kanarienvogel");
    assert_eq!(goods::report(app, json!([event])).await, ["RECORDED"]);
    goods::receive(app, &id, json!([{ "position": 1, "received": 1 }])).await;
    goods::begin(app, &id).await;
    let input = json!({
        "returnId": id, "finding": "Federn vom Kanarienvogel", "text": "Geprüft.",
        "lines": [{
            "position": 1, "accepted": 1, "grade": "USED", "finding": "Kanarienvogel war darin", "disposition": "REFURBISH",
        }],
    });
    goods::inspect(app, input).await;
    let input = json!({
        "caseId": case, "kind": "EXCHANGE", "position": 1, "quantity": 1, "sku": "S-2", "title": "Kanarienvogelkäfig, groß",
    });
    let done = agent.done("remedyArrange", "RemedyArrangeInput", input, "remedy { id }").await;
    goods::ship(app, done["remedy"]["id"].as_str().unwrap(), "Kanarienvogel-neu").await;
    assert_eq!(
        goods::report(app, json!([goods::event(app, "ereignis-2", "Kanarienvogel-neu", "DELIVERED")])).await,
        ["RECORDED"]
    );
    assert_eq!(
        goods::report(app, json!([goods::event(app, "ereignis-3", "Kanarienvogel-zurueck", "DELIVERED")])).await,
        ["RECORDED"]
    );
    life::close(app, &case).await;
    let text = json!({ "caseId": case, "text": "Der Kanarienvogel mag ihn nicht." });
    customer.done("serviceCaseObject", "ServiceCaseObjectInput", text, "serviceCase { state }").await;
    let second = app.second_agent().await;
    second
        .done("serviceCaseReexamine", "ServiceCaseStepInput", json!({ "caseId": case }), "serviceCase { state }")
        .await;
    let text = json!({ "caseId": case, "text": "Wir bieten Futter für den Kanarienvogel." });
    second.done("proposalRecord", "ProposalRecordInput", text, "proposal { id }").await;
    let input = json!({ "caseId": case, "summary": "Streit um einen Kanarienvogel" });
    let done = second.done("disputeOpen", "DisputeOpenInput", input, "dispute { id }").await;
    let dispute = &done["dispute"]["id"];
    let input = json!({ "disputeId": dispute, "way": "SETTLED", "body": "Schiedsleute Kanarienvogel", "reference": "Kanarienvogel 1/14" });
    second.done("disputeProceed", "DisputeProceedInput", input, "dispute { state }").await;
    let input = json!({ "disputeId": dispute, "outcome": "SETTLEMENT", "accepted": true, "summary": "Der Kanarienvogel bleibt." });
    second.done("disputeClose", "DisputeCloseInput", input, "dispute { state }").await;
    life::close(app, &case).await;
}

/// An entry in the register of product safety.
async fn danger(app: &App, case: &str) {
    let agent = app.agent().await;
    let input = json!({
        "caseId": case, "sku": "S-1", "productGroup": "GARDEN", "harm": "MINOR", "account": "Kanarienvogel gekniffen",
        "contact": "Kanarienvogel, 030 1",
    });
    let done = agent.done("safetyEntryRecord", "SafetyEntryRecordInput", input, "safetyEntry { id }").await;
    let input = json!({ "safetyEntryId": done["safetyEntry"]["id"], "measures": "Kanarienvogel untersucht" });
    agent.done("safetyEntryUpdate", "SafetyEntryUpdateInput", input, "safetyEntry { id }").await;
}

/// A statement of withdrawal, paid back.
async fn withdrawal(app: &App, email: &str) {
    let input = json!({
        "name": "Kanarienvogel Name", "contract": "Kanarienvogel-1", "receiptTo": email, "concerns": "das Kanarienvogelhaus",
    });
    let token = intake::prepare(&app.anonymous(), input).await["token"].clone();
    let number = intake::confirm(&app.anonymous(), &token).await["number"].clone();
    let case = intake::case(app, &number, "id").await["id"].as_str().unwrap().to_owned();
    life::decide(app, &case, "ELIGIBLE").await;
    life::refunded(app, &case, 100).await;
    life::close(app, &case).await;
}

async fn found(app: &App) -> Vec<Finding> {
    scan(&app.state, &Actor::System, MARKER).await.unwrap().findings
}

/// On PostgreSQL the scan of files does not see the tables' bytes, so every value of every table is read as text.
async fn in_plain(app: &App) -> Vec<String> {
    let mut found = Vec::new();
    if app.state.db.backend() == DbBackend::Postgres {
        for (store, list) in [(&app.state.db, "public"), (app.state.keys.db(), "public")] {
            let sql = format!("SELECT table_name::text FROM information_schema.tables WHERE table_schema = '{list}'");
            for row in db::rows(store.read(), &sql, []).await.unwrap() {
                let table: String = row.try_get_by_index(0).unwrap();
                let sql = format!(
                    "SELECT COUNT(*) FROM \"{table}\" t WHERE t::text ILIKE '%{MARKER}%' OR encode(t::text::bytea, 'escape') ILIKE '%{MARKER}%'"
                );
                let count: i64 = db::rows(store.read(), &sql, []).await.unwrap()[0].try_get_by_index(0).unwrap();
                if count > 0 {
                    found.push(table);
                }
            }
        }
    }
    files_with_marker(app.folder.path(), &mut found);
    found
}

fn files_with_marker(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_with_marker(&path, found);
        } else if let Ok(bytes) = std::fs::read(&path) {
            let lower = bytes.to_ascii_lowercase();
            if lower.windows(MARKER.len()).any(|w| w == MARKER.to_ascii_lowercase().as_bytes()) {
                found.push(path.display().to_string());
            }
        }
    }
}

on_both_engines! {
    /// F80, F95, S68, S72.
    async fn no_marker_survives(app) {
        let known = fill(app).await;
        let before = found(app).await;
        // The file of an erasure comes into being with it.
        let own = ["recipient_notices", "subject_requests"];
        for t in tables().iter().filter(|t| t.is_personal() && !own.contains(&t.name)) {
            for column in t.columns.iter().filter(|c| c.meaning.sealed) {
                let place = format!("{}.{}", t.name, column.name);
                assert!(before.iter().any(|f| f.place == place), "{place} has a marker, or this test has a gap");
            }
        }
        assert!(before.iter().any(|f| f.place == "blob"), "the video has a marker");
        assert!(before.iter().all(|f| f.sealed), "nothing is in plain even before: {before:#?}");
        assert_eq!(in_plain(app).await, Vec::<String>::new());

        let input = json!({ "customerId": known.customer, "notify": true });
        let done = app.dpo().await.done("subjectErase", "SubjectEraseInput", input, "erasure { state records { table rowId outcome } }").await;
        assert_eq!(done["erasure"]["state"], "SETTLED");
        let scanned = app.run_job("erasures").await;
        assert_eq!((&scanned["scansPassed"], &scanned["scansFailed"]), (&json!(1), &json!(0)), "the scan agrees");
        let kept: Vec<&Value> = done["erasure"]["records"].as_array().unwrap().iter().filter(|r| r["outcome"] == "KEPT").collect();
        let after = found(app).await;
        assert!(!after.is_empty(), "the voucher and the letters are kept");
        for finding in &after {
            let table = finding.place.split('.').next().unwrap();
            let listed = kept.iter().any(|r| r["table"] == table && r["rowId"] == finding.at.as_str())
                || own.contains(&table)
                || finding.data_type.is_some_and(|d| matches!(d, DataType::R14 | DataType::R30));
            assert!(listed && finding.sealed, "{finding:?} is not listed as kept");
        }
        assert_eq!(in_plain(app).await, Vec::<String>::new());

        app.at("2026-01-01T00:00:00Z");
        app.run_job("retention").await;
        assert_eq!(found(app).await, Vec::new(), "after the longest period nothing opens");
        assert_eq!(in_plain(app).await, Vec::<String>::new());
        let keys = db::rows(app.state.keys.db().read(), "SELECT 1 FROM units", []).await.unwrap();
        assert_eq!(keys.len(), 0, "and no key is left");
    }

    /// Decision 3: with the master key and a copy of the main database from before the erasure, but the key store of
    /// after, sealed text of erased units stays unreadable.
    async fn an_older_copy_stays_unreadable(app) {
        let known = fill(app).await;
        let mut copy = Vec::new();
        for t in tables().iter().filter(|t| t.is_personal() && t.has("unit_id")) {
            for c in t.columns.iter().filter(|c| c.meaning.sealed) {
                let sql = format!("SELECT id, unit_id, {} FROM {} WHERE {} IS NOT NULL", c.name, t.name, c.name);
                for row in db::rows(app.state.db.read(), &sql, []).await.unwrap() {
                    let id: uuid::Uuid = row.try_get_by_index(0).unwrap();
                    let unit = entity::ids::UnitId(row.try_get_by_index(1).unwrap());
                    let place = aftersales::keys::Place { table: t.name, column: c.name, row: id };
                    copy.push((place, unit, entity::Sealed(row.try_get_by_index(2).unwrap())));
                }
            }
        }
        let open = async |(place, unit, sealed): &(aftersales::keys::Place, entity::ids::UnitId, entity::Sealed)| {
            let keys = app.state.keys.load(&[*unit], entity::Purpose::DataProtection, app.now()).await.unwrap();
            keys.get(unit).and_then(|key| key.open(*place, sealed)).is_some()
        };
        for value in &copy {
            assert!(open(value).await, "{:?} opens before", value.0);
        }
        let input = json!({ "customerId": known.customer });
        app.dpo().await.done("subjectErase", "SubjectEraseInput", input, "erasure { state }").await;
        let mut readable: Vec<&str> = Vec::new();
        for value in &copy {
            if open(value).await {
                readable.push(value.0.table);
            }
        }
        readable.sort_unstable();
        readable.dedup();
        assert_eq!(readable, [
            "consents", "disputes", "holds", "inquiry_entries", "mails", "messages", "proposals", "refunds", "remedies",
            "restrictions", "return_lines", "returns", "safety_entries", "withdrawals",
        ], "only what the law keeps");
    }
}
