//! Why records of a list are refused, said no more often than somebody reads it: a file may have millions of them.

use super::record::Record;

/// For how many records of a list it is said why they are refused; the others are counted.
const MAX_REASONS: usize = 1_000;

/// Records, each with its line or row if it has one, or why it is none.
pub(super) type Numbered = (Option<usize>, Result<Record, String>);

/// The records of a list, with no more reasons for those that are refused than somebody reads. `of` says which list
/// (`of `rows` `).
pub(super) fn with_few_reasons(records: impl Iterator<Item = Numbered>, of: &str) -> Vec<Numbered> {
    let mut refused = 0;
    let mut read: Vec<Numbered> = records
        .filter(|(_, record)| {
            refused += usize::from(record.is_err());
            record.is_ok() || refused <= MAX_REASONS
        })
        .collect();
    if refused > MAX_REASONS {
        let more = format!("{} more records {of}are refused", refused - MAX_REASONS);
        read.push((None, Err(more)));
    }
    read
}
