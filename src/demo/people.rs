//! Who the fictional customers are. Nobody of them exists: the mail domains are reserved (RFC 2606), the telephone
//! numbers are those that the Bundesnetzagentur sets aside for film and fiction.

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

const WOMEN: &[&str] = &[
    "Anna",
    "Annegret",
    "Aylin",
    "Barbara",
    "Birgit",
    "Britta",
    "Christiane",
    "Claudia",
    "Dagmar",
    "Elif",
    "Elisabeth",
    "Eva",
    "Franziska",
    "Gabriele",
    "Hannah",
    "Heike",
    "Ines",
    "Jana",
    "Jasmin",
    "Johanna",
    "Julia",
    "Karin",
    "Katharina",
    "Katrin",
    "Lea",
    "Lena",
    "Magdalena",
    "Maria",
    "Martina",
    "Melanie",
    "Monika",
    "Nadine",
    "Petra",
    "Sabine",
    "Sandra",
    "Sarah",
    "Silke",
    "Sofie",
    "Stefanie",
    "Susanne",
    "Tanja",
    "Ulrike",
    "Ursula",
    "Vera",
    "Yvonne",
];

const MEN: &[&str] = &[
    "Alexander",
    "Andreas",
    "Bernd",
    "Björn",
    "Christian",
    "Daniel",
    "David",
    "Dieter",
    "Emre",
    "Fabian",
    "Felix",
    "Florian",
    "Frank",
    "Friedrich",
    "Georg",
    "Günter",
    "Hans",
    "Heinz",
    "Holger",
    "Jan",
    "Jens",
    "Johannes",
    "Jonas",
    "Jörg",
    "Jürgen",
    "Karl",
    "Klaus",
    "Lars",
    "Lukas",
    "Manfred",
    "Marcel",
    "Markus",
    "Martin",
    "Matthias",
    "Mehmet",
    "Michael",
    "Niklas",
    "Norbert",
    "Oliver",
    "Paul",
    "Peter",
    "Rainer",
    "Ralf",
    "Stefan",
    "Sven",
    "Thomas",
    "Tobias",
    "Uwe",
    "Wolfgang",
];

const SURNAMES: &[&str] = &[
    "Albrecht",
    "Arnold",
    "Aydın",
    "Bauer",
    "Becker",
    "Berger",
    "Böhm",
    "Brandt",
    "Busch",
    "Demir",
    "Dietrich",
    "Engel",
    "Fischer",
    "Frank",
    "Franke",
    "Friedrich",
    "Fuchs",
    "Graf",
    "Groß",
    "Günther",
    "Haas",
    "Hahn",
    "Hartmann",
    "Heinrich",
    "Hoffmann",
    "Hofmann",
    "Horn",
    "Huber",
    "Jäger",
    "Jung",
    "Kaiser",
    "Kaya",
    "Keller",
    "Klein",
    "Koch",
    "Köhler",
    "König",
    "Kowalski",
    "Krause",
    "Krämer",
    "Krüger",
    "Kuhn",
    "Lang",
    "Lange",
    "Lehmann",
    "Lorenz",
    "Ludwig",
    "Maier",
    "Martin",
    "Mayer",
    "Meier",
    "Meyer",
    "Möller",
    "Müller",
    "Neumann",
    "Nowak",
    "Otto",
    "Peters",
    "Petersen",
    "Pfeiffer",
    "Pohl",
    "Richter",
    "Roth",
    "Sauer",
    "Schäfer",
    "Schmidt",
    "Schmitt",
    "Schneider",
    "Scholz",
    "Schreiber",
    "Schröder",
    "Schulte",
    "Schulz",
    "Schumacher",
    "Schuster",
    "Schwarz",
    "Seidel",
    "Simon",
    "Sommer",
    "Stein",
    "Thomas",
    "Vogel",
    "Vogt",
    "Voigt",
    "Wagner",
    "Walter",
    "Weber",
    "Weiß",
    "Werner",
    "Winkler",
    "Winter",
    "Wolf",
    "Yılmaz",
    "Ziegler",
    "Zimmermann",
];

const STREETS: &[&str] = &[
    "Ahornweg",
    "Am Bahnhof",
    "Am Sportplatz",
    "Amselweg",
    "Bachstraße",
    "Bahnhofstraße",
    "Bergstraße",
    "Birkenweg",
    "Blumenstraße",
    "Buchenweg",
    "Dorfstraße",
    "Eichenweg",
    "Erlenweg",
    "Feldstraße",
    "Finkenweg",
    "Fliederweg",
    "Friedhofstraße",
    "Gartenstraße",
    "Goethestraße",
    "Hauptstraße",
    "Im Winkel",
    "Industriestraße",
    "Jahnstraße",
    "Kastanienallee",
    "Kirchstraße",
    "Lerchenweg",
    "Lindenstraße",
    "Marktplatz",
    "Mittelstraße",
    "Mozartstraße",
    "Mühlenweg",
    "Neue Straße",
    "Poststraße",
    "Ringstraße",
    "Rosenweg",
    "Schillerstraße",
    "Schulstraße",
    "Tannenweg",
    "Waldstraße",
    "Wiesenweg",
];

const TOWNS: &[&str] = &[
    "01099 Dresden",
    "04109 Leipzig",
    "06108 Halle (Saale)",
    "07743 Jena",
    "09111 Chemnitz",
    "10115 Berlin",
    "12043 Berlin",
    "14467 Potsdam",
    "17489 Greifswald",
    "18055 Rostock",
    "19053 Schwerin",
    "20095 Hamburg",
    "22765 Hamburg",
    "23552 Lübeck",
    "24103 Kiel",
    "26122 Oldenburg",
    "28195 Bremen",
    "30159 Hannover",
    "33602 Bielefeld",
    "34117 Kassel",
    "37073 Göttingen",
    "38100 Braunschweig",
    "39104 Magdeburg",
    "40213 Düsseldorf",
    "44135 Dortmund",
    "45127 Essen",
    "48143 Münster",
    "50667 Köln",
    "52062 Aachen",
    "53111 Bonn",
    "55116 Mainz",
    "60311 Frankfurt am Main",
    "64283 Darmstadt",
    "66111 Saarbrücken",
    "68159 Mannheim",
    "69117 Heidelberg",
    "70173 Stuttgart",
    "72070 Tübingen",
    "76133 Karlsruhe",
    "79098 Freiburg im Breisgau",
    "80331 München",
    "85049 Ingolstadt",
    "86150 Augsburg",
    "89073 Ulm",
    "90402 Nürnberg",
    "93047 Regensburg",
    "97070 Würzburg",
    "99084 Erfurt",
];

/// Prefix, how many digits follow, and the first and last number that are free for fiction.
const PHONES: &[(&str, usize, u32, u32)] = &[
    ("030 23125", 3, 0, 999),
    ("040 66969", 3, 0, 999),
    ("069 90009", 3, 0, 999),
    ("0221 4710", 3, 0, 999),
    ("089 99998", 3, 0, 999),
    ("0171 39200", 2, 0, 99),
    ("0176 040690", 2, 0, 99),
];

const MAIL: &[&str] = &["example.com", "example.org", "example.net"];

/// Somebody who buys.
#[derive(Clone, Debug)]
pub(super) struct Person {
    /// First name and surname.
    pub name: String,
    /// How a letter begins.
    pub salutation: String,
    /// E-mail address.
    pub email: String,
    /// Telephone, if given.
    pub phone: Option<String>,
    /// Street and town.
    pub address: String,
}

impl Person {
    /// Somebody with an address that nobody else has: `n` goes into it where the name alone would not do.
    pub(super) fn invent(rng: &mut ChaCha8Rng, n: usize) -> Self {
        let is_woman = rng.random_bool(0.5);
        let first = pick(rng, if is_woman { WOMEN } else { MEN });
        let surname = pick(rng, SURNAMES);
        let salutation =
            if is_woman { format!("Sehr geehrte Frau {surname},") } else { format!("Sehr geehrter Herr {surname},") };
        let local = format!("{}.{}{n}", ascii(first), ascii(surname));
        let email = format!("{local}@{}", pick(rng, MAIL));
        let (prefix, digits, from, to) = pick(rng, PHONES);
        let number = rng.random_range(from..=to);
        let phone = rng.random_bool(0.7).then(|| format!("{prefix} {number:0digits$}"));
        Self { name: format!("{first} {surname}"), salutation, email, phone, address: address(rng) }
    }

    /// One of the two whom everybody knows from sample forms.
    pub(super) fn mustermann(rng: &mut ChaCha8Rng, first: &str, salutation: &str, email: &str) -> Self {
        Self {
            name: format!("{first} Mustermann"),
            salutation: format!("{salutation} Mustermann,"),
            email: email.to_owned(),
            phone: Some("030 23125 001".to_owned()),
            address: address(rng),
        }
    }
}

fn address(rng: &mut ChaCha8Rng) -> String {
    let (street, town) = (pick(rng, STREETS), pick(rng, TOWNS));
    format!("{street} {}\n{town}", rng.random_range(1..=120))
}

/// Any of them; the lists are never empty.
pub(super) fn pick<T: Copy>(rng: &mut ChaCha8Rng, from: &[T]) -> T {
    from[rng.random_range(0..from.len())]
}

fn ascii(name: &str) -> String {
    let lower = name.to_lowercase();
    let mut plain = String::with_capacity(lower.len());
    for letter in lower.chars() {
        match letter {
            'ä' => plain.push_str("ae"),
            'ö' => plain.push_str("oe"),
            'ü' => plain.push_str("ue"),
            'ß' => plain.push_str("ss"),
            'ı' => plain.push('i'),
            letter if letter.is_ascii_alphabetic() => plain.push(letter),
            _ => {}
        }
    }
    plain
}
