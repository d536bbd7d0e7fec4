//! Changing returns.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::ids::{CaseId, ReturnId};
use entity::returns::Model;

use super::Return;
use crate::auth::Permission;
use crate::error::{Code, Refusal, Result};
use crate::graphql::codes::{CarriageBearer, GoodsDisposition, GoodsGrade, LegalBasis, ServiceCaseReason};
use crate::graphql::error::{ApiResult, UserError, authorised, outcome};
use crate::graphql::node;
use crate::graphql::session::ContextExt as _;
use crate::returns::instruct::Announced;
use crate::returns::{self, Dispatch, Inspection, Instruction, Receipt, SendBack, Shipment};

/// A line that is to come back.
#[derive(InputObject)]
pub struct ReturnLineInput {
    /// Position in the order, from 1.
    position: i32,
    /// Pieces, above zero, no more than are with the customer.
    quantity: i32,
    /// Why, of the first level of `returnReasons`.
    reason: Option<ServiceCaseReason>,
    /// Why, of the second level.
    detail: Option<String>,
}

/// How the customer is to send goods back.
#[derive(InputObject)]
pub struct ReturnInstructInput {
    /// The case, under review, with an order.
    case_id: ID,
    /// What is to come back, 1 to 200 lines.
    lines: Vec<ReturnLineInput>,
    /// What to take care of, in words for the customer.
    notes: String,
    /// Reference or drop-off code of a label.
    label: Option<String>,
    /// Where to, a line per line; the shop where left out.
    address: Option<String>,
    /// Who pays; where left out, whoever law and policy say. Never worse for the customer than that.
    carriage: Option<CarriageBearer>,
    /// The version of the case that it was decided on.
    expected_version: Option<i64>,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// What proves that goods were sent off: a proof in words, or carrier and number.
#[derive(InputObject)]
pub struct ReturnDispatchInput {
    /// The return.
    return_id: ID,
    /// A receipt, in words.
    proof: Option<String>,
    /// Carrier code; with `trackingNumber`.
    carrier: Option<String>,
    /// The carrier's number; with `carrier`.
    tracking_number: Option<String>,
    /// When they were sent off; now where left out.
    dispatched_at: Option<DateTime<Utc>>,
    /// The version of the return.
    expected_version: Option<i64>,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// What was counted of a line.
#[derive(InputObject)]
pub struct ReturnCountInput {
    /// Position in the order.
    position: i32,
    /// Pieces that came, no more than announced; the others are missing.
    received: i32,
    /// Pieces of another article that came.
    #[graphql(default)]
    wrong: i32,
}

/// A receipt of goods.
#[derive(InputObject)]
pub struct ReturnReceiveInput {
    /// The return.
    return_id: ID,
    /// What was counted; a line that is left out did not come.
    lines: Vec<ReturnCountInput>,
    /// The version of the return.
    expected_version: Option<i64>,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// A step of a return without further facts.
#[derive(InputObject)]
pub struct ReturnStepInput {
    /// The return.
    return_id: ID,
    /// The version of the return.
    expected_version: Option<i64>,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// What the inspection found of a line.
#[derive(InputObject)]
pub struct ReturnFindingInput {
    /// Position in the order.
    position: i32,
    /// Pieces that meet the conditions, no more than came.
    accepted: i32,
    /// What they are like.
    grade: GoodsGrade,
    /// In words.
    finding: Option<String>,
    /// Where they go.
    disposition: GoodsDisposition,
}

/// The result of an inspection. It decides the case: all announced pieces accepted is `ELIGIBLE`, none is `NOT_ELIGIBLE`.
#[derive(InputObject)]
pub struct ReturnInspectionRecordInput {
    /// The return.
    return_id: ID,
    /// One finding for each line of the return.
    lines: Vec<ReturnFindingInput>,
    /// What was found as a whole.
    finding: String,
    /// Why it was decided so; needed unless everything is accepted.
    reason: Option<ServiceCaseReason>,
    /// On what basis; needed unless everything is accepted.
    legal_basis: Option<LegalBasis>,
    /// The text to the customer; needed unless everything is accepted.
    text: Option<String>,
    /// The version of the return.
    expected_version: Option<i64>,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// How goods that were not accepted go back to the customer.
#[derive(InputObject)]
pub struct ReturnSendBackInput {
    /// The return, inspected.
    return_id: ID,
    /// Carrier code.
    carrier: String,
    /// The carrier's number.
    tracking_number: String,
    /// Who pays, as a person decides. A refused warranty claim goes back at the shop's cost unless use caused the defect.
    costs: CarriageBearer,
    /// Why it goes back and why they pay, in words for the customer.
    text: String,
    /// The version of the return.
    expected_version: Option<i64>,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// The return after the mutation.
#[derive(SimpleObject)]
pub struct ReturnPayload {
    /// The return; null if it was refused.
    #[graphql(name = "return")]
    row: Option<Return>,
    /// Why it was refused.
    user_errors: Vec<UserError>,
}

fn payload(ctx: &Context<'_>, done: Result<Model>) -> ApiResult<ReturnPayload> {
    let (row, user_errors) = outcome(ctx, done)?;
    Ok(ReturnPayload { row: row.map(Return), user_errors })
}

fn id_of(id: &ID) -> Result<ReturnId> {
    Ok(ReturnId(node::input("Return", id, &["input", "returnId"])?))
}

/// Both or none.
fn shipment(carrier: Option<String>, tracking_number: Option<String>) -> Result<Option<Shipment>> {
    match (carrier, tracking_number) {
        (None, None) => Ok(None),
        (Some(carrier), Some(tracking_number)) => Ok(Some(Shipment { carrier, tracking_number })),
        (None, Some(_)) => Err(Refusal::at(Code::Required, &["input", "carrier"]).into()),
        (Some(_), None) => Err(Refusal::at(Code::Required, &["input", "trackingNumber"]).into()),
    }
}

/// Changing returns.
#[derive(Default)]
pub struct ReturnMutation;

#[Object]
impl ReturnMutation {
    /// Tells the customer how to send goods back: number, address, last day, who pays, notes.
    async fn return_instruct(&self, ctx: &Context<'_>, input: ReturnInstructInput) -> ApiResult<ReturnPayload> {
        let done = async {
            let id = CaseId(node::input("ServiceCase", &input.case_id, &["input", "caseId"])?);
            let line = |l: ReturnLineInput| Announced {
                position: l.position,
                quantity: l.quantity,
                reason: l.reason.map(Into::into),
                detail: l.detail,
            };
            let new = Instruction {
                lines: input.lines.into_iter().map(line).collect(),
                notes: input.notes,
                label: input.label,
                address: input.address,
                carriage: input.carriage.map(Into::into),
                expected_version: input.expected_version,
            };
            returns::instruct(ctx.app(), ctx.actor(), id, new, &input.idempotency_key).await
        };
        payload(ctx, authorised(ctx, Permission::Decide, done).await)
    }

    /// Records that goods were sent off; called again with another parcel, it adds that.
    async fn return_dispatch(&self, ctx: &Context<'_>, input: ReturnDispatchInput) -> ApiResult<ReturnPayload> {
        let done = async {
            let new = Dispatch {
                proof: input.proof,
                shipment: shipment(input.carrier, input.tracking_number)?,
                dispatched_at: input.dispatched_at,
                expected_version: input.expected_version,
            };
            returns::dispatch(ctx.app(), ctx.actor(), id_of(&input.return_id)?, new, &input.idempotency_key).await
        };
        payload(ctx, authorised(ctx, Permission::Correspond, done).await)
    }

    /// Records the receipt of goods, counted; also of goods that come late or after they were lost.
    async fn return_receive(&self, ctx: &Context<'_>, input: ReturnReceiveInput) -> ApiResult<ReturnPayload> {
        let done = async {
            let count = |c: ReturnCountInput| returns::receive::Count {
                position: c.position,
                received: c.received,
                wrong: c.wrong,
            };
            let lines = input.lines.into_iter().map(count).collect();
            let new = Receipt { lines, expected_version: input.expected_version };
            returns::receive(ctx.app(), ctx.actor(), id_of(&input.return_id)?, new, &input.idempotency_key).await
        };
        payload(ctx, authorised(ctx, Permission::HandleGoods, done).await)
    }

    /// Marks goods on their way back as lost by the carrier.
    async fn return_lose(&self, ctx: &Context<'_>, input: ReturnStepInput) -> ApiResult<ReturnPayload> {
        let done = async {
            let id = id_of(&input.return_id)?;
            returns::lose(ctx.app(), ctx.actor(), id, input.expected_version, &input.idempotency_key).await
        };
        payload(ctx, authorised(ctx, Permission::Decide, done).await)
    }

    /// Begins the inspection of goods that are here.
    async fn return_inspection_begin(&self, ctx: &Context<'_>, input: ReturnStepInput) -> ApiResult<ReturnPayload> {
        let done = async {
            let id = id_of(&input.return_id)?;
            returns::begin(ctx.app(), ctx.actor(), id, input.expected_version, &input.idempotency_key).await
        };
        payload(ctx, authorised(ctx, Permission::HandleGoods, done).await)
    }

    /// Records what the inspection found: it decides the case, writes to the customer and files the next step.
    async fn return_inspection_record(
        &self,
        ctx: &Context<'_>,
        input: ReturnInspectionRecordInput,
    ) -> ApiResult<ReturnPayload> {
        let done = async {
            let finding = |f: ReturnFindingInput| returns::inspect::Finding {
                position: f.position,
                accepted: f.accepted,
                grade: f.grade.into(),
                finding: f.finding,
                disposition: f.disposition.into(),
            };
            let new = Inspection {
                lines: input.lines.into_iter().map(finding).collect(),
                finding: input.finding,
                reason: input.reason.map(Into::into),
                legal_basis: input.legal_basis.map(Into::into),
                text: input.text,
                expected_version: input.expected_version,
            };
            returns::record(ctx.app(), ctx.actor(), id_of(&input.return_id)?, new, &input.idempotency_key).await
        };
        payload(ctx, authorised(ctx, Permission::HandleGoods, done).await)
    }

    /// Sends goods that were not accepted back to the customer.
    async fn return_send_back(&self, ctx: &Context<'_>, input: ReturnSendBackInput) -> ApiResult<ReturnPayload> {
        let done = async {
            let new = SendBack {
                shipment: Shipment { carrier: input.carrier, tracking_number: input.tracking_number },
                costs: input.costs.into(),
                text: input.text,
                expected_version: input.expected_version,
            };
            returns::send_back(ctx.app(), ctx.actor(), id_of(&input.return_id)?, new, &input.idempotency_key).await
        };
        payload(ctx, authorised(ctx, Permission::HandleGoods, done).await)
    }
}
