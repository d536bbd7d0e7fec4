//! Errors at the border: a refusal becomes a `userError`, everything else a top-level error with a public code.
//!
//! [`ApiError`] has no `Display`, so that a bare database error cannot become one by `?`.

use async_graphql::{Context, Enum, ErrorExtensions as _, SimpleObject};

use super::session::ContextExt as _;
use crate::auth::Permission;
use crate::error::{Code, Error, Language, Refusal};

/// The only error that a resolver returns.
#[derive(Clone)]
pub struct ApiError(async_graphql::Error);

/// What a resolver returns.
pub type ApiResult<T> = Result<T, ApiError>;

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        if let Error::Internal(cause) = &error {
            tracing::error!(cause = format!("{cause:#}"), "a resolver failed");
        }
        let code = error.code();
        Self(async_graphql::Error::new(error.to_string()).extend_with(|_, e| e.set("code", code)))
    }
}

impl From<ApiError> for async_graphql::Error {
    fn from(error: ApiError) -> Self {
        error.0
    }
}

/// For a nullable field: null there, with the error beside it.
///
/// # Errors
/// Never a row that does not exist: that is null with `NOT_FOUND`.
pub fn nullable<T>(ctx: &Context<'_>, found: Result<T, Error>) -> ApiResult<Option<T>> {
    match found {
        Ok(value) => Ok(Some(value)),
        Err(Error::NotFound) => {
            let error = async_graphql::Error::from(ApiError::from(Error::NotFound));
            ctx.add_error(ctx.set_error_path(error.into_server_error(ctx.item.pos)));
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// What is wrong with an input.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "Code")]
pub enum UserErrorCode {
    /// An id that does not exist or is not visible.
    NotFound,
    /// Empty where something is needed.
    Required,
    /// Not of the expected form.
    Invalid,
    /// Longer than allowed; details: `maximum`, `actual`.
    TooLong,
    /// More or larger than allowed; details: `maximum`.
    TooLarge,
    /// Zero or negative.
    NotPositive,
    /// More than can still be refunded; details: `largestAmountMinor`.
    AmountExceedsCaptured,
    /// Another currency than the order's; details: `currency`.
    CurrencyMismatch,
    /// The state does not allow this; details: `state`, `possibleIn`, `legalTransitions`.
    TransitionNotAllowed,
    /// The record has changed since; details: `currentVersion`.
    VersionConflict,
    /// The key has been used with another input.
    IdempotencyMismatch,
    /// The same person may not do both.
    SamePerson,
    /// More than the goods are worth that came back; details: `largestAmountMinor`.
    AmountExceedsReturned,
    /// Law or policy do not carry such a refund; the message says why, details: `fault`, `norm`.
    RefundNotDue,
    /// A second person has to approve the amount first; details: `amountMinor`, `approvalAboveMinor`.
    ApprovalNeeded,
    /// Other means of payment need the customer's express consent.
    ConsentNeeded,
    /// Not yet; details: `possibleFrom`, an instant, and `lastDay`, the last day to wait for.
    TooEarly,
    /// It exists already.
    AlreadyExists,
    /// It has been erased and stays erased.
    Erased,
    /// Not a type of file that is accepted; details: `accepted`.
    UnsupportedType,
    /// The bytes are not of the announced type.
    TypeMismatch,
    /// Fewer or more bytes than announced.
    SizeMismatch,
    /// The file cannot be read.
    Malformed,
    /// The link is invalid, expired or used up.
    LinkInvalid,
    /// Data of this type may not be opened for this; details: `dataType`, `purpose`.
    PurposeNotAllowed,
    /// The person has to be told before (GDPR Art. 18(3)); details: `mail`, where one was written: its state.
    PersonNotTold,
    /// Its processing is restricted (GDPR Art. 18).
    Restricted,
    /// Another policy has been put in force since this server was started; details: `version`, by which it would have judged.
    PolicySuperseded,
}

/// A named fact that helps to mend an input.
#[derive(SimpleObject)]
pub struct UserErrorDetail {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// Why a mutation was refused. Nothing has changed.
#[derive(SimpleObject)]
pub struct UserError {
    /// What is wrong.
    pub code: UserErrorCode,
    /// Path in the mutation's arguments, such as `["input", "amount", "amountMinor"]`.
    pub field: Vec<String>,
    /// What it means and what helps, in the language of `Accept-Language` (German or English).
    pub message: &'static str,
    /// Named facts.
    pub details: Vec<UserErrorDetail>,
}

impl UserError {
    /// A refusal in a language.
    #[must_use]
    pub fn new(refusal: Refusal, language: Language) -> Self {
        let detail = |(name, value): (&str, String)| UserErrorDetail { name: name.to_owned(), value };
        Self {
            code: refusal.code.into(),
            message: refusal.text(language),
            field: refusal.field,
            details: refusal.details.into_iter().map(detail).collect(),
        }
    }
}

/// Parts the outcome of a domain function into object and `userErrors`.
///
/// # Errors
/// Whatever is not a refusal.
pub fn outcome<T>(ctx: &Context<'_>, done: Result<T, Error>) -> ApiResult<(Option<T>, Vec<UserError>)> {
    match done {
        Ok(value) => Ok((Some(value), Vec::new())),
        Err(Error::Refused(refusal)) => Ok((None, vec![UserError::new(refusal, ctx.session().language)])),
        Err(error) => Err(error.into()),
    }
}

/// The role is checked before the input is looked at, so that nobody learns from refusals what exists.
///
/// # Errors
/// `UNAUTHENTICATED`, `FORBIDDEN`, or whatever `done` says.
pub async fn authorised<T>(
    ctx: &Context<'_>,
    permission: Permission,
    done: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    ctx.actor().require(permission)?;
    done.await
}
