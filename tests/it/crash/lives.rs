//! Random graphs of data, from a seed: people with orders and cases of every kind, and a word of their own in every text.

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::json;

use crate::support::{App, days, dispute, goods, intake, life, media};

/// A part of a life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A question that was answered.
    Advice,
    /// A claim with a photo and a refund, closed.
    Claim,
    /// A case with a photo that is still open.
    Open,
    /// A statement of withdrawal, paid back.
    Withdrawal,
    /// An exchange: goods on their way back and forth, inspected.
    Exchange,
    /// A dispute that has ended.
    Dispute,
    /// A closed case under a hold.
    Held,
    /// A letter that belongs to no case.
    Letter,
}

const PARTS: [Part; 8] =
    [Part::Advice, Part::Claim, Part::Open, Part::Withdrawal, Part::Exchange, Part::Dispute, Part::Held, Part::Letter];

/// A person of the graph.
pub struct Person {
    pub known: life::Known,
    /// A word that is in all of the person's texts and in nobody else's.
    pub word: String,
}

/// The first person has these parts and so many random ones; the others have random lives of one part.
pub async fn grow(app: &App, seed: u64, people: usize, first: &[Part], more: usize) -> Vec<Person> {
    let seed = crate::support::seed(seed);
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut grown = Vec::new();
    for n in 0..people {
        let word = format!("kennwort{seed}x{n}x");
        let number = format!("{word}-1");
        let known = goods::order(app, &format!("{word}@example.com"), &number, "DE").await;
        let person = Person { known, word };
        let (fixed, any) = if n == 0 { (first, more) } else { (&[][..], 1) };
        let any: Vec<Part> = (0..any).map(|_| PARTS[random.random_range(0..PARTS.len())]).collect();
        for part in fixed.iter().chain(&any).copied() {
            live(app, &person, part).await;
            app.advance(chrono::TimeDelta::minutes(random.random_range(1..90)));
        }
        grown.push(person);
    }
    app.advance(days(1));
    grown
}

async fn live(app: &App, person: &Person, part: Part) {
    let (known, word) = (&person.known, &person.word);
    let customer = app.customer(&known.email).await;
    let open = async |kind: &str| life::open(&customer, kind, Some(&known.order), &format!("Es geht um {word}.")).await;
    match part {
        Part::Advice => {
            let case = life::open(&customer, "USAGE_GUIDANCE", None, &format!("Wie geht {word}?")).await;
            life::decide(app, &case, "SOLVED_DIRECTLY").await;
            life::close(app, &case).await;
        }
        Part::Claim => {
            let case = open("WARRANTY_CLAIM").await;
            life::upload(&customer, &case, &format!("{word}.jpg"), "image/jpeg", &media::jpeg()).await;
            life::decide(app, &case, "ELIGIBLE").await;
            life::refunded(app, &case, 100).await;
            life::close(app, &case).await;
        }
        Part::Open => {
            let case = open("RETURN").await;
            life::upload(&customer, &case, &format!("{word}.jpg"), "image/jpeg", &media::jpeg()).await;
        }
        Part::Withdrawal => {
            let input = json!({ "name": word, "contract": known.number, "receiptTo": known.email, "concerns": word });
            let token = intake::prepare(&app.anonymous(), input).await["token"].clone();
            let number = intake::confirm(&app.anonymous(), &token).await["number"].clone();
            let case = intake::case(app, &number, "id").await["id"].as_str().unwrap().to_owned();
            life::decide(app, &case, "ELIGIBLE").await;
            life::refunded(app, &case, 100).await;
            life::close(app, &case).await;
        }
        Part::Exchange => {
            let case = goods::case(app, known, "EXCHANGE").await;
            let lines = json!([{ "position": 1, "quantity": 1, "reason": "DAMAGED" }]);
            let input = json!({ "caseId": case, "notes": word, "label": word, "lines": lines });
            let agent = app.agent().await;
            let done = agent.done("returnInstruct", "ReturnInstructInput", input, "return { id }").await;
            let back = done["return"]["id"].as_str().unwrap().to_owned();
            let tracking = format!("{word}-{}", life::row(&back));
            goods::dispatch(app, known, &back, &tracking).await;
            let mut event = goods::event(app, &tracking, &tracking, "DELIVERED");
            event["detail"] = json!(format!("bei {word}"));
            goods::report(app, json!([event])).await;
            goods::receive(app, &back, json!([{ "position": 1, "received": 1 }])).await;
            goods::begin(app, &back).await;
            goods::inspect(app, goods::inspection(&back, 1, "QUALITY_DEFECT", "WARRANTY")).await;
            let input = json!({
                "caseId": case, "kind": "EXCHANGE", "position": 1, "quantity": 1, "sku": "W-101", "title": word,
            });
            let done = agent.done("remedyArrange", "RemedyArrangeInput", input, "remedy { id }").await;
            goods::ship(app, done["remedy"]["id"].as_str().unwrap(), &format!("{tracking}-new")).await;
            life::close(app, &case).await;
        }
        Part::Dispute => {
            let case = open("WARRANTY_CLAIM").await;
            let id = dispute::disputed(app, known, &case).await;
            dispute::proceed(app, &id, "COURT").await;
            dispute::end(app, &id, "FOR_SHOP", false).await;
            life::close(app, &case).await;
        }
        Part::Held => {
            let case = open("COMPLAINT").await;
            life::decide(app, &case, "NOT_ELIGIBLE").await;
            life::close(app, &case).await;
            let review_on = (app.now() + days(90)).date_naive();
            let input = json!({ "caseId": case, "reason": "LEGAL_CLAIM", "note": word, "reviewOn": review_on });
            app.dpo().await.done("holdPlace", "HoldPlaceInput", input, "hold { id }").await;
        }
        Part::Letter => {
            let case = open("COMPLAINT").await;
            life::decide(app, &case, "NOT_ELIGIBLE").await;
            life::close(app, &case).await;
            let mut letter = life::letter(&known.customer, &case, &known.email, &format!("Guten Tag, {word}."));
            letter.case = None;
            life::queue(&app.state, letter).await;
        }
    }
}
