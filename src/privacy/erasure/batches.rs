//! Taking what goes through the door, in batches.

use std::collections::HashMap;

use entity::ids::{CustomerId, ErasureId};
use uuid::Uuid;

use super::outcome::{Fate, explained};
use crate::auth::Actor;
use crate::error::Result;
use crate::policy::calendar;
use crate::retention::door::{self, Announced, Ground, Seen, Unsettled, Verdict};
use crate::retention::pace::Pace;
use crate::state::App;

/// Takes what goes through the door, and puts down what really became of it. While one batch goes, the ledger is told of the
/// one before and of the next. `all_of`: the person, where the fates are of all that is there.
pub(super) async fn take(
    app: &App,
    actor: &Actor,
    id: ErasureId,
    fates: &mut [Fate],
    all_of: Option<CustomerId>,
) -> Result<()> {
    // What stays may point to what goes.
    let whole = all_of.filter(|_| fates.iter().all(|fate| fate.record.is_gone()));
    let verdicts = carry_out(app, actor, id, fates, whole).await?;
    // In the order of the fates, but for a batch that was taken once more.
    let today = calendar::day_of(app.clock.now());
    let mut rest: HashMap<Uuid, Verdict> = HashMap::new();
    let mut verdicts = verdicts.into_iter().peekable();
    for of_table in fates.chunk_by_mut(|one, next| one.table.name == next.table.name) {
        let mut stays = Vec::new();
        for fate in of_table.iter_mut().filter(|fate| fate.record.is_gone()) {
            let verdict = match verdicts.next_if(|(of, _)| *of == fate.record.id) {
                Some((_, verdict)) => Some(verdict),
                None => {
                    rest.extend(verdicts.by_ref());
                    rest.remove(&fate.record.id)
                }
            };
            match verdict {
                Some(verdict) if verdict.goes() => fate.went(today, verdict),
                Some(verdict) => stays.push((fate.row.clone(), verdict)),
                None => {}
            }
        }
        let Some(Fate { table, .. }) = of_table.first() else { continue };
        for stayed in explained(app.db.read(), table, stays, today).await? {
            if let Ok(at) = of_table.binary_search_by_key(&stayed.record.id, |fate| fate.record.id) {
                of_table[at] = stayed;
            }
        }
    }
    Ok(())
}

async fn carry_out(
    app: &App,
    actor: &Actor,
    id: ErasureId,
    fates: &[Fate],
    whole: Option<CustomerId>,
) -> Result<Vec<(Uuid, Verdict)>> {
    let going: Vec<&Fate> = fates.iter().filter(|fate| fate.record.is_gone()).collect();
    let mut verdicts = Vec::with_capacity(going.len());
    let mut batches = Batches { app, id, left: &going, found_with: "", whole };
    let mut pace = Pace::default();
    let mut announced = batches.next(pace).await?;
    let mut unsettled = Unsettled::default();
    while let Some((batch, table)) = announced {
        let before = std::mem::take(&mut unsettled);
        let telling = async {
            before.settle(app).await?;
            batches.next(pace).await
        };
        let (removed, following) = tokio::join!(batch.remove(app, actor), telling);
        let removed = match removed {
            Ok((removed, of_this)) => {
                unsettled = of_this;
                removed
            }
            Err(error) => {
                if let Ok(Some((following, _))) = following {
                    // Why it failed is what is told.
                    let _ = following.withdraw(app).await;
                }
                return Err(error);
            }
        };
        pace.took(removed.gone(), removed.kept);
        batches.found_with = table;
        verdicts.extend(removed.verdicts);
        announced = match following {
            Ok(following) => following,
            Err(error) => {
                unsettled.settle(app).await?;
                return Err(error);
            }
        };
    }
    unsettled.settle(app).await?;
    Ok(verdicts)
}

/// What still has to go: fates stand children first, as the door wants them.
struct Batches<'a> {
    app: &'a App,
    id: ErasureId,
    left: &'a [&'a Fate],
    /// The table whose rows the pace was found with.
    found_with: &'static str,
    /// The person, where nothing of theirs stays.
    whole: Option<CustomerId>,
}

impl<'a> Batches<'a> {
    /// Announces the next batch, and the table that it ends with; none at the end.
    async fn next(&mut self, pace: Pace) -> Result<Option<(Announced<'a>, &'static str)>> {
        let seen = self.cut(pace);
        let Some(table) = seen.last().map(|last| last.table.name) else { return Ok(None) };
        let announced = door::announce(self.app, seen, Ground::Erasure(self.id)).await?;
        Ok(Some((announced.expect_whole(self.whole), table)))
    }

    fn cut(&mut self, pace: Pace) -> Vec<Seen> {
        let (mut seen, mut is_known) = (Vec::<Seen>::new(), true);
        let mut rows = 0;
        while let Some((Fate { table, row, .. }, left)) = self.left.split_first() {
            is_known &= table.name == self.found_with;
            if rows >= pace.full(is_known) {
                break;
            }
            (rows, self.left) = (rows + 1, left);
            match seen.last_mut().filter(|last| last.table.name == table.name) {
                Some(last) => last.rows.push(row.clone()),
                None => seen.push(Seen { table, rows: vec![row.clone()] }),
            }
        }
        seen
    }
}
