//! Situations of an order line on its legal tracks, a row each, with the norm that each rests on.

mod defects;
mod money;
mod windows;

use aftersales::policy::deadline::Pause;
use aftersales::policy::holidays::Land;
use aftersales::policy::rights::eligibility::{Reason as Why, Request, TrackVerdict, Verdict, assess};
use aftersales::policy::rights::{
    Cure, Delivery, Guarantee as Promise, Outbound, Received, Remedy, Situation, Status, Track, Wish, most_favourable,
    rights,
};
use aftersales::policy::rules::RuleId;
use aftersales::policy::shop::{Bearer, Policy};
use aftersales::policy::words::words;
use chrono::{DateTime, Utc};
use entity::cases::Reason;
use entity::order_lines::Exclusion;

use Bearer::{Customer, Shop};
use Expect::{Advice, Amount, Back, Because, Best, BestAny, Ends, Forth, Gives, Is, Lacks, On, Refunds};
use Status::{DependsOnSeal, Ended, Excluded, NotYet, Open};
use Track::{Guarantee, ShopReturn, Warranty, Withdrawal};
use Verdict::{Eligible, Manual, Rejected};
use Wish::{Exchange, MoneyBack, PriceReduction, Repair};

use defects::{defects, failed_cures, guarantees, meetings, tails, talks};
use money::{carriage, outbound, requests};
use windows::{deliveries, exclusions, shop_returns, withdrawals};

#[derive(Clone, Copy, Debug)]
enum Expect {
    /// Where a track stands.
    Is(Track, Status),
    /// Its last day.
    Ends(Track, &'static str),
    /// Who pays for sending back.
    Back(Track, Bearer),
    /// Who pays for sending other goods.
    Forth(Track, Bearer),
    /// How much of the first delivery goes back.
    Refunds(Track, Outbound),
    /// The same in minor units.
    Amount(Track, Delivery, i64),
    /// A remedy that a track gives now.
    Gives(Track, Remedy),
    /// One that it does not give now.
    Lacks(Track, Remedy),
    /// The most favourable track for the row's wish.
    Best(Option<Track>),
    /// The most favourable track for any wish.
    BestAny(Option<Track>),
    /// The advice.
    Advice(Verdict),
    /// The track that the advice rests on.
    On(Option<Track>),
    /// A finding.
    Because(Option<Track>, Why),
}

struct Row {
    name: &'static str,
    norm: &'static str,
    situation: Situation,
    policy: Policy,
    request: Request,
    expect: Vec<Expect>,
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A contract of Monday 3 August 2026, received on Friday 7 August 2026; somebody asks for the money back at `now`.
fn row(name: &'static str, norm: &'static str, now: &str) -> Row {
    Row {
        name,
        norm,
        situation: Situation::ordinary(at("2026-08-03T10:00:00Z"), at("2026-08-07T10:00:00Z")),
        policy: Policy::shipped().clone(),
        request: Request { wish: MoneyBack, at: at(now), proven: true, completed: true, original: Some(true) },
        expect: Vec::new(),
    }
}

impl Row {
    fn with(mut self, change: impl FnOnce(&mut Situation)) -> Self {
        change(&mut self.situation);
        self
    }

    fn shop(mut self, change: impl FnOnce(&mut Policy)) -> Self {
        change(&mut self.policy);
        self
    }

    fn asked(mut self, change: impl FnOnce(&mut Request)) -> Self {
        change(&mut self.request);
        self
    }

    fn wants(self, wish: Wish) -> Self {
        self.asked(|r| r.wish = wish)
    }

    fn received(self, text: &str) -> Self {
        self.with(|s| s.received = Received::On(at(text)))
    }

    fn because(self, reason: Reason) -> Self {
        self.with(|s| s.reason = Some(reason))
    }

    fn shown(self, text: &str) -> Self {
        self.because(Reason::QualityDefect).with(|s| s.defect_shown = Some(at(text)))
    }

    fn cured(self, repaired: bool, text: &str) -> Self {
        self.with(|s| s.cures.push(Cure { repaired, handed_over: at(text) }))
    }

    fn talks(self, from: &str, to: &str) -> Self {
        let reason = words("Verhandlungen", "negotiations");
        self.with(|s| s.negotiations.push(Pause { from: at(from), to: at(to), reason }))
    }

    fn gives<const N: usize>(mut self, expect: [Expect; N]) -> Self {
        self.expect.extend(expect);
        self
    }

    fn check(&self) {
        let told = format!("{} ({})", self.name, self.norm);
        assert!(!self.expect.is_empty(), "{told} expects nothing");
        let rights = rights(&self.policy, &self.situation, self.request.at).unwrap();
        let advice = assess(&self.policy, &self.situation, self.request).unwrap();
        let right = |track: Track| {
            rights.iter().find(|r| r.track == track).unwrap_or_else(|| panic!("{told}: there is no {track:?}"))
        };
        let best = |wish: Option<Wish>| most_favourable(&rights, wish).map(|r| r.track);
        for expect in &self.expect {
            let (found, wanted) = match *expect {
                Is(track, status) => (format!("{:?}", right(track).status), format!("{status:?}")),
                Ends(track, day) => {
                    let end = right(track).deadline.as_ref().map(|d| d.ends_on.to_string());
                    (format!("{end:?}"), format!("{:?}", Some(day)))
                }
                Back(track, bearer) => (format!("{:?}", right(track).carriage_back), format!("{bearer:?}")),
                Forth(track, bearer) => (format!("{:?}", right(track).carriage_forth), format!("{bearer:?}")),
                Refunds(track, outbound) => (format!("{:?}", right(track).outbound), format!("{outbound:?}")),
                Amount(track, delivery, minor) => {
                    (right(track).outbound.amount(delivery).to_string(), minor.to_string())
                }
                Gives(track, remedy) | Lacks(track, remedy) => {
                    let (all, gives) = (right(track).remedies, matches!(expect, Gives(..)));
                    (format!("{} in {all:?}", all.contains(&remedy)), format!("{gives} in {all:?}"))
                }
                Best(track) => (format!("{:?}", best(Some(self.request.wish))), format!("{track:?}")),
                BestAny(track) => (format!("{:?}", best(None)), format!("{track:?}")),
                Advice(verdict) => (format!("{:?}", advice.verdict), format!("{verdict:?}")),
                On(track) => (format!("{:?}", advice.track), format!("{track:?}")),
                Because(track, why) => {
                    let all: Vec<_> = advice.findings.iter().map(|f| (f.track, f.reason)).collect();
                    (format!("{} in {all:?}", all.contains(&(track, why))), format!("true in {all:?}"))
                }
            };
            assert_eq!(found, wanted, "{told}: {expect:?}");
        }
    }
}

fn check(rows: &[Row]) {
    for row in rows {
        row.check();
    }
}

fn all() -> Vec<Row> {
    let themes = [
        withdrawals(),
        exclusions(),
        shop_returns(),
        carriage(),
        defects(),
        tails(),
        talks(),
        failed_cures(),
        meetings(),
        guarantees(),
        deliveries(),
        outbound(),
        requests(),
    ];
    themes.into_iter().flatten().collect()
}

// F16, F18, N1, N4
#[test]
fn withdrawal_lasts_fourteen_days_from_the_last_parcel_and_rolls() {
    check(&withdrawals());
}

// F16
#[test]
fn excluded_articles_can_still_go_back_by_the_window_of_the_shop() {
    check(&exclusions());
}

// F16, F18, S45, S46, S47, S48, S49, S50, S51, S54
#[test]
fn the_shop_takes_goods_back_for_45_days_with_and_without_a_reason() {
    check(&shop_returns());
}

// F20, S52, S53, S54
#[test]
fn the_law_and_the_policy_say_who_pays_carriage() {
    check(&carriage());
}

// F16, S46
#[test]
fn a_defect_is_never_refused_because_of_the_45_days() {
    check(&defects());
}

// F18, N1
#[test]
fn a_late_defect_a_cure_and_a_repair_lengthen_the_warranty() {
    check(&tails());
}

// F18, N1
#[test]
fn negotiations_suspend_only_the_limitation() {
    check(&talks());
}

// F16
#[test]
fn failed_cure_gives_the_money_back_or_a_lower_price() {
    check(&failed_cures());
}

// F16
#[test]
fn a_guarantee_stands_beside_the_warranty_and_outlasts_it() {
    check(&guarantees());
}

// F16, N4
#[test]
fn an_assumed_delivery_never_ends_a_right() {
    check(&deliveries());
}

// F40
#[test]
fn each_right_gives_back_its_share_of_the_first_delivery() {
    check(&outbound());
}

// F19, S12, S13, S51
#[test]
fn a_request_is_weighed_on_every_track_by_itself() {
    check(&requests());
}

// F16, F19, N1, S45
#[test]
fn where_rules_meet_the_better_one_holds() {
    check(&meetings());
}

#[test]
fn the_table_has_at_least_sixty_situations_of_different_names() {
    let rows = all();
    assert!(rows.len() >= 60, "only {}", rows.len());
    assert!(rows.iter().all(|row| !row.norm.is_empty()));
    let mut names: Vec<&str> = rows.iter().map(|row| row.name).collect();
    names.sort_unstable();
    let twice: Vec<_> = names.windows(2).filter(|pair| pair[0] == pair[1]).collect();
    assert!(twice.is_empty(), "{twice:?}");
}

// F19, S12, S13, S45
#[test]
fn every_advice_has_its_reasons_and_no_open_defect_claim_is_rejected() {
    for row in all() {
        let told = format!("{} ({})", row.name, row.norm);
        for wish in [MoneyBack, Exchange, Repair, PriceReduction] {
            let request = Request { wish, ..row.request };
            let advice = assess(&row.policy, &row.situation, request).unwrap();
            for finding in &advice.findings {
                let said = finding.reason.words();
                assert!(!finding.basis.is_empty(), "{told}: {finding:?}");
                assert!(!said.de.is_empty() && !said.en.is_empty() && said.de != said.en, "{told}: {finding:?}");
            }
            if advice.verdict == Rejected {
                assert!(advice.track.is_none(), "{told}: {wish:?} rests on {:?}", advice.track);
                for weighed in &advice.tracks {
                    let track = weighed.right.track;
                    let mut here = advice.findings.iter().filter(|f| f.track.is_none_or(|t| t == track));
                    assert!(here.any(|f| f.reason.effect() == Rejected), "{told}: {wish:?} on {track:?}");
                }
            }
            let defect = matches!(
                row.situation.reason,
                Some(
                    Reason::QualityDefect
                        | Reason::NotAsDescribed
                        | Reason::MissingAccessory
                        | Reason::Damaged
                        | Reason::WrongDelivery
                        | Reason::WrongLabelling
                )
            );
            // S45, BGB § 476(1): whatever the 45 days say, for every wish that the law grants now or after cure.
            let granted = |t: &TrackVerdict| {
                let lawful = wish.is_granted_by(t.right.remedies) || wish.is_granted_by(t.right.later_remedies);
                t.right.track == Warranty && t.right.is_open() && lawful
            };
            let granted = advice.tracks.iter().any(granted);
            if defect && granted && request.completed && request.original != Some(false) {
                assert_ne!(advice.verdict, Rejected, "{told}: {wish:?}");
            }
        }
    }
}
