//! Goods in batches, for one request and one actor.

use std::collections::HashMap;

use async_graphql::dataloader::Loader as Load;
use entity::ids::{CaseId, OrderId, ParcelId, ReturnId};
use entity::{carrier_events, parcels, remedies, return_lines, returns};
use sea_orm::{EntityTrait as _, QueryOrder as _};

use crate::graphql::loaders::{Failed, Loader, grouped};

/// The returns of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReturnsOf(pub CaseId);

/// The lines of a return.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReturnLinesOf(pub ReturnId);

/// The parcels of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ParcelsOfCase(pub CaseId);

/// The remedies in kind for an order, whoever may see their cases: cures move its periods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RemediesOfOrder(pub OrderId);

/// What the carrier of a parcel has reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EventsOf(pub ParcelId);

impl Load<ReturnsOf> for Loader {
    type Value = Vec<returns::Model>;
    type Error = Failed;

    async fn load(&self, keys: &[ReturnsOf]) -> Result<HashMap<ReturnsOf, Self::Value>, Failed> {
        let rows = crate::returns::visible_to(&self.actor).order_by_asc(returns::Column::Id);
        let rows = self.rows(rows, "case_id", keys.iter().map(|k| k.0.0)).await?;
        self.keys(rows.iter().map(|r| r.unit_id)).await?;
        let mut groups = grouped(rows, |r| r.case_id);
        Ok(keys.iter().map(|k| (*k, groups.remove(&k.0).unwrap_or_default())).collect())
    }
}

impl Load<ReturnLinesOf> for Loader {
    type Value = Vec<return_lines::Model>;
    type Error = Failed;

    async fn load(&self, keys: &[ReturnLinesOf]) -> Result<HashMap<ReturnLinesOf, Self::Value>, Failed> {
        let rows = return_lines::Entity::find().order_by_asc(return_lines::Column::Id);
        let rows = self.rows(rows, "return_id", keys.iter().map(|k| k.0.0)).await?;
        self.keys(rows.iter().map(|r| r.unit_id)).await?;
        let mut groups = grouped(rows, |r| r.return_id);
        Ok(keys.iter().map(|k| (*k, groups.remove(&k.0).unwrap_or_default())).collect())
    }
}

impl Load<ParcelsOfCase> for Loader {
    type Value = Vec<parcels::Model>;
    type Error = Failed;

    async fn load(&self, keys: &[ParcelsOfCase]) -> Result<HashMap<ParcelsOfCase, Self::Value>, Failed> {
        let rows = parcels::Entity::find().order_by_asc(parcels::Column::Id);
        let rows = self.rows(rows, "case_id", keys.iter().map(|k| k.0.0)).await?;
        self.keys(rows.iter().map(|r| r.unit_id)).await?;
        let mut groups = grouped(rows, |r| r.case_id);
        Ok(keys.iter().map(|k| (*k, groups.remove(&Some(k.0)).unwrap_or_default())).collect())
    }
}

impl Load<RemediesOfOrder> for Loader {
    type Value = Vec<remedies::Model>;
    type Error = Failed;

    async fn load(&self, keys: &[RemediesOfOrder]) -> Result<HashMap<RemediesOfOrder, Self::Value>, Failed> {
        let rows = remedies::Entity::find().order_by_asc(remedies::Column::Id);
        let mut groups = grouped(self.rows(rows, "order_id", keys.iter().map(|k| k.0.0)).await?, |r| r.order_id);
        Ok(keys.iter().map(|k| (*k, groups.remove(&k.0).unwrap_or_default())).collect())
    }
}

impl Load<EventsOf> for Loader {
    type Value = Vec<carrier_events::Model>;
    type Error = Failed;

    async fn load(&self, keys: &[EventsOf]) -> Result<HashMap<EventsOf, Self::Value>, Failed> {
        let rows = carrier_events::Entity::find().order_by_asc(carrier_events::Column::Id);
        let rows = self.rows(rows, "parcel_id", keys.iter().map(|k| k.0.0)).await?;
        self.keys(rows.iter().map(|r| r.unit_id)).await?;
        let mut groups = grouped(rows, |r| r.parcel_id);
        Ok(keys.iter().map(|k| (*k, groups.remove(&k.0).unwrap_or_default())).collect())
    }
}
