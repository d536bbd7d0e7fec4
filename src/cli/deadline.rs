//! `aftersales deadline`: when a period ends, and why. Needs neither data folder nor key.

use std::collections::BTreeMap;
use std::process::ExitCode;

use chrono::{DateTime, Datelike as _, NaiveDate, Utc};
use clap::Args;
use serde::Serialize;

use super::print_json;
use crate::error::Language;
use crate::policy::deadline::{Deadline, Facts, Pause, Unreckonable};
use crate::policy::holidays::Land;
use crate::policy::retention::Profile;
use crate::policy::rules::{Event, RuleId};
use crate::policy::shop::{Policy, check};
use crate::policy::step::local;
use crate::policy::words::words;
use crate::policy::workdays::Werktag;

/// A period to reckon.
#[derive(Args)]
pub struct Options {
    /// Which rule, such as `withdrawal`, `review` or `retention:R03`.
    rule: RuleId,
    /// The event that starts it: RFC 3339, such as 2026-11-06T10:00:00+01:00.
    #[arg(long, value_parser = instant)]
    start: DateTime<Utc>,
    /// The consumer's Land: BW, BY, BE, BB, HB, HH, HE, MV, NI, NW, RP, SL, SN, ST, SH or TH.
    #[arg(long)]
    land: Option<Land>,
    /// What counts as a Werktag: mon-sat or mon-fri; the policy says where left out.
    #[arg(long)]
    werktag: Option<Werktag>,
    /// Which duties to keep bind the merchant: DE_KAUFMANN, EU_OSS or CUSTOM; the policy says where left out.
    #[arg(long)]
    profile: Option<Profile>,
    /// An interruption FROM/TO, RFC 3339; may be given again.
    #[arg(long, value_parser = pause, value_name = "FROM/TO")]
    pause: Vec<Pause>,
    /// Another event NAME=RFC3339: defect-shown, handed-over, supply, downloaded or contract; may be given again.
    #[arg(long, value_parser = event, value_name = "NAME=RFC3339")]
    event: Vec<(Event, DateTime<Utc>)>,
    /// One JSON document.
    #[arg(long)]
    json: bool,
}

fn instant(text: &str) -> Result<DateTime<Utc>, String> {
    let read = DateTime::parse_from_rfc3339(text).map(|t| t.to_utc());
    read.map_err(|e| format!("{e}: an instant is RFC 3339, such as 2026-11-06T10:00:00+01:00"))
}

fn pause(text: &str) -> Result<Pause, String> {
    let (from, to) = text.split_once('/').ok_or("a pause is FROM/TO, both RFC 3339")?;
    Ok(Pause { from: instant(from)?, to: instant(to)?, reason: words("angegeben", "as stated") })
}

fn event(text: &str) -> Result<(Event, DateTime<Utc>), String> {
    let (name, at) = text.split_once('=').ok_or("an event is NAME=RFC3339")?;
    Ok((name.parse()?, instant(at)?))
}

/// The contract of the command: scripts rely on these names.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    rule: RuleId,
    start: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    earliest: Option<NaiveDate>,
    ends_on: NaiveDate,
    ends_at: String,
    steps: Vec<Line>,
    source: &'static str,
}

#[derive(Serialize)]
struct Line {
    code: &'static str,
    date: NaiveDate,
    what: String,
    why: String,
}

impl From<Deadline> for Answer {
    fn from(deadline: Deadline) -> Self {
        let line = |step: &crate::policy::step::Step| Line {
            code: step.code(),
            date: step.date,
            what: step.what(Language::En),
            why: step.why.clone().into_owned(),
        };
        Self {
            rule: deadline.rule,
            start: local(deadline.start),
            earliest: deadline.earliest,
            ends_on: deadline.ends_on,
            ends_at: local(deadline.ends_at),
            steps: deadline.steps.iter().map(line).collect(),
            source: deadline.source,
        }
    }
}

impl Options {
    /// Reckons and prints. Status 2 for what the rule cannot be asked.
    pub(super) fn run(self, policy: &Policy) -> anyhow::Result<ExitCode> {
        let mut policy = policy.clone();
        policy.calendar.werktag = self.werktag.unwrap_or(policy.calendar.werktag);
        policy.retention.profile = self.profile.unwrap_or(policy.retention.profile);
        if let Some(fault) = check(&policy).first() {
            return Ok(misused(&format!("with this profile the policy is below the law: {fault}")));
        }
        let mut events = BTreeMap::new();
        for (event, at) in self.event {
            if events.insert(event, at).is_some() {
                return Ok(misused(&format!("the event {} is given twice", event.code())));
            }
        }
        let Some(rule) = policy.rule(self.rule) else {
            return Ok(misused(&format!("{} has no period: nothing is kept, or it goes at once", self.rule)));
        };
        let facts = Facts { start: self.start, land: self.land, pauses: self.pause, events };
        match policy.deadline(&rule, &facts) {
            Ok(deadline) => show(deadline.into(), self.json)?,
            Err(Unreckonable::Needs(event)) => {
                let name = event.code();
                return Ok(misused(&format!("{} needs --event {name}=RFC3339: {}", self.rule, event.words().en)));
            }
            Err(error) => return Ok(misused(&error.to_string())),
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn misused(problem: &str) -> ExitCode {
    eprintln!("error: {problem}");
    ExitCode::from(2)
}

fn show(answer: Answer, json: bool) -> anyhow::Result<()> {
    if json {
        return print_json(&answer);
    }
    say!("{} from {}", answer.rule, answer.start);
    for step in &answer.steps {
        say!("  {} {} {:<15} {}  [{}]", step.date, step.date.weekday(), step.code, step.what, step.why);
    }
    if let Some(earliest) = answer.earliest {
        say!("earliest on   {earliest}");
    }
    say!("last day      {}\nover at       {}\nsource        {}", answer.ends_on, answer.ends_at, answer.source);
    Ok(())
}
