//! The data map in words: every column, whose it is, what it is, how long it lives, what export and erasure do.

use std::collections::HashMap;
use std::fmt::Write as _;

use entity::DataType;
use entity::map::{AtEnd, Column, Export, RowEnd, Table, tables};
use serde::Serialize;

use crate::policy::retention::{Rule, shipped};

/// One column of the map.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// Table.
    pub table: &'static str,
    /// Column.
    pub column: &'static str,
    /// Whose data.
    pub whose: String,
    /// Category of data.
    pub category: String,
    /// `SEALED` or `PLAIN`.
    pub stored: &'static str,
    /// Data types that the row can have.
    pub data_types: Vec<&'static str>,
    /// What it is for.
    pub purpose: String,
    /// Legal basis, GDPR Art. 6(1).
    pub legal_basis: String,
    /// What an export shows: a label, or why it is left out.
    pub export: String,
    /// What the end of the period does.
    pub at_end: &'static str,
}

/// Every column of every table.
#[must_use]
pub fn lines() -> Vec<Line> {
    let rules: HashMap<DataType, Rule> = shipped().into_iter().map(|r| (r.data_type, r)).collect();
    tables().iter().flat_map(|t| t.columns.iter().map(|c| line(t, c, &rules)).collect::<Vec<_>>()).collect()
}

fn line(t: &Table, column: &Column, rules: &HashMap<DataType, Rule>) -> Line {
    let each = |of: fn(&Rule) -> &'static str| {
        let mut texts: Vec<&str> = t.types.iter().filter_map(|d| rules.get(d)).map(of).collect();
        texts.dedup();
        texts.join("; ")
    };
    let meaning = column.meaning;
    Line {
        table: t.name,
        column: column.name,
        whose: format!("{:?}", meaning.whose).to_uppercase(),
        category: format!("{:?}", meaning.category).to_uppercase(),
        stored: if meaning.sealed { "SEALED" } else { "PLAIN" },
        data_types: t.types.iter().map(|d| d.code()).collect(),
        purpose: each(|r| r.purpose),
        legal_basis: each(|r| r.basis),
        export: match meaning.export {
            Export::Shown(label) => label.to_owned(),
            Export::Omitted(reason) => format!("left out: {reason}"),
        },
        at_end: match (t.end, meaning.at_end) {
            (RowEnd::Bare, AtEnd::Cleared) => "cleared",
            (RowEnd::Bare, AtEnd::Stays) => "stays in a bare row",
            (RowEnd::Deleted, _) => "goes with the row",
        },
    }
}

/// The map as Markdown, as docs/data-map.md holds it.
#[must_use]
pub fn markdown() -> String {
    let mut out = String::from(
        "# Data map\n\nPrinted by `aftersales privacy map` from the files in `entity/`, and kept current by a test.\n",
    );
    let lines = lines();
    for t in tables() {
        let types: Vec<&str> = t.types.iter().map(|d| d.code()).collect();
        let _ = writeln!(out, "\n## {}\n\nData types: {}\n", t.name, types.join(", "));
        out.push_str("| column | whose | category | stored | export | at the end |\n|---|---|---|---|---|---|\n");
        for l in lines.iter().filter(|l| l.table == t.name) {
            let _ = writeln!(
                out,
                "| {} | {} | {} | {} | {} | {} |",
                l.column, l.whose, l.category, l.stored, l.export, l.at_end
            );
        }
    }
    out
}
