//! Rows in batches, for one request and one actor. The text of each statement does not change with the batch, and the
//! keys of a batch come in one statement.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader as Load;
use entity::cases::Model as Case;
use entity::ids::{CaseId, CustomerId, MailId, OrderId, UnitId};
use entity::{
    attachments, customers, disclosures, disputes, mails, messages, order_lines, orders, parcels, proposals, refunds,
    remedies, timers,
};
use sea_orm::{ColumnTrait as _, EntityTrait, FromQueryResult, QueryFilter as _, QueryOrder as _, Select, Statement};
use uuid::Uuid;

use super::session::{Ring, Session};
use crate::auth::Actor;
use crate::db;
use crate::error::{Error, Result};
use crate::state::AppState;

/// Loads for one request.
pub struct Loader {
    pub(super) app: AppState,
    pub(super) actor: Actor,
    pub(super) ring: Arc<Ring>,
}

/// The first messages of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MessagesOf {
    /// The case.
    pub case: CaseId,
    /// How many, one more than shown.
    pub first: u64,
}

/// The refunds of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RefundsOf(pub CaseId);

/// The attachments of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AttachmentsOf(pub CaseId);

/// The mails of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MailsOf(pub CaseId);

/// The remedies in kind of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RemediesOf(pub CaseId);

/// The timers of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TimersOf(pub CaseId);

/// The proposals of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ProposalsOf(pub CaseId);

/// The disputes of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DisputesOf(pub CaseId);

/// The disclosures of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DisclosuresOf(pub CaseId);

/// The cases of an order, whoever may see them: negotiations suspend limitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CasesOf(pub OrderId);

/// The lines of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LinesOf(pub OrderId);

/// The parcels of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ParcelsOf(pub OrderId);

/// An error that several waiters can share; its cause has been logged.
#[derive(Clone, Debug)]
pub struct Failed;

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        tracing::error!(cause = ?error, "a loader failed");
        Self
    }
}

impl From<Failed> for Error {
    fn from(_: Failed) -> Self {
        Self::Internal(anyhow::anyhow!("a loader failed; its cause was logged"))
    }
}

pub(super) fn grouped<K: std::hash::Hash + Eq, R>(rows: Vec<R>, key: impl Fn(&R) -> K) -> HashMap<K, Vec<R>> {
    let mut groups: HashMap<K, Vec<R>> = HashMap::new();
    for row in rows {
        groups.entry(key(&row)).or_default().push(row);
    }
    groups
}

impl Loader {
    pub(super) async fn rows<E: EntityTrait>(
        &self,
        select: Select<E>,
        column: &str,
        ids: impl Iterator<Item = Uuid>,
    ) -> Result<Vec<E::Model>> {
        Ok(select.filter(db::any(self.app.db.backend(), column, ids)).all(self.app.db.read()).await?)
    }

    async fn customers(&self, ids: impl Iterator<Item = Uuid>) -> Result<Vec<customers::Model>> {
        self.rows(customers::Entity::find().filter(customers::Column::ErasedAt.is_null()), "id", ids).await
    }

    async fn orders(&self, ids: impl Iterator<Item = Uuid>) -> Result<Vec<orders::Model>> {
        self.rows(crate::orders::visible_to(&self.actor), "id", ids).await
    }

    async fn refunds(&self, cases: impl Iterator<Item = Uuid>) -> Result<Vec<refunds::Model>> {
        self.rows(refunds::Entity::find().order_by_asc(refunds::Column::Id), "case_id", cases).await
    }

    async fn attachments(&self, cases: impl Iterator<Item = Uuid>) -> Result<Vec<attachments::Model>> {
        self.rows(attachments::Entity::find().order_by_asc(attachments::Column::Id), "case_id", cases).await
    }

    /// The first messages of each case; a customer does not see internal notes.
    async fn messages(&self, cases: impl Iterator<Item = Uuid>, first: u64) -> Result<Vec<messages::Model>> {
        let backend = self.app.db.backend();
        let hidden = if self.actor.customer().is_some() { "AND m.form <> 'INTERNAL_NOTE'" } else { "" };
        let sql = format!(
            "SELECT id, case_id, unit_id, data_type, form, author_kind, author_id, body, sent_at, start_at, not_before \
             FROM (SELECT m.*, ROW_NUMBER() OVER (PARTITION BY m.case_id ORDER BY m.id) AS place FROM messages m \
             WHERE {} {hidden}) numbered WHERE place <= $2 ORDER BY case_id, place",
            db::is_any(backend, "m.case_id", 1)
        );
        let first = i64::try_from(first).unwrap_or(i64::MAX);
        let statement = Statement::from_sql_and_values(backend, sql, [db::id_list(backend, cases), first.into()]);
        Ok(messages::Model::find_by_statement(statement).all(self.app.db.read()).await?)
    }

    pub(super) async fn keys(&self, units: impl Iterator<Item = Option<UnitId>>) -> Result<(), Failed> {
        Ok(self.ring.load(&self.app, units).await?)
    }
}

impl Load<CustomerId> for Loader {
    type Value = customers::Model;
    type Error = Failed;

    async fn load(&self, ids: &[CustomerId]) -> Result<HashMap<CustomerId, Self::Value>, Failed> {
        let rows = self.customers(ids.iter().map(|id| id.0)).await?;
        self.keys(rows.iter().map(|r| r.unit_id)).await?;
        Ok(rows.into_iter().map(|r| (r.id, r)).collect())
    }
}

impl Load<CaseId> for Loader {
    type Value = Case;
    type Error = Failed;

    async fn load(&self, ids: &[CaseId]) -> Result<HashMap<CaseId, Case>, Failed> {
        let rows = self.rows(crate::cases::visible_to(&self.actor), "id", ids.iter().map(|id| id.0)).await?;
        Ok(rows.into_iter().map(|r| (r.id, r)).collect())
    }
}

impl Load<OrderId> for Loader {
    type Value = orders::Model;
    type Error = Failed;

    async fn load(&self, ids: &[OrderId]) -> Result<HashMap<OrderId, Self::Value>, Failed> {
        let rows = self.orders(ids.iter().map(|id| id.0)).await?;
        self.keys(rows.iter().map(|r| r.unit_id)).await?;
        Ok(rows.into_iter().map(|r| (r.id, r)).collect())
    }
}

impl Load<MessagesOf> for Loader {
    type Value = Vec<messages::Model>;
    type Error = Failed;

    async fn load(&self, keys: &[MessagesOf]) -> Result<HashMap<MessagesOf, Self::Value>, Failed> {
        let mut loaded = HashMap::with_capacity(keys.len());
        for (first, keys) in grouped(keys.to_vec(), |k| k.first) {
            let rows = self.messages(keys.iter().map(|k| k.case.0), first).await?;
            self.keys(rows.iter().map(|r| r.unit_id)).await?;
            let mut groups = grouped(rows, |r| r.case_id);
            loaded.extend(keys.into_iter().map(|k| (k, groups.remove(&k.case).unwrap_or_default())));
        }
        Ok(loaded)
    }
}

impl Load<RefundsOf> for Loader {
    type Value = Vec<refunds::Model>;
    type Error = Failed;

    async fn load(&self, keys: &[RefundsOf]) -> Result<HashMap<RefundsOf, Self::Value>, Failed> {
        let mut groups = grouped(self.refunds(keys.iter().map(|k| k.0.0)).await?, |r| r.case_id);
        Ok(keys.iter().map(|k| (*k, groups.remove(&k.0).unwrap_or_default())).collect())
    }
}

impl Load<AttachmentsOf> for Loader {
    type Value = Vec<attachments::Model>;
    type Error = Failed;

    async fn load(&self, keys: &[AttachmentsOf]) -> Result<HashMap<AttachmentsOf, Self::Value>, Failed> {
        let rows = self.attachments(keys.iter().map(|k| k.0.0)).await?;
        self.keys(rows.iter().map(|r| r.unit_id)).await?;
        let mut groups = grouped(rows, |r| r.case_id);
        Ok(keys.iter().map(|k| (*k, groups.remove(&k.0).unwrap_or_default())).collect())
    }
}

impl Load<MailsOf> for Loader {
    type Value = Vec<mails::Model>;
    type Error = Failed;

    async fn load(&self, keys: &[MailsOf]) -> Result<HashMap<MailsOf, Self::Value>, Failed> {
        let rows = mails::Entity::find().order_by_asc(mails::Column::Id);
        let rows = self.rows(rows, "case_id", keys.iter().map(|k| k.0.0)).await?;
        self.keys(rows.iter().map(|r| r.unit_id)).await?;
        let mut groups = grouped(rows, |r| r.case_id);
        Ok(keys.iter().map(|k| (*k, groups.remove(&Some(k.0)).unwrap_or_default())).collect())
    }
}

impl Load<MailId> for Loader {
    type Value = mails::Model;
    type Error = Failed;

    async fn load(&self, ids: &[MailId]) -> Result<HashMap<MailId, Self::Value>, Failed> {
        let rows = self.rows(mails::Entity::find(), "id", ids.iter().map(|id| id.0)).await?;
        self.keys(rows.iter().map(|r| r.unit_id)).await?;
        Ok(rows.into_iter().map(|r| (r.id, r)).collect())
    }
}

impl Load<RemediesOf> for Loader {
    type Value = Vec<remedies::Model>;
    type Error = Failed;

    async fn load(&self, keys: &[RemediesOf]) -> Result<HashMap<RemediesOf, Self::Value>, Failed> {
        let rows = remedies::Entity::find().order_by_asc(remedies::Column::Id);
        let rows = self.rows(rows, "case_id", keys.iter().map(|k| k.0.0)).await?;
        self.keys(rows.iter().map(|r| r.unit_id)).await?;
        let mut groups = grouped(rows, |r| r.case_id);
        Ok(keys.iter().map(|k| (*k, groups.remove(&k.0).unwrap_or_default())).collect())
    }
}

impl Load<TimersOf> for Loader {
    type Value = Vec<timers::Model>;
    type Error = Failed;

    async fn load(&self, keys: &[TimersOf]) -> Result<HashMap<TimersOf, Self::Value>, Failed> {
        let rows = timers::Entity::find().order_by_asc(timers::Column::Id);
        let mut groups = grouped(self.rows(rows, "case_id", keys.iter().map(|k| k.0.0)).await?, |r| r.case_id);
        Ok(keys.iter().map(|k| (*k, groups.remove(&k.0).unwrap_or_default())).collect())
    }
}

impl Load<ProposalsOf> for Loader {
    type Value = Vec<proposals::Model>;
    type Error = Failed;

    async fn load(&self, keys: &[ProposalsOf]) -> Result<HashMap<ProposalsOf, Self::Value>, Failed> {
        let rows = proposals::Entity::find().order_by_asc(proposals::Column::Id);
        let rows = self.rows(rows, "case_id", keys.iter().map(|k| k.0.0)).await?;
        self.keys(rows.iter().map(|r| r.unit_id)).await?;
        let mut groups = grouped(rows, |r| r.case_id);
        Ok(keys.iter().map(|k| (*k, groups.remove(&k.0).unwrap_or_default())).collect())
    }
}

impl Load<DisputesOf> for Loader {
    type Value = Vec<disputes::Model>;
    type Error = Failed;

    async fn load(&self, keys: &[DisputesOf]) -> Result<HashMap<DisputesOf, Self::Value>, Failed> {
        let rows = disputes::Entity::find().order_by_asc(disputes::Column::Id);
        let rows = self.rows(rows, "case_id", keys.iter().map(|k| k.0.0)).await?;
        self.keys(rows.iter().map(|r| r.unit_id)).await?;
        let mut groups = grouped(rows, |r| r.case_id);
        Ok(keys.iter().map(|k| (*k, groups.remove(&k.0).unwrap_or_default())).collect())
    }
}

impl Load<DisclosuresOf> for Loader {
    type Value = Vec<disclosures::Model>;
    type Error = Failed;

    async fn load(&self, keys: &[DisclosuresOf]) -> Result<HashMap<DisclosuresOf, Self::Value>, Failed> {
        let rows = disclosures::Entity::find().order_by_asc(disclosures::Column::Id);
        let rows = self.rows(rows, "case_id", keys.iter().map(|k| k.0.0)).await?;
        let mut groups = grouped(rows, |r| r.case_id);
        Ok(keys.iter().map(|k| (*k, groups.remove(&Some(k.0)).unwrap_or_default())).collect())
    }
}

impl Load<CasesOf> for Loader {
    type Value = Vec<Case>;
    type Error = Failed;

    async fn load(&self, keys: &[CasesOf]) -> Result<HashMap<CasesOf, Self::Value>, Failed> {
        let rows = entity::cases::Entity::find().order_by_asc(entity::cases::Column::Id);
        let rows = self.rows(rows, "order_id", keys.iter().map(|k| k.0.0)).await?;
        let mut groups = grouped(rows, |r| r.order_id);
        Ok(keys.iter().map(|k| (*k, groups.remove(&Some(k.0)).unwrap_or_default())).collect())
    }
}

impl Load<LinesOf> for Loader {
    type Value = Vec<order_lines::Model>;
    type Error = Failed;

    async fn load(&self, keys: &[LinesOf]) -> Result<HashMap<LinesOf, Self::Value>, Failed> {
        let lines = order_lines::Entity::find().order_by_asc(order_lines::Column::Position);
        let rows = self.rows(lines, "order_id", keys.iter().map(|k| k.0.0)).await?;
        self.keys(rows.iter().map(|r| r.unit_id)).await?;
        let mut groups = grouped(rows, |r| r.order_id);
        Ok(keys.iter().map(|k| (*k, groups.remove(&k.0).unwrap_or_default())).collect())
    }
}

impl Load<ParcelsOf> for Loader {
    type Value = Vec<parcels::Model>;
    type Error = Failed;

    async fn load(&self, keys: &[ParcelsOf]) -> Result<HashMap<ParcelsOf, Self::Value>, Failed> {
        let parcels = parcels::Entity::find().order_by_asc(parcels::Column::Id);
        let rows = self.rows(parcels, "order_id", keys.iter().map(|k| k.0.0)).await?;
        self.keys(rows.iter().map(|r| r.unit_id)).await?;
        let mut groups = grouped(rows, |r| r.order_id);
        Ok(keys.iter().map(|k| (*k, groups.remove(&k.0).unwrap_or_default())).collect())
    }
}

/// What a list of cases will be asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ahead {
    /// The customers.
    pub customers: bool,
    /// So many messages of each.
    pub messages: Option<u64>,
    /// The refunds.
    pub refunds: bool,
}

/// Loads what a list of cases will be asked for, side by side, and then all their keys in one statement.
///
/// # Errors
/// A database cannot be read.
pub async fn prefetch(session: &Session, cases: &[Case], ahead: Ahead) -> Result<()> {
    let loader = session.loaders.loader();
    let ids = || cases.iter().map(|c| c.id.0);
    let customers = async {
        if ahead.customers { loader.customers(cases.iter().map(|c| c.customer_id.0)).await } else { Ok(Vec::new()) }
    };
    let messages = async {
        match ahead.messages {
            Some(first) => loader.messages(ids(), first).await,
            None => Ok(Vec::new()),
        }
    };
    let refunds = async { if ahead.refunds { loader.refunds(ids()).await } else { Ok(Vec::new()) } };
    let (customers, messages, refunds) = futures::try_join!(customers, messages, refunds)?;
    // In a list only a customer reads what was written.
    let read = if session.actor.customer().is_some() { messages.as_slice() } else { &[] };
    let units = customers.iter().map(|c| c.unit_id).chain(read.iter().map(|m| m.unit_id));
    session.ring.load(&session.app, units).await?;
    if ahead.customers {
        session.loaders.feed_many(customers.into_iter().map(|c| (c.id, c))).await;
    }
    if let Some(first) = ahead.messages {
        let mut groups = grouped(messages, |m| m.case_id);
        let fed = cases.iter().map(|c| (MessagesOf { case: c.id, first }, groups.remove(&c.id).unwrap_or_default()));
        session.loaders.feed_many(fed.collect::<Vec<_>>()).await;
    }
    if ahead.refunds {
        let mut groups = grouped(refunds, |r| r.case_id);
        let fed = cases.iter().map(|c| (RefundsOf(c.id), groups.remove(&c.id).unwrap_or_default()));
        session.loaders.feed_many(fed.collect::<Vec<_>>()).await;
    }
    Ok(())
}
