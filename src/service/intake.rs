//! How much of a call's body is held until it has come to its end, counted for its connection: what came as it came,
//! what was unpacked of it, and what was read of that. What is refused is said by `activity`, which knows what all of
//! them hold.
//!
//! Not for imports, whose messages go on as they come: the number of those calls bounds what they hold.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::activity::{Activity, Waits, no_room};
use super::metrics::Metrics;
use crate::error::{Context, Error, Fault, Result};

/// From this many bytes on a body is not read by an async worker, which others need.
pub const LARGE: usize = 64 << 10;
/// Most messages in one: each takes far more room than on its way, where a question may be two bytes.
pub const MOST_MESSAGES: usize = 200_000;
/// Most other values in one.
pub const MOST_VALUES: usize = 2_000_000;
/// Bytes that a message takes by itself, whatever it says.
const MESSAGE: usize = 512;
/// Bytes that any other value takes, with its name and the room that a list keeps to grow.
const VALUE: usize = 128;

tokio::task_local! {
    /// For whom the body is counted of the call that is answered now.
    static ACCOUNT: Option<Account>;
}

/// For whom bodies of a call are counted, as found in a request's extensions.
#[derive(Debug, Clone)]
pub struct Account {
    /// Who sends them.
    connection: Arc<Activity>,
    /// Where those that are refused are counted.
    metrics: Arc<Metrics>,
    /// Bytes that are held of this call, in whatever form.
    bytes: Arc<AtomicUsize>,
}

impl Account {
    /// Of a new call.
    pub fn new(connection: Arc<Activity>, metrics: Arc<Metrics>) -> Self {
        Account {
            connection,
            metrics,
            bytes: Arc::default(),
        }
    }

    /// Of the call that is answered now, if it is counted.
    fn now() -> Option<Account> {
        ACCOUNT.try_with(Clone::clone).ok().flatten()
    }

    /// The call waits for its body, until what is given back is dropped.
    pub fn waits(&self) -> Waits {
        self.connection.waits()
    }
}

/// Does the work for a call whose body is counted so; of the call of no account nothing is.
pub async fn counted<F: Future>(account: Option<Account>, work: F) -> F::Output {
    ACCOUNT.scope(account, work).await
}

/// Does what reads a body of so many bytes.
///
/// # Errors
/// `Bug` if it panics.
pub async fn reading<T: Send + 'static>(bytes: usize, read: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    if bytes < LARGE {
        return Ok(read());
    }
    tokio::task::spawn_blocking(read)
        .await
        .or_fault(Fault::Bug, "reading a body")
}

/// Reads JSON of the call that is answered now, counted as held until it is read.
///
/// # Errors
/// As [`HeldBody::read`], and those of `read`.
pub async fn reading_json<B, T>(json: B, read: impl FnOnce(&B) -> Result<T> + Send + 'static) -> Result<T>
where
    B: AsRef<[u8]> + Send + 'static,
    T: Send + 'static,
{
    let account = Account::now();
    reading(json.as_ref().len(), move || {
        let bytes = json.as_ref();
        let _held = HeldBody::of(account, bytes.len(), Parts::of_json(bytes))?;
        read(&json)
    })
    .await?
}

/// What of a message takes more room when it is read than on its way.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Parts {
    /// Messages in it, however deep.
    pub messages: usize,
    /// Texts, numbers and lists.
    pub values: usize,
}

impl Parts {
    /// Of JSON: an object may be a message, and each further value stands behind a comma or begins a list.
    fn of_json(json: &[u8]) -> Parts {
        let (mut parts, mut bytes) = (Parts::default(), json.iter());
        while let Some(byte) = bytes.next() {
            match byte {
                b'{' => parts.messages += 1,
                b'[' | b',' => parts.values += 1,
                b'"' => skip_text(&mut bytes),
                _ => {}
            }
        }
        parts
    }

    /// Whether there are more than are read.
    pub fn are_too_many(self) -> bool {
        self.check().is_err()
    }

    fn check(self) -> Result<()> {
        for (number, most, what) in [
            (self.messages, MOST_MESSAGES, "other messages"),
            (self.values, MOST_VALUES, "texts, numbers and lists"),
        ] {
            if number > most {
                return Err(
                    Error::caller(format!("the message holds too many {what}: at most {most} are read"))
                        .help("send them in several calls"),
                );
            }
        }
        Ok(())
    }

    fn bytes(self) -> usize {
        self.messages * MESSAGE + self.values * VALUE
    }
}

/// Goes on behind a text of JSON that has begun.
fn skip_text(bytes: &mut std::slice::Iter<'_, u8>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return,
            // What comes next ends nothing.
            b'\\' => {
                bytes.next();
            }
            _ => {}
        }
    }
}

/// A body, packed, unpacked or read, and how much is held of it; dropping it lets go of that.
#[derive(Debug)]
pub struct HeldBody {
    account: Account,
    bytes: usize,
}

impl HeldBody {
    /// Nothing of it so far.
    pub fn new(account: Account) -> Self {
        HeldBody { account, bytes: 0 }
    }

    /// So many bytes of the call that is answered now that are about to become a message with these parts; `None` if it
    /// is not counted.
    ///
    /// # Errors
    /// `Exhausted` if they would leave too little room for others, `Caller` if the parts are too many.
    pub fn read(bytes: usize, parts: Parts) -> Result<Option<HeldBody>> {
        HeldBody::of(Account::now(), bytes, parts)
    }

    fn of(account: Option<Account>, bytes: usize, parts: Parts) -> Result<Option<HeldBody>> {
        parts.check()?;
        let Some(account) = account else {
            return Ok(None);
        };
        let mut held = HeldBody::new(account);
        held.take(bytes + parts.bytes())?;
        Ok(Some(held))
    }

    /// The same of JSON.
    ///
    /// # Errors
    /// As [`HeldBody::read`].
    pub fn read_json(json: &[u8]) -> Result<Option<HeldBody>> {
        HeldBody::read(json.len(), Parts::of_json(json))
    }

    /// So many bytes more.
    ///
    /// # Errors
    /// `Exhausted` if they would leave too little room for others.
    pub fn take(&mut self, bytes: usize) -> Result<()> {
        let account = &self.account;
        let before = account.bytes.load(Ordering::Relaxed);
        let taken = account.connection.take_in(bytes, before);
        taken.inspect_err(|_| account.metrics.refused("body"))?;
        account.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.bytes += bytes;
        Ok(())
    }

    /// Whether it may be held on.
    ///
    /// # Errors
    /// `Exhausted` if it must give way to somebody else's.
    pub fn check(&self) -> Result<()> {
        if self.account.connection.gives_way() {
            self.account.metrics.refused("body");
            return Err(no_room());
        }
        Ok(())
    }
}

impl Drop for HeldBody {
    fn drop(&mut self) {
        self.account.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
        self.account.connection.let_go(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::service::wire;

    #[test]
    fn what_is_in_a_message_takes_no_more_than_is_counted() {
        let check = |size: usize, most: usize| assert!(size <= most, "{size}");
        check(size_of::<wire::SearchRequest>(), MESSAGE);
        check(size_of::<wire::Article>(), MESSAGE);
        // A list that grows may have room for twice as many.
        check(2 * size_of::<(String, Value)>(), VALUE);
        check(2 * size_of::<wire::FieldFilter>(), MESSAGE);
    }

    #[test]
    fn what_json_holds_is_counted_and_what_its_texts_say_is_not() {
        let check = |json: &str, messages: usize, values: usize| {
            assert_eq!(Parts::of_json(json.as_bytes()), Parts { messages, values }, "{json}");
        };
        check(r#"{"requests": [{}, {"filter": {"years": [1, 2, 3]}}]}"#, 4, 5);
        check(r#"{"text": "{[,\"{[,\\", "title": "\\\"{"}"#, 1, 1);
        check(r#"{"text": "{{{{"#, 1, 0);
        check(r#""\"#, 0, 0);
        check("", 0, 0);
        assert!(!Parts::of_json("{".repeat(MOST_MESSAGES).as_bytes()).are_too_many());
        assert!(Parts::of_json("{".repeat(MOST_MESSAGES + 1).as_bytes()).are_too_many());
        assert!(Parts::of_json("0,".repeat(MOST_VALUES + 1).as_bytes()).are_too_many());
    }
}
