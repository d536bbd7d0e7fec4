//! The master key and the key store: a wrong or missing key stops the start and changes nothing.

use std::sync::Arc;

use aftersales::clock::Clock;
use aftersales::config::Config;
use aftersales::db::Place;
use aftersales::keys::UnitOf;
use aftersales::keys::master::Source;
use aftersales::outbox;
use aftersales::state::App as State;
use entity::DataType;
use entity::outbox_entries::Kind;
use serde_json::json;
use zeroize::Zeroizing;

use crate::on_both_engines;
use crate::support::{App, days, life};

fn with_key(app: &App, master_key: Source) -> Config {
    Config { master_key, ..app.state.config.clone() }
}

async fn start(config: Config) -> Result<(), String> {
    State::open(config, Clock::System).await.map(|_| ()).map_err(|e| format!("{e:#}"))
}

on_both_engines! {
    /// Decision 3: a wrong master key.
    async fn a_wrong_master_key_stops_the_start(app) {
        life::order(app, "max@example.com", "K-1").await;
        let other = Source::Given(Zeroizing::new("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned()));
        let error = start(with_key(app, other)).await.unwrap_err();
        assert!(error.contains("not the one that this key store was made with"), "{error}");
        assert!(error.contains("AFTERSALES_MASTER_KEY_FILE"), "it says what to do: {error}");
        start(app.state.config.clone()).await.unwrap();
    }

    /// Decision 3: no master key where a key store exists; none is made.
    async fn a_missing_master_key_stops_the_start(app) {
        let missing = app.folder.path().join("nowhere/master.key");
        let source = Source::File(missing.clone());
        let error = start(with_key(app, source)).await.unwrap_err();
        assert!(error.contains("is missing") && error.contains("Put the key back"), "{error}");
        assert!(!missing.exists(), "nothing was made");
    }

    /// A lost key store beside a filled main database: nothing is made in its place.
    async fn a_lost_key_store_stops_the_start(app) {
        life::order(app, "max@example.com", "K-0").await;
        let empty = match &app.state.config.keystore {
            aftersales::db::Place::File(_) => {
                aftersales::db::Place::File(app.folder.path().join("elsewhere/keys.sqlite"))
            }
            // An empty database stands for a lost one: the test's own, but for its rows.
            aftersales::db::Place::Postgres(url) => {
                let db = app.state.keys.db().write();
                aftersales::db::run(db, "ALTER TABLE store RENAME TO store_lost", []).await.unwrap();
                aftersales::db::Place::Postgres(url.clone())
            }
        };
        let error = start(Config { keystore: empty, ..app.state.config.clone() }).await.unwrap_err();
        assert!(error.contains("key store is missing") && error.contains("Put the key store back"), "{error}");
        assert!(!app.folder.path().join("elsewhere").exists(), "nothing was made");
        if app.state.db.backend() == sea_orm::DbBackend::Postgres {
            let db = app.state.keys.db().write();
            aftersales::db::run(db, "ALTER TABLE store_lost RENAME TO store", []).await.unwrap();
        }
    }

    /// N12: a ledger that is missing, or has not got to where the main database saw it: nothing is made in its place.
    async fn a_lost_ledger_stops_the_start(app) {
        let known = life::order(app, "max@example.com", "K-2").await;
        life::delivered(app, &known).await;
        let with = |name: &str| Config { ledger: Place::File(app.folder.path().join(name)), ..app.state.config.clone() };
        let copy = async |name: &str| app.state.ledger.copy_to(&app.folder.path().join(name)).await.map(|_| ()).unwrap();
        copy("older").await;
        let input = json!({ "customerId": known.customer });
        app.dpo().await.done("subjectErase", "SubjectEraseInput", input, "erasure { id }").await;
        copy("newest").await;
        let error = start(with("nowhere")).await.unwrap_err();
        assert!(error.contains("ledger is missing") && error.contains("make no empty one"), "{error}");
        assert!(!app.folder.path().join("nowhere").exists(), "nothing was made");
        let error = start(with("older")).await.unwrap_err();
        assert!(error.contains("is older than the main database"), "{error}");
        start(with("newest")).await.unwrap();
        start(app.state.config.clone()).await.unwrap();

        // Under a running service it is noticed as well: nothing is removed, and what is known is not forgotten.
        let Place::File(ledger) = &app.state.config.ledger else { panic!("the harness keeps the ledger in a folder") };
        let chain = "SELECT ledger_chain FROM retention_control";
        let known = async || -> Option<String> {
            aftersales::db::rows(app.state.db.read(), chain, []).await.unwrap()[0].try_get_by_index(0).unwrap()
        };
        let before = known().await;
        for replaced in ["older", "empty"] {
            let away = app.folder.path().join("away");
            std::fs::rename(ledger, &away).unwrap();
            if replaced == "empty" {
                std::fs::create_dir(ledger).unwrap();
            } else {
                std::fs::rename(app.folder.path().join("older"), ledger).unwrap();
            }
            let job = aftersales::jobs::named("retention").unwrap();
            let aftersales::jobs::lease::Ran::Here(run) = aftersales::jobs::lease::run_now(&app.state, job).await.unwrap() else {
                panic!("nobody else runs it")
            };
            assert_eq!(run.state, entity::job_runs::State::Failed, "{replaced}");
            let error = start(app.state.config.clone()).await.unwrap_err();
            assert!(error.contains("older than the main database") || error.contains("ledger is missing"), "{error}");
            assert!(before.is_some() && known().await == before, "{replaced}");
            std::fs::remove_dir_all(ledger).unwrap();
            std::fs::rename(&away, ledger).unwrap();
        }
        app.run_job("retention").await;
    }

    /// Decision 3: a command beside a running server destroys a key, and the server notices at once.
    async fn a_destroyed_key_is_noticed_by_another_process(app) {
        let owner = entity::ids::uuid_at(app.now());
        let of = UnitOf { owner, data_type: DataType::R21, year: 0, subject: Some(owner) };
        let unit = app.state.keys.ensure(of, app.now()).await.unwrap();
        assert_eq!(app.state.keys.load(&[unit.id], entity::Purpose::DataProtection, app.now()).await.unwrap().len(), 1);
        let beside = State::open(app.state.config.clone(), Clock::Fixed(app.clock.clone())).await.unwrap();
        beside.keys.destroy(&[unit.id]).await.unwrap();
        assert_eq!(app.state.keys.load(&[unit.id], entity::Purpose::DataProtection, app.now()).await.unwrap().len(), 0);
    }

    /// A unit is made once, however many ask for it at the same moment.
    async fn a_unit_is_made_once(app) {
        let owner = entity::ids::uuid_at(app.now());
        let of = UnitOf { owner, data_type: DataType::R03, year: 2014, subject: None };
        let asks = (0..16).map(|_| {
            let state = Arc::clone(&app.state);
            let now = app.now();
            tokio::spawn(async move { state.keys.ensure(of, now).await.unwrap().id })
        });
        let ids: Vec<_> = futures::future::try_join_all(asks).await.unwrap();
        assert!(ids.iter().all(|id| *id == ids[0]));
    }

    /// Decision 8: keys without rows are reaped after a day, keys with rows never.
    async fn the_reaper_takes_only_what_has_no_row(app) {
        life::order(app, "max@example.com", "K-2").await;
        let owner = entity::ids::uuid_at(app.now());
        let of = UnitOf { owner, data_type: DataType::R21, year: 0, subject: Some(owner) };
        let orphan = app.state.keys.ensure(of, app.now()).await.unwrap();
        assert_eq!(app.run_job("reaper").await["keys"], 0, "it may belong to a change that is just being made");
        app.advance(days(2));
        assert_eq!(app.run_job("reaper").await["keys"], 1);
        assert_eq!(app.state.keys.load(&[orphan.id], entity::Purpose::DataProtection, app.now()).await.unwrap().len(), 0);
    }

    /// A backup in which rows lie under a key that they have left since can be opened with any later archive of keys, for as long as
    /// these live; an erasure ends what it says on its day.
    async fn a_key_that_rows_have_left_ends_with_the_archives(app) {
        let advised = async |number: &str, email: &str| {
            let known = life::order(app, email, number).await;
            life::delivered(app, &known).await;
            let case = life::open(&app.customer(email).await, "ORDER_ADVICE", Some(&known.order), "Ist der Deckel dabei?").await;
            life::decide(app, &case, "SOLVED_DIRECTLY").await;
            life::notify(app, &case).await;
            let input = json!({ "caseId": case, "adviceOnly": true });
            app.agent().await.done("serviceCaseClose", "ServiceCaseCloseInput", input, "serviceCase { state }").await;
            known
        };
        let left = async || {
            app.run_job("outbox").await;
            let sql = "SELECT 1 FROM units WHERE data_type = 'R03'";
            aftersales::db::rows(app.state.keys.db().read(), sql, []).await.unwrap().len()
        };
        advised("K-3", "max@example.com").await;
        let of_one = left().await;
        assert!(of_one > 0, "the letters lay under these");
        let erika = advised("K-4", "erika@example.com").await;
        assert_eq!(left().await, 2 * of_one);
        assert_eq!(outbox::pending(&app.state).await.unwrap().pending, 0, "nobody waits for them");
        let input = json!({ "customerId": erika.customer });
        app.dpo().await.done("subjectErase", "SubjectEraseInput", input, "erasure { state }").await;
        assert_eq!(left().await, of_one, "what is erased is not kept for backups");
        app.advance(days(34));
        assert_eq!((&app.run_job("reaper").await["keys"], left().await), (&json!(0), of_one));
        app.advance(days(1));
        assert_eq!(left().await, 0);
    }

    /// Keys end many at a time; an order that cannot be carried out keeps none of the others waiting.
    async fn one_order_that_fails_stops_no_other(app) {
        let mut units = Vec::new();
        let tx = app.state.db.begin().await.unwrap();
        for _ in 0..3 {
            let owner = entity::ids::uuid_at(app.now());
            let of = UnitOf { owner, data_type: DataType::R21, year: 0, subject: None };
            let unit = app.state.keys.ensure(of, app.now()).await.unwrap().id;
            outbox::destroy_keys(&tx, app.now(), &[unit]).await.unwrap();
            units.push(unit);
        }
        outbox::enqueue(&tx, app.now(), Kind::DestroyKey, "no unit".to_owned()).await.unwrap();
        tx.commit().await.unwrap();
        let report = outbox::run(&app.state).await.unwrap();
        assert_eq!((report.done, report.failed, report.dead), (3, 1, 0));
        assert_eq!(app.state.keys.existing(&units).await.unwrap(), []);
        assert_eq!(app.count("outbox_entries", "state = 'PENDING' AND target = 'no unit' AND attempts = 1").await, 1);
    }

    /// As many as one order may name end with one commit of the key store, whoever's they are.
    async fn keys_end_together(app) {
        let generation = async || -> i64 {
            let sql = "SELECT CAST(generation AS bigint) FROM store";
            let rows = aftersales::db::rows(app.state.keys.db().read(), sql, []).await.unwrap();
            rows[0].try_get_by_index(0).unwrap()
        };
        let before = generation().await;
        let tx = app.state.db.begin().await.unwrap();
        for _ in 0..3 {
            let mut units = Vec::new();
            for _ in 0..200 {
                let owner = entity::ids::uuid_at(app.now());
                let of = UnitOf { owner, data_type: DataType::R21, year: 0, subject: Some(owner) };
                units.push(app.state.keys.ensure(of, app.now()).await.unwrap().id);
            }
            outbox::destroy_keys(&tx, app.now(), &units).await.unwrap();
        }
        tx.commit().await.unwrap();
        assert_eq!(outbox::run(&app.state).await.unwrap().done, 3);
        assert_eq!(generation().await - before, 2, "400 and 200");
        let sql = "SELECT CAST(COUNT(*) AS bigint) FROM units WHERE data_type = 'R21'";
        let left = aftersales::db::rows(app.state.keys.db().read(), sql, []).await.unwrap();
        assert_eq!(left[0].try_get_by_index::<i64>(0).unwrap(), 0);
    }
}
