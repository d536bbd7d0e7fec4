//! The unit that seals a return and its lines: one per return, another once it led to a booking.

use chrono::{DateTime, Utc};
use entity::DataType;
use entity::ids::{CustomerId, ReturnId, ReturnLineId};
use entity::returns::Model;

use crate::error::Result;
use crate::keys::{Place, Unit, UnitOf};
use crate::state::App;

/// The unit of a return of this data type (R02a, R02b).
pub(super) async fn unit(
    app: &App,
    id: ReturnId,
    data_type: DataType,
    customer: CustomerId,
    now: DateTime<Utc>,
) -> Result<Unit> {
    app.keys.ensure(UnitOf { owner: id.0, data_type, year: 0, subject: Some(customer.0) }, now).await
}

/// The unit that a stored return is sealed with now.
pub(super) async fn of(app: &App, row: &Model, now: DateTime<Utc>) -> Result<Unit> {
    unit(app, row.id, row.data_type, row.customer_id, now).await
}

/// Where a text of a return lies.
pub(super) const fn place(column: &'static str, id: ReturnId) -> Place {
    Place { table: "returns", column, row: id.0 }
}

/// Where the finding on a line lies.
pub(super) const fn finding(id: ReturnLineId) -> Place {
    Place { table: "return_lines", column: "finding", row: id.0 }
}
