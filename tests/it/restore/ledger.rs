//! The ledger in a database of its own, and when it expires.

use aftersales::policy::retention::shipped;
use aftersales::retention::ledger::{Ledger, Reached};
use chrono::{DateTime, Utc};
use entity::DataType;

use super::*;
use crate::support::{days, postgres};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// Writers of several instances, and of several years; what a later reader sees of them.
async fn chained(place: &Place) {
    let begin = at("2014-12-31T12:00:00Z");
    assert!(Ledger::find(place).await.is_err(), "none is there, and looking makes none");
    let (one, two) = (Ledger::open(place, begin).await.unwrap(), Ledger::open(place, begin).await.unwrap());
    let early = one.head().await.unwrap().unwrap();
    assert_eq!(early.entries, 1, "it begins once");
    let write = async |ledger: &Ledger| {
        for day in 0..10 {
            let intent = ledger.intent(begin + days(day), "RULE", Vec::new(), &[]).await.unwrap();
            ledger.void(begin + days(day), intent).await.unwrap();
        }
    };
    futures::join!(write(&one), write(&two));
    let found = Ledger::find(place).await.unwrap();
    let head = found.head().await.unwrap().unwrap();
    assert_eq!((head.entries, head.ledger), (41, early.ledger), "no line is lost, and the chain holds");
    let (entries, reached) = found.since(begin + days(9), &early).await.unwrap();
    assert_eq!((entries.len(), reached), (4, Reached::Yes));
    let elsewhere = tempfile::tempdir().unwrap();
    let copy = found.copy_to(elsewhere.path()).await.unwrap();
    assert_eq!(copy.head().await.unwrap().unwrap(), head);

    // R34: ten years after the end of the year it goes, and goes on under a new name.
    let rule = shipped().into_iter().find(|rule| rule.data_type == DataType::R34).unwrap();
    assert_eq!(found.latest().await.unwrap().as_ref(), Some(&head.chain));
    assert!(found.has(&early.chain).await.unwrap() && found.has(&head.chain).await.unwrap());
    assert!(!found.has(&early.chain.replace(|digit: char| digit.is_ascii_digit(), "a")).await.unwrap());
    let expire = async |day: &str| {
        found.renew(&rule, at(day)).await.unwrap();
        found.expire(&rule, at(day)).await.unwrap()
    };
    assert_eq!(expire("2024-12-31T12:00:00Z").await, 0);
    assert!(expire("2025-01-02T12:00:00Z").await > 0, "2014");
    assert!(!found.has(&early.chain).await.unwrap() && found.has(&head.chain).await.unwrap());
    let rest = found.head().await.unwrap().unwrap();
    assert!(rest.chain == head.chain && rest.entries < head.entries);
    assert!(expire("2026-01-02T12:00:00Z").await > 0, "2015");
    let renewed = found.head().await.unwrap().unwrap();
    assert!(renewed.entries == 1 && renewed.ledger.is_some() && renewed.ledger != early.ledger);
    for ledger in [one, two, found] {
        ledger.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_keeps_the_order_of_all_writers() {
    let folder = tempfile::tempdir().unwrap();
    chained(&Place::File(folder.path().join("ledger"))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_keeps_the_order_of_all_writers() {
    let Some(server) = postgres::server() else { return };
    let name = format!("aftersales_{}_ledger_chain", std::process::id());
    server.create_database(&name);
    chained(&Place::Postgres(server.url(&name))).await;
    server.drop_database(&name);
}

/// The ledger in a database of its own does the same for a restore and a drill.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_reads_the_ledger_of_a_database() {
    let (Some(app), Some(server)) = (App::postgres().await, postgres::server()) else { return };
    let name = format!("aftersales_{}_ledger", std::process::id());
    server.create_database(&name);
    let mut stopped = app.stop().await;
    stopped.config.ledger = Place::Postgres(server.url(&name));
    let without_ledger = async |config: &Config| {
        let db = Db::open(&config.database).await.unwrap();
        db::run(db.write(), "UPDATE retention_control SET ledger_chain = NULL", []).await.unwrap();
        db.close().await;
    };
    without_ledger(&stopped.config).await;
    let app = stopped.start(Clock::System.now()).await;
    let known = person(&app, "erika", "L-1").await;
    let folder = backup_folder(&app);
    report(&app.state.config, &["backup", text(&folder)]);
    now(&app);
    erase(&app, &known).await;
    let after = rows(&app.state.db).await;
    let drill = report(&app.state.config, &["restore", text(&folder), "--drill"]);
    let stopped = app.stop().await;
    let mut done = report(&stopped.config, &["restore", text(&folder), "--replace"]);
    assert!(done["rowsGoneAgain"].as_u64().unwrap() > 0);
    done["drill"] = json!(true);
    assert_eq!(done, drill);
    let app = stopped.start(Clock::System.now()).await;
    assert_eq!(rows(&app.state.db).await, after);
    let stopped = app.stop().await;
    server.drop_database(&name);
    server.create_database(&name);
    let said = refused(&stopped.config, &["restore", text(&folder), "--replace"]);
    assert!(said.contains("the erasure ledger is missing"), "{said}");
    without_ledger(&stopped.config).await;
    let app = stopped.start(Clock::System.now()).await;
    app.finish().await;
    server.drop_database(&name);
}
