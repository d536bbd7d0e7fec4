//! When a record has to be gone: the rules of the deletion concept typed once more from its table, with arithmetic of
//! their own. Nothing of the engine is used here, neither its rules nor its calendar nor the start instants that it stores.

use chrono::{Datelike as _, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone as _};
use chrono_tz::Europe::Berlin;
use entity::ids::made_at;
use uuid::Uuid;

use super::history::{History, Instant};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Period {
    Days(u64),
    Months(u32),
    Years(i32),
    /// Years from the end of the calendar year of the start event.
    YearEnd(i32),
}
use Period::{Days as D, Months as M, YearEnd as YE, Years as Y};

/// Domain 1.4: code, period, whether open work puts the end off, and whether the article 17(3) of the GDPR keeps it from
/// an erasure.
const RULES: [(&str, Period, bool, bool); 28] = [
    ("R01", YE(8), true, true),
    ("R02a", YE(8), true, true),
    ("R02b", YE(6), true, true),
    ("R03", YE(6), true, true),
    ("R04", YE(6), true, true),
    ("R05", YE(6), true, true),
    ("R06", Y(1), true, false),
    ("R07", YE(3), true, false),
    ("R08", Y(1), true, false),
    ("R09a", M(6), true, false),
    ("R09b", YE(3), true, true),
    ("R10", YE(3), true, true),
    ("R11", YE(10), false, true),
    ("R12", Y(1), false, false),
    ("R13", YE(3), false, true),
    ("R19", YE(3), true, true),
    ("R21", YE(3), true, false),
    ("R24", YE(3), true, false),
    ("R25", YE(3), true, false),
    ("R26", YE(3), true, false),
    ("R27", D(7), false, false),
    ("R28", D(7), false, false),
    ("R29", D(30), false, false),
    ("R30", YE(3), false, true),
    ("R31", YE(3), false, false),
    ("R32", YE(3), false, true),
    ("R33", D(30), false, false),
    ("R34", YE(10), false, true),
];

/// While nobody has reported a delivery, an order counts as on its way for this long: an erasure waits for it.
const ON_ITS_WAY: TimeDelta = TimeDelta::days(90);

/// Whether open work on a record is that of its case, of its order or of its person.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Near {
    Case,
    Order,
    Person,
    Nothing,
}

/// A record that was seen to be made.
#[derive(Clone, Debug)]
pub struct Record {
    pub table: &'static str,
    pub id: Uuid,
    pub made: Instant,
    /// What it belongs to, directly or through what it hangs on.
    pub case: Option<Uuid>,
    pub order: Option<Uuid>,
    pub customer: Option<Uuid>,
    pub near: Near,
    /// The parcel or return that it hangs on.
    pub via: Option<Uuid>,
    /// A receipt of a withdrawal among the mails.
    pub receipt: bool,
    /// The rows that it names itself: they stay as bare ids as long as it does.
    pub names: Vec<Uuid>,
}

/// The civil day in Berlin.
pub fn day(at: Instant) -> NaiveDate {
    at.with_timezone(&Berlin).date_naive()
}

/// When the nightly job runs on a day: a quarter past three in Berlin.
pub fn night(day: NaiveDate) -> Instant {
    let at = day.and_time(NaiveTime::from_hms_opt(3, 15, 0).unwrap());
    Berlin.from_local_datetime(&at).earliest().unwrap().to_utc()
}

/// The first day on which nothing may be left of what began at `start`.
fn first_day_after(period: Period, start: Instant) -> NaiveDate {
    let begun = day(start);
    let (year, month, of_month) = (begun.year(), begun.month(), begun.day());
    let last = match period {
        Period::Days(n) => begun + Days::new(n),
        Period::YearEnd(n) => NaiveDate::from_ymd_opt(year + n, 12, 31).unwrap(),
        Period::Years(n) => clamped(year + n, month, of_month),
        Period::Months(n) => {
            let months = month - 1 + n;
            clamped(year + i32::try_from(months / 12).unwrap(), months % 12 + 1, of_month)
        }
    };
    last.succ_opt().unwrap()
}

/// BGB § 188(3): where the month has no such day, its last one.
fn clamped(year: i32, month: u32, day: u32) -> NaiveDate {
    (day.min(28)..=day).rev().find_map(|day| NaiveDate::from_ymd_opt(year, month, day)).unwrap()
}

/// Whether what went on a day is still suppressed after the night of another (R34).
pub fn is_suppressed(gone: NaiveDate, tonight: NaiveDate) -> bool {
    tonight <= NaiveDate::from_ymd_opt(gone.year() + 10, 12, 31).unwrap()
}

impl History {
    /// The data type of a record, by what has become of its case.
    pub fn code(&self, r: &Record) -> &'static str {
        let case = r.case.map(|id| &self.cases[&id]);
        match r.table {
            "customers" => "R21",
            "orders" | "order_lines" => "R25",
            "cases" => "R24",
            "case_transitions" | "timers" | "tasks" => "R26",
            "mails" if r.receipt => "R05",
            "messages" | "mails" => match case {
                // A link for somebody without an account says nothing about a deal.
                None => "R06",
                Some(case) if case.advice => "R06",
                Some(case) => match (case.kind, case.order) {
                    ("COMPLAINT", _) => "R04",
                    ("USAGE_GUIDANCE" | "FEEDBACK", _) | ("ORDER_ADVICE", None) => "R06",
                    _ => "R03",
                },
            },
            "withdrawals" => "R05",
            "proposals" | "inquiry_entries" => "R03",
            "returns" | "return_lines" if case.is_some_and(|c| c.booked.is_some()) => "R02a",
            "returns" | "return_lines" => "R02b",
            "remedies" => "R02a",
            "refunds" => "R01",
            "parcels" => "R07",
            "carrier_events" => "R08",
            "consents" => "R10",
            "disputes" => "R19",
            "disclosures" => "R30",
            "attachments" if !self.uploaded.contains(&r.id) => "R27",
            "attachments" if case.is_some_and(|c| c.settled) => "R09a",
            "attachments" => "R09b",
            "access_entries" => "R12",
            "tokens" => "R27",
            "idempotency_keys" => "R28",
            "inbound_mails" => "R29",
            "holds" | "restrictions" => "R32",
            "staff" => "R31",
            "audit_entries" => "R11",
            "job_runs" | "retention_runs" | "erasures" => "R13",
            "outbox_entries" => "R33",
            "suppressions" => "R34",
            other => panic!("the oracle knows no table {other}"),
        }
    }

    /// When the period of a record began; none while its start event has not happened.
    fn start(&self, r: &Record, code: &str) -> Option<Instant> {
        let over = || r.case.and_then(|id| self.cases[&id].over);
        match code {
            "R01" | "R03" | "R04" | "R05" | "R12" | "R28" | "R29" | "R30" | "R11" | "R34" => Some(r.made),
            "R02a" if r.table == "remedies" => Some(r.made),
            "R02a" => self.cases[&r.case?].booked,
            "R02b" | "R09a" | "R09b" | "R24" | "R26" => over(),
            "R06" if r.case.is_none() => Some(r.made),
            "R06" => over().map(|over| over.max(r.made)),
            "R07" => self.settled_or(r, r.id),
            "R08" => self.settled_or(r, r.via?),
            "R10" => Some(self.consents_used.get(&r.id).copied().unwrap_or(r.made)),
            "R13" if r.table != "erasures" => Some(r.made),
            "R13" | "R33" => self.ended.get(&r.id).copied(),
            "R19" => self.disputes_ended.get(&r.id).copied(),
            "R21" => {
                let person = &self.people[&r.id];
                let orders = person.orders.iter().map(|id| &self.orders[id]);
                let orders = orders.map(|order| order.delivered.unwrap_or(order.registered));
                self.last(&person.cases)?.into_iter().chain(orders).max()
            }
            "R25" => {
                let order = &self.orders[&r.order?];
                let delivered = order.delivered.unwrap_or(order.registered);
                self.last(&order.cases)?.into_iter().chain([delivered]).max()
            }
            // An upload waits as long as its ticket: half an hour.
            "R27" if r.table == "attachments" => Some(r.made + TimeDelta::minutes(30)),
            "R27" => self.ended.get(&r.id).copied(),
            "R31" => self.left.get(&r.id).copied(),
            "R32" => self.holds[&r.id].released,
            other => panic!("the oracle knows no start event of {other}"),
        }
    }

    /// When the last of these cases was over: `None` while one is open, `Some(None)` if there is none.
    fn last(&self, cases: &[Uuid]) -> Option<Option<Instant>> {
        let mut last = None;
        for case in cases {
            last = last.max(Some(self.cases[case].over?));
        }
        Some(last)
    }

    /// Delivered or lost. What nobody reports counts from the registration of the order, and a parcel of a case from the
    /// end of that case, or from its own sending if it left afterwards.
    fn settled_or(&self, r: &Record, parcel: Uuid) -> Option<Instant> {
        let settled = self.parcels.get(&parcel).copied();
        settled.or_else(|| match r.case {
            None => Some(self.orders[&r.order?].registered),
            Some(case) => Some(self.cases[&case].over?.max(r.made)),
        })
    }

    /// Whether a hold or a restriction covers a record. Those on themselves, and on what lets somebody in, are none.
    fn is_held(&self, r: &Record) -> bool {
        let exempt = ["holds", "restrictions", "tokens", "idempotency_keys"].contains(&r.table);
        let covers = |on: Uuid| [r.case, r.order, r.customer].contains(&Some(on));
        !exempt && self.holds.values().any(|hold| hold.released.is_none() && covers(hold.on))
    }

    fn has_work(&self, r: &Record) -> bool {
        match r.near {
            Near::Case => r.case.is_some_and(|case| self.work_on(&[case])),
            Near::Order => r.order.is_some_and(|order| self.work_on(&self.orders[&order].cases)),
            Near::Person => r.customer.is_some_and(|person| self.work_on(&self.people[&person].cases)),
            Near::Nothing => false,
        }
    }

    /// The day in whose night a record has to go, as things stand; none: nothing lets it go yet.
    pub fn due(&self, r: &Record) -> Option<NaiveDate> {
        let code = self.code(r);
        let (_, period, waits, floor) = RULES.into_iter().find(|rule| rule.0 == code).unwrap();
        if self.is_held(r) || (waits && self.has_work(r)) {
            return None;
        }
        let by_rule = self.start(r, code).map(|start| first_day_after(period, start));
        let erased = if floor { None } else { self.erased(r, waits) };
        by_rule.into_iter().chain(erased).min()
    }

    /// The day on which a record went that is not there any more after a night: an erasure waits for no night.
    pub fn went_on(&self, r: &Record, tonight: NaiveDate) -> NaiveDate {
        let person = r.customer.and_then(|id| self.people.get(&id));
        let mut asked = person.into_iter().flat_map(|person| &person.erasures).map(|asked| day(*asked));
        asked.rfind(|asked| asked.succ_opt() == Some(tonight)).unwrap_or(tonight)
    }

    /// Whether a record is of what an erasure was asked for: it was there, or it was added to a case or an order that was. Of the
    /// person alone nothing is added any more once they are a customer again.
    fn is_asked(&self, r: &Record, asked: Instant) -> bool {
        let was_open = |case: Uuid| made_at(case).unwrap() <= asked;
        r.made <= asked
            || match (r.case, r.order) {
                (Some(case), _) => was_open(case),
                (None, Some(order)) => self.orders[&order].registered <= asked,
                (None, None) => r.customer.is_some_and(|person| {
                    let person = &self.people[&person];
                    person.cases.iter().all(|case| was_open(*case))
                        && person.orders.iter().all(|order| self.orders[order].registered <= asked)
                }),
            }
    }

    /// Whether something that was asked to be erased is worked on or held.
    fn keeps_waiting(&self, person: Uuid, asked: Instant) -> bool {
        let cases: Vec<Uuid> =
            self.people[&person].cases.iter().copied().filter(|case| made_at(*case).unwrap() <= asked).collect();
        let orders = self.people[&person].orders.iter().copied().filter(|order| self.orders[order].registered <= asked);
        let covered: Vec<Uuid> = cases.iter().copied().chain(orders).chain([person]).collect();
        self.work_on(&cases) || self.holds.values().any(|hold| hold.released.is_none() && covered.contains(&hold.on))
    }

    /// The night after an erasure of what was asked for. What lets somebody in, or shows who was in, is in use until nothing of
    /// it waits.
    fn erased(&self, r: &Record, waits: bool) -> Option<NaiveDate> {
        let person = self.people.get(&r.customer?)?;
        let asked = *person.erasures.iter().find(|asked| self.is_asked(r, **asked))?;
        let mut from = asked.max(r.made);
        if r.made > asked && !waits {
            if self.keeps_waiting(r.customer?, asked) {
                return None;
            }
            for order in person.orders.iter().map(|id| &self.orders[id]) {
                if order.registered <= asked && order.delivered.is_none() {
                    from = from.max(order.registered + ON_ITS_WAY);
                }
            }
        }
        if ["customers", "orders", "order_lines", "parcels"].contains(&r.table) {
            let orders = if r.table == "customers" { person.orders.clone() } else { r.order.into_iter().collect() };
            for order in orders.iter().map(|id| &self.orders[id]) {
                if order.registered > asked && r.table == "customers" {
                    // Whoever orders again is a customer again.
                    return None;
                }
                if order.delivered.is_none() {
                    from = from.max(order.registered + ON_ITS_WAY);
                }
            }
        }
        day(from).succ_opt()
    }
}

/// The table itself, by hand: the vectors of domain 1.3 and the edges of a month.
#[test]
fn the_oracle_reckons_by_the_book() {
    let at = |text: &str| text.parse::<Instant>().unwrap();
    let first = |period, text: &str| first_day_after(period, at(text)).to_string();
    assert_eq!(first(YE(8), "2026-11-22T10:00:00Z"), "2035-01-01");
    assert_eq!(first(YE(6), "2026-12-31T23:30:00Z"), "2034-01-01", "New Year in Berlin");
    assert_eq!(first(M(6), "2026-08-31T08:00:00Z"), "2027-03-01");
    assert_eq!(first(Y(1), "2016-02-29T08:00:00Z"), "2017-03-01");
    assert_eq!(first(D(7), "2014-03-10T09:00:00Z"), "2014-03-18");
    assert_eq!(night("2014-07-01".parse().unwrap()), at("2014-07-01T01:15:00Z"));
}
