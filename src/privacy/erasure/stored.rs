//! How a report is stored: neighbours with the same outcome together, because a person may have fifty thousand records.

use entity::erasures::Model;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Record, Report};
use crate::error::Result;

#[derive(Serialize, Deserialize)]
struct Stored {
    /// Without its records.
    report: Report,
    groups: Vec<Group>,
}

#[derive(Serialize, Deserialize)]
struct Group {
    /// All that its records have in common; the id is nobody's.
    like: Record,
    ids: Vec<Uuid>,
}

/// A report as it is stored.
pub(super) fn text(report: &Report) -> Result<String> {
    let mut groups: Vec<Group> = Vec::new();
    for record in &report.records {
        match groups.last_mut().filter(|group| record.is_like(&group.like)) {
            Some(group) => group.ids.push(record.id),
            None => groups.push(Group { like: Record { id: Uuid::nil(), ..record.clone() }, ids: vec![record.id] }),
        }
    }
    let report = Report { records: Vec::new(), recipients: report.recipients.clone(), ..*report };
    Ok(serde_json::to_string(&Stored { report, groups }).map_err(|e| anyhow::anyhow!("report: {e}"))?)
}

/// The report of a stored erasure.
///
/// # Errors
/// The stored text is damaged.
pub fn stored(row: &Model) -> Result<Report> {
    let Stored { mut report, groups } =
        serde_json::from_str(&row.report).map_err(|e| anyhow::anyhow!("stored report: {e}"))?;
    let of_group = |Group { like, ids }| ids.into_iter().map(move |id| Record { id, ..Record::clone(&like) });
    report.records = groups.into_iter().flat_map(of_group).collect();
    Ok(report)
}
