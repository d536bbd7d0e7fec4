//! Bombs are refused, what real clients send is not.

use super::*;
use async_graphql_parser::parse_query;

fn checked(source: &str) -> Result<(), Refusal> {
    check_source(source)?;
    check(&parse_query(source).unwrap(), &Variables::default(), &Limits::default())
}

fn refused(source: &str, expected: &str) {
    match checked(source) {
        Err(Refusal::TooMany { what, .. }) => assert_eq!(what, expected),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_fragment_bomb_is_refused() {
    let mut bomb = "{ ...F0 }".to_owned();
    for n in 0..40 {
        bomb += &format!(" fragment F{n} on Query {{ ...F{0} ...F{0} }}", n + 1);
    }
    bomb += " fragment F40 on Query { __typename }";
    refused(&bomb, "selections");
}

#[test]
fn a_cycle_is_refused() {
    let cycle = "{ ...A } fragment A on Query { ...B } fragment B on Query { x { ...A } }";
    assert_eq!(checked(cycle), Err(Refusal::Cycle("A".to_owned())));
}

#[test]
fn introspection_passes() {
    let of_type = (0..9).fold("kind name".to_owned(), |inner, _| format!("kind name ofType {{ {inner} }}"));
    let source = format!(
        "query IntrospectionQuery {{ __schema {{ queryType {{ name }} types {{ ...FullType }}
           directives {{ name args {{ ...InputValue }} }} }} }}
         fragment FullType on __Type {{ kind fields(includeDeprecated: true) {{
           name args {{ ...InputValue }} type {{ ...TypeRef }} }}
           inputFields {{ ...InputValue }} interfaces {{ ...TypeRef }}
           possibleTypes {{ ...TypeRef }} }}
         fragment InputValue on __InputValue {{ name type {{ ...TypeRef }} defaultValue }}
         fragment TypeRef on __Type {{ {of_type} }}"
    );
    assert_eq!(checked(&source), Ok(()));
    assert!(introspects(&parse_query(&source).unwrap()));
    assert!(!introspects(&parse_query("{ __typename }").unwrap()));
}

#[test]
fn each_limit_holds() {
    let many = |n: usize, item: &str| format!("{{ {} }}", item.repeat(n));
    refused(&many(2001, "a "), "selections");
    refused(&many(51, "x: a "), "aliases");
    refused(&many(51, "a @skip(if: true) "), "directives");
    refused(&format!("{}a{}", "{ a ".repeat(16), " }".repeat(16)), "levels of fields");
    refused("mutation { ...M ...M } fragment M on M { a b c }", "root mutation fields");
    assert_eq!(checked(&format!("mutation {}", many(5, "a "))), Ok(()));
    let operations = (0..11).map(|n| format!("query Q{n} {{ a }} ")).collect::<String>();
    refused(&operations, "operations");
}

#[test]
fn nested_values_are_refused_before_parsing() {
    let deep = format!("{{ a(b: {}) }}", "[".repeat(10_000));
    assert!(matches!(check_source(&deep), Err(Refusal::Nesting { .. })));
    let text = format!("{{ a(b: \"\\\"{0}\", c: \"\"\"{0}\\\"\"\"{0}\"\"\") }} #{0}", "[".repeat(200));
    assert_eq!(check_source(&text), Ok(()));
    assert_eq!(check_source("{ a(b: \"\"\"x) }"), Err(Refusal::OpenBlockString));
    let hidden = format!("{{ a(b: \"#\", c: {}) }}", "[".repeat(200));
    assert!(check_source(&hidden).is_err());
}

#[test]
fn selection_keeps_only_what_is_used() {
    let source = "query A { ...X } query B { ...Z } fragment X on Q { i { ...Y } }
        fragment Y on Q { ...Missing } fragment Z on Q { a } fragment Unused on Q { a }";
    let document = parse_query(source).unwrap();
    let chosen = select(document.clone(), Some("A")).unwrap();
    assert_eq!(names(&chosen.fragments), "X, Y");
    assert_eq!(chosen.operations.iter().len(), 1);
    assert_eq!(select(document.clone(), None).unwrap_err(), SelectError::Ambiguous("A, B".to_owned()));
    assert!(matches!(select(document, Some("C")), Err(SelectError::Unknown(_))));
    let single = parse_query("{ a }").unwrap();
    assert!(select(single.clone(), None).is_ok());
    assert!(select(single, Some("A")).is_err());
}

#[test]
fn required_variables_need_values() {
    let source = "query Q($a: ID!, $b: Int! = 1, $c: Int, $d: [ID!]!) { a }";
    let given = Variables::from_json(serde_json::json!({ "a": null, "d": [] }));
    let missing = missing_variables(&parse_query(source).unwrap(), &given);
    assert_eq!(missing.len(), 1);
    assert_eq!(missing[0].0, "variable \"$a\" of type \"ID!\" needs a value");
}

/// A cycle of lists multiplies at each level, whatever its selections are.
#[test]
fn lists_within_lists_are_refused() {
    let asks = |query: &str| check(&parse_query(query).unwrap(), &Variables::default(), &Limits::default());
    let cycle = |levels: usize| {
        let (open, close) = ("refunds { serviceCase { ".repeat(levels), "} } ".repeat(levels));
        format!("{{ serviceCase(id: \"x\") {{ {open} id {close} }} }}")
    };
    assert_eq!(asks(&cycle(2)), Ok(()));
    assert!(asks(&cycle(4)).unwrap_err().to_string().contains("values in its answer"));
    let page = |n: u32| {
        format!(
            "{{ serviceCases(first: {n}) {{ nodes {{ messages(first: {n}) {{ nodes {{ id body form sentAt author }} }} }} }} }}"
        )
    };
    assert_eq!(asks(&page(20)), Ok(()));
    assert!(asks(&page(100)).is_err());
    let ids = vec!["\"a\""; 100].join(",");
    let nodes = format!(
        "{{ nodes(ids: [{ids}]) {{ ... on ServiceCase {{ messages(first: 100) {{ nodes {{ id body form sentAt author }} }} }} }} }}"
    );
    assert!(asks(&nodes).is_err());
}

/// Every list of objects in the schema is in the table, takes its length as an argument, or is short by nature.
#[test]
fn every_long_list_of_the_schema_is_known() {
    use async_graphql_parser::types::{BaseType, TypeKind, TypeSystemDefinition};
    let short = [
        "edges",
        "nodes",
        "userErrors",
        "details",
        "availableActions",
        "records",
        "jobs",
        "runs",
        "retentionRules",
        "staffMembers",
        "field",
        "pauses",
        "remedies",
        "laterRemedies",
        "documents",
        "serviceHours",
        "spans",
        "address",
        "withdrawalLabels",
        "labels",
        "notes",
        "tax",
        "warnings",
        "byKind",
        "byState",
        "waitsFor",
    ];
    let document = async_graphql_parser::parse_schema(crate::graphql::sdl()).unwrap();
    for definition in document.definitions {
        let TypeSystemDefinition::Type(ty) = definition else { continue };
        let TypeKind::Object(object) = ty.node.kind else { continue };
        for field in object.fields {
            let name = field.node.name.node.to_string();
            let is_list = match &field.node.ty.node.base {
                BaseType::List(_) => true,
                BaseType::Named(of) => of.ends_with("Connection"),
            };
            let known = LISTS.iter().any(|(list, _)| *list == name) || short.contains(&name.as_str());
            assert!(!is_list || known, "{}.{name} is a list that the guard does not know", ty.node.name.node);
        }
    }
}
