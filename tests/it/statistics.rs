//! Figures that outlive their cases: the same before and after, and never about fewer than five.

use std::collections::BTreeMap;

use aftersales::auth::Actor;
use aftersales::retention::run;
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::on_both_engines;
use crate::support::{App, days, life};

const DIMENSIONS: [&str; 9] =
    ["KIND", "MONTH", "PRODUCT_GROUP", "REASON", "OUTCOME", "DURATION", "REFUND", "FIRST_RESPONSE", "REVIEW"];
const QUERY: &str = "query($year: Int!, $by: [StatisticsDimension!]!, $of: StatisticsSubject!) \
    { serviceStatistics(year: $year, by: $by, of: $of) { total withheld smallest cells { values count } } }";

async fn figures(app: &App, of: &str, year: i32, by: &[&str]) -> Value {
    let found = app.finance().await.data(QUERY, json!({ "year": year, "by": by, "of": of })).await;
    found["serviceStatistics"].clone()
}

/// Every grouping that can be asked for, by what it is.
async fn all(app: &App, year: i32) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    for (i, one) in DIMENSIONS.iter().enumerate() {
        found.insert((*one).to_owned(), figures(app, "CASES", year, &[one]).await);
        for other in &DIMENSIONS[i + 1..] {
            found.insert(format!("{one} {other}"), figures(app, "CASES", year, &[one, other]).await);
        }
    }
    for by in [vec!["MONTH"], vec!["PRODUCT_GROUP"], vec!["MONTH", "PRODUCT_GROUP"]] {
        found.insert(format!("lines {by:?}"), figures(app, "ORDER_LINES", year, &by).await);
    }
    found
}

fn cell(table: &Value, values: &Value) -> Option<u64> {
    let cells = table["cells"].as_array().unwrap();
    cells.iter().find(|cell| cell["values"] == *values).and_then(|cell| cell["count"].as_u64())
}

/// Twelve cases of a year: seven complaints in March, and in April two complaints and three questions; one of the complaints
/// is answered late.
async fn year(app: &App) -> Vec<String> {
    let mut closed = Vec::new();
    for n in 0..12 {
        if n == 7 {
            app.at("2014-04-14T08:00:00Z");
        }
        let known = life::order(app, &format!("c{n}@example.com"), &format!("ST-{n}")).await;
        life::delivered(app, &known).await;
        let customer = app.customer(&known.email).await;
        let kind = if n < 9 { "COMPLAINT" } else { "USAGE_GUIDANCE" };
        let case = life::open(&customer, kind, Some(&known.order), "Bitte um Hilfe.").await;
        if n == 3 {
            app.advance(days(10));
            app.run_job("timers").await;
        }
        life::say(&app.agent().await, &case, "Wir prüfen das.").await;
        life::decide(app, &case, if n < 9 { "ELIGIBLE" } else { "SOLVED_DIRECTLY" }).await;
        if n < 6 {
            life::refunded(app, &case, 2_600).await;
        } else if n < 9 {
            life::refunded(app, &case, 100).await;
        }
        life::close(app, &case).await;
        closed.push(known.customer);
    }
    closed
}

on_both_engines! {
    /// F84, S72, domain 2.5: no figure changes when cases are anonymised one by one, all at once, or for good; and none is
    /// about fewer than five, nor lets one subtract them.
    async fn figures_stay_when_their_cases_go(app) {
        let customers = year(app).await;
        let kept = [("WITHIN", 11), ("OVER", 1)];
        for (promise, n) in kept {
            assert_eq!(app.count("cases", &format!("first_response = '{promise}'")).await, n, "{promise}");
        }
        let before = all(app, 2014).await;
        let kinds = &before["KIND"];
        assert_eq!(kinds["total"], 12);
        assert_eq!((kinds["cells"].as_array().unwrap().len(), &kinds["withheld"]), (0, &json!(12)), "3 alone would be 12 - 9");
        let promises = &before["FIRST_RESPONSE"];
        assert_eq!((cell(promises, &json!(["WITHIN"])), &promises["withheld"]), (None, &json!(12)), "one was late: 11 and 1");
        assert_eq!(cell(&before["MONTH"], &json!(["2014-03"])), Some(7));
        assert_eq!(cell(&before["MONTH"], &json!(["2014-04"])), Some(5));
        assert_eq!(cell(&before["MONTH PRODUCT_GROUP"], &json!(["2014-03", "KITCHEN"])), Some(7));
        assert_eq!(cell(&before["REFUND"], &json!(["25-99"])), Some(6));
        assert_eq!(before["lines [\"MONTH\"]"]["total"], 12);
        for (name, table) in &before {
            let cells: Vec<u64> = table["cells"].as_array().unwrap().iter().map(|c| c["count"].as_u64().unwrap()).collect();
            assert!(cells.iter().all(|n| *n >= 5), "{name}: {table}");
            assert_eq!(cells.iter().sum::<u64>() + table["withheld"].as_u64().unwrap(), 12, "{name}: {table}");
        }

        for customer in &customers[..4] {
            let input = json!({ "customerId": customer });
            app.dpo().await.done("subjectErase", "SubjectEraseInput", input, "erasure { state }").await;
        }
        assert_eq!(app.count("cases", "state = 'ERASED'").await, 4);
        assert_eq!(all(app, 2014).await, before, "four persons have been erased");

        let input = json!({ "customerId": customers[8], "reason": "TAX_AUDIT", "reviewOn": "2014-09-01" });
        let hold = app.dpo().await.done("holdPlace", "HoldPlaceInput", input, "hold { id }").await;
        app.at("2018-01-01T00:00:00Z");
        app.run_job("retention").await;
        assert_eq!(app.count("cases", "state = 'CLOSED'").await, 1, "one is held");
        assert_eq!(all(app, 2014).await, before, "the sweep has taken the others");
        assert_eq!(app.count("service_statistics", "settled").await, 0, "the year is not over while one is held");

        app.dpo().await.done("holdRelease", "HoldReleaseInput", json!({ "id": hold["hold"]["id"] }), "hold { id }").await;
        app.run_job("retention").await;
        assert_eq!(app.count("cases", "state <> 'ERASED'").await, 0);
        assert_eq!((app.count("service_statistics", "NOT settled").await, app.count("service_statistics", "count < 5").await), (0, 0));
        assert_eq!(all(app, 2014).await, before, "small counts are gone for good, and nobody can tell");
        // Twelve years in which no run looked: somebody confirms that.
        app.at("2030-01-01T00:00:00Z");
        assert_eq!(app.run_job("retention").await["run"], "SURPLUS");
        assert!(run::confirm_latest(&app.state, &Actor::System, "later").await.unwrap());
        app.advance(TimeDelta::seconds(1));
        app.run_job("retention").await;
        assert_eq!(app.count("cases", "1 = 1").await, 0);
        assert_eq!(all(app, 2014).await, before, "sixteen years later");
    }

    /// A few cases are no statistics: not even how many they were.
    async fn a_year_of_four_says_nothing(app) {
        let known = life::order(app, "max@example.com", "ST-99").await;
        for n in 0..4 {
            let case = life::open(&app.customer(&known.email).await, "FEEDBACK", None, &format!("Danke {n}.")).await;
            life::decide(app, &case, "SOLVED_DIRECTLY").await;
            life::close(app, &case).await;
        }
        let nothing = json!({ "total": null, "withheld": 0, "smallest": 5, "cells": [] });
        assert_eq!(figures(app, "CASES", 2014, &["KIND"]).await, nothing);
        assert_eq!(figures(app, "ORDER_LINES", 2014, &["PRODUCT_GROUP"]).await, nothing);
        app.at("2018-01-01T00:00:00Z");
        app.run_job("retention").await;
        assert_eq!(figures(app, "CASES", 2014, &["KIND"]).await, nothing);
        assert_eq!(app.count("service_statistics", "1 = 1").await, 0, "and nothing of them is kept");
    }

    /// What was closed and taken up again counts once, when it ends; what is open does not count.
    async fn a_case_counts_when_it_is_over(app) {
        let known = life::order(app, "max@example.com", "ST-98").await;
        let customer = app.customer(&known.email).await;
        let mut cases = Vec::new();
        for n in 0..6 {
            cases.push(life::open(&customer, "COMPLAINT", Some(&known.order), &format!("Nr. {n}")).await);
        }
        for case in &cases[1..] {
            life::decide(app, case, "NOT_ELIGIBLE").await;
            life::close(app, case).await;
        }
        let total = async || figures(app, "CASES", 2014, &["REVIEW"]).await["total"].clone();
        assert_eq!(total().await, 5);
        let input = json!({ "caseId": cases[5], "text": "Das sehe ich anders." });
        customer.done("serviceCaseObject", "ServiceCaseObjectInput", input, "serviceCase { state }").await;
        assert_eq!(total().await, Value::Null, "four are too few");
    }

    /// One year that has begun, and one property or two that are counted.
    async fn what_cannot_be_asked_is_refused(app) {
        let agent = app.agent().await;
        for (of, year, by) in [
            ("CASES", 2015, json!(["KIND"])), ("CASES", 1999, json!(["KIND"])), ("CASES", 2014, json!([])),
            ("CASES", 2014, json!(["KIND", "KIND"])), ("CASES", 2014, json!(["KIND", "MONTH", "REASON"])),
            ("ORDER_LINES", 2014, json!(["KIND"])), ("ORDER_LINES", 2014, json!(["MONTH", "REFUND"])),
        ] {
            let reply = agent.gql(QUERY, json!({ "year": year, "by": by, "of": of })).await;
            assert_eq!(reply.code(), "BAD_USER_INPUT", "{of} {year} {by}");
        }
    }
}
