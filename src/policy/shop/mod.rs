//! The policy of the shop: what one TOML file says, and the rules that follow from it beside the law's.

mod file;
mod floor;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use chrono::NaiveDate;
use entity::DataType;
use entity::cases::Reason;
use serde::{Deserialize, Serialize};

use super::deadline::{Calendars, Deadline, Facts, Unreckonable, reckon};
use super::holidays::Land;
use super::hours::ServiceHours;
use super::retention::{self, Profile};
use super::rules::{Length, Rule, RuleId, statute};
use super::workdays::{ExtraDay, Werktag};

pub use file::{Fault, Period, Severity, check, inspect, parse};

/// A policy whose values keep to the law.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// First day of validity (Berlin); none: from when it is first loaded.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "file::day")]
    pub valid_from: Option<NaiveDate>,
    /// The shop (S83 to S85).
    pub shop: Shop,
    /// The policies that belong to it (S56, S63).
    pub documents: Documents,
    /// Who answers for personal data.
    pub privacy: Privacy,
    /// Service hours (S73, S86).
    pub service_hours: ServiceHours,
    /// Werktage and days of the policy's own.
    pub calendar: Calendar,
    /// Lengths of periods.
    pub periods: BTreeMap<RuleId, Period>,
    /// Warranty beyond its period.
    pub warranty: Warranty,
    /// The shop's own window (S45 to S51).
    pub returns: Returns,
    /// How refunds are handled (F31).
    pub refunds: Refunds,
    /// How long the shop waits for the customer.
    pub service: Service,
    /// Who pays carriage (S52 to S55).
    pub freight: Freight,
    /// How long data is kept.
    pub retention: Retention,
    /// What is said when a dispute could not be settled.
    pub dispute: Dispute,
    /// The policy for people to read.
    pub sections: Vec<Section>,
}

/// The shop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shop {
    /// What it is called.
    pub name: String,
    /// Postal address, a line per line.
    pub address: Vec<String>,
    /// Service e-mail.
    pub email: String,
    /// Service telephone.
    pub phone: String,
    /// Its Land, if it is in Germany.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub land: Option<Land>,
}

/// The linked policies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Documents {
    /// This one.
    pub after_sales: Document,
    /// Return and exchange.
    pub returns: Document,
    /// Refunds.
    pub refunds: Document,
    /// Cancellation of orders.
    pub cancellation: Document,
}

/// A document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// German title.
    pub de: String,
    /// English title.
    pub en: String,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// Who answers for personal data (GDPR Art. 13(1), 27, 37).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Privacy {
    /// The controller, where it is not the shop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub controller: Option<Party>,
    /// The representative in the Union.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eu_representative: Option<Party>,
    /// The data-protection officer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_protection_officer: Option<Party>,
    /// The supervisory authority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<Party>,
}

/// Somebody to turn to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Party {
    /// Name.
    pub name: String,
    /// Postal address, a line per line.
    #[serde(default)]
    pub address: Vec<String>,
    /// E-mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Telephone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// What counts as a working day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calendar {
    /// Werktage of the shop's promises.
    pub werktag: Werktag,
    /// Days that the program does not know.
    pub extra_days: Vec<ExtraDay>,
}

/// Warranty beyond its period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Warranty {
    /// Contracts from this day (Berlin) have twelve months more after a repair; none: switched off.
    #[serde(with = "file::switch")]
    pub repair_extension_from: Option<NaiveDate>,
    /// Werktage after dispatch at which an unreported delivery is assumed.
    pub assumed_transit_werktage: u32,
}

/// The shop's own window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Returns {
    /// Whether goods go back without a reason (S51).
    pub without_reason: bool,
    /// Reasons that the shop accepts at its own cost (S46 to S49, S54).
    pub reasons: Vec<Reason>,
}

/// How refunds are handled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refunds {
    /// Above this amount a second person agrees (F31), in minor units of the order's currency, whichever it is.
    pub four_eyes_above_minor: i64,
    /// The shop's own target: days from the withdrawal to handing the refund to the payment provider.
    pub submit_by_days: u32,
}

/// How long the shop waits for the customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Days without an answer after which a case that waits for information goes back under review.
    pub info_reminder_days: u32,
    /// Days within which the customer sends goods back (BGB § 357(1)).
    pub return_by_days: u32,
}

/// Who pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bearer {
    /// The shop.
    Shop,
    /// The customer.
    Customer,
}

/// Who pays carriage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Freight {
    /// Sending back after a withdrawal.
    pub withdrawal_return: Bearer,
    /// Sending back without a reason.
    pub no_reason_return: Bearer,
    /// Sending the other goods of an exchange without a reason.
    pub no_reason_exchange: Bearer,
    /// Both ways for a defect.
    pub defect: Bearer,
    /// Both ways for a mistake of the shop.
    pub shop_error: Bearer,
    /// Sending back what was not eligible.
    pub not_eligible_return: Bearer,
    /// Whether a fee is taken for handling.
    pub handling_fee: bool,
}

/// How long data is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// Which duties bind the merchant.
    pub profile: Profile,
    /// Periods of the merchant's own, by data type.
    #[serde(default)]
    pub periods: BTreeMap<DataType, Period>,
}

/// What is said when a dispute could not be settled (VSBG §§ 36, 37).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dispute {
    /// The board.
    pub board: String,
    /// Its address, a line per line.
    pub address: Vec<String>,
    /// Its page.
    pub url: String,
    /// Whether the shop takes part.
    pub takes_part: bool,
}

/// A part of the policy in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// A code.
    pub topic: String,
    /// German.
    pub de: String,
    /// English.
    pub en: String,
}

/// The documented default, as a text.
pub const SHIPPED: &str = include_str!("../../../policy.toml");

static DEFAULT: LazyLock<Policy> = LazyLock::new(|| match parse(None) {
    Ok(policy) => policy,
    Err(faults) => unreachable!("the shipped policy is tested: {faults:?}"),
});

impl Policy {
    /// The shipped default.
    #[must_use]
    pub fn shipped() -> &'static Self {
        &DEFAULT
    }

    /// What it is in one canonical text: the same policy is the same text.
    #[must_use]
    pub fn text(&self) -> String {
        toml::to_string(self).unwrap_or_default()
    }

    /// Its calendars.
    #[must_use]
    pub fn calendars(&self) -> Calendars<'_> {
        Calendars {
            hours: &self.service_hours,
            werktag: self.calendar.werktag,
            extra: &self.calendar.extra_days,
            land: self.shop.land,
        }
    }

    /// The retention rules.
    #[must_use]
    pub fn retention_rules(&self) -> Vec<retention::Rule> {
        retention::rules(self.retention.profile, &self.retention.periods)
    }

    /// A rule as this policy has it; `None` for a data type without a period.
    #[must_use]
    pub fn rule(&self, id: RuleId) -> Option<Rule> {
        if let RuleId::Retention(data_type) = id {
            let rules = self.retention_rules();
            return rules.iter().find(|rule| rule.data_type == data_type).map(retention::Rule::deadline_rule);
        }
        let mut rule = statute(id)?;
        let named = match id {
            RuleId::WarrantyLateDefect | RuleId::WarrantyAfterCure | RuleId::WarrantyAfterRepair => RuleId::Warranty,
            other => other,
        };
        if let Some(period) = self.periods.get(&named) {
            rule.length = Length::from(*period);
        }
        if id == RuleId::WarrantyAfterRepair {
            rule.contracts_from = self.warranty.repair_extension_from;
        }
        Some(rule)
    }

    /// Every rule that is not one of retention.
    pub fn rules(&self) -> impl Iterator<Item = Rule> {
        RuleId::DEADLINES.iter().filter_map(|id| self.rule(*id))
    }

    /// Reckons a deadline.
    ///
    /// # Errors
    /// As [`reckon`]. A data type without a period cannot be reckoned either, which callers know beforehand.
    pub fn deadline(&self, rule: &Rule, facts: &Facts) -> Result<Deadline, Unreckonable> {
        reckon(rule, &self.calendars(), facts)
    }
}
