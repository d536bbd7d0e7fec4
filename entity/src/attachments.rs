//! Photos and videos of a case (R09a, R09b; R27 while awaited), each sealed with a key of its own.

use sea_orm::entity::prelude::*;

use crate::map::{Category, Classified, Meaning, Subject};
use crate::{DataType, Sealed, codes::ActorKind, ids::AttachmentId, ids::CaseId, ids::ReturnId, ids::UnitId};

crate::codes! {
    /// Where an attachment stands.
    State {
        /// A ticket has been issued; no bytes yet.
        AwaitingUpload = "AWAITING_UPLOAD",
        /// Bytes are being received.
        Receiving = "RECEIVING",
        /// Stripped, sealed and stored.
        Available = "AVAILABLE",
    }
}

crate::codes! {
    /// What is accepted as evidence. SVG, HTML and the like never are.
    MediaType {
        /// `image/jpeg`
        Jpeg = "JPEG",
        /// `image/png`
        Png = "PNG",
        /// `image/webp`
        Webp = "WEBP",
        /// `video/mp4`
        Mp4 = "MP4",
        /// `video/quicktime`
        Quicktime = "QUICKTIME",
    }
}

impl MediaType {
    /// The media type of RFC 6838.
    #[must_use]
    pub const fn mime(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
            Self::Mp4 => "video/mp4",
            Self::Quicktime => "video/quicktime",
        }
    }

    /// The usual end of a file's name.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Webp => "webp",
            Self::Mp4 => "mp4",
            Self::Quicktime => "mov",
        }
    }

    /// Whether it is a photo, whose metadata is stripped.
    #[must_use]
    pub const fn is_photo(self) -> bool {
        match self {
            Self::Jpeg | Self::Png | Self::Webp => true,
            Self::Mp4 | Self::Quicktime => false,
        }
    }
}

/// A photo or video. The bytes lie in the blob store, sealed.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "attachments")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AttachmentId,
    /// Case.
    pub case_id: CaseId,
    /// The return whose inspection it documents.
    pub return_id: Option<ReturnId>,
    /// SHA-256 of the plain bytes as stored, fixed at intake; none before.
    pub content_hash: Option<Vec<u8>>,
    /// The erasure unit whose key seals this row; none in a bare row.
    pub unit_id: Option<UnitId>,
    /// R27 while no bytes have come; then R09b, until the case is closed as fully accepted and settled: then R09a.
    pub data_type: DataType,
    /// State.
    pub state: State,
    /// File name.
    pub file_name: Option<Sealed>,
    /// Type.
    pub media_type: MediaType,
    /// Announced size while `AWAITING_UPLOAD`, stored plain size afterwards.
    pub byte_size: i64,
    /// Uploaded by.
    pub uploaded_by: ActorKind,
    /// Name in the blob store, random; while `RECEIVING`, of the latest receiver.
    pub blob: Option<String>,
    /// Created at.
    pub created_at: DateTimeUtc,
    /// Ready at.
    pub ready_at: Option<DateTimeUtc>,
    /// When the retention period began; none while it has not.
    pub start_at: Option<DateTimeUtc>,
    /// Never deleted before this instant.
    pub not_before: Option<DateTimeUtc>,
}

/// Links are followed through [`Classified::SUBJECT`], not through ORM relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Classified for Entity {
    const SUBJECT: Subject = Subject::Through(&[("case_id", "cases")]);
    const TYPES: &'static [DataType] = &[DataType::R09a, DataType::R09b, DataType::R27];
    const START: Option<Column> = Some(Column::StartAt);

    fn meaning(column: &Column) -> Meaning {
        match column {
            Column::Id => Meaning::id("Id"),
            Column::CaseId => Meaning::id("Case"),
            Column::ReturnId => Meaning::id("Return"),
            Column::ContentHash => Meaning::internal("the manifest of the export holds checksums"),
            Column::UnitId => Meaning::internal("names a key, which is destroyed with the data"),
            Column::DataType => Meaning::internal("the kept-until date and its norm are exported"),
            Column::State => Meaning::plain(Category::Evidence, "State"),
            Column::FileName => Meaning::sealed(Category::Evidence, "File name"),
            Column::MediaType => Meaning::plain(Category::Evidence, "Type"),
            Column::ByteSize => Meaning::plain(Category::Evidence, "Size in bytes"),
            Column::UploadedBy => Meaning::plain(Category::Evidence, "Uploaded by"),
            Column::Blob => Meaning::internal("names a blob, which is exported as a file"),
            Column::CreatedAt => Meaning::plain(Category::Evidence, "Created at"),
            Column::ReadyAt => Meaning::plain(Category::Evidence, "Ready at"),
            Column::StartAt => Meaning::internal("an index of the retention sweep; the kept-until date is exported"),
            Column::NotBefore => Meaning::internal("an index of the retention sweep"),
        }
    }
}
