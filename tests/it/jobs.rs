//! Jobs: one instance runs one, a dead one is taken over, runs are stored.

use std::sync::Arc;

use aftersales::clock::Clock;
use aftersales::db;
use aftersales::jobs::lease::{self, Ran};
use aftersales::jobs::named;
use aftersales::state::App as State;

use crate::on_both_engines;
use crate::support::days;

on_both_engines! {
    /// F106: three instances at one moment, one run.
    async fn of_several_instances_one_runs_a_job(app) {
        let mut instances = vec![Arc::clone(&app.state)];
        for _ in 0..2 {
            instances.push(State::open(app.state.config.clone(), Clock::Fixed(app.clock.clone())).await.unwrap());
        }
        lease::sync(&app.state).await.unwrap();
        app.advance(days(1));
        let ticks = instances.iter().map(|i| {
            let instance = Arc::clone(i);
            tokio::spawn(async move { lease::run_due(&instance).await.unwrap() })
        });
        futures::future::try_join_all(ticks).await.unwrap();
        for job in ["retention", "outbox", "reaper"] {
            assert_eq!(app.count("job_runs", &format!("job = '{job}' AND state = 'DONE'")).await, 1, "{job}");
        }
    }

    /// F86, F106: a lease that nobody renews is taken over; until then nobody else runs the job.
    async fn a_dead_instance_is_taken_over(app) {
        lease::sync(&app.state).await.unwrap();
        let until = app.now() + chrono::TimeDelta::seconds(90);
        let sql = "UPDATE jobs SET lease_owner = $1, lease_until = $2, fence = 7 WHERE name = 'retention'";
        db::run(app.state.db.write(), sql, [entity::ids::uuid_at(app.now()).into(), until.into()]).await.unwrap();
        let job = named("retention").unwrap();
        assert!(matches!(lease::run_now(&app.state, job).await.unwrap(), Ran::Elsewhere));
        app.advance(chrono::TimeDelta::seconds(91));
        let Ran::Here(run) = lease::run_now(&app.state, job).await.unwrap() else { panic!("nobody has it any more") };
        assert_eq!(run.fence, 8, "the fence rises with every lease");
    }

    /// The next run is at the same civil time on both sides of a clock change, and missed runs coalesce.
    async fn the_next_run_follows_the_civil_clock(app) {
        let job = named("retention").unwrap();
        let next = |after: &str| job.next_after(after.parse().unwrap()).unwrap().to_rfc3339();
        assert_eq!(next("2014-03-29T12:00:00Z"), "2014-03-30T01:15:00+00:00", "the night of the change to summer time");
        assert_eq!(next("2014-10-25T12:00:00Z"), "2014-10-26T02:15:00+00:00", "the night of the change back");
        lease::sync(&app.state).await.unwrap();
        app.advance(days(10));
        lease::run_due(&app.state).await.unwrap();
        lease::run_due(&app.state).await.unwrap();
        assert_eq!(app.count("job_runs", "job = 'retention'").await, 1);
    }
}
