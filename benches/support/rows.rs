//! Cases by the thousand, written in bulk: as wide as production writes them, sealed texts as random bytes.

use aftersales::db;
use aftersales::error::Error;
use aftersales::keys::lookup::{Entry, Kind as Lookup};
use aftersales::keys::{Place, Unit, UnitOf};
use aftersales::state::App;
use chrono::{DateTime, TimeDelta, Utc};
use entity::cases::{Channel, Kind, Outcome, Promise, State, WaitingFor};
use entity::codes::{ActorKind, Locale};
use entity::ids::{
    CaseId, CustomerId, EntryId, MessageId, OrderId, OrderLineId, TimerId, TransitionId, UnitId, uuid_at,
};
use entity::messages::Form;
use entity::orders::PaymentMethod;
use entity::{
    DataType, Purpose, Sealed, access_entries, case_transitions, cases, customers, messages, order_lines, orders,
    timers,
};
use sea_orm::{ActiveModelTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, Value};
use uuid::Uuid;

/// Rows of one statement: SQLite binds at most 32,766 values, PostgreSQL 65,535.
const CHUNK: usize = 700;

/// What is to be written.
#[derive(Default)]
pub struct Rows {
    customers: Vec<customers::Model>,
    orders: Vec<orders::Model>,
    order_lines: Vec<order_lines::Model>,
    cases: Vec<cases::Model>,
    transitions: Vec<case_transitions::Model>,
    messages: Vec<messages::Model>,
    timers: Vec<timers::Model>,
    access: Vec<access_entries::Model>,
    units: Vec<[Value; 7]>,
}

/// Rows of a case with its log, letters, timers and accesses.
pub const CASE: usize = 1 + 3 + LETTERS + 2 + 4;
const LETTERS: usize = 4;

impl Rows {
    /// A customer with one order of one line, alive. What identifies the person is really sealed: it is opened before it goes.
    pub async fn customer(&mut self, app: &App, at: DateTime<Utc>) -> anyhow::Result<(CustomerId, OrderId)> {
        let (customer, order) = (CustomerId(uuid_at(at)), OrderId(uuid_at(at)));
        let ensure = async |owner, data_type| {
            let unit = UnitOf { owner, data_type, year: 0, subject: Some(customer.0) };
            app.keys.ensure(unit, at).await.map_err(Error::cause)
        };
        let (contact, business) = (ensure(customer.0, DataType::R21).await?, ensure(order.0, DataType::R25).await?);
        let email = format!("{}@example.com", customer.0.simple());
        let entry = Entry { kind: Lookup::Email, text: &email, target: customer.0, subject: customer.0 };
        app.keys.remember(entry).await.map_err(Error::cause)?;
        let seal = |unit: &Unit, table, row, column, text: &str| unit.key.seal(Place { table, column, row }, text);
        let own = |column, text: &str| seal(&contact, "customers", customer.0, column, text);
        self.customers.push(customers::Model {
            id: customer,
            unit_id: Some(contact.id),
            name: Some(own("name", "Erika Mustermann")?),
            email: Some(own("email", &email)?),
            phone: None,
            address: Some(own("address", "Musterstraße 1\n10115 Berlin")?),
            locale: Some(Locale::De),
            created_at: Some(at),
            version: 1,
            start_at: None,
            not_before: None,
            archived_at: None,
            erased_at: None,
        });
        let unit = business.id;
        let number = format!("S-{}", order.0.simple());
        self.orders.push(orders::Model {
            id: order,
            customer_id: customer,
            unit_id: Some(unit),
            number: Some(seal(&business, "orders", order.0, "number", &number)?),
            ordered_at: Some(at),
            currency: Some("EUR".to_owned()),
            captured_minor: Some(12_900),
            charged_back_minor: Some(0),
            shipping_minor: Some(0),
            standard_shipping_minor: None,
            shipping_tax_basis_points: None,
            payment_method: Some(PaymentMethod::Visa),
            payment_reference: None,
            delivered_at: Some(at),
            land: None,
            withdrawal_instructed: Some(true),
            return_cost_told: Some(true),
            version: 1,
            start_at: None,
            not_before: None,
            archived_at: None,
            erased_at: None,
        });
        self.order_lines.push(order_lines::Model {
            id: OrderLineId(uuid_at(at)),
            order_id: order,
            unit_id: Some(unit),
            position: 1,
            sku: "W-100".to_owned(),
            product_group: "KITCHEN".to_owned(),
            title: Some(sealed(30)),
            serial_number: None,
            quantity: 1,
            unit_price_minor: 12_900,
            tax_basis_points: 1_900,
            withdrawal_exclusion: None,
            guarantee_months: None,
            start_at: None,
            not_before: None,
        });
        Ok((customer, order))
    }

    /// A closed case, [`CASE`] rows. Every period of it began at `at`.
    pub fn case(&mut self, customer: CustomerId, order: OrderId, at: DateTime<Utc>) {
        let n = self.cases.len();
        let case = CaseId(uuid_at(at));
        self.cases.push(cases::Model {
            id: case,
            customer_id: customer,
            order_id: Some(order),
            number: Some(format!("K-{}", case.0.simple())),
            kind: Some([Kind::Return, Kind::Complaint, Kind::WarrantyClaim][n % 3]),
            channel: Some(Channel::Portal),
            state: State::Closed,
            reason: None,
            outcome: Some([Outcome::Eligible, Outcome::SolvedDirectly][n % 2]),
            legal_basis: None,
            product_group: Some(["KITCHEN", "GARDEN", "BATH"][n % 3].to_owned()),
            waiting_for: Some(WaitingFor::Nobody),
            asked_for: None,
            assigned_to: None,
            reexamined_by: None,
            merged_into: None,
            notified_at: Some(at),
            notified_by: None,
            reopenings: 0,
            opened_at: Some(at - TimeDelta::days(9)),
            decided_at: Some(at),
            decided_by: None,
            closed_at: Some(at),
            first_response: Some(Promise::Within),
            review: Some(Promise::Within),
            refunded_minor: Some(4_200),
            version: 4,
            start_at: Some(at),
            not_before: None,
            archived_at: None,
            erased_at: None,
        });
        for (position, to_state) in (1..).zip([State::Received, State::UnderReview, State::Closed]) {
            self.transitions.push(case_transitions::Model {
                id: TransitionId(uuid_at(at)),
                case_id: case,
                position,
                from_state: None,
                to_state,
                at,
                actor_kind: ActorKind::System,
                actor_id: None,
                start_at: Some(at),
                not_before: None,
            });
        }
        let unit = self.unit(case.0, DataType::R03, 2014, customer, at);
        for _ in 0..LETTERS {
            self.messages.push(messages::Model {
                id: MessageId(uuid_at(at)),
                case_id: case,
                unit_id: Some(unit),
                data_type: DataType::R03,
                form: Form::Request,
                author_kind: ActorKind::Customer,
                author_id: None,
                body: Some(sealed(180)),
                sent_at: at,
                start_at: Some(at),
                not_before: None,
            });
        }
        for rule in ["first-response", "review"] {
            self.timers.push(timers::Model {
                id: TimerId(uuid_at(at)),
                case_id: case,
                refund_id: None,
                rule: rule.to_owned(),
                state: timers::State::Met,
                started_at: at,
                ends_at: at,
                announced: false,
                pauses: "[]".to_owned(),
                settled_at: Some(at),
                breached_at: None,
                start_at: Some(at),
                not_before: None,
            });
        }
        for who in 0..4 {
            self.access.push(access_entries::Model {
                id: EntryId(uuid_at(at)),
                at,
                actor_kind: ActorKind::Staff,
                actor_id: Some(Uuid::from_u128(who)),
                case_id: Some(case),
                customer_id: Some(customer),
                attachment_id: None,
                purpose: Purpose::CaseHandling,
            });
        }
    }

    fn unit(&mut self, owner: Uuid, data_type: DataType, year: i64, subject: CustomerId, at: DateTime<Utc>) -> UnitId {
        let id = uuid_at(at);
        let values = [
            id.into(),
            owner.into(),
            data_type.code().into(),
            year.into(),
            Some(subject.0).into(),
            vec![7_u8; 60].into(),
            at.into(),
        ];
        self.units.push(values);
        UnitId(id)
    }

    /// Writes everything and forgets it.
    pub async fn write(&mut self, app: &App) -> anyhow::Result<()> {
        let rows = std::mem::take(self);
        let tx = app.keys.db().begin().await?;
        for some in rows.units.chunks(CHUNK) {
            let places: Vec<String> = (0..some.len())
                .map(|row| {
                    let columns: Vec<String> = (1..=7).map(|column| format!("${}", row * 7 + column)).collect();
                    format!("({})", columns.join(", "))
                })
                .collect();
            let sql = format!(
                "INSERT INTO units (id, owner_id, data_type, year, subject_id, wrapped_key, used_at) VALUES {}",
                places.join(", ")
            );
            db::run(&tx, &sql, some.iter().flatten().cloned()).await?;
        }
        tx.commit().await?;
        let tx = app.db.begin().await?;
        insert::<customers::Entity, _>(&tx, rows.customers).await?;
        insert::<orders::Entity, _>(&tx, rows.orders).await?;
        insert::<order_lines::Entity, _>(&tx, rows.order_lines).await?;
        insert::<cases::Entity, _>(&tx, rows.cases).await?;
        insert::<case_transitions::Entity, _>(&tx, rows.transitions).await?;
        insert::<messages::Entity, _>(&tx, rows.messages).await?;
        insert::<timers::Entity, _>(&tx, rows.timers).await?;
        insert::<access_entries::Entity, _>(&tx, rows.access).await?;
        tx.commit().await?;
        Ok(())
    }
}

async fn insert<E, A>(tx: &DatabaseTransaction, rows: Vec<E::Model>) -> anyhow::Result<()>
where
    E: EntityTrait,
    E::Model: IntoActiveModel<A>,
    A: ActiveModelTrait<Entity = E> + Send,
{
    let mut rows = rows.into_iter().map(IntoActiveModel::into_active_model).peekable();
    while rows.peek().is_some() {
        E::insert_many(rows.by_ref().take(CHUNK)).exec_without_returning(tx).await?;
    }
    Ok(())
}

fn sealed(bytes: usize) -> Sealed {
    Sealed(vec![9; bytes + 28])
}
