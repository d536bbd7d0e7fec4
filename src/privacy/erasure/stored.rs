//! How a report is stored: neighbours with the same outcome together, their ids as bytes in base64, because a person may have fifty
//! thousand records, and SQLite writes the whole row anew with every change of it.

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
    /// [`EACH`] bytes of every id.
    #[serde(with = "base64_text")]
    ids: Vec<u8>,
}

const EACH: usize = 16;

mod base64_text {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD_NO_PAD;
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD_NO_PAD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let bytes = STANDARD_NO_PAD.decode(String::deserialize(from)?).map_err(D::Error::custom)?;
        if bytes.len() % super::EACH == 0 { Ok(bytes) } else { Err(D::Error::custom("half an id")) }
    }
}

/// A report as it is stored.
pub(super) fn text(report: &Report) -> Result<String> {
    let mut groups: Vec<Group> = Vec::new();
    for record in &report.records {
        if groups.last().is_none_or(|group| !record.is_like(&group.like)) {
            groups.push(Group { like: Record { id: Uuid::nil(), ..record.clone() }, ids: Vec::new() });
        }
        if let Some(group) = groups.last_mut() {
            group.ids.extend_from_slice(record.id.as_bytes());
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
    for Group { like, ids } in groups {
        let ids = ids.chunks_exact(EACH).filter_map(|id| Uuid::from_slice(id).ok());
        report.records.extend(ids.map(|id| Record { id, ..like.clone() }));
    }
    Ok(report)
}
