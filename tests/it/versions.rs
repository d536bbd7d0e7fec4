//! The shop's policy as versions: changed, announced, or only looked at.

use std::path::PathBuf;

use aftersales::auth::Actor;
use aftersales::clock::Clock;
use aftersales::db;
use aftersales::jobs::{lease, named};
use aftersales::policies;
use aftersales::retention::{due, forecast, rules, sweep};
use aftersales::state::{App as State, AppState};
use entity::DataType;
use serde_json::{Value, json};

use crate::on_both_engines;
use crate::support::command::program_with;
use crate::support::{App, goods, life};

/// A policy file of the test.
fn file(app: &App, text: &str) -> PathBuf {
    let file = app.folder.path().join("policy.toml");
    std::fs::write(&file, text).unwrap();
    file
}

/// What a process has that starts now with this policy.
async fn started(app: &App, text: &str) -> AppState {
    let mut config = app.state.config.clone();
    config.policy = Some(file(app, text));
    State::open(config, Clock::Fixed(app.clock.clone())).await.unwrap()
}

/// Advice that was closed when the test began: it is kept for a year.
async fn advised(app: &App) {
    let known = life::order(app, "max@example.com", "V-1").await;
    advised_as(app, &known).await;
}

async fn advised_as(app: &App, known: &life::Known) {
    let case = life::open(&app.customer(&known.email).await, "USAGE_GUIDANCE", None, "Wie entkalke ich ihn?").await;
    life::decide(app, &case, "SOLVED_DIRECTLY").await;
    life::close(app, &case).await;
}

/// Version and months of the rule of advice that is stored for now.
async fn stored(app: &App) -> (i32, i32) {
    let stored = rules::at(app.state.db.read(), app.now()).await.unwrap();
    let advice: Vec<_> = stored.iter().filter(|rule| rule.data_type == DataType::R06).collect();
    assert_eq!(advice.len(), 1, "exactly one is in force");
    (advice[0].version, advice[0].period_count)
}

async fn swept(app: &App, state: &AppState) -> i64 {
    sweep::run(state, &Actor::System, false, None).await.unwrap();
    app.count("messages", "1 = 1").await
}

on_both_engines! {
    /// S2: another file is another version; contracts keep the policy of their day, and a day ahead is announced.
    async fn a_changed_policy_is_a_new_version(app) {
        app.at("2014-03-10T09:00:00Z");
        let known = life::order(app, "max@example.com", "K-1").await;
        life::delivered(app, &known).await;
        let file = app.folder.path().join("policy.toml");
        let mut config = app.state.config.clone();
        config.policy = Some(file.clone());
        app.at("2014-04-01T09:00:00Z");
        std::fs::write(&file, "valid_from = \"2014-05-01\"\nperiods.shop-return = { days = 60 }\n").unwrap();
        let open = || State::open(config.clone(), Clock::Fixed(app.clock.clone()));
        let shop_return = |state: &State, at: &str| {
            let rule = state.policies.at(at.parse().unwrap()).rule(aftersales::policy::rules::RuleId::ShopReturn);
            rule.unwrap().length
        };
        let days = |n| aftersales::policy::rules::Length::Spans(vec![aftersales::policy::rules::days(n)]);
        let second = open().await.unwrap();
        assert_eq!(second.policies.all().len(), 2);
        assert_eq!(second.policies.all()[0].valid_until.unwrap().to_rfc3339(), "2014-04-30T22:00:00+00:00");
        assert_eq!(shop_return(&second, "2014-04-30T21:59:59Z"), days(45));
        assert_eq!(shop_return(&second, "2014-04-30T22:00:00Z"), days(60));
        assert_eq!(open().await.unwrap().policies.all().len(), 2, "the same file again is no new version");
        // Announced, and replaced before it came into force.
        std::fs::write(&file, "periods.shop-return = { days = 90 }\n").unwrap();
        let third = open().await.unwrap();
        assert_eq!(shop_return(&third, "2014-04-02T00:00:00Z"), days(90));
        assert_eq!(shop_return(&third, "2014-05-02T00:00:00Z"), days(90));
        assert_eq!(shop_return(&third, "2014-03-20T00:00:00Z"), days(45));
        std::fs::write(&file, "periods.withdrawal = { days = 13 }\n").unwrap();
        let refused = format!("{:#}", open().await.err().unwrap());
        assert!(refused.contains("periods.withdrawal") && refused.contains("BGB §§ 355"), "{refused}");
    }

    /// A period that was announced rules from its day on, in a process that has been running since before; what was stored for that
    /// day and then replaced never rules.
    async fn an_announced_period_rules_from_its_day_on(app) {
        advised(app).await;
        app.at("2014-04-20T10:00:00Z");
        let state = started(app, "valid_from = \"2014-06-01\"\nretention.periods.R06 = { months = 1 }\n").await;
        app.at("2014-05-31T21:59:59Z");
        assert_eq!((stored(app).await, state.rules()[&DataType::R06].count), ((1, 1), 1));
        assert!(swept(app, &state).await > 0, "a year");
        app.at("2014-05-31T22:00:00Z");
        assert_eq!(stored(app).await, (2, 1));
        assert_eq!(swept(app, &state).await, 0, "a month");
    }

    /// What was announced and then replaced never rules; what it was replaced by does, from then on.
    async fn an_announced_period_that_was_replaced_never_rules(app) {
        advised(app).await;
        app.at("2014-04-20T10:00:00Z");
        started(app, "valid_from = \"2014-06-01\"\nretention.periods.R06 = { months = 1 }\n").await;
        app.at("2014-04-21T10:00:00Z");
        let state = started(app, "retention.periods.R06 = { months = 5 }\n").await;
        assert_eq!(stored(app).await, (3, 5));
        app.at("2014-06-02T10:00:00Z");
        assert_eq!((stored(app).await, state.rules()[&DataType::R06].count), ((3, 5), 5));
        let again = started(app, "retention.periods.R06 = { months = 5 }\n").await;
        assert_eq!((stored(app).await, again.policies.all().len()), ((3, 5), 3), "the same again is no new version");
        assert!(swept(app, &state).await > 0);
    }

    /// UStG § 22(1) sentence 4, AO § 147(4): a voucher of the one-stop shop counts from its supply; where that is left, from itself.
    async fn vouchers_count_from_themselves_when_the_one_stop_shop_is_left(app) {
        let known = life::order(app, "max@example.com", "V-2").await;
        life::delivered(app, &known).await;
        life::whole_case(app, &known).await;
        let exchange = goods::case(app, &known, "EXCHANGE").await;
        goods::inspected(app, &exchange, 1, 1, "DAMAGED", "WARRANTY").await;
        let input = json!({ "caseId": exchange, "kind": "EXCHANGE", "position": 1, "quantity": 1, "sku": "S-2", "title": "Kocher" });
        app.agent().await.done("remedyArrange", "RemedyArrangeInput", input, "remedy { id }").await;
        let state = started(app, "[retention]\nprofile = \"EU_OSS\"\n").await;
        let supply: chrono::DateTime<chrono::Utc> = "2012-12-20T10:00:00Z".parse().unwrap();
        let vouchers = ["refunds", "returns", "return_lines", "remedies"];
        for table in vouchers {
            let years_before = format!("UPDATE {table} SET start_at = $1");
            assert!(db::run(app.state.db.write(), &years_before, [supply.into()]).await.unwrap() > 0, "{table}");
        }
        let from_supply = async |table| app.count(table, "start_at < '2013-01-01T00:00:00+00:00'").await;
        sweep::run(&state, &Actor::System, false, None).await.unwrap();
        for table in vouchers {
            assert!(from_supply(table).await > 0, "{table}: ten years from the supply");
        }
        app.at("2014-04-20T10:00:00Z");
        let left = started(app, "").await;
        sweep::run(&left, &Actor::System, false, None).await.unwrap();
        for table in vouchers {
            assert_eq!(from_supply(table).await, 0, "{table}");
        }
    }

    /// Of two processes, the one that has not heard of the newer policy removes nothing by the older one.
    async fn a_process_with_an_older_policy_removes_nothing(app) {
        advised(app).await;
        app.at("2014-04-20T10:00:00Z");
        let newer = started(app, "retention.periods.R06 = { months = 60 }\n").await;
        app.at("2016-04-20T10:00:00Z");
        let job = named("retention").unwrap();
        let lease::Ran::Here(run) = lease::run_now(&app.state, job).await.unwrap() else { panic!("nobody else runs it") };
        assert_eq!((run.state, run.report.as_str()), (entity::job_runs::State::Failed, "{\"error\":\"POLICY_SUPERSEDED\"}"));
        let customer = app.customer("max@example.com").await;
        let customer = customer.data("{ viewer { customerId } }", json!({})).await["viewer"]["customerId"].clone();
        let (code, _) = app.dpo().await.refused("subjectErase", "SubjectEraseInput", json!({ "customerId": customer })).await;
        assert_eq!(code, "POLICY_SUPERSEDED");
        let (code, _) = app.dpo().await.refused("retentionPlanCreate", "RetentionSwitchInput", json!({})).await;
        assert_eq!(code, "POLICY_SUPERSEDED");
        let lease::Ran::Here(run) = lease::run_now(&newer, job).await.unwrap() else { panic!("nobody else runs it") };
        assert_eq!(run.state, entity::job_runs::State::Done, "{}", run.report);
        assert!(app.count("messages", "1 = 1").await > 0, "five years");
    }

    /// Of two processes, the one that has not heard of the newer policy does not use up the night of the other.
    async fn a_process_with_an_older_policy_leaves_the_night_to_the_other(app) {
        advised(app).await;
        app.at("2014-04-20T10:00:00Z");
        let newer = started(app, "retention.periods.R06 = { months = 60 }\n").await;
        lease::sync(&newer).await.unwrap();
        app.at("2014-04-21T01:15:00Z");
        lease::run_due(&app.state).await.unwrap();
        let ran = async || app.count("job_runs", "job = 'retention'").await;
        assert_eq!(ran().await, 0);
        lease::run_due(&newer).await.unwrap();
        assert_eq!((ran().await, app.count("job_runs", "job = 'retention' AND state = 'DONE'").await), (1, 1));
    }

    /// A longer period that begins tomorrow explains no surplus today.
    async fn a_forecast_reaches_over_a_change_of_rules(app) {
        let known = life::order(app, "max@example.com", "V-2").await;
        let input = json!({ "customerId": known.customer, "reason": "LEGAL_CLAIM", "reviewOn": "2014-09-01" });
        app.dpo().await.done("holdPlace", "HoldPlaceInput", input, "hold { id }").await;
        advised_as(app, &known).await;
        app.at("2015-05-30T01:15:00Z");
        let state = started(app, "valid_from = \"2015-05-31\"\nretention.periods.R06 = { months = 60 }\n").await;
        let due = async || forecast::judge(&state).await.unwrap();
        forecast::foresee(&state).await.unwrap().store(state.db.write()).await.unwrap();
        let judged = due().await;
        assert!(judged.due > 0 && judged.surplus == 0, "held beyond its period, and foreseen so: {judged:?}");
        app.at("2015-05-31T01:15:00Z");
        assert!(due().await.due < judged.due, "by the longer one");
    }

    /// What is due until a day is what runs have taken by then: each by the rules of its own day.
    async fn what_is_due_follows_the_rules_of_its_day(app) {
        advised(app).await;
        app.at("2014-04-20T10:00:00Z");
        let due = async |state: &AppState, until: &str| {
            let found = due::due(state, &Actor::System, until.parse().unwrap()).await.unwrap();
            let of = |due: &&due::Due| due.table == "messages";
            let mut ends: Vec<String> = found.iter().filter(of).map(|due| due.kept_until.to_string()).collect();
            ends.dedup();
            ends
        };
        let year = due(&app.state, "2015-12-31").await;
        assert!(year.len() == 1 && due(&app.state, "2015-01-01").await.is_empty(), "{year:?}");
        let longer = started(app, "valid_from = \"2015-12-01\"\nretention.periods.R06 = { months = 60 }\n").await;
        assert_eq!(due(&longer, "2016-12-31").await, year, "gone before it begins");
        let shorter = started(app, "valid_from = \"2014-06-01\"\nretention.periods.R06 = { months = 1 }\n").await;
        assert_eq!(due(&shorter, "2014-05-31").await, Vec::<String>::new());
        assert!(due(&shorter, "2014-06-01").await.iter().all(|end| end.as_str() < "2014-05-31"));
        assert_eq!(due(&shorter, "2015-12-31").await.len(), 1, "once");
        let longer = started(app, "valid_from = \"2014-06-01\"\nretention.periods.R06 = { months = 60 }\n").await;
        assert_eq!(due(&longer, "2016-12-31").await, Vec::<String>::new());
    }

    /// Whoever only looks judges by the policy of the settings, and leaves in force what is.
    async fn a_look_puts_nothing_in_force(app) {
        advised(app).await;
        app.clock.set(Clock::System.now());
        let path = file(app, "retention.periods.R06 = { months = 300 }\n").display().to_string();
        let run = |settings: &[(&str, &str)], arguments: &[&str]| {
            let done = program_with(app, settings, arguments);
            assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
            serde_json::from_slice::<Value>(&done.stdout).unwrap()
        };
        let due = |report: Value| {
            let of = |line: &&Value| line["table"] == "messages";
            report["lines"].as_array().unwrap().iter().find(of).map_or(0, |line| line["due"].as_i64().unwrap())
        };
        let new = [("AFTERSALES_POLICY", path.as_str())];
        let dry = ["jobs", "run", "retention", "--dry-run", "--json"];
        assert_eq!((due(run(&[], &dry)) > 0, due(run(&new, &dry))), (true, 0), "25 years instead of one");
        assert_eq!(run(&new, &["doctor", "--json"])["policy"]["stored"], false);
        for look in [&["privacy", "due", "--json"][..], &["jobs", "list", "--json"]] {
            run(&new, look);
        }
        app.clock.set(Clock::System.now());
        assert!(!policies::is_stored(&app.state.db, 2).await.unwrap());
        assert_eq!(stored(app).await, (1, 1));

        run(&new, &["jobs", "run", "outbox", "--json"]);
        app.clock.set(Clock::System.now());
        assert_eq!(stored(app).await, (2, 300));
        assert_eq!(run(&new, &["doctor", "--json"])["policy"]["stored"], true);
    }
}
