//! What a result notice says of itself: decision with reason and basis, what is sent, where the refunds stand (S39 to S41).

use entity::cases::Model;
use entity::codes::Locale;
use entity::{customers, parcels, refunds, remedies};
use sea_orm::{ColumnTrait as _, DatabaseTransaction, EntityTrait as _, QueryFilter as _, QueryOrder as _};

use super::words;
use crate::error::{Language, Result};
use crate::keys::Place;
use crate::policy::money;
use crate::state::App;

/// The notice in the customer's language: the agent's words first, then the facts.
///
/// # Errors
/// A store cannot be read.
pub(super) async fn text(app: &App, tx: &DatabaseTransaction, case: &Model, said: &str) -> Result<String> {
    let customer = customers::Entity::find_by_id(case.customer_id).one(tx).await?;
    let language = match customer.and_then(|c| c.locale) {
        Some(Locale::En) => Language::En,
        _ => Language::De,
    };
    let mut lines = vec![said.to_owned(), String::new()];
    if let Some(outcome) = case.outcome {
        lines.push(format!("{}: {}", words::DECISION.said(language), words::outcome(outcome).said(language)));
        if let Some(reason) = case.reason {
            lines.push(format!("{}: {}", words::REASON.said(language), words::reason(reason).said(language)));
        }
        if let Some(basis) = case.legal_basis {
            lines.push(format!("{}: {}", words::BASIS.said(language), words::basis(basis).said(language)));
        }
    }
    lines.extend(shipping(app, tx, case, language).await?);
    let of_case = refunds::Entity::find().filter(refunds::Column::CaseId.eq(case.id));
    for refund in of_case.order_by_asc(refunds::Column::Id).all(tx).await? {
        let amount = money::shown(refund.amount_minor, &refund.currency, language);
        let state = words::refund(refund.state).said(language);
        lines.push(format!("{}: {amount}, {state}", words::REFUND.said(language)));
    }
    lines.push(String::new());
    lines.push(words::DISAGREE.said(language).to_owned());
    Ok(lines.join("\n"))
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
    let keys = app.keys.load(&units, app.clock.now()).await?;
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
