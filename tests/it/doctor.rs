//! What `doctor` tells an operator, as the real binary.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt as _;

use aftersales::db::{self, Place};
use aftersales::jobs::{lease, named};
use entity::job_runs::State;
use serde_json::{Value, json};

use crate::on_both_engines;
use crate::support::command::program;
use crate::support::life;

/// Its verdict as JSON, and its exit status.
fn doctor(app: &crate::support::App) -> (Value, Option<i32>) {
    let done = program(app, &["doctor", "--json"]);
    (serde_json::from_slice(&done.stdout).unwrap(), done.status.code())
}

on_both_engines! {
    /// A page that nobody reads in a day's work is found before the day on which somebody does.
    async fn a_damaged_page_is_found(app) {
        let (healthy, status) = doctor(app);
        assert_eq!((&healthy["damage"], &healthy["fine"], status), (&json!([]), &json!(true), Some(0)));
        let Place::File(file) = &app.state.config.database else { return };
        let root = "SELECT rootpage, (SELECT page_size FROM pragma_page_size) FROM sqlite_master WHERE name = 'consents'";
        let found = db::rows(app.state.db.read(), root, []).await.unwrap();
        let (page, size): (i64, i64) = (found[0].try_get_by_index(0).unwrap(), found[0].try_get_by_index(1).unwrap());
        assert!(app.state.db.forget(&[]).await.unwrap(), "nothing of it is left in the log");
        let place = u64::try_from((page - 1) * size).unwrap();
        let file = OpenOptions::new().read(true).write(true).open(file).unwrap();
        let mut healthy = [0; 64];
        file.read_exact_at(&mut healthy, place).unwrap();
        file.write_all_at(&[0xff; 64], place).unwrap();
        let (damaged, status) = doctor(app);
        file.write_all_at(&healthy, place).unwrap();
        assert!(damaged["damage"][0].as_str().unwrap().starts_with("main database: "), "{damaged}");
        assert_eq!((&damaged["fine"], status), (&json!(false), Some(1)));
    }

    /// A run that a surplus has stopped removes nothing until somebody looks: that is not all well.
    async fn a_surplus_that_waits_is_told(app) {
        let stopped = "INSERT INTO retention_runs (id, state, started_at, due, done, surplus) VALUES ($1, 'SURPLUS', $2, 500, 0, 400)";
        let now = app.now();
        db::run(app.state.db.write(), stopped, [entity::ids::uuid_at(now).into(), now.into()]).await.unwrap();
        let (told, status) = doctor(app);
        assert_eq!((&told["retention"]["surplus"], &told["fine"], status), (&json!(400), &json!(false), Some(1)));
        db::run(app.state.db.write(), "UPDATE retention_runs SET confirmed_at = $1", [now.into()]).await.unwrap();
        assert_eq!(doctor(app).1, Some(0));
    }

    /// A hold whose review is overdue stands for ever unless somebody is told.
    async fn an_overdue_review_is_told(app) {
        let known = life::order(app, "max@example.com", "D-2").await;
        let input = json!({ "customerId": known.customer, "reason": "LEGAL_CLAIM", "reviewOn": "2014-04-01" });
        app.dpo().await.done("holdPlace", "HoldPlaceInput", input, "hold { id }").await;
        let restrict = json!({ "customerId": known.customer, "ground": "OBJECTION_PENDING", "reviewOn": "2014-04-02" });
        app.dpo().await.done("restrictionPlace", "RestrictionPlaceInput", restrict, "restriction { id }").await;
        // The command's clock is the wall's.
        let overdue = || doctor(app).0["protections"]["reviewOverdue"].clone();
        assert_eq!(overdue(), 2);
        for (table, left) in [("holds", 1), ("restrictions", 0)] {
            let sql = format!("UPDATE {table} SET review_on = '9999-01-01'");
            db::run(app.state.db.write(), &sql, []).await.unwrap();
            assert_eq!(overdue(), left);
        }
        // As the ledger has them.
        for (table, day) in [("holds", "2014-04-01"), ("restrictions", "2014-04-02")] {
            let sql = format!("UPDATE {table} SET review_on = '{day}'");
            db::run(app.state.db.write(), &sql, []).await.unwrap();
        }
    }

    /// What a damaged ledger were told of, no restore could use: from the first night of a month on nothing goes until it is mended.
    async fn a_damaged_ledger_is_found(app) {
        let known = life::order(app, "max@example.com", "D-1").await;
        life::delivered(app, &known).await;
        let input = json!({ "customerId": known.customer });
        app.dpo().await.done("subjectErase", "SubjectEraseInput", input, "erasure { id }").await;
        app.at("2014-04-01T01:15:00Z");
        let Place::File(ledger) = &app.state.config.ledger else { panic!("the harness keeps the ledger in a folder") };
        let file = ledger.join("ledger-2014.jsonl");
        let whole = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, whole.replacen("INTENT", "TALENT", 1)).unwrap();
        let (damaged, status) = doctor(app);
        assert!(damaged["damage"][0].as_str().unwrap().starts_with("ledger: "), "{damaged}");
        assert_eq!((damaged["damage"].as_array().unwrap().len(), status), (1, Some(1)));
        let run = async || match lease::run_now(&app.state, named("retention").unwrap()).await.unwrap() {
            lease::Ran::Here(run) => run.state,
            lease::Ran::Elsewhere => panic!("nobody else runs it"),
        };
        assert_eq!(run().await, State::Failed);
        std::fs::write(&file, whole).unwrap();
        let (failed, status) = doctor(app);
        assert_eq!((&failed["damage"], &failed["failedJobs"], status), (&json!([]), &json!(["retention"]), Some(1)));
        app.advance(chrono::TimeDelta::minutes(1));
        assert_eq!(run().await, State::Done);
        let (healthy, status) = doctor(app);
        assert_eq!((&healthy["fine"], status), (&json!(true), Some(0)), "{healthy}");
    }
}
