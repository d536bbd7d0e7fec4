//! What `doctor` tells an operator, as the real binary.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt as _;

use aftersales::db::{self, Place};
use serde_json::{Value, json};

use crate::on_both_engines;
use crate::support::command::program;

/// Its verdict as JSON, and its exit status.
fn doctor(app: &crate::support::App) -> (Value, Option<i32>) {
    let done = program(app, &["doctor", "--json"]);
    (serde_json::from_slice(&done.stdout).unwrap(), done.status.code())
}

on_both_engines! {
    /// A page that nobody reads in a day's work is found before the day on which somebody does.
    async fn a_damaged_page_is_found(app) {
        let (healthy, status) = doctor(app);
        assert_eq!((&healthy["damage"], &healthy["fine"], status), (&json!([]), &json!(true), Some(0)));
        let Place::File(file) = &app.state.config.database else { return };
        let root = "SELECT rootpage, (SELECT page_size FROM pragma_page_size) FROM sqlite_master WHERE name = 'consents'";
        let found = db::rows(app.state.db.read(), root, []).await.unwrap();
        let (page, size): (i64, i64) = (found[0].try_get_by_index(0).unwrap(), found[0].try_get_by_index(1).unwrap());
        assert!(app.state.db.forget(&[]).await.unwrap(), "nothing of it is left in the log");
        let place = u64::try_from((page - 1) * size).unwrap();
        let file = OpenOptions::new().read(true).write(true).open(file).unwrap();
        let mut healthy = [0; 64];
        file.read_exact_at(&mut healthy, place).unwrap();
        file.write_all_at(&[0xff; 64], place).unwrap();
        let (damaged, status) = doctor(app);
        file.write_all_at(&healthy, place).unwrap();
        assert!(damaged["damage"][0].as_str().unwrap().starts_with("main database: "), "{damaged}");
        assert_eq!((&damaged["fine"], status), (&json!(false), Some(1)));
    }
}
