//! Does the deeds of a life, through the API and by whoever does them, and writes down what has happened.

use aftersales::db;
use chrono::TimeDelta;
use entity::staff::Role;
use serde_json::json;
use uuid::Uuid;

use super::history::History;
use super::oracle::day;
use super::plan::Deed;
use crate::support::{App, Caller, goods, intake, life, media};

/// What a life knows of itself: the latest of everything, by opaque id.
#[derive(Default, Debug)]
pub struct Life {
    pub email: String,
    name: String,
    orders: usize,
    number: String,
    order: String,
    parcels: Vec<Uuid>,
    arrived: usize,
    customer: Uuid,
    case: String,
    before: String,
    returned: String,
    refund: String,
    dispute: String,
    sent: Option<(Uuid, String)>,
    coming: Option<(Uuid, String)>,
    hold: String,
}

async fn ids(app: &App, sql: &str, of: Uuid) -> Vec<Uuid> {
    let rows = db::rows(app.state.db.write(), sql, [of.into()]).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}

impl Life {
    pub fn new(name: &str) -> Self {
        Self { email: format!("{name}@example.com"), name: name.to_owned(), ..Self::default() }
    }

    fn case_id(&self) -> Uuid {
        life::row(&self.case)
    }

    async fn me<'a>(&self, app: &'a App) -> Caller<'a> {
        app.customer(&self.email).await
    }

    /// Does a deed now.
    pub async fn act(&mut self, app: &App, history: &mut History, deed: Deed) {
        let now = app.now();
        history.touched.insert(self.customer);
        match deed {
            Deed::Order { parcels } => self.order(app, history, parcels).await,
            Deed::Arrive(k) => {
                self.report(app, "DELIVERED", &self.tracking(k)).await;
                history.parcel(self.customer, self.parcels[k], now);
                self.arrived += 1;
                if self.arrived == self.parcels.len() {
                    history.delivered(life::row(&self.order), now);
                }
            }
            Deed::Scan(k) => self.report(app, "IN_TRANSIT", &self.tracking(k)).await,
            Deed::LoseParcel(k) => {
                self.report(app, "LOST", &self.tracking(k)).await;
                history.parcel(self.customer, self.parcels[k], now);
            }
            Deed::Open { kind, ordered } => {
                let order = (ordered || kind == "WITHDRAWAL").then_some(self.order.as_str());
                let case = life::open(&self.me(app).await, kind, order, "Ich habe ein Anliegen.").await;
                history.opened(self.customer, order.map(life::row), life::row(&case), kind);
                self.before = std::mem::replace(&mut self.case, case);
            }
            Deed::Say => drop(life::say(&self.me(app).await, &self.case, "Noch etwas dazu.").await),
            Deed::Reply => drop(life::say(&app.agent().await, &self.case, "Wir prüfen das.").await),
            Deed::Note => {
                let note = json!({ "caseId": self.case, "body": "Am Telefon besprochen.", "internal": true });
                app.agent().await.done("messageAdd", "MessageAddInput", note, "message { id }").await;
            }
            Deed::Photo => {
                let photo = media::jpeg();
                let id = life::upload(&self.me(app).await, &self.case, "boden.jpg", "image/jpeg", &photo).await;
                history.uploaded.insert(life::row(&id));
            }
            Deed::Ticket => {
                let input =
                    json!({ "caseId": self.case, "fileName": "nie.jpg", "mediaType": "image/jpeg", "byteSize": 9 });
                let me = self.me(app).await;
                me.done("attachmentUploadCreate", "AttachmentUploadCreateInput", input, "attachment { id }").await;
            }
            Deed::Decide(outcome) => {
                life::decide(app, &self.case, outcome).await;
                self.settled(history, outcome);
            }
            Deed::Grant => {
                self.refund = life::grant(app, &self.case, 5000).await;
                history.booked(self.case_id(), now);
                history.refund(self.case_id(), life::row(&self.refund), true);
            }
            Deed::Submit => {
                let input = json!({ "refundId": self.refund });
                app.finance().await.done("refundSubmit", "RefundStepInput", input, "refund { state }").await;
                let sql = "SELECT id FROM consents WHERE refund_id = $1";
                for consent in ids(app, sql, life::row(&self.refund)).await {
                    history.consents_used.insert(consent, now);
                }
            }
            Deed::Credit => {
                life::step(app, "refundCredit", &self.refund).await;
                history.refund(self.case_id(), life::row(&self.refund), false);
            }
            Deed::Fail => {
                life::step(app, "refundFail", &self.refund).await;
                history.refund(self.case_id(), life::row(&self.refund), false);
                // Money that comes back takes a closed case up again.
                history.case(self.case_id()).over = None;
            }
            Deed::Agree => {
                let input = json!({ "refundId": self.refund, "consent": "Überweisung ist recht." });
                let agent = app.agent().await;
                agent.done("refundAgreeAlternative", "RefundAgreeAlternativeInput", input, "refund { state }").await;
                history.refund(self.case_id(), life::row(&self.refund), true);
            }
            Deed::Inquire => {
                let input = json!({ "refundId": self.refund, "text": "Das Geld ist nicht da." });
                self.me(app).await.done("refundInquire", "RefundInquireInput", input, "refund { state }").await;
            }
            Deed::Notify => life::notify(app, &self.case).await,
            Deed::Close { advice } => {
                let input = json!({ "caseId": self.case, "adviceOnly": advice });
                let agent = app.agent().await;
                agent.done("serviceCaseClose", "ServiceCaseCloseInput", input, "serviceCase { state }").await;
                let case = history.case(self.case_id());
                (case.over, case.advice) = (Some(now), advice);
            }
            Deed::Cancel => {
                let input = json!({ "caseId": self.case });
                let me = self.me(app).await;
                me.done("serviceCaseCancel", "ServiceCaseCancelInput", input, "serviceCase { state }").await;
                let case = history.case(self.case_id());
                (case.over, case.settled) = (Some(now), false);
            }
            Deed::Merge => {
                let input = json!({ "caseId": self.case, "intoCaseId": self.before });
                let agent = app.agent().await;
                agent.done("serviceCaseMerge", "ServiceCaseMergeInput", input, "serviceCase { state }").await;
                let case = history.case(self.case_id());
                (case.over, case.settled) = (Some(now), false);
                self.case = self.before.clone();
            }
            Deed::Instruct => {
                let lines = json!([{ "position": 1, "quantity": 1, "reason": "QUALITY_DEFECT" }]);
                self.returned = goods::instruct(app, &self.case, lines).await;
            }
            Deed::Dispatch => {
                let tracking = format!("back-{}-{}", self.number, app.key());
                let input = json!({ "returnId": self.returned, "carrier": "DHL", "trackingNumber": tracking });
                let me = self.me(app).await;
                me.done("returnDispatch", "ReturnDispatchInput", input, "return { state }").await;
                self.coming = Some((self.newest_parcel(app).await, tracking));
            }
            Deed::ScanReturn => {
                let (_, tracking) = self.coming.clone().unwrap();
                self.report(app, "IN_TRANSIT", &tracking).await;
            }
            Deed::Receive => {
                goods::receive(app, &self.returned, json!([{ "position": 1, "received": 1 }])).await;
                history.parcel(self.customer, self.coming.take().unwrap().0, now);
            }
            Deed::Inspect { accepted, disposition } => {
                goods::begin(app, &self.returned).await;
                let mut input = goods::inspection(&self.returned, accepted, "CAUSED_BY_USE", "WARRANTY");
                input["lines"][0]["disposition"] = json!(disposition);
                goods::inspect(app, input).await;
                self.settled(history, if accepted > 0 { "ELIGIBLE" } else { "NOT_ELIGIBLE" });
                if disposition == "DESTROY" {
                    history.booked(self.case_id(), now);
                }
            }
            Deed::SendBack => {
                let tracking = format!("home-{}-{}", self.number, app.key());
                let input = json!({
                    "returnId": self.returned, "carrier": "DHL", "trackingNumber": tracking, "costs": "SHOP",
                    "text": "Wir senden die Ware zurück.",
                });
                let warehouse = goods::warehouse(app).await;
                warehouse.done("returnSendBack", "ReturnSendBackInput", input, "return { state }").await;
                self.sent = Some((self.newest_parcel(app).await, tracking));
            }
            Deed::Ship(kind) => {
                let remedy = goods::arrange(app, &self.case, kind).await;
                history.booked(self.case_id(), now);
                let tracking = format!("new-{}-{}", self.number, app.key());
                goods::ship(app, &remedy, &tracking).await;
                self.sent = Some((self.newest_parcel(app).await, tracking));
            }
            Deed::ScanSent | Deed::ArriveSent => {
                let (parcel, tracking) = self.sent.clone().unwrap();
                let status = if deed == Deed::ScanSent { "IN_TRANSIT" } else { "DELIVERED" };
                self.report(app, status, &tracking).await;
                if deed == Deed::ArriveSent {
                    history.parcel(self.customer, parcel, now);
                }
            }
            Deed::Object => {
                let input = json!({ "caseId": self.case, "text": "Ich bin nicht einverstanden." });
                let me = self.me(app).await;
                me.done("serviceCaseObject", "ServiceCaseObjectInput", input, "serviceCase { state }").await;
                history.case(self.case_id()).over = None;
            }
            Deed::Reexamine => {
                let second = app.second_agent().await;
                let input = json!({ "caseId": self.case });
                second.done("serviceCaseReexamine", "ServiceCaseStepInput", input, "serviceCase { state }").await;
                self.leave(app, history).await;
            }
            Deed::Propose => {
                let input = json!({ "caseId": self.case, "text": "Wir bieten eine Reparatur an." });
                app.agent().await.done("proposalRecord", "ProposalRecordInput", input, "proposal { id }").await;
            }
            Deed::Dispute => {
                let input = json!({ "caseId": self.case, "summary": "Streit über den Mangel." });
                let done = app.agent().await.done("disputeOpen", "DisputeOpenInput", input, "dispute { id }").await;
                done["dispute"]["id"].as_str().unwrap().clone_into(&mut self.dispute);
                let sql = "SELECT hold_id FROM disputes WHERE id = $1";
                for hold in ids(app, sql, life::row(&self.dispute)).await {
                    history.held(self.customer, hold, self.case_id());
                }
            }
            Deed::Proceed(way) => {
                let input = json!({ "disputeId": self.dispute, "way": way, "body": "Stelle", "reference": "7/14" });
                app.agent().await.done("disputeProceed", "DisputeProceedInput", input, "dispute { state }").await;
            }
            Deed::EndDispute { accepted } => {
                let outcome = if accepted { "SETTLEMENT" } else { "FOR_SHOP" };
                let input = json!({
                    "disputeId": self.dispute, "outcome": outcome, "summary": "Beendet.", "accepted": accepted,
                });
                app.agent().await.done("disputeClose", "DisputeCloseInput", input, "dispute { state }").await;
                history.disputes_ended.insert(life::row(&self.dispute), now);
                if accepted {
                    let sql = "SELECT hold_id FROM disputes WHERE id = $1";
                    for hold in ids(app, sql, life::row(&self.dispute)).await {
                        history.released(hold, now);
                    }
                }
            }
            Deed::Hold(on) => {
                let customer = aftersales::graphql::node::id("Customer", self.customer).0;
                let id = match on {
                    "case" => self.case.clone(),
                    "order" => self.order.clone(),
                    _ => customer,
                };
                let review = (now + TimeDelta::days(90)).date_naive();
                let mut input = json!({ "reason": "TAX_AUDIT", "note": "Prüfung", "reviewOn": review });
                input[format!("{on}Id")] = json!(id);
                let done = app.dpo().await.done("holdPlace", "HoldPlaceInput", input, "hold { id }").await;
                done["hold"]["id"].as_str().unwrap().clone_into(&mut self.hold);
                history.held(self.customer, life::row(&self.hold), life::row(&id));
            }
            Deed::Restrict(on) => {
                let customer = aftersales::graphql::node::id("Customer", self.customer).0;
                let id = if on == "case" { self.case.clone() } else { customer };
                let review = (now + TimeDelta::days(90)).date_naive();
                let mut input = json!({ "ground": "OBJECTION_PENDING", "note": "Widerspruch", "reviewOn": review });
                input[format!("{on}Id")] = json!(id);
                let dpo = app.dpo().await;
                let done = dpo.done("restrictionPlace", "RestrictionPlaceInput", input, "restriction { id }").await;
                done["restriction"]["id"].as_str().unwrap().clone_into(&mut self.hold);
                history.held(self.customer, life::row(&self.hold), life::row(&id));
            }
            Deed::Lift => {
                let (dpo, id) = (app.dpo().await, json!({ "id": self.hold }));
                let tell = json!({ "id": self.hold, "toldBy": "LETTER" });
                dpo.done("restrictionTell", "RestrictionTellInput", tell, "restriction { id }").await;
                dpo.done("restrictionLift", "RestrictionLiftInput", id, "restriction { id }").await;
                history.released(life::row(&self.hold), now);
            }
            Deed::Release => {
                let input = json!({ "id": self.hold });
                app.dpo().await.done("holdRelease", "HoldReleaseInput", input, "hold { id }").await;
                history.released(life::row(&self.hold), now);
            }
            Deed::Erase => {
                let id = aftersales::graphql::node::id("Customer", self.customer).0;
                let input = json!({ "customerId": id });
                app.dpo().await.done("subjectErase", "SubjectEraseInput", input, "erasure { state }").await;
                history.people.get_mut(&self.customer).unwrap().erasures.push(now);
                history.addresses_erased.push((self.email.clone(), day(now)));
            }
            Deed::Mail => self.mail(app).await,
            Deed::Guest => {
                let reply = intake::ask_in(app, &self.number, &self.email).await;
                assert_eq!(reply.json()["data"]["guestAccessRequest"]["userErrors"], json!([]));
            }
        }
    }

    fn settled(&self, history: &mut History, outcome: &str) {
        history.case(self.case_id()).settled = ["ELIGIBLE", "SOLVED_DIRECTLY"].contains(&outcome);
    }

    fn tracking(&self, k: usize) -> String {
        format!("track-{}-{k}", self.number)
    }

    async fn newest_parcel(&self, app: &App) -> Uuid {
        let sql = "SELECT id FROM parcels WHERE order_id = $1 ORDER BY id DESC LIMIT 1";
        ids(app, sql, life::row(&self.order)).await[0]
    }

    async fn report(&self, app: &App, status: &str, tracking: &str) {
        let mut event = goods::event(app, &format!("event-{}", app.key()), tracking, status);
        event["detail"] = json!("beim Nachbarn");
        assert_eq!(goods::report(app, json!([event])).await, ["RECORDED"]);
    }

    async fn order(&mut self, app: &App, history: &mut History, parcels: usize) {
        self.orders += 1;
        (self.number, self.arrived) = (format!("{}-{}", self.name, self.orders), 0);
        let parcel = |k| json!({ "carrier": "DHL", "trackingNumber": self.tracking(k) });
        let input = json!({
            "number": self.number, "orderedAt": app.now(), "paymentMethod": "VISA",
            "customer": {
                "email": self.email, "name": "Erika Mustermann", "phone": "030 23125 101",
                "address": "Heidestraße 17\n51147 Köln", "locale": "DE",
            },
            "captured": { "amountMinor": 11990, "currency": "EUR" },
            "lines": [{
                "sku": "W-100", "productGroup": "KITCHEN", "title": "Wasserkocher Elbe", "quantity": 1,
                "unitPriceMinor": 11990, "taxBasisPoints": 1900,
            }],
            "parcels": (0..parcels).map(parcel).collect::<Vec<_>>(),
        });
        let done = app.shop().done("orderRegister", "OrderRegisterInput", input, "order { id }").await;
        done["order"]["id"].as_str().unwrap().clone_into(&mut self.order);
        let order = life::row(&self.order);
        self.customer = ids(app, "SELECT customer_id FROM orders WHERE id = $1", order).await[0];
        self.parcels.clear();
        let query = "query($id: ID!) { order(id: $id) { parcels { id trackingNumber } } }";
        let found = app.agent().await.data(query, json!({ "id": self.order })).await["order"].clone();
        for k in 0..parcels {
            let all = found["parcels"].as_array().unwrap();
            let parcel = all.iter().find(|p| p["trackingNumber"] == self.tracking(k)).unwrap();
            self.parcels.push(life::row(parcel["id"].as_str().unwrap()));
        }
        history.ordered(self.customer, order, app.now());
        history.numbered.insert(order, self.number.clone());
    }

    /// The customer writes an e-mail about the case, with its number.
    async fn mail(&self, app: &App) {
        let sql = "SELECT number FROM cases WHERE id = $1";
        let rows = db::rows(app.state.db.write(), sql, [self.case_id().into()]).await.unwrap();
        let number: String = rows[0].try_get_by_index(0).unwrap();
        let raw = format!(
            "From: Erika <{}>\r\nTo: service@laden.example\r\nSubject: Zu {number}\r\nMessage-ID: <{}@example.com>\r\n\
             Content-Type: text/plain; charset=utf-8\r\n\r\nWann geht es weiter?\r\n",
            self.email,
            app.key()
        );
        let state = aftersales::inbox::deliver(&app.state, raw.into_bytes()).await.unwrap();
        assert_eq!(state, entity::inbound_mails::State::Filed);
    }

    /// Whoever helped out leaves: the account ends.
    async fn leave(&self, app: &App, history: &mut History) {
        let sql = "SELECT id FROM staff WHERE role = 'AGENT' AND created_at <= $1 ORDER BY id DESC LIMIT 1";
        let rows = db::rows(app.state.db.write(), sql, [app.now().into()]).await.unwrap();
        let member: Uuid = rows[0].try_get_by_index(0).unwrap();
        let id = aftersales::graphql::node::id("StaffMember", member).0;
        let admin = app.staff(Role::Admin).await;
        admin.done("staffMemberLeave", "StaffMemberLeaveInput", json!({ "id": id }), "staffMember { leftAt }").await;
        history.left.insert(member, app.now());
    }
}
