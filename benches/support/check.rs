//! Before anything is measured: both sides answer the same cases with the same texts.

use std::collections::HashSet;

use aftersales::graphql::node;
use anyhow::{Context as _, ensure};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

/// Who looks at the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// Staff: initials and masked addresses, no message texts.
    Agent,
    /// The customer: the full name and every text.
    Customer,
}

/// Compares side A's answer with side B's.
pub fn same(ours: &[u8], plain: &[u8], reader: Reader) -> anyhow::Result<()> {
    let ours: Value = serde_json::from_slice(ours).context("A does not answer JSON")?;
    let plain: Value = serde_json::from_slice(plain).context("B does not answer JSON")?;
    ensure!(ours.get("errors").is_none(), "A answers errors: {}", ours["errors"]);
    let nodes = list(&ours["data"]["serviceCases"]["nodes"])?;
    let rows = list(&plain)?;
    let counted = (nodes.len(), rows.len());
    ensure!(counted == (super::SHOWN, super::SHOWN), "{} cases in A, {} in B", counted.0, counted.1);
    for (node, row) in nodes.iter().zip(rows) {
        let (a, b) = (with_instants(node.clone())?, as_ours(row, reader)?);
        ensure!(a == b, "the sides differ:\nA {a:#}\nB {b:#}");
    }
    let emails: HashSet<_> = rows.iter().filter_map(|row| row["customer"]["email"].as_str()).collect();
    let expected = if reader == Reader::Agent { super::SHOWN } else { 1 };
    ensure!(emails.len() == expected, "{} customers instead of {expected}", emails.len());
    ensure!(rows.iter().any(|row| row["refunds"].as_array().is_some_and(|r| !r.is_empty())), "not one refund");
    Ok(())
}

fn list(value: &Value) -> anyhow::Result<&Vec<Value>> {
    value.as_array().with_context(|| format!("not a list: {value}"))
}

fn text(value: &Value) -> anyhow::Result<&str> {
    value.as_str().filter(|text| !text.is_empty()).with_context(|| format!("not a text: {value}"))
}

/// One instant has several spellings.
fn instant(value: &Value) -> anyhow::Result<Value> {
    Ok(text(value)?.parse::<DateTime<Utc>>()?.to_rfc3339().into())
}

fn with_instants(mut node: Value) -> anyhow::Result<Value> {
    for message in node["messages"]["nodes"].as_array_mut().context("a case without messages")? {
        message["sentAt"] = instant(&message["sentAt"])?;
    }
    Ok(node)
}

/// What side A has to answer where side B answers `row`.
fn as_ours(row: &Value, reader: Reader) -> anyhow::Result<Value> {
    let id = |kind, value: &Value| Ok::<_, anyhow::Error>(node::id(kind, text(value)?.parse::<Uuid>()?).0);
    let (name, email) = (text(&row["customer"]["name"])?, text(&row["customer"]["email"])?);
    let initials = || {
        let letters = name.split_whitespace().filter_map(|word| word.chars().next());
        letters.map(|c| format!("{c}.")).collect::<Vec<_>>().join(" ")
    };
    let (local, domain) = email.split_once('@').context("not an e-mail address")?;
    let first = local.chars().next().context("an e-mail address that begins with @")?;
    let mut messages = Vec::new();
    for m in list(&row["messages"])? {
        let at = instant(&m["sentAt"])?;
        let mut message = json!({
            "id": id("Message", &m["id"])?, "form": m["form"], "author": m["author"], "sentAt": at,
        });
        if reader == Reader::Customer {
            message["body"] = text(&m["body"])?.into();
        }
        messages.push(message);
    }
    ensure!(!messages.is_empty(), "a case without messages");
    let mut refunds = Vec::new();
    for r in list(&row["refunds"])? {
        let amount = json!({ "amountMinor": r["amountMinor"], "currency": r["currency"] });
        refunds.push(json!({ "id": id("Refund", &r["id"])?, "amount": amount, "state": r["state"] }));
    }
    Ok(json!({
        "id": id("ServiceCase", &row["id"])?,
        "number": row["number"],
        "state": row["state"],
        "customer": {
            "displayName": if reader == Reader::Agent { initials() } else { name.to_owned() },
            "emailMasked": format!("{first}…@{domain}"),
        },
        "messages": { "nodes": messages },
        "refunds": refunds,
    }))
}
