//! Evidence: photos and videos. A ticket lets one upload in; the bytes stream, are stripped and sealed on the way.

pub mod archive;
pub mod keep;
pub mod receive;
pub mod serve;
pub mod sniff;
pub mod strip;
pub mod ticket;

use entity::attachments::{Column, Entity, Model};
use entity::ids::AttachmentId;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QuerySelect as _, QueryTrait as _, Select,
};

use crate::auth::Actor;
use crate::cases;
use crate::error::{Error, Result};

pub use ticket::{NewAttachment, Ticket, ticket};

/// The attachments of the cases that an actor may see.
#[must_use]
pub fn visible_to(actor: &Actor) -> Select<Entity> {
    let cases = cases::visible_to(actor).select_only().column(entity::cases::Column::Id);
    Entity::find().filter(Column::CaseId.in_subquery(cases.into_query()))
}

/// One attachment.
///
/// # Errors
/// `NOT_FOUND` for an unknown or invisible id.
pub async fn get(db: &impl ConnectionTrait, actor: &Actor, id: AttachmentId) -> Result<Model> {
    visible_to(actor).filter(Column::Id.eq(id)).one(db).await?.ok_or(Error::NotFound)
}

/// What sealed bytes of an attachment are bound to: moved to another attachment, they do not open.
#[must_use]
pub fn binding(id: AttachmentId) -> Vec<u8> {
    [b"attachments\0".as_slice(), id.0.as_bytes()].concat()
}
