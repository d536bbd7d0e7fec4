//! The data-protection officer's part: what is kept of a person, export, erasure.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use entity::ids::CustomerId;

use super::attachment::SignedLink;
use super::dispute::Disclosure;
use super::erasure::Erasure;
use super::error::{ApiResult, UserError, authorised, nullable, outcome};
use super::hold::Hold;
use super::node;
use super::restriction::Restriction;
use super::session::ContextExt as _;
use crate::auth::Permission;
use crate::disputes::dossier;
use crate::error::{Code, Error};
use crate::privacy::{self, erasure, export};
use crate::retention::{holds, restrictions};

/// A person, as the data-protection officer sees one: no content, but what is kept and why.
#[derive(SimpleObject)]
pub struct DataSubject {
    /// The opaque id of the customer.
    customer_id: ID,
    /// What an erasure would do today, record by record.
    erasure_preview: Erasure,
    /// The holds that stand on the person, one of their orders or cases, or on records of a year with some of theirs.
    holds: Vec<Hold>,
    /// The restrictions of processing that stand on the person or one of their cases (GDPR Art. 18).
    restrictions: Vec<Restriction>,
    /// To whom data of the person was given, oldest first, at most 1,000 (GDPR Art. 15(1)(c), 19).
    disclosures: Vec<Disclosure>,
}

/// Looking after a person's data.
#[derive(Default)]
pub struct PrivacyQuery;

#[Object]
impl PrivacyQuery {
    /// What is kept of the person with this e-mail address; found as long as anything is. For the data-protection officer.
    async fn data_subject(&self, ctx: &Context<'_>, email: String) -> ApiResult<Option<DataSubject>> {
        let found = async {
            let customer = privacy::find(ctx.app(), ctx.actor(), &email).await?;
            let plan = erasure::outlook(ctx.app(), ctx.actor(), customer).await?;
            let holds = holds::on_person(ctx.app(), customer).await?;
            let restrictions = restrictions::on_person(ctx.app(), customer).await?;
            let disclosures = dossier::of_customer(ctx.app(), ctx.actor(), customer).await?;
            Ok(DataSubject {
                customer_id: node::id("Customer", customer.0),
                erasure_preview: Erasure::planned(plan, ctx.app().clock.now()),
                holds: holds.into_iter().map(Hold).collect(),
                restrictions: restrictions.into_iter().map(Restriction).collect(),
                disclosures: disclosures.into_iter().map(Disclosure).collect(),
            })
        };
        let found = match found.await {
            Err(Error::Refused(refusal)) if refusal.code == Code::NotFound => Err(Error::NotFound),
            other => other,
        };
        nullable(ctx, found)
    }
}

/// An export to be made.
#[derive(InputObject)]
pub struct SubjectExportInput {
    /// The customer.
    customer_id: ID,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// The export: nothing is stored, the archive is made while the link is read.
#[derive(SimpleObject)]
pub struct SubjectExportPayload {
    /// A link to a ZIP with data.json, a readable index.html, the files and a manifest of checksums.
    download: Option<SignedLink>,
    /// Why it was refused.
    user_errors: Vec<UserError>,
}

/// An erasure to be decided.
#[derive(InputObject)]
pub struct SubjectEraseInput {
    /// The customer.
    customer_id: ID,
    /// Says what would happen and changes nothing.
    #[graphql(default)]
    dry_run: bool,
    /// Opens a file of the request (R14) and mails the person what became of it, and once more when nothing waits any
    /// longer, where something did. The address is taken from the contact record before that goes. Without effect in a dry
    /// run.
    #[graphql(default)]
    notify: bool,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// What became of every record.
#[derive(SimpleObject)]
pub struct SubjectErasePayload {
    /// The erasure; null if it was refused.
    erasure: Option<Erasure>,
    /// Why it was refused.
    user_errors: Vec<UserError>,
}

/// Export and erasure.
#[derive(Default)]
pub struct PrivacyMutation;

#[Object]
impl PrivacyMutation {
    /// A link to everything that is kept of a person (GDPR Art. 15, 20). Following it is audited. For the
    /// data-protection officer.
    async fn subject_export(&self, ctx: &Context<'_>, input: SubjectExportInput) -> ApiResult<SubjectExportPayload> {
        let done = async {
            let customer = CustomerId(node::input("Customer", &input.customer_id, &["input", "customerId"])?);
            export::request(ctx.app(), ctx.actor(), customer, &input.idempotency_key).await
        };
        let (link, user_errors) = outcome(ctx, authorised(ctx, Permission::ProtectData, done).await)?;
        let download = link.map(|(url, expires_at)| SignedLink { url, expires_at });
        Ok(SubjectExportPayload { download, user_errors })
    }

    /// Erases a person (GDPR Art. 17) as far as the law lets it, with an outcome for every record. For the
    /// data-protection officer.
    async fn subject_erase(&self, ctx: &Context<'_>, input: SubjectEraseInput) -> ApiResult<SubjectErasePayload> {
        let done = async {
            let customer = CustomerId(node::input("Customer", &input.customer_id, &["input", "customerId"])?);
            if input.dry_run {
                let plan = erasure::plan(ctx.app(), ctx.actor(), customer).await?;
                return Ok(Erasure::planned(plan, ctx.app().clock.now()));
            }
            let row = erasure::erase(ctx.app(), ctx.actor(), customer, input.notify, &input.idempotency_key).await?;
            Erasure::decided(row)
        };
        let (done, user_errors) = outcome(ctx, authorised(ctx, Permission::ProtectData, done).await)?;
        Ok(SubjectErasePayload { erasure: done, user_errors })
    }
}
