//! What the fictional shop sells.

/// An article.
#[derive(Debug)]
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
    article("HW-1001", "HOUSEHOLD", "Dampfbügeleisen 2400 W", 49_95),
    article("HW-1002", "HOUSEHOLD", "Bodenstaubsauger beutellos", 129_00),
    article("HW-1003", "HOUSEHOLD", "Wäscheständer aus Edelstahl", 39_90),
    article("HW-1004", "HOUSEHOLD", "Standventilator mit Fernbedienung", 64_99),
    article("HW-1005", "HOUSEHOLD", "Luftbefeuchter 4 l", 54_95),
    article("HW-1006", "HOUSEHOLD", "Aufbewahrungsboxen, 6er-Set", 27_50),
    article("KU-2001", "KITCHEN", "Kaffeevollautomat Crema", 449_00),
    article("KU-2002", "KITCHEN", "Wasserkocher 1,7 l, Glas", 34_99),
    article("KU-2003", "KITCHEN", "Standmixer 1200 W", 89_90),
    article("KU-2004", "KITCHEN", "Gusseisenpfanne 28 cm", 44_50),
    article("KU-2005", "KITCHEN", "Messerblock, 6-teilig", 79_95),
    article("KU-2006", "KITCHEN", "Brotbackautomat", 99_00),
    article("KU-2007", "KITCHEN", "Vorratsgläser, 12er-Set", 31_90),
    article("GA-3001", "GARDEN", "Akku-Rasenmäher 36 V", 289_00),
    article("GA-3002", "GARDEN", "Gartenschlauch mit Trommel, 30 m", 59_95),
    article("GA-3003", "GARDEN", "Heckenschere elektrisch", 84_90),
    article("GA-3004", "GARDEN", "Hochbeet aus Lärchenholz", 119_00),
    article("GA-3005", "GARDEN", "Sonnenschirm 3 m mit Kurbel", 74_99),
    article("GA-3006", "GARDEN", "Gasgrill mit zwei Brennern", 219_00),
    reduced("GA-3007", "GARDEN", "Obstbaum-Set, drei Sorten", 68_00),
    article("EL-4001", "ELECTRONICS", "Bluetooth-Kopfhörer mit Geräuschunterdrückung", 119_00),
    article("EL-4002", "ELECTRONICS", "Smart-TV 43 Zoll", 379_00),
    article("EL-4003", "ELECTRONICS", "Internetradio mit DAB+", 139_90),
    article("EL-4004", "ELECTRONICS", "Tablet 10 Zoll, 64 GB", 249_00),
    article("EL-4005", "ELECTRONICS", "WLAN-Verstärker", 42_95),
    article("EL-4006", "ELECTRONICS", "Powerbank 20.000 mAh", 36_90),
    article("EL-4007", "ELECTRONICS", "Überwachungskamera für außen", 94_95),
    article("LE-5001", "LIGHTING", "LED-Deckenleuchte dimmbar", 69_90),
    article("LE-5002", "LIGHTING", "Stehlampe mit Holzfuß", 84_00),
    article("LE-5003", "LIGHTING", "Solar-Wegleuchten, 8er-Set", 45_99),
    article("WZ-6001", "TOOLS", "Akku-Bohrschrauber 18 V", 109_00),
    article("WZ-6002", "TOOLS", "Stichsäge 750 W", 79_00),
    article("WZ-6003", "TOOLS", "Werkzeugkoffer, 108-teilig", 64_95),
    article("WZ-6004", "TOOLS", "Hochdruckreiniger 140 bar", 159_00),
];

/// Carriers by code, and how their tracking numbers begin.
pub(super) const CARRIERS: &[(&str, &str)] =
    &[("DHL", "00340"), ("DHL", "00340"), ("HERMES", "H100"), ("DPD", "0158"), ("GLS", "ZL7"), ("UPS", "1Z999")];
