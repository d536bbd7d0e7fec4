//! A hold that is placed at the same moment as a row passes the door: never both, whichever comes first, thousands of times.
//!
//! The order of the two is read from the database, not from a clock: a trigger of the test notes which rows the hold's own
//! transaction saw. What it saw has to stay; what it did not see had gone before the hold was there.

mod people;

use std::sync::Arc;

use aftersales::auth::Actor;
use aftersales::clock::Clock;
use aftersales::error::{Code, Error, Result};
use aftersales::privacy::erasure;
use aftersales::retention::door::{self, Asked, Ground, Verdict};
use aftersales::retention::holds::{self, NewHold};
use aftersales::retention::sweep;
use aftersales::state::{App as State, AppState};
use entity::holds::{Model, Reason};
use entity::ids::StaffId;
use entity::staff::Role;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use sea_orm::sqlx::sqlite::SqliteSynchronous;
use tokio::sync::Barrier;
use uuid::Uuid;

use self::people::{Contested, KINDS};
use crate::support::App;
use crate::support::stores::Stores;

const ROUNDS: usize = 2_000;
const ERASURES: usize = 150;

/// Two instances on the same stores, with connections of their own, years after everything was due.
struct Arena {
    app: App,
    /// The one that removes.
    other: AppState,
    officer: Actor,
}

impl Arena {
    async fn new(on_postgres: bool) -> Option<Self> {
        let app = Stores::new(on_postgres)?.begin().await;
        app.at("2024-03-10T09:00:00Z");
        let config = app.state.config.clone();
        let clock = Clock::Fixed(app.clock.clone());
        let other = State::open_with(config, clock, SqliteSynchronous::Off).await.unwrap();
        people::watch(&app).await;
        let officer = Actor::Staff(StaffId::new(app.now()), Role::Dpo);
        Some(Self { app, other, officer })
    }

    async fn leave(self) {
        self.other.db.clone().close().await;
        self.other.keys.db().clone().close().await;
        Stores::left(self.app).await.remove();
    }

    fn hold(
        &self,
        contested: Contested,
        barrier: Arc<Barrier>,
        wait: usize,
    ) -> impl Future<Output = Result<Model>> + use<> {
        let (state, officer) = (Arc::clone(&self.app.state), self.officer);
        let review_on = self.app.now().date_naive();
        async move {
            let new = NewHold { scope: contested.scope, reason: Reason::LegalClaim, note: None, review_on };
            start(&barrier, wait).await;
            holds::place(&state, &officer, new, &contested.row.to_string()).await
        }
    }

    /// A hold and something else at the same moment. `lead` is what the hold waits, or, if negative, the other.
    async fn meet<T: Send + 'static>(
        &self,
        contested: Contested,
        lead: i64,
        other: impl Future<Output = T> + Send + 'static,
    ) -> (Option<Uuid>, T) {
        let barrier = Arc::new(Barrier::new(2));
        let waits = |n: i64| usize::try_from(n).unwrap_or(0);
        let hold = tokio::spawn(self.hold(contested, Arc::clone(&barrier), waits(lead)));
        let other = tokio::spawn(async move {
            start(&barrier, waits(-lead)).await;
            other.await
        });
        let placed = match hold.await.unwrap() {
            Ok(hold) => Some(hold.id.0),
            Err(Error::Refused(refusal)) if refusal.code == Code::NotFound => None,
            Err(error) => panic!("{contested:?}: a hold that comes too late is refused, and not {error:?}"),
        };
        (placed, other.await.unwrap())
    }
}

/// Both begin here; one of them gives way to the other a little.
async fn start(barrier: &Barrier, wait: usize) {
    barrier.wait().await;
    for _ in 0..wait {
        tokio::task::yield_now().await;
    }
}

/// Finds the moment at which two are as likely to come first, and stays around it.
struct Balance {
    lead: i64,
    random: ChaCha8Rng,
}

impl Balance {
    fn new(seed: u64) -> Self {
        Self { lead: 0, random: ChaCha8Rng::seed_from_u64(seed) }
    }

    fn next(&mut self) -> i64 {
        self.lead + self.random.random_range(-40..=40)
    }

    fn came_first(&mut self, hold: bool) {
        let step = self.random.random_range(1..=400);
        self.lead += if hold { step } else { -step };
    }
}

/// Every hold and the door, row by row.
async fn a_row_and_a_hold(arena: &Arena) {
    let contests = people::settle(&arena.app, ROUNDS).await;
    let mut balance: Vec<Balance> = (0..KINDS).map(|n| Balance::new(n as u64)).collect();
    let mut outcomes = Vec::new();
    for (n, contested) in contests.into_iter().enumerate() {
        let balance = &mut balance[n % KINDS];
        let other = Arc::clone(&arena.other);
        let remove = async move {
            let asked = [Asked { table: contested.table, ids: vec![contested.row] }];
            door::remove(&other, &Actor::System, &asked, Ground::Rule).await.unwrap().verdicts
        };
        let (placed, verdicts) = arena.meet(contested, balance.next(), remove).await;
        let [(_, verdict)] = verdicts.as_slice() else { panic!("{verdicts:?}") };
        balance.came_first(*verdict == Verdict::Held);
        outcomes.push((contested, placed, verdict.clone()));
    }
    let (seen, there) = (people::seen(&arena.app).await, people::there(&arena.app).await);
    let mut counts = [[0_usize; 3]; KINDS];
    for (n, (contested, placed, verdict)) in outcomes.into_iter().enumerate() {
        let row = (contested.table.name.to_owned(), contested.row);
        let saw = placed.is_some_and(|hold| seen.get(&hold).is_some_and(|rows| rows.contains(&row)));
        let stays = there.contains(&row);
        assert_eq!(saw, stays, "round {n}: {contested:?}: {verdict:?}: the hold was placed on a row that went");
        assert_eq!(stays, verdict == Verdict::Held, "round {n}: {contested:?}: {verdict:?}");
        assert!(placed.is_some() || !stays, "round {n}: {contested:?} could not be held although it is there");
        let outcome = match (saw, placed) {
            (true, _) => 0,
            (false, Some(_)) => 1,
            (false, None) => 2,
        };
        counts[n % KINDS][outcome] += 1;
    }
    println!("held, gone before, refused: {counts:?}");
    for (kind, [held, before, refused]) in counts.into_iter().enumerate() {
        assert!(held > 20 && before + refused > 20, "kind {kind}: one order hardly happened: {counts:?}");
    }
    assert!(counts.iter().map(|c| c[2]).sum::<usize>() > 20, "no hold came too late for a person: {counts:?}");
}

/// A whole night over many, and a hold on each at some moment of it.
async fn a_night_and_many_holds(arena: &Arena) {
    let contests = people::settle(&arena.app, 600).await;
    let already = people::seen(&arena.app).await.len();
    let barrier = Arc::new(Barrier::new(2));
    let (other, begin) = (Arc::clone(&arena.other), Arc::clone(&barrier));
    let night = tokio::spawn(async move {
        start(&begin, 0).await;
        sweep::run(&other, &Actor::System, false, None).await
    });
    let mut random = ChaCha8Rng::seed_from_u64(7);
    barrier.wait().await;
    let mut placed = Vec::new();
    for contested in contests {
        let alone = Arc::new(Barrier::new(1));
        match arena.hold(contested, alone, random.random_range(0..200)).await {
            Ok(hold) => placed.push(hold.id.0),
            Err(Error::Refused(refusal)) if refusal.code == Code::NotFound => {}
            Err(error) => panic!("{contested:?}: {error:?}"),
        }
    }
    night.await.unwrap().unwrap();
    let (seen, there) = (people::seen(&arena.app).await, people::there(&arena.app).await);
    for hold in &placed {
        for row in seen.get(hold).into_iter().flatten() {
            assert!(there.contains(row), "{row:?} was held, and is gone");
        }
    }
    println!("a night: {} of 600 holds covered something", seen.len() - already);
    assert!(seen.len() > already, "every hold came too late");
}

/// An erasure in many steps, and a hold on the person somewhere between them.
async fn an_erasure_and_a_hold(arena: &Arena) {
    let mut balance = Balance::new(99);
    let mut counts = [0_usize; 3];
    for n in 0..ERASURES {
        let contested = Contested { ..people::whole(&arena.app).await };
        let person = Contested { scope: holds::Scope::Customer(contested.customer), ..contested };
        let before = people::there(&arena.app).await;
        let (other, officer) = (Arc::clone(&arena.other), arena.officer);
        let erase = async move {
            let key = format!("erase-{}", contested.row);
            erasure::erase(&other, &officer, contested.customer, false, &key).await.map(|_| ())
        };
        let (placed, erased) = arena.meet(person, balance.next() * 4, erase).await;
        erased.unwrap();
        let (seen, there) = (people::seen(&arena.app).await, people::there(&arena.app).await);
        let saw = placed.and_then(|hold| seen.get(&hold).cloned()).unwrap_or_default();
        let gone: Vec<_> = before.difference(&there).collect();
        for row in &saw {
            assert!(there.contains(row), "erasure {n}: {row:?} was held, and is gone");
        }
        let kept_whole = gone.is_empty();
        counts[match (saw.is_empty(), kept_whole) {
            (false, true) => 0,
            (false, false) => 1,
            (true, _) => 2,
        }] += 1;
        balance.came_first(kept_whole);
    }
    println!("erasures: hold before, between, after: {counts:?}");
    assert!(counts[0] > 5 && counts[1] + counts[2] > 5, "one order hardly happened: {counts:?}");
}

async fn never_both(on_postgres: bool) {
    let Some(arena) = Arena::new(on_postgres).await else { return };
    a_row_and_a_hold(&arena).await;
    a_night_and_many_holds(&arena).await;
    an_erasure_and_a_hold(&arena).await;
    arena.leave().await;
}

/// S71, F90, decision 4.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_and_a_removal_never_both_win_on_sqlite() {
    never_both(false).await;
}

/// S71, F90, decision 4.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_and_a_removal_never_both_win_on_postgres() {
    never_both(true).await;
}
