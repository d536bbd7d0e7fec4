//! SQL conditions made from the data map: whose row it is, what holds it, what still runs. The row is `t`.

use entity::cases::OVER;
use entity::map::{Subject, Table, table};
use entity::refunds::RUNNING;

/// The three kinds of row that a hold can be placed on and that work can run on.
pub const OWNERS: [(&str, &str); 3] = [("cases", "case_id"), ("orders", "order_id"), ("customers", "customer_id")];

/// `t` belongs to the customer bound as `$n`.
#[must_use]
pub fn of_person(t: &Table, n: usize) -> String {
    of_person_as(t, "t", n)
}

fn of_person_as(t: &Table, alias: &str, n: usize) -> String {
    match t.subject {
        Subject::Itself => format!("{alias}.id = ${n}"),
        Subject::Through(links) => {
            let inner = format!("{alias}{alias}");
            let ways: Vec<String> = links
                .iter()
                .map(|(column, to)| match table(to) {
                    Some(parent) if parent.subject != Subject::Itself => format!(
                        "{alias}.{column} IN (SELECT {inner}.id FROM {to} {inner} WHERE {})",
                        of_person_as(parent, &inner, n)
                    ),
                    _ => format!("{alias}.{column} = ${n}"),
                })
                .collect();
            format!("({})", ways.join(" OR "))
        }
        Subject::Staff | Subject::Nobody => "1 = 0".to_owned(),
    }
}

/// For each owner that `t` hangs on: its name, and an expression for its id.
fn owners(t: &Table) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    collect(t, "t.id".to_owned(), &|column| format!("t.{column}"), &mut found);
    found
}

fn collect(t: &Table, id: String, column: &dyn Fn(&str) -> String, found: &mut Vec<(&'static str, String)>) {
    if let Some((name, _)) = OWNERS.iter().find(|(name, _)| *name == t.name) {
        if found.iter().any(|(n, _)| n == name) {
            return;
        }
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
    owners(t).into_iter().find(|(name, _)| *name == "customers").map(|(_, id)| id)
}

/// A hold stands on `t` or on something that it hangs on. A hold itself and the logs about it are not held.
#[must_use]
pub fn is_held(t: &Table) -> String {
    if !t.is_personal() || is_about_access(t) {
        return "1 = 0".to_owned();
    }
    let covers: Vec<String> = owners(t)
        .iter()
        .filter_map(|(name, id)| {
            let (_, column) = OWNERS.iter().find(|(n, _)| n == name)?;
            Some(format!("h.{column} = {id}"))
        })
        .collect();
    format!("EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL AND ({}))", covers.join(" OR "))
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
    let nearest = owners(t).into_iter().next().filter(|_| t.is_personal());
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

/// Rows that only record or allow access; they live by their own short period whatever else happens.
fn is_about_access(t: &Table) -> bool {
    matches!(t.name, "holds" | "access_entries" | "tokens" | "idempotency_keys")
}

/// Some other row still points to `t`.
#[must_use]
pub fn is_pointed_to(t: &Table) -> String {
    let pointers: Vec<String> = entity::map::tables()
        .iter()
        .flat_map(|other| other.links().iter().map(move |link| (other, link)))
        .filter(|(_, (_, to))| *to == t.name)
        .map(|(other, (column, _))| format!("EXISTS (SELECT 1 FROM {} d WHERE d.{column} = t.id)", other.name))
        .collect();
    if pointers.is_empty() { "1 = 0".to_owned() } else { format!("({})", pointers.join(" OR ")) }
}
