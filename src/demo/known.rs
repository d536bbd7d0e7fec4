//! The two customers that are always there. Of Erika Mustermann nothing has to be kept: her one case is advice, and it
//! hangs on no order. Of Max Mustermann part has to be kept: a refund of this year and commercial letters.

use chrono::{DateTime, Datelike as _, Months, NaiveDate, TimeDelta, Utc};
use entity::cases::{Channel, Kind, LegalBasis, Outcome, Reason};

use super::people::Person;
use super::plan::{By, Opening, Plan, What};
use super::{ERIKA, MAX, texts};
use crate::cases::Decision;
use crate::policy::calendar;
use crate::refunds::Step;

/// When the stations of Max's refund are, all of them past and in this calendar year (Berlin).
struct ThisYear {
    granted: DateTime<Utc>,
    submitted: DateTime<Utc>,
    credited: DateTime<Utc>,
    closed: DateTime<Utc>,
}

impl ThisYear {
    /// Some weeks ago where the year is old enough, else squeezed into what there is of it.
    fn before(now: DateTime<Utc>) -> Self {
        let new_year = NaiveDate::from_ymd_opt(calendar::day_of(now).year(), 1, 1).map_or(now, calendar::start_of);
        let span = now - new_year;
        if span > TimeDelta::days(80) {
            let ago = |days| now - TimeDelta::days(days);
            return Self { granted: ago(60), submitted: ago(59), credited: ago(50), closed: ago(48) };
        }
        let tenths = |n| new_year + span / 10 * n;
        Self { granted: tenths(4), submitted: tenths(5), credited: tenths(7), closed: tenths(8) }
    }
}

impl Plan {
    /// Adds the two.
    pub(super) fn well_known(&mut self) {
        self.erika();
        self.max();
    }

    fn acquaint(&mut self, first: &str, salutation: &str, email: &str) -> usize {
        let person = Person::mustermann(&mut self.rng, first, salutation, email);
        self.people.push(person);
        self.people.len() - 1
    }

    /// Only orders make customers, so she has bought something; her case does not refer to it.
    fn erika(&mut self) {
        let person = self.acquaint("Erika", "Sehr geehrte Frau", ERIKA);
        let closed = self.office(self.now - Months::new(8));
        self.place(person, closed - TimeDelta::days(40));
        let opened = closed - TimeDelta::days(8);
        let description = "Guten Tag, ich habe eine Frage zur Nutzung: Wie oft soll ich meinen Wasserkocher entkalken, und \
                           darf ich dafür Essig nehmen?";
        let case = self.ask(person, None, opened, description);
        let text = "bitte entkalken Sie das Gerät etwa alle vier Wochen, bei hartem Wasser öfter. Verdünnter Haushaltsessig \
                    ist geeignet; spülen Sie danach zweimal mit klarem Wasser.";
        self.advise(case, person, opened, text);
        self.told(case, person, closed);
        self.push(closed, What::Close { case, advice_only: false });
    }

    fn max(&mut self) {
        let person = self.acquaint("Max", "Sehr geehrter Herr", MAX);
        let then = ThisYear::before(self.now);
        let long_ago = self.office(self.now - Months::new(10));
        let order = self.place(person, long_ago - TimeDelta::days(30));
        let case = self.ask(
            person,
            Some(order),
            long_ago,
            "Guten Tag, wie setze ich das Gerät auf die Grundeinstellung zurück?",
        );
        let text = "bitte halten Sie die Taste auf der Rückseite zehn Sekunden gedrückt. Danach gilt wieder die Grundeinstellung.";
        let advised = self.advise(case, person, long_ago, text);
        self.told(case, person, advised + TimeDelta::days(2));
        self.push(advised + TimeDelta::days(2), What::Close { case, advice_only: false });

        let decided = then.granted - TimeDelta::minutes(20);
        let opened = decided - TimeDelta::days(5);
        let order = self.place(person, opened - TimeDelta::days(12));
        let (article, number) = (self.orders[order].article, self.orders[order].number.clone());
        self.orders[order].is_refunded = true;
        let description = format!(
            "Der Karton war eingedrückt, und „{}“ hat einen Riss im Gehäuse. Ich möchte den Artikel aus der Bestellung {number} \
             zurückgeben und bitte um Erstattung. Ein Foto lade ich hoch.",
            article.title
        );
        let (case, minutes) = (self.begin(), TimeDelta::minutes);
        let opening =
            Opening { kind: Kind::Return, description, reason: Some(Reason::Damaged), channel: Channel::Portal };
        let by = By::Customer(person);
        self.push(opened - minutes(5), What::SignIn { person });
        self.push(opened, What::Open { case, by, person, order: Some(order), opening });
        self.push(opened + minutes(7), What::Photo { case, by, name: "Paket_beschaedigt.jpg".to_owned(), seed: 1 });
        let answered = opened + TimeDelta::days(1);
        self.push(answered, What::Look { case, by: By::Agent });
        let body = self.letter(
            person,
            "wir bedauern, dass Ihre Bestellung beschädigt angekommen ist. Die Rücksendeadresse finden Sie in Ihrem \
             Kundenportal; die Rücksendekosten übernehmen wir.",
        );
        self.push(answered + minutes(9), What::Write { case, by: By::Agent, body, internal: false });
        let body = "Vielen Dank, das Paket habe ich heute abgegeben.".to_owned();
        self.push(answered + TimeDelta::days(1), What::Write { case, by, body, internal: false });
        let text = "wir haben Ihren Antrag geprüft und erkennen ihn an. Den Betrag erstatten wir über den ursprünglichen \
                    Zahlungsweg; bitte rechnen Sie mit einer Gutschrift innerhalb von 10 bis 15 Werktagen.";
        let decision = Decision {
            outcome: Outcome::Eligible,
            reason: Reason::Damaged,
            legal_basis: LegalBasis::ShopReturn,
            text: self.letter(person, text),
            expected_version: None,
        };
        self.push(decided, What::Decide { case, decision });
        let refund = self.refunds;
        self.refunds += 1;
        self.push(then.granted, What::Grant { case, refund, amount: self.orders[order].captured });
        let mut step = |at, step, reference: &str| {
            self.push(at, What::Step { refund, step, reference: Some(reference.to_owned()) });
        };
        step(then.submitted, Step::Submit, "RF-00471100");
        step(then.credited, Step::Credit, "ARN00000471100");
        self.told(case, person, then.closed);
        self.push(then.closed, What::Close { case, advice_only: false });
    }

    fn begin(&mut self) -> usize {
        self.cases += 1;
        self.cases - 1
    }

    fn ask(&mut self, person: usize, order: Option<usize>, opened: DateTime<Utc>, description: &str) -> usize {
        let case = self.begin();
        let (kind, channel, description) = (Kind::UsageGuidance, Channel::Portal, description.to_owned());
        let opening = Opening { kind, description, reason: None, channel };
        self.push(opened - TimeDelta::minutes(5), What::SignIn { person });
        self.push(opened, What::Open { case, by: By::Customer(person), person, order, opening });
        case
    }

    /// Answers a question; returns when.
    fn advise(&mut self, case: usize, person: usize, asked: DateTime<Utc>, text: &str) -> DateTime<Utc> {
        let seen = self.office(asked + TimeDelta::minutes(10));
        self.push(seen, What::Look { case, by: By::Agent });
        let body = self.letter(person, "vielen Dank für Ihre Frage. Wir melden uns kurzfristig mit einer Lösung.");
        self.push(seen + TimeDelta::minutes(5), What::Write { case, by: By::Agent, body, internal: false });
        let decided = self.office(seen + TimeDelta::hours(2));
        let decision = Decision {
            outcome: Outcome::SolvedDirectly,
            reason: Reason::Answered,
            legal_basis: LegalBasis::None,
            text: self.letter(person, text),
            expected_version: None,
        };
        self.push(decided, What::Decide { case, decision });
        decided
    }

    /// The result is told half an hour before the case is closed.
    fn told(&mut self, case: usize, person: usize, closed: DateTime<Utc>) {
        let text = self.letter(person, texts::RESULT);
        self.push(closed - TimeDelta::minutes(30), What::Notify { case, text });
    }

    fn letter(&self, person: usize, text: &str) -> String {
        texts::letter(&self.people[person].salutation, text)
    }
}
