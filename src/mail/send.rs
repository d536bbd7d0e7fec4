//! Sends what is queued: claimed by a lease, each within its time, tried again for about a day.
//!
//! At least once: a process that dies between the server's 250 and its own note sends a second time, under the same
//! Message-ID.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use entity::ids::{CaseId, MailId};
use entity::mails::{Column, Entity, Model, State};
use futures::future::join_all;
use sea_orm::{ColumnTrait as _, DatabaseTransaction, DbBackend, EntityTrait as _, QueryFilter as _, QueryOrder as _};
use serde::Serialize;
use serde_json::json;
use tokio::time::Instant;

use super::smtp::{Lines, Mailer, Outcome};
use super::{Mail, post};
use crate::auth::Actor;
use crate::error::Result;
use crate::state::App;
use crate::{audit, db};

/// What a run did.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Taken by the server.
    pub sent: u64,
    /// To be tried again.
    pub later: u64,
    /// Refused for good, or given up.
    pub dead: u64,
    /// Still waiting at the end, for their time or for a mail server to be set.
    pub waiting: i64,
}

/// Mails under way at the same time, each on a connection of its own.
const AT_ONCE: usize = 8;
/// How long a mail belongs to the run that has claimed it.
const LEASE: TimeDelta = TimeDelta::minutes(2);
/// No batch begins later than this after the first, so that the jobs of the same tick come to their turn.
const RUN: Duration = Duration::from_secs(45);
/// How far back a mail that was given up is looked for: tries last a day, and an instance may stand still.
const LOOKS_BACK: TimeDelta = TimeDelta::days(30);
/// What is said of a mail that was given up before it was sent.
const WITHDRAWN: &str = "WITHDRAWN";
/// With the waits between them, the last attempt comes about a day after the first.
const MOST_ATTEMPTS: i32 = 14;

/// Sends everything that is due. Any number of instances may run this at once. Where no server answers, it stops after one
/// batch; what the server leaves unanswered, it leaves for later.
///
/// # Errors
/// The database or the key store fails; a failing mail server is mails tried again, not an error.
pub async fn drain(app: &App) -> Result<Report> {
    let mut report = Report::default();
    if let Some(mailer) = &app.mailer {
        let (lines, began) = (Lines::new(mailer), Instant::now());
        loop {
            let mails = claim(app).await?;
            if mails.is_empty() {
                break;
            }
            let tries: Vec<_> = mails.iter().map(|mail| attempt(app, mailer, &lines, mail)).collect();
            let outcomes = join_all(tries).await;
            let mut is_there = false;
            for outcome in outcomes {
                let outcome = outcome?;
                is_there |= outcome.is_reply();
                match outcome {
                    Outcome::Sent(_) => report.sent += 1,
                    Outcome::Later(_) => report.later += 1,
                    Outcome::Refused(_) => report.dead += 1,
                }
            }
            if !is_there || began.elapsed() > RUN {
                break;
            }
        }
        lines.close().await;
    }
    report.waiting = super::pending(app).await?.queued;
    Ok(report)
}

/// The cases with a mail that was given up and that nobody has been told of since.
///
/// # Errors
/// The database cannot be read.
pub async fn given_up(app: &App) -> Result<Vec<CaseId>> {
    let sql = "SELECT DISTINCT m.case_id FROM mails m JOIN cases c ON c.id = m.case_id AND c.state <> 'ERASED' \
               WHERE m.state = 'DEAD' AND m.response <> $1 AND m.queued_at >= $2 AND NOT EXISTS (SELECT 1 FROM tasks t \
               WHERE t.case_id = m.case_id AND t.kind = 'MAIL_BOUNCED' AND t.created_at >= m.available_at)";
    let since = app.clock.now() - LOOKS_BACK;
    let rows = db::rows(app.db.read(), sql, [WITHDRAWN.into(), since.into()]).await?;
    rows.iter().map(|row| Ok(CaseId(row.try_get_by_index(0)?))).collect()
}

async fn claim(app: &App) -> Result<Vec<Model>> {
    let now = app.clock.now();
    let skip = if app.db.backend() == DbBackend::Postgres { "FOR UPDATE SKIP LOCKED" } else { "" };
    let sql = format!(
        "UPDATE mails SET claimed_until = $1, attempts = attempts + 1 WHERE id IN (\
         SELECT id FROM mails WHERE state = 'QUEUED' AND available_at <= $2 \
         AND (claimed_until IS NULL OR claimed_until < $2) ORDER BY available_at, id LIMIT {AT_ONCE} {skip}) \
         RETURNING id"
    );
    let rows = db::rows(app.db.write(), &sql, [(now + LEASE).into(), now.into()]).await?;
    let ids = rows.iter().map(|r| Ok(MailId(r.try_get_by_index(0)?))).collect::<Result<Vec<_>>>()?;
    let mails = Entity::find().filter(Column::Id.is_in(ids)).order_by_asc(Column::Id);
    Ok(mails.all(app.db.write()).await?)
}

async fn attempt(app: &App, mailer: &Mailer, lines: &Lines<'_>, mail: &Model) -> Result<Outcome> {
    let outcome = match super::open(app, mail).await? {
        None => Outcome::Refused("SEALED".to_owned()),
        Some(opened) => deliver(app, mailer, lines, mail, &opened).await,
    };
    let outcome = match outcome {
        Outcome::Later(said) if mail.attempts >= MOST_ATTEMPTS => Outcome::Refused(said),
        other => other,
    };
    settle(app, mail, &outcome).await?;
    Ok(outcome)
}

async fn deliver(app: &App, mailer: &Mailer, lines: &Lines<'_>, mail: &Model, opened: &Mail) -> Outcome {
    match post::message(app, mailer, mail, opened) {
        Err(error) => {
            tracing::warn!(mail = %mail.id, cause = format!("{error:#}"), "a mail cannot be put together");
            Outcome::Refused("ADDRESS".to_owned())
        }
        Ok(message) => lines.send(message.envelope(), &message.formatted()).await,
    }
}

/// Notes what became of an attempt, unless the row has gone or has come back meanwhile.
async fn settle(app: &App, mail: &Model, outcome: &Outcome) -> Result<()> {
    let now = app.clock.now();
    let (state, said) = match outcome {
        Outcome::Sent(said) => (State::Sent, said),
        Outcome::Later(said) => (State::Queued, said),
        Outcome::Refused(said) => (State::Dead, said),
    };
    let tx = app.db.begin().await?;
    let sql = "UPDATE mails SET state = $1, response = $2, sent_at = $3, available_at = $4, claimed_until = NULL \
               WHERE id = $5 AND state = 'QUEUED' AND attempts = $6";
    let values = [
        state.code().into(),
        said.as_str().into(),
        (state == State::Sent).then_some(now).into(),
        if state == State::Dead { now } else { now + wait(mail) }.into(),
        mail.id.0.into(),
        mail.attempts.into(),
    ];
    let noted = db::run(&tx, sql, values).await? == 1;
    if noted && state == State::Dead {
        tracing::warn!(mail = %mail.id, said, "a mail could not be delivered");
        let details = json!({ "template": mail.template.code(), "response": said });
        audit::record(&tx, now, &Actor::System, "mail.dead", ("mails", Some(mail.id.0)), details).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Doubling from one minute to four hours, and up to a quarter more, so that what failed together does not come back
/// together. The quarter follows from the id and the attempt: nothing here is left to chance.
fn wait(mail: &Model) -> TimeDelta {
    let minutes = (1_i64 << (mail.attempts - 1).clamp(0, 8)).min(240);
    let seconds = minutes * 60;
    let part = (mail.id.0.as_u128() >> (mail.attempts.clamp(0, 20) as u32) & 0xFF) as i64;
    TimeDelta::seconds(seconds + seconds * part / 1024)
}

/// Gives up a mail that still waits, in the transaction of what made it untrue. `false`: it is being sent at this moment.
///
/// # Errors
/// The database fails.
pub(crate) async fn withdraw(tx: &DatabaseTransaction, mail: &Model, now: DateTime<Utc>) -> Result<bool> {
    let sql = "UPDATE mails SET state = 'DEAD', response = $1 WHERE id = $2 AND state = 'QUEUED' \
               AND (claimed_until IS NULL OR claimed_until < $3)";
    let withdrawn = db::run(tx, sql, [WITHDRAWN.into(), mail.id.0.into(), now.into()]).await? == 1;
    if withdrawn {
        let details = json!({ "template": mail.template.code(), "response": WITHDRAWN });
        audit::record(tx, now, &Actor::System, "mail.dead", ("mails", Some(mail.id.0)), details).await?;
    }
    Ok(withdrawn)
}

/// A mail came back, as the inbound side has read from its Message-ID, with or without angle brackets.
///
/// # Errors
/// The database fails.
pub async fn mark_bounced(app: &App, message_id: &str) -> Result<Option<Model>> {
    let now: DateTime<Utc> = app.clock.now();
    let id = format!("<{}>", message_id.trim().trim_matches(['<', '>']));
    let tx = app.db.begin().await?;
    let sql = "UPDATE mails SET state = 'BOUNCED', bounced_at = $1, claimed_until = NULL \
               WHERE message_id = $2 AND state IN ('QUEUED', 'SENT') RETURNING id";
    let rows = db::rows(&tx, sql, [now.into(), id.into()]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let mail = Entity::find_by_id(MailId(row.try_get_by_index(0)?)).one(&tx).await?;
    if let Some(mail) = &mail {
        let details = json!({ "template": mail.template.code() });
        audit::record(&tx, now, &Actor::System, "mail.bounced", ("mails", Some(mail.id.0)), details).await?;
    }
    tx.commit().await?;
    Ok(mail)
}
