//! The export as a ZIP: data.json, a readable index.html, the files, and a manifest with their checksums.

use std::io::Write;

use anyhow::Context as _;
use entity::attachments::Entity as Attachments;
use futures::StreamExt as _;
use minijinja::{AutoEscape, Environment, context};
use sea_orm::EntityTrait as _;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::export::Export;
use crate::evidence::serve;
use crate::state::AppState;

/// Writes the archive. Memory stays constant: files stream from the blob store into `out`.
///
/// # Errors
/// A file cannot be opened, or `out` refuses.
pub async fn write<W: Write + Send + 'static>(app: AppState, export: Export, out: W) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Handle::current();
    let writing = move || -> anyhow::Result<()> {
        let mut archive = Archive { zip: ZipWriter::new_stream(out), manifest: Vec::new() };
        archive.add("data.json", &serde_json::to_vec_pretty(&export)?)?;
        archive.add("index.html", page(&export)?.as_bytes())?;
        for file in &export.files {
            let mut sum = archive.begin(&file.path)?;
            let mut bytes = runtime.block_on(async {
                let attachment = Attachments::find_by_id(file.id).one(app.db.read()).await?;
                let attachment = attachment.with_context(|| format!("{} has gone meanwhile", file.path))?;
                anyhow::Ok(Box::pin(serve::bytes(&app, &attachment).await?))
            })?;
            // Written outside `block_on`: the sink may itself wait for a reader on the runtime.
            while let Some(some) = runtime.block_on(bytes.next()) {
                let some = some?;
                sum.update(&some);
                archive.zip.write_all(&some)?;
            }
            archive.end(&file.path, sum);
        }
        let manifest = json!({ "generatedAt": export.generated_at, "files": archive.manifest });
        archive.add("manifest.json", &serde_json::to_vec_pretty(&manifest)?)?;
        archive.zip.finish()?.into_inner().flush()?;
        Ok(())
    };
    tokio::task::spawn_blocking(writing).await.context("the archive's writer died")?
}

struct Archive<W: Write> {
    zip: ZipWriter<zip::write::StreamWriter<W>>,
    manifest: Vec<serde_json::Value>,
}

impl<W: Write> Archive<W> {
    fn begin(&mut self, path: &str) -> anyhow::Result<Sha256> {
        // Large files are allowed; photos and videos do not compress.
        let options = SimpleFileOptions::default().large_file(true);
        let method =
            if path.starts_with("files/") { zip::CompressionMethod::Stored } else { zip::CompressionMethod::Deflated };
        self.zip.start_file(path, options.compression_method(method))?;
        Ok(Sha256::new())
    }

    fn add(&mut self, path: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let mut sum = self.begin(path)?;
        sum.update(bytes);
        self.zip.write_all(bytes)?;
        self.end(path, sum);
        Ok(())
    }

    fn end(&mut self, path: &str, sum: Sha256) {
        let hex: String = sum.finalize().iter().map(|b| format!("{b:02x}")).collect();
        self.manifest.push(json!({ "path": path, "sha256": hex }));
    }
}

fn page(export: &Export) -> anyhow::Result<String> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_template("index.html", include_str!("index.html"))?;
    Ok(environment.get_template("index.html")?.render(context! { export => minijinja::value::Serde(export) })?)
}
