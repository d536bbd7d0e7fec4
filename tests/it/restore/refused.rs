//! What a restore refuses, and that nothing has changed then.

use aftersales::privacy::restore;

use super::*;
use crate::support::days;

/// Flips a byte in the middle of a file.
fn damage(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

/// With the ledger as `lines` leaves it: what a restore says. The ledger is put back.
fn with_ledger(config: &Config, folder: &Path, change: impl Fn(&Path)) -> String {
    let Place::File(ledger) = &config.ledger else { panic!("the harness keeps the ledger in a folder") };
    let kept = ledger.with_extension("kept");
    let copy = |from: &Path, to: &Path| {
        std::fs::create_dir(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let path = entry.unwrap().path();
            std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    };
    copy(ledger, &kept);
    change(ledger);
    let said = refused(config, &["restore", text(folder), "--replace"]);
    let _ = std::fs::remove_dir_all(ledger);
    copy(&kept, ledger);
    std::fs::remove_dir_all(&kept).unwrap();
    said
}

fn the_file(ledger: &Path) -> PathBuf {
    let mut files: Vec<PathBuf> = std::fs::read_dir(ledger).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "jsonl"));
    files.sort();
    files.pop().unwrap()
}

owning! {
    /// Each in words that say what to do, with status 1.
    async fn what_would_bring_back_or_lose_data_is_refused(app) {
        now(&app);
        let known = person(&app, "erika", "V-1").await;
        erase(&app, &known).await;
        let kept = person(&app, "lena", "V-2").await;
        let folder = backup_folder(&app);
        let manifest = report(&app.state.config, &["backup", text(&folder)]);
        let again = ["restore", text(&folder), "--replace"];
        assert!(refused(&app.state.config, &["backup", text(&folder)]).contains("holds a backup already"));
        let inside = app.state.config.data.join("backup");
        assert!(refused(&app.state.config, &["backup", text(&inside)]).contains("lies in the data folder"));
        assert_eq!(run(&app.state.config, &["backup", "/nowhere", "--key-days", "36"]).status.code(), Some(2));

        let said = refused(&app.state.config, &again);
        assert!(said.contains("stop every instance first"), "the application runs: {said}");
        let before = rows(&app.state.db).await;
        let late = app.now() + days(36);
        let stopped = app.stop().await;
        let config = &stopped.config;
        let said = refused(config, &["restore", text(&folder)]);
        assert!(said.contains("is not empty") && said.contains("--replace"), "{said}");

        for file in [&manifest["main"]["file"]["name"], &manifest["keys"]["store"]["file"]["name"]] {
            let name = file.as_str().unwrap();
            let path = if name.starts_with("keys") { folder.join("keys").join(name) } else { folder.join(name) };
            damage(&path);
            let said = refused(config, &again);
            assert!(said.contains(name) && said.contains("is damaged"), "{said}");
            damage(&path);
        }
        let blob = folder.join("blobs").join(manifest["blobFiles"][0]["name"].as_str().unwrap());
        damage(&blob);
        assert!(refused(config, &again).contains("is damaged"));
        damage(&blob);
        for name in ["manifest.json", "keys/keys.json"] {
            let path = folder.join(name);
            let whole = std::fs::read_to_string(&path).unwrap();
            let longer = whole.replacen("\"expiresAt\": \"2", "\"expiresAt\": \"3", 1);
            assert_ne!(whole, longer);
            std::fs::write(&path, longer).unwrap();
            let said = refused(config, &again);
            assert!(said.contains("was altered, or made under another master key"), "{name}: {said}");
            std::fs::write(&path, whole).unwrap();
            std::fs::rename(&path, folder.join("away")).unwrap();
            let said = refused(config, &again);
            assert!(said.contains("was not finished"), "{name}: {said}");
            std::fs::rename(folder.join("away"), &path).unwrap();
        }

        let said = with_ledger(config, &folder, |ledger| std::fs::remove_dir_all(ledger).unwrap());
        assert!(said.contains("the erasure ledger is missing"), "{said}");
        let said = with_ledger(config, &folder, |ledger| {
            let path = the_file(ledger);
            let lines = std::fs::read_to_string(&path).unwrap();
            let shorter: String = lines.split_inclusive('\n').take(lines.lines().count() - 1).collect();
            std::fs::write(path, shorter).unwrap();
        });
        assert!(said.contains("is older than the backup"), "{said}");
        let said = with_ledger(config, &folder, |ledger| damage(&the_file(ledger)));
        assert!(said.contains("of the erasure ledger is damaged"), "{said}");
        let other = App::sqlite().await;
        let Place::File(foreign) = other.state.config.ledger.clone() else { panic!("a folder") };
        let said = with_ledger(config, &folder, |ledger| {
            std::fs::remove_dir_all(ledger).unwrap();
            std::fs::create_dir(ledger).unwrap();
            std::fs::copy(the_file(&foreign), ledger.join(the_file(&foreign).file_name().unwrap())).unwrap();
        });
        assert!(said.contains("begun by another installation"), "{said}");
        other.finish().await;

        let options = restore::Options { folder: folder.clone(), keys: None, replace: true, drill: false };
        let clock = Clock::Fixed(aftersales::clock::FixedClock::at(late));
        let expired = restore::run(config.clone(), clock, &options, |_| {}).await.unwrap_err().to_string();
        assert!(expired.contains("past its end"), "{expired}");

        let now = Clock::System.now();
        let app = stopped.start(now).await;
        assert_eq!(rows(&app.state.db).await, before, "nothing has changed");
        app.customer(&kept.email).await.data("{ viewer { customerId } }", json!({})).await;
        app.finish().await;
    }

    /// An old backup opens with newer keys: what was erased in between stays closed for good.
    async fn a_newer_archive_of_keys_opens_an_older_backup(app) {
        now(&app);
        let known = person(&app, "erika", "N-1").await;
        person(&app, "lena", "N-2").await;
        let (old, new) = (backup_folder(&app), app.folder.path().join("newer"));
        report(&app.state.config, &["backup", text(&old)]);
        now(&app);
        erase(&app, &known).await;
        let after = rows(&app.state.db).await;
        report(&app.state.config, &["backup", text(&new)]);
        let stopped = app.stop().await;
        let config = &stopped.config;
        let said = refused(config, &["restore", text(&new), "--keys", text(&old.join("keys")), "--replace"]);
        assert!(said.contains("is older than the backup"), "{said}");
        let done = report(config, &["restore", text(&old), "--keys", text(&new.join("keys")), "--replace"]);
        assert_eq!((&done["keysDestroyedAgain"], &done["rowsWithoutKey"]), (&json!(0), &json!(0)), "{done:#}");
        let app = stopped.start(Clock::System.now()).await;
        assert_eq!(rows(&app.state.db).await, after);
        assert_eq!(app.count("suppressions", "1 = 1").await, 2, "from the ledger: the keys no longer know order and address");
        app.finish().await;
    }
}
