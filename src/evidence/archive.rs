//! A ZIP with photos and videos: written as a stream, with a manifest of the checksums of all that is in it.

use std::io::Write;

use anyhow::Context as _;
use entity::attachments::Entity as Attachments;
use entity::ids::AttachmentId;
use futures::StreamExt as _;
use sea_orm::EntityTrait as _;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::runtime::Handle;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::serve;
use crate::state::App;

/// An archive being written. Memory stays constant: files stream from the blob store into the sink.
pub struct Archive<W: Write> {
    zip: ZipWriter<zip::write::StreamWriter<W>>,
    manifest: Vec<serde_json::Value>,
}

impl<W: Write> Archive<W> {
    /// Begins an archive.
    #[must_use]
    pub fn new(out: W) -> Self {
        Self { zip: ZipWriter::new_stream(out), manifest: Vec::new() }
    }

    /// Adds a file that is at hand.
    ///
    /// # Errors
    /// The sink refuses.
    pub fn add(&mut self, path: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let mut sum = self.begin(path)?;
        sum.update(bytes);
        self.zip.write_all(bytes)?;
        self.end(path, &sum.finalize());
        Ok(())
    }

    /// Adds a photo or video, opened while it streams. For a thread of its own that may wait.
    ///
    /// # Errors
    /// The attachment has gone or does not open, its bytes are not those of its intake, or the sink refuses.
    pub fn attachment(&mut self, app: &App, runtime: &Handle, path: &str, id: AttachmentId) -> anyhow::Result<()> {
        let mut sum = self.begin(path)?;
        let (at_intake, mut bytes) = runtime.block_on(async {
            let attachment = Attachments::find_by_id(id).one(app.db.read()).await?;
            let attachment = attachment.with_context(|| format!("{path} has gone meanwhile"))?;
            let bytes = serve::bytes(app, &attachment).await?;
            anyhow::Ok((attachment.content_hash, Box::pin(bytes)))
        })?;
        // Written outside `block_on`: the sink may itself wait for a reader on the runtime.
        while let Some(some) = runtime.block_on(bytes.next()) {
            let some = some?;
            sum.update(&some);
            self.zip.write_all(&some)?;
        }
        let sum = sum.finalize();
        if at_intake.is_some_and(|hash| hash != sum.as_slice()) {
            anyhow::bail!("the bytes of {path} are not those that came in");
        }
        self.end(path, &sum);
        Ok(())
    }

    /// Adds `manifest.json` and ends the archive; with `sealed`, the checksum of the manifest lies beside it in
    /// `manifest.json.sha256`.
    ///
    /// # Errors
    /// The sink refuses.
    pub fn finish(mut self, mut head: serde_json::Value, sealed: bool) -> anyhow::Result<()> {
        head["files"] = json!(self.manifest);
        let manifest = serde_json::to_vec_pretty(&head)?;
        self.add("manifest.json", &manifest)?;
        if sealed {
            let line = format!("{}  manifest.json\n", hex(&Sha256::digest(&manifest)));
            self.add("manifest.json.sha256", line.as_bytes())?;
        }
        self.zip.finish()?.into_inner().flush()?;
        Ok(())
    }

    fn begin(&mut self, path: &str) -> anyhow::Result<Sha256> {
        // Large files are allowed; photos and videos do not compress.
        let options = SimpleFileOptions::default().large_file(true);
        let method =
            if path.starts_with("files/") { zip::CompressionMethod::Stored } else { zip::CompressionMethod::Deflated };
        self.zip.start_file(path, options.compression_method(method))?;
        Ok(Sha256::new())
    }

    fn end(&mut self, path: &str, sum: &[u8]) {
        self.manifest.push(json!({ "path": path, "sha256": hex(sum) }));
    }
}

/// Bytes in hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
