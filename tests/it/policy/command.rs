//! The commands `deadline` and `policy` through the real binary: what scripts rely on, without data folder or key.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

const START: &str = "2026-11-06T10:00:00+01:00";
const BREACH: &str = "2026-11-20T16:20:00Z";
const PAUSE: &str = "2026-11-21T00:00:00+01:00/2026-11-22T00:00:00+01:00";

/// Rules that need no event but their start.
const RULES: [&str; 14] = [
    "withdrawal",
    "withdrawal-uninstructed",
    "withdrawal-refund",
    "shop-return",
    "review",
    "decision",
    "refund-credit",
    "warranty",
    "warranty-after-repair",
    "burden-of-proof",
    "access-request",
    "access-request-extended",
    "breach-notice",
    "first-response",
];

/// Data types with a period.
const KEPT: [&str; 34] = [
    "R01", "R02a", "R02b", "R03", "R04", "R05", "R06", "R07", "R08", "R09a", "R09b", "R10", "R11", "R12", "R13", "R14",
    "R16", "R17", "R18", "R19", "R20", "R21", "R22", "R24", "R25", "R26", "R27", "R28", "R29", "R30", "R31", "R32",
    "R33", "R34",
];

fn in_folder(folder: &Path, policy: Option<&Path>, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aftersales"));
    command.env_clear().current_dir(folder).args(arguments);
    if let Some(file) = policy {
        command.env("AFTERSALES_POLICY", file);
    }
    command.output().unwrap()
}

fn run(arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let output = in_folder(folder.path(), None, arguments);
    assert_empty(&folder, &arguments.join(" "));
    output
}

fn assert_empty(folder: &TempDir, what: &str) {
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.is_empty(), "{what} left {left:?}");
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The text of one answer as JSON.
fn answer(rule: &str, start: &str, more: &[&str]) -> String {
    let mut arguments = vec!["deadline", rule, "--start", start, "--json"];
    arguments.extend(more);
    let output = run(&arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", err(&output));
    out(&output)
}

fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Refused as misused: status 2, nothing on standard output, the part on standard error.
fn misused(arguments: &[&str], part: &str) {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", err(&output));
    assert!(output.stdout.is_empty(), "{arguments:?}: {}", out(&output));
    assert!(err(&output).contains(part), "{arguments:?} wants {part}: {}", err(&output));
}

/// The names at the beginnings of lines that are indented by so many spaces, in the order of the text.
fn keys(text: &str, indent: usize) -> Vec<&str> {
    let lead = format!("{}\"", " ".repeat(indent));
    text.lines().filter_map(|line| line.strip_prefix(lead.as_str())?.split_once("\":")).map(|(key, _)| key).collect()
}

#[test]
fn the_names_of_an_answer_come_in_a_fixed_order() {
    let text = answer("withdrawal", START, &[]);
    assert_eq!(keys(&text, 2), ["rule", "start", "endsOn", "endsAt", "steps", "source"]);
    let text = answer("refund-credit", START, &[]);
    assert_eq!(keys(&text, 2), ["rule", "start", "earliest", "endsOn", "endsAt", "steps", "source"]);
}

#[test]
fn each_step_has_code_date_what_and_why() {
    for rule in ["withdrawal", "refund-credit", "warranty", "breach-notice", "retention:R03"] {
        let text = answer(rule, START, &[]);
        let read = read(&text);
        let steps = read["steps"].as_array().unwrap();
        assert!(!steps.is_empty(), "{rule}");
        let names = keys(&text, 6);
        assert_eq!(names.len(), 4 * steps.len(), "{rule}: {names:?}");
        assert!(names.chunks(4).all(|each| each == ["code", "date", "what", "why"]), "{rule}: {names:?}");
        for name in ["code", "date", "what", "why"] {
            assert!(steps.iter().all(|step| step[name].as_str().is_some_and(|s| !s.is_empty())), "{rule}: {name}");
        }
        assert_eq!(steps[0]["code"], "ANCHOR", "{rule}");
        assert_eq!(steps[steps.len() - 1]["code"], "END", "{rule}");
    }
}

#[test]
fn an_answer_repeats_its_rule_and_its_start_in_berlin() {
    let read = read(&answer("breach-notice", BREACH, &[]));
    assert_eq!(read["rule"], "breach-notice");
    assert_eq!(read["start"], "2026-11-20T17:20:00+01:00");
    assert!(read["source"].as_str().unwrap().contains("GDPR Art. 33"));
    assert_eq!(read["endsAt"], "2026-11-23T17:20:00+01:00");
}

// S45
#[test]
fn the_periods_end_on_the_days_that_are_known() {
    let eleventh = "2026-11-11T10:00:00+01:00";
    let twentieth = "2026-11-20T10:00:00+01:00";
    let kept = "2026-11-22T10:00:00+01:00";
    let request = "2027-01-31T10:00:00+01:00";
    let vectors: &[(&str, &str, &[&str], &str, &str)] = &[
        ("withdrawal", START, &[], "2026-11-20", "2026-11-21T00:00:00+01:00"),
        ("shop-return", eleventh, &[], "2026-12-28", "2026-12-29T00:00:00+01:00"),
        ("review", twentieth, &[], "2026-11-24", "2026-11-25T00:00:00+01:00"),
        ("review", twentieth, &["--werktag", "mon-sat"], "2026-11-24", "2026-11-25T00:00:00+01:00"),
        ("review", twentieth, &["--werktag", "mon-fri"], "2026-11-25", "2026-11-26T00:00:00+01:00"),
        ("warranty", START, &[], "2028-11-06", "2028-11-07T00:00:00+01:00"),
        ("burden-of-proof", START, &[], "2027-11-06", "2027-11-07T00:00:00+01:00"),
        ("warranty-after-repair", START, &[], "2029-11-06", "2029-11-07T00:00:00+01:00"),
        ("access-request", request, &[], "2027-03-01", "2027-03-02T00:00:00+01:00"),
        ("access-request-extended", request, &[], "2027-04-30", "2027-05-01T00:00:00+02:00"),
        ("breach-notice", BREACH, &[], "2026-11-23", "2026-11-23T17:20:00+01:00"),
        ("refund-credit", START, &[], "2026-11-24", "2026-11-25T00:00:00+01:00"),
        ("retention:R01", kept, &[], "2034-12-31", "2035-01-01T00:00:00+01:00"),
        ("retention:R03", kept, &[], "2032-12-31", "2033-01-01T00:00:00+01:00"),
        ("retention:R09b", kept, &[], "2029-12-31", "2030-01-01T00:00:00+01:00"),
    ];
    for (rule, start, more, ends_on, ends_at) in vectors {
        let read = read(&answer(rule, start, more));
        assert_eq!(read["endsOn"], *ends_on, "{rule} {start} {more:?}");
        assert_eq!(read["endsAt"], *ends_at, "{rule} {start} {more:?}");
        assert_eq!(read["rule"], *rule);
    }
}

#[test]
fn only_the_credit_of_a_refund_has_an_earliest_day() {
    assert_eq!(read(&answer("refund-credit", START, &[]))["earliest"], "2026-11-18");
    for rule in RULES.iter().filter(|rule| **rule != "refund-credit") {
        assert!(read(&answer(rule, START, &[])).get("earliest").is_none(), "{rule}");
    }
}

#[test]
fn every_rule_and_every_data_type_with_a_period_can_be_reckoned() {
    for rule in RULES {
        assert_eq!(read(&answer(rule, START, &[]))["rule"], rule);
    }
    for code in KEPT {
        let rule = format!("retention:{code}");
        assert_eq!(read(&answer(&rule, START, &[]))["rule"], rule.as_str());
    }
    answer("warranty-late-defect", START, &["--event", "defect-shown=2028-11-01T10:00:00+01:00"]);
    answer("warranty-after-cure", START, &["--event", "handed-over=2027-11-01T10:00:00+01:00"]);
}

#[test]
fn without_json_the_steps_and_the_end_are_said_in_lines() {
    let output = run(&["deadline", "withdrawal", "--start", START]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let text = out(&output);
    for part in ["withdrawal from 2026-11-06T10:00:00+01:00", "ANCHOR", "END", "2026-11-20", "BGB §§ 355(2)"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn a_rule_that_needs_another_event_names_it() {
    misused(&["deadline", "warranty-late-defect", "--start", START], "defect-shown");
    misused(&["deadline", "warranty-after-cure", "--start", START], "handed-over");
    misused(&["deadline", "retention:R01", "--profile", "EU_OSS", "--start", START], "supply");
    let supply = ["--profile", "EU_OSS", "--event", "supply=2026-11-01T10:00:00+01:00"];
    assert_eq!(read(&answer("retention:R01", START, &supply))["rule"], "retention:R01");
}

#[test]
fn what_a_rule_cannot_be_asked_is_refused_with_status_2() {
    let late = "warranty-late-defect";
    let shown = "defect-shown=2028-11-01T10:00:00+01:00";
    let reversed = "2026-12-11T00:00:00+01:00/2026-12-01T00:00:00+01:00";
    misused(&["deadline", "nope", "--start", START], "nope");
    misused(&["deadline", "retention:R99", "--start", START], "R99");
    misused(&["deadline", "withdrawal", "--start", "2026-11-06"], "RFC 3339");
    misused(&["deadline", "withdrawal"], "--start");
    misused(&["deadline", "withdrawal", "--start", START, "--land", "XX"], "XX");
    misused(&["deadline", "withdrawal", "--start", START, "--werktag", "mon"], "mon-sat");
    misused(&["deadline", "withdrawal", "--start", START, "--profile", "NOPE"], "DE_KAUFMANN");
    misused(&["deadline", "withdrawal", "--start", START, "--event", "foo=2026-11-06T10:00:00+01:00"], "foo");
    misused(&["deadline", "warranty", "--start", START, "--pause", START], "FROM/TO");
    misused(&["deadline", "warranty", "--start", START, "--pause", reversed], "pause");
    misused(&["deadline", "breach-notice", "--start", BREACH, "--pause", PAUSE], "breach-notice");
    misused(&["deadline", "retention:R03", "--start", START, "--pause", PAUSE], "retention:R03");
    misused(&["deadline", late, "--start", START, "--event", shown, "--event", shown], "defect-shown");
    for rule in ["retention:R00", "retention:R15", "retention:R23"] {
        misused(&["deadline", rule, "--start", START], rule);
    }
}

#[test]
fn neither_data_folder_nor_key_is_needed_or_made() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [
        ["deadline", "withdrawal", "--start", START].as_slice(),
        &["deadline", "retention:R03", "--start", START, "--json"],
        &["deadline", "nope", "--start", START],
        &["policy", "show"],
        &["policy", "show", "--json"],
        &["policy", "check", "there-is-no-such-file.toml"],
    ] {
        in_folder(folder.path(), None, arguments);
        assert_empty(&folder, &arguments.join(" "));
    }
}

#[test]
fn what_policy_show_prints_is_a_file_that_policy_check_accepts() {
    let output = run(&["policy", "show"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let shown = out(&output);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shown.toml");
    std::fs::write(&file, &shown).unwrap();

    let output = in_folder(folder.path(), None, &["policy", "check", "shown.toml"]);
    assert_eq!(output.status.code(), Some(0), "{}{}", out(&output), err(&output));
    let output = in_folder(folder.path(), None, &["policy", "check", "shown.toml", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert_eq!(read(&out(&output))["valid"], true);

    let again = in_folder(folder.path(), Some(&file), &["policy", "show"]);
    assert_eq!(out(&again), shown);
}

// S2, S45, S83
#[test]
fn policy_show_prints_one_json_document_if_asked() {
    let output = run(&["policy", "show", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let policy = read(&out(&output));
    assert_eq!(policy["shop"]["email"], "info@sofioma.com");
    assert_eq!(policy["periods"]["shop-return"]["days"], 45);
}

#[test]
fn policy_check_refuses_a_bad_file_and_says_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("bad.toml"), "periods.withdrawal = { days = 13 }\n").unwrap();

    let output = in_folder(folder.path(), None, &["policy", "check", "bad.toml"]);
    assert_eq!(output.status.code(), Some(1), "{}", err(&output));
    let text = out(&output);
    assert!(text.contains("error: periods.withdrawal: ") && text.contains("BGB §§ 355(2)"), "{text}");

    let output = in_folder(folder.path(), None, &["policy", "check", "bad.toml", "--json"]);
    assert_eq!(output.status.code(), Some(1), "{}", err(&output));
    let verdict = read(&out(&output));
    assert_eq!(verdict["valid"], false);
    let faults = verdict["faults"].as_array().unwrap();
    let fault = faults.iter().find(|fault| fault["path"] == "periods.withdrawal").unwrap();
    assert_eq!(fault["severity"], "ERROR");
    assert!(fault["problem"].as_str().unwrap().contains("13 days"), "{fault}");
    assert!(fault["norm"].as_str().unwrap().contains("BGB §§ 355"), "{fault}");
    let others: Vec<&Value> = faults.iter().filter(|fault| fault["path"] != "periods.withdrawal").collect();
    assert!(others.iter().all(|fault| fault["severity"] == "WARNING"), "{others:?}");
}

#[test]
fn policy_check_fails_for_a_file_that_is_not_there() {
    let output = run(&["policy", "check", "there-is-no-such-file.toml"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("there-is-no-such-file.toml"), "{}", err(&output));
}

// S45
#[test]
fn a_policy_file_named_by_the_environment_moves_a_deadline() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("own.toml");
    std::fs::write(&file, "periods.shop-return = { days = 60 }\n").unwrap();
    let arguments = ["deadline", "shop-return", "--start", "2026-11-11T10:00:00+01:00", "--json"];
    let output = in_folder(folder.path(), Some(&file), &arguments);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    // 60 days later is Sunday 10 January 2027.
    assert_eq!(read(&out(&output))["endsOn"], "2027-01-11");

    let show = in_folder(folder.path(), Some(&file), &["policy", "show", "--json"]);
    let policy = read(&out(&show));
    assert_eq!(policy["periods"]["shop-return"]["days"], 60);
    assert_eq!(policy["periods"]["withdrawal"]["days"], 14);
}

#[test]
fn a_bad_or_missing_policy_file_is_not_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let bad = folder.path().join("bad.toml");
    std::fs::write(&bad, "periods.shop-return = { days = 13 }\n").unwrap();
    let missing = folder.path().join("missing.toml");
    for (file, part) in [(&bad, "periods.shop-return"), (&missing, "missing.toml")] {
        for arguments in [["policy", "show"].as_slice(), &["deadline", "review", "--start", START]] {
            let output = in_folder(folder.path(), Some(file), arguments);
            assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", err(&output));
            assert!(output.stdout.is_empty(), "{arguments:?}: {}", out(&output));
            assert!(err(&output).contains(part), "{arguments:?}: {}", err(&output));
        }
    }
}

/// AO § 147(3): a profile on the command line does not take a file below what the law demands of that profile.
#[test]
fn a_profile_does_not_get_round_the_floor() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy.toml");
    std::fs::write(&file, "[retention]\nprofile = \"CUSTOM\"\nperiods.R01 = { years = 5 }\n").unwrap();
    let ask = |profile: &str| {
        let start = "2026-11-22T10:00:00Z";
        in_folder(
            folder.path(),
            Some(&file),
            &["deadline", "retention:R01", "--start", start, "--profile", profile, "--json"],
        )
    };
    let own = ask("CUSTOM");
    assert_eq!(read(&out(&own))["endsOn"], "2031-12-31");
    let refused = ask("DE_KAUFMANN");
    assert_eq!(refused.status.code(), Some(2));
    assert!(err(&refused).contains("AO § 147(3)"), "{}", err(&refused));
}
