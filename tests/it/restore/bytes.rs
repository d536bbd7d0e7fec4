//! After an erasure the bytes are gone: of the sealed text and of the wrapped key, from files, pages and logs.

use aftersales::retention::sweep;
use sea_orm::TransactionTrait as _;

use super::*;

/// The files of a SQLite database.
fn files(place: &Place) -> Vec<PathBuf> {
    let Place::File(path) = place else { panic!("SQLite") };
    let mut log = path.clone().into_os_string();
    log.push("-wal");
    vec![path.clone(), PathBuf::from(log)]
}

fn hold(places: &[PathBuf], needle: &[u8]) -> bool {
    let holds = |path: &PathBuf| std::fs::read(path).unwrap_or_default().windows(needle.len()).any(|w| w == needle);
    places.iter().any(holds)
}

/// Item by item: the ciphertexts of a person's rows and the wrapped keys of the units that seal them.
async fn secrets(app: &App, table: &str, column: &str) -> Vec<Vec<u8>> {
    let sql = format!("SELECT {column} FROM {table} WHERE {column} IS NOT NULL");
    let db = if table == "units" { app.state.keys.db() } else { &app.state.db };
    let rows = db::rows(db.read(), &sql, []).await.unwrap();
    rows.iter().map(|r| r.try_get_by_index(0).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_forgets_the_bytes() {
    let app = App::sqlite().await;
    let known = life::order(&app, "erika@example.com", "B-1").await;
    life::delivered(&app, &known).await;
    let config = &app.state.config;
    let (main, keys) = (files(&config.database), files(&config.keystore));
    let (names, wrapped) = (secrets(&app, "customers", "name").await, secrets(&app, "units", "wrapped_key").await);
    assert!(names.len() == 1 && wrapped.len() >= 2);
    assert!(names.iter().all(|bytes| hold(&main, bytes)) && wrapped.iter().all(|bytes| hold(&keys, bytes)));
    erase(&app, &known).await;
    assert_eq!(app.count("customers", "1 = 1").await, 0, "nothing of the person is kept");
    for (what, places, bytes) in [("the name", &main, &names), ("a wrapped key", &keys, &wrapped)] {
        assert!(!bytes.iter().any(|bytes| hold(places, bytes)), "{what} still lies in {places:?}");
    }
    // What the erasure wrote after its own checkpoint goes with the next run.
    app.run_job("retention").await;
    let (_, forgotten) = sweep::finish_all(&app.state).await.unwrap();
    assert!(forgotten);
    for log in [&main[1], &keys[1]] {
        assert_eq!(std::fs::metadata(log).map_or(0, |log| log.len()), 0, "{} is empty", log.display());
    }
    app.finish().await;
}

/// A reader of before the removal keeps PostgreSQL from forgetting: the report says so, and the next run does it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_says_when_it_cannot_forget_yet() {
    let Some(app) = App::postgres().await else { return };
    let known = life::order(&app, "erika@example.com", "B-2").await;
    life::delivered(&app, &known).await;
    let level = Some(sea_orm::IsolationLevel::RepeatableRead);
    for db in [&app.state.db, app.state.keys.db()] {
        let reader = db.read().begin_with_config(level, None).await.unwrap();
        db::rows(&reader, "SELECT 1", []).await.unwrap();
        assert!(!sweep::finish_all(&app.state).await.unwrap().1, "a reader is in the way");
        reader.rollback().await.unwrap();
        assert!(sweep::finish_all(&app.state).await.unwrap().1);
    }
    erase(&app, &known).await;
    for (db, table) in [(&app.state.db, "customers"), (app.state.keys.db(), "units")] {
        // The vacuum of the erasure left no dead row behind, in the key store either.
        let sql = format!("SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = '{table}'");
        let dead: i64 = db::rows(db.read(), &sql, []).await.unwrap()[0].try_get_by_index(0).unwrap();
        assert_eq!(dead, 0, "{table}");
    }
    app.finish().await;
}
