//! Steps of people without an account.

use aftersales::mail;
use entity::mails::{Column, Entity, Template};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};
use serde_json::{Value, json};

use super::{App, Caller};

/// The plain text of the latest letter of this kind, and its recipient.
pub async fn letter(app: &App, template: Template) -> Option<(String, String)> {
    let rows = Entity::find().filter(Column::Template.eq(template)).order_by_desc(Column::Id);
    let row = rows.one(app.state.db.write()).await.unwrap()?;
    let opened = mail::open(&app.state, &row).await.unwrap().unwrap();
    assert!(opened.proven);
    Some((opened.text.reveal(), opened.recipient.reveal()))
}

/// Asks for a link; the whole answer.
pub async fn ask_in(app: &App, number: &str, email: &str) -> super::Reply {
    let query = "mutation($i: GuestAccessRequestInput!) { guestAccessRequest(input: $i) \
                 { message userErrors { code field } } }";
    let input = json!({ "orderNumber": number, "email": email, "idempotencyKey": app.key() });
    app.anonymous().gql(query, json!({ "i": input })).await
}

/// The secret of the latest link.
pub async fn link(app: &App) -> String {
    let (text, _) = letter(app, Template::GuestLink).await.expect("a link was sent");
    let at = text.find("/guest#").unwrap() + "/guest#".len();
    text[at..].split_whitespace().next().unwrap().to_owned()
}

/// A guest of the order, let in by the link.
pub async fn guest<'a>(app: &'a App, number: &str, email: &str) -> Caller<'a> {
    let _ = ask_in(app, number, email).await;
    redeem(app, &link(app).await).await
}

/// Opens a link.
pub async fn redeem<'a>(app: &'a App, link: &str) -> Caller<'a> {
    let input = json!({ "token": link });
    let done =
        app.anonymous().done("guestAccessRedeem", "GuestAccessRedeemInput", input, "guestAccess { bearer }").await;
    Caller { app, token: Some(done["guestAccess"]["bearer"].as_str().unwrap().to_owned()) }
}

/// Both steps of a withdrawal by somebody without an account; the confirmation.
pub async fn withdraw(app: &App, contract: &str, email: &str) -> Value {
    let token =
        prepare(&app.anonymous(), json!({ "name": "Erika Mustermann", "contract": contract, "receiptTo": email }))
            .await["token"]
            .clone();
    confirm(&app.anonymous(), &token).await
}

/// The first step.
pub async fn prepare(caller: &Caller<'_>, input: Value) -> Value {
    let query = "mutation($i: WithdrawalPrepareInput!) { withdrawalPrepare(input: $i) \
                 { token statement expiresAt labels { locale function confirm } userErrors { code field } } }";
    let data = caller.gql_in("de", query, json!({ "i": input })).await.json();
    assert_eq!(data["data"]["withdrawalPrepare"]["userErrors"], json!([]), "{data:#}");
    data["data"]["withdrawalPrepare"].clone()
}

/// The second step.
pub async fn confirm(caller: &Caller<'_>, token: &Value) -> Value {
    let input = json!({ "token": token });
    let selection = "withdrawal { number receivedAt timeliness }";
    caller.done("withdrawalConfirm", "WithdrawalConfirmInput", input, selection).await["withdrawal"].clone()
}

/// A case as staff sees it, by its number.
pub async fn case(app: &App, number: &Value, selection: &str) -> Value {
    let query = format!("query($n: String!) {{ serviceCaseByNumber(number: $n) {{ {selection} }} }}");
    app.agent().await.data(&query, json!({ "n": number })).await["serviceCaseByNumber"].clone()
}
