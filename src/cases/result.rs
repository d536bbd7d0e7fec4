//! What a result notice says of itself: decision with reason and basis, what is sent, where the refunds stand (S39 to S41).

use entity::cases::Model;
use entity::{parcels, refunds, remedies};
use sea_orm::{ColumnTrait as _, DatabaseTransaction, EntityTrait as _, QueryFilter as _, QueryOrder as _};

use super::{letters, words};
use crate::error::{Language, Result};
use crate::keys::Place;
use crate::mail::letter::ResultNotice;
use crate::policy::money;
use crate::policy::words::Words;
use crate::state::App;

/// The facts of a result, in the customer's language.
pub(super) struct Facts {
    language: Language,
    said: String,
    decision: Vec<String>,
    shipping: Vec<String>,
    refunds: Vec<String>,
}

impl Facts {
    /// As a message of the case: the agent's words, the facts, the way to object.
    pub(super) fn text(&self) -> String {
        let label = |name: Words, of: &[String]| {
            let name = name.said(self.language);
            of.iter().map(|line| format!("{name}: {line}")).collect::<Vec<_>>()
        };
        let mut lines = vec![self.said.clone(), String::new()];
        lines.extend(label(words::DECISION, &self.decision));
        lines.extend(label(words::SHIPPING, &self.shipping));
        lines.extend(label(words::REFUND, &self.refunds));
        lines.extend([String::new(), words::DISAGREE.said(self.language).to_owned()]);
        lines.join("\n")
    }

    /// As a letter.
    pub(super) fn notice(&self) -> ResultNotice {
        let some = |lines: &[String]| (!lines.is_empty()).then(|| lines.join("; "));
        ResultNotice {
            decision: some(&self.decision).unwrap_or_else(|| words::DONE.said(self.language).to_owned()),
            shipping: some(&self.shipping),
            refund: some(&self.refunds),
            text: Some(self.said.clone()),
        }
    }
}

/// Collects them; `said` are the agent's own words.
///
/// # Errors
/// A store cannot be read.
pub(super) async fn of(app: &App, tx: &DatabaseTransaction, case: &Model, said: &str) -> Result<Facts> {
    let language = letters::language(tx, case).await?;
    let mut decision = Vec::new();
    if let Some(outcome) = case.outcome {
        let because = case.reason.map(|r| words::reason(r).said(language));
        let basis = case.legal_basis.map(|b| words::basis(b).said(language));
        let parts = [Some(words::outcome(outcome).said(language)), because, basis];
        decision.push(parts.into_iter().flatten().collect::<Vec<_>>().join(", "));
    }
    let of_case = refunds::Entity::find().filter(refunds::Column::CaseId.eq(case.id));
    let refunds = of_case.order_by_asc(refunds::Column::Id).all(tx).await?.into_iter().map(|refund| {
        let amount = money::shown(refund.amount_minor, &refund.currency, language);
        format!("{amount}, {}", words::refund(refund.state).said(language))
    });
    Ok(Facts {
        language,
        said: said.to_owned(),
        decision,
        shipping: shipping(app, tx, case, language).await?,
        refunds: refunds.collect(),
    })
}

/// What is on its way to the customer: remedies in kind, and goods that go back.
async fn shipping(app: &App, tx: &DatabaseTransaction, case: &Model, language: Language) -> Result<Vec<String>> {
    let remedies = remedies::Entity::find()
        .filter(remedies::Column::CaseId.eq(case.id))
        .filter(remedies::Column::State.ne(remedies::State::Cancelled))
        .order_by_asc(remedies::Column::Id)
        .all(tx)
        .await?;
    let mut lines: Vec<String> = remedies
        .iter()
        .map(|r| format!("{}: {}", words::remedy(r.kind).said(language), words::remedy_state(r.state).said(language)))
        .collect();
    let parcels = parcels::Entity::find()
        .filter(parcels::Column::CaseId.eq(case.id))
        .filter(parcels::Column::Purpose.is_in([parcels::Purpose::Replacement, parcels::Purpose::SentBack]))
        .order_by_asc(parcels::Column::Id)
        .all(tx)
        .await?;
    let units: Vec<_> = parcels.iter().filter_map(|p| p.unit_id).collect();
    let keys = app.keys.load(&units, entity::Purpose::CaseHandling, app.clock.now()).await?;
    for parcel in parcels {
        let place = Place { table: "parcels", column: "tracking_number", row: parcel.id.0 };
        let key = parcel.unit_id.and_then(|u| keys.get(&u));
        let number = key.zip(parcel.tracking_number.as_ref()).and_then(|(key, sealed)| key.open(place, sealed));
        let number = number.as_ref().map(|n| n.as_str()).unwrap_or_default();
        let purpose = words::parcel(parcel.purpose).said(language);
        lines.push(format!("{purpose}: {} {number}", parcel.carrier));
    }
    Ok(lines)
}
