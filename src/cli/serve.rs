//! `aftersales serve` and `aftersales demo`.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde_json::json;
use tokio::net::TcpListener;

use super::{jobs, said, token};
use crate::clock::Clock;
use crate::config::{Config, secrets_beside};
use crate::db::Place;
use crate::demo;
use crate::http;
use crate::jobs::{lease, named, ticker};
use crate::keys::master::Source;
use crate::state::{App, AppState};
use entity::staff::Role;

/// Serves until SIGINT or SIGTERM.
pub(super) async fn serve(config: Config) -> anyhow::Result<()> {
    let listener = listen(&config).await?;
    let app = App::open(config, Clock::System).await?;
    run(app, listener, |url| say!("listening on {url}/graphql")).await
}

/// Fills a folder, runs the retention job once, serves, and clears up.
pub(super) async fn demo(mut config: Config, keep: bool) -> anyhow::Result<()> {
    let folder = demo_folder()?;
    let secrets = secrets_beside(&folder);
    config.database = Place::File(folder.join("main/aftersales.sqlite"));
    config.keystore = Place::File(folder.join("keys/keys.sqlite"));
    config.ledger = Place::File(folder.join("ledger"));
    config.master_key = Source::File(secrets.join("master.key"));
    config.data = folder.clone();
    config.graphiql = true;
    config.introspection = true;
    // Nobody of the demo exists: nothing may leave the machine.
    config.mail.smtp = None;
    let listener = listen(&config).await?;
    let served = fill_and_serve(config, listener).await;
    if keep {
        eprintln!("kept: {} and {}", folder.display(), secrets.display());
    } else {
        for gone in [&folder, &secrets] {
            if let Err(error) = std::fs::remove_dir_all(gone) {
                eprintln!("could not remove {}: {error}", gone.display());
            }
        }
    }
    served
}

async fn fill_and_serve(config: Config, listener: TcpListener) -> anyhow::Result<()> {
    let filled = tokio::select! {
        filled = demo::fill(config.clone()) => filled.context("the demo could not be filled"),
        () = stopped() => bail!("stopped while filling"),
    }?;
    let app = App::open(config, Clock::System).await?;
    let lease::Ran::Here(run_) = lease::run_now(&app, named("retention").map_err(said)?).await.map_err(said)? else {
        bail!("another instance runs the retention job on the demo's folder");
    };
    let report = serde_json::from_str(&run_.report)?;
    let tokens = tokens(&app).await?;
    let path = app.config.data.join("tokens.json");
    write_private(&path, &serde_json::to_string_pretty(&tokens)?)
        .with_context(|| format!("cannot write {}", path.display()))?;
    run(app, listener, |url| {
        say!("{}", demo::greeting(&filled, url, &tokens));
        say!("The first run of the retention job:\n");
        jobs::print_report(&report);
        say!("\nlistening on {url}/graphql");
    })
    .await
}

/// Tokens are for their owner's eyes alone.
fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    std::io::Write::write_all(&mut options.open(path)?, text.as_bytes())
}

async fn tokens(app: &AppState) -> anyhow::Result<serde_json::Value> {
    let staff = async |role| crate::staff::token(app, role).await.map_err(said);
    Ok(json!({
        "customer": token::customer(app, demo::MAX.to_owned()).await?,
        "agent": staff(Role::Agent).await?,
        "warehouse": staff(Role::Warehouse).await?,
        "finance": staff(Role::Finance).await?,
        "dpo": staff(Role::Dpo).await?,
        "admin": staff(Role::Admin).await?,
        "shop": token::shop(app)?,
    }))
}

/// `AFTERSALES_DATA`, which has to be empty or missing, or a new temporary folder.
fn demo_folder() -> anyhow::Result<PathBuf> {
    let Some(given) = std::env::var_os("AFTERSALES_DATA").filter(|v| !v.is_empty()).map(PathBuf::from) else {
        let name = format!("aftersales-demo-{}", Clock::System.request_id());
        return Ok(std::env::temp_dir().join(name));
    };
    if is_used(&given) || is_used(&secrets_beside(&given)) {
        bail!("{} is not empty: the demo fills only an empty or missing folder", given.display());
    }
    Ok(given)
}

fn is_used(folder: &Path) -> bool {
    std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some())
}

async fn listen(config: &Config) -> anyhow::Result<TcpListener> {
    let cannot = || format!("cannot listen on {}; choose another address in AFTERSALES_LISTEN", config.listen);
    TcpListener::bind(config.listen).await.with_context(cannot)
}

async fn run(app: AppState, listener: TcpListener, ready: impl FnOnce(&str)) -> anyhow::Result<()> {
    let address = format!("http://{}", listener.local_addr()?);
    let _ = app.base_url.set(address.clone());
    let mut scheduler = None;
    if app.config.jobs {
        lease::sync(&app).await.map_err(said)?;
        scheduler = Some(ticker::start(&app).await?);
    }
    ready(&address);
    let served = http::serve::serve(listener, http::router(app), stopped()).await;
    if let Some(mut scheduler) = scheduler {
        scheduler.shutdown().await?;
    }
    served
}

/// Resolves at SIGINT or SIGTERM.
async fn stopped() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
