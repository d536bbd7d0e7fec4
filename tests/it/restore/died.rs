//! A restore that dies in the middle leaves stores that nothing opens, until one comes to its end.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use super::*;

/// Starts a restore and kills it once it has said so many steps.
fn killed_after(config: &Config, arguments: &[&str], steps: usize) -> Vec<String> {
    let mut process = program(config).args(arguments).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
    let said: Vec<String> = lines.by_ref().take(steps).map(Result::unwrap).collect();
    process.kill().unwrap();
    process.wait().unwrap();
    said
}

owning! {
    /// Killed after each step in turn; the last time while its first line of the ledger cannot be written.
    async fn half_a_restore_is_no_service(app) {
        now(&app);
        let known = person(&app, "erika", "D-1").await;
        person(&app, "lena", "D-2").await;
        let folder = backup_folder(&app);
        report(&app.state.config, &["backup", text(&folder)]);
        now(&app);
        erase(&app, &known).await;
        let after = rows(&app.state.db).await;
        let stopped = app.stop().await;
        let config = &stopped.config;
        let replace = ["restore", text(&folder), "--replace"];
        // After the first step nothing has been touched, or the mark has just been set.
        let said = killed_after(config, &replace, 1);
        assert!(said[0].contains("checksums and ledger are right"), "{said:?}");
        let Place::File(ledger) = &config.ledger else { panic!("the harness keeps the ledger in a folder") };
        let lock = std::fs::OpenOptions::new().write(true).open(ledger.join("lock")).unwrap();
        for steps in [2, 3] {
            // Nobody else writes the ledger meanwhile, so that no restore gets past its replay.
            lock.lock().unwrap();
            let said = killed_after(config, &replace, steps);
            lock.unlock().unwrap();
            assert_eq!(said.len(), steps, "{said:?}");
            let expected = ["the stores are closed until this is done", "are in place; the ledger is replayed"];
            assert!(said[steps - 1].contains(expected[steps - 2]), "{said:?}");
            // A server that starts would not end by itself.
            let mut server = program(config).arg("serve").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
            let mut line = String::new();
            BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
            server.kill().unwrap();
            assert_eq!((line.as_str(), server.wait().unwrap().success()), ("", false), "no server starts");
            for command in [&["migrate"][..], &["doctor"], &["privacy", "scan", "x"], &["backup", "/nowhere"]] {
                let said = refused(config, command);
                assert!(said.contains("did not come to its end") && said.contains("aftersales restore"), "{said}");
            }
        }
        // Without --replace: what lies there is nobody's any more.
        report(config, &["restore", text(&folder)]);
        let app = stopped.start(Clock::System.now()).await;
        assert_eq!(rows(&app.state.db).await, after);
        app.finish().await;
    }
}
