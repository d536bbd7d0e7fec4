//! The chain over the ledger: a line ends with a hash over its text and the hash of the line before.

use anyhow::{Context as _, bail};
use sha2::{Digest as _, Sha256};

const BEGIN: &str = ",\"chain\":\"";
const END: &str = "\"}";
/// SHA-256 in hexadecimal digits.
const DIGITS: usize = 64;
/// How many bytes the end of a line takes.
pub(super) const TAIL: usize = BEGIN.len() + DIGITS + END.len();

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// The line of an entry that follows the one with the hash `before`; none has an empty one.
pub(super) fn link(before: &str, body: &str) -> String {
    join(body, &hash(before, body))
}

/// A line of its two parts.
pub(super) fn join(body: &str, chain: &str) -> String {
    format!("{}{}", body.strip_suffix('}').unwrap_or(body), end(chain))
}

/// How a line with this hash ends.
pub(super) fn end(chain: &str) -> String {
    format!("{BEGIN}{chain}{END}")
}

/// The entry's text and its hash.
pub(super) fn parts(line: &str) -> Option<(String, &str)> {
    let (body, tail) = line.split_at_checked(line.len().checked_sub(TAIL)?)?;
    let chain = tail.strip_prefix(BEGIN)?.strip_suffix(END)?;
    chain.bytes().all(|b| b.is_ascii_hexdigit()).then(|| (format!("{body}}}"), chain))
}

fn hash(before: &str, body: &str) -> String {
    hex(&Sha256::new().chain_update(before).chain_update("\n").chain_update(body).finalize())
}

/// Follows the chain from the oldest line that is left.
#[derive(Default)]
pub(super) struct Walk {
    before: Option<String>,
    lines: u64,
}

impl Walk {
    /// Takes the next line and hands on its text and hash.
    pub(super) fn step(
        &mut self,
        line: &str,
        each: &mut impl FnMut(&str, &str) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        self.lines += 1;
        let damaged = || format!("line {} of the erasure ledger is damaged", self.lines);
        let (body, chain) = parts(line).with_context(damaged)?;
        // What came before the oldest line is past its period, so that only later lines can be checked.
        if let Some(before) = &self.before
            && hash(before, &body) != chain
        {
            bail!("{}: it does not follow from the line before", damaged());
        }
        each(&body, chain).with_context(damaged)?;
        self.before = Some(chain.to_owned());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(lines: &[String]) -> anyhow::Result<usize> {
        let (mut walk, mut count) = (Walk::default(), 0);
        for line in lines {
            walk.step(line, &mut |_, _| {
                count += 1;
                Ok(())
            })?;
        }
        Ok(count)
    }

    #[test]
    fn a_line_that_is_changed_moved_or_missing_is_noticed() {
        let mut lines = Vec::new();
        let mut before = String::new();
        for body in ["{\"a\":1}", "{\"a\":{\"b\":2}}", "{\"a\":3}"] {
            let line = link(&before, body);
            let (read, chain) = parts(&line).unwrap();
            assert_eq!(read, body);
            before = chain.to_owned();
            lines.push(line);
        }
        assert_eq!(walk(&lines).unwrap(), 3);
        assert_eq!(walk(&lines[1..]).unwrap(), 2, "what is past its period is gone from the front");
        assert!(walk(&[lines[0].clone(), lines[2].clone()]).is_err(), "missing");
        assert!(walk(&[lines[0].clone(), lines[2].clone(), lines[1].clone()]).is_err(), "moved");
        lines[1] = lines[1].replace(":2", ":4");
        assert!(walk(&lines).unwrap_err().to_string().contains("line 2"), "changed");
    }
}
