//! Side B: the opened texts as plain copies in the same database, and bare routes that each run one JSON statement.

use std::collections::HashMap;
use std::sync::Arc;

use aftersales::cases::messages;
use aftersales::db::{self, Db};
use aftersales::keys::{Place, UnitKey};
use aftersales::state::App;
use anyhow::Context as _;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use entity::Sealed;
use entity::ids::UnitId;
use sea_orm::sqlx::{self, PgPool, Postgres, Sqlite, SqlitePool};
use sea_orm::{ConnectionTrait as _, DbBackend, EntityTrait as _, Value};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

/// The tables, with only those columns that the answers show. `{id}` and `{time}` are the engine's types.
const TABLES: [&str; 7] = [
    "CREATE TABLE plain_customers (id {id} PRIMARY KEY, name text, email text)",
    "CREATE TABLE plain_cases (id {id} PRIMARY KEY, customer_id {id} NOT NULL, number text, state text NOT NULL)",
    "CREATE INDEX plain_cases_customer ON plain_cases (customer_id, id)",
    "CREATE TABLE plain_messages (id {id} PRIMARY KEY, case_id {id} NOT NULL, form text NOT NULL, \
     author text NOT NULL, sent_at {time} NOT NULL, body text)",
    "CREATE INDEX plain_messages_case ON plain_messages (case_id, id)",
    "CREATE TABLE plain_refunds (id {id} PRIMARY KEY, case_id {id} NOT NULL, amount_minor bigint NOT NULL, \
     currency text NOT NULL, state text NOT NULL)",
    "CREATE INDEX plain_refunds_case ON plain_refunds (case_id, id)",
];

/// The agent's list: newest cases of all customers, no message texts.
const AGENT_SQLITE: &str = "
SELECT json_group_array(json_object('id', c.id, 'number', c.number, 'state', c.state,
    'customer', (SELECT json_object('name', u.name, 'email', u.email) FROM plain_customers u
        WHERE u.id = c.customer_id),
    'messages', (SELECT json_group_array(json_object('id', m.id, 'form', m.form, 'author', m.author,
        'sentAt', m.sent_at))
        FROM (SELECT * FROM plain_messages WHERE case_id = c.id ORDER BY id LIMIT 5) m),
    'refunds', (SELECT json_group_array(json_object('id', r.id, 'amountMinor', r.amount_minor, 'currency', r.currency,
        'state', r.state)) FROM (SELECT * FROM plain_refunds WHERE case_id = c.id ORDER BY id) r)))
FROM (SELECT * FROM plain_cases ORDER BY id DESC LIMIT 20) c";

const AGENT_POSTGRES: &str = "
SELECT json_agg(t)::text FROM (SELECT c.id, c.number, c.state,
    (SELECT json_build_object('name', u.name, 'email', u.email) FROM plain_customers u
        WHERE u.id = c.customer_id) AS customer,
    (SELECT json_agg(json_build_object('id', m.id, 'form', m.form, 'author', m.author, 'sentAt', m.sent_at))
        FROM (SELECT * FROM plain_messages WHERE case_id = c.id ORDER BY id LIMIT 5) m) AS messages,
    (SELECT coalesce(json_agg(json_build_object('id', r.id, 'amountMinor', r.amount_minor, 'currency', r.currency,
        'state', r.state) ORDER BY r.id), '[]') FROM plain_refunds r WHERE r.case_id = c.id) AS refunds
FROM plain_cases c ORDER BY c.id DESC LIMIT 20) t";

/// A customer's list: the own cases with the texts of their messages, without internal notes.
const PORTAL_SQLITE: &str = "
SELECT json_group_array(json_object('id', c.id, 'number', c.number, 'state', c.state,
    'customer', (SELECT json_object('name', u.name, 'email', u.email) FROM plain_customers u
        WHERE u.id = c.customer_id),
    'messages', (SELECT json_group_array(json_object('id', m.id, 'form', m.form, 'author', m.author,
        'sentAt', m.sent_at, 'body', m.body))
        FROM (SELECT * FROM plain_messages WHERE case_id = c.id AND form <> 'INTERNAL_NOTE' ORDER BY id LIMIT 5) m),
    'refunds', (SELECT json_group_array(json_object('id', r.id, 'amountMinor', r.amount_minor, 'currency', r.currency,
        'state', r.state)) FROM (SELECT * FROM plain_refunds WHERE case_id = c.id ORDER BY id) r)))
FROM (SELECT * FROM plain_cases WHERE customer_id = $1 ORDER BY id DESC LIMIT 20) c";

const PORTAL_POSTGRES: &str = "
SELECT json_agg(t)::text FROM (SELECT c.id, c.number, c.state,
    (SELECT json_build_object('name', u.name, 'email', u.email) FROM plain_customers u
        WHERE u.id = c.customer_id) AS customer,
    (SELECT json_agg(json_build_object('id', m.id, 'form', m.form, 'author', m.author, 'sentAt', m.sent_at,
        'body', m.body)) FROM (SELECT * FROM plain_messages WHERE case_id = c.id AND form <> 'INTERNAL_NOTE'
        ORDER BY id LIMIT 5) m) AS messages,
    (SELECT coalesce(json_agg(json_build_object('id', r.id, 'amountMinor', r.amount_minor, 'currency', r.currency,
        'state', r.state) ORDER BY r.id), '[]') FROM plain_refunds r WHERE r.case_id = c.id) AS refunds
FROM plain_cases c WHERE c.customer_id = $1 ORDER BY c.id DESC LIMIT 20) t";

/// Opens every text once and stores it as a plain copy.
pub async fn copy(app: &App) -> anyhow::Result<()> {
    let (id, time) = match app.db.backend() {
        DbBackend::Postgres => ("uuid", "timestamptz"),
        _ => ("text", "text"),
    };
    for sql in TABLES {
        app.db.write().execute_unprepared(&sql.replace("{id}", id).replace("{time}", time)).await?;
    }
    let customers = entity::customers::Entity::find().all(app.db.read()).await?;
    let letters = entity::messages::Entity::find().all(app.db.read()).await?;
    let units: Vec<UnitId> =
        customers.iter().map(|c| c.unit_id).chain(letters.iter().map(|m| m.unit_id)).flatten().collect();
    let keys =
        app.keys.load(&units, entity::Purpose::CaseHandling, app.clock.now()).await.map_err(super::fill::said)?;
    let opened = |unit, place, sealed| open(&keys, unit, place, sealed);

    let mut rows = Vec::with_capacity(customers.len());
    for c in &customers {
        let place = |column| Place { table: "customers", column, row: c.id.0 };
        let name = opened(c.unit_id, place("name"), c.name.as_ref())?;
        rows.push(json!({ "id": c.id, "name": name, "email": opened(c.unit_id, place("email"), c.email.as_ref())? }));
    }
    insert(app, "plain_customers", &["id", "name", "email"], &rows).await?;
    let mut rows = Vec::with_capacity(letters.len());
    for m in &letters {
        let body = opened(m.unit_id, messages::place(m.id), m.body.as_ref())?;
        let (form, author) = (m.form.code(), m.author_kind.code());
        rows.push(json!({
            "id": m.id, "case_id": m.case_id, "form": form, "author": author, "sent_at": m.sent_at, "body": body,
        }));
    }
    insert(app, "plain_messages", &["id", "case_id", "form", "author", "sent_at", "body"], &rows).await?;
    let cases = entity::cases::Entity::find().all(app.db.read()).await?;
    let row = |c: &entity::cases::Model| {
        let (number, state) = (&c.number, c.state.code());
        json!({ "id": c.id, "customer_id": c.customer_id, "number": number, "state": state })
    };
    let rows: Vec<_> = cases.iter().map(row).collect();
    insert(app, "plain_cases", &["id", "customer_id", "number", "state"], &rows).await?;
    let refunds = entity::refunds::Entity::find().all(app.db.read()).await?;
    let row = |r: &entity::refunds::Model| {
        let (amount, state) = (r.amount_minor, r.state.code());
        json!({ "id": r.id, "case_id": r.case_id, "amount_minor": amount, "currency": r.currency, "state": state })
    };
    let rows: Vec<_> = refunds.iter().map(row).collect();
    insert(app, "plain_refunds", &["id", "case_id", "amount_minor", "currency", "state"], &rows).await?;
    if app.db.backend() == DbBackend::Postgres {
        // Autovacuum would come by sooner or later; both sides get their statistics now.
        app.db.write().execute_unprepared("ANALYZE").await?;
    }
    Ok(())
}

fn open(
    keys: &HashMap<UnitId, Arc<UnitKey>>,
    unit: Option<UnitId>,
    place: Place,
    sealed: Option<&Sealed>,
) -> anyhow::Result<String> {
    let key = unit.and_then(|unit| keys.get(&unit)).context("a row without a key")?;
    let text = key.open(place, sealed.context("a row without a text")?).context("a text that does not open")?;
    Ok(text.reveal())
}

/// All rows in one statement, as JSON.
async fn insert(app: &App, table: &str, columns: &[&str], rows: &[impl Serialize]) -> anyhow::Result<()> {
    let sql = match app.db.backend() {
        DbBackend::Postgres => {
            let columns = columns.join(", ");
            format!(
                "INSERT INTO {table} ({columns}) SELECT {columns} FROM json_populate_recordset(NULL::{table}, $1::json)"
            )
        }
        _ => {
            let values: Vec<String> = columns.iter().map(|c| format!("value ->> '{c}'")).collect();
            format!("INSERT INTO {table} ({}) SELECT {} FROM json_each($1)", columns.join(", "), values.join(", "))
        }
    };
    let inserted = db::run(app.db.write(), &sql, [Value::from(serde_json::to_string(rows)?)]).await?;
    anyhow::ensure!(inserted == u64::try_from(rows.len())?, "{table}: {inserted} of {} rows", rows.len());
    Ok(())
}

#[derive(Clone)]
enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// The bare routes, on the pool that side A reads with.
pub fn router(db: &Db) -> Router {
    let pool = match db.backend() {
        DbBackend::Postgres => Pool::Postgres(db.read().get_postgres_connection_pool().clone()),
        _ => Pool::Sqlite(db.read().get_sqlite_connection_pool().clone()),
    };
    Router::new().route("/plain/agent", get(agent)).route("/plain/portal/{customer}", get(portal)).with_state(pool)
}

async fn agent(State(pool): State<Pool>) -> Result<impl IntoResponse, StatusCode> {
    answer(match &pool {
        Pool::Sqlite(pool) => sqlx::query_scalar::<Sqlite, String>(AGENT_SQLITE).fetch_one(pool).await,
        Pool::Postgres(pool) => sqlx::query_scalar::<Postgres, String>(AGENT_POSTGRES).fetch_one(pool).await,
    })
}

async fn portal(State(pool): State<Pool>, Path(customer): Path<Uuid>) -> Result<impl IntoResponse, StatusCode> {
    answer(match &pool {
        Pool::Sqlite(pool) => {
            let query = sqlx::query_scalar::<Sqlite, String>(PORTAL_SQLITE);
            query.bind(customer.to_string()).fetch_one(pool).await
        }
        Pool::Postgres(pool) => {
            let query = sqlx::query_scalar::<Postgres, String>(PORTAL_POSTGRES);
            query.bind(customer).fetch_one(pool).await
        }
    })
}

fn answer(found: Result<String, sqlx::Error>) -> Result<impl IntoResponse, StatusCode> {
    match found {
        Ok(text) => Ok(([(header::CONTENT_TYPE, "application/json")], text)),
        Err(error) => {
            eprintln!("the plain statement failed: {error}");
            Err(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}
