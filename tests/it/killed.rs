//! The program killed without warning: what was received stays received.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use aftersales::clock::Clock;
use aftersales::config::Config;
use aftersales::db::{self, Place};
use aftersales::keys::master::Source;
use aftersales::mail;
use aftersales::state::App as State;
use entity::{mails, withdrawals};
use sea_orm::EntityTrait as _;
use serde_json::{Value, json};

/// A server of its own process on a folder.
struct Server {
    process: Child,
    address: String,
}

fn program(folder: &Path) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_aftersales"));
    program.env("AFTERSALES_DATA", folder).env("AFTERSALES_LISTEN", "127.0.0.1:0").env("RUST_LOG", "error");
    for variable in ["DATABASE_URL", "KEYSTORE_URL", "LEDGER_URL", "AFTERSALES_SMTP_URL"] {
        program.env_remove(variable);
    }
    program
}

fn token(folder: &Path, role: &str) -> String {
    let output = program(folder).args(["token", "--role", role]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

impl Server {
    fn start(folder: &Path) -> Self {
        let mut process = program(folder).arg("serve").stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").unwrap().strip_suffix("/graphql").unwrap();
        Self { address: address.to_owned(), process }
    }

    /// The payload of a mutation with one input, done by whoever has the token.
    fn done(&self, token: Option<&str>, mutation: &str, input_type: &str, mut input: Value, selection: &str) -> Value {
        input["idempotencyKey"] = json!(format!("{mutation}-{}", entity::ids::uuid_at(chrono::DateTime::UNIX_EPOCH)));
        if mutation == "withdrawalPrepare" {
            input.as_object_mut().unwrap().remove("idempotencyKey");
        }
        let query = format!(
            "mutation($i: {input_type}!) {{ {mutation}(input: $i) {{ {selection} userErrors {{ code field }} }} }}"
        );
        let body = json!({ "query": query, "variables": { "i": input } }).to_string();
        let sign = token.map(|t| format!("authorization: Bearer {t}\r\n")).unwrap_or_default();
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let head = format!(
            "POST /graphql HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-type: application/json\r\naccept: \
             application/json\r\n{sign}content-length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let at = answer.find('{').unwrap_or_else(|| panic!("{answer}"));
        let json: Value = serde_json::Deserializer::from_str(&answer[at..]).into_iter().next().unwrap().unwrap();
        let payload = json["data"][mutation].clone();
        assert_eq!(payload["userErrors"], json!([]), "{mutation}: {json:#}");
        payload
    }

    /// SIGKILL: nothing is flushed, nothing is said.
    fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// After the death: statement, receipt with its content and time, and the running period are there, exactly once.
async fn received(folder: &Path, after: &str) {
    let mut config = Config::load(None, |_| None).unwrap();
    config.data = folder.to_owned();
    config.database = Place::File(folder.join("main/aftersales.sqlite"));
    config.keystore = Place::File(folder.join("keys/keys.sqlite"));
    config.ledger = Place::File(folder.join("ledger"));
    config.master_key = Source::File(aftersales::config::secrets_beside(folder).join("master.key"));
    let state = State::open(config, Clock::System).await.unwrap();
    let all = withdrawals::Entity::find().all(state.db.read()).await.unwrap();
    let [statement] = all.as_slice() else { panic!("after {after}: {all:?}") };
    let receipt = statement.receipt_id.unwrap_or_else(|| panic!("after {after}: no receipt"));
    let mail = mails::Entity::find_by_id(receipt).one(state.db.read()).await.unwrap().unwrap();
    let opened = mail::open(&state, &mail).await.unwrap().unwrap();
    assert!(opened.proven && opened.recipient.as_str() == "erika@example.com", "after {after}");
    let at = statement.received_at.format("%Y-%m-%dT%H:%M:%SZ").to_string();
    for part in ["Erika Mustermann", "K-4711", at.as_str()] {
        assert!(opened.text.as_str().contains(part), "after {after}: {part} is missing in {}", opened.text.as_str());
    }
    let sql = "SELECT CAST(COUNT(*) AS bigint) FROM timers WHERE rule = 'withdrawal-refund'";
    let periods: i64 = db::rows(state.db.read(), sql, []).await.unwrap()[0].try_get_by_index(0).unwrap();
    assert_eq!(periods, 1, "after {after}");
    state.db.clone().close().await;
    state.keys.db().clone().close().await;
}

/// F17, N3: whatever comes later may die with the process; the statement, its receipt and its period do not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receipt_survives_the_death_of_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (shop, agent, warehouse, finance) =
        (token(&data, "shop"), token(&data, "agent"), token(&data, "warehouse"), token(&data, "finance"));
    let mut server = Server::start(&data);
    let order = json!({
        "number": "K-4711", "orderedAt": "2026-01-05T09:00:00Z", "captured": { "amountMinor": 11990, "currency": "EUR" },
        "customer": { "email": "erika@example.com", "name": "Erika Mustermann" }, "paymentMethod": "VISA",
        "lines": [{ "sku": "W-1", "productGroup": "KITCHEN", "title": "Kocher", "quantity": 1, "unitPriceMinor": 11990,
                    "taxBasisPoints": 1900 }],
    });
    server.done(Some(&shop), "orderRegister", "OrderRegisterInput", order, "order { id }");
    let input = json!({ "name": "Erika Mustermann", "contract": "K-4711", "receiptTo": "erika@example.com" });
    let prepared = server.done(None, "withdrawalPrepare", "WithdrawalPrepareInput", input, "token");
    let input = json!({ "token": prepared["token"] });
    server.done(None, "withdrawalConfirm", "WithdrawalConfirmInput", input, "withdrawal { number }");
    let die = async |server: Server, after: &str| {
        server.kill();
        received(&data, after).await;
        Server::start(&data)
    };
    server = die(server, "the statement").await;
    let case = newest(&data, "ServiceCase", "cases").await;
    let step = json!({ "caseId": case });
    server.done(Some(&agent), "serviceCaseReview", "ServiceCaseStepInput", step, "serviceCase { state }");
    server = die(server, "the review").await;
    let input = json!({ "caseId": case, "notes": "Gut verpacken.", "lines": [{ "position": 1, "quantity": 1 }] });
    server.done(Some(&agent), "returnInstruct", "ReturnInstructInput", input, "return { id }");
    server = die(server, "the instruction").await;
    let back = newest(&data, "Return", "returns").await;
    let input = json!({ "returnId": back, "proof": "Einlieferungsbeleg" });
    server.done(Some(&agent), "returnDispatch", "ReturnDispatchInput", input, "return { state }");
    server = die(server, "the dispatch").await;
    let input = json!({ "caseId": case, "amount": { "amountMinor": 11990, "currency": "EUR" } });
    server.done(Some(&agent), "refundGrant", "RefundGrantInput", input, "refund { id }");
    server = die(server, "the grant").await;
    let refund = newest(&data, "Refund", "refunds").await;
    server.done(Some(&finance), "refundSubmit", "RefundStepInput", json!({ "refundId": refund }), "refund { state }");
    server = die(server, "the submission").await;
    let input = json!({ "returnId": back, "lines": [{ "position": 1, "received": 1 }] });
    server.done(Some(&warehouse), "returnReceive", "ReturnReceiveInput", input, "return { state }");
    server = die(server, "the receipt of the goods").await;
    server.kill();
}

/// The opaque id of the newest row of a table.
async fn newest(folder: &Path, kind: &str, table: &str) -> String {
    let db = aftersales::db::Db::open(&Place::File(folder.join("main/aftersales.sqlite"))).await.unwrap();
    let rows = db::rows(db.read(), &format!("SELECT id FROM {table} ORDER BY id DESC LIMIT 1"), []).await.unwrap();
    let id = rows[0].try_get_by_index(0).unwrap();
    db.close().await;
    aftersales::graphql::node::id(kind, id).0
}
