//! How often a token may call: each call counts before it is read, and each further question of a batch when it was.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use super::tokens::{Entry, TooMany};
use crate::error::{Error, Fault, Result};
use crate::service::metrics::Metrics;

/// Whose questions are counted, and where those are that are refused.
#[derive(Debug, Clone)]
pub struct Counted {
    /// The token that was shown.
    pub entry: Arc<Entry>,
    /// Where refusals are counted.
    pub metrics: Arc<Metrics>,
}

tokio::task_local! {
    static COUNTED: Counted;
}

/// Does the work for a call with this token, if it has one.
pub async fn counting<F: Future>(counted: Option<Counted>, work: F) -> F::Output {
    match counted {
        Some(counted) => COUNTED.scope(counted, work).await,
        None => work.await,
    }
}

/// Why a call is refused that may come again after a while.
pub fn too_often(name: &str, wait: Duration) -> Error {
    Error::new(
        Fault::Exhausted,
        format!("the token `{name}` has called as often as it may"),
    )
    .help(format!("call again in {} ms", wait.as_millis() + 1))
}

/// Counts the questions of this call, of which the call itself was one.
///
/// # Errors
/// `Exhausted` if its token may not ask so many yet, or never at once.
pub fn count_questions(questions: usize) -> Result<()> {
    let Ok(Counted { entry, metrics }) = COUNTED.try_with(Clone::clone) else {
        return Ok(());
    };
    let further = u32::try_from(questions.saturating_sub(1)).unwrap_or(u32::MAX);
    let Some(further) = NonZeroU32::new(further) else {
        return Ok(());
    };
    let counted = entry.count_many(further).map_err(|too_many| match too_many {
        // The call that comes again counts itself, too.
        TooMany::Wait(wait) => too_often(&entry.name, wait + entry.each()),
        TooMany::AtOnce(most) => Error::new(
            Fault::Exhausted,
            format!(
                "the token `{}` may ask {most} questions a second, and these are {questions}",
                entry.name
            ),
        )
        .help(format!("send {most} in a call at the most")),
    });
    counted.inspect_err(|_| metrics.refused("rate"))
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;
    use crate::service::access::{NewToken, Tokens};

    #[test]
    fn questions_of_a_batch_are_counted_like_calls() {
        let new = NewToken::make("shop", "search", Some(100)).unwrap();
        let tokens = Tokens::parse(&new.line).unwrap();
        let counted = Counted {
            entry: tokens.find(new.token.as_bytes()).unwrap(),
            metrics: Arc::default(),
        };
        let count = |questions| {
            let work = async { count_questions(questions) };
            counting(Some(counted.clone()), work).now_or_never().unwrap()
        };
        // The clock gives some of it back meanwhile, but never all of it to each of so many.
        let refused = (0..1_000).find_map(|_| count(100).err()).unwrap();
        assert!(refused.message().contains("as often as it may"), "{refused}");
        assert_eq!(refused.fault(), Fault::Exhausted);
        // The call itself counts, too, so that many more never come together with it.
        for beyond in [101, 1_000] {
            let beyond = count(beyond).unwrap_err();
            assert!(beyond.message().contains("may ask 100 questions a second"), "{beyond}");
        }
        assert!(count(1).is_ok(), "it was counted as a call");
        assert!(count_questions(1_000).is_ok(), "without a token there is no rate");
        assert!(
            counted
                .metrics
                .text()
                .contains("baowen_refused_total{reason=\"rate\"} 3")
        );
    }
}
