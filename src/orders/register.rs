//! The shop's backend registers an order: customer, lines, parcels, what was captured.

use chrono::{DateTime, Utc};
use entity::ids::{CustomerId, OrderId, OrderLineId, uuid_at};
use entity::orders::{ActiveModel, Entity, Model, PaymentMethod};
use entity::{DataType, order_lines, suppressions};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, DatabaseTransaction, EntityTrait as _, QueryFilter as _,
};
use serde::Serialize;
use serde_json::json;

use super::track::{self, Sent};
use crate::auth::{Actor, Permission};
use crate::customers::{self, Contact, allot};
use crate::error::{Code, Error, Refusal, Result};
use crate::idempotency::{self, Outcome};
use crate::keys::lookup::Kind;
use crate::keys::{Place, Unit, UnitOf};
use crate::policy::holidays::Land;
use crate::retention::starts;
use crate::state::App;
use crate::{audit, input};

/// An order to be registered. Money is in minor units of `currency`.
#[derive(Clone, Debug, Serialize)]
pub struct NewOrder {
    /// The shop's order number.
    pub number: String,
    /// When it was placed.
    pub ordered_at: DateTime<Utc>,
    /// Who placed it.
    pub customer: Contact,
    /// ISO 4217 code.
    pub currency: String,
    /// What was captured: the ceiling of all refunds.
    pub captured_minor: i64,
    /// What delivery cost, if it cost something; part of what was captured.
    pub shipping: Option<Shipping>,
    /// How it was paid.
    pub payment_method: PaymentMethod,
    /// The provider's reference of the payment; never a card number.
    pub payment_reference: Option<String>,
    /// The Land that it goes to, by its two letters.
    pub land: Option<String>,
    /// Whether the consumer was instructed about withdrawal (BGB § 356(3)).
    pub withdrawal_instructed: bool,
    /// Whether the consumer was told to pay for sending back (BGB § 357(5)).
    pub return_cost_told: bool,
    /// Lines, 1 to 200.
    pub lines: Vec<NewLine>,
    /// Parcels known already.
    pub parcels: Vec<NewParcel>,
}

/// What delivery cost. Gross, in minor units.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Shipping {
    /// What the customer paid for it.
    pub charged_minor: i64,
    /// What the least expensive standard delivery would have cost: express is not refunded (BGB § 357(2)).
    pub standard_minor: i64,
    /// Value added tax in hundredths of a percent.
    pub tax_basis_points: i32,
}

/// A line of an order.
#[derive(Clone, Debug, Serialize)]
pub struct NewLine {
    /// Article number.
    pub sku: String,
    /// Product group code.
    pub product_group: String,
    /// What it is.
    pub title: String,
    /// Serial number, if there is one piece.
    pub serial_number: Option<String>,
    /// Pieces.
    pub quantity: i32,
    /// Gross price of a piece.
    pub unit_price_minor: i64,
    /// Value added tax in hundredths of a percent.
    pub tax_basis_points: i32,
    /// Why the law may exclude it from withdrawal (BGB § 312g(2)).
    pub withdrawal_exclusion: Option<order_lines::Exclusion>,
    /// Months of a guarantee from the delivery.
    pub guarantee_months: Option<i32>,
}

/// A parcel on its way.
#[derive(Clone, Debug, Serialize)]
pub struct NewParcel {
    /// Carrier code.
    pub carrier: String,
    /// The carrier's number.
    pub tracking_number: String,
    /// When it left.
    pub dispatched_at: Option<DateTime<Utc>>,
}

const MOST: i64 = 100_000_000_000;

/// Checks every element; a refusal names its index.
fn each<T>(list: Vec<T>, name: &str, check: impl Fn(T) -> Result<T>) -> Result<Vec<T>> {
    let named = |index: usize| {
        move |error| match error {
            Error::Refused(refusal) => Error::Refused(refusal.element(name, index)),
            other => other,
        }
    };
    list.into_iter().enumerate().map(|(index, element)| check(element).map_err(named(index))).collect()
}

fn checked(new: NewOrder, latest: DateTime<Utc>) -> Result<NewOrder> {
    input::instant(new.ordered_at, &["input", "orderedAt"], latest)?;
    if new.lines.is_empty() {
        return Err(Refusal::at(Code::Required, &["input", "lines"]).into());
    }
    if new.lines.len() > 200 {
        return Err(Refusal::at(Code::TooLarge, &["input", "lines"]).with("maximum", 200).into());
    }
    if new.parcels.len() > 100 {
        return Err(Refusal::at(Code::TooLarge, &["input", "parcels"]).with("maximum", 100).into());
    }
    let line = |l: NewLine| -> Result<NewLine> {
        input::positive(i64::from(l.quantity), &["input", "lines", "quantity"], 1_000_000)?;
        if l.unit_price_minor < 0 || l.unit_price_minor > MOST {
            return Err(Refusal::at(Code::Invalid, &["input", "lines", "unitPriceMinor"]).into());
        }
        if !(0..=10_000).contains(&l.tax_basis_points) {
            return Err(Refusal::at(Code::Invalid, &["input", "lines", "taxBasisPoints"]).into());
        }
        if let Some(months) = l.guarantee_months {
            input::positive(i64::from(months), &["input", "lines", "guaranteeMonths"], 600)?;
        }
        Ok(NewLine {
            sku: input::identifier(&l.sku, &["input", "lines", "sku"], 80)?,
            product_group: input::code(&l.product_group, &["input", "lines", "productGroup"])?,
            serial_number: input::optional_identifier(
                l.serial_number.as_deref(),
                &["input", "lines", "serialNumber"],
                80,
            )?,
            title: input::text(&l.title, &["input", "lines", "title"], input::SHORT_TEXT)?,
            ..l
        })
    };
    let parcel = |p: NewParcel| -> Result<NewParcel> {
        if let Some(at) = p.dispatched_at {
            input::instant(at, &["input", "parcels", "dispatchedAt"], latest)?;
        }
        Ok(NewParcel {
            carrier: input::code(&p.carrier, &["input", "parcels", "carrier"])?,
            tracking_number: input::identifier(&p.tracking_number, &["input", "parcels", "trackingNumber"], 80)?,
            ..p
        })
    };
    if new.captured_minor < 0 || new.captured_minor > MOST {
        return Err(Refusal::at(Code::Invalid, &["input", "captured", "amountMinor"]).with("maximum", MOST).into());
    }
    if let Some(shipping) = new.shipping {
        let least = [shipping.charged_minor, shipping.standard_minor].into_iter().min().unwrap_or(0);
        if least < 0 || shipping.charged_minor > new.captured_minor || shipping.standard_minor > MOST {
            return Err(Refusal::at(Code::Invalid, &["input", "shipping"]).with("maximum", new.captured_minor).into());
        }
        if !(0..=10_000).contains(&shipping.tax_basis_points) {
            return Err(Refusal::at(Code::Invalid, &["input", "shipping", "taxBasisPoints"]).into());
        }
    }
    let land = input::optional(new.land.as_deref(), &["input", "land"], 10)?;
    let land = land.map(|text| {
        let unknown = |problem: String| Refusal::at(Code::Invalid, &["input", "land"]).with("expected", problem);
        text.parse::<Land>().map(|land| land.code().to_owned()).map_err(unknown)
    });
    Ok(NewOrder {
        land: land.transpose()?,
        number: input::identifier(&new.number, &["input", "number"], 80)?,
        customer: new.customer.checked()?,
        currency: input::currency(&new.currency, &["input", "captured", "currency"])?,
        payment_reference: input::optional_identifier(
            new.payment_reference.as_deref(),
            &["input", "paymentReference"],
            120,
        )?,
        lines: each(new.lines, "lines", line)?,
        parcels: each(new.parcels, "parcels", parcel)?,
        ..new
    })
}

/// Registers an order. The customer is recognised by e-mail address; contact data is brought up to date.
///
/// # Errors
/// Refused: a field of the wrong form, a number that is registered already (`ALREADY_EXISTS`) or was erased
/// (`ERASED`), an order from before its customer was erased (`ERASED`).
pub async fn register(app: &App, actor: &Actor, new: NewOrder, key: &str) -> Result<Model> {
    actor.require(Permission::RunShop)?;
    let new = checked(new, app.clock.now())?;
    let tx = app.db.begin().await?;
    let now = app.clock.now();
    let claim = match idempotency::claim(app, &tx, actor, "orderRegister", key, &new).await? {
        Outcome::Replay(ids) => {
            let id = OrderId(*ids.first().ok_or(Error::NotFound)?);
            return Entity::find_by_id(id).one(&tx).await?.ok_or(Error::NotFound);
        }
        Outcome::First(claim) => claim,
    };
    if is_erased(app, &tx, &new.number).await? {
        return Err(Refusal::at(Code::Erased, &["input", "number"]).into());
    }
    if was_erased_after(app, &tx, &new.customer.email, new.ordered_at).await? {
        return Err(Refusal::at(Code::Erased, &["input", "customer", "email"]).into());
    }
    // Under the person's lock, so that keys and look-ups cannot be destroyed between here and the commit; they are
    // committed first, and what never gets its rows is reaped.
    let customer = CustomerId(allot(app, Kind::Email, &new.customer.email, uuid_at(now), None).await?);
    customers::lock(&tx, customer).await?;
    let subject = Some(customer.0);
    let contact_unit = UnitOf { owner: customer.0, data_type: DataType::R21, year: 0, subject };
    let contact_unit = app.keys.ensure(contact_unit, now).await?;
    if allot(app, Kind::Email, &new.customer.email, customer.0, None).await? != customer.0 {
        return Err(anyhow::anyhow!("the person was erased at this moment and registered anew elsewhere").into());
    }
    let order = OrderId(allot(app, Kind::OrderNumber, &new.number, uuid_at(now), Some(customer)).await?);
    if Entity::find_by_id(order).one(&tx).await?.is_some() {
        return Err(Refusal::at(Code::AlreadyExists, &["input", "number"]).into());
    }
    let unit = app.keys.ensure(UnitOf { owner: order.0, data_type: DataType::R25, year: 0, subject }, now).await?;
    let parcel_unit = track::unit(app, order, customer, now).await?;
    customers::upsert(&tx, customer, &contact_unit, &new.customer, now).await?;
    let row = insert(&tx, order, customer, &unit, &new, now).await?;
    for parcel in &new.parcels {
        track::insert(app, &tx, &parcel_unit, &Sent::of_order(order, customer, parcel), now).await?;
    }
    starts::order_registered(&tx, order, customer, now).await?;
    claim.done(&tx, now, &[order.0], Some(customer)).await?;
    let details = json!({ "lines": new.lines.len(), "capturedMinor": new.captured_minor });
    audit::record(&tx, now, actor, "order.register", ("orders", Some(order.0)), details).await?;
    tx.commit().await?;
    Ok(row)
}

/// Whether an order of this number was erased, or anonymised at its end.
pub(super) async fn is_erased(app: &App, db: &impl sea_orm::ConnectionTrait, number: &str) -> Result<bool> {
    let hash = app.keys.blind_index(Kind::OrderNumber, number);
    Ok(suppressions::Entity::find().filter(suppressions::Column::Hash.eq(hash)).one(db).await?.is_some())
}

/// Whether the person of this address was erased after an order that was placed `at`. What is ordered later is new data.
async fn was_erased_after(
    app: &App,
    db: &impl sea_orm::ConnectionTrait,
    email: &str,
    at: DateTime<Utc>,
) -> Result<bool> {
    let hash = app.keys.blind_index(Kind::Email, email);
    let known = suppressions::Entity::find().filter(suppressions::Column::Hash.eq(hash)).one(db).await?;
    Ok(known.is_some_and(|suppressed| at < suppressed.created_at))
}

async fn insert(
    tx: &DatabaseTransaction,
    id: OrderId,
    customer: CustomerId,
    unit: &Unit,
    new: &NewOrder,
    now: DateTime<Utc>,
) -> Result<Model> {
    let place = |column| Place { table: "orders", column, row: id.0 };
    let reference = new.payment_reference.as_deref();
    let row = ActiveModel {
        id: Set(id),
        customer_id: Set(customer),
        unit_id: Set(Some(unit.id)),
        number: Set(Some(unit.key.seal(place("number"), &new.number)?)),
        ordered_at: Set(Some(new.ordered_at)),
        currency: Set(Some(new.currency.clone())),
        captured_minor: Set(Some(new.captured_minor)),
        charged_back_minor: Set(Some(0)),
        shipping_minor: Set(new.shipping.map(|s| s.charged_minor)),
        standard_shipping_minor: Set(new.shipping.map(|s| s.standard_minor)),
        shipping_tax_basis_points: Set(new.shipping.map(|s| s.tax_basis_points)),
        payment_method: Set(Some(new.payment_method)),
        payment_reference: Set(reference.map(|r| unit.key.seal(place("payment_reference"), r)).transpose()?),
        delivered_at: Set(None),
        land: Set(new.land.clone()),
        withdrawal_instructed: Set(Some(new.withdrawal_instructed)),
        return_cost_told: Set(Some(new.return_cost_told)),
        version: Set(1),
        start_at: Set(None),
        not_before: Set(None),
        archived_at: Set(None),
        erased_at: Set(None),
    };
    let row = row.insert(tx).await?;
    for (position, line) in (1..).zip(&new.lines) {
        let line_id = OrderLineId::new(now);
        let place = Place { table: "order_lines", column: "title", row: line_id.0 };
        let serial = Place { table: "order_lines", column: "serial_number", row: line_id.0 };
        let line = order_lines::ActiveModel {
            id: Set(line_id),
            order_id: Set(id),
            unit_id: Set(Some(unit.id)),
            position: Set(position),
            sku: Set(line.sku.clone()),
            product_group: Set(line.product_group.clone()),
            title: Set(Some(unit.key.seal(place, &line.title)?)),
            serial_number: Set(line.serial_number.as_deref().map(|n| unit.key.seal(serial, n)).transpose()?),
            quantity: Set(line.quantity),
            unit_price_minor: Set(line.unit_price_minor),
            tax_basis_points: Set(line.tax_basis_points),
            withdrawal_exclusion: Set(line.withdrawal_exclusion),
            guarantee_months: Set(line.guarantee_months),
            start_at: Set(None),
            not_before: Set(None),
        };
        line.insert(tx).await?;
    }
    Ok(row)
}
