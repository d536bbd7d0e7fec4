//! docs/api.md walks a return from the form to the credited refund: its operations are run as they stand there.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::on_both_engines;
use crate::support::{App, Caller, life};

/// An operation of the document: who sends it, what, with which variables, and what is kept of the answer.
struct Step {
    role: String,
    query: String,
    variables: String,
    keep: Vec<(String, String)>,
}

/// The steps: `### 3. …, as the agent`, a block of graphql, a block of json, and `<!-- keep NAME = /pointer -->` lines.
fn steps(text: &str) -> Vec<Step> {
    let block = |part: &str, language: &str| {
        let begin = format!("```{language}\n");
        let body = part.split_once(&begin).and_then(|(_, rest)| rest.split_once("```"));
        body.map(|(body, _)| body.to_owned()).unwrap_or_default()
    };
    let step = |part: &str| {
        let heading = part.lines().next().unwrap_or_default();
        let kept = part.lines().filter_map(|l| l.strip_prefix("<!-- keep ")?.strip_suffix(" -->")?.split_once(" = "));
        Step {
            role: heading.rsplit_once("as the ").unwrap().1.trim().to_owned(),
            query: block(part, "graphql"),
            variables: block(part, "json"),
            keep: kept.map(|(name, at)| (name.to_owned(), at.to_owned())).collect(),
        }
    };
    text.split("\n### ").skip(1).map(step).collect()
}

async fn caller<'a>(app: &'a App, role: &str, email: &str) -> Caller<'a> {
    use entity::staff::Role;
    match role {
        "customer" => app.customer(email).await,
        "agent" => app.agent().await,
        "warehouse" => app.staff(Role::Warehouse).await,
        "finance" => app.finance().await,
        other => panic!("nobody is {other}"),
    }
}

on_both_engines! {
    /// S25 to S33, S57 to S60: from the form to the credited refund, in ten operations.
    async fn the_document_runs_as_it_stands(app) {
        let text = std::fs::read_to_string("docs/api.md").unwrap();
        let steps = steps(&text);
        assert_eq!(steps.len(), 10);
        let known = life::order(app, "max@example.com", "4711").await;
        life::delivered(app, &known).await;
        let line = app.customer(&known.email).await;
        let line = line.data("query($id: ID!) { order(id: $id) { lines { id } } }", json!({ "id": known.order })).await;
        let mut kept = BTreeMap::from([
            ("order".to_owned(), known.order.clone()),
            ("line".to_owned(), line["order"]["lines"][0]["id"].as_str().unwrap().to_owned()),
        ]);
        let mut last = Value::Null;
        for (number, step) in (1..).zip(steps) {
            app.advance(chrono::TimeDelta::hours(1));
            let mut variables = step.variables;
            for (name, value) in &kept {
                variables = variables.replace(&format!("<{name}>"), value);
            }
            let variables: Value = serde_json::from_str(&variables).unwrap_or_else(|e| panic!("step {number}: {e}"));
            let data = caller(app, &step.role, &known.email).await.data(&step.query, variables).await;
            let payload = data.as_object().unwrap().values().next().unwrap();
            assert_eq!(payload["userErrors"], json!([]), "step {number}: {payload:#}");
            for (name, at) in step.keep {
                let value = data.pointer(&at).and_then(Value::as_str).unwrap_or_else(|| panic!("step {number}: {at} in {data:#}"));
                kept.insert(name, value.to_owned());
            }
            last = data;
        }
        assert_eq!(last["refundCredit"]["refund"]["state"], "CREDITED");
        assert_eq!(app.count("refunds", "state = 'CREDITED'").await, 1);
        assert_eq!(app.count("returns", "state = 'INSPECTED' AND data_type = 'R02a'").await, 1, "it led to a booking");
    }
}
