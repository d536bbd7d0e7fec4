//! Random histories of cases, hundreds of steps long, legal deeds and illegal ones: what has to hold holds after every step.

use std::collections::{BTreeMap, BTreeSet};

use aftersales::cases::machine::{Deed, history};
use aftersales::db;
use entity::cases::{Entity, Model, Outcome, State};
use entity::messages::{self, Form};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};

use crate::machine::{allowed, is_allowed};
use crate::support::App;
use crate::support::deeds::World;

/// The invariants of domain 5.1, for every case.
async fn hold(app: &App, timers: &mut BTreeMap<uuid::Uuid, usize>) {
    let (db, table) = (app.state.db.read(), allowed());
    for case in Entity::find().all(db).await.unwrap() {
        let steps = history(db, case.id).await.unwrap();
        let mut at: Option<State> = None;
        for step in &steps {
            assert_eq!(step.from_state, at, "the history of {} has a gap", case.id);
            if let Some(from) = at {
                let edge = (from.code(), step.to_state.code());
                assert!(table.contains(&edge), "{edge:?} is in no row of the table");
            }
            at = Some(step.to_state);
        }
        assert_eq!(at, Some(case.state), "the history ends where the case stands");
        let states: Vec<State> = steps.iter().map(|s| s.to_state).collect();
        for (index, state) in states.iter().enumerate() {
            assert!(*state != State::Closed || states[index - 1] == State::ResultNotified, "closed without a notice");
        }
        refused_with_reason(db, &case).await;
        assert_eq!(case.start_at.is_some(), case.state.is_over(), "the period of the header runs with the end only");
        let sql = "SELECT CAST(COUNT(*) AS bigint) FROM timers WHERE case_id = $1";
        let now: i64 = db::rows(db, sql, [case.id.0.into()]).await.unwrap()[0].try_get_by_index(0).unwrap();
        let now = usize::try_from(now).unwrap();
        let before = timers.insert(case.id.0, now).unwrap_or_default();
        assert!(now >= before, "a timer of {} is gone", case.id);
    }
    let over = "captured_minor < (SELECT COALESCE(SUM(r.amount_minor), 0) FROM refunds r \
                WHERE r.order_id = orders.id AND r.state <> 'FAILED')";
    assert_eq!(app.count("orders", over).await, 0, "no refund passes its ceiling");
}

/// A refusal has a reason, a basis and a text that was told.
async fn refused_with_reason(db: &impl sea_orm::ConnectionTrait, case: &Model) {
    if case.outcome != Some(Outcome::NotEligible) {
        return;
    }
    assert!(case.reason.is_some() && case.legal_basis.is_some(), "a refusal without reason or basis: {case:?}");
    let told = messages::Entity::find()
        .filter(messages::Column::CaseId.eq(case.id))
        .filter(messages::Column::Form.eq(Form::Decision));
    assert!(told.one(db).await.unwrap().is_some(), "a refusal without a text");
}

/// One history: each number opens a case, lets what is under way come to its end, or tries a deed on a case.
async fn live(app: &App, choices: &[u16]) -> BTreeSet<String> {
    let mut world = World::new(app, 100_000).await;
    let (mut cases, mut timers, mut seen) = (Vec::new(), BTreeMap::new(), BTreeSet::new());
    for (steps, choice) in (1_usize..).zip(choices) {
        let (which, what) = (usize::from(choice % 8), usize::from(choice / 8));
        if cases.len() <= which && cases.len() < 8 {
            let kind = ["WARRANTY_CLAIM", "RETURN", "COMPLAINT", "EXCHANGE"][what % 4];
            cases.push(world.open(kind).await);
            continue;
        }
        let case = cases[which].clone();
        let before = world.state(&case).await;
        // What is over makes room, or a history soon stands still.
        if matches!(before.as_str(), "CANCELLED" | "MERGED") && !what.is_multiple_of(3) {
            cases[which] = world.open("WARRANTY_CLAIM").await;
        } else if what.is_multiple_of(11) {
            world.settle(&case).await;
        } else {
            // Mostly what is legal, so that histories get far; sometimes anything.
            let legal: Vec<Deed> = Deed::ALL.iter().copied().filter(|d| is_allowed(&before, *d)).collect();
            let any = what.is_multiple_of(5) || legal.is_empty();
            let of = if any { Deed::ALL } else { legal.as_slice() };
            let deed = of[what % of.len()];
            let done = world.attempt(deed, &case).await;
            let after = world.state(&case).await;
            if done.is_err() || !is_allowed(&before, deed) {
                assert!(after == before || deed == Deed::Expire, "{deed:?} of {before} led to {after}");
            }
            if deed == Deed::Expire {
                world.sign_in().await;
            }
            seen.insert(after);
        }
        hold(app, &mut timers).await;
        app.advance(chrono::TimeDelta::minutes(7));
        if steps.is_multiple_of(60) {
            world.sign_in().await;
        }
    }
    seen
}

/// Histories of 300 steps; a failing one is shrunk.
fn histories(on_postgres: bool, cases: u32) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 20, ..Config::default() };
    let steps = proptest::collection::vec(any::<u16>(), 300);
    let run = TestRunner::new(config).run(&steps, |choices| {
        runtime.block_on(async {
            let app = if on_postgres { App::postgres().await } else { Some(App::sqlite().await) };
            let Some(app) = app else { return };
            let seen = live(&app, &choices).await;
            assert!(seen.len() > 8, "a history that gets nowhere proves nothing: {seen:?}");
            app.finish().await;
        });
        Ok(())
    });
    run.unwrap();
}

#[test]
fn hold_after_every_step_on_sqlite() {
    histories(false, 3);
}

#[test]
fn hold_after_every_step_on_postgres() {
    histories(true, 2);
}
