//! Data made as the shop, its customers and its staff make it: through the domain's own functions.

use std::time::{Duration, Instant};

use aftersales::auth::Actor;
use aftersales::cases::{self, Decision, NewCase, NewMessage};
use aftersales::clock::FixedClock;
use aftersales::customers::Contact;
use aftersales::error::Error;
use aftersales::orders::register::{NewLine, NewOrder, register};
use aftersales::refunds::progress::Progress;
use aftersales::refunds::{self, Grant, Step};
use aftersales::staff;
use aftersales::state::App;
use anyhow::Context as _;
use chrono::TimeDelta;
use entity::cases::{Channel, Kind, LegalBasis, Outcome, Reason};
use entity::codes::Locale;
use entity::ids::{CaseId, CustomerId};
use entity::orders::PaymentMethod;
use entity::staff::Role;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};

/// Cases of the one customer who has many.
pub const REGULAR_HAS: usize = 25;
/// The address of that customer.
pub const REGULAR: &str = "regular@example.com";
/// Filling ends here, with fewer cases than asked for.
const LONGEST: Duration = Duration::from_secs(60);

/// What has been made.
pub struct Filled {
    /// The customer with many cases.
    pub regular: CustomerId,
    /// Every case, those of the regular customer among them.
    pub cases: usize,
}

/// An error of the domain with its cause, which its text keeps from clients.
pub fn said(error: Error) -> anyhow::Error {
    match error {
        Error::Internal(cause) => cause,
        other => anyhow::anyhow!("{other:?}"),
    }
}

/// Fills: first the cases of the regular customer, then one for each other customer, so that these are the newest.
pub async fn fill(app: &App, clock: &FixedClock, wanted: usize) -> anyhow::Result<Filled> {
    let begun = Instant::now();
    let maker =
        Maker { app, clock, agent: member(app, Role::Agent).await?, finance: member(app, Role::Finance).await? };
    let mut regular = None;
    for n in 0..REGULAR_HAS {
        regular = Some(maker.case(n, REGULAR, "Regula Stamm").await?);
    }
    let mut made = REGULAR_HAS;
    while made < wanted.max(REGULAR_HAS + super::SHOWN) {
        if begun.elapsed() > LONGEST && made >= REGULAR_HAS + super::SHOWN {
            eprintln!("filling took over {} s: {made} cases instead of {wanted}", LONGEST.as_secs());
            break;
        }
        let name = format!("{} {}", FIRST_NAMES[made % FIRST_NAMES.len()], LAST_NAMES[made % LAST_NAMES.len()]);
        maker.case(made, &format!("customer{made}@example.com"), &name).await?;
        made += 1;
    }
    Ok(Filled { regular: regular.context("no case was made")?, cases: made })
}

/// The built-in account of a role.
async fn member(app: &App, role: Role) -> anyhow::Result<Actor> {
    staff::token(app, role).await.map_err(said)?;
    let found = entity::staff::Entity::find().filter(entity::staff::Column::Role.eq(role)).one(app.db.read()).await?;
    Ok(Actor::Staff(found.context("the account was not made")?.id, role))
}

struct Maker<'a> {
    app: &'a App,
    clock: &'a FixedClock,
    agent: Actor,
    finance: Actor,
}

impl Maker<'_> {
    /// Order `n` with its case: 3 to 6 messages, and a refund on every third.
    async fn case(&self, n: usize, email: &str, name: &str) -> anyhow::Result<CustomerId> {
        self.later();
        let new = order(n, email, name, self.clock.now());
        let order = register(self.app, &Actor::Shop, new, &format!("order {n}")).await.map_err(said)?;
        let customer = Actor::Customer(order.customer_id);
        self.later();
        let new = NewCase {
            kind: KINDS[n % KINDS.len()],
            description: text(n, 0),
            order: Some(order.id),
            reason: Some(Reason::QualityDefect),
            customer: None,
            channel: Some(Channel::Portal),
        };
        let case = cases::open(self.app, &customer, new, &format!("case {n}")).await.map_err(said)?.id;
        let (messages, refunded) = (3 + n % 4, n.is_multiple_of(3));
        let replies = messages - 1 - usize::from(refunded);
        for reply in 1..=replies {
            self.later();
            // Staff and customer take turns; now and then staff leaves a note that the customer never sees.
            let internal = reply == 2 && n.is_multiple_of(5);
            let author = if internal || reply % 2 == 1 { &self.agent } else { &customer };
            let new = NewMessage { body: text(n, reply), internal };
            cases::reply(self.app, author, case, new, &format!("reply {n} {reply}")).await.map_err(said)?;
        }
        if refunded {
            self.refund(n, case).await?;
        }
        Ok(order.customer_id)
    }

    async fn refund(&self, n: usize, case: CaseId) -> anyhow::Result<()> {
        self.later();
        let decision = Decision {
            outcome: Outcome::Eligible,
            reason: Reason::QualityDefect,
            legal_basis: LegalBasis::Warranty,
            text: text(n, 9),
            expected_version: None,
        };
        let key = format!("decision {n}");
        cases::decide(self.app, &self.agent, case, decision, &key).await.map_err(said)?;
        self.later();
        let grant = Grant::Amount { amount_minor: 500 + i64::try_from(n % 1000)?, currency: "EUR".to_owned() };
        let key = format!("refund {n}");
        let refund = refunds::grant(self.app, &self.agent, case, grant, &key).await.map_err(said)?;
        if n.is_multiple_of(2) {
            self.later();
            let progress = Progress { reference: Some(format!("ARN-{n:08}")), means: None, expected_version: None };
            let key = format!("submission {n}");
            refunds::advance(self.app, &self.finance, refund.id, Step::Submit, progress, &key).await.map_err(said)?;
        }
        Ok(())
    }

    /// Ids sort by their millisecond, so every step has one of its own.
    fn later(&self) {
        self.clock.advance(TimeDelta::seconds(7));
    }
}

fn order(n: usize, email: &str, name: &str, now: chrono::DateTime<chrono::Utc>) -> NewOrder {
    NewOrder {
        land: None,
        shipping: None,
        withdrawal_instructed: true,
        return_cost_told: true,
        number: format!("S-{n:07}"),
        ordered_at: now,
        customer: Contact {
            email: email.to_owned(),
            name: name.to_owned(),
            phone: Some(format!("+49 30 {:07}", 1_000_000 + n)),
            address: Some(format!("Musterstraße {}\n10115 Berlin", 1 + n % 90)),
            locale: Locale::De,
        },
        currency: "EUR".to_owned(),
        captured_minor: 12_900,
        payment_method: PaymentMethod::Visa,
        payment_reference: Some(format!("PAY-{n:08}")),
        lines: vec![NewLine {
            serial_number: None,
            withdrawal_exclusion: None,
            guarantee_months: None,
            sku: format!("SKU-{}", n % 50),
            product_group: "HEADPHONES".to_owned(),
            title: "Kopfhörer mit Geräuschunterdrückung".to_owned(),
            quantity: 1,
            unit_price_minor: 12_900,
            tax_basis_points: 1_900,
        }],
        parcels: Vec::new(),
    }
}

/// About 200 characters, different for every message.
fn text(n: usize, part: usize) -> String {
    format!(
        "Nachricht {part} zu Bestellung S-{n:07}: Der linke Hörer bleibt nach dem Laden stumm, das Zurücksetzen nach \
         der Anleitung hat nichts geändert. „Bitte sagen Sie mir, wie es weitergeht“, und danke für die Mühe!"
    )
}

const KINDS: [Kind; 4] = [Kind::Return, Kind::WarrantyClaim, Kind::Exchange, Kind::Complaint];
const FIRST_NAMES: [&str; 7] = ["Erika", "Max", "Zoë", "Jürgen", "Ömer", "Anna", "Lieselotte"];
const LAST_NAMES: [&str; 5] = ["Mustermann", "Groß", "von der Heide", "Yılmaz", "Ng"];
