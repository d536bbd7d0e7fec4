//! Which case a mail belongs to.

use entity::cases::{Column, Entity, Model, State};
use entity::ids::CaseId;
use entity::mails;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};

use crate::error::Result;
use crate::keys::lookup::Kind as Lookup;
use crate::mail::inbound::{Inbound, case_tokens};
use crate::state::App;

/// Merges that are followed.
const MOST_STEPS: usize = 10;

/// The case of a mail: by the token in its address, by the letter that it answers, or by the number in its subject if the
/// sender is the customer of that case. Of a merged case the one that goes on; none for one that was called off.
///
/// # Errors
/// A database cannot be read.
pub(super) async fn find(app: &App, mail: &Inbound) -> Result<Option<Model>> {
    let domain = app.config.mail.domain.as_deref().unwrap_or_default();
    for token in case_tokens(&mail.to, domain) {
        if let Some(case) = app.signing.open_case_token(&token)
            && let Some(case) = live(app, case).await?
        {
            return Ok(Some(case));
        }
    }
    for id in &mail.references {
        let sent = mails::Entity::find().filter(mails::Column::MessageId.eq(format!("<{id}>")));
        let sent = sent.order_by_desc(mails::Column::Id).one(app.db.read()).await?;
        if let Some(case) = sent.and_then(|mail| mail.case_id)
            && let Some(case) = live(app, case).await?
        {
            return Ok(Some(case));
        }
    }
    let Some(sender) = app.keys.look_up(Lookup::Email, &mail.from).await? else { return Ok(None) };
    for number in mail.subject.as_deref().map(numbers).unwrap_or_default() {
        let case = Entity::find().filter(Column::Number.eq(number)).one(app.db.read()).await?;
        if let Some(case) = case.filter(|c| c.customer_id.0 == sender)
            && let Some(case) = live(app, case.id).await?
        {
            return Ok(Some(case));
        }
    }
    Ok(None)
}

async fn live(app: &App, id: CaseId) -> Result<Option<Model>> {
    let mut id = id;
    for _ in 0..MOST_STEPS {
        let Some(case) = Entity::find_by_id(id).one(app.db.read()).await? else { return Ok(None) };
        match (case.state, case.merged_into) {
            (State::Merged, Some(into)) => id = into,
            (State::Erased | State::Cancelled | State::Merged, _) => return Ok(None),
            _ => return Ok(Some(case)),
        }
    }
    Ok(None)
}

/// What looks like the number of a case, such as `AS-2026-4F7K2M9`.
fn numbers(subject: &str) -> Vec<String> {
    let words = subject.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
    let is_number = |word: &str| {
        let parts: Vec<&str> = word.split('-').collect();
        matches!(parts.as_slice(), ["AS", year, tail] if year.len() == 4 && tail.len() == 7)
    };
    words.map(str::to_ascii_uppercase).filter(|word| is_number(word)).take(5).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_found_in_a_subject() {
        assert_eq!(numbers("Re: [AS-2026-4F7K2M9] Ihre Anfrage"), ["AS-2026-4F7K2M9"]);
        assert_eq!(numbers("aw: as-2026-4f7k2m9, danke"), ["AS-2026-4F7K2M9"]);
        assert_eq!(numbers("AS-26-4F7K2M9 XAS-2026-4F7K2M9 AS-2026-4F7K2M9X"), Vec::<String>::new());
    }
}
