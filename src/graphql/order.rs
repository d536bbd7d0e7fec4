//! Orders, as the shop's backend registers them.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::DataType;
use entity::ids::OrderId;
use entity::orders::Model;

use super::codes::{Locale, PaymentMethod, ServiceCaseReason, WithdrawalExclusion};
use super::error::{ApiResult, UserError, authorised, nullable, outcome};
use super::loaders::{LinesOf, ParcelsOf};
use super::node;
use super::page::{Page, page, wanted};
use super::parcel::Parcel;
use super::retention::{Retention, retention};
use super::rights::{self, CustomerWish, Eligibility, Right};
use super::scalars::{MinorUnits, Money, MoneyInput};
use super::session::ContextExt as _;
use crate::auth::{Actor, Permission};
use crate::customers;
use crate::error::{Error, Result};
use crate::input;
use crate::keys::Place;
use crate::orders::situation::Claim;
use crate::orders::{self, Chargeback, Delivery, NewLine, NewOrder, NewParcel};

/// An order.
pub struct Order(pub Model);

#[Object]
impl Order {
    /// The opaque id.
    pub(super) async fn id(&self) -> ID {
        node::id("Order", self.0.id.0)
    }

    /// The shop's order number.
    async fn number(&self, ctx: &Context<'_>) -> ApiResult<Option<String>> {
        let place = Place { table: "orders", column: "number", row: self.0.id.0 };
        Ok(ctx.session().open(self.0.unit_id, place, self.0.number.as_ref()).await?)
    }

    /// When it was placed, UTC.
    async fn ordered_at(&self) -> Option<DateTime<Utc>> {
        self.0.ordered_at
    }

    /// What was captured: the ceiling of all refunds.
    async fn captured(&self) -> Option<Money> {
        Some(Money::new(self.0.captured_minor?, self.0.currency.clone()?))
    }

    /// What the card issuer has charged back: it is not refunded again.
    async fn charged_back(&self) -> Option<Money> {
        Some(Money::new(self.0.charged_back_minor?, self.0.currency.clone()?))
    }

    /// How it was paid; refunds go back the same way.
    async fn payment_method(&self) -> Option<PaymentMethod> {
        self.0.payment_method.map(Into::into)
    }

    /// When the last parcel was received, UTC: where withdrawal and warranty begin.
    async fn delivered_at(&self) -> Option<DateTime<Utc>> {
        self.0.delivered_at
    }

    /// The lines, in order of position.
    async fn lines(&self, ctx: &Context<'_>) -> ApiResult<Vec<OrderLine>> {
        let found = ctx.session().loaders.load_one(LinesOf(self.0.id)).await.map_err(Error::from)?;
        let order = Arc::new(self.0.clone());
        let line = |row| OrderLine { row, order: Arc::clone(&order) };
        Ok(found.unwrap_or_default().into_iter().map(line).collect())
    }

    /// The parcels, in both directions.
    async fn parcels(&self, ctx: &Context<'_>) -> ApiResult<Vec<Parcel>> {
        let found = ctx.session().loaders.load_one(ParcelsOf(self.0.id)).await.map_err(Error::from)?;
        Ok(found.unwrap_or_default().into_iter().map(Parcel).collect())
    }

    /// Why it is still here, and until when.
    async fn retention(&self, ctx: &Context<'_>) -> Option<Retention> {
        retention(ctx.app(), ("orders", self.0.id.0), DataType::R25, self.0.start_at)
    }
}

/// A line of an order.
pub struct OrderLine {
    /// The line.
    pub(super) row: entity::order_lines::Model,
    /// Its order.
    pub(super) order: Arc<Model>,
}

#[Object]
impl OrderLine {
    /// The opaque id.
    async fn id(&self) -> ID {
        node::id("OrderLine", self.row.id.0)
    }

    /// Position in the order, from 1.
    async fn position(&self) -> i32 {
        self.row.position
    }

    /// Article number.
    async fn sku(&self) -> &str {
        &self.row.sku
    }

    /// Product group code.
    async fn product_group(&self) -> &str {
        &self.row.product_group
    }

    /// What it is.
    async fn title(&self, ctx: &Context<'_>) -> ApiResult<Option<String>> {
        let place = Place { table: "order_lines", column: "title", row: self.row.id.0 };
        Ok(ctx.session().open(self.row.unit_id, place, self.row.title.as_ref()).await?)
    }

    /// Pieces.
    async fn quantity(&self) -> i32 {
        self.row.quantity
    }

    /// Gross price of a piece.
    async fn unit_price(&self) -> Money {
        Money::new(self.row.unit_price_minor, self.order.currency.clone().unwrap_or_default())
    }

    /// Value added tax in hundredths of a percent, such as 1900.
    async fn tax_basis_points(&self) -> i32 {
        self.row.tax_basis_points
    }

    /// Why the law may exclude it from withdrawal, BGB § 312g(2).
    async fn withdrawal_exclusion(&self) -> Option<WithdrawalExclusion> {
        self.row.withdrawal_exclusion.map(Into::into)
    }

    /// Months of a guarantee, from the delivery.
    async fn guarantee_months(&self) -> Option<i32> {
        self.row.guarantee_months
    }

    /// The rights of the customer on it now, on every legal track, with end, remedies and who pays.
    async fn rights(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Why the customer asks; without a reason where left out.")] reason: Option<ServiceCaseReason>,
        #[graphql(desc = "When a defect first showed.")] defect_shown_at: Option<DateTime<Utc>>,
    ) -> ApiResult<Vec<Right>> {
        let claim = claim(ctx, reason, defect_shown_at)?;
        rights::of_line(ctx, self, claim).await
    }

    /// What is advised on a request made now, with all reasons for and against. It never keeps anybody from asking.
    async fn eligibility(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What the customer wants.")] wish: CustomerWish,
        #[graphql(desc = "Why the customer asks; without a reason where left out.")] reason: Option<ServiceCaseReason>,
        #[graphql(desc = "When a defect first showed.")] defect_shown_at: Option<DateTime<Utc>>,
    ) -> ApiResult<Eligibility> {
        let claim = claim(ctx, reason, defect_shown_at)?;
        rights::advice(ctx, self, claim, wish.into(), ctx.app().clock.now()).await
    }

    /// Why it is still here, and until when.
    async fn retention(&self, ctx: &Context<'_>) -> Option<Retention> {
        retention(ctx.app(), ("order_lines", self.row.id.0), DataType::R25, self.row.start_at)
    }
}

/// Finding orders.
#[derive(Default)]
pub struct OrderQuery;

/// What a customer claims, as far as it can be: a defect has shown by now.
fn claim(ctx: &Context<'_>, reason: Option<ServiceCaseReason>, defect_shown: Option<DateTime<Utc>>) -> Result<Claim> {
    if let Some(at) = defect_shown {
        input::instant(at, &["defectShownAt"], ctx.app().clock.now())?;
    }
    Ok(Claim { reason: reason.map(Into::into), defect_shown })
}

fn may_read(actor: &Actor) -> Result<()> {
    if actor.may(Permission::RunShop) { Ok(()) } else { actor.require(Permission::ReadCases) }
}

#[Object]
impl OrderQuery {
    /// An order; null with `NOT_FOUND` if it does not exist or is not visible to you.
    async fn order(&self, ctx: &Context<'_>, id: ID) -> ApiResult<Option<Order>> {
        let found = async {
            may_read(ctx.actor())?;
            let id = node::parse("Order", &id).ok_or(Error::NotFound)?;
            Ok(Order(orders::get(ctx.app(), ctx.actor(), OrderId(id)).await?))
        };
        nullable(ctx, found.await)
    }

    /// The orders that you may see, in order of registration.
    async fn orders(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 where left out.")] first: Option<i32>,
        #[graphql(desc = "The `endCursor` of the page before.")] after: Option<String>,
    ) -> ApiResult<Page<Order>> {
        may_read(ctx.actor())?;
        let wanted = wanted(first, after.as_deref())?;
        let rows = orders::page(ctx.app(), ctx.actor(), wanted.after.map(OrderId), wanted.first).await?;
        ctx.session().ring.load(ctx.app(), rows.iter().map(|r| r.unit_id)).await?;
        Ok(page(wanted, rows, |o| o.id.0, Order))
    }
}

/// Who placed an order, recognised by e-mail address.
#[derive(InputObject)]
pub struct CustomerInput {
    /// E-mail address.
    email: String,
    /// Name.
    name: String,
    /// Telephone.
    phone: Option<String>,
    /// Postal address, a line per line.
    address: Option<String>,
    /// The language to write in.
    #[graphql(default_with = "Locale::De")]
    locale: Locale,
}

/// A line of an order.
#[derive(InputObject)]
pub struct OrderLineInput {
    /// Article number.
    sku: String,
    /// Product group code: letters A-Z, digits, `_` and `-`.
    product_group: String,
    /// What it is.
    title: String,
    /// Serial number of the goods.
    serial_number: Option<String>,
    /// Pieces, above zero.
    quantity: i32,
    /// Gross price of a piece in minor units of the order's currency.
    unit_price_minor: MinorUnits,
    /// Value added tax in hundredths of a percent, such as 1900.
    tax_basis_points: i32,
    /// Why the law may exclude it from withdrawal, BGB § 312g(2).
    withdrawal_exclusion: Option<WithdrawalExclusion>,
    /// Months of a guarantee, from the delivery.
    guarantee_months: Option<i32>,
}

/// What delivery cost. Gross, in minor units of the order's currency.
#[derive(InputObject)]
pub struct ShippingInput {
    /// What the customer paid for delivery; part of what was captured.
    charged_minor: MinorUnits,
    /// What the least expensive standard delivery would have cost: express is not refunded, BGB § 357(2).
    standard_minor: MinorUnits,
    /// Value added tax in hundredths of a percent, such as 1900.
    tax_basis_points: i32,
}

/// A parcel on its way.
#[derive(InputObject)]
pub struct ParcelInput {
    /// Carrier code: letters A-Z, digits, `_` and `-`.
    carrier: String,
    /// The carrier's number.
    tracking_number: String,
    /// When it left.
    dispatched_at: Option<DateTime<Utc>>,
}

/// An order to be registered.
#[derive(InputObject)]
pub struct OrderRegisterInput {
    /// The shop's order number.
    number: String,
    /// When it was placed.
    ordered_at: DateTime<Utc>,
    /// Who placed it.
    customer: CustomerInput,
    /// What was captured: the ceiling of all refunds.
    captured: MoneyInput,
    /// What delivery cost, if it cost something.
    shipping: Option<ShippingInput>,
    /// How it was paid.
    payment_method: PaymentMethod,
    /// The payment provider's reference; never a card number.
    payment_reference: Option<String>,
    /// The Land that it goes to, by its two letters such as `BY`: periods of the customer roll over its holidays.
    land: Option<String>,
    /// Whether the customer was instructed about withdrawal properly, BGB § 356(3).
    #[graphql(default = true)]
    withdrawal_instructed: bool,
    /// Whether the customer was told to pay for sending back, BGB § 357(5).
    #[graphql(default = true)]
    return_cost_told: bool,
    /// The lines, 1 to 200.
    lines: Vec<OrderLineInput>,
    /// Parcels known already.
    #[graphql(default)]
    parcels: Vec<ParcelInput>,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

impl From<OrderRegisterInput> for NewOrder {
    fn from(input: OrderRegisterInput) -> Self {
        let line = |l: OrderLineInput| NewLine {
            sku: l.sku,
            product_group: l.product_group,
            title: l.title,
            serial_number: l.serial_number,
            quantity: l.quantity,
            unit_price_minor: l.unit_price_minor.0,
            tax_basis_points: l.tax_basis_points,
            withdrawal_exclusion: l.withdrawal_exclusion.map(Into::into),
            guarantee_months: l.guarantee_months,
        };
        let parcel = |p: ParcelInput| NewParcel {
            carrier: p.carrier,
            tracking_number: p.tracking_number,
            dispatched_at: p.dispatched_at,
        };
        Self {
            number: input.number,
            ordered_at: input.ordered_at,
            customer: customers::Contact {
                email: input.customer.email,
                name: input.customer.name,
                phone: input.customer.phone,
                address: input.customer.address,
                locale: input.customer.locale.into(),
            },
            currency: input.captured.currency,
            captured_minor: input.captured.amount_minor.0,
            shipping: input.shipping.map(|s| orders::Shipping {
                charged_minor: s.charged_minor.0,
                standard_minor: s.standard_minor.0,
                tax_basis_points: s.tax_basis_points,
            }),
            payment_method: input.payment_method.into(),
            payment_reference: input.payment_reference,
            land: input.land,
            withdrawal_instructed: input.withdrawal_instructed,
            return_cost_told: input.return_cost_told,
            lines: input.lines.into_iter().map(line).collect(),
            parcels: input.parcels.into_iter().map(parcel).collect(),
        }
    }
}

/// The order after the mutation.
#[derive(SimpleObject)]
pub struct OrderPayload {
    /// The order; null if it was refused.
    order: Option<Order>,
    /// Why it was refused.
    user_errors: Vec<UserError>,
}

/// A parcel that has arrived.
#[derive(InputObject)]
pub struct ParcelDeliverInput {
    /// The shop's order number.
    order_number: String,
    /// Carrier code.
    carrier: String,
    /// The carrier's number; an unknown one is a further parcel of the order.
    tracking_number: String,
    /// When the consumer received it.
    delivered_at: DateTime<Utc>,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// Why less is charged back than was reported.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "orders::Lowering")]
pub enum ChargebackLowering {
    /// The issuer gave it back.
    Reversed,
    /// It was reported wrongly.
    Corrected,
}

/// What a card issuer has charged back on an order.
#[derive(InputObject)]
pub struct OrderChargebackInput {
    /// The shop's order number.
    order_number: String,
    /// What is charged back now, all in all; not above what was captured.
    charged_back: MoneyInput,
    /// Why it is less than before; needed if it is.
    lowered: Option<ChargebackLowering>,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// The parcel after the mutation.
#[derive(SimpleObject)]
pub struct ParcelPayload {
    /// The parcel; null if it was refused.
    parcel: Option<Parcel>,
    /// Why it was refused.
    user_errors: Vec<UserError>,
}

/// Registering orders.
#[derive(Default)]
pub struct OrderMutation;

#[Object]
impl OrderMutation {
    /// Registers an order for after-sales, with its customer. For the shop's backend.
    async fn order_register(&self, ctx: &Context<'_>, input: OrderRegisterInput) -> ApiResult<OrderPayload> {
        let key = input.idempotency_key.clone();
        let done = orders::register(ctx.app(), ctx.actor(), input.into(), &key);
        let (row, user_errors) = outcome(ctx, authorised(ctx, Permission::RunShop, done).await)?;
        Ok(OrderPayload { order: row.map(Order), user_errors })
    }

    /// Records what the card issuer has charged back on an order: it lowers what can be refunded. For the shop's backend.
    async fn order_chargeback(&self, ctx: &Context<'_>, input: OrderChargebackInput) -> ApiResult<OrderPayload> {
        let chargeback = Chargeback {
            order_number: input.order_number,
            total_minor: input.charged_back.amount_minor.0,
            currency: input.charged_back.currency,
            lowered: input.lowered.map(Into::into),
        };
        let done = orders::charge_back(ctx.app(), ctx.actor(), chargeback, &input.idempotency_key);
        let (row, user_errors) = outcome(ctx, authorised(ctx, Permission::RunShop, done).await)?;
        Ok(OrderPayload { order: row.map(Order), user_errors })
    }

    /// Records that a parcel was received; with the last one the order is delivered. For the shop's backend.
    async fn parcel_deliver(&self, ctx: &Context<'_>, input: ParcelDeliverInput) -> ApiResult<ParcelPayload> {
        let delivery = Delivery {
            order_number: input.order_number,
            carrier: input.carrier,
            tracking_number: input.tracking_number,
            delivered_at: input.delivered_at,
        };
        let done = orders::deliver(ctx.app(), ctx.actor(), delivery, &input.idempotency_key);
        let (row, user_errors) = outcome(ctx, authorised(ctx, Permission::RunShop, done).await)?;
        Ok(ParcelPayload { parcel: row.map(Parcel), user_errors })
    }
}
