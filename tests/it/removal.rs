//! Runs and plans of removal: a preview is what happens, a surplus stops, a switch and a cap hold, a run is watched.

use aftersales::db;
use aftersales::policy::retention::Rule;
use chrono::{DateTime, TimeDelta, Utc};
use entity::DataType;
use entity::map::Classified as _;
use serde_json::{Value, json};

use crate::on_both_engines;
use crate::support::{App, days, life};

async fn closed_case(app: &App, email: &str, number: &str) -> (life::Known, String) {
    let known = life::order(app, email, number).await;
    life::delivered(app, &known).await;
    let (case, ..) = life::whole_case(app, &known).await;
    (known, case)
}

async fn runs(app: &App) -> Vec<Value> {
    let query = "{ retentionRuns { nodes { id planId state due done forecast surplus finishedAt } } }";
    app.dpo().await.data(query, json!({})).await["retentionRuns"]["nodes"].as_array().unwrap().clone()
}

async fn step(app: &App, mutation: &str, id: &Value) -> Value {
    let payload = if mutation.starts_with("retentionPlan") { "plan { id state planned }" } else { "run { id state }" };
    app.dpo().await.done(mutation, "RetentionStepInput", json!({ "id": id }), payload).await
}

async fn switch(app: &App, mutation: &str) {
    app.dpo().await.done(mutation, "RetentionSwitchInput", json!({}), "paused").await;
}

async fn plan(app: &App) -> Value {
    let selection = "plan { id planned lines { dataType table ruleVersion rows } }";
    app.dpo().await.done("retentionPlanCreate", "RetentionSwitchInput", json!({}), selection).await["plan"].clone()
}

async fn plan_rows(app: &App, plan: &Value) -> Vec<Value> {
    let query =
        "{ retentionPlans { nodes { id state rows(first: 100) { nodes { table rowId dataType version outcome } } } } }";
    let plans = app.dpo().await.data(query, json!({})).await;
    let of =
        plans["retentionPlans"]["nodes"].as_array().unwrap().iter().find(|p| p["id"] == plan["id"]).unwrap().clone();
    of["rows"]["nodes"].as_array().unwrap().clone()
}

/// Runs of a job that is none any more: made in the hours before an instant, finished at another.
async fn past_runs(app: &App, job: &str, count: i64, (before, finished): (DateTime<Utc>, DateTime<Utc>)) {
    for n in 1..=count {
        let sql = "INSERT INTO job_runs (id, job, state, started_at, finished_at, fence, report) \
                   VALUES ($1, $2, 'DONE', $3, $3, 0, '{}')";
        let id = entity::ids::uuid_at(before - TimeDelta::hours(n));
        db::run(app.state.db.write(), sql, [id.into(), job.into(), finished.into()]).await.unwrap();
    }
}

/// From now on this happens whenever a plan's run begins; nothing, where it is empty.
async fn on_begin(app: &App, what: &str) {
    let is_postgres = app.state.db.backend() == sea_orm::DbBackend::Postgres;
    let drop = if is_postgres { "DROP FUNCTION IF EXISTS begun CASCADE" } else { "DROP TRIGGER IF EXISTS begun" };
    let mut sql = vec![drop.to_owned()];
    let on = "CREATE TRIGGER begun AFTER INSERT ON retention_runs FOR EACH ROW WHEN (NEW.plan_id IS NOT NULL)";
    if is_postgres && !what.is_empty() {
        sql.push(format!(
            "CREATE FUNCTION begun() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {what} RETURN NEW; END $$"
        ));
        sql.push(format!("{on} EXECUTE FUNCTION begun()"));
    } else if !what.is_empty() {
        sql.push(format!("{on} BEGIN {what} END"));
    }
    for statement in sql {
        db::run(app.state.db.write(), &statement, []).await.unwrap();
    }
}

on_both_engines! {
    /// N11, F87: a plan names its rows; carried out, it takes these and no others, and what has changed drops out with a
    /// reason.
    async fn a_plan_is_what_happens(app) {
        let (_, held) = closed_case(app, "a@example.com", "B-8001").await;
        let (_, changed) = closed_case(app, "b@example.com", "B-8002").await;
        let (_, plain) = closed_case(app, "c@example.com", "B-8003").await;
        app.at("2018-02-01T00:00:00Z");
        let made = plan(app).await;
        let rows = plan_rows(app, &made).await;
        assert_eq!(made["planned"], json!(rows.len()));
        let counted: i64 = made["lines"].as_array().unwrap().iter().map(|l| l["rows"].as_i64().unwrap()).sum();
        assert_eq!(made["planned"], json!(counted));
        assert!(rows.iter().all(|r| r["outcome"].is_null()));

        let hold = json!({ "caseId": held, "reason": "LEGAL_CLAIM", "reviewOn": "2018-05-01" });
        app.dpo().await.done("holdPlace", "HoldPlaceInput", hold, "hold { id }").await;
        let sql = "UPDATE cases SET version = version + 1 WHERE id = $1";
        db::run(app.state.db.write(), sql, [life::row(&changed).into()]).await.unwrap();
        // Due, but in no plan: it stays until the nightly run.
        let before = app.count("cases", "state = 'CLOSED'").await;
        assert_eq!(step(app, "retentionPlanApprove", &made["id"]).await["plan"]["state"], "APPROVED");
        let report = app.run_job("plans").await;
        assert_eq!(report["executed"], 1);

        let rows = plan_rows(app, &made).await;
        let outcome = |case: &str| {
            let id = life::row(case).to_string();
            rows.iter().find(|r| r["rowId"] == json!(id)).unwrap()["outcome"].clone()
        };
        assert_eq!((outcome(&held), outcome(&changed), outcome(&plain)), (json!("HELD"), json!("CHANGED"), json!("ANONYMISED")));
        assert_eq!(app.count("cases", "state = 'CLOSED'").await, before - 1);
        let gone = rows.iter().filter(|r| r["outcome"] == "DELETED" || r["outcome"] == "ANONYMISED").count();
        assert_eq!((&report["gone"], &report["droppedOut"]), (&json!(gone), &json!(rows.len() - gone)));
        let run = &runs(app).await[0];
        assert_eq!((&run["planId"], &run["state"], &run["done"]), (&made["id"], &json!("DONE"), &made["planned"]));
        let again = json!({ "id": made["id"] });
        let refused = app.dpo().await.mutate("retentionPlanApprove", "RetentionStepInput", again, "plan { id }").await;
        assert_eq!(refused["userErrors"][0]["code"], "TRANSITION_NOT_ALLOWED");

        let stale = plan(app).await;
        app.advance(days(7));
        let refused = app.dpo().await.mutate("retentionPlanApprove", "RetentionStepInput", json!({ "id": stale["id"] }), "plan { id }").await;
        assert_eq!(refused["userErrors"][0]["code"], "TRANSITION_NOT_ALLOWED");
        assert_eq!(app.run_job("plans").await["expired"], 1);
        app.advance(days(2));
        app.run_job("retention").await;
        assert_eq!(app.count("retention_plan_rows", "1 = 1").await, 0, "R28: seven days");
    }

    /// F88, N11: the nightly run knows what is due; more than that, with nothing to explain it, stops it before it takes anything,
    /// and a confirmation lets it go on.
    async fn an_unexplained_surplus_stops_the_run(app) {
        let tolerance = i64::from(app.state.config.retention.surplus_tolerance);
        closed_case(app, "a@example.com", "B-8101").await;
        app.at("2018-02-01T00:00:00Z");
        app.run_job("retention").await;
        // Rows that were here and not due become due from one night to the next: a clock or a statement went wrong.
        let now = app.now();
        past_runs(app, "old", tolerance + 1, (now, now)).await;
        app.advance(days(1));
        let fine = app.run_job("retention").await;
        assert_eq!(fine["run"], "DONE", "{fine}");
        app.advance(TimeDelta::seconds(1));
        let long_ago = app.now() - days(3000);
        let sql = "UPDATE job_runs SET finished_at = $1 WHERE job = 'old'";
        db::run(app.state.db.write(), sql, [long_ago.into()]).await.unwrap();
        app.advance(days(1));
        let stopped = app.run_job("retention").await;
        assert_eq!(stopped["run"], "SURPLUS", "{stopped}");
        assert_eq!(app.count("job_runs", "job = 'old'").await, tolerance + 1, "nothing was taken");
        let first = runs(app).await[0].clone();
        assert_eq!((&first["state"], &first["surplus"]), (&json!("SURPLUS"), &json!(tolerance + 1)));
        // Neither an hour nor a month explains it.
        for later in [TimeDelta::hours(1), days(1), days(30)] {
            app.advance(later);
            assert_eq!(app.run_job("retention").await["run"], "SURPLUS");
        }
        assert_eq!(app.count("job_runs", "job = 'old'").await, tolerance + 1);
        let stale = app.dpo().await.mutate("retentionRunConfirm", "RetentionStepInput", json!({ "id": first["id"] }), "run { id }").await;
        assert_eq!(stale["userErrors"][0]["code"], "TRANSITION_NOT_ALLOWED", "somebody has to have seen the latest");
        app.advance(TimeDelta::seconds(1));
        step(app, "retentionRunConfirm", &runs(app).await[0]["id"]).await;
        // What comes on top of what was confirmed was not.
        past_runs(app, "older", tolerance + 1, (now, long_ago)).await;
        app.advance(TimeDelta::seconds(1));
        assert_eq!(app.run_job("retention").await["run"], "SURPLUS");
        app.advance(TimeDelta::seconds(1));
        step(app, "retentionRunConfirm", &runs(app).await[0]["id"]).await;
        app.advance(TimeDelta::seconds(1));
        assert_eq!(app.run_job("retention").await["run"], "DONE");
        assert_eq!(app.count("job_runs", "job IN ('old', 'older')").await, 0);
    }

    /// A surplus that has gone needs nobody.
    async fn a_surplus_that_has_gone_stops_nothing(app) {
        let tolerance = i64::from(app.state.config.retention.surplus_tolerance);
        app.at("2018-02-01T00:00:00Z");
        let now = app.now();
        past_runs(app, "old", tolerance + 1, (now, now)).await;
        app.run_job("retention").await;
        let finished = async |at: DateTime<Utc>| {
            let sql = "UPDATE job_runs SET finished_at = $1 WHERE job = 'old'";
            db::run(app.state.db.write(), sql, [at.into()]).await.unwrap();
        };
        finished(now - days(3000)).await;
        app.advance(days(1));
        assert_eq!(app.run_job("retention").await["run"], "SURPLUS");
        finished(app.now()).await;
        app.advance(days(3));
        assert_eq!(app.run_job("retention").await["run"], "DONE");
        assert_eq!(app.count("job_runs", "job = 'old'").await, tolerance + 1);
    }

    /// A plan that is called off removes nothing more, whether it is approved, under way or paused.
    async fn a_plan_can_be_paused_and_called_off(app) {
        closed_case(app, "a@example.com", "B-8011").await;
        app.at("2018-02-01T00:00:00Z");
        let called_off = plan(app).await;
        step(app, "retentionPlanApprove", &called_off["id"]).await;
        assert_eq!(step(app, "retentionPlanCancel", &called_off["id"]).await["plan"]["state"], "CANCELLED");
        assert_eq!(app.run_job("plans").await["executed"], 0);
        let again = app.dpo().await.mutate("retentionPlanApprove", "RetentionStepInput", json!({ "id": called_off["id"] }), "plan { id }").await;
        assert_eq!(again["userErrors"][0]["code"], "TRANSITION_NOT_ALLOWED");

        let under_way = plan(app).await;
        step(app, "retentionPlanApprove", &under_way["id"]).await;
        let switch_off = "UPDATE retention_control SET paused_at = '2018-02-01T00:00:00+00:00';";
        on_begin(app, switch_off).await;
        assert_eq!(app.run_job("plans").await["executed"], 0, "somebody threw the switch as it began");
        assert_eq!(runs(app).await[0]["state"], "PAUSED");
        assert!(plan_rows(app, &under_way).await.iter().all(|row| row["outcome"].is_null()));
        switch(app, "retentionResume").await;
        app.advance(TimeDelta::seconds(1));
        let both = format!("UPDATE retention_runs SET cancelled_at = started_at WHERE id = NEW.id; {switch_off}");
        on_begin(app, &both).await;
        assert_eq!(app.run_job("plans").await["executed"], 0, "and cancelled it the next time");
        assert_eq!(runs(app).await[0]["state"], "CANCELLED");
        switch(app, "retentionResume").await;
        assert!(plan_rows(app, &under_way).await.iter().all(|row| row["outcome"].is_null()));
        on_begin(app, "").await;
        assert_eq!((&app.run_job("plans").await["executed"], app.count("cases", "state = 'CLOSED'").await), (&json!(0), 1));
        assert_eq!(app.count("retention_plans", "state = 'CANCELLED'").await, 2);
    }

    /// F88: what is new explains itself, and what the calendar has made due while the service stood still; but not for ever, since a
    /// clock that was set wrong looks the same.
    async fn an_explained_surplus_stops_nothing(app) {
        app.at("2018-02-01T00:00:00Z");
        app.run_job("retention").await;
        app.advance(days(1));
        let long_ago = app.now() - days(3000);
        for _ in 0..150 {
            let sql = "INSERT INTO job_runs (id, job, state, started_at, finished_at, fence, report) \
                       VALUES ($1, 'imported', 'DONE', $2, $2, 0, '{}')";
            let id = entity::ids::uuid_at(app.now());
            db::run(app.state.db.write(), sql, [id.into(), long_ago.into()]).await.unwrap();
        }
        assert_eq!(app.run_job("retention").await["run"], "DONE");
        assert_eq!(runs(app).await[0]["surplus"], 0);
        let falls_due_in = async |job: &str, later: TimeDelta| {
            let rule = &app.state.rules()[&entity::job_runs::Entity::TYPES[0]];
            past_runs(app, job, 150, (app.now(), rule.due_before(app.now() + later) - TimeDelta::seconds(1))).await;
            assert_eq!(app.run_job("retention").await["run"], "DONE");
            assert_eq!(app.count("job_runs", &format!("job = '{job}'")).await, 150);
        };
        app.at("2018-12-28T00:00:00Z");
        falls_due_in("soon", days(5)).await;
        app.advance(days(6));
        assert_eq!(app.run_job("retention").await["run"], "DONE");
        assert_eq!((&runs(app).await[0]["surplus"], app.count("job_runs", "job = 'soon'").await), (&json!(0), 0));
        falls_due_in("late", days(3000)).await;
        app.advance(days(3001));
        let stopped = app.run_job("retention").await;
        assert_eq!(stopped["run"], "SURPLUS", "somebody has set the clock: {stopped}");
        assert_eq!(app.count("job_runs", "job = 'late'").await, 150);
    }

    /// A forecast of the future, by a clock that was wrong, says nothing of now, and is replaced.
    async fn a_clock_that_was_set_back_stops_nothing(app) {
        app.at("2018-02-11T00:00:00Z");
        app.run_job("retention").await;
        app.at("2018-02-01T00:00:00Z");
        let now = app.now();
        past_runs(app, "old", 150, (now, now - days(3000))).await;
        app.advance(TimeDelta::seconds(1));
        assert_eq!(app.run_job("retention").await["run"], "DONE");
        assert_eq!(app.count("retention_control", "forecast_at < '2018-02-02'").await, 1);
    }

    /// A paused night hides no surplus from the next.
    async fn the_kill_switch_explains_no_surplus(app) {
        let tolerance = i64::from(app.state.config.retention.surplus_tolerance);
        app.at("2018-02-01T00:00:00Z");
        let now = app.now();
        past_runs(app, "old", tolerance + 1, (now, now)).await;
        app.run_job("retention").await;
        let sql = "UPDATE job_runs SET finished_at = $1 WHERE job = 'old'";
        db::run(app.state.db.write(), sql, [(now - days(3000)).into()]).await.unwrap();
        switch(app, "retentionPause").await;
        app.advance(days(1));
        assert_eq!(app.run_job("retention").await["run"], "PAUSED");
        switch(app, "retentionResume").await;
        app.advance(days(1));
        assert_eq!(app.run_job("retention").await["run"], "SURPLUS");
        assert_eq!(app.count("job_runs", "job = 'old'").await, tolerance + 1);
    }

    /// SDM 60 P06: the kill switch stops every run, and nothing else.
    async fn the_kill_switch_stops_runs_and_no_erasure(app) {
        let (known, _) = closed_case(app, "a@example.com", "B-8201").await;
        app.at("2018-02-01T00:00:00Z");
        switch(app, "retentionPause").await;
        assert_eq!(app.run_job("retention").await["run"], "PAUSED");
        assert_eq!(app.count("cases", "state = 'CLOSED'").await, 1);
        let made = plan(app).await;
        step(app, "retentionPlanApprove", &made["id"]).await;
        assert_eq!(app.run_job("plans").await["executed"], 0);
        let input = json!({ "customerId": known.customer });
        app.dpo().await.done("subjectErase", "SubjectEraseInput", input, "erasure { state }").await;
        assert_eq!(app.count("cases", "state = 'CLOSED'").await, 0, "a person's right does not wait");
        switch(app, "retentionResume").await;
        app.advance(TimeDelta::seconds(1));
        assert_eq!(app.run_job("plans").await["executed"], 1);
        app.advance(TimeDelta::seconds(1));
        assert_eq!(app.run_job("retention").await["run"], "DONE");
        let done: i64 = runs(app).await[0]["done"].as_i64().unwrap();
        assert_eq!(runs(app).await[0]["due"], json!(done), "everything due was looked at");
    }

    /// N8: what is due is listed record by record, with why and until when.
    async fn what_is_due_is_listed_with_its_reason(app) {
        let (_, case) = closed_case(app, "a@example.com", "B-8301").await;
        let due = async |until: &str| {
            let until = until.parse().unwrap();
            aftersales::retention::due::due(&app.state, &aftersales::auth::Actor::System, until).await.unwrap()
        };
        let id = life::row(&case);
        assert!(!due("2017-12-30").await.iter().any(|d| d.id == id));
        let found = due("2017-12-31").await;
        let header = found.iter().find(|d| d.id == id).unwrap();
        assert_eq!((header.kept_until.to_string(), header.then), ("2017-12-31".to_owned(), "ANONYMISE"));
        assert_eq!((header.because, header.purpose), ("BGB §§ 195, 199", "handling the case"));
        assert!(due("2016-12-31").await.iter().all(|d| d.kept_until.to_string().as_str() <= "2016-12-31"));
    }
}

/// The cut-off of a count and the check of a row agree, at every instant around the turn of a day.
#[test]
fn the_cut_off_is_exact() {
    for rule in aftersales::policy::retention::shipped() {
        let now = "2026-11-25T03:15:00Z".parse().unwrap();
        let cut = Rule::due_before(&rule, now);
        assert!(rule.is_over(cut - TimeDelta::milliseconds(1), now), "{rule:?}");
        assert!(!rule.is_over(cut, now), "{rule:?}");
    }
    assert!(aftersales::policy::retention::shipped().iter().any(|r| r.data_type == DataType::R09a));
}
