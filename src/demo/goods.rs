//! What the fictional shop sells.

/// An article.
#[derive(Clone, Copy, Debug)]
pub(super) struct Article {
    /// Article number.
    pub sku: &'static str,
    /// Product group code.
    pub group: &'static str,
    /// What it is.
    pub title: &'static str,
    /// Gross price in cents.
    pub price: i64,
    /// Whether the reduced rate of value added tax applies.
    pub reduced: bool,
}

const fn article(sku: &'static str, group: &'static str, title: &'static str, price: i64) -> Article {
    Article { sku, group, title, price, reduced: false }
}

const fn reduced(sku: &'static str, group: &'static str, title: &'static str, price: i64) -> Article {
    Article { sku, group, title, price, reduced: true }
}

/// The range.
pub(super) const ARTICLES: &[Article] = &[
    article("HW-1001", "HOUSEHOLD", "Dampfbügeleisen 2400 W", 4_995),
    article("HW-1002", "HOUSEHOLD", "Bodenstaubsauger beutellos", 12_900),
    article("HW-1003", "HOUSEHOLD", "Wäscheständer aus Edelstahl", 3_990),
    article("HW-1004", "HOUSEHOLD", "Standventilator mit Fernbedienung", 6_499),
    article("HW-1005", "HOUSEHOLD", "Luftbefeuchter 4 l", 5_495),
    article("HW-1006", "HOUSEHOLD", "Aufbewahrungsboxen, 6er-Set", 2_750),
    article("KU-2001", "KITCHEN", "Kaffeevollautomat Crema", 44_900),
    article("KU-2002", "KITCHEN", "Wasserkocher 1,7 l, Glas", 3_499),
    article("KU-2003", "KITCHEN", "Standmixer 1200 W", 8_990),
    article("KU-2004", "KITCHEN", "Gusseisenpfanne 28 cm", 4_450),
    article("KU-2005", "KITCHEN", "Messerblock, 6-teilig", 7_995),
    article("KU-2006", "KITCHEN", "Brotbackautomat", 9_900),
    article("KU-2007", "KITCHEN", "Vorratsgläser, 12er-Set", 3_190),
    article("GA-3001", "GARDEN", "Akku-Rasenmäher 36 V", 28_900),
    article("GA-3002", "GARDEN", "Gartenschlauch mit Trommel, 30 m", 5_995),
    article("GA-3003", "GARDEN", "Heckenschere elektrisch", 8_490),
    article("GA-3004", "GARDEN", "Hochbeet aus Lärchenholz", 11_900),
    article("GA-3005", "GARDEN", "Sonnenschirm 3 m mit Kurbel", 7_499),
    article("GA-3006", "GARDEN", "Gasgrill mit zwei Brennern", 21_900),
    reduced("GA-3007", "GARDEN", "Obstbaum-Set, drei Sorten", 6_800),
    article("EL-4001", "ELECTRONICS", "Bluetooth-Kopfhörer mit Geräuschunterdrückung", 11_900),
    article("EL-4002", "ELECTRONICS", "Smart-TV 43 Zoll", 37_900),
    article("EL-4003", "ELECTRONICS", "Internetradio mit DAB+", 13_990),
    article("EL-4004", "ELECTRONICS", "Tablet 10 Zoll, 64 GB", 24_900),
    article("EL-4005", "ELECTRONICS", "WLAN-Verstärker", 4_295),
    article("EL-4006", "ELECTRONICS", "Powerbank 20.000 mAh", 3_690),
    article("EL-4007", "ELECTRONICS", "Überwachungskamera für außen", 9_495),
    article("LE-5001", "LIGHTING", "LED-Deckenleuchte dimmbar", 6_990),
    article("LE-5002", "LIGHTING", "Stehlampe mit Holzfuß", 8_400),
    article("LE-5003", "LIGHTING", "Solar-Wegleuchten, 8er-Set", 4_599),
    article("WZ-6001", "TOOLS", "Akku-Bohrschrauber 18 V", 10_900),
    article("WZ-6002", "TOOLS", "Stichsäge 750 W", 7_900),
    article("WZ-6003", "TOOLS", "Werkzeugkoffer, 108-teilig", 6_495),
    article("WZ-6004", "TOOLS", "Hochdruckreiniger 140 bar", 15_900),
];

/// Carriers by code, and how their tracking numbers begin.
pub(super) const CARRIERS: &[(&str, &str)] =
    &[("DHL", "00340"), ("DHL", "00340"), ("HERMES", "H100"), ("DPD", "0158"), ("GLS", "ZL7"), ("UPS", "1Z999")];
