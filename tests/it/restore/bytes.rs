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

/// A piece out of the middle of each value: a long one spans several pages.
async fn secrets(app: &App, table: &str, column: &str) -> Vec<Vec<u8>> {
    let sql = format!("SELECT {column} FROM {table} WHERE {column} IS NOT NULL");
    let db = if table == "units" { app.state.keys.db() } else { &app.state.db };
    let rows = db::rows(db.read(), &sql, []).await.unwrap();
    let piece = |bytes: Vec<u8>| {
        let middle = bytes.len() / 2;
        bytes[middle.saturating_sub(24)..(middle + 24).min(bytes.len())].to_vec()
    };
    rows.iter().map(|r| piece(r.try_get_by_index(0).unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_forgets_the_bytes() {
    let app = App::sqlite().await;
    let known = life::order(&app, "erika@example.com", "B-1").await;
    life::delivered(&app, &known).await;
    let customer = app.customer(&known.email).await;
    let case = life::open(&customer, "USAGE_GUIDANCE", None, "Wie reinige ich ihn?").await;
    for part in 0..40 {
        // Enough that whole pages become free.
        life::say(&customer, &case, &format!("{part} {}", "Kalk ".repeat(600))).await;
    }
    life::decide(&app, &case, "SOLVED_DIRECTLY").await;
    life::close(&app, &case).await;
    let config = &app.state.config;
    let (main, keys) = (files(&config.database), files(&config.keystore));
    let mut there = Vec::new();
    for (places, table, column, least) in
        [(&main, "messages", "body", 35), (&main, "customers", "name", 1), (&keys, "units", "wrapped_key", 3)]
    {
        let mut pieces = secrets(&app, table, column).await;
        // A piece that a page's end cuts in two is not looked for.
        pieces.retain(|piece| hold(places, piece));
        assert!(pieces.len() >= least, "{table}: {}", pieces.len());
        there.push((places, table, pieces));
    }
    for db in [&app.state.db, app.state.keys.db()] {
        let on = db::rows(db.write(), "PRAGMA secure_delete", []).await.unwrap();
        assert_eq!(on[0].try_get_by_index::<i32>(0).unwrap(), 1, "not FAST, which leaves the pages that become free");
    }
    erase(&app, &known).await;
    assert_eq!(app.count("customers", "1 = 1").await + app.count("messages", "1 = 1").await, 0, "nothing is kept");
    for (places, table, pieces) in &there {
        let left = pieces.iter().filter(|piece| hold(places, piece)).count();
        assert_eq!(left, 0, "values of {table} still lie in {places:?}");
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
