//! People whose rows are due, by the thousand, and what the transaction of a hold sees of them.

use std::collections::{BTreeMap, BTreeSet};

use aftersales::db;
use aftersales::retention::holds::Scope;
use entity::ids::{CaseId, CustomerId, OrderId, uuid_at};
use entity::map::{RowEnd, Table, table};
use sea_orm::{DatabaseTransaction, DbBackend, Value};
use uuid::Uuid;

use crate::support::App;

/// What is about to go, and what a hold is placed on at the same moment.
#[derive(Clone, Copy, Debug)]
pub struct Contested {
    pub table: &'static Table,
    pub row: Uuid,
    pub customer: CustomerId,
    pub scope: Scope,
}

/// The kinds of contest: how a row hangs on what is held.
pub const KINDS: usize = 5;

const SINCE: &str = "2014-03-10T09:00:00Z";

/// So many people, each with the rows that their contest is about, all due long ago.
pub async fn settle(app: &App, people: usize) -> Vec<Contested> {
    let tx = app.state.db.begin().await.unwrap();
    let mut found = Vec::new();
    for n in 0..people {
        found.push(person(&tx, n % KINDS).await);
    }
    tx.commit().await.unwrap();
    found
}

/// One person with everything, for an erasure.
pub async fn whole(app: &App) -> Contested {
    let tx = app.state.db.begin().await.unwrap();
    let contested = person(&tx, 0).await;
    line(&tx, order(&tx, contested.customer).await).await;
    tx.commit().await.unwrap();
    contested
}

async fn person(tx: &DatabaseTransaction, kind: usize) -> Contested {
    let customer =
        CustomerId(row(tx, "customers", "locale, created_at, version, start_at", "'DE', $2, 1, $2", None).await);
    let of = |name: &str, row: Uuid, scope| Contested { table: table(name).unwrap(), row, customer, scope };
    match kind {
        0 | 1 => {
            let order = order(tx, customer).await;
            let case = case(tx, customer, order).await;
            let sql = "case_id, data_type, form, author_kind, sent_at, start_at";
            let message = row(tx, "messages", sql, "$3, 'R06', 'REPLY', 'STAFF', $2, $2", Some(case.0)).await;
            match kind {
                0 => of("messages", message, Scope::Case(case)),
                _ => of("cases", case.0, Scope::Customer(customer)),
            }
        }
        2 => {
            let order = order(tx, customer).await;
            of("order_lines", line(tx, order).await, Scope::Order(order))
        }
        // Nothing points to this one: it goes without rest, and can then not be held any more.
        3 => of("customers", customer.0, Scope::Customer(customer)),
        // A letter that belongs to no case hangs on the person alone.
        _ => {
            let sql = "customer_id, data_type, template, template_version, locale, state, attempts, queued_at, \
                       available_at, start_at";
            let values = "$3, 'R06', 'MESSAGE', 1, 'DE', 'SENT', 1, $2, $2, $2";
            of("mails", row(tx, "mails", sql, values, Some(customer.0)).await, Scope::Customer(customer))
        }
    }
}

async fn order(tx: &DatabaseTransaction, customer: CustomerId) -> OrderId {
    OrderId(row(tx, "orders", "customer_id, version, start_at", "$3, 1, $2", Some(customer.0)).await)
}

async fn line(tx: &DatabaseTransaction, order: OrderId) -> Uuid {
    let sql = "order_id, position, sku, product_group, quantity, unit_price_minor, tax_basis_points, start_at";
    row(tx, "order_lines", sql, "$3, 1, 'W-100', 'KITCHEN', 1, 100, 1900, $2", Some(order.0)).await
}

async fn case(tx: &DatabaseTransaction, customer: CustomerId, order: OrderId) -> CaseId {
    let sql = "customer_id, kind, state, reopenings, version, start_at";
    let id = row(tx, "cases", sql, "$3, 'RETURN', 'CLOSED', 0, 1, $2", Some(customer.0)).await;
    db::run(tx, "UPDATE cases SET order_id = $1 WHERE id = $2", [order.0.into(), id.into()]).await.unwrap();
    CaseId(id)
}

/// A row that began long ago: `$2` is that instant, `$3` what it points to.
async fn row(tx: &DatabaseTransaction, table: &str, columns: &str, values: &str, to: Option<Uuid>) -> Uuid {
    let since = SINCE.parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    let id = uuid_at(since);
    let mut bound: Vec<Value> = vec![id.into(), since.into()];
    bound.extend(to.map(Value::from));
    db::run(tx, &format!("INSERT INTO {table} (id, {columns}) VALUES ($1, {values})"), bound).await.unwrap();
    id
}

const CASES: &str = "SELECT c.id FROM cases c WHERE c.id = NEW.case_id OR c.order_id = NEW.order_id \
                     OR c.customer_id = NEW.customer_id";
const ORDERS: &str = "SELECT o.id FROM orders o WHERE o.id = NEW.order_id OR o.customer_id = NEW.customer_id";

/// Has the database itself write down, in the transaction of each hold, which rows that transaction sees under it.
pub async fn watch(app: &App) {
    let covered = [
        ("customers", "t.id = NEW.customer_id".to_owned()),
        ("orders", format!("t.id IN ({ORDERS})")),
        ("order_lines", format!("t.order_id IN ({ORDERS})")),
        ("cases", format!("t.id IN ({CASES})")),
        ("messages", format!("t.case_id IN ({CASES})")),
        ("mails", format!("t.customer_id = NEW.customer_id OR t.case_id IN ({CASES})")),
    ];
    let notes: String = covered
        .iter()
        .map(|(name, covers)| {
            let whole = if table(name).unwrap().end == RowEnd::Bare { " AND t.erased_at IS NULL" } else { "" };
            format!(
                "INSERT INTO seen (hold_id, name, row_id) \
                 SELECT NEW.id, '{name}', t.id FROM {name} t WHERE ({covers}){whole}; "
            )
        })
        .collect();
    let mut sql = vec!["CREATE TABLE seen (hold_id uuid, name text, row_id uuid)".to_owned()];
    if app.state.db.backend() == DbBackend::Postgres {
        sql.push(format!(
            "CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {notes} RETURN NEW; END $$"
        ));
        sql.push("CREATE TRIGGER see AFTER INSERT ON holds FOR EACH ROW EXECUTE FUNCTION see()".to_owned());
    } else {
        sql.push(format!("CREATE TRIGGER see AFTER INSERT ON holds BEGIN {notes} END"));
    }
    for statement in sql {
        db::run(app.state.db.write(), &statement, []).await.unwrap();
    }
}

/// What each hold saw when it was placed.
pub async fn seen(app: &App) -> BTreeMap<Uuid, BTreeSet<(String, Uuid)>> {
    let mut found: BTreeMap<Uuid, BTreeSet<(String, Uuid)>> = BTreeMap::new();
    for row in db::rows(app.state.db.write(), "SELECT hold_id, name, row_id FROM seen", []).await.unwrap() {
        let (hold, name, id) =
            (row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap(), row.try_get_by_index(2).unwrap());
        found.entry(hold).or_default().insert((name, id));
    }
    found
}

/// What is there, and not only as a bare id.
pub async fn there(app: &App) -> BTreeSet<(String, Uuid)> {
    let mut found = BTreeSet::new();
    for name in ["customers", "orders", "order_lines", "cases", "messages", "mails"] {
        let whole = if table(name).unwrap().end == RowEnd::Bare { "erased_at IS NULL" } else { "1 = 1" };
        let rows = db::rows(app.state.db.write(), &format!("SELECT id FROM {name} WHERE {whole}"), []).await.unwrap();
        found.extend(rows.iter().map(|r| (name.to_owned(), r.try_get_by_index(0).unwrap())));
    }
    found
}
