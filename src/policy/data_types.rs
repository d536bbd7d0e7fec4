//! The data types (Datenarten) by name, and what kind of event starts the period of each (DIN 66398). Periods and norms
//! stand in [`super::retention`].

use entity::DataType;

use super::words::{Words, words};

/// The abstract start types of DIN 66398: with a standard period, one of them makes a deletion class (Löschklasse).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StartType {
    /// From the collection: the datum counts from its own beginning.
    Collection,
    /// From the end of an operation.
    Operation,
    /// From the end of the relationship with the person.
    Relationship,
}

impl StartType {
    /// Every start type, in the order of the standard.
    pub const ALL: [Self; 3] = [Self::Collection, Self::Operation, Self::Relationship];

    /// Its letter in the name of a deletion class.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::Collection => 'C',
            Self::Operation => 'O',
            Self::Relationship => 'R',
        }
    }

    /// What people call it.
    #[must_use]
    pub const fn words(self) -> Words {
        match self {
            Self::Collection => words("ab Erhebung", "from the collection"),
            Self::Operation => words("ab Ende eines Vorgangs", "from the end of an operation"),
            Self::Relationship => words("ab Ende der Beziehung zur Person", "from the end of the relationship"),
        }
    }
}

/// What kind of event starts the period of a data type; the event itself stands in its rule.
#[must_use]
pub const fn start_type(data_type: DataType) -> StartType {
    use DataType as D;
    match data_type {
        D::R00
        | D::R01
        | D::R02a
        | D::R03
        | D::R04
        | D::R05
        | D::R11
        | D::R12
        | D::R16
        | D::R18
        | D::R20
        | D::R28
        | D::R29
        | D::R30
        | D::R34 => StartType::Collection,
        D::R02b
        | D::R06
        | D::R07
        | D::R08
        | D::R09a
        | D::R09b
        | D::R13
        | D::R14
        | D::R15
        | D::R17
        | D::R19
        | D::R22
        | D::R23
        | D::R24
        | D::R25
        | D::R26
        | D::R27
        | D::R32
        | D::R33 => StartType::Operation,
        D::R10 | D::R21 | D::R31 => StartType::Relationship,
    }
}

/// Why a data type has no period; every other one has exactly one rule.
#[must_use]
pub const fn without_period(data_type: DataType) -> Option<&'static str> {
    match data_type {
        DataType::R00 => Some("nothing personal (GDPR recital 26)"),
        DataType::R15 => Some("goes as soon as the identity is checked (GDPR Art. 5(1)(c)); it is never stored"),
        DataType::R23 => Some("destroyed with what it opens (GDPR Art. 17, 32)"),
        _ => None,
    }
}

/// What a data type is called.
#[must_use]
pub const fn name(data_type: DataType) -> Words {
    use DataType as D;
    match data_type {
        D::R00 => words("Nichts Personenbezogenes", "Nothing personal"),
        D::R01 => words("Erstattungsbeleg, Rechnungskorrektur", "Refund record and credit note"),
        D::R02a => words("Rücksendung mit Buchung", "Return that led to a booking"),
        D::R02b => words("Rücksendung ohne Buchung", "Return without a booking"),
        D::R03 => words("Handelsbrief", "Correspondence about an order"),
        D::R04 => words("Reklamation und Folgeschriftverkehr", "Complaint and follow-up"),
        D::R05 => words("Widerrufserklärung und Bestätigung", "Withdrawal statement and receipt"),
        D::R06 => words("Beratung ohne Wirkung auf das Geschäft", "Advice without effect on the deal"),
        D::R07 => words("Paket und Zustellnachweis", "Parcel and proof of delivery"),
        D::R08 => words("Sendungsereignisse", "Carrier events"),
        D::R09a => words("Nachweisfotos eines erledigten Vorgangs", "Evidence of a settled case"),
        D::R09b => words("Nachweisfotos", "Evidence of any other case"),
        D::R10 => words("Einwilligung", "Consent"),
        D::R11 => words("Entscheidungsprotokoll", "Audit of decisions"),
        D::R12 => words("Zugriffsprotokoll", "Access log"),
        D::R13 => words("Löschprotokoll", "Deletion log"),
        D::R14 => words("Betroffenenanfrage", "Data-subject request"),
        D::R15 => words("Identitätsnachweis", "Proof of identity"),
        D::R16 => words("Auskunftsarchiv", "Export archive"),
        D::R17 => words("Verzeichnis der Datenschutzverletzungen", "Breach register"),
        D::R18 => words("Serverprotokoll", "Server log"),
        D::R19 => words("Streitakte", "Dispute file"),
        D::R20 => words("Eintrag zur Produktsicherheit", "Product-safety entry"),
        D::R21 => words("Kontaktdaten", "Contact record"),
        D::R22 => words("Organisationsunterlagen", "Organisational documents"),
        D::R23 => words("Schlüssel", "Keys"),
        D::R24 => words("Vorgangskopf", "Case header"),
        D::R25 => words("Bestellung", "Order"),
        D::R26 => words("Fristen und Aufgaben", "Timers and tasks"),
        D::R27 => words("Zugangstoken", "Access tokens"),
        D::R28 => words("Wiederholungsschutz", "Idempotency records"),
        D::R29 => words("Eingegangene Roh-E-Mail", "Raw mail that came in"),
        D::R30 => words("Offenlegungsprotokoll", "Disclosure log"),
        D::R31 => words("Mitarbeiterkonto", "Staff account"),
        D::R32 => words("Löschsperre, Einschränkung", "Hold and restriction"),
        D::R33 => words("Versandaufträge", "Outbox"),
        D::R34 => words("Löschbuch und Sperrhashes", "Erasure ledger and suppression hashes"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use sea_orm::Iterable as _;

    use super::*;
    use crate::policy::retention::shipped;

    #[test]
    fn each_data_type_has_a_name_of_its_own_and_either_a_rule_or_a_reason() {
        let rules = shipped();
        let names: BTreeSet<&str> = DataType::iter().flat_map(|d| [name(d).de, name(d).en]).collect();
        assert_eq!(names.len(), DataType::iter().count() * 2);
        for data_type in DataType::iter() {
            let ruled = rules.iter().any(|rule| rule.data_type == data_type);
            assert_eq!(ruled, without_period(data_type).is_none(), "{data_type:?}");
        }
    }
}
