//! The GraphQL API: one file per noun with its type, queries and mutations. Resolvers are one expression where they can be.

pub mod archive;
pub mod attachment;
pub mod codes;
pub mod customer;
pub mod deadline;
pub mod dispute;
mod erasure;
pub mod error;
pub mod guest;
pub mod hold;
pub mod loaders;
pub mod mail;
pub mod message;
pub mod node;
pub mod operations;
pub mod order;
pub mod page;
pub mod parcel;
pub mod policy;
pub mod privacy;
pub mod quality;
pub mod refund;
pub mod removal;
pub mod restriction;
pub mod retention;
pub mod returns;
pub mod rights;
pub mod safety;
pub mod scalars;
pub mod service_case;
pub mod session;
pub mod statistics;
pub mod token;
pub mod withdrawal;

use async_graphql::{EmptySubscription, MergedObject, SDLExportOptions};

pub use session::Session;

/// What can be asked.
#[derive(MergedObject, Default)]
pub struct Query(
    node::NodeQuery,
    service_case::ServiceCaseQuery,
    customer::CustomerQuery,
    order::OrderQuery,
    refund::RefundQuery,
    returns::ReturnQuery,
    privacy::PrivacyQuery,
    archive::ArchiveQuery,
    hold::HoldQuery,
    removal::RemovalQuery,
    restriction::RestrictionQuery,
    erasure::ErasureQuery,
    policy::PolicyQuery,
    deadline::TaskQuery,
    operations::OperationsQuery,
    quality::QualityQuery,
    statistics::StatisticsQuery,
    safety::SafetyQuery,
    withdrawal::WithdrawalQuery,
);

/// What can be changed. Every mutation takes an `idempotencyKey`: sent again with the same input, it answers the same and
/// does nothing twice.
#[derive(MergedObject, Default)]
pub struct Mutation(
    order::OrderMutation,
    token::TokenMutation,
    guest::GuestMutation,
    withdrawal::WithdrawalMutation,
    service_case::ServiceCaseMutation,
    service_case::LifecycleMutation,
    service_case::SubmitMutation,
    message::MessageMutation,
    refund::RefundMutation,
    returns::ReturnMutation,
    returns::RemedyMutation,
    attachment::AttachmentMutation,
    dispute::DisputeMutation,
    safety::SafetyMutation,
    privacy::PrivacyMutation,
    hold::HoldMutation,
    removal::RemovalMutation,
    restriction::RestrictionMutation,
    erasure::RecipientNoticeMutation,
    deadline::TimerMutation,
    operations::OperationsMutation,
);

/// The schema. It holds no state: a request brings its [`Session`].
pub type Schema = async_graphql::Schema<Query, Mutation, EmptySubscription>;

/// Builds the schema. Limits stand in front of it, in `http::graphql::guard`.
#[must_use]
pub fn schema() -> Schema {
    Schema::build(Query::default(), Mutation::default(), EmptySubscription)
        .disable_suggestions()
        .register_output_type::<node::Node>()
        .finish()
}

/// The public contract, as schema.graphql holds it.
#[must_use]
pub fn sdl() -> String {
    let options = SDLExportOptions::new().sorted_fields().sorted_arguments().sorted_enum_items().include_specified_by();
    let text = schema().sdl_with_options(options);
    format!("{}\n", text.trim())
}
