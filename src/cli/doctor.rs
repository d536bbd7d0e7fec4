//! `aftersales doctor`: where everything lies, whether it is whole, and what waits for somebody.

use std::process::ExitCode;

use entity::job_runs::State;
use serde_json::json;
use url::Url;

use super::{look, print_json, said};
use crate::config::Config;
use crate::db::Place;
use crate::jobs::{JOBS, lease};
use crate::policy::calendar::day_of;
use crate::privacy::erasure::recipients;
use crate::privacy::restore::drill;
use crate::privacy::scan::residual;
use crate::retention::{protections, run as removal};
use crate::{mail, outbox, policies};

/// Looks at everything and takes no decision.
pub(super) async fn run(config: Config, json: bool) -> anyhow::Result<ExitCode> {
    let places = [
        ("dataFolder", config.data.display().to_string()),
        ("mainDatabase", described(&config.database)),
        ("keyStore", described(&config.keystore)),
        ("ledger", described(&config.ledger)),
        ("masterKey", format!("{:?}", config.master_key)),
        ("aesInHardware", aes_gcm::aes::hardware_accelerated().to_string()),
    ];
    if !json {
        for (name, place) in &places {
            say!("{name:<14} {place}");
        }
    }
    let app = look(config).await?;
    let policy = app.policies.latest();
    let is_in_force = policies::is_stored(&app.db, policy.number).await?;
    let orders = outbox::pending(&app).await.map_err(said)?;
    let letters = mail::pending(&app).await.map_err(said)?;
    let scans = residual::pending(&app).await.map_err(said)?;
    let to_be_told = recipients::to_be_told(&app).await.map_err(said)?;
    let overdue = protections::overdue(&app).await.map_err(said)?;
    let (mut removal, mut failed) = (None, Vec::new());
    for job in JOBS {
        let Some(run) = lease::latest(&app, Some(job.name), 1).await.map_err(said)?.pop() else {
            continue;
        };
        if run.state == State::Failed {
            failed.push(job.name);
        }
        if job.name == "retention" {
            removal = Some(run);
        }
    }
    let mut damage = Vec::new();
    for (name, db) in [("main database", &app.db), ("key store", app.keys.db())] {
        // A page that cannot be read may be found by the check or stop it.
        let found = db.damage().await.unwrap_or_else(|error| Some(error.to_string()));
        damage.extend(found.map(|what| format!("{name}: {what}")));
    }
    damage.extend(app.ledger.head().await.err().map(|error| format!("ledger: {:#}", said(error))));
    let stopped = removal::stopped(&app).await.map_err(said)?;
    let fine = orders.dead == 0 && scans.failed == 0 && failed.is_empty() && damage.is_empty() && stopped.is_none();
    if json {
        let places: serde_json::Map<_, _> = places.into_iter().map(|(n, p)| (n.to_owned(), p.into())).collect();
        print_json(&json!({
            "places": places,
            "damage": damage,
            "policy": { "version": policy.number, "validFrom": policy.valid_from, "stored": is_in_force },
            "outbox": orders,
            "mail": letters,
            "scans": scans,
            "recipients": { "toBeTold": to_be_told },
            "protections": { "reviewOverdue": overdue },
            "failedJobs": failed,
            "retention": {
                "lastRun": removal.as_ref().map(|run| run.state),
                "surplus": stopped.as_ref().map(|run| run.surplus),
            },
            "fine": fine,
        }))?;
    } else {
        say!("stores         open, migrated, the master key fits");
        for what in &damage {
            say!("damaged        {what}");
        }
        let day = day_of(policy.valid_from);
        let is_announced = policy.valid_from > app.clock.now();
        let how = match (is_in_force, is_announced) {
            (true, false) => format!("is in force since {day}"),
            (true, true) => format!("is announced for {day}"),
            (false, false) => "is new: the server puts it in force when it starts".to_owned(),
            (false, true) => format!("is new: the server announces it for {day} when it starts"),
        };
        say!("policy         version {} {how}", policy.number);
        say!("outbox         {} waiting, {} given up", orders.pending, orders.dead);
        let server = if app.mailer.is_some() { "" } else { "; no mail server is set (AFTERSALES_SMTP_URL)" };
        say!("mail           {} waiting, {} undeliverable{server}", letters.queued, letters.dead + letters.bounced);
        say!("scans          {} to come after an erasure, {} failed", scans.pending, scans.failed);
        say!("recipients     {to_be_told} to be told of an erasure by staff");
        say!("protections    {overdue} holds and restrictions whose review is overdue");
        if !damage.is_empty() {
            say!("stop the server and restore the last backup: docs/operations.md");
        }
        if orders.dead > 0 {
            say!("look at the entries of the outbox that were given up");
        }
        if let Some(run) = &stopped {
            let since = day_of(run.started_at);
            say!(
                "nothing is removed since {since}: {} rows more are due than foreseen, and nobody has confirmed that",
                run.surplus
            );
        }
        for job in &failed {
            say!("the last run of the job {job} failed: jobs list, and the server's log");
        }
        if scans.failed > 0 {
            say!("look at the erasures whose scan found what had to be gone, or could not read everything");
        }
        for folder in drill::left() {
            say!("a drill is under way in {0}, or was killed: then remove {0}", folder.display());
        }
        if fine {
            say!("all is well");
        }
    }
    Ok(if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn described(place: &Place) -> String {
    match place {
        Place::File(path) => path.display().to_string(),
        Place::Postgres(url) => {
            // Never the password, which may also stand among the parameters.
            let Ok(url) = Url::parse(url) else { return "postgres://…".to_owned() };
            let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
            format!("postgres://…@{}{port}{}", url.host_str().unwrap_or_default(), url.path())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        for (url, shown) in [
            ("postgres://app:geheim@db.example:5433/shop", "postgres://…@db.example:5433/shop"),
            ("postgresql://db.example/shop?user=app&password=geheim", "postgres://…@db.example/shop"),
            ("postgres://app:ge%3Fheim@/shop?host=/run/postgresql", "postgres://…"),
            ("postgres://app:geheim@db.example:port/shop", "postgres://…"),
        ] {
            assert_eq!(described(&Place::Postgres(url.to_owned())), shown);
        }
    }
}
