//! Dump, erase, drill, restore.

use aftersales::retention::ledger::Rows;
use entity::ids::{CustomerId, ErasureId};
use entity::staff::Role;

use super::*;
use crate::support::days;

/// How many scratch databases of drills there are.
async fn scratch_databases(app: &App) -> i64 {
    if app.state.db.backend() != DbBackend::Postgres {
        return 0;
    }
    let sql = "SELECT COUNT(*) FROM pg_database WHERE datname LIKE 'aftersales_drill_%'";
    db::rows(app.state.db.read(), sql, []).await.unwrap()[0].try_get_by_index(0).unwrap()
}

owning! {
    /// N12, F81: after a restore from before an erasure, everything is as it was after the erasure.
    async fn what_was_erased_stays_gone_and_what_was_kept_stays(app) {
        now(&app);
        let erased = person(&app, "erika", "R-1").await;
        let held = person(&app, "karl", "R-2").await;
        person(&app, "lena", "R-3").await;
        let hold = json!({ "customerId": held.customer, "reason": "AUTHORITY_REQUEST", "note": "Akte", "reviewOn": (app.now() + days(90)).date_naive() });
        let hold = app.dpo().await.done("holdPlace", "HoldPlaceInput", hold, "hold { id }").await;
        let kept = person(&app, "max", "R-4").await;
        let hold_that_stays = json!({ "customerId": kept.customer, "reason": "LEGAL_CLAIM", "reviewOn": (app.now() + days(90)).date_naive() });
        app.dpo().await.done("holdPlace", "HoldPlaceInput", hold_that_stays, "hold { id }").await;
        app.agent().await;
        app.staff(Role::Admin).await;
        app.dpo().await;
        let sql = "SELECT id FROM staff WHERE role = 'AGENT'";
        let leaver = db::rows(app.state.db.read(), sql, []).await.unwrap()[0].try_get_by_index(0).unwrap();
        let (before, armed) = (units(&app).await, triggers(&app.state.db).await);
        assert!(armed > 20, "{armed}");

        let folder = backup_folder(&app);
        let made = report(&app.state.config, &["backup", text(&folder)]);
        assert_eq!(made["blobFiles"].as_array().unwrap().len(), 4);

        now(&app);
        erase(&app, &erased).await;
        app.dpo().await.done("holdRelease", "HoldReleaseInput", json!({ "id": hold["hold"]["id"] }), "hold { id }").await;
        let done = erase(&app, &held).await;
        assert!(done["records"].as_array().unwrap().iter().any(|r| r["outcome"] == "ERASED"), "{done:#}");
        let input = json!({ "id": aftersales::graphql::node::id("StaffMember", leaver).0 });
        app.staff(Role::Admin).await.done("staffMemberLeave", "StaffMemberLeaveInput", input, "staffMember { id }").await;
        let (after, keys) = (rows(&app.state.db).await, units(&app).await);
        let dead: BTreeSet<_> = before.difference(&keys).copied().collect();
        assert!(!dead.is_empty(), "the erasures destroyed keys");
        let suppressed = app.count("suppressions", "1 = 1").await;
        assert_eq!(suppressed, 4, "the numbers and the addresses of two");

        // Beside the running server, touching nothing.
        let scratch = app.folder.path().join("scratch");
        std::fs::create_dir(&scratch).unwrap();
        let drill = program(&app.state.config).env("TMPDIR", &scratch).args(["restore", text(&folder), "--drill", "--json"]).output().unwrap();
        assert!(drill.status.success(), "{}", String::from_utf8_lossy(&drill.stderr));
        let drill: Value = serde_json::from_slice(&drill.stdout).unwrap();
        assert_eq!(std::fs::read_dir(&scratch).unwrap().count(), 0, "the scratch folder is gone");
        assert_eq!(scratch_databases(&app).await, 0, "and the scratch databases");
        assert_eq!(rows(&app.state.db).await, after, "a drill changes nothing");
        assert_eq!(units(&app).await, keys);

        let stopped = app.stop().await;
        lose(&stopped.config);
        let arguments = onto(&stopped.config, &folder);
        let mut done = report(&stopped.config, &arguments.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(done["rowsGoneAgain"].as_u64().unwrap() > 10, "{done:#}");
        assert_eq!((&done["holdsReleasedAgain"], &done["holdsPlacedAgain"], &done["wereHeld"]), (&json!(1), &json!(0), &json!(0)));
        assert_eq!(done["suppressedAgain"], 4);
        assert_eq!(done["blobsReaped"], 0, "evidence that is not settled is kept for claims: {done:#}");
        assert_eq!((&done["blobsMissing"], &done["rowsWithoutKey"]), (&json!(0), &json!(0)));
        assert!(done["keysDestroyedAgain"].as_u64().unwrap() >= dead.len() as u64, "{done:#}");
        done["drill"] = json!(true);
        assert_eq!(done, drill, "a drill says what a restore does");

        let app = stopped.start(Clock::System.now()).await;
        let again = rows(&app.state.db).await;
        for (table, rows) in &after {
            assert_eq!(&again[table], rows, "{table} is bit for bit as after the erasures");
        }
        assert_eq!(units(&app).await.intersection(&dead).count(), 0, "no key of an erased unit is back");
        assert_eq!(triggers(&app.state.db).await, armed, "the triggers under holds are on again");
        assert_eq!(app.count("suppressions", "1 = 1").await, suppressed);
        assert_eq!(app.count("erasures", "state = 'SETTLED'").await, 2, "the certificates are back");
        assert_eq!(app.count("holds", "released_at IS NULL").await, 1, "what was released is released");
        assert_eq!(app.count("staff", "left_at IS NOT NULL").await, 1, "who left has left");
        app.finish().await;
    }

    /// What goes without anything kept leaves nothing that opens, is plain, or is a file.
    async fn no_marker_comes_back(app) {
        now(&app);
        let customer = life::order(&app, "erika@example.com", "M-1").await;
        let caller = app.customer(&customer.email).await;
        let case = life::open(&caller, "USAGE_GUIDANCE", None, MARKER).await;
        life::upload(&caller, &case, "kanarienvogel.jpg", "image/jpeg", &crate::support::media::jpeg()).await;
        life::decide(&app, &case, "SOLVED_DIRECTLY").await;
        life::close(&app, &case).await;
        let folder = backup_folder(&app);
        // Before the backup nothing of the case has gone; the order is on its way, so that its erasure waits.
        report(&app.state.config, &["backup", text(&folder), "--keys", text(&app.folder.path().join("keys-apart"))]);
        now(&app);
        assert_eq!(erase(&app, &customer).await["state"], "DEFERRED");
        let waiting = app.count("erasures", "state = 'DEFERRED'").await;

        let stopped = app.stop().await;
        assert_eq!(run(&stopped.config, &["privacy", "scan", MARKER]).status.code(), Some(0));
        lose(&stopped.config);
        let arguments = onto(&stopped.config, &folder);
        let done = report(&stopped.config, &arguments.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(done["blobsReaped"], 1, "{done:#}");
        let scan = run(&stopped.config, &["privacy", "scan", MARKER]);
        assert_eq!(scan.status.code(), Some(0), "{}", String::from_utf8_lossy(&scan.stdout));
        let app = stopped.start(Clock::System.now()).await;
        assert_eq!(app.count("erasures", "state = 'DEFERRED'").await, waiting, "what waited goes on waiting");
        assert_eq!(app.count("attachments", "blob IS NOT NULL").await, 0);
        app.finish().await;
    }

    /// A removal whose end nobody knows is checked again: what is due goes, what is not stays.
    async fn an_intent_without_an_end_is_checked_again(app) {
        now(&app);
        let due = person(&app, "erika", "I-1").await;
        let not_due = person(&app, "lena", "I-2").await;
        let folder = backup_folder(&app);
        report(&app.state.config, &["backup", text(&folder), "--reference-blobs"]);
        now(&app);
        // The process died after the intent; nobody heard whether it committed.
        let id = ErasureId::new(app.now());
        app.state.ledger.asked(app.now(), id, CustomerId(life::row(&due.customer))).await.unwrap();
        for (ground, who) in [(format!("ERASURE:{id}"), &due), ("RULE".to_owned(), &not_due)] {
            let rows = vec![Rows { table: "customers".to_owned(), ids: vec![life::row(&who.customer)] }];
            app.state.ledger.intent(app.now(), &ground, rows, &[]).await.unwrap();
        }
        let stopped = app.stop().await;
        let done = report(&stopped.config, &["restore", text(&folder), "--replace"]);
        assert_eq!((&done["intentsRechecked"], &done["intentsGone"]), (&json!(2), &json!(1)), "{done:#}");
        assert_eq!(done["erasuresResumed"], 1, "the rest of the person follows");
        let app = stopped.start(Clock::System.now()).await;
        assert_eq!(app.count("customers", "email IS NOT NULL").await, 1);
        assert_eq!(app.count("orders", "number IS NOT NULL").await, 1, "the erasure went on by itself");
        app.finish().await;
    }
}
