//! The policy of the shop, as it is published (S2, S83 to S86).

use async_graphql::{Context, Enum, Object, SimpleObject};
use chrono::{DateTime, NaiveDate, Utc};

use super::error::ApiResult;
use super::session::ContextExt as _;
use crate::error::Language;
use crate::policies::Version;
use crate::policy::rules::{Kind, Length, Protects, Rule};
use crate::policy::shop::{self, Bearer};

/// Who pays.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "Bearer")]
pub enum CostBearer {
    /// The shop.
    Shop,
    /// The customer.
    Customer,
}

/// A version of the policy.
pub struct Policy(Version);

/// Somebody to turn to.
#[derive(SimpleObject)]
pub struct Party {
    /// Name.
    name: String,
    /// Postal address, a line per line.
    address: Vec<String>,
    /// E-mail.
    email: Option<String>,
    /// Telephone.
    phone: Option<String>,
    /// Page.
    url: Option<String>,
}

impl From<&shop::Party> for Party {
    fn from(party: &shop::Party) -> Self {
        let shop::Party { name, address, email, phone, url } = party.clone();
        Self { name, address, email, phone, url }
    }
}

/// A policy that belongs to this one.
#[derive(SimpleObject)]
pub struct PolicyDocument {
    /// Title, in the language of `Accept-Language`.
    title: String,
    /// Where it is; null until the shop says so.
    url: Option<String>,
}

/// A part of the policy in words.
#[derive(SimpleObject)]
pub struct PolicySection {
    /// A code, such as `returns`.
    topic: String,
    /// The text, in the language of `Accept-Language`.
    text: String,
}

/// The service hours of a day of the week.
#[derive(SimpleObject)]
pub struct ServiceDay {
    /// 1 for Monday to 7 for Sunday.
    weekday: i32,
    /// Spans such as `09:00-12:30`, in order; empty: no service.
    spans: Vec<String>,
}

/// A rule of the policy or the law.
#[derive(SimpleObject)]
pub struct PolicyRule {
    /// Its name, such as `shop-return`.
    id: String,
    /// `STATUTORY` or `SHOP`.
    kind: &'static str,
    /// Whom it protects: `CONSUMER_WINDOW`, `CONSUMER_DUTY` or `DATA_SUBJECT`.
    protects: &'static str,
    /// What starts it, in the language of `Accept-Language`.
    anchor: &'static str,
    /// Its length, in the language of `Accept-Language`.
    period: String,
    /// The first contracts that it is for, in Europe/Berlin; null: all.
    valid_for_contracts_from: Option<NaiveDate>,
    /// The last contracts that it is for, in Europe/Berlin; null: all.
    valid_for_contracts_until: Option<NaiveDate>,
    /// The norm or promise.
    source: &'static str,
}

/// Who pays carriage.
#[derive(SimpleObject)]
pub struct PolicyFreight {
    /// Sending back after a withdrawal.
    withdrawal_return: CostBearer,
    /// Sending back without a reason.
    no_reason_return: CostBearer,
    /// Sending the other goods of an exchange without a reason.
    no_reason_exchange: CostBearer,
    /// Both ways for a defect.
    defect: CostBearer,
    /// Both ways for a mistake of the shop.
    shop_error: CostBearer,
    /// Sending back what was not eligible; a person decides.
    not_eligible_return: CostBearer,
    /// Whether there is a fee for handling.
    handling_fee: bool,
}

fn said(length: &Length, language: Language) -> String {
    let de = language == Language::De;
    match length {
        Length::Spans(spans) => {
            let each: Vec<String> = spans.iter().map(|s| s.said(language)).collect();
            each.join(if de { " und " } else { " and " })
        }
        Length::Werktage { earliest: Some(first), last } if de => format!("{first} bis {last} Werktage"),
        Length::Werktage { earliest: Some(first), last } => format!("{first} to {last} Werktage"),
        Length::Werktage { earliest: None, last } => format!("{last} Werktage"),
        Length::Hours(hours) => format!("{hours} {}", if de { "Stunden" } else { "hours" }),
        Length::ServiceMinutes(n) if de => format!("{n} Minuten Servicezeit"),
        Length::ServiceMinutes(n) => format!("{n} minutes of service"),
    }
}

fn rule(rule: &Rule, language: Language) -> PolicyRule {
    PolicyRule {
        id: rule.id.to_string(),
        kind: match rule.kind {
            Kind::Statutory => "STATUTORY",
            Kind::Shop => "SHOP",
        },
        protects: match rule.protects {
            Protects::ConsumerWindow => "CONSUMER_WINDOW",
            Protects::ConsumerDuty => "CONSUMER_DUTY",
            Protects::DataSubject => "DATA_SUBJECT",
            Protects::Records => "RECORDS",
        },
        anchor: rule.anchor.said(language),
        period: said(&rule.length, language),
        valid_for_contracts_from: rule.contracts_from,
        valid_for_contracts_until: rule.contracts_until,
        source: rule.source,
    }
}

#[Object]
impl Policy {
    /// Counted from 1.
    async fn version(&self) -> i32 {
        self.0.number
    }

    /// First instant of validity, UTC.
    async fn valid_from(&self) -> DateTime<Utc> {
        self.0.valid_from
    }

    /// First instant after its validity, UTC; null: open.
    async fn valid_until(&self) -> Option<DateTime<Utc>> {
        self.0.valid_until
    }

    /// The shop: address, e-mail and telephone of its service.
    async fn shop(&self) -> Party {
        let shop::Shop { name, address, email, phone, .. } = self.0.policy.shop.clone();
        Party { name, address, email: Some(email), phone: Some(phone), url: None }
    }

    /// The zone in which service hours are meant.
    async fn service_zone(&self) -> &str {
        &self.0.policy.service_hours.zone
    }

    /// The service hours of each day of the week.
    async fn service_hours(&self) -> Vec<ServiceDay> {
        let day = |(weekday, spans): (i32, &[crate::policy::hours::Window])| ServiceDay {
            weekday,
            spans: spans.iter().map(|w| String::from(*w)).collect(),
        };
        (1..).zip(self.0.policy.service_hours.week()).map(day).collect()
    }

    /// What counts as a Werktag: `mon-sat` or `mon-fri`.
    async fn werktag(&self) -> &'static str {
        self.0.policy.calendar.werktag.code()
    }

    /// Every period, the law's and the shop's own.
    async fn rules(&self, ctx: &Context<'_>) -> Vec<PolicyRule> {
        self.0.policy.rules().map(|r| rule(&r, ctx.session().language)).collect()
    }

    /// Who pays carriage.
    async fn freight(&self) -> PolicyFreight {
        let freight = &self.0.policy.freight;
        PolicyFreight {
            withdrawal_return: freight.withdrawal_return.into(),
            no_reason_return: freight.no_reason_return.into(),
            no_reason_exchange: freight.no_reason_exchange.into(),
            defect: freight.defect.into(),
            shop_error: freight.shop_error.into(),
            not_eligible_return: freight.not_eligible_return.into(),
            handling_fee: freight.handling_fee,
        }
    }

    /// The policy in words: scope, process, guarantees.
    async fn sections(&self, ctx: &Context<'_>) -> Vec<PolicySection> {
        let german = ctx.session().language == Language::De;
        let section = |s: &shop::Section| PolicySection {
            topic: s.topic.clone(),
            text: if german { s.de.clone() } else { s.en.clone() },
        };
        self.0.policy.sections.iter().map(section).collect()
    }

    /// The policies that belong to it: this one, returns, refunds, cancellation.
    async fn documents(&self, ctx: &Context<'_>) -> Vec<PolicyDocument> {
        let german = ctx.session().language == Language::De;
        let all = &self.0.policy.documents;
        let document = |d: &shop::Document| PolicyDocument {
            title: if german { d.de.clone() } else { d.en.clone() },
            url: d.url.clone(),
        };
        [&all.after_sales, &all.returns, &all.refunds, &all.cancellation].into_iter().map(document).collect()
    }

    /// The controller of personal data; the shop where it names no other.
    async fn controller(&self) -> Party {
        let shop::Shop { name, address, email, phone, .. } = self.0.policy.shop.clone();
        let shop = Party { name, address, email: Some(email), phone: Some(phone), url: None };
        self.0.policy.privacy.controller.as_ref().map_or(shop, Into::into)
    }

    /// The representative in the Union, GDPR Art. 27.
    async fn eu_representative(&self) -> Option<Party> {
        self.0.policy.privacy.eu_representative.as_ref().map(Into::into)
    }

    /// The data-protection officer.
    async fn data_protection_officer(&self) -> Option<Party> {
        self.0.policy.privacy.data_protection_officer.as_ref().map(Into::into)
    }

    /// The supervisory authority.
    async fn authority(&self) -> Option<Party> {
        self.0.policy.privacy.authority.as_ref().map(Into::into)
    }
}

/// Reading the policy; for everybody.
#[derive(Default)]
pub struct PolicyQuery;

#[Object]
impl PolicyQuery {
    /// The policy in force, now or at another instant.
    async fn policy(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The instant; now where left out.")] at: Option<DateTime<Utc>>,
    ) -> ApiResult<Policy> {
        let app = ctx.app();
        Ok(Policy(app.policies.version_at(at.unwrap_or_else(|| app.clock.now())).clone()))
    }

    /// Every version, oldest first; announced ones too.
    async fn policy_versions(&self, ctx: &Context<'_>) -> Vec<Policy> {
        ctx.app().policies.all().iter().cloned().map(Policy).collect()
    }
}
