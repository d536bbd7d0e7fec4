//! The export as a ZIP: data.json, a readable index.html, the files, and a manifest with their checksums.

use std::io::Write;

use anyhow::Context as _;
use minijinja::{AutoEscape, Environment, context};
use serde_json::json;

use super::export::Export;
use crate::evidence::archive::Archive;
use crate::state::AppState;

/// Writes the archive. Memory stays constant: files stream from the blob store into `out`.
///
/// # Errors
/// A file cannot be opened, or `out` refuses.
pub async fn write<W: Write + Send + 'static>(app: AppState, export: Export, out: W) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Handle::current();
    let writing = move || -> anyhow::Result<()> {
        let mut archive = Archive::new(out);
        archive.add("data.json", &serde_json::to_vec_pretty(&export)?)?;
        archive.add("index.html", page(&export)?.as_bytes())?;
        for file in &export.files {
            archive.attachment(&app, &runtime, &file.path, file.id)?;
        }
        archive.finish(json!({ "generatedAt": export.generated_at }), false)
    };
    tokio::task::spawn_blocking(writing).await.context("the archive's writer died")?
}

fn page(export: &Export) -> anyhow::Result<String> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_template("index.html", include_str!("index.html"))?;
    Ok(environment.get_template("index.html")?.render(context! { export => minijinja::value::Serde(export) })?)
}
