//! `privacy erase` and `privacy scan` through the real binary, as scripts use them.

use std::path::Path;
use std::process::Output;

use aftersales::clock::Clock;
use aftersales::db;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::on_both_engines;
use crate::support::command::program;
use crate::support::life;

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

on_both_engines! {
    /// F80, R13, design 5: the papers are written, nobody is mailed, and the scan has ended when the command has.
    async fn the_papers_are_written_and_nobody_is_mailed(app) {
        // The clock of the command is the system's.
        app.clock.set(Clock::System.now());
        let known = life::order(app, "max@example.com", "CLI-2014-1").await;
        life::delivered(app, &known).await;
        life::whole_case(app, &known).await;
        let mails = app.count("mails", "1 = 1").await;
        let folder = app.folder.path();
        let (letter, certificate) = (folder.join("brief.html"), folder.join("nachweis.json"));
        let path = |p: &Path| p.display().to_string();

        let dry = folder.join("plan.txt");
        let plan = program(app, &["privacy", "erase", "--email", "max@example.com", "--dry-run", "--letter", &path(&dry), "--language", "en"]);
        assert_eq!(plan.status.code(), Some(0), "{}", String::from_utf8_lossy(&plan.stderr));
        assert!(out(&plan).contains("dry run: ") && read(&dry).starts_with("Hello,") && read(&dry).contains("GDPR Art. 77"));
        assert_eq!(app.count("customers", "email IS NOT NULL").await, 1);
        let wrong = ["privacy", "erase", "--email", "max@example.com", "--dry-run", "--certificate", "x.json"];
        assert_eq!(program(app, &wrong).status.code(), Some(2));
        let there = program(app, &["privacy", "erase", "--email", "max@example.com", "--letter", &path(&dry)]);
        assert_eq!(there.status.code(), Some(1), "a file that is there is not overwritten");
        assert_eq!(app.count("erasures", "1 = 1").await, 0, "and nothing was erased");

        let arguments = ["privacy", "erase", "--email", "max@example.com", "--json", "--letter", &path(&letter), "--certificate", &path(&certificate)];
        let done = program(app, &arguments);
        assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
        let report: Value = serde_json::from_str(&out(&done)).unwrap();
        assert_eq!((&report["dryRun"], &report["scan"]["passed"]), (&Value::Bool(false), &Value::Bool(true)), "{report:#}");
        assert!(read(&letter).starts_with("<!DOCTYPE html>") && read(&letter).contains("Art. 77 DSGVO"));
        let sum: String = Sha256::digest(read(&certificate)).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(report["certificateSha256"], sum);
        assert_eq!(app.count("erasures", &format!("certificate_hash = '{sum}' AND scan_state = 'PASSED'")).await, 1);
        assert_eq!((app.count("subject_requests", "1 = 1").await, app.count("mails", "1 = 1").await <= mails), (0, true));
        let doctor = program(app, &["doctor", "--json"]);
        assert_eq!(doctor.status.code(), Some(0));
        let doctor: Value = serde_json::from_str(&out(&doctor)).unwrap();
        assert_eq!((&doctor["scans"]["pending"], &doctor["scans"]["failed"]), (&Value::from(0), &Value::from(0)));
        let kept = program(app, &["privacy", "scan", "Mustermann"]);
        assert_eq!(kept.status.code(), Some(1));
        assert!(out(&kept).lines().any(|l| l.starts_with("refunds.payee") && l.contains("kept until")), "{}", out(&kept));
    }

    /// F80: nothing found is status 0; after an erasure whose scan has found something, the command ends with 1, and so does
    /// `doctor`.
    async fn a_scan_says_by_its_status_what_it_found(app) {
        let known = life::order(app, "max@example.com", "CLI-2014-2").await;
        life::delivered(app, &known).await;
        let found = program(app, &["privacy", "scan", "CLI-2014-2"]);
        assert_eq!((found.status.code(), out(&found).contains("orders.number")), (Some(1), true), "{}", out(&found));
        std::fs::write(app.state.config.data.join("export-CLI-2014-2.csv"), b"CLI-2014-2").unwrap();
        let done = program(app, &["privacy", "erase", "--email", "max@example.com"]);
        assert_eq!(done.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&done.stderr).contains("found the person in 1 places"), "{done:?}");
        assert!(out(&done).contains("scan FAILED") && out(&done).contains("FAILURE     NUMBER  file"), "{}", out(&done));
        assert_eq!(program(app, &["doctor"]).status.code(), Some(1));
        std::fs::remove_file(app.state.config.data.join("export-CLI-2014-2.csv")).unwrap();
        let none = program(app, &["privacy", "scan", "CLI-2014-2", "--json"]);
        assert_eq!((none.status.code(), out(&none).trim()), (Some(0), "[]"));
        assert_eq!(program(app, &["privacy", "scan", " "]).status.code(), Some(2));
        let left = db::rows(app.state.keys.db().read(), "SELECT 1 FROM units", []).await.unwrap();
        assert_eq!(left.len(), 0);
    }
}
