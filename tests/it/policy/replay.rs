//! An explanation replays: its steps alone, without rule or calendar, arrive at the same instant.

use aftersales::error::Language;
use aftersales::policy::deadline::{Deadline, Facts, Pause};
use aftersales::policy::holidays::Land;
use aftersales::policy::rules::{Event, Pausing, Rule, RuleId};
use aftersales::policy::shop::Policy;
use aftersales::policy::step::{Act, replay};
use aftersales::policy::words::words;
use chrono::{DateTime, TimeDelta};
use proptest::prelude::*;

fn rules() -> Vec<Rule> {
    let policy = Policy::shipped();
    let kept = policy.retention_rules().into_iter().map(|rule| rule.deadline_rule());
    RuleId::DEADLINES.iter().filter_map(|id| policy.rule(*id)).chain(kept).collect()
}

fn deadline() -> impl Strategy<Value = Deadline> {
    let pauses = prop::collection::vec((0_i64..86_400, 1_i64..28_800), 0..3);
    let events = prop::collection::vec(0_i64..1_300_000, Event::ALL.len());
    (0..rules().len(), 1_420_070_400_i64..2_366_841_600, 0_usize..20, pauses, events).prop_map(
        |(rule, start, land, pauses, events)| {
            let rule = &rules()[rule];
            let start = DateTime::from_timestamp(start, 0).unwrap();
            let later = |minutes: i64| start + TimeDelta::minutes(minutes);
            let pause = |(from, long): (i64, i64)| Pause {
                from: later(from),
                to: later(from + long),
                reason: words("Test", "test"),
            };
            let pauses = if rule.pausing == Pausing::Never { Vec::new() } else { pauses };
            let facts = Facts {
                land: Land::ALL.get(land).copied(),
                pauses: pauses.into_iter().map(pause).collect(),
                events: Event::ALL.iter().copied().zip(events.into_iter().map(later)).collect(),
                ..Facts::from(start)
            };
            Policy::shipped().deadline(rule, &facts).unwrap()
        },
    )
}

proptest! {
    /// F56, N2: every rule, every explanation, complete in both languages.
    #[test]
    fn every_explanation_replays(deadline in deadline()) {
        prop_assert_eq!(replay(&deadline.steps), Some(deadline.ends_at), "{:#?}", deadline.steps);
        prop_assert_eq!(deadline.steps.first().unwrap().code(), "ANCHOR");
        prop_assert_eq!(deadline.steps.last().unwrap().code(), "END");
        for step in &deadline.steps {
            let texts = [step.what(Language::De), step.what(Language::En), step.why.clone().into_owned()];
            prop_assert!(texts.iter().all(|text| !text.is_empty()), "{step:?}");
        }
    }

    /// A step that moves the end cannot be left out, and none can be moved to another day, without the replay noticing.
    #[test]
    fn a_changed_explanation_does_not_replay(deadline in deadline()) {
        // A second event may decide the end alone; then what was reckoned before it moves nothing.
        let bounded = deadline.steps.iter().any(|s| matches!(s.act, Act::NotBefore { .. } | Act::NotAfter { .. }));
        for (index, step) in deadline.steps.iter().enumerate() {
            let moves = matches!(
                step.act,
                Act::WorkingDay { .. } | Act::Skipped(_) | Act::PausedDay(_) | Act::Period(_) | Act::Paused { .. }
                    | Act::Rolled(_) | Act::Hours(_) | Act::Service { .. } | Act::ServiceMinutes(_) | Act::End(_)
            );
            if moves && !bounded {
                let mut left_out = deadline.steps.clone();
                left_out.remove(index);
                prop_assert_ne!(replay(&left_out), Some(deadline.ends_at), "without {:?}", step);
            }
            let dated = matches!(
                step.act,
                Act::FirstDay | Act::YearEnd | Act::WorkingDay { .. } | Act::Skipped(_) | Act::PausedDay(_)
                    | Act::Period(_) | Act::Paused { .. } | Act::Rolled(_) | Act::NotBefore { .. } | Act::NotAfter { .. }
            );
            if dated {
                let mut moved = deadline.steps.clone();
                moved[index].date = moved[index].date.succ_opt().unwrap();
                prop_assert_eq!(replay(&moved), None, "{:?} a day later", step);
            }
        }
    }
}
