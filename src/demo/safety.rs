//! The register of product safety: what was complained of lately, and older entries, one of them past its five years.

use chrono::{Months, TimeDelta};
use entity::ids::CaseId;
use entity::safety_entries::Harm;

use super::goods::{ARTICLES, Article};
use super::plan::{By, Plan, What};
use super::replay::Replay;
use crate::error::Result;
use crate::policy::calendar;
use crate::safety::{Change, NewEntry, record, update};

/// An entry as the plan has it.
#[derive(Debug)]
pub(super) struct Incident {
    /// The case that it is taken from.
    pub case: Option<usize>,
    /// What it is about.
    pub article: Article,
    /// What happened to people.
    pub harm: Harm,
    /// What happened.
    pub account: &'static str,
    /// What was done; the authority was told of it.
    pub measures: Option<&'static str>,
}

impl Plan {
    /// Adds the entries; the newest two belong to cases of the gallery, which begins with `gallery`.
    pub(super) fn safety(&mut self, gallery: usize) {
        const LEAK: &str = "Der Boden leckt, Wasser kam an die Kontakte; das Gerät bekam einen Schlag.";
        const SPARKS: &str = "Beim Einschalten Funken am Stecker, niemand war in der Nähe.";
        const CUT: &str = "Die Schutzhaube löste sich, Schnitt am Daumen, beim Arzt genäht.";
        const BURN: &str = "Der Griff wurde im Betrieb heiß; leichte Rötung der Hand, telefonisch gemeldet.";
        const RECALL: &str = "Verkauf angehalten, Hersteller und Marktüberwachung unterrichtet, Charge zurückgerufen.";
        let (days, years) = (TimeDelta::days, |n: u32| Months::new(12 * n));
        let now = self.now;
        for (at, case, sku, harm, account, measures) in [
            (now - years(7), None, "KU-2003", Harm::Minor, BURN, Some(RECALL)),
            (now - years(3), None, "WZ-6002", Harm::Serious, CUT, Some(RECALL)),
            (now - days(6), Some(gallery), "KU-2002", Harm::None, LEAK, None),
            (now - days(5), Some(gallery + 1), "HW-1004", Harm::None, SPARKS, Some(RECALL)),
        ] {
            let Some(article) = ARTICLES.iter().find(|a| a.sku == sku).copied() else { continue };
            self.push(at, What::Safety(Incident { case, article, harm, account, measures }));
        }
    }
}

impl Replay<'_> {
    /// Makes an entry, and records what was done.
    pub(super) async fn incident(&self, incident: Incident, case: Option<CaseId>, key: &str) -> Result<()> {
        let (app, agent) = (self.app(), self.actor(By::Agent)?);
        let new = NewEntry {
            case_id: case,
            sku: incident.article.sku.to_owned(),
            product_group: incident.article.group.to_owned(),
            harm: incident.harm,
            happened_on: calendar::day_of(app.clock.now()).pred_opt(),
            account: incident.account.to_owned(),
            contact: None,
        };
        let row = record(app, &agent, new, key).await?;
        if let Some(measures) = incident.measures {
            let reported_at = Some(app.clock.now());
            let change =
                Change { measures: Some(measures.to_owned()), harm: None, reported_at, expected_version: None };
            update(app, &agent, row.id, change, &format!("{key}-measures")).await?;
        }
        Ok(())
    }
}
