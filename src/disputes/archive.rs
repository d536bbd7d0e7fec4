//! The dossier as a ZIP: dossier.json, a readable index.html, the files, a manifest with the checksum of each, and that of
//! the manifest itself.

use std::io::Write;

use anyhow::Context as _;
use minijinja::{AutoEscape, Environment, context};
use serde_json::json;

use super::dossier::Dossier;
use crate::evidence::archive::Archive;
use crate::state::AppState;

/// Writes the archive. Memory stays constant: files stream from the blob store into `out`.
///
/// # Errors
/// A file cannot be opened or is not what came in, or `out` refuses.
pub async fn write<W: Write + Send + 'static>(app: AppState, dossier: Dossier, out: W) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Handle::current();
    let writing = move || -> anyhow::Result<()> {
        let mut archive = Archive::new(out);
        archive.add("dossier.json", &serde_json::to_vec_pretty(&dossier)?)?;
        archive.add("index.html", page(&dossier)?.as_bytes())?;
        for file in &dossier.files {
            archive.attachment(&app, &runtime, &file.path, file.id)?;
        }
        let head = json!({ "generatedAt": dossier.generated_at, "caseNumber": dossier.case_number });
        archive.finish(head, true)
    };
    tokio::task::spawn_blocking(writing).await.context("the archive's writer died")?
}

fn page(dossier: &Dossier) -> anyhow::Result<String> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_template("dossier.html", include_str!("dossier.html"))?;
    let page = environment.get_template("dossier.html")?;
    Ok(page.render(context! { dossier => minijinja::value::Serde(dossier) })?)
}
