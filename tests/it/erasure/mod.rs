//! The data-protection officer: export, erasure with an outcome per record, what is deferred, what is held.

mod command;
mod papers;
mod protected;
mod recipients;
mod residual;
mod since;
mod whole;

use std::io::Read as _;

use aftersales::db;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::on_both_engines;
use crate::support::{App, Reply, days, goods, life};

async fn erase(app: &App, customer: &str, dry_run: bool) -> Value {
    let input = json!({ "customerId": customer, "dryRun": dry_run });
    let selection =
        "erasure { dryRun state records { table dataType outcome until because article } backupsUnreadableFrom }";
    let done = app.dpo().await.done("subjectErase", "SubjectEraseInput", input, selection).await;
    done["erasure"].clone()
}

fn outcomes(report: &Value, outcome: &str) -> Vec<(String, String)> {
    let records = report["records"].as_array().unwrap().iter().filter(|r| r["outcome"] == outcome);
    let text = |r: &Value, name: &str| r[name].as_str().unwrap().to_owned();
    let mut found: Vec<_> = records.map(|r| (text(r, "table"), text(r, "dataType"))).collect();
    found.sort();
    found.dedup();
    found
}

fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
    of.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

async fn export(app: &App, customer: &str) -> Reply {
    let input = json!({ "customerId": customer });
    let done = app.dpo().await.done("subjectExport", "SubjectExportInput", input, "download { url }").await;
    let path = done["download"]["url"].as_str().unwrap().trim_start_matches("http://test").to_owned();
    app.send(axum::http::Request::get(path).body(axum::body::Body::empty()).unwrap()).await
}

/// A case whose goods came back and whose exchange DHL has delivered under a number; not closed yet.
async fn exchanged(app: &App, known: &life::Known, number: &str) -> String {
    let case = goods::case(app, known, "EXCHANGE").await;
    goods::inspected(app, &case, 1, 1, "DAMAGED", "WARRANTY").await;
    let input = json!({
        "caseId": case, "kind": "EXCHANGE", "position": 1, "quantity": 1, "sku": "S-2", "title": "Wasserkocher, groß",
    });
    let done = app.agent().await.done("remedyArrange", "RemedyArrangeInput", input, "remedy { id }").await;
    goods::ship(app, done["remedy"]["id"].as_str().unwrap(), number).await;
    let event = goods::event(app, &format!("event-{number}"), number, "DELIVERED");
    assert_eq!(goods::report(app, json!([event])).await, ["RECORDED"]);
    case
}

/// What an export says of a customer, as text.
pub async fn exported(app: &App, customer: &str) -> String {
    let archive = unzip(&export(app, customer).await.bytes);
    String::from_utf8(archive["data.json"].clone()).unwrap()
}

on_both_engines! {
    /// F75, F76: the dry run equals the run; vouchers and letters are kept until a date because of a norm.
    async fn what_the_law_keeps_is_kept_and_the_rest_goes(app) {
        let known = life::order(app, "max@example.com", "C-1").await;
        life::delivered(app, &known).await;
        life::whole_case(app, &known).await;
        app.advance(days(30));
        let plan = erase(app, &known.customer, true).await;
        let done = erase(app, &known.customer, false).await;
        let sorted = |report: &Value| {
            let mut records: Vec<String> =
                report["records"].as_array().unwrap().iter().map(ToString::to_string).collect();
            records.sort();
            records
        };
        assert_eq!(sorted(&plan), sorted(&done), "record by record");
        assert_eq!(done["state"], "SETTLED");
        assert_eq!(outcomes(&done, "KEPT"), pairs(&[("mails", "R03"), ("messages", "R03"), ("refunds", "R01")]));
        assert_eq!(
            outcomes(&done, "ANONYMISED"),
            pairs(&[("cases", "R24"), ("order_lines", "R25"), ("orders", "R25")])
        );
        for gone in pairs(&[("attachments", "R09a"), ("customers", "R21"), ("parcels", "R07"), ("tokens", "R27")]) {
            assert!(outcomes(&done, "ERASED").contains(&gone), "{gone:?} in {done:#}");
        }
        let kept = done["records"].as_array().unwrap().iter().find(|r| r["table"] == "refunds").unwrap();
        assert_eq!(kept["until"], "2022-12-31");
        assert_eq!(kept["because"], "AO § 147(3), HGB § 257(4)");
        assert_eq!(kept["article"], "GDPR Art. 17(3)(b)");
        assert_eq!(done["backupsUnreadableFrom"], "2014-05-14");
        assert_eq!(app.count("attachments", "1 = 1").await, 0);

        // The voucher is served from its own snapshot, and an access request still finds it.
        let found = app.dpo().await.data("{ dataSubject(email: \"max@example.com\") { erasurePreview { records { table } } } }", json!({})).await;
        assert!(!found["dataSubject"].is_null());
        let archive = unzip(&export(app, &known.customer).await.bytes);
        let data: Value = serde_json::from_slice(&archive["data.json"]).unwrap();
        assert!(data.to_string().contains("Heidestraße 17"), "the voucher's snapshot");
        app.at("2023-01-01T00:00:00Z");
        app.run_job("retention").await;
        assert_eq!(app.count("customers", "1 = 1").await, 0);
    }

    /// A question without effect on the deal leaves nothing behind.
    async fn advice_is_erased_without_rest(app) {
        let known = life::order(app, "erika@example.com", "C-2").await;
        life::delivered(app, &known).await;
        let customer = app.customer(&known.email).await;
        let case = life::open(&customer, "USAGE_GUIDANCE", None, "Wie entkalke ich den Wasserkocher?").await;
        life::decide(app, &case, "SOLVED_DIRECTLY").await;
        life::close(app, &case).await;
        let done = erase(app, &known.customer, false).await;
        assert_eq!((outcomes(&done, "KEPT"), outcomes(&done, "DEFERRED")), (Vec::new(), Vec::new()), "{done:#}");
        assert_eq!(app.run_job("erasures").await["scansPassed"], 1);
        for table in ["customers", "orders", "order_lines", "parcels", "cases", "messages", "tokens", "access_entries"] {
            assert_eq!(app.count(table, "1 = 1").await, 0, "{table}");
        }
        for table in ["units", "lookups"] {
            let rows = db::rows(app.state.keys.db().read(), &format!("SELECT 1 FROM {table}"), []).await.unwrap();
            assert_eq!(rows.len(), 0, "{table}");
        }
        let gone = app.dpo().await.gql("{ dataSubject(email: \"erika@example.com\") { customerId } }", json!({})).await;
        assert_eq!(gone.code(), "NOT_FOUND");
    }

    /// F77: what is open is deferred and finishes by itself when it closes.
    async fn an_open_case_defers_and_the_nightly_run_finishes(app) {
        let known = life::order(app, "max@example.com", "C-3").await;
        life::delivered(app, &known).await;
        let customer = app.customer(&known.email).await;
        let case = life::open(&customer, "RETURN", Some(&known.order), "Ich möchte zurückgeben.").await;
        life::upload(&customer, &case, "p.jpg", "image/jpeg", &crate::support::media::jpeg()).await;
        let done = erase(app, &known.customer, false).await;
        assert_eq!(done["state"], "DEFERRED");
        assert!(outcomes(&done, "DEFERRED").contains(&("customers".to_owned(), "R21".to_owned())));
        assert!(outcomes(&done, "DEFERRED").contains(&("attachments".to_owned(), "R09b".to_owned())));
        app.run_job("retention").await;
        assert_eq!(app.count("customers", "erased_at IS NULL").await, 1, "still open, still needed");
        life::decide(app, &case, "ELIGIBLE").await;
        life::refunded(app, &case, 1000).await;
        life::close(app, &case).await;
        let report = app.run_job("retention").await;
        assert_eq!(report["erasuresSettled"], 1);
        assert_eq!(app.count("customers", "erased_at IS NOT NULL").await, 1);
        assert_eq!(app.count("attachments", "1 = 1").await, 0);
        assert_eq!(app.count("refunds", "1 = 1").await, 1, "the voucher is kept");
        assert_eq!(app.count("erasures", "state = 'SETTLED'").await, 1);
    }

    /// F81, N12: INTENT before, SETTLED after, by ids only; what is due for nobody leaves no entry but its intent's VOID.
    async fn the_ledger_says_what_went_before_it_went(app) {
        let known = life::order(app, "max@example.com", "C-9").await;
        life::delivered(app, &known).await;
        erase(app, &known.customer, false).await;
        let entries = app.state.ledger.entries().await.unwrap();
        let of = |event: &str| entries.iter().filter(|e| e["event"] == event).collect::<Vec<_>>();
        let order = life::row(&known.order).to_string();
        let names = |part: &Value| part["table"] == "orders" && part["ids"].to_string().contains(&order);
        let intent = of("INTENT").into_iter().find(|e| e["rows"].as_array().unwrap().iter().any(names)).unwrap();
        assert!(intent["ground"].as_str().unwrap().starts_with("ERASURE:"));
        let settled = of("SETTLED").into_iter().find(|e| e["intent"] == intent["intent"]).unwrap();
        assert_eq!(settled["units"].as_array().unwrap().len(), 3, "with the units whose keys go: of order, parcel and contact");
        assert_eq!(of("INTENT").len(), of("SETTLED").len() + of("VOID").len(), "every intent has its end");
        let text = serde_json::to_string(&entries).unwrap();
        assert!(!text.contains("max@example.com") && !text.contains("C-9"), "ids only");
    }

    /// A paid order on its way is a running contract: it is erased once it has arrived, or after 90 days.
    async fn an_order_on_its_way_defers_its_erasure(app) {
        let known = life::order(app, "max@example.com", "C-12").await;
        let done = erase(app, &known.customer, false).await;
        assert_eq!((done["state"].as_str(), app.count("orders", "number IS NOT NULL").await), (Some("DEFERRED"), 1));
        app.advance(days(3));
        life::delivered(app, &known).await;
        assert_eq!(app.run_job("retention").await["erasuresSettled"], 1);
        assert_eq!(app.count("customers", "1 = 1").await, 0);
        let late = json!({ "orderNumber": "C-12", "carrier": "DHL", "trackingNumber": "x", "deliveredAt": app.now() });
        assert_eq!(app.shop().refused("parcelDeliver", "ParcelDeliverInput", late).await.0, "ERASED");
        let lost = life::order(app, "erika@example.com", "C-13").await;
        erase(app, &lost.customer, false).await;
        app.advance(days(91));
        assert_eq!(app.run_job("retention").await["erasuresSettled"], 1);
    }

    /// Suppression: the shop's next synchronisation does not bring an erased order back; a new order is new data.
    async fn an_erased_order_stays_erased(app) {
        let known = life::order(app, "max@example.com", "C-5").await;
        life::delivered(app, &known).await;
        erase(app, &known.customer, false).await;
        let again = json!({
            "number": "C-5", "orderedAt": app.now(), "customer": { "email": "max@example.com", "name": "Max" },
            "captured": { "amountMinor": 1, "currency": "EUR" }, "paymentMethod": "VISA",
            "lines": [{ "sku": "a", "productGroup": "A", "title": "a", "quantity": 1, "unitPriceMinor": 1, "taxBasisPoints": 0 }],
        });
        assert_eq!(app.shop().refused("orderRegister", "OrderRegisterInput", again).await.0, "ERASED");
        life::order(app, "max@example.com", "C-6").await;
        assert_eq!(app.count("customers", "erased_at IS NULL").await, 1);
    }

    /// N11, R34: an order that the shop had never sent, placed before its customer was erased, does not bring the person
    /// back, whatever its number; nor does it touch who has ordered again. What is ordered afterwards is new data.
    async fn an_older_order_does_not_bring_the_person_back(app) {
        let known = life::order(app, "max@example.com", "C-20").await;
        life::delivered(app, &known).await;
        app.advance(days(2));
        erase(app, &known.customer, false).await;
        app.run_job("erasures").await;
        app.advance(days(5));
        let order = |number: &str, ordered_at: chrono::DateTime<chrono::Utc>| json!({
            "number": number, "orderedAt": ordered_at, "customer": { "email": "Max@Example.com", "name": "Max Neu" },
            "captured": { "amountMinor": 1, "currency": "EUR" }, "paymentMethod": "VISA",
            "lines": [{ "sku": "a", "productGroup": "A", "title": "a", "quantity": 1, "unitPriceMinor": 1, "taxBasisPoints": 0 }],
        });
        let before = app.counts().await;
        let old = order("C-21", app.now() - days(6));
        let (code, error) = app.shop().refused("orderRegister", "OrderRegisterInput", old.clone()).await;
        assert_eq!((code.as_str(), &error["field"]), ("ERASED", &json!(["input", "customer", "email"])));
        assert_eq!(app.counts().await, before, "nothing came back");
        let hashes = db::rows(app.state.db.read(), "SELECT hash FROM suppressions", []).await.unwrap();
        let hashes: Vec<Vec<u8>> = hashes.iter().map(|r| r.try_get_by_index(0).unwrap()).collect();
        assert!(hashes.len() >= 2 && hashes.iter().all(|h| h.len() == 16), "the address and the number, as keyed hashes");

        app.shop().done("orderRegister", "OrderRegisterInput", order("C-22", app.now() - days(1)), "order { id }").await;
        assert_eq!(app.count("customers", "email IS NOT NULL").await, 1, "a customer again");
        assert_eq!(app.shop().refused("orderRegister", "OrderRegisterInput", old).await.0, "ERASED");
        assert_eq!(app.count("orders", "number IS NOT NULL").await, 1);
        // Erased once more, the line is drawn anew.
        let again = app.customer("max@example.com").await.data("{ viewer { customerId } }", json!({})).await;
        app.advance(days(100));
        erase(app, again["viewer"]["customerId"].as_str().unwrap(), false).await;
        let between = order("C-23", app.now() - days(1));
        assert_eq!(app.shop().refused("orderRegister", "OrderRegisterInput", between).await.0, "ERASED");
        // Somebody else of the same day is not concerned.
        let mut other = order("C-24", app.now() - days(300));
        other["customer"]["email"] = json!("erika@example.com");
        app.shop().done("orderRegister", "OrderRegisterInput", other, "order { id }").await;
    }

    /// F71: JSON, readable page, files, checksums; the officer's name is nowhere, the customer's words are.
    async fn an_export_holds_everything_and_its_checksums(app) {
        let known = life::order(app, "erika@example.com", "C-7").await;
        life::delivered(app, &known).await;
        let (case, _, _) = life::whole_case(app, &known).await;
        let note = json!({ "caseId": case, "body": "Kundin war am Telefon <b>freundlich</b>.", "internal": true });
        // A closed case takes no note; another case of hers does.
        assert_eq!(app.agent().await.refused("messageAdd", "MessageAddInput", note.clone()).await.0, "TRANSITION_NOT_ALLOWED");
        let customer = app.customer(&known.email).await;
        let open = life::open(&customer, "COMPLAINT", None, "Die Antwort kam spät.").await;
        let note = json!({ "caseId": open, "body": "Kundin war am Telefon <b>freundlich</b>.", "internal": true });
        app.agent().await.done("messageAdd", "MessageAddInput", note, "message { id }").await;
        let reply = export(app, &known.customer).await;
        assert_eq!(reply.status, 200);
        assert_eq!(reply.headers["content-type"], "application/zip");
        let archive = unzip(&reply.bytes);
        let manifest: Value = serde_json::from_slice(&archive["manifest.json"]).unwrap();
        let listed = manifest["files"].as_array().unwrap();
        assert_eq!(listed.len() + 1, archive.len(), "every file but the manifest itself");
        for file in listed {
            let sum: String = Sha256::digest(&archive[file["path"].as_str().unwrap()]).iter().map(|b| format!("{b:02x}")).collect();
            assert_eq!(file["sha256"], sum, "{file}");
        }
        let data: Value = serde_json::from_slice(&archive["data.json"]).unwrap();
        let text = data.to_string();
        for word in ["Erika Mustermann", "erika@example.com", "C-7", "track-C-7", "leckt am Boden", "freundlich", "119"] {
            assert!(text.contains(word), "{word}");
        }
        let staff = db::rows(app.state.db.read(), "SELECT id FROM staff", []).await.unwrap();
        for row in staff {
            let id: uuid::Uuid = row.try_get_by_index(0).unwrap();
            assert!(!text.contains(&id.to_string()), "no employee is named (CJEU C-579/21)");
        }
        let page = String::from_utf8(archive["index.html"].clone()).unwrap();
        assert!(page.contains("Erika Mustermann") && page.contains("&lt;b&gt;freundlich"), "escaped");
        assert!(page.contains("2022-12-31"), "until when (Art. 15(1)(d))");
        assert!(archive.keys().any(|path| path.starts_with("files/") && path.ends_with(".jpg")));
    }

    /// A link to an export works for its officer and its minutes only.
    async fn an_export_link_ends(app) {
        let known = life::order(app, "erika@example.com", "C-8").await;
        let done = app.dpo().await.done("subjectExport", "SubjectExportInput", json!({ "customerId": known.customer }), "download { url }").await;
        let path = done["download"]["url"].as_str().unwrap().trim_start_matches("http://test").to_owned();
        let get = async |path: &str| app.send(axum::http::Request::get(path).body(axum::body::Body::empty()).unwrap()).await;
        let mut forged = path.clone();
        forged.replace_range(forged.len() - 4..forged.len() - 3, if forged.as_bytes()[forged.len() - 4] == b'A' { "B" } else { "A" });
        assert_eq!(get(&forged).await.json()["error"]["code"], "LINK_INVALID");
        assert_eq!(get(&path).await.status, 200);
        app.advance(chrono::TimeDelta::minutes(16));
        assert_eq!(get(&path).await.json()["error"]["code"], "LINK_INVALID");
    }
}

/// The files of an archive.
fn unzip(bytes: &[u8]) -> std::collections::BTreeMap<String, Vec<u8>> {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    let mut files = std::collections::BTreeMap::new();
    for i in 0..archive.len() {
        let mut file = archive.by_index(i).unwrap();
        let name = file.name().unwrap().into_owned();
        let mut content = Vec::new();
        file.read_to_end(&mut content).unwrap();
        files.insert(name, content);
    }
    files
}
