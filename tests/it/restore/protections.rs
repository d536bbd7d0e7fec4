//! Nothing that was held or restricted is lost with a restore, and nothing that was released is held for ever.

use aftersales::clock::FixedClock;
use aftersales::keys::lookup::Kind as Lookup;
use aftersales::privacy::backup::{self, manifest::Blobs};
use aftersales::privacy::restore::{self, Options, Report};

use super::*;
use crate::support::{Caller, days};

/// An advice case (R06) goes a year after its closing, with the first nightly run of this day.
const CLOSED: &str = "2014-03-10T09:00:00Z";
const BACKED_UP: &str = "2015-03-05T09:00:00Z";
const DUE: &str = "2015-03-20T02:15:00Z";

/// A person of this name, and a case about nothing but advice, closed.
async fn advice(app: &App, name: &str) -> (life::Known, String) {
    let known = life::order(app, &format!("{name}@example.com"), &format!("P-{name}")).await;
    life::delivered(app, &known).await;
    let case = closed(app, &app.customer(&known.email).await).await;
    (known, case)
}

async fn closed(app: &App, customer: &Caller<'_>) -> String {
    let case = life::open(customer, "USAGE_GUIDANCE", None, "Wie entkalke ich ihn?").await;
    life::decide(app, &case, "SOLVED_DIRECTLY").await;
    life::close(app, &case).await;
    case
}

/// A backup by the clock of the test.
async fn back_up(app: &App) -> Options {
    let folder = backup_folder(app);
    let options = backup::Options { folder: folder.clone(), keys: None, key_days: 35, blobs: Blobs::Copy };
    backup::write(&app.state, &options).await.unwrap();
    Options { folder, keys: None, replace: true, drill: false }
}

/// Drills, restores, and starts again, by the clock of the test.
async fn restored(app: App, options: &Options) -> (App, Report) {
    let now = app.now();
    let stopped = app.stop().await;
    let run = async |options: &Options| {
        let clock = Clock::Fixed(FixedClock::at(now));
        restore::run(stopped.config.clone(), clock, options, |_| {}).await.unwrap()
    };
    let drill = run(&Options { drill: true, ..options.clone() }).await;
    let report = run(options).await;
    let said = |report: &Report| serde_json::to_value(Report { drill: false, ..report.clone() }).unwrap();
    assert_eq!(said(&drill), said(&report), "a drill says what a restore does");
    (stopped.start(now).await, report)
}

/// Holds placed and released again, restrictions placed and lifted again.
const fn counts(report: &Report) -> [u64; 4] {
    [
        report.holds_placed_again,
        report.holds_released_again,
        report.restrictions_placed_again,
        report.restrictions_lifted_again,
    ]
}

/// Does a thing of a hold or a restriction as the officer; returns its id. The clock goes on by an hour.
async fn officer(app: &App, mutation: &str, input: Value) -> String {
    app.advance(chrono::TimeDelta::hours(1));
    let of = if mutation.starts_with("hold") { "hold" } else { "restriction" };
    let input_type = format!("{}{}Input", mutation[..1].to_uppercase(), &mutation[1..]);
    let done = app.dpo().await.done(mutation, &input_type, input, &format!("{of} {{ id }}")).await;
    done[of]["id"].as_str().unwrap().to_owned()
}

async fn hold(app: &App, on: Value) -> String {
    let mut input = json!({ "reason": "LEGAL_CLAIM", "note": "Akte 4711", "reviewOn": "2015-06-01" });
    input.as_object_mut().unwrap().extend(on.as_object().unwrap().clone());
    officer(app, "holdPlace", input).await
}

async fn restrict(app: &App, on: Value) -> String {
    let mut input = json!({ "ground": "NEEDED_FOR_CLAIMS", "note": "Brief", "reviewOn": "2015-06-01" });
    input.as_object_mut().unwrap().extend(on.as_object().unwrap().clone());
    officer(app, "restrictionPlace", input).await
}

/// Of each case: whether its text is there.
async fn texts(app: &App, cases: &[&str]) -> Vec<bool> {
    let mut there = Vec::new();
    for case in cases {
        let sql = "SELECT 1 FROM messages WHERE case_id = $1";
        there.push(!db::rows(app.state.db.read(), sql, [life::row(case).into()]).await.unwrap().is_empty());
    }
    there
}

/// Everything of holds and restrictions but the notes and their keys, as the database stores it.
async fn protections(app: &App) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for table in ["holds", "restrictions"] {
        let columns = entity::map::table(table).unwrap().columns.iter().map(|c| c.name);
        let columns: Vec<String> = columns
            .filter(|c| !matches!(*c, "note" | "unit_id"))
            .map(|c| {
                if app.state.db.backend() == DbBackend::Postgres {
                    format!("COALESCE({c}::text, '-')")
                } else {
                    format!("quote({c})")
                }
            })
            .collect();
        let sql = format!("SELECT {} FROM {table} ORDER BY id", columns.join(" || '|' || "));
        let rows = db::rows(app.state.db.read(), &sql, []).await.unwrap();
        found.push(rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect());
    }
    found
}

owning! {
    /// Placed and reviewed after the backup: after a restore it stands until the day of its review, and the next nightly run
    /// leaves what it covers.
    async fn what_was_protected_since_is_protected_again(app) {
        app.at(CLOSED);
        let (_, held) = advice(&app, "erika").await;
        let (restricted_person, restricted) = advice(&app, "lena").await;
        let (_, free) = advice(&app, "max").await;
        app.at(BACKED_UP);
        let options = back_up(&app).await;
        let of_case = hold(&app, json!({ "caseId": held })).await;
        officer(&app, "holdReview", json!({ "id": of_case, "reviewOn": "2015-08-31" })).await;
        let of_person = restrict(&app, json!({ "customerId": restricted_person.customer })).await;
        officer(&app, "restrictionReview", json!({ "id": of_person, "reviewOn": "2015-09-01" })).await;
        officer(&app, "restrictionTell", json!({ "id": of_person, "toldBy": "EMAIL" })).await;
        hold(&app, json!({ "records": { "dataType": "R06", "year": 2013 } })).await;
        let before = protections(&app).await;
        app.advance(days(1));
        let (app, report) = restored(app, &options).await;
        assert_eq!((counts(&report), report.not_placed.len()), ([2, 0, 1, 0], 0));
        assert_eq!(protections(&app).await, before, "but for the notes, which are content");
        let asked = "{ holds { nodes { reason reviewOn note history { action } } } restrictions { nodes { note toldBy reviewOn } } }";
        let seen = app.dpo().await.data(asked, json!({})).await;
        assert_eq!(seen["holds"]["nodes"][1], json!({
            "reason": "LEGAL_CLAIM", "reviewOn": "2015-08-31", "note": null, "history": [{ "action": "hold.again" }],
        }));
        assert_eq!(seen["restrictions"]["nodes"], json!([{ "note": null, "toldBy": "EMAIL", "reviewOn": "2015-09-01" }]));
        app.at(DUE);
        app.run_job("retention").await;
        assert_eq!(texts(&app, &[&held, &restricted, &free]).await, [true, true, false]);
        // It is a hold like any other.
        officer(&app, "holdRelease", json!({ "id": of_case })).await;
        let lift = json!({ "id": of_person });
        let (code, _) = app.dpo().await.refused("restrictionLift", "RestrictionLiftInput", lift.clone()).await;
        assert_eq!(code, "PERSON_NOT_TOLD", "the mail was lost");
        officer(&app, "restrictionTell", json!({ "id": of_person, "toldBy": "LETTER" })).await;
        officer(&app, "restrictionLift", lift).await;
        app.run_job("retention").await;
        assert_eq!(texts(&app, &[&held, &restricted]).await, [false, false]);
        app.finish().await;
    }

    /// Released or lifted after the backup: after a restore it has ended, with its note, and what is due goes.
    async fn what_ended_since_has_ended_again(app) {
        app.at(CLOSED);
        let (_, held) = advice(&app, "erika").await;
        let (_, restricted) = advice(&app, "lena").await;
        let (_, shortly) = advice(&app, "max").await;
        app.at(BACKED_UP);
        let of_case = hold(&app, json!({ "caseId": held })).await;
        let restriction = restrict(&app, json!({ "caseId": restricted })).await;
        let options = back_up(&app).await;
        officer(&app, "holdRelease", json!({ "id": of_case })).await;
        officer(&app, "restrictionTell", json!({ "id": restriction, "toldBy": "PHONE" })).await;
        officer(&app, "restrictionLift", json!({ "id": restriction })).await;
        let placed_and_released = hold(&app, json!({ "caseId": shortly })).await;
        officer(&app, "holdRelease", json!({ "id": placed_and_released })).await;
        let before = protections(&app).await;
        app.advance(days(1));
        let (app, report) = restored(app, &options).await;
        assert_eq!((counts(&report), report.not_placed.len()), ([1, 2, 0, 1], 0));
        assert_eq!(protections(&app).await, before);
        assert_eq!(app.count("holds", "note IS NOT NULL").await, 1, "the backup has the note of its own");
        assert_eq!(app.count("restrictions", "note IS NOT NULL").await, 1);
        app.at(DUE);
        app.run_job("retention").await;
        assert_eq!(texts(&app, &[&held, &restricted, &shortly]).await, [false, false, false]);
        // R32: three years from the end of the year of the release.
        app.at("2019-01-02T02:15:00Z");
        app.run_job("retention").await;
        assert_eq!(app.count("holds", "1 = 1").await + app.count("restrictions", "1 = 1").await, 0);
        app.finish().await;
    }

    /// What covers something that was made after the backup is reported, and not invented.
    async fn what_covers_nothing_any_more_is_reported(app) {
        app.at(BACKED_UP);
        let (known, _) = advice(&app, "erika").await;
        let options = back_up(&app).await;
        let lost = closed(&app, &app.customer(&known.email).await).await;
        let (stranger, _) = advice(&app, "lena").await;
        let of_case = hold(&app, json!({ "caseId": lost })).await;
        let of_order = hold(&app, json!({ "orderId": stranger.order })).await;
        let over = hold(&app, json!({ "customerId": stranger.customer })).await;
        officer(&app, "holdRelease", json!({ "id": over })).await;
        let of_person = restrict(&app, json!({ "customerId": stranger.customer })).await;
        let (app, report) = restored(app, &options).await;
        assert_eq!(counts(&report), [0; 4]);
        let said: Vec<_> = report.not_placed.iter().map(|lost| (lost.table, lost.id, lost.on_table, lost.on_id)).collect();
        assert_eq!(said, [
            ("holds", life::row(&of_case), "cases", life::row(&lost)),
            ("holds", life::row(&of_order), "orders", life::row(&stranger.order)),
            ("restrictions", life::row(&of_person), "customers", life::row(&stranger.customer)),
        ]);
        assert_eq!(app.count("holds", "1 = 1").await + app.count("restrictions", "1 = 1").await, 0);
        app.finish().await;
    }

    /// An erasure that waited in the backup, and by now would not wait any more, goes on waiting for the hold of after it.
    async fn a_deferred_erasure_goes_on_waiting(app) {
        app.at(BACKED_UP);
        let known = life::order(&app, "erika@example.com", "P-1").await;
        assert_eq!(erase(&app, &known).await["state"], "DEFERRED");
        app.advance(days(80));
        let options = back_up(&app).await;
        hold(&app, json!({ "customerId": known.customer })).await;
        app.advance(days(20));
        app.run_job("retention").await;
        let (before, left) = (app.count("erasures", "state = 'DEFERRED'").await, rows(&app.state.db).await);
        assert_eq!(before, 1, "the order is taken for delivered, and held");
        let (app, report) = restored(app, &options).await;
        assert_eq!(counts(&report), [1, 0, 0, 0]);
        assert_eq!(app.count("erasures", "state = 'DEFERRED'").await, 1);
        let again = rows(&app.state.db).await;
        for table in ["customers", "orders", "parcels", "order_lines"] {
            assert_eq!(again[table], left[table], "{table}");
        }
        app.finish().await;
    }

    /// An erasure that was asked for after the backup, and of which nothing of before it could go, is on record again and goes on.
    async fn an_erasure_that_only_waits_is_not_forgotten(app) {
        app.at("2015-02-05T09:00:00Z");
        let known = life::order(&app, "erika@example.com", "P-erika").await;
        life::delivered(&app, &known).await;
        hold(&app, json!({ "customerId": known.customer })).await;
        app.at("2015-02-20T02:15:00Z");
        // What the requests have left goes without asking: a hold does not cover it.
        app.run_job("retention").await;
        app.at(BACKED_UP);
        let options = back_up(&app).await;
        app.advance(days(1));
        // Nobody of the backup: there is nothing to erase.
        let stranger = life::order(&app, "max@example.com", "P-max").await;
        assert_eq!(erase(&app, &stranger).await["state"], "DEFERRED");
        // What goes of her is of after the backup alone: by that nobody finds her.
        app.customer(&known.email).await;
        let input = json!({ "customerId": known.customer });
        let asked = app.dpo().await.done("subjectErase", "SubjectEraseInput", input, "erasure { id state }").await;
        assert_eq!(asked["erasure"]["state"], "DEFERRED");
        let ledger = app.state.ledger.entries().await.unwrap();
        assert_eq!(ledger.iter().filter(|entry| entry["event"] == "ASKED").count(), 2, "{ledger:#?}");
        let asked_at = app.now();
        app.advance(days(1));
        let (app, report) = restored(app, &options).await;
        assert_eq!(report.erasures_resumed, 1, "{report:?}");
        let lost: Vec<_> = report.not_placed.iter().map(|lost| (lost.table, lost.on_id)).collect();
        assert_eq!(lost, [("erasures", life::row(&stranger.customer))]);
        let hashes = app.state.keys.hashes_to(Lookup::Email, life::row(&known.customer)).await.unwrap();
        assert_eq!(hashes.len(), 1);
        for hash in hashes {
            let sql = "SELECT 1 FROM suppressions WHERE hash = $1";
            assert_eq!(db::rows(app.state.db.read(), sql, [hash.into()]).await.unwrap().len(), 1);
        }
        let query = "query($id: ID!) { erasure(id: $id) { state decidedAt records { outcome } } }";
        let again = app.dpo().await.data(query, json!({ "id": asked["erasure"]["id"] })).await;
        assert_eq!(again["erasure"]["state"], "DEFERRED");
        let requested: chrono::DateTime<chrono::Utc> = again["erasure"]["decidedAt"].as_str().unwrap().parse().unwrap();
        assert_eq!(requested.timestamp_millis(), asked_at.timestamp_millis());
        let outcomes = again["erasure"]["records"].as_array().unwrap();
        let count = |outcome: &str| outcomes.iter().filter(|r| r["outcome"] == outcome).count();
        assert!(count("HELD") > 3 && count("KEPT") > 0, "the hold itself is its own proof: {again:#}");
        let held = app.dpo().await.data("{ holds { nodes { id } } }", json!({})).await;
        officer(&app, "holdRelease", json!({ "id": held["holds"]["nodes"][0]["id"] })).await;
        app.run_job("retention").await;
        assert_eq!(app.count("customers", "name IS NOT NULL").await, 0);
        app.finish().await;
    }

    /// What had gone before the hold was placed goes again; what the hold found stays.
    async fn what_went_before_it_was_held_goes_again(app) {
        app.at(CLOSED);
        let (known, gone) = advice(&app, "erika").await;
        app.at("2014-04-10T09:00:00Z");
        let kept = closed(&app, &app.customer(&known.email).await).await;
        app.at(BACKED_UP);
        let options = back_up(&app).await;
        let armed = triggers(&app.state.db).await;
        app.at(DUE);
        app.run_job("retention").await;
        assert_eq!(texts(&app, &[&gone, &kept]).await, [false, true]);
        hold(&app, json!({ "customerId": known.customer })).await;
        let (app, report) = restored(app, &options).await;
        assert_eq!(counts(&report), [1, 0, 0, 0]);
        assert!(report.were_held > 0 && report.were_held <= report.rows_gone_again, "{report:?}");
        assert_eq!(texts(&app, &[&gone, &kept]).await, [false, true]);
        assert_eq!(triggers(&app.state.db).await, armed, "the triggers under holds are on again");
        app.at("2015-04-20T02:15:00Z");
        app.run_job("retention").await;
        assert_eq!(texts(&app, &[&kept]).await, [true]);
        app.finish().await;
    }
}
