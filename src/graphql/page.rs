//! Relay connections: forward only, opaque keyset cursors, 20 by default and 100 at most.

use async_graphql::OutputType;
use async_graphql::connection::{Connection, Edge, EmptyFields};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use super::error::{ApiError, ApiResult};
use crate::error::{Code, Error, Refusal};

/// A connection whose cursor is opaque.
pub type Page<T> = Connection<String, T, EmptyFields, EmptyFields>;

/// How many, and after what.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// 1 to 100.
    pub first: u64,
    /// The id that the cursor holds.
    pub after: Option<Uuid>,
}

/// Checks the arguments of a connection.
///
/// # Errors
/// `BAD_USER_INPUT`: `first` outside 1 to 100, a cursor that is not ours.
pub fn wanted(first: Option<i32>, after: Option<&str>) -> ApiResult<Wanted> {
    let first = match first.unwrap_or(20) {
        n @ 1..=100 => u64::from(n.unsigned_abs()),
        n => return Err(bad(Refusal::at(Code::Invalid, &["first"]).with("expected", "1 to 100").with("actual", n))),
    };
    let after = match after {
        None => None,
        Some(text) => {
            let id = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| Uuid::from_slice(&bytes).ok());
            let unknown = || bad(Refusal::at(Code::Invalid, &["after"]).with("expected", "an endCursor"));
            Some(id.ok_or_else(unknown)?)
        }
    };
    Ok(Wanted { first, after })
}

fn bad(refusal: Refusal) -> ApiError {
    Error::Refused(refusal).into()
}

/// The cursor of an id.
#[must_use]
pub fn cursor(id: Uuid) -> String {
    URL_SAFE_NO_PAD.encode(id.as_bytes())
}

/// Makes a connection of rows of which one more than wanted was asked for.
pub fn page<R, T: OutputType>(wanted: Wanted, rows: Vec<R>, id: impl Fn(&R) -> Uuid, node: impl Fn(R) -> T) -> Page<T> {
    let most = usize::try_from(wanted.first).unwrap_or(100);
    let mut page = Connection::new(wanted.after.is_some(), rows.len() > most);
    page.edges.extend(rows.into_iter().take(most).map(|row| Edge::new(cursor(id(&row)), node(row))));
    page
}
