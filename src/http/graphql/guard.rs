//! Pre-execution guard: what a document would cost, before anything walks it.
//! async-graphql expands fragments without a memo in its own limits and in
//! validation, so one kilobyte of nested fragments could keep a core busy for
//! minutes. Everything here is linear in the size of the document.

use std::collections::{HashMap, HashSet};

use async_graphql::{Name, Pos, Positioned, Value, Variables};
use async_graphql_parser::types::{
    DocumentOperations, ExecutableDocument, Field, FragmentDefinition, OperationType, Selection, SelectionSet,
};

/// Brackets of any kind open at once; bounds the parser's recursion.
const SOURCE_NESTING: usize = 128;
/// Selection sets open at once, through fragments; bounds our own recursion.
const SET_NESTING: u64 = 64;

/// What one document may ask for; per operation unless the field says otherwise.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Selections after all fragments are expanded.
    pub selections: u64,
    /// Aliases after all fragments are expanded.
    pub aliases: u64,
    /// Nested fields; 15 is exactly what graphql-js asks for in introspection.
    pub depth: u64,
    /// Directives after all fragments are expanded.
    pub directives: u64,
    /// Values that the answer may hold, lists taken as long as they were asked for.
    pub values: u64,
    /// Operations in the document.
    pub operations: u64,
    /// Fragment definitions in the document.
    pub fragments: u64,
    /// Root fields of a mutation: each one is a transaction of its own.
    pub root_mutations: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            selections: 2000,
            aliases: 50,
            depth: 15,
            directives: 50,
            values: 50_000,
            operations: 10,
            fragments: 100,
            root_mutations: 5,
        }
    }
}

/// Why a document is not executed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the document has {actual} {what}, the limit is {limit}; {hint}")]
    TooMany { what: &'static str, actual: u64, limit: u64, hint: &'static str },
    #[error("the document nests {what} more than {limit} deep")]
    Nesting { what: &'static str, limit: u64 },
    #[error("the fragment \"{0}\" contains itself, directly or through other fragments")]
    Cycle(String),
    #[error("a block string is not closed")]
    OpenBlockString,
}

/// Why no operation could be chosen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    #[error("operationName names no operation of the document, which has: {0}")]
    Unknown(String),
    #[error("the document has several operations, choose one with operationName: {0}")]
    Ambiguous(String),
}

#[derive(Debug, Default, Clone, Copy)]
struct Cost {
    selections: u64,
    aliases: u64,
    depth: u64,
    directives: u64,
    values: u64,
    root: u64,
}

impl Cost {
    fn add(&mut self, other: Self) {
        self.selections = self.selections.saturating_add(other.selections);
        self.aliases = self.aliases.saturating_add(other.aliases);
        self.depth = self.depth.max(other.depth);
        self.directives = self.directives.saturating_add(other.directives);
        self.values = self.values.saturating_add(other.values);
        self.root = self.root.saturating_add(other.root);
    }
}

/// Lists whose length no argument asks for, or that may leave it out: how long they are taken to be.
pub(super) const LISTS: &[(&str, u64)] = &[
    ("serviceCases", 20),
    ("customers", 20),
    ("orders", 20),
    ("messages", 20),
    ("refunds", 20),
    ("attachments", 20),
    ("lines", 20),
    ("parcels", 5),
    ("timers", 5),
    ("history", 10),
    ("archive", 100),
    ("values", 20),
    ("holds", 20),
    ("restrictions", 20),
    ("retentionRuns", 20),
    ("safetyEntries", 20),
    ("references", 2),
    ("cells", 100),
    ("retentionPlans", 20),
    ("rows", 20),
    ("returns", 5),
    ("proposals", 5),
    ("disclosures", 5),
    ("erasures", 20),
    ("recipients", 5),
    ("carrierEvents", 20),
    ("inquiry", 10),
    ("serviceQuality", 50),
    ("returnReasons", 10),
    ("mails", 5),
    ("missing", 5),
    ("assessments", 20),
    ("tasks", 20),
    ("rights", 4),
    ("findings", 20),
    ("steps", 20),
    ("rules", 16),
    ("policyVersions", 5),
    ("tracks", 4),
    ("sections", 10),
];

struct Meter<'d> {
    document: &'d ExecutableDocument,
    variables: &'d Variables,
    /// `None` marks a fragment that is being walked: meeting it again is a cycle.
    memo: HashMap<&'d str, Option<Cost>>,
}

impl<'d> Meter<'d> {
    /// How many times what stands below this field is answered. What cannot be told counts as a whole page.
    fn times(&self, field: &Field) -> u64 {
        let argument = |name| field.get_argument(name).map(|value| &value.node);
        if let Some(ids) = argument("ids") {
            return match self.value(ids) {
                Some(Value::List(list)) => count(list.len()),
                _ => 100,
            };
        }
        let usual = LISTS.iter().find(|(name, _)| *name == field.name.node.as_str()).map_or(1, |(_, n)| *n);
        match argument("first").map(|value| self.value(value)) {
            None | Some(Some(Value::Null)) => usual,
            Some(Some(Value::Number(number))) => number.as_u64().unwrap_or(100),
            Some(_) => 100,
        }
    }

    fn value(&self, value: &async_graphql_value::Value) -> Option<Value> {
        value.clone().into_const_with(|name| self.variables.get(&name).cloned().ok_or(())).ok()
    }

    fn set(&mut self, set: &'d SelectionSet, level: u64) -> Result<Cost, Refusal> {
        if level > SET_NESTING {
            return Err(Refusal::Nesting { what: "selection sets", limit: SET_NESTING });
        }
        let mut total = Cost::default();
        for item in &set.items {
            let mut cost = Cost { selections: 1, directives: count(item.node.directives().len()), ..Cost::default() };
            match &item.node {
                Selection::Field(field) => {
                    let inner = self.set(&field.node.selection_set.node, level + 1)?;
                    cost.aliases = u64::from(field.node.alias.is_some());
                    let values = self.times(&field.node).saturating_mul(inner.values).saturating_add(1);
                    cost.add(Cost { depth: inner.depth.saturating_add(1), root: 1, values, ..inner });
                }
                Selection::InlineFragment(fragment) => {
                    cost.add(self.set(&fragment.node.selection_set.node, level + 1)?);
                }
                Selection::FragmentSpread(spread) => {
                    cost.add(self.fragment(&spread.node.fragment_name.node, level + 1)?);
                }
            }
            total.add(cost);
        }
        Ok(total)
    }

    fn fragment(&mut self, name: &'d Name, level: u64) -> Result<Cost, Refusal> {
        match self.memo.get(name.as_str()) {
            Some(Some(cost)) => return Ok(*cost),
            Some(None) => return Err(Refusal::Cycle(name.to_string())),
            None => {}
        }
        // An undefined fragment is for validation to report, with its position.
        let Some(fragment) = self.document.fragments.get(name) else {
            return Ok(Cost::default());
        };
        self.memo.insert(name.as_str(), None);
        let mut cost = self.set(&fragment.node.selection_set.node, level)?;
        cost.directives = cost.directives.saturating_add(count(fragment.node.directives.len()));
        self.memo.insert(name.as_str(), Some(cost));
        Ok(cost)
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

fn within(what: &'static str, actual: u64, limit: u64, hint: &'static str) -> Result<(), Refusal> {
    if actual > limit { Err(Refusal::TooMany { what, actual, limit, hint }) } else { Ok(()) }
}

/// Looks at the text alone, because the parser itself recurses on nested values.
pub fn check_source(source: &str) -> Result<(), Refusal> {
    let mut rest = source;
    let mut open = 0_usize;
    while let Some(at) = rest.find(['#', '"', '{', '[', '(', '}', ']', ')']) {
        let (token, after) = rest[at..].split_at(1);
        rest = match token {
            "#" => after.find(['\n', '\r']).map_or("", |end| &after[end..]),
            "\"" => match after.strip_prefix("\"\"") {
                Some(block) => after_block(block).ok_or(Refusal::OpenBlockString)?,
                None => after_string(after),
            },
            "{" | "[" | "(" => {
                open += 1;
                after
            }
            _ => {
                open = open.saturating_sub(1);
                after
            }
        };
        if open > SOURCE_NESTING {
            return Err(Refusal::Nesting { what: "brackets", limit: count(SOURCE_NESTING) });
        }
    }
    Ok(())
}

fn after_block(block: &str) -> Option<&str> {
    let mut rest = block;
    loop {
        let end = rest.find("\"\"\"")?;
        let escaped = rest[..end].ends_with('\\');
        rest = &rest[end + 3..];
        if !escaped {
            return Some(rest);
        }
    }
}

fn after_string(text: &str) -> &str {
    let mut escaped = false;
    for (at, letter) in text.char_indices() {
        match letter {
            '\n' | '\r' => return &text[at..],
            '"' if !escaped => return &text[at + 1..],
            _ => escaped = letter == '\\' && !escaped,
        }
    }
    ""
}

/// Refuses a document that would cost more than `limits` allow.
pub fn check(document: &ExecutableDocument, variables: &Variables, limits: &Limits) -> Result<(), Refusal> {
    let operations = count(document.operations.iter().len());
    within("operations", operations, limits.operations, "send fewer per request")?;
    let fragments = count(document.fragments.len());
    within("fragments", fragments, limits.fragments, "send only those the operation uses")?;
    let mut meter = Meter { document, variables, memo: HashMap::new() };
    for (_, operation) in document.operations.iter() {
        let mut cost = meter.set(&operation.node.selection_set.node, 1)?;
        let own = operation.node.directives.len();
        let variables = operation.node.variable_definitions.iter();
        let extra = variables.fold(own, |sum, it| sum.saturating_add(it.node.directives.len()));
        cost.directives = cost.directives.saturating_add(count(extra));
        let expanded = "fragments count each time they are spread";
        within("selections", cost.selections, limits.selections, expanded)?;
        within("aliases", cost.aliases, limits.aliases, expanded)?;
        within("levels of fields", cost.depth, limits.depth, "ask for the inner objects by id")?;
        within("directives", cost.directives, limits.directives, expanded)?;
        within("values in its answer", cost.values, limits.values, "ask for shorter pages or fewer levels")?;
        if operation.node.ty == OperationType::Mutation {
            let hint = "send the others in requests of their own";
            within("root mutation fields", cost.root, limits.root_mutations, hint)?;
        }
    }
    Ok(())
}

/// Keeps the operation that is to run and the fragments it reaches. The others
/// never reach validation, which would walk them too.
pub fn select(document: ExecutableDocument, operation_name: Option<&str>) -> Result<ExecutableDocument, SelectError> {
    let ExecutableDocument { operations, mut fragments } = document;
    let operations = match (operations, operation_name) {
        (DocumentOperations::Single(_), Some(_)) => {
            return Err(SelectError::Unknown("one operation without a name".to_owned()));
        }
        (DocumentOperations::Multiple(mut all), Some(name)) => match all.remove_entry(name) {
            Some((name, chosen)) => DocumentOperations::Multiple(HashMap::from([(name, chosen)])),
            None => return Err(SelectError::Unknown(names(&all))),
        },
        (DocumentOperations::Multiple(all), None) if all.len() != 1 => {
            return Err(SelectError::Ambiguous(names(&all)));
        }
        (operations, None) => operations,
    };
    let used = reachable(&operations, &fragments);
    fragments.retain(|name, _| used.contains(name));
    Ok(ExecutableDocument { operations, fragments })
}

fn names<T>(operations: &HashMap<Name, T>) -> String {
    let mut names: Vec<&str> = operations.keys().map(Name::as_str).collect();
    names.sort_unstable();
    names.join(", ")
}

fn reachable(
    operations: &DocumentOperations,
    fragments: &HashMap<Name, Positioned<FragmentDefinition>>,
) -> HashSet<Name> {
    let mut used = HashSet::new();
    let mut open: Vec<&SelectionSet> =
        operations.iter().map(|(_, operation)| &operation.node.selection_set.node).collect();
    while let Some(set) = open.pop() {
        for item in &set.items {
            match &item.node {
                Selection::Field(field) => open.push(&field.node.selection_set.node),
                Selection::InlineFragment(inline) => open.push(&inline.node.selection_set.node),
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    if used.insert(name.clone())
                        && let Some(fragment) = fragments.get(name)
                    {
                        open.push(&fragment.node.selection_set.node);
                    }
                }
            }
        }
    }
    used
}

/// Whether a selected document asks for the schema (`__typename` does not count).
pub fn introspects(document: &ExecutableDocument) -> bool {
    let operations = document.operations.iter().map(|(_, it)| &it.node.selection_set.node);
    let fragments = document.fragments.values().map(|it| &it.node.selection_set.node);
    let mut open: Vec<&SelectionSet> = operations.chain(fragments).collect();
    while let Some(set) = open.pop() {
        for item in &set.items {
            match &item.node {
                Selection::Field(field) => {
                    if matches!(field.node.name.node.as_str(), "__schema" | "__type") {
                        return true;
                    }
                    open.push(&field.node.selection_set.node);
                }
                Selection::InlineFragment(inline) => open.push(&inline.node.selection_set.node),
                Selection::FragmentSpread(_) => {}
            }
        }
    }
    false
}

/// Required variables that are absent or null. async-graphql coerces variables
/// where they are used, so it would only notice half way through execution.
pub fn missing_variables(document: &ExecutableDocument, variables: &Variables) -> Vec<(String, Pos)> {
    let operations = document.operations.iter();
    operations
        .flat_map(|(_, operation)| &operation.node.variable_definitions)
        .filter(|variable| !variable.node.var_type.node.nullable)
        .filter(|variable| match variables.get(&variable.node.name.node) {
            Some(value) => matches!(value, Value::Null),
            None => variable.node.default_value.is_none(),
        })
        .map(|variable| {
            let (name, ty) = (&variable.node.name.node, &variable.node.var_type.node);
            (format!("variable \"${name}\" of type \"{ty}\" needs a value"), variable.pos)
        })
        .collect()
}

#[cfg(test)]
mod tests;
