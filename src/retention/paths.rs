//! SQL conditions made from the data map: what a row hangs on, what holds it, what still runs. The row is `t`.

use entity::cases::OVER;
use entity::holds::Reason;
use entity::map::{RowEnd, Table, table};
use entity::refunds::RUNNING;

use crate::policy::retention::waits_for_work;

/// The three kinds of row that a hold can be placed on and that work can run on.
pub const OWNERS: [(&str, &str); 3] = [("cases", "case_id"), ("orders", "order_id"), ("customers", "customer_id")];

/// What a restriction of processing can be placed on.
const RESTRICTABLE: [(&str, &str); 2] = [("cases", "case_id"), ("customers", "customer_id")];

/// For each owner that the row `alias` of `t` hangs on: its name, and an expression for its id. Where several ways lead to
/// it, the first that does: a letter may belong to a case of the customer, or to the customer alone.
fn owners(t: &Table, alias: &str) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    collect(t, format!("{alias}.id"), &|column| format!("{alias}.{column}"), &mut found);
    let mut owners: Vec<(&'static str, Vec<String>)> = Vec::new();
    for (name, way) in found {
        match owners.iter_mut().find(|(n, _)| *n == name) {
            Some((_, ways)) => ways.push(way),
            None => owners.push((name, vec![way])),
        }
    }
    let first = |ways: Vec<String>| {
        if let [way] = ways.as_slice() { way.clone() } else { format!("COALESCE({})", ways.join(", ")) }
    };
    owners.into_iter().map(|(name, ways)| (name, first(ways))).collect()
}

fn collect(t: &Table, id: String, column: &dyn Fn(&str) -> String, found: &mut Vec<(&'static str, String)>) {
    if let Some((name, _)) = OWNERS.iter().find(|(name, _)| *name == t.name) {
        found.push((name, id));
    }
    for (link, to) in t.links() {
        if let Some(parent) = table(to) {
            let id = column(link);
            let inner = id.clone();
            collect(parent, id, &|c| format!("(SELECT p.{c} FROM {to} p WHERE p.id = {inner})"), found);
        }
    }
}

/// The id of the customer whose row is locked by whoever places a hold on `t` or takes it through the door.
#[must_use]
pub fn customer_of(t: &Table) -> Option<String> {
    owners(t, "t").into_iter().find(|(name, _)| *name == "customers").map(|(_, id)| id)
}

/// `t` hangs on the owner (`cases`, `orders` or `customers`) whose id is bound as `$n`; none where it never does.
#[must_use]
pub fn on_owner(t: &Table, owner: &str, n: usize) -> Option<String> {
    owners(t, "t").into_iter().find(|(name, _)| *name == owner).map(|(_, id)| format!("{id} = ${n}"))
}

/// A hold stands on `t`, on something that it hangs on, or on records of its data type and year, or of those that it carries. A hold
/// itself is not held.
#[must_use]
pub fn is_held(t: &Table) -> String {
    is_held_as(t, "t")
}

/// `t` is out of normal reads: what it hangs on nearest is archived or a bare row, or a restriction of processing stands on it.
#[must_use]
pub fn is_out_of_service(t: &Table) -> String {
    let nearest: String = owners(t, "t")
        .into_iter()
        .map(|(name, id)| {
            let gone = "(s.archived_at IS NOT NULL OR s.erased_at IS NOT NULL)";
            format!("WHEN {id} IS NOT NULL THEN EXISTS (SELECT 1 FROM {name} s WHERE s.id = {id} AND {gone}) ")
        })
        .collect();
    let restricted = is_restricted(t);
    if nearest.is_empty() { restricted } else { format!("((CASE {nearest}ELSE FALSE END) OR {restricted})") }
}

/// A restriction of processing stands on `t` or on something that it hangs on.
#[must_use]
pub fn is_restricted(t: &Table) -> String {
    is_restricted_as(t, "t")
}

/// [`is_held`] for a row of another name: triggers call it `OLD`.
pub(super) fn is_held_as(t: &Table, alias: &str) -> String {
    held_by(t, alias, "released_at IS NULL")
}

/// [`is_held`] for this reason, whatever else holds it.
#[must_use]
pub fn is_held_because(t: &Table, reason: Reason) -> String {
    held_by(t, "t", &format!("released_at IS NULL AND h.reason = '{}'", reason.code()))
}

fn held_by(t: &Table, alias: &str, which: &str) -> String {
    if !can_be_protected(t) {
        return "1 = 0".to_owned();
    }
    let mut ways = standing("holds", which, t, alias, &OWNERS);
    ways.extend(among_records(t, alias, which));
    if t.end == RowEnd::Deleted {
        // A row that cannot be left as a bare id stays with what it carries.
        ways.extend(pointers(t).filter_map(|(carried, column)| {
            let is_held = among_records(table(carried)?, "d", which)?;
            Some(format!("EXISTS (SELECT 1 FROM {carried} d WHERE d.{column} = {alias}.id AND {is_held})"))
        }));
    }
    while_any_stands("holds", "released_at", &ways)
}

/// The row `alias` of `t` is one of the records of a data type and year that are held.
fn among_records(t: &Table, alias: &str, which: &str) -> Option<String> {
    let start = t.start.filter(|_| can_be_protected(t))?;
    let data_type = match t.types {
        [only] => format!("'{}'", only.code()),
        _ => format!("{alias}.data_type"),
    };
    Some(format!(
        "EXISTS (SELECT 1 FROM holds h WHERE h.{which} AND h.data_type = {data_type} \
         AND h.from_at <= {alias}.{start} AND {alias}.{start} < h.to_at)"
    ))
}

/// [`is_restricted`] for a row of another name.
pub(super) fn is_restricted_as(t: &Table, alias: &str) -> String {
    if !can_be_protected(t) {
        return "1 = 0".to_owned();
    }
    let ways = standing("restrictions", "lifted_at IS NULL", t, alias, &RESTRICTABLE);
    while_any_stands("restrictions", "lifted_at", &ways)
}

/// Most of the time nothing stands, and then nothing more is asked.
fn while_any_stands(on: &str, ended: &str, ways: &[String]) -> String {
    format!("(EXISTS (SELECT 1 FROM {on} WHERE {ended} IS NULL) AND ({}))", ways.join(" OR "))
}

/// One indexed question per owner: an `OR` inside the subquery would read everything that stands for every row.
fn standing(on: &str, which: &str, t: &Table, alias: &str, owned: &[(&str, &str)]) -> Vec<String> {
    let way = |(name, id): &(&'static str, String)| {
        let (_, column) = owned.iter().find(|(n, _)| n == name)?;
        Some(format!("EXISTS (SELECT 1 FROM {on} h WHERE h.{which} AND h.{column} = {id})"))
    };
    owners(t, alias).iter().filter_map(way).collect()
}

/// Whether a hold or a restriction can cover rows of `t`.
pub(super) fn can_be_protected(t: &Table) -> bool {
    t.is_personal() && !is_about_access(t)
}

/// Work still runs on what `t` hangs on nearest: an open case or an unsettled refund.
#[must_use]
pub fn is_open(t: &Table) -> String {
    let [case, refund] = work(t);
    format!("({case} OR {refund})")
}

/// What may still run on what `t` hangs on nearest, each as a condition of its own: an open case, an unsettled refund.
#[must_use]
pub fn work(t: &Table) -> [String; 2] {
    let waits = t.is_personal() && t.types.iter().any(|of| waits_for_work(*of));
    let nearest = owners(t, "t").into_iter().next().filter(|_| waits);
    let Some((name, id)) = nearest else { return ["1 = 0".to_owned(), "1 = 0".to_owned()] };
    let (case_key, refund_key) = match name {
        "cases" => ("id", "case_id"),
        "orders" => ("order_id", "order_id"),
        _ => ("customer_id", "customer_id"),
    };
    [
        format!("EXISTS (SELECT 1 FROM cases b WHERE b.{case_key} = {id} AND b.state NOT IN {OVER})"),
        format!("EXISTS (SELECT 1 FROM refunds b WHERE b.{refund_key} = {id} AND b.state IN {RUNNING})"),
    ]
}

/// Work still runs on anything of the customer whose id is bound as `$n`: orders of theirs are in no other customer's case.
#[must_use]
pub fn is_working_for(n: usize) -> String {
    format!(
        "(EXISTS (SELECT 1 FROM cases b WHERE b.customer_id = ${n} AND b.state NOT IN {OVER}) \
         OR EXISTS (SELECT 1 FROM refunds b WHERE b.customer_id = ${n} AND b.state IN {RUNNING}))"
    )
}

/// Rows that only allow access or say what stands; they live by their own period whatever else happens. Who has seen something is
/// evidence, and held like it.
fn is_about_access(t: &Table) -> bool {
    matches!(t.name, "holds" | "restrictions" | "tokens" | "idempotency_keys")
}

/// Some other row still points to `t`.
#[must_use]
pub fn is_pointed_to(t: &Table) -> String {
    is_pointed_to_by(t, |_| true)
}

/// What points to others without a foreign key: who has looked, what was asked, and what is known of a product, may be written beside
/// anything.
pub const WITHOUT_KEY: [&str; 3] = ["access_entries", "idempotency_keys", "safety_entries"];

/// [`is_pointed_to`] by what no foreign key would tell of.
#[must_use]
pub fn is_pointed_to_without_key(t: &Table) -> String {
    is_pointed_to_by(t, |table| WITHOUT_KEY.contains(&table))
}

fn is_pointed_to_by(t: &Table, counts: impl Fn(&str) -> bool) -> String {
    let from = |(table, column): (&str, &str)| format!("EXISTS (SELECT 1 FROM {table} d WHERE d.{column} = t.id)");
    let ways: Vec<String> = pointers(t).filter(|(table, _)| counts(table)).map(from).collect();
    if ways.is_empty() { "1 = 0".to_owned() } else { format!("({})", ways.join(" OR ")) }
}

/// [`is_pointed_to`] where `t` is one of many: `any` makes the condition that a column is one of them. Each index is looked
/// into once for all, not once for each.
#[must_use]
pub fn is_among_pointed_to(t: &Table, any: impl Fn(&str) -> String) -> String {
    let from = |(table, column): (&str, &str)| {
        let column = format!("d.{column}");
        format!("SELECT {column} FROM {table} d WHERE {}", any(&column))
    };
    let ways: Vec<String> = pointers(t).map(from).collect();
    if ways.is_empty() { "1 = 0".to_owned() } else { format!("t.id IN ({})", ways.join(" UNION ")) }
}

/// The columns that point to `t`, with their tables.
fn pointers(t: &Table) -> impl Iterator<Item = (&'static str, &'static str)> {
    entity::map::tables().iter().flat_map(|other| {
        let links = other.links().iter().filter(|(_, to)| *to == t.name);
        links.map(|(column, _)| (other.name, *column))
    })
}
