//! The withdrawal function (BGB § 356a), and statements of withdrawal.

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::DataType;
use entity::ids::{CaseId, CustomerId, OrderId};
use entity::withdrawals::Model;

use super::codes::{Locale, ServiceCaseChannel};
use super::error::{ApiResult, UserError, authorised, outcome};
use super::node;
use super::retention::{Retention, retention};
use super::session::{ContextExt as _, locale_of};
use crate::auth::{Actor, Permission};
use crate::cases::{access, timers};
use crate::error::{Language, Result};
use crate::policy::rules::RuleId;
use crate::withdrawals::{self, Prepare, Received, Recorded, words};

/// Whether a statement kept the period.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "withdrawals::Timeliness")]
pub enum WithdrawalTimeliness {
    /// It did, for a line at least; or the period had not begun, or its end is only assumed.
    InTime,
    /// It did not. It is recorded all the same; a person decides.
    Late,
    /// Nobody knows yet to which order it belongs.
    Unmatched,
}

/// Whether the money may be kept back (BGB § 357(4)).
#[derive(SimpleObject)]
pub struct Withholding {
    /// Whether it may be.
    may_withhold: bool,
    /// When the right ended: with the goods, or with proof of their dispatch, whichever was first; never with an inspection.
    ended_at: Option<DateTime<Utc>>,
    /// Until when, or why not, in the language of `Accept-Language`.
    reason: &'static str,
}

/// The labels of the withdrawal function in one language.
#[derive(SimpleObject)]
pub struct WithdrawalLabels {
    /// The language.
    locale: Locale,
    /// What the function is called.
    function: &'static str,
    /// What the button of the second step is called; nothing else may stand on it.
    confirm: &'static str,
}

fn labels() -> Vec<WithdrawalLabels> {
    let label = |(locale, language): (Locale, Language)| WithdrawalLabels {
        locale,
        function: words::FUNCTION.said(language),
        confirm: words::CONFIRM.said(language),
    };
    [(Locale::De, Language::De), (Locale::En, Language::En)].map(label).into()
}

/// A statement of withdrawal.
pub struct Withdrawal {
    pub(super) row: Model,
    /// Whether its text is shown.
    pub(super) shown: bool,
}

#[Object]
impl Withdrawal {
    /// When it was received, UTC.
    async fn received_at(&self) -> DateTime<Utc> {
        self.row.received_at
    }

    /// When the consumer had sent it, UTC, where that is known.
    async fn dispatched_at(&self) -> Option<DateTime<Utc>> {
        self.row.dispatched_at
    }

    /// The statement, word for word; null for staff in a list of cases.
    async fn statement(&self, ctx: &Context<'_>) -> ApiResult<Option<String>> {
        if !self.shown {
            return Ok(None);
        }
        let place = withdrawals::place(self.row.id, "statement");
        Ok(ctx.session().open(self.row.unit_id, place, self.row.statement.as_ref()).await?)
    }

    /// Whether it has been matched with an order.
    async fn matched(&self) -> bool {
        self.row.order_id.is_some()
    }

    /// Whether it kept the period.
    async fn timeliness(&self, ctx: &Context<'_>) -> ApiResult<WithdrawalTimeliness> {
        let app = ctx.app();
        Ok(withdrawals::timeliness(app, app.db.read(), &self.row).await?.into())
    }

    /// The first instant after the period for paying back, UTC: 14 days from the receipt (BGB §§ 355(3), 357(1)). It never
    /// pauses.
    async fn refund_due(&self, ctx: &Context<'_>) -> ApiResult<Option<DateTime<Utc>>> {
        let Some(case) = self.row.case_id else { return Ok(None) };
        let all = timers::of_case(ctx.app().db.read(), case).await?;
        let due = all.into_iter().find(|t| t.rule == RuleId::WithdrawalRefund.to_string());
        Ok(due.map(|timer| timer.ends_at))
    }

    /// Whether the money may be kept back.
    async fn withholding(&self, ctx: &Context<'_>) -> ApiResult<Option<Withholding>> {
        let Some(case) = self.row.case_id else { return Ok(None) };
        let found = withdrawals::withheld(ctx.app().db.read(), case).await?;
        Ok(Some(Withholding {
            may_withhold: found.may_withhold(),
            ended_at: found.ended_at(),
            reason: found.words().said(ctx.session().language),
        }))
    }

    /// Why it is still here, and until when.
    async fn retention(&self, ctx: &Context<'_>) -> Option<Retention> {
        retention(ctx.app(), ("withdrawals", self.row.id.0), DataType::R05, self.row.start_at)
    }
}

/// What a consumer enters to withdraw. Nothing else is ever needed; who is signed in may leave out what is known.
#[derive(InputObject)]
pub struct WithdrawalPrepareInput {
    /// The consumer's name.
    name: Option<String>,
    /// What identifies the contract, such as the order number.
    contract: Option<String>,
    /// The order, for one who is signed in.
    order_id: Option<ID>,
    /// The e-mail address for the receipt.
    receipt_to: Option<String>,
    /// Which goods, if not all, or whatever else is to be said. Never needed.
    concerns: Option<String>,
}

/// A statement ready to be confirmed. Nothing has been declared or stored yet.
#[derive(SimpleObject)]
pub struct WithdrawalPreparePayload {
    /// Send it back with `withdrawalConfirm`; null if the input was refused.
    token: Option<String>,
    /// The statement in words, to be shown beside the button.
    statement: Option<String>,
    /// Until when it can be confirmed, UTC.
    expires_at: Option<DateTime<Utc>>,
    /// What the buttons are called, in both languages.
    labels: Vec<WithdrawalLabels>,
    /// Why the input was refused.
    user_errors: Vec<UserError>,
}

/// A withdrawal that is declared.
#[derive(InputObject)]
pub struct WithdrawalConfirmInput {
    /// What `withdrawalPrepare` has answered.
    token: String,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// A statement that was received. A receipt with its content, date and time is on its way by e-mail.
#[derive(SimpleObject)]
pub struct WithdrawalConfirmation {
    /// The number of the case.
    number: Option<String>,
    /// When the statement was received, UTC.
    received_at: DateTime<Utc>,
    /// Whether it kept the period; null for one who is not signed in, who would learn from it which orders exist.
    timeliness: Option<WithdrawalTimeliness>,
}

/// What became of a confirmation.
#[derive(SimpleObject)]
pub struct WithdrawalConfirmPayload {
    /// The confirmation; null if it was refused.
    withdrawal: Option<WithdrawalConfirmation>,
    /// Why it was refused.
    user_errors: Vec<UserError>,
}

/// A statement that came by telephone, letter or e-mail.
#[derive(InputObject)]
pub struct WithdrawalRecordInput {
    /// Who declares it, where the customer is known; else name and e-mail address.
    customer_id: Option<ID>,
    /// The consumer's name.
    name: Option<String>,
    /// The e-mail address, to which the receipt goes.
    email: Option<String>,
    /// What identifies the contract, in the consumer's words.
    contract: String,
    /// The order, where it is known.
    order_id: Option<ID>,
    /// What was said or written; at most 10,000 characters.
    statement: String,
    /// How it came: `PHONE`, `EMAIL` or `LETTER`.
    channel: ServiceCaseChannel,
    /// When it was received, UTC.
    received_at: DateTime<Utc>,
    /// When it was sent, UTC: that it was sent in time suffices.
    dispatched_at: Option<DateTime<Utc>>,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// A statement that is matched with an order.
#[derive(InputObject)]
pub struct WithdrawalMatchInput {
    /// The case of the statement.
    case_id: ID,
    /// An order of the same customer.
    order_id: ID,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

async fn confirmation(ctx: &Context<'_>, done: Result<Received>) -> ApiResult<WithdrawalConfirmPayload> {
    let (received, user_errors) = outcome(ctx, done)?;
    let Some(received) = received else { return Ok(WithdrawalConfirmPayload { withdrawal: None, user_errors }) };
    let timeliness = match ctx.actor() {
        Actor::Anonymous => None,
        _ => {
            access::log(ctx.app(), ctx.actor(), &received.case, ctx.actor().purpose(), None).await?;
            let app = ctx.app();
            Some(withdrawals::timeliness(app, app.db.read(), &received.statement).await?.into())
        }
    };
    let (number, received_at) = (received.case.number, received.statement.received_at);
    let withdrawal = Some(WithdrawalConfirmation { number, received_at, timeliness });
    Ok(WithdrawalConfirmPayload { withdrawal, user_errors })
}

/// What the withdrawal function is called.
#[derive(Default)]
pub struct WithdrawalQuery;

#[Object]
impl WithdrawalQuery {
    /// The labels of the withdrawal function, in both languages. For everybody.
    async fn withdrawal_labels(&self) -> Vec<WithdrawalLabels> {
        labels()
    }
}

/// Withdrawing from a contract.
#[derive(Default)]
pub struct WithdrawalMutation;

#[Object]
impl WithdrawalMutation {
    /// The first step of a withdrawal: puts the statement into words, in the language of `Accept-Language`. Stores nothing,
    /// and so needs no key. For everybody, without an account.
    async fn withdrawal_prepare(
        &self,
        ctx: &Context<'_>,
        input: WithdrawalPrepareInput,
    ) -> ApiResult<WithdrawalPreparePayload> {
        let done = async {
            let order =
                input.order_id.as_ref().map(|id| node::input("Order", id, &["input", "orderId"])).transpose()?;
            let new = Prepare {
                name: input.name,
                contract: input.contract,
                order: order.map(OrderId),
                receipt_to: input.receipt_to,
                concerns: input.concerns,
                locale: locale_of(ctx.session().language),
            };
            withdrawals::prepare(ctx.app(), ctx.actor(), new).await
        };
        let (prepared, user_errors) = outcome(ctx, done.await)?;
        let (token, statement, expires_at) =
            prepared.map_or((None, None, None), |p| (Some(p.token), Some(p.statement), Some(p.until)));
        Ok(WithdrawalPreparePayload { token, statement, expires_at, labels: labels(), user_errors })
    }

    /// The second step: declares what was prepared. It is received at this instant; it is never refused for being late or
    /// for fitting no order. For everybody, without an account.
    async fn withdrawal_confirm(
        &self,
        ctx: &Context<'_>,
        input: WithdrawalConfirmInput,
    ) -> ApiResult<WithdrawalConfirmPayload> {
        let done = withdrawals::confirm(ctx.app(), ctx.actor(), &input.token, &input.idempotency_key).await;
        confirmation(ctx, done).await
    }

    /// Records a statement that came by telephone, letter or e-mail.
    async fn withdrawal_record(
        &self,
        ctx: &Context<'_>,
        input: WithdrawalRecordInput,
    ) -> ApiResult<WithdrawalConfirmPayload> {
        let done = async {
            let customer = input.customer_id.as_ref().map(|id| node::input("Customer", id, &["input", "customerId"]));
            let order = input.order_id.as_ref().map(|id| node::input("Order", id, &["input", "orderId"]));
            let new = Recorded {
                customer: customer.transpose()?.map(CustomerId),
                name: input.name,
                email: input.email,
                contract: input.contract,
                order: order.transpose()?.map(OrderId),
                statement: input.statement,
                channel: input.channel.into(),
                received_at: input.received_at,
                dispatched_at: input.dispatched_at,
                locale: locale_of(ctx.session().language),
            };
            withdrawals::record(ctx.app(), ctx.actor(), new, &input.idempotency_key).await
        };
        confirmation(ctx, authorised(ctx, Permission::Decide, done).await).await
    }

    /// Matches a statement that fitted no order with one of the same customer. The statement itself does not change.
    async fn withdrawal_match(
        &self,
        ctx: &Context<'_>,
        input: WithdrawalMatchInput,
    ) -> ApiResult<WithdrawalConfirmPayload> {
        let done = async {
            let case = CaseId(node::input("ServiceCase", &input.case_id, &["input", "caseId"])?);
            let order = OrderId(node::input("Order", &input.order_id, &["input", "orderId"])?);
            withdrawals::match_order(ctx.app(), ctx.actor(), case, order, &input.idempotency_key).await
        };
        confirmation(ctx, authorised(ctx, Permission::Decide, done).await).await
    }
}
