//! What remains of an anonymised row: a count of coarse properties. No id, no exact time, no free text (GDPR Rec. 26).

use chrono::{DateTime, Utc};
use entity::map::Table;
use sea_orm::{ConnectionTrait as _, DatabaseTransaction, Value};
use uuid::Uuid;

use crate::db;
use crate::error::Result;
use crate::policy::calendar;

/// Counts the rows into the statistics of their table; tables without statistics leave nothing.
pub(super) async fn count(tx: &DatabaseTransaction, t: &Table, ids: &[Uuid]) -> Result<()> {
    match t.name {
        _ if ids.is_empty() => Ok(()),
        "cases" => count_cases(tx, ids).await,
        "order_lines" => count_lines(tx, ids).await,
        _ => Ok(()),
    }
}

async fn count_cases(tx: &DatabaseTransaction, ids: &[Uuid]) -> Result<()> {
    let sql = format!(
        "SELECT t.kind, t.product_group, t.reason, t.outcome, t.opened_at, t.closed_at, \
         (SELECT CAST(SUM(r.amount_minor) AS bigint) FROM refunds r WHERE r.case_id = t.id AND r.state = 'CREDITED') \
         FROM cases t WHERE {}",
        db::is_any(tx.get_database_backend(), "t.id", 1)
    );
    for row in db::rows(tx, &sql, [db::id_list(ids.iter().copied())]).await? {
        let text = |i| row.try_get_by_index::<Option<String>>(i).map(Option::unwrap_or_default);
        let opened: Option<DateTime<Utc>> = row.try_get_by_index(4)?;
        let closed: Option<DateTime<Utc>> = row.try_get_by_index(5)?;
        let month = |t: Option<DateTime<Utc>>| t.map(calendar::month_of).unwrap_or_default();
        let days = opened.zip(closed).map(|(o, c)| (c - o).num_days());
        let values: [Value; 8] = [
            text(0)?.into(),
            text(1)?.into(),
            text(2)?.into(),
            text(3)?.into(),
            month(opened).into(),
            month(closed).into(),
            duration_bucket(days).into(),
            amount_bucket(row.try_get_by_index(6)?).into(),
        ];
        let sql = "INSERT INTO case_statistics (kind, product_group, reason, outcome, opened_month, closed_month, \
                   duration_bucket, refund_bucket, cases) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1) \
                   ON CONFLICT (kind, product_group, reason, outcome, opened_month, closed_month, duration_bucket, \
                   refund_bucket) DO UPDATE SET cases = case_statistics.cases + 1";
        db::run(tx, sql, values).await?;
    }
    Ok(())
}

async fn count_lines(tx: &DatabaseTransaction, ids: &[Uuid]) -> Result<()> {
    let sql = format!(
        "SELECT t.product_group, o.ordered_at, t.quantity FROM order_lines t JOIN orders o ON o.id = t.order_id WHERE {}",
        db::is_any(tx.get_database_backend(), "t.id", 1)
    );
    for row in db::rows(tx, &sql, [db::id_list(ids.iter().copied())]).await? {
        let group: String = row.try_get_by_index(0)?;
        let ordered: Option<DateTime<Utc>> = row.try_get_by_index(1)?;
        let quantity: i32 = row.try_get_by_index(2)?;
        let sql = "INSERT INTO order_line_statistics (product_group, month, quantity) VALUES ($1, $2, $3) \
                   ON CONFLICT (product_group, month) DO UPDATE \
                   SET quantity = order_line_statistics.quantity + excluded.quantity";
        let month = ordered.map(calendar::month_of).unwrap_or_default();
        db::run(tx, sql, [group.into(), month.into(), i64::from(quantity).into()]).await?;
    }
    Ok(())
}

const fn duration_bucket(days: Option<i64>) -> &'static str {
    match days {
        None => "",
        Some(..=3) => "0-3",
        Some(4..=14) => "4-14",
        Some(15..=45) => "15-45",
        Some(_) => "46+",
    }
}

const fn amount_bucket(minor: Option<i64>) -> &'static str {
    match minor {
        None => "",
        Some(..=2_499) => "0-24",
        Some(2_500..=9_999) => "25-99",
        Some(10_000..=49_999) => "100-499",
        Some(_) => "500+",
    }
}
