//! Finding cases: by what people know of them, in one's own scope, and never by reading a whole table.

use aftersales::auth::Actor;
use aftersales::cases::search::{Wanted, matching, resolve};
use aftersales::db;
use entity::cases::{Column, Kind, State};
use entity::ids::{CustomerId, StaffId};
use entity::staff::Role;
use sea_orm::{ConnectionTrait as _, DbBackend, QueryOrder as _, QuerySelect as _, QueryTrait as _, Statement};
use serde_json::{Value, json};

use crate::on_both_engines;
use crate::support::{App, Caller, days, dispute, life};

async fn found(caller: &Caller<'_>, filter: Value) -> Vec<String> {
    let query = "query($filter: ServiceCaseFilter) { serviceCases(filter: $filter) { nodes { id } } }";
    let data = caller.data(query, json!({ "filter": filter })).await;
    let nodes = data["serviceCases"]["nodes"].as_array().unwrap();
    nodes.iter().map(|n| n["id"].as_str().unwrap().to_owned()).collect()
}

/// How the engine would run the page of a filter.
async fn plan(app: &App, wanted: Wanted) -> String {
    let actor = Actor::Staff(StaffId(uuid::Uuid::nil()), Role::Agent);
    let filter = resolve(&app.state, &actor, wanted).await.unwrap().unwrap();
    let tx = app.state.db.begin().await.unwrap();
    let backend = tx.get_database_backend();
    let page = matching(&actor, &filter).order_by_desc(Column::Id).limit(21).build(backend);
    let explain = match backend {
        DbBackend::Postgres => {
            db::run(&tx, "SET LOCAL enable_seqscan = off", []).await.unwrap();
            "EXPLAIN"
        }
        _ => "EXPLAIN QUERY PLAN",
    };
    let at = if backend == DbBackend::Postgres { 0 } else { 3 };
    let rows = tx.query_all_raw(Statement { sql: format!("{explain} {}", page.sql), ..page }).await.unwrap();
    rows.iter().map(|r| r.try_get_by_index::<String>(at).unwrap()).collect::<Vec<_>>().join("\n")
}

on_both_engines! {
    /// F11: by number, order number, e-mail, kind, state, time and assignee, alone and together.
    async fn a_case_is_found_by_what_is_known_of_it(app) {
        let max = life::order(app, "max@example.com", "Q-1").await;
        let erika = life::order(app, "erika@example.com", "Q-2").await;
        let his = app.customer(&max.email).await;
        let claim = life::open(&his, "WARRANTY_CLAIM", Some(&max.order), "Defekt.").await;
        app.advance(days(2));
        let hers = app.customer(&erika.email).await;
        let advice = life::open(&hers, "USAGE_GUIDANCE", None, "Wie geht das?").await;
        let agent = app.agent().await;
        let (other, _) = dispute::another(app, Role::Agent).await;
        let member = aftersales::graphql::node::id("StaffMember", other.0).0;
        let input = json!({ "caseId": claim, "staffMemberId": member });
        agent.done("serviceCaseAssign", "ServiceCaseAssignInput", input, "serviceCase { id }").await;
        let number = agent.data("query($id: ID!) { serviceCase(id: $id) { number } }", json!({ "id": claim })).await;
        let number = number["serviceCase"]["number"].as_str().unwrap().to_lowercase();
        for (filter, expected) in [
            (json!({ "number": number }), vec![&claim]),
            (json!({ "orderNumber": " q-1 " }), vec![&claim]),
            (json!({ "orderNumber": "Q-2" }), vec![]),
            (json!({ "orderNumber": "unknown" }), vec![]),
            (json!({ "email": "ERIKA@example.com" }), vec![&advice]),
            (json!({ "email": "nobody@example.com" }), vec![]),
            (json!({ "email": "erika@example.com", "customerId": max.customer }), vec![]),
            (json!({ "kind": "USAGE_GUIDANCE" }), vec![&advice]),
            (json!({ "state": "RECEIVED" }), vec![&advice, &claim]),
            (json!({ "state": "RECEIVED", "kind": "WARRANTY_CLAIM", "email": "max@example.com" }), vec![&claim]),
            (json!({ "openedFrom": "2014-03-11T00:00:00Z" }), vec![&advice]),
            (json!({ "openedTo": "2014-03-11T00:00:00Z" }), vec![&claim]),
            (json!({ "openedFrom": "2014-03-10T09:00:00Z", "openedTo": "2014-03-12T09:00:00Z" }), vec![&claim]),
            (json!({ "assigneeId": member }), vec![&claim]),
            (json!({ "unassigned": true }), vec![&advice]),
        ] {
            assert_eq!(found(&agent, filter.clone()).await.iter().collect::<Vec<_>>(), expected, "{filter}");
        }
    }

    /// F11, S65: a customer searches the own cases; of others nothing is to be learnt, nor who works on it.
    async fn a_customer_searches_own_cases_only(app) {
        let max = life::order(app, "max@example.com", "Q-3").await;
        let erika = life::order(app, "erika@example.com", "Q-4").await;
        let customer = app.customer(&max.email).await;
        let own = life::open(&customer, "COMPLAINT", Some(&max.order), "Zu spät.").await;
        life::open(&app.customer(&erika.email).await, "COMPLAINT", Some(&erika.order), "Zu laut.").await;
        assert_eq!(found(&customer, json!({ "orderNumber": "Q-3" })).await, std::slice::from_ref(&own));
        assert_eq!(found(&customer, json!({ "kind": "COMPLAINT" })).await, [own]);
        for filter in [
            json!({ "orderNumber": "Q-4" }), json!({ "email": "erika@example.com" }),
            json!({ "email": "nobody@example.com" }), json!({ "customerId": erika.customer }),
        ] {
            assert_eq!(found(&customer, filter.clone()).await, Vec::<String>::new(), "{filter}");
        }
        let query = "query($filter: ServiceCaseFilter) { serviceCases(filter: $filter) { nodes { id } } }";
        for filter in [json!({ "unassigned": true }), json!({ "assigneeId": "U3RhZmZNZW1iZXI6MDAwMDAwMDAtMDAwMC0wMDAwLTAwMDAtMDAwMDAwMDAwMDAw" })] {
            assert_eq!(customer.gql(query, json!({ "filter": filter })).await.code(), "FORBIDDEN", "{filter}");
        }
    }

    /// F11: the facets of what a filter finds.
    async fn staff_counts_by_state_and_kind(app) {
        let known = life::order(app, "max@example.com", "Q-5").await;
        let customer = app.customer(&known.email).await;
        for (kind, order) in [("COMPLAINT", Some(known.order.as_str())), ("COMPLAINT", None), ("USAGE_GUIDANCE", None)] {
            let case = life::open(&customer, kind, order, "Eine Frage.").await;
            if order.is_some() {
                let step = json!({ "caseId": case });
                app.agent().await.done("serviceCaseReview", "ServiceCaseStepInput", step, "serviceCase { id }").await;
            }
        }
        let query = "query($filter: ServiceCaseFilter) { serviceCaseCounts(filter: $filter) \
                     { total more byState { state count } byKind { kind count } } }";
        let counts = app.agent().await.data(query, json!({ "filter": {} })).await["serviceCaseCounts"].clone();
        assert_eq!(counts, json!({
            "total": 3, "more": false,
            "byState": [{ "state": "RECEIVED", "count": 2 }, { "state": "UNDER_REVIEW", "count": 1 }],
            "byKind": [{ "kind": "COMPLAINT", "count": 2 }, { "kind": "USAGE_GUIDANCE", "count": 1 }],
        }));
        let none = app.agent().await.data(query, json!({ "filter": { "email": "nobody@example.com" } })).await;
        assert_eq!(none["serviceCaseCounts"]["total"], 0);
    }

    /// F11: every condition is answered by a search in an index.
    async fn no_filter_reads_the_whole_table(app) {
        let known = life::order(app, "max@example.com", "Q-6").await;
        life::open(&app.customer(&known.email).await, "COMPLAINT", Some(&known.order), "Zu spät.").await;
        let text = |text: &str| Some(text.to_owned());
        let key = if app.state.db.backend() == DbBackend::Postgres { "cases_pkey" } else { "sqlite_autoindex_cases_1" };
        for (wanted, index) in [
            (Wanted { number: text("AS-2014-0000000"), ..Wanted::default() }, "cases_number"),
            (Wanted { order_number: text("Q-6"), ..Wanted::default() }, "cases_order"),
            (Wanted { email: text("max@example.com"), ..Wanted::default() }, "cases_customer"),
            (Wanted { customer: Some(CustomerId(life::row(&known.customer))), ..Wanted::default() }, "cases_customer"),
            (Wanted { state: Some(State::Received), ..Wanted::default() }, "cases_state"),
            (Wanted { kind: Some(Kind::Complaint), ..Wanted::default() }, "cases_kind"),
            (Wanted { opened_from: Some(app.now()), ..Wanted::default() }, key),
            (Wanted { opened_to: Some(app.now()), ..Wanted::default() }, key),
            (Wanted { assignee: Some(StaffId(uuid::Uuid::nil())), ..Wanted::default() }, "cases_assigned_to"),
            (Wanted { unassigned: true, ..Wanted::default() }, "cases_assigned_to"),
        ] {
            let plan = plan(app, wanted.clone()).await;
            let searched = if app.state.db.backend() == DbBackend::Postgres {
                plan.contains("Index Cond") && !plan.contains("Seq Scan")
            } else {
                plan.contains("SEARCH cases USING") && !plan.contains("SCAN")
            };
            assert!(searched && plan.contains(index), "{wanted:?}\n{plan}");
        }
    }
}
