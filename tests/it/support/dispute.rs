//! Steps of a case whose customer does not agree.

use std::collections::BTreeMap;
use std::io::Read as _;

use aftersales::auth::Actor;
use axum::body::Body;
use axum::http::Request;
use chrono::TimeDelta;
use entity::ids::{StaffId, TokenId};
use entity::staff::{ActiveModel, Role};
use sea_orm::{ActiveModelTrait as _, ActiveValue::Set};
use serde_json::{Value, json};

use super::{App, Caller, Reply, life};

/// Another member of staff of a role than the built-in account.
pub async fn another(app: &App, role: Role) -> (StaffId, Caller<'_>) {
    app.staff(role).await;
    let (now, id) = (app.now(), StaffId::new(app.now() + TimeDelta::milliseconds(1)));
    let row = ActiveModel {
        id: Set(id),
        unit_id: Set(None),
        name: Set(None),
        email: Set(None),
        role: Set(role),
        created_at: Set(now),
        left_at: Set(None),
        start_at: Set(None),
        not_before: Set(None),
    };
    row.insert(app.state.db.write()).await.unwrap();
    let actor = Actor::Staff(id, role);
    let token = app.state.signing.bearer(&actor, TokenId::new(now), now, now + TimeDelta::hours(12)).unwrap();
    (id, Caller { app, token: Some(token) })
}

/// A claim that was refused, objected to, and is examined again by somebody else.
pub async fn reexamined(app: &App, known: &life::Known, case: &str) {
    life::decide(app, case, "NOT_ELIGIBLE").await;
    let notice = json!({ "caseId": case, "channel": "EMAIL", "text": "Wir können nicht helfen." });
    app.agent().await.done("serviceCaseNotify", "ServiceCaseNotifyInput", notice, "serviceCase { state }").await;
    let objection = json!({ "caseId": case, "text": "Ich bin nicht einverstanden." });
    let customer = app.customer(&known.email).await;
    customer.done("serviceCaseObject", "ServiceCaseObjectInput", objection, "serviceCase { state }").await;
    let step = json!({ "caseId": case });
    let (_, other) = another(app, Role::Agent).await;
    let done = other.done("serviceCaseReexamine", "ServiceCaseStepInput", step, "serviceCase { state }").await;
    assert_eq!(done["serviceCase"]["state"], "RE_EXAMINATION");
}

/// A proposal; returns its id.
pub async fn propose(app: &App, case: &str, text: &str) -> String {
    let input = json!({ "caseId": case, "text": text });
    let done = app.agent().await.done("proposalRecord", "ProposalRecordInput", input, "proposal { id }").await;
    done["proposal"]["id"].as_str().unwrap().to_owned()
}

/// A dispute after a proposal that was not enough; returns its id.
pub async fn disputed(app: &App, known: &life::Known, case: &str) -> String {
    reexamined(app, known, case).await;
    propose(app, case, "Wir bieten einen Gutschein über 10 EUR an.").await;
    let input = json!({ "caseId": case, "summary": "Streit über den Mangel." });
    let done = app.agent().await.done("disputeOpen", "DisputeOpenInput", input, "dispute { id }").await;
    done["dispute"]["id"].as_str().unwrap().to_owned()
}

/// Where a dispute goes.
pub async fn proceed(app: &App, dispute: &str, way: &str) -> Value {
    let input = json!({ "disputeId": dispute, "way": way, "body": "Amtsgericht Köln", "reference": "123 C 45/14" });
    let selection = "dispute { state body reference version } serviceCase { state }";
    app.agent().await.done("disputeProceed", "DisputeProceedInput", input, selection).await
}

/// How a dispute ends.
pub async fn end(app: &App, dispute: &str, outcome: &str, accepted: bool) -> Value {
    let input = json!({ "disputeId": dispute, "outcome": outcome, "summary": "Ende.", "accepted": accepted });
    let selection = "dispute { state outcome limitationUntil retention { keptUntil } } serviceCase { state }";
    app.agent().await.done("disputeClose", "DisputeCloseInput", input, selection).await
}

/// Follows a link.
pub async fn get(app: &App, url: &str) -> Reply {
    let path = url.trim_start_matches("http://test");
    app.send(Request::get(path).body(Body::empty()).unwrap()).await
}

/// The files of an archive.
pub fn unzip(bytes: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    let mut files = BTreeMap::new();
    for i in 0..archive.len() {
        let mut file = archive.by_index(i).unwrap();
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        let name = file.name().unwrap().into_owned();
        files.insert(name, bytes);
    }
    files
}
