//! The catalogue of reasons for which goods come back: two levels, in both languages (F15, S46 to S54).

use entity::cases::Reason;

use super::words::{Words, words};

/// A reason of the second level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Detail {
    /// Its code, unique within its reason.
    pub code: &'static str,
    /// What people call it.
    pub words: Words,
}

/// A reason of the first level with its second one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The reason.
    pub reason: Reason,
    /// What people call it.
    pub words: Words,
    /// The second level.
    pub details: &'static [Detail],
}

const fn detail(code: &'static str, de: &'static str, en: &'static str) -> Detail {
    Detail { code, words: words(de, en) }
}

/// What a customer may give as a reason. Reasons of decisions are not in it.
pub const CATALOGUE: &[Entry] = &[
    Entry {
        reason: Reason::QualityDefect,
        words: words("Qualitätsmangel", "Quality defect"),
        details: &[
            detail("DOES_NOT_START", "startet nicht", "does not start"),
            detail("STOPS_WORKING", "fällt im Betrieb aus", "stops working"),
            detail("FUNCTION_FAULT", "eine Funktion ist gestört", "a function does not work"),
            detail("MATERIAL_FAULT", "Material- oder Verarbeitungsfehler", "fault of material or workmanship"),
            detail("LEAKS", "undicht", "leaks"),
        ],
    },
    Entry {
        reason: Reason::NotAsDescribed,
        words: words("Weicht von Beschreibung oder Modell ab", "Not as described"),
        details: &[
            detail("OTHER_MEASURES", "andere Maße", "other measures"),
            detail("OTHER_COLOUR", "andere Farbe", "other colour"),
            detail("OTHER_PROPERTIES", "andere Eigenschaften", "other properties"),
            detail("OTHER_MODEL", "anderes Modell", "other model"),
        ],
    },
    Entry {
        reason: Reason::MissingAccessory,
        words: words("Zubehör fehlt", "Missing accessory"),
        details: &[
            detail("PART_MISSING", "ein Teil fehlt", "a part is missing"),
            detail("MANUAL_MISSING", "die Anleitung fehlt", "the manual is missing"),
        ],
    },
    Entry {
        reason: Reason::Damaged,
        words: words("Beschädigt", "Damaged"),
        details: &[
            detail("IN_TRANSIT", "auf dem Transport beschädigt", "damaged in transit"),
            detail("PACKAGING_INTACT", "beschädigt, Verpackung unversehrt", "damaged, packaging intact"),
        ],
    },
    Entry {
        reason: Reason::WrongDelivery,
        words: words("Falsche Ware geliefert", "Wrong article delivered"),
        details: &[
            detail("OTHER_ARTICLE", "anderer Artikel", "another article"),
            detail("OTHER_VARIANT", "andere Größe oder Ausführung", "another size or variant"),
            detail("TOO_MANY", "zu viel geliefert", "too many delivered"),
        ],
    },
    Entry {
        reason: Reason::WrongLabelling,
        words: words("Falsch gekennzeichnet", "Wrongly labelled"),
        details: &[
            detail("WRONG_SIZE_LABEL", "falsche Größe angegeben", "labelled with a wrong size"),
            detail("WRONG_ARTICLE_LABEL", "falscher Artikel angegeben", "labelled as another article"),
        ],
    },
    Entry {
        reason: Reason::NoReason,
        words: words("Ohne Angabe von Gründen", "No reason given"),
        details: &[
            detail("DOES_NOT_FIT", "passt nicht", "does not fit"),
            detail("DOES_NOT_PLEASE", "gefällt nicht", "does not please"),
            detail("ORDERED_TOO_MUCH", "zu viel bestellt", "ordered too much"),
            detail("CAME_TOO_LATE", "kam zu spät", "came too late"),
            detail("CHANGED_MIND", "anders überlegt", "changed one's mind"),
        ],
    },
];

/// The entry of a reason; none for a reason of decisions.
#[must_use]
pub fn entry(reason: Reason) -> Option<&'static Entry> {
    CATALOGUE.iter().find(|entry| entry.reason == reason)
}

/// The second level of a reason by its code.
#[must_use]
pub fn find(reason: Reason, code: &str) -> Option<&'static Detail> {
    entry(reason)?.details.iter().find(|detail| detail.code == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// F15: nothing twice, nothing empty, and a code belongs to its reason.
    #[test]
    fn the_catalogue_is_sound() {
        let mut reasons: Vec<_> = CATALOGUE.iter().map(|entry| entry.reason.code()).collect();
        reasons.sort_unstable();
        reasons.dedup();
        assert_eq!(reasons.len(), CATALOGUE.len());
        for entry in CATALOGUE {
            let mut codes: Vec<_> = entry.details.iter().map(|d| d.code).collect();
            codes.sort_unstable();
            codes.dedup();
            assert_eq!(codes.len(), entry.details.len(), "{}", entry.reason.code());
            assert!(!codes.is_empty());
            let texts = entry.details.iter().map(|d| d.words).chain([entry.words]);
            assert!(texts.into_iter().all(|w| !w.de.is_empty() && !w.en.is_empty() && w.de != w.en));
        }
        assert!(find(Reason::Damaged, "IN_TRANSIT").is_some());
        assert!(find(Reason::NoReason, "IN_TRANSIT").is_none());
        assert!(entry(Reason::Answered).is_none());
    }
}
