//! What an erasure leaves on paper: the letter in both languages, the file of the request, the certificate.

use aftersales::auth::Actor;
use aftersales::privacy::scan::scan;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::on_both_engines;
use crate::support::{App, Caller, days, life};

/// A customer whose settled case leaves a voucher and letters, and who has an open one.
async fn partly_open(app: &App, number: &str) -> life::Known {
    let known = life::order(app, "max@example.com", number).await;
    life::delivered(app, &known).await;
    life::whole_case(app, &known).await;
    let customer = app.customer(&known.email).await;
    life::open(&customer, "COMPLAINT", None, "Die Antwort kam spät.").await;
    known
}

async fn erased(dpo: &Caller<'_>, customer: &str, notify: bool, selection: &str) -> Value {
    let input = json!({ "customerId": customer, "notify": notify });
    dpo.done("subjectErase", "SubjectEraseInput", input, &format!("erasure {{ id {selection} }}")).await["erasure"]
        .clone()
}

async fn seen(app: &App, id: &Value, selection: &str) -> Value {
    let query = format!("query($id: ID!) {{ erasure(id: $id) {{ {selection} }} }}");
    app.dpo().await.data(&query, json!({ "id": id })).await["erasure"].clone()
}

/// The plain text without the shop's own lines at the end.
fn words(letter: &Value) -> &str {
    letter["text"]
        .as_str()
        .unwrap()
        .split("\nMit freundlichen Grüßen")
        .next()
        .unwrap()
        .split("\nKind regards")
        .next()
        .unwrap()
}

on_both_engines! {
    /// F76, S72: the letter says in words what was erased, what is kept until when because of which norm, what waits and
    /// why, until when backups open, and the person's rights.
    async fn the_letter_says_it_in_both_languages(app) {
        let known = partly_open(app, "P-1").await;
        let letters = "de: letter(language: DE) { subject text html } en: letter(language: EN) { subject text html }";
        let done = erased(&app.dpo().await, &known.customer, false, letters).await;
        insta::assert_snapshot!("letter_de", format!("{}\n\n{}", done["de"]["subject"].as_str().unwrap(), words(&done["de"])));
        insta::assert_snapshot!("letter_en", format!("{}\n\n{}", done["en"]["subject"].as_str().unwrap(), words(&done["en"])));
        for (language, phrases) in [
            ("de", ["bis 31.12.2022", "AO § 147 Abs. 3", "DSGVO Art. 17 Abs. 3 Buchst. b", "ein Vorgang dazu ist noch offen", "14.04.2014", "Art. 77 DSGVO"]),
            ("en", ["until 31 December 2022", "AO § 147(3)", "GDPR Art. 17(3)(b)", "a case about that is still open", "14 April 2014", "GDPR Art. 77"]),
        ] {
            for part in ["text", "html"] {
                let text = done[language][part].as_str().unwrap();
                for phrase in phrases {
                    assert!(text.contains(phrase), "{language} {part}: {phrase}");
                }
                assert!(!text.contains("R01") && !text.contains("OPEN_CASE"), "words, not codes: {text}");
            }
        }
    }

    /// R14, Art. 12(3): on request the person is mailed what became of it. The address is taken before the contact record
    /// goes; file, answer and mail are the proof, kept three years from the end of the year.
    async fn the_person_is_answered_from_the_file(app) {
        let known = life::order(app, "max@example.com", "P-2").await;
        life::delivered(app, &known).await;
        life::whole_case(app, &known).await;
        let request = "state records { table dataType } \
            request { receivedAt answeredAt answer mailState closedAt closingAnswer retention { dataType keptUntil } }";
        let done = erased(&app.dpo().await, &known.customer, true, request).await;
        assert_eq!((&done["state"], app.count("customers", "email IS NOT NULL").await), (&json!("SETTLED"), 0));
        let file = &done["request"];
        let answer = file["answer"].as_str().unwrap();
        assert!(answer.starts_with("Guten Tag Erika Mustermann,") && answer.contains("Ihr Antrag und diese Antwort: bis 31.12.2017"), "{answer}");
        assert_eq!((&file["mailState"], &file["retention"]), (&json!("QUEUED"), &json!({ "dataType": "R14", "keptUntil": "2017-12-31" })));
        assert!(done["records"].as_array().unwrap().iter().all(|r| r["dataType"] != "R14"), "the file is not part of what was asked");
        assert_eq!((&file["closedAt"], &file["closingAnswer"]), (&file["answeredAt"], &json!(null)), "nothing waits: one letter");
        let (text, to) = crate::support::intake::letter(app, entity::mails::Template::ErasureAnswer).await.unwrap();
        assert_eq!((text.as_str(), to.as_str()), (answer, "max@example.com"));
        let again = json!({ "customerId": known.customer, "notify": true });
        let (code, error) = app.dpo().await.refused("subjectErase", "SubjectEraseInput", again).await;
        assert_eq!((code.as_str(), &error["field"]), ("INVALID", &json!(["input", "notify"])), "no address is left");

        // An access request finds the file, as long as it is kept.
        assert!(crate::erasure::exported(app, &known.customer).await.contains("Ihr Antrag auf Löschung"));
        let found = scan(&app.state, &Actor::System, "max@example.com").await.unwrap().findings;
        assert!(!found.is_empty() && found.iter().all(|f| f.sealed));
        app.at("2017-12-31T22:00:00Z");
        app.run_job("retention").await;
        assert_eq!(app.count("subject_requests", "1 = 1").await, 1);
        app.at("2018-01-01T03:00:00Z");
        app.run_job("retention").await;
        assert_eq!(app.count("subject_requests", "1 = 1").await + app.count("mails", "data_type = 'R14'").await, 0);
    }

    /// N9, R14: where something waits, the person is told once more when nothing does: what became of that, and nothing that
    /// was told before. Once, however many passes there are; the file keeps both answers and its period starts with the last.
    async fn a_closing_answer_follows_when_nothing_waits(app) {
        let known = life::order(app, "max@example.com", "P-5").await;
        life::delivered(app, &known).await;
        life::whole_case(app, &known).await;
        let customer = app.customer(&known.email).await;
        let open = life::open(&customer, "COMPLAINT", None, "Die Antwort kam spät.").await;
        let coming = life::order(app, "max@example.com", "P-6").await;
        let done = erased(&app.dpo().await, &known.customer, true, "state").await;
        assert_eq!(done["state"], "DEFERRED");
        let request = "state request { answeredAt answer closedAt closingAnswer closingMailState retention { keptUntil } }";
        let before = seen(app, &done["id"], request).await;
        let first = before["request"]["answer"].as_str().unwrap();
        assert!(first.contains("Noch nicht gelöscht") && first.contains("Ihr Antrag und diese Antwort: die Frist beginnt"), "{first}");
        assert_eq!((&before["request"]["closedAt"], &before["request"]["retention"]["keptUntil"]), (&json!(null), &json!(null)));
        let letters = async || app.count("mails", "data_type = 'R14'").await;

        app.at("2014-04-02T10:00:00Z");
        life::decide(app, &open, "NOT_ELIGIBLE").await;
        life::close(app, &open).await;
        app.run_job("erasures").await;
        let between = seen(app, &done["id"], request).await;
        assert_eq!((&between, letters().await), (&before, 1), "an order is still on its way: no letter");

        app.at("2015-01-05T10:00:00Z");
        life::delivered(app, &coming).await;
        for job in ["erasures", "retention", "erasures"] {
            app.run_job(job).await;
        }
        assert_eq!((letters().await, app.count("mails", "template = 'ERASURE_CLOSING'").await), (2, 1));
        let after = seen(app, &done["id"], request).await;
        let file = &after["request"];
        assert_eq!((&after["state"], &file["answer"], &file["closingMailState"]), (&json!("SETTLED"), &json!(first), &json!("QUEUED")));
        assert_eq!(file["retention"]["keptUntil"], "2018-12-31");
        let (text, to) = crate::support::intake::letter(app, entity::mails::Template::ErasureClosing).await.unwrap();
        assert_eq!((text.as_str(), to.as_str()), (file["closingAnswer"].as_str().unwrap(), "max@example.com"));
        insta::assert_snapshot!("closing_de", text.split("\nMit freundlichen Grüßen").next().unwrap());

        // As a process leaves it that died after it had said so, or a restore that knows of it.
        let sql = "UPDATE erasures SET state = 'DEFERRED', settled_at = NULL";
        aftersales::db::run(app.state.db.write(), sql, []).await.unwrap();
        app.run_job("retention").await;
        assert_eq!((letters().await, app.count("erasures", "state = 'SETTLED'").await), (2, 1), "once");
        assert!(crate::erasure::exported(app, &known.customer).await.contains("Seitdem gelöscht"));
        app.at("2018-06-01T03:00:00Z");
        app.run_job("retention").await;
        assert_eq!((letters().await, app.count("subject_requests", "1 = 1").await), (1, 1), "the file has both answers");
        app.at("2019-01-01T03:00:00Z");
        app.run_job("retention").await;
        assert_eq!((letters().await, app.count("subject_requests", "1 = 1").await), (0, 0));
    }

    /// A hold that is released, in English: what had waited is kept by a norm, or gone.
    async fn a_closing_answer_is_in_the_language_of_the_first(app) {
        let known = life::order(app, "max@example.com", "P-7").await;
        life::delivered(app, &known).await;
        life::whole_case(app, &known).await;
        let input = json!({ "customerId": known.customer, "reason": "LEGAL_CLAIM", "reviewOn": "2014-09-01" });
        let dpo = app.dpo().await;
        let hold = dpo.done("holdPlace", "HoldPlaceInput", input, "hold { id }").await;
        aftersales::db::run(app.state.db.write(), "UPDATE customers SET locale = 'EN'", []).await.unwrap();
        erased(&dpo, &known.customer, true, "state").await;
        // The hold is not all that keeps a voucher: what is promised has to be true once it ends.
        let (first, _) = crate::support::intake::letter(app, entity::mails::Template::ErasureAnswer).await.unwrap();
        let voucher = "as soon as that ends (GDPR Art. 17(3)(e)); but not before the statutory period of keeping is over: AO § 147(3), HGB § 257(4)";
        assert!(first.contains(voucher), "{first}");
        assert!(first.contains("as soon as that ends (GDPR Art. 17(3)(e))\n"), "and what no law keeps: {first}");
        app.advance(days(20));
        let release = json!({ "id": hold["hold"]["id"] });
        app.dpo().await.done("holdRelease", "HoldReleaseInput", release, "hold { id }").await;
        app.run_job("retention").await;
        let (text, _) = crate::support::intake::letter(app, entity::mails::Template::ErasureClosing).await.unwrap();
        insta::assert_snapshot!("closing_en", text.split("\nKind regards").next().unwrap());
    }

    /// A replay mails nobody twice, and a dry run nobody at all.
    async fn nobody_is_answered_twice(app) {
        let known = partly_open(app, "P-3").await;
        let answers = async || (app.count("subject_requests", "answered_at IS NOT NULL").await, app.count("mails", "data_type = 'R14'").await);
        let dpo = app.dpo().await;
        let input = json!({ "customerId": known.customer, "notify": true, "dryRun": true });
        dpo.done("subjectErase", "SubjectEraseInput", input, "erasure { state }").await;
        assert_eq!(answers().await, (0, 0));
        let input = json!({ "customerId": known.customer, "notify": true, "idempotencyKey": "once" });
        let first = dpo.done("subjectErase", "SubjectEraseInput", input.clone(), "erasure { id }").await;
        assert_eq!(dpo.done("subjectErase", "SubjectEraseInput", input.clone(), "erasure { id }").await, first);
        app.run_job("retention").await;
        assert_eq!(answers().await, (1, 1));
        let mut other = input;
        other["notify"] = json!(false);
        assert_eq!(dpo.refused("subjectErase", "SubjectEraseInput", other).await.0, "IDEMPOTENCY_MISMATCH");
        let erased = erased(&dpo, &known.customer, false, "request { id }").await;
        assert_eq!((&erased["request"], answers().await), (&json!(null), (1, 1)), "no file without asking for it");
    }

    /// R13: the certificate is of what the erasure came to, also where nothing more had to go, or nothing at all.
    async fn the_certificate_is_of_the_end(app) {
        let dpo = app.dpo().await;
        let known = life::order(app, "max@example.com", "C-25").await;
        life::delivered(app, &known).await;
        life::whole_case(app, &known).await;
        let hold = json!({ "records": { "dataType": "R01", "year": 2014 }, "reason": "TAX_AUDIT", "reviewOn": "2014-09-01" });
        let hold = dpo.done("holdPlace", "HoldPlaceInput", hold, "hold { id }").await["hold"]["id"].clone();
        let done = erased(&dpo, &known.customer, false, "state").await;
        app.run_job("erasures").await;
        let certificate = async || {
            let found = seen(app, &done["id"], "certificate certificateSha256").await;
            let text = found["certificate"].as_str().unwrap();
            let sum: String = Sha256::digest(text).iter().map(|b| format!("{b:02x}")).collect();
            assert_eq!(found["certificateSha256"], sum);
            serde_json::from_str::<Value>(text).unwrap()
        };
        let held = certificate().await;
        assert_eq!((&held["state"], &held["counts"]["HELD"]), (&json!("DEFERRED"), &json!(1)));
        app.run_job("retention").await;
        assert_eq!(certificate().await, held, "a night in which nothing changes makes no other");
        app.advance(days(1));
        let dpo = app.dpo().await;
        dpo.done("holdRelease", "HoldReleaseInput", json!({ "id": hold }), "hold { id }").await;
        app.run_job("erasures").await;
        let kept = certificate().await;
        assert_eq!((&kept["state"], &kept["counts"]["HELD"]), (&json!("SETTLED"), &json!(0)));
        assert_eq!((&kept["counts"]["ERASED"], &kept["scan"]), (&held["counts"]["ERASED"], &held["scan"]));

        let again = erased(&dpo, &known.customer, false, "state certificate scan { state }").await;
        assert_eq!((&again["state"], &again["scan"]), (&json!("SETTLED"), &json!(null)), "nothing was left to go");
        let again: Value = serde_json::from_str(again["certificate"].as_str().unwrap()).unwrap();
        assert_eq!((&again["counts"]["ERASED"], &again["scan"]), (&json!(0), &json!(null)));
    }

    /// R13, F80: the certificate has ids, counts, rules and the result of the scan, and nothing of the person.
    async fn the_certificate_has_no_content(app) {
        let known = life::order(app, "max@example.com", "P-4711-4").await;
        life::delivered(app, &known).await;
        life::whole_case(app, &known).await;
        app.advance(days(1));
        let done = erased(&app.dpo().await, &known.customer, false, "certificate scan { state } records { table outcome }").await;
        assert_eq!((&done["certificate"], &done["scan"]["state"]), (&json!(null), &json!("PENDING")), "not before the scan");
        app.run_job("erasures").await;
        let found = seen(app, &done["id"], "certificate certificateSha256 scan { state failures }").await;
        assert_eq!(found["scan"], json!({ "state": "PASSED", "failures": 0 }));
        let text = found["certificate"].as_str().unwrap();
        let sum: String = Sha256::digest(text.as_bytes()).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(found["certificateSha256"], sum);
        let certificate: Value = serde_json::from_str(text).unwrap();
        let counts = &certificate["counts"];
        let of = |outcome: &str| done["records"].as_array().unwrap().iter().filter(|r| r["outcome"] == outcome).count();
        for outcome in ["ERASED", "ANONYMISED", "KEPT", "DEFERRED", "HELD"] {
            assert_eq!(counts[outcome], of(outcome), "{outcome}");
        }
        let lines = certificate["records"].as_array().unwrap();
        let rows: usize = lines.iter().map(|l| l["rows"].as_array().unwrap().len()).sum();
        assert_eq!(rows, done["records"].as_array().unwrap().len(), "every record by its id");
        let rule = certificate["rules"].as_array().unwrap().iter().find(|r| r["dataType"] == "R01").unwrap();
        assert_eq!((&rule["version"], &rule["norm"]), (&json!(1), &json!("AO § 147(3), HGB § 257(4)")));
        assert_eq!(certificate["erasureId"], json!(life::row(done["id"].as_str().unwrap())));
        assert_eq!((&certificate["state"], &certificate["backupsUnreadableFrom"]), (&json!("SETTLED"), &json!("2014-04-15")));
        assert_eq!((&certificate["places"]["keyStore"]["toBeDestroyed"], &certificate["places"]["ledger"]), (&json!(0), &json!("FOLDER")));
        assert_eq!(certificate["scan"]["passed"], true);
        for word in ["max@example.com", "Mustermann", "Heidestraße", "P-4711-4", "030 23125", "leckt"] {
            assert!(!text.contains(word), "{word}");
        }
    }
}
