//! Public holidays of Germany and of each Land, with the years in which they are law and the act that makes them.
//!
//! Only what holds in a whole Land is here. What holds in some municipalities alone (Assumption in Catholic Bavaria, Corpus
//! Christi in parts of Saxony and Thuringia, Augsburg's Peace Festival) is an extra day of the policy.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike as _, Days, NaiveDate};
use serde::{Deserialize, Serialize};

use super::words::{Words, words};

macro_rules! lands {
    ($($land:ident $code:literal $de:literal $en:literal $act:literal;)+) => {
        /// A Land of the Federal Republic, by its ISO 3166-2 code without `DE-`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Land { $(#[doc = $en] $land,)+ }

        impl Land {
            /// All sixteen.
            pub const ALL: [Self; 16] = [$(Self::$land,)+];

            /// The two letters.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$land => $code,)+ }
            }

            /// What it is called.
            #[must_use]
            pub const fn name(self) -> Words {
                match self { $(Self::$land => words($de, $en),)+ }
            }

            /// Its act on Sundays and holidays.
            #[must_use]
            pub const fn act(self) -> &'static str {
                match self { $(Self::$land => $act,)+ }
            }
        }
    };
}

lands! {
    BW "BW" "Baden-Württemberg" "Baden-Württemberg" "FTG BW § 1";
    BY "BY" "Bayern" "Bavaria" "FTG BY Art. 1";
    BE "BE" "Berlin" "Berlin" "Sonn- und Feiertagsgesetz BE § 1";
    BB "BB" "Brandenburg" "Brandenburg" "FTG BB § 2";
    HB "HB" "Bremen" "Bremen" "Sonn- und Feiertagsgesetz HB § 2";
    HH "HH" "Hamburg" "Hamburg" "Feiertagsgesetz HH § 1";
    HE "HE" "Hessen" "Hesse" "HFeiertagsG § 1";
    MV "MV" "Mecklenburg-Vorpommern" "Mecklenburg-Western Pomerania" "FTG M-V § 2";
    NI "NI" "Niedersachsen" "Lower Saxony" "NFeiertagsG § 2";
    NW "NW" "Nordrhein-Westfalen" "North Rhine-Westphalia" "Feiertagsgesetz NW § 2";
    RP "RP" "Rheinland-Pfalz" "Rhineland-Palatinate" "LFtG RP § 2";
    SL "SL" "Saarland" "Saarland" "SFG SL § 2";
    SN "SN" "Sachsen" "Saxony" "SächsSFG § 1";
    ST "ST" "Sachsen-Anhalt" "Saxony-Anhalt" "FeiertG LSA § 2";
    SH "SH" "Schleswig-Holstein" "Schleswig-Holstein" "SFTG SH § 2";
    TH "TH" "Thüringen" "Thuringia" "ThürFtG § 2";
}

impl fmt::Display for Land {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Land {
    type Err = String;

    /// `BY` or `DE-BY`, in either case.
    fn from_str(text: &str) -> Result<Self, String> {
        let upper = text.to_ascii_uppercase();
        let code = upper.strip_prefix("DE-").unwrap_or(&upper);
        let found = Self::ALL.into_iter().find(|land| land.code() == code);
        found.ok_or_else(|| format!("no such Land; there are {}", Self::ALL.map(Self::code).join(", ")))
    }
}

/// A public holiday on a certain day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holiday {
    /// What it is called.
    pub name: Words,
    /// The Land whose act makes it, where it is not the same in all.
    pub land: Option<Land>,
}

impl Holiday {
    /// The act that makes it.
    #[must_use]
    pub fn act(self) -> &'static str {
        self.land.map_or("the acts on holidays of all Länder", Land::act)
    }
}

/// When a holiday is.
#[derive(Clone, Copy, Debug)]
enum When {
    /// Month and day.
    On(u32, u32),
    /// Days after Easter Sunday.
    Easter(i64),
    /// The Wednesday before 23 November.
    Repentance,
}

/// A row of the table. Years are inclusive.
struct Row {
    when: When,
    lands: &'static [Land],
    from: i32,
    to: i32,
    name: Words,
}

const EVER: i32 = i32::MAX;
const NATIONWIDE: &[Land] = &[];

const fn row(when: When, lands: &'static [Land], (from, to): (i32, i32), de: &'static str, en: &'static str) -> Row {
    Row { when, lands, from, to, name: words(de, en) }
}

use Land::{BB, BE, BW, BY, HB, HE, HH, MV, NI, NW, RP, SH, SL, SN, ST, TH};

/// Since 1995, when Repentance Day ceased to be a holiday outside Saxony (SGB XI § 58); earlier years are reckoned by the same table.
static TABLE: &[Row] = &[
    row(When::On(1, 1), NATIONWIDE, (0, EVER), "Neujahr", "New Year's Day"),
    row(When::Easter(-2), NATIONWIDE, (0, EVER), "Karfreitag", "Good Friday"),
    row(When::Easter(1), NATIONWIDE, (0, EVER), "Ostermontag", "Easter Monday"),
    row(When::On(5, 1), NATIONWIDE, (0, EVER), "Tag der Arbeit", "Labour Day"),
    row(When::Easter(39), NATIONWIDE, (0, EVER), "Christi Himmelfahrt", "Ascension Day"),
    row(When::Easter(50), NATIONWIDE, (0, EVER), "Pfingstmontag", "Whit Monday"),
    row(When::On(10, 3), NATIONWIDE, (1990, EVER), "Tag der Deutschen Einheit", "Day of German Unity"),
    row(When::On(12, 25), NATIONWIDE, (0, EVER), "Erster Weihnachtstag", "Christmas Day"),
    row(When::On(12, 26), NATIONWIDE, (0, EVER), "Zweiter Weihnachtstag", "Second Day of Christmas"),
    row(When::On(10, 31), NATIONWIDE, (2017, 2017), "500 Jahre Reformation", "500 Years of Reformation"),
    row(When::On(1, 6), &[BW, BY, ST], (0, EVER), "Heilige Drei Könige", "Epiphany"),
    row(When::On(3, 8), &[BE], (2019, EVER), "Internationaler Frauentag", "International Women's Day"),
    row(When::On(3, 8), &[MV], (2023, EVER), "Internationaler Frauentag", "International Women's Day"),
    row(When::Easter(0), &[BB], (0, EVER), "Ostersonntag", "Easter Sunday"),
    row(When::Easter(49), &[BB], (0, EVER), "Pfingstsonntag", "Whit Sunday"),
    row(When::Easter(60), &[BW, BY, HE, NW, RP, SL], (0, EVER), "Fronleichnam", "Corpus Christi"),
    row(When::On(8, 15), &[SL], (0, EVER), "Mariä Himmelfahrt", "Assumption Day"),
    row(When::On(9, 20), &[TH], (2019, EVER), "Weltkindertag", "World Children's Day"),
    row(When::On(10, 31), &[BB, MV, SN, ST, TH], (0, EVER), "Reformationstag", "Reformation Day"),
    row(When::On(10, 31), &[HB, HH, NI, SH], (2018, EVER), "Reformationstag", "Reformation Day"),
    row(When::On(11, 1), &[BW, BY, NW, RP, SL], (0, EVER), "Allerheiligen", "All Saints' Day"),
    row(When::Repentance, &[SN], (0, EVER), "Buß- und Bettag", "Day of Repentance and Prayer"),
    row(When::On(5, 8), &[BE], (2020, 2020), "75 Jahre Befreiung", "75 Years of Liberation"),
    row(When::On(5, 8), &[BE], (2025, 2025), "80 Jahre Befreiung", "80 Years of Liberation"),
    row(When::On(6, 17), &[BE], (2028, 2028), "75 Jahre Aufstand vom 17. Juni", "75 Years of the 17 June Uprising"),
];

/// Easter Sunday in the Gregorian calendar (the anonymous algorithm of 1876, after Gauss).
fn easter(year: i32) -> Option<NaiveDate> {
    let (a, b, c) = (year % 19, year / 100, year % 100);
    let (d, e) = (b / 4, b % 4);
    let g = (8 * b + 13) / 25;
    let h = (19 * a + b - d - g + 15) % 30;
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k) % 7;
    let m = (a + 11 * h + 19 * l) / 433;
    let month = (h + l - 7 * m + 90) / 25;
    let day = (h + l - 7 * m + 33 * month + 19) % 32;
    NaiveDate::from_ymd_opt(year, u32::try_from(month).ok()?, u32::try_from(day).ok()?)
}

impl Row {
    fn is_on(&self, day: NaiveDate, easter: Option<NaiveDate>) -> bool {
        if day.year() < self.from || day.year() > self.to {
            return false;
        }
        match self.when {
            When::On(month, date) => (day.month(), day.day()) == (month, date),
            When::Easter(days) => easter.is_some_and(|sunday| (day - sunday).num_days() == days),
            When::Repentance => {
                let last = NaiveDate::from_ymd_opt(day.year(), 11, 22);
                let back = last.map(|l| u64::from((l.weekday().num_days_from_monday() + 5) % 7));
                last.zip(back).and_then(|(l, b)| l.checked_sub_days(Days::new(b))) == Some(day)
            }
        }
    }
}

/// The holiday on a day: nationwide, or in one of these Länder.
#[must_use]
pub fn holiday(day: NaiveDate, lands: &[Land]) -> Option<Holiday> {
    let sunday = easter(day.year());
    TABLE.iter().filter(|row| row.is_on(day, sunday)).find_map(|row| {
        if row.lands.is_empty() {
            return Some(Holiday { name: row.name, land: None });
        }
        let land = lands.iter().copied().find(|land| row.lands.contains(land))?;
        Some(Holiday { name: row.name, land: Some(land) })
    })
}
