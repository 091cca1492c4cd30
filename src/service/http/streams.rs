//! What is more than one message: a batch's answers as server-sent events, an import as lines of JSON.

use std::convert::Infallible;

use axum::body::{Body, Bytes};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{FutureExt as _, Stream, StreamExt, stream};

use super::json;
use crate::error::{Error, Fault, Result};
use crate::service::drained::cut_off;
use crate::service::intake::{LARGE, reading_json};
use crate::service::refusal::Refusal;
use crate::service::{convert, wire};

/// Articles of an import that are handed on together.
const TOGETHER: usize = 64;
/// Bytes of lines that are handed on together.
const TOGETHER_BYTES: usize = 256 << 10;

/// The answers of a batch, each an event as soon as it is there; the last event says `end`, or `error` with why it
/// ends.
pub fn events(items: impl Stream<Item = Result<(usize, Result<Vec<u8>>)>> + Send + 'static) -> Response {
    // It breaks off once; nothing comes behind that.
    let mut has_failed = false;
    let items = items.map(Some).chain(stream::once(async { None }));
    let events = items
        .take_while(move |item| {
            let goes_on = !has_failed;
            has_failed = matches!(item, Some(Err(_)));
            std::future::ready(goes_on)
        })
        .map(|item| match item {
            Some(Ok((index, Ok(answer)))) => {
                let answer = String::from_utf8_lossy(&answer);
                let data = format!(r#"{{"index":{index},"response":{answer}}}"#);
                Event::default().id(index.to_string()).data(data)
            }
            Some(Ok((index, Err(error)))) => {
                let item = json::write(convert::batch_item(index, Err(error))).unwrap_or_default();
                Event::default()
                    .id(index.to_string())
                    .data(String::from_utf8_lossy(&item))
            }
            Some(Err(error)) => {
                let refusal = serde_json::to_string(&Refusal::new(&error)).unwrap_or_default();
                Event::default().event("error").data(refusal)
            }
            None => Event::default().event("end").data("{}"),
        });
    Sse::new(events.map(Ok::<_, Infallible>))
        .keep_alive(KeepAlive::default())
        .into_response()
}

/// The articles of a body, one a line, as messages of an import of this source; empty lines are passed over. Takes in
/// no more than it hands on, so a client that is faster than indexing is held back.
pub fn articles(
    body: Body,
    source: String,
    most_bytes: usize,
) -> impl Stream<Item = Result<wire::ImportArticlesRequest>> + Send {
    let reader = Lines {
        parts: body.into_data_stream(),
        rest: Vec::new(),
        at: 0,
        searched: 0,
        number: 0,
        most_bytes,
        has_ended: false,
        failed: None,
    };
    stream::unfold((reader, Some(source)), |(mut reader, mut source)| async move {
        let message = reader.next_message().await.transpose()?;
        let message = message.map(|articles| wire::ImportArticlesRequest {
            // Named once, as the protocol has it.
            source: source.take().map(|name| wire::Source { name, folder: None }),
            articles,
        });
        Some((message, (reader, source)))
    })
}

struct Lines<S> {
    parts: S,
    /// Read from the network.
    rest: Vec<u8>,
    /// How much of it was handed on.
    at: usize,
    /// Up to where no line ends in what was not.
    searched: usize,
    /// Lines handed on.
    number: usize,
    most_bytes: usize,
    has_ended: bool,
    /// Why it cannot be read on, while what was read before is handed on.
    failed: Option<Error>,
}

impl<S: Stream<Item = Result<Bytes, axum::Error>> + Unpin> Lines<S> {
    /// Some articles; none at the end. A failure comes after the articles before it.
    async fn next_message(&mut self) -> Result<Option<Vec<wire::Article>>> {
        if let Some(failed) = self.failed.take() {
            return Err(failed);
        }
        let mut articles = Vec::new();
        if let Err(failed) = self.fill(&mut articles).await {
            // Nothing behind it is read.
            self.rest.clear();
            (self.at, self.searched, self.has_ended) = (0, 0, true);
            if articles.is_empty() {
                return Err(failed);
            }
            self.failed = Some(failed);
        }
        Ok((!articles.is_empty()).then_some(articles))
    }

    async fn fill(&mut self, articles: &mut Vec<wire::Article>) -> Result<()> {
        let mut bytes = 0;
        loop {
            while let Some(length) = self.rest[self.searched..].iter().position(|&byte| byte == b'\n') {
                let end = self.searched + length + 1;
                let line = self.at..end;
                (self.at, self.searched) = (end, end);
                self.number += 1;
                if let Some(article) = article(&self.rest[line.clone()], self.number).await? {
                    bytes += line.len();
                    articles.push(article);
                }
                if articles.len() >= TOGETHER || bytes >= TOGETHER_BYTES {
                    return Ok(());
                }
            }
            if self.has_ended {
                return Ok(());
            }
            // Once for each part, however many lines it had.
            self.rest.drain(..self.at);
            (self.at, self.searched) = (0, self.rest.len());
            if self.rest.len() > self.most_bytes {
                let (line, most) = (self.number + 1, self.most_bytes);
                let error = Error::new(Fault::TooLarge, format!("line {line}: is larger than {most} bytes"));
                return Err(error.help("shorten the article, or have the service take more (`max_write_bytes`)"));
            }
            // What is there is handed on before it is waited for more: who sends slowly, or no more, has it taken.
            let next = if articles.is_empty() {
                self.parts.next().await
            } else {
                match self.parts.next().now_or_never() {
                    Some(next) => next,
                    None => return Ok(()),
                }
            };
            match next {
                Some(part) => {
                    let part = part.map_err(|cause| cut_off(&cause))?;
                    self.rest.extend_from_slice(&part);
                }
                None => {
                    self.has_ended = true;
                    self.rest.push(b'\n');
                }
            }
        }
    }
}

/// The same as [`read`], a long line in a thread that may take its time.
async fn article(line: &[u8], number: usize) -> Result<Option<wire::Article>> {
    if line.len() < LARGE {
        return read(line, number);
    }
    reading_json(line.to_vec(), move |line| read(line, number)).await
}

/// The article of a line, none if the line is empty.
fn read(line: &[u8], number: usize) -> Result<Option<wire::Article>> {
    // Some programs begin a text in UTF-8 with it.
    let line = line
        .strip_prefix(b"\xef\xbb\xbf")
        .filter(|_| number == 1)
        .unwrap_or(line);
    match line.trim_ascii() {
        [] => Ok(None),
        line => json::read("Article", line).map(Some).map_err(|error| {
            let help = "one article a line; mend the line and send it and the rest in another call";
            Error::new(error.fault(), format!("line {number}: {}", error.message())).help(help)
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn messages_of(body: &str, most: usize) -> Vec<Result<wire::ImportArticlesRequest>> {
        let parts: Vec<_> = body
            .as_bytes()
            .chunks(7)
            .map(|part| Ok::<_, Infallible>(part.to_vec()))
            .collect();
        let body = Body::from_stream(stream::iter(parts));
        articles(body, "甲".into(), most).collect().await
    }

    #[tokio::test]
    async fn the_last_event_says_whether_it_is_the_end() {
        let check = async |items: Vec<Result<(usize, Result<Vec<u8>>)>>, expected: &[&str]| {
            let body = events(stream::iter(items)).into_body();
            let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
            let said = String::from_utf8(bytes.to_vec()).unwrap();
            let named: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
            assert_eq!(named, expected, "{said}");
        };
        let answer = || Ok((0, Ok(b"{}".to_vec())));
        let late = || Err(Error::unavailable("it breaks off"));
        check(vec![answer(), answer()], &["end"]).await;
        check(vec![answer(), late()], &["error"]).await;
        check(vec![], &["end"]).await;
    }

    #[tokio::test]
    async fn lines_are_articles_wherever_the_network_cuts_them() {
        let messages = messages_of("{\"id\":\"a\",\"title\":\"医保\"}\n\n{\"id\":\"b\"}", 1_000).await;
        let [message] = &messages[..] else {
            panic!("{messages:?}")
        };
        let message = message.as_ref().unwrap();
        assert_eq!(message.source.as_ref().unwrap().name, "甲");
        let ids: Vec<&str> = message.articles.iter().map(|article| &*article.id).collect();
        assert_eq!(ids, ["a", "b"]);
        assert_eq!(message.articles[0].title, "医保");
        let many: String = (0..200).map(|number| format!("{{\"id\":\"{number}\"}}\n")).collect();
        let blank = "\n".repeat(300_000) + "{\"id\":\"a\"}";
        assert_eq!(messages_of(&blank, 1_000).await.len(), 1);
        let sizes: Vec<_> = messages_of(&many, 1_000)
            .await
            .into_iter()
            .map(|message| message.unwrap().articles.len())
            .collect();
        assert_eq!(sizes, [64, 64, 64, 8]);
        assert!(messages_of("", 1_000).await.is_empty());
    }

    #[tokio::test]
    async fn a_bad_line_ends_it_and_is_named_after_those_before_it() {
        let check = async |body: &str, most: usize, before: usize, expected: &str| {
            let mut messages = messages_of(body, most).await;
            let error = messages.pop().unwrap().unwrap_err();
            assert!(error.message().starts_with(expected), "{error}");
            let articles = messages.into_iter().map(|message| message.unwrap().articles.len());
            assert_eq!(articles.sum::<usize>(), before, "{body}");
        };
        check(
            "{\"id\":\"a\"}\n{\"idd\":\"b\"}\n{\"id\":\"c\"}\n",
            1_000,
            1,
            "line 2: idd: is not",
        )
        .await;
        check("{\"id\":\"a\"}\n{\n", 1_000, 1, "line 2: ").await;
        let many = "{\"id\":\"a\"}\n".repeat(70);
        check(&format!("{many}{{"), 1_000, 70, "line 71: ").await;
        check(&"x".repeat(3_000), 1_000, 0, "line 1: is larger").await;
        check(&format!("{many}{}", "x".repeat(3_000)), 1_000, 70, "line 71: is larger").await;
    }
}
