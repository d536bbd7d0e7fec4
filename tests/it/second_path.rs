//! Nobody can write a second path through the door: what it would need does not compile, and for the right reason.

use std::path::PathBuf;
use std::process::Command;

/// The codes of the errors that a program using this library gets; none: it compiles.
///
/// The library is the one that this test is linked with: among those in the folder, the newest that a permitted program
/// compiles against.
fn errors(body: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("path.rs");
    std::fs::write(&source, body).unwrap();
    let deps = std::env::current_exe().unwrap().parent().unwrap().to_owned();
    let mut command = Command::new(std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned()));
    command
        .args(["--edition", "2024", "--crate-type", "lib", "--emit", "metadata", "--error-format", "json", "--out-dir"])
        .arg(folder.path())
        .arg("--extern")
        .arg(format!("aftersales={}", library().display()))
        .arg("-L")
        .arg(format!("dependency={}", deps.display()))
        .arg(&source);
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    let messages = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let errors: Vec<String> = messages
        .filter(|m| m["level"] == "error" && m["spans"].as_array().is_some_and(|spans| !spans.is_empty()))
        .map(|m| m["code"]["code"].as_str().unwrap_or("none").to_owned())
        .collect();
    assert_eq!(output.status.success(), errors.is_empty(), "{text}");
    errors
}

fn library() -> PathBuf {
    let deps = std::env::current_exe().unwrap().parent().unwrap().to_owned();
    let named = |name: &str| name.starts_with("libaftersales-") && name.ends_with(".rlib");
    let mut found: Vec<_> = std::fs::read_dir(deps)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| named(&entry.file_name().to_string_lossy()))
        .map(|entry| (entry.metadata().unwrap().modified().unwrap(), entry.path()))
        .collect();
    found.sort();
    found.pop().expect("the library that this test is linked with").1
}

/// Decision 4. The control compiles, so that the others fail for what they say and for nothing else.
#[test]
fn a_second_path_through_the_door_does_not_compile() {
    let uses = "use aftersales::retention::door::{self, Ground, Verdict};\n";
    let permitted =
        "pub fn f(verdict: &Verdict) -> bool { let _ = (door::remove, Ground::Rule); *verdict == Verdict::Erased }";
    assert_eq!(errors(&format!("{uses}{permitted}")), Vec::<String>::new(), "what is permitted compiles");
    let private = [
        ("a proof cannot be named", "pub fn f(_: door::Proof) {}"),
        ("nor made", "pub fn f() { let _ = door::Proof { row: todo!(), action: todo!() }; }"),
        ("nor asked for without the check's verdict", "pub fn f() { let _ = door::prove; }"),
        ("and the deleting statements cannot be reached", "pub fn f() { let _ = door::pass; }"),
    ];
    for (what, body) in private {
        let found =
            errors(&format!("{uses}pub fn g() -> (Ground, Option<Verdict>) {{ (Ground::Rule, None) }}\n{body}"));
        assert_eq!(found, ["E0603"], "{what}: {body}");
    }
}
