//! What a crash between two stores leaves behind: keys and blobs without rows.

use std::collections::HashSet;

use anyhow::Context as _;
use chrono::TimeDelta;
use entity::attachments::{Column, Entity};
use entity::ids::UnitId;
use entity::inbound_mails;
use futures::TryStreamExt as _;
use object_store::{ObjectStore as _, ObjectStoreExt as _};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QuerySelect as _};
use serde::Serialize;
use uuid::Uuid;

use crate::error::Result;
use crate::outbox;
use crate::state::App;

/// What the reaper removed, or would remove.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Nothing was changed.
    pub dry_run: bool,
    /// Keys older than a day that no row names.
    pub keys: usize,
    /// Blobs older than a day that no row names.
    pub blobs: usize,
}

/// A key or blob younger than this may belong to a change that is just being made.
const GRACE: TimeDelta = TimeDelta::days(1);

/// Runs the reaper.
///
/// # Errors
/// A store fails; the next run goes on.
pub async fn run(app: &App, dry_run: bool) -> Result<Report> {
    Ok(Report {
        dry_run,
        keys: reap_keys(app, dry_run).await?,
        blobs: reap_blobs(app, dry_run).await? + reap_parts(app, dry_run)?,
    })
}

async fn reap_keys(app: &App, dry_run: bool) -> Result<usize> {
    let before = app.clock.now() - GRACE;
    let (mut after, mut reaped) = (UnitId(Uuid::nil()), 0);
    // Their end is ordered for a time.
    let ordered = outbox::left_keys(app).await?;
    loop {
        let mut page = app.keys.idle_since(before, after, 500).await?;
        let Some(last) = page.last() else { return Ok(reaped) };
        after = *last;
        page.retain(|unit| !ordered.contains_key(unit));
        reaped += if dry_run {
            let tx = app.db.begin().await?;
            let unused = app.keys.unused(&tx, &page).await;
            tx.rollback().await?;
            unused?.len()
        } else {
            app.keys.destroy_unused(&app.db, &page).await?.len()
        };
    }
}

async fn reap_blobs(app: &App, dry_run: bool) -> Result<usize> {
    let before = app.clock.now() - GRACE;
    let stored: Vec<_> = app.blobs.list(None).try_collect().await.map_err(|e| anyhow::anyhow!("blobs: {e}"))?;
    let old: Vec<_> = stored.into_iter().filter(|o| o.last_modified < before).map(|o| o.location).collect();
    let mut reaped = 0;
    for page in old.chunks(500) {
        let names: Vec<String> = page.iter().map(ToString::to_string).collect();
        let known = Entity::find().select_only().column(Column::Blob).filter(Column::Blob.is_in(names.clone()));
        let mut known: HashSet<String> = known.into_tuple().all(app.db.read()).await?.into_iter().collect();
        let mails = inbound_mails::Entity::find().select_only().column(inbound_mails::Column::Blob);
        let mails = mails.filter(inbound_mails::Column::Blob.is_in(names));
        known.extend(mails.into_tuple::<String>().all(app.db.read()).await?);
        for path in page.iter().filter(|p| !known.contains(p.as_ref())) {
            reaped += 1;
            if !dry_run {
                app.blobs.delete(path).await.map_err(|e| anyhow::anyhow!("blob {path}: {e}"))?;
            }
        }
    }
    Ok(reaped)
}

/// Parts of uploads whose process died: the folder's store keeps them as `name#n` and does not list them. They are sealed.
fn reap_parts(app: &App, dry_run: bool) -> Result<usize> {
    let before = std::time::SystemTime::from(app.clock.now() - GRACE);
    let mut reaped = 0;
    for entry in std::fs::read_dir(app.config.data.join("blobs")).context("blobs")? {
        let entry = entry.context("blobs")?;
        let old = entry.metadata().and_then(|m| m.modified()).is_ok_and(|modified| modified < before);
        if old && entry.file_name().to_string_lossy().contains('#') {
            reaped += 1;
            if !dry_run {
                std::fs::remove_file(entry.path()).context("blobs")?;
            }
        }
    }
    Ok(reaped)
}
