//! The lives that are lived through the API: stories drawn by chance, each a list of deeds on days.

/// A small generator of chance (SplitMix64): the same seed gives the same lives on every machine.
#[derive(Clone)]
pub struct Chance(u64);

impl Chance {
    pub const fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % n
    }

    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    pub fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::try_from(self.below(choices.len() as u64)).unwrap()]
    }
}

/// One thing that somebody does; what it is about is the latest order, case, return … of the same life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    Order {
        parcels: usize,
    },
    Arrive(usize),
    Scan(usize),
    LoseParcel(usize),
    Open {
        kind: &'static str,
        ordered: bool,
    },
    Say,
    Reply,
    Note,
    Photo,
    Ticket,
    Decide(&'static str),
    Grant,
    Submit,
    Credit,
    Fail,
    Agree,
    Inquire,
    Notify,
    Close {
        advice: bool,
    },
    Cancel,
    Merge,
    Instruct,
    Dispatch,
    ScanReturn,
    Receive,
    /// With the disposition of what is not accepted.
    Inspect {
        accepted: i32,
        disposition: &'static str,
    },
    SendBack,
    Ship(&'static str),
    ScanSent,
    ArriveSent,
    Object,
    Reexamine,
    Propose,
    Dispute,
    Proceed(&'static str),
    EndDispute {
        accepted: bool,
    },
    Hold(&'static str),
    Release,
    /// Processing is restricted (GDPR Art. 18), and the restriction lifted.
    Restrict(&'static str),
    Lift,
    Erase,
    Mail,
    Guest,
}

/// How many stories there are.
pub const STORIES: u64 = 24;

/// A story, by its number: deeds with the days that pass before each.
pub fn story(number: u64, chance: &mut Chance) -> Vec<(u64, Deed)> {
    use Deed as D;
    let claim = |ordered| D::Open { kind: "WARRANTY_CLAIM", ordered };
    let mut life = vec![(0, D::Order { parcels: 1 }), (0, D::Scan(0)), (1 + chance.below(4), D::Arrive(0))];
    let paid =
        [(1, D::Grant), (1, D::Submit), (3, D::Credit), (1, D::Notify), (chance.below(3), D::Close { advice: false })];
    let told = [(1, D::Notify), (1, D::Close { advice: false })];
    let back = [(1, D::Instruct), (2, D::Dispatch), (1, D::ScanReturn)];
    let inspected = |accepted, disposition| [(2, D::Receive), (1, D::Inspect { accepted, disposition })];
    match number % STORIES {
        // Accepted in full, with a photo and a file that never came.
        0 => {
            life.extend([(5, claim(true)), (0, D::Photo), (0, D::Ticket), (1, D::Reply), (1, D::Decide("ELIGIBLE"))]);
            life.extend(paid);
        }
        // Refused, objected to years later or at once, disputed.
        1 | 2 => {
            life.extend([(3, claim(true)), (0, D::Photo), (2, D::Say), (3, D::Decide("NOT_ELIGIBLE"))]);
            life.extend(told);
            life.extend([(chance.below(400), D::Object), (2, D::Reexamine), (3, D::Propose), (4, D::Dispute)]);
            life.push((9, D::Proceed(chance.of(&["SETTLED", "ADR", "COURT"]))));
            let accepted = number.is_multiple_of(2);
            let settled = if accepted { "SETTLED" } else { "ADR" };
            if let Some(last) = life.last_mut() {
                last.1 = D::Proceed(settled);
            }
            life.push((40, D::EndDispute { accepted }));
            life.extend(told);
        }
        3 => {
            let kind = chance.of(&["USAGE_GUIDANCE", "FEEDBACK", "ORDER_ADVICE"]);
            life.extend([
                (20, D::Open { kind, ordered: false }),
                (0, D::Say),
                (1, D::Reply),
                (1, D::Decide("SOLVED_DIRECTLY")),
            ]);
            life.extend(told);
        }
        // A letter that turned out to be advice.
        4 => {
            life.extend([
                (2, D::Open { kind: "LOGISTICS_QUERY", ordered: true }),
                (0, D::Reply),
                (1, D::Decide("SOLVED_DIRECTLY")),
            ]);
            life.extend([(1, D::Notify), (1, D::Close { advice: true })]);
        }
        5 => {
            life.extend([
                (6, D::Open { kind: "COMPLAINT", ordered: chance.one_in(2) }),
                (0, D::Note),
                (0, D::Mail),
                (3, D::Decide("NOT_ELIGIBLE")),
            ]);
            life.extend(told);
        }
        // A return that is paid back, one that is written off, one that goes back and never reports its arrival.
        6 => {
            life.extend([(4, D::Open { kind: "RETURN", ordered: true })]);
            life.extend(back);
            life.extend(inspected(1, "RESTOCK"));
            life.extend(paid);
        }
        7 => {
            life.extend([(4, D::Open { kind: "RETURN", ordered: true })]);
            life.extend(back);
            life.extend(inspected(1, "DESTROY"));
            life.extend(paid);
        }
        8 | 9 => {
            life.extend([(4, D::Open { kind: "RETURN", ordered: true })]);
            life.extend(back);
            life.extend(inspected(0, "SEND_BACK"));
            life.extend([(1, D::SendBack), (1, D::ScanSent)]);
            if number.is_multiple_of(2) {
                life.push((2, D::ArriveSent));
            }
            life.extend(told);
        }
        // A replacement, with a parcel that arrives or of which nobody hears again.
        10 | 11 => {
            life.extend([
                (4, claim(true)),
                (0, D::Photo),
                (2, D::Decide("ELIGIBLE")),
                (1, D::Ship("REPLACEMENT")),
                (1, D::ScanSent),
            ]);
            if number.is_multiple_of(2) {
                life.push((2, D::ArriveSent));
            }
            life.extend(told);
        }
        12 => {
            life.extend([(3, D::Open { kind: "WITHDRAWAL", ordered: true })]);
            life.extend(back);
            life.extend(inspected(1, "RESTOCK"));
            life.extend(paid);
        }
        // Called off while the goods are on their way: they come, and go back.
        13 => {
            life.extend([(3, D::Open { kind: "EXCHANGE", ordered: true })]);
            life.extend(back);
            life.extend([(1, D::Cancel), (9, D::Receive), (1, D::SendBack)]);
        }
        // Called off, and the goods are never heard of again.
        14 => {
            life.extend([(3, D::Open { kind: "EXCHANGE", ordered: true })]);
            life.extend(back);
            life.push((1, D::Cancel));
        }
        // Never delivered; asked about; lost.
        15 => {
            life.truncate(2);
            if chance.one_in(2) {
                life.extend([
                    (30, D::Open { kind: "LOGISTICS_QUERY", ordered: true }),
                    (0, D::LoseParcel(0)),
                    (3, D::Decide("ELIGIBLE")),
                ]);
                life.extend(paid);
            }
        }
        // Several parcels, the last one long after the first; an order without a case.
        16 => {
            life.clear();
            life.extend([
                (0, D::Order { parcels: 3 }),
                (1, D::Arrive(0)),
                (1, D::Arrive(2)),
                (100 + chance.below(300), D::Arrive(1)),
            ]);
        }
        // Money that did not arrive, and other means of payment.
        17 => {
            life.extend([
                (5, claim(true)),
                (2, D::Decide("ELIGIBLE")),
                (1, D::Grant),
                (1, D::Submit),
                (40, D::Inquire),
                (3, D::Fail),
            ]);
            life.extend([
                (2, D::Agree),
                (1, D::Submit),
                (2, D::Credit),
                (1, D::Notify),
                (1, D::Close { advice: false }),
            ]);
        }
        // Money that comes back after the case was closed: it is taken up again.
        18 => {
            life.extend([(5, claim(true)), (0, D::Photo), (2, D::Decide("ELIGIBLE"))]);
            life.extend(paid);
            life.extend([
                (150 + chance.below(150), D::Fail),
                (1, D::Agree),
                (1, D::Submit),
                (1, D::Credit),
                (1, D::Notify),
                (2, D::Close { advice: false }),
            ]);
        }
        19 => {
            life.extend([
                (5, claim(true)),
                (1, D::Open { kind: "COMPLAINT", ordered: true }),
                (1, D::Merge),
                (4, D::Decide("NOT_ELIGIBLE")),
            ]);
            life.extend(told);
        }
        // Holds over a case, an order, a person, and restrictions of a case or a person, for years.
        20 | 21 => {
            life.extend([(5, claim(true)), (0, D::Photo), (2, D::Decide("ELIGIBLE"))]);
            life.extend(paid);
            let (begin, end) = if chance.one_in(3) {
                (D::Restrict(chance.of(&["case", "customer"])), D::Lift)
            } else {
                (D::Hold(chance.of(&["case", "order", "customer"])), D::Release)
            };
            life.extend([(10, begin), (200 + chance.below(2200), end)]);
        }
        // Erased: with everything over, or with a case that is still open, or under a hold.
        22 => {
            life.extend([(5, claim(true)), (0, D::Photo), (1, D::Guest), (2, D::Decide("ELIGIBLE"))]);
            life.extend(paid);
            if chance.one_in(2) {
                life.extend([(3, D::Hold("case")), (5, D::Erase), (100, D::Release)]);
            } else {
                life.push((30 + chance.below(60), D::Erase));
            }
            life.extend([(90, D::Order { parcels: 1 }), (2, D::Arrive(0))]);
        }
        _ => {
            life.extend([(5, claim(true)), (0, D::Photo), (1, D::Erase), (20, D::Decide("NOT_ELIGIBLE"))]);
            life.extend(told);
        }
    }
    if chance.one_in(3) && ![20, 21].contains(&(number % STORIES)) {
        // The same person comes back after years.
        let years = 365 * (2 + chance.below(2)) + chance.below(300);
        life.extend([(years, D::Order { parcels: 1 }), (2, D::Arrive(0))]);
        if chance.one_in(2) {
            life.extend([(5, D::Open { kind: "USAGE_GUIDANCE", ordered: true }), (2, D::Decide("SOLVED_DIRECTLY"))]);
            life.extend(told);
        }
    }
    life
}
