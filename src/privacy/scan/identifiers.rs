//! What leads to a person: collected from the columns that the map calls identifying, before anything of them goes.

use entity::erasures::Model;
use entity::ids::ErasureId;
use entity::map::{Category, Column};
use serde::{Deserialize, Serialize};

use super::search::Needle;
use crate::error::Result;
use crate::keys::Place;
use crate::retention::person::Person;
use crate::retention::read;
use crate::state::App;

/// What kind of identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Kind {
    /// An e-mail address.
    Email,
    /// A name.
    Name,
    /// A telephone number.
    Phone,
    /// A line of an address.
    Address,
    /// The number of an order, a parcel, a payment or a device.
    Number,
}

impl Kind {
    /// As a code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Email => "EMAIL",
            Self::Name => "NAME",
            Self::Phone => "PHONE",
            Self::Address => "ADDRESS",
            Self::Number => "NUMBER",
        }
    }
}

/// One identifier.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Identifier {
    /// What it is.
    pub kind: Kind,
    /// The text.
    pub text: String,
}

impl Identifier {
    /// As they are sealed with the erasure.
    ///
    /// # Errors
    /// Never for a list of these.
    pub fn list(identifiers: &[Self]) -> Result<String> {
        Ok(serde_json::to_string(identifiers).map_err(|e| anyhow::anyhow!("identifiers: {e}"))?)
    }

    /// How it is looked for: as a word of its own, and in plain values and bytes only where chance does not find it.
    pub(super) fn needle(&self) -> Needle {
        let chars = self.text.chars().count();
        let is_number = self.text.chars().all(|c| c.is_ascii_digit());
        let is_one_word = self.kind == Kind::Name && !self.text.contains(char::is_whitespace);
        let in_plain = chars >= if is_number { 9 } else { 6 } && !is_one_word;
        Needle { text: self.text.clone(), whole: true, in_plain }
    }
}

/// Where the identifiers of an erasure lie sealed.
#[must_use]
pub const fn place(erasure: ErasureId) -> Place {
    Place { table: "erasures", column: "identifiers", row: erasure.0 }
}

/// Everything that leads to a person, from every record that is there, the file of the request among them.
///
/// # Errors
/// A store cannot be read.
pub async fn collect(app: &App, person: &Person) -> Result<Vec<Identifier>> {
    let mut found = Vec::new();
    for t in person.tables().iter().filter(|t| t.columns.iter().any(|c| c.meaning.identifies)) {
        let identifying = t.columns.iter().filter(|c| c.meaning.identifies);
        let columns: Vec<&Column> =
            t.columns.iter().filter(|c| c.name == "id" || c.name == "unit_id").chain(identifying).collect();
        let (theirs, values) = person.rows_of(t, 1);
        for row in read::columns(app, t, &columns, &theirs, values).await? {
            for (column, value) in row.values.iter().filter(|(c, _)| c.meaning.identifies) {
                found.extend(value.as_str().into_iter().flat_map(|text| parts(column, text)));
            }
        }
        found.sort_unstable();
        found.dedup();
    }
    Ok(found)
}

/// What a scan that is still to come will look for already; none where that does not open any more: a restore may find a scan that had
/// come to its end, without its key.
///
/// # Errors
/// The key store cannot be read.
pub async fn pending(app: &App, row: &Model) -> Result<Option<Vec<Identifier>>> {
    let Some((unit, sealed)) = row.unit_id.zip(row.identifiers.as_ref()) else { return Ok(Some(Vec::new())) };
    let keys = app.keys.load(&[unit], entity::Purpose::DataProtection, app.clock.now()).await?;
    let Some(opened) = keys.get(&unit).and_then(|key| key.open(place(row.id), sealed)) else { return Ok(None) };
    Ok(Some(serde_json::from_str(opened.as_str()).map_err(|e| anyhow::anyhow!("identifiers: {e}"))?))
}

fn parts(column: &Column, text: &str) -> Vec<Identifier> {
    let kind = match (column.name, column.meaning.category) {
        ("phone", _) => Kind::Phone,
        ("address", _) => Kind::Address,
        _ if text.contains('@') => Kind::Email,
        (_, Category::Identity) => Kind::Name,
        _ => Kind::Number,
    };
    let lines: Vec<&str> = if kind == Kind::Address { text.lines().collect() } else { vec![text] };
    let kept = lines.into_iter().map(str::trim).filter(|line| line.chars().count() >= 3);
    let kept = kept.filter(|line| kind != Kind::Address || is_street(line));
    kept.map(|line| Identifier { kind, text: line.to_owned() }).collect()
}

/// A line with a house number. One that names place or country is shared by thousands, and leads to nobody.
fn is_street(line: &str) -> bool {
    let begins_with_postcode = line.split_whitespace().next().is_some_and(|word| {
        let digits = word.bytes().filter(u8::is_ascii_digit).count();
        digits >= 4 && word.len() - digits <= 3
    });
    !begins_with_postcode && line.contains(|c: char| c.is_ascii_digit()) && line.contains(char::is_alphabetic)
}

#[cfg(test)]
mod tests {
    use super::*;
    use entity::map::table;

    #[test]
    fn an_address_is_its_street() {
        let column = table("customers").unwrap().column("address").unwrap();
        let found = parts(column, "Heidestraße 17\n51147 Köln\nD-51147 Köln\nDeutschland\n");
        assert_eq!(found.iter().map(|i| i.text.as_str()).collect::<Vec<_>>(), ["Heidestraße 17"]);
    }

    #[test]
    fn what_chance_would_find_is_not_looked_for_in_plain() {
        let plain = |kind, text: &str| Identifier { kind, text: text.to_owned() }.needle().in_plain;
        assert!(plain(Kind::Email, "a@b.de") && plain(Kind::Name, "Jo Lind") && plain(Kind::Number, "2026-1187"));
        assert!(plain(Kind::Number, "100200300") && !plain(Kind::Number, "100200") && !plain(Kind::Number, "C-1"));
        assert!(!plain(Kind::Name, "Müllermeier"), "one word is also a word of the language");
    }
}
