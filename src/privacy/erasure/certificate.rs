//! The certificate of an erasure (R13): what went, by ids, codes, counts and rules, and what was found afterwards. No
//! content: it may be kept, and shown to an authority, after the person is gone.

use std::borrow::Cow;
use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use entity::erasures::{Column, Entity, Model, ScanState, State};
use entity::ids::{CustomerId, ErasureId, UnitId};
use entity::{DataType, retention_rules};
use sea_orm::{ColumnTrait as _, Condition, EntityTrait as _, QueryFilter as _};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{Outcome, Record, recipients, stored};
use crate::error::{Error, Result};
use crate::evidence::archive::hex;
use crate::privacy::scan::residual::{self, Found};
use crate::retention::ledger::Ledger;
use crate::retention::rules;
use crate::state::App;
use crate::{db, outbox};

/// A certificate as it is stored, and the SHA-256 of its bytes in hexadecimal.
pub(in crate::privacy) struct Certificate {
    pub(in crate::privacy) text: String,
    pub(in crate::privacy) sha256: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    format: &'static str,
    erasure_id: ErasureId,
    customer_id: CustomerId,
    article: &'static str,
    state: &'static str,
    decided_at: DateTime<Utc>,
    decided_by: Option<Uuid>,
    /// After everything above it was executed.
    made_at: DateTime<Utc>,
    settled_at: Option<DateTime<Utc>>,
    counts: BTreeMap<&'static str, usize>,
    records: Vec<Line>,
    rules: Vec<Rule<'a>>,
    recipients: Vec<Recipient>,
    places: Places,
    backups_unreadable_from: NaiveDate,
    /// The last one; none where nothing has gone, or a restore has lost what was looked for.
    scan: Option<&'a Found>,
}

/// Records of one kind with one outcome.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    table: Cow<'static, str>,
    data_type: DataType,
    outcome: &'static str,
    on: Option<NaiveDate>,
    until: Option<NaiveDate>,
    because: Option<Cow<'static, str>>,
    article: Option<Cow<'static, str>>,
    rows: Vec<Uuid>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule<'a> {
    data_type: DataType,
    version: i32,
    norm: &'a str,
    action: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Recipient {
    kind: &'static str,
    told_at: Option<DateTime<Utc>>,
    acknowledged_at: Option<DateTime<Utc>>,
}

/// What is left to be done in each store.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Places {
    /// The engine of the main database.
    database: &'static str,
    /// Records removed from it.
    records_removed: usize,
    /// Keys of the person whose records all have gone and that are still to be destroyed, and keys of what is kept.
    key_store: BTreeMap<&'static str, usize>,
    /// Blobs of all persons that are still to be deleted, and orders that were given up.
    outbox: outbox::Pending,
    ledger: &'static str,
}

/// Makes the certificate of an erasure with the result of its last scan.
pub(in crate::privacy) async fn certify(app: &App, row: &Model, scan: Option<&Found>) -> Result<Certificate> {
    let report = stored(row)?;
    let stored_rules = rules::at(app.db.read(), app.clock.now()).await?;
    let mut types: Vec<DataType> = report.records.iter().map(|r| r.data_type).collect();
    types.sort_unstable();
    types.dedup();
    let used = stored_rules.iter().filter(|rule| types.contains(&rule.data_type));
    let notices = recipients::of_erasure(app, row.id).await?;
    let gone = report.records.iter().filter(|r| r.is_gone()).count();
    let document = Document {
        format: "aftersales-erasure-certificate-1",
        erasure_id: row.id,
        customer_id: row.customer_id,
        article: "GDPR Art. 17",
        state: row.state.code(),
        decided_at: row.requested_at,
        decided_by: row.requested_by.map(|s| s.0),
        made_at: app.clock.now(),
        settled_at: row.settled_at,
        counts: Outcome::ALL.map(|o| (o.code(), report.count(o))).into(),
        backups_unreadable_from: report.backups_unreadable_from,
        records: lines(report.records),
        rules: used.map(rule).collect(),
        recipients: notices
            .into_iter()
            .map(|n| Recipient {
                kind: n.row.recipient_kind.code(),
                told_at: n.told_at,
                acknowledged_at: n.row.acknowledged_at,
            })
            .collect(),
        places: places(app, row.customer_id, gone).await?,
        scan,
    };
    let text = serde_json::to_string_pretty(&document).map_err(|e| anyhow::anyhow!("certificate: {e}"))?;
    let sha256 = hex(&Sha256::digest(text.as_bytes()));
    Ok(Certificate { text, sha256 })
}

/// Makes the certificates that are missing because a process died after the last pass of an erasure.
pub(in crate::privacy) async fn make_missing(app: &App) -> Result<()> {
    let no_scan = Condition::any().add(Column::ScanState.is_null()).add(Column::ScanState.ne(ScanState::Pending));
    // What is looked for stands there from the middle of a pass on.
    let no_scan = Condition::all().add(no_scan).add(Column::Identifiers.is_null());
    let missing = Entity::find().filter(Column::Certificate.is_null()).filter(Column::State.ne(State::Running));
    for row in missing.filter(no_scan).all(app.db.read()).await? {
        make(app, row).await?;
    }
    Ok(())
}

/// Makes the certificate of an erasure after which nothing is to be looked for.
pub(super) async fn make(app: &App, row: Model) -> Result<Model> {
    let scan = residual::stored(&row)?;
    let made = certify(app, &row, scan.as_ref()).await?;
    let sql = "UPDATE erasures SET certificate = $1, certificate_hash = $2 \
               WHERE id = $3 AND state = $4 AND (scan_state IS NULL OR scan_state <> 'PENDING')";
    let values = [made.text.into(), made.sha256.into(), row.id.0.into(), row.state.code().into()];
    db::run(app.db.write(), sql, values).await?;
    Entity::find_by_id(row.id).one(app.db.write()).await?.ok_or(Error::NotFound)
}

fn rule(stored: &retention_rules::Model) -> Rule<'_> {
    Rule { data_type: stored.data_type, version: stored.version, norm: &stored.norm, action: stored.action.code() }
}

fn lines(records: Vec<Record>) -> Vec<Line> {
    let mut lines: BTreeMap<_, Vec<Uuid>> = BTreeMap::new();
    for r in records {
        let line = (r.table, r.data_type, r.outcome.code(), r.on, r.until, r.because, r.article);
        lines.entry(line).or_default().push(r.id);
    }
    let line = |((table, data_type, outcome, on, until, because, article), mut rows): (_, Vec<Uuid>)| {
        rows.sort_unstable();
        Line { table, data_type, outcome, on, until, because, article, rows }
    };
    lines.into_iter().map(line).collect()
}

async fn places(app: &App, customer: CustomerId, gone: usize) -> Result<Places> {
    let units: Vec<UnitId> = app.keys.units_of(customer.0).await?.into_iter().map(|unit| unit.id).collect();
    let tx = app.db.begin().await?;
    let unused = app.keys.unused(&tx, &units).await;
    tx.rollback().await?;
    let unused = unused?.len();
    let is_postgres = app.db.backend() == sea_orm::DbBackend::Postgres;
    Ok(Places {
        database: if is_postgres { "POSTGRESQL" } else { "SQLITE" },
        records_removed: gone,
        key_store: [("toBeDestroyed", unused), ("ofWhatIsKept", units.len() - unused)].into(),
        outbox: outbox::pending(app).await?,
        ledger: match app.ledger {
            Ledger::Folder(_) => "FOLDER",
            Ledger::Database(_) => "DATABASE",
        },
    })
}
