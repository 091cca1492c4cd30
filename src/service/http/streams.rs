//! What is more than one message: a batch's answers as server-sent events, an import as lines of JSON.

use std::convert::Infallible;

use axum::body::{Body, Bytes};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{FutureExt as _, Stream, StreamExt, stream};

use serde::de::IgnoredAny;
use serde_json::Value;

use super::json;
use crate::error::{Error, Fault, Result};
use crate::service::drained::cut_off;
use crate::service::import::Part;
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

/// The articles of a body, one a line, as parts of an import of this source; empty lines are passed over. A line that
/// is JSON and no article costs itself alone; one that is no JSON ends the import, since the body is not what it should
/// be. Takes in no more than it hands on, so a client that is faster than indexing is held back.
pub fn articles(body: Body, source: String, most_bytes: usize) -> impl Stream<Item = Result<Part>> + Send {
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
        let mut part = reader.next_part().await.transpose()?;
        if let Ok(part) = &mut part {
            // Named once, as the protocol has it.
            part.message.source = source.take().map(|name| wire::Source { name, folder: None });
        }
        Some((part, (reader, source)))
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
    async fn next_part(&mut self) -> Result<Option<Part>> {
        if let Some(failed) = self.failed.take() {
            return Err(failed);
        }
        let mut part = Part::default();
        if let Err(failed) = self.fill(&mut part).await {
            // Nothing behind it is read.
            self.rest.clear();
            (self.at, self.searched, self.has_ended) = (0, 0, true);
            if lines(&part) == 0 {
                return Err(failed);
            }
            self.failed = Some(failed);
        }
        Ok((lines(&part) > 0).then_some(part))
    }

    async fn fill(&mut self, part: &mut Part) -> Result<()> {
        let mut bytes = 0;
        loop {
            while let Some(length) = self.rest[self.searched..].iter().position(|&byte| byte == b'\n') {
                let end = self.searched + length + 1;
                let line = self.at..end;
                (self.at, self.searched) = (end, end);
                self.number += 1;
                match read_line(&self.rest[line.clone()], self.number).await? {
                    Line::Empty => continue,
                    Line::Article(article) => part.message.articles.push(article),
                    Line::Refused(id, error) => part.refused.push((id, error)),
                }
                bytes += line.len();
                if lines(part) >= TOGETHER || bytes >= TOGETHER_BYTES {
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
            let next = if lines(part) == 0 {
                self.parts.next().await
            } else {
                match self.parts.next().now_or_never() {
                    Some(next) => next,
                    None => return Ok(()),
                }
            };
            match next {
                Some(bytes) => {
                    let bytes = bytes.map_err(|cause| cut_off(&cause))?;
                    self.rest.extend_from_slice(&bytes);
                }
                None => {
                    self.has_ended = true;
                    self.rest.push(b'\n');
                }
            }
        }
    }
}

/// What a line is.
enum Line {
    Empty,
    Article(wire::Article),
    /// JSON that is no article, with the id that it may have.
    Refused(String, Error),
}

/// How many lines a part is of.
fn lines(part: &Part) -> usize {
    part.message.articles.len() + part.refused.len()
}

/// The same as [`read`], a long line in a thread that may take its time.
async fn read_line(line: &[u8], number: usize) -> Result<Line> {
    if line.len() < LARGE {
        return read(line, number);
    }
    reading_json(line.to_vec(), move |line| read(line, number)).await
}

/// # Errors
/// `Caller` if the line is no JSON.
fn read(line: &[u8], number: usize) -> Result<Line> {
    // Some programs begin a text in UTF-8 with it.
    let line = line
        .strip_prefix(b"\xef\xbb\xbf")
        .filter(|_| number == 1)
        .unwrap_or(line);
    let line = line.trim_ascii();
    if line.is_empty() {
        return Ok(Line::Empty);
    }
    let refused = match json::read("Article", line) {
        Ok(article) => return Ok(Line::Article(article)),
        Err(refused) => Error::new(refused.fault(), format!("line {number}: {}", refused.message())),
    };
    // Halves of characters and numbers that are none are JSON all the same: they are looked over, not read.
    if serde_json::from_slice::<IgnoredAny>(line).is_err() {
        return Err(refused.help("one article a line; mend the line and send it and the rest in another call"));
    }
    let fields: Option<Value> = serde_json::from_slice(line).ok();
    let id = fields.and_then(|fields| Some(fields.get("id")?.as_str()?.to_owned()));
    Ok(Line::Refused(
        id.unwrap_or_default(),
        refused.help("mend the line and send it again"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn parts_of(body: &str, most: usize) -> Vec<Result<Part>> {
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
        let parts = parts_of("{\"id\":\"a\",\"title\":\"医保\"}\n\n{\"id\":\"b\"}", 1_000).await;
        let [part] = &parts[..] else { panic!("{parts:?}") };
        let message = &part.as_ref().unwrap().message;
        assert_eq!(message.source.as_ref().unwrap().name, "甲");
        let ids: Vec<&str> = message.articles.iter().map(|article| &*article.id).collect();
        assert_eq!(ids, ["a", "b"]);
        assert_eq!(message.articles[0].title, "医保");
        let many: String = (0..200).map(|number| format!("{{\"id\":\"{number}\"}}\n")).collect();
        let blank = "\n".repeat(300_000) + "{\"id\":\"a\"}";
        assert_eq!(parts_of(&blank, 1_000).await.len(), 1);
        let sizes: Vec<_> = parts_of(&many, 1_000)
            .await
            .into_iter()
            .map(|part| lines(&part.unwrap()))
            .collect();
        assert_eq!(sizes, [64, 64, 64, 8]);
        assert!(parts_of("", 1_000).await.is_empty());
    }

    #[tokio::test]
    async fn a_line_that_is_no_article_costs_itself_alone() {
        let body = "{\"id\":\"a\"}\n{\"idd\":\"b\"}\n{\"id\":\"c\",\"text\":3}\n{\"id\":\"d\"}\n";
        let [Ok(part)] = &parts_of(body, 1_000).await[..] else {
            panic!("more than one part")
        };
        let ids: Vec<&str> = part.message.articles.iter().map(|article| &*article.id).collect();
        assert_eq!(ids, ["a", "d"]);
        let refused: Vec<(&str, &str)> = (part.refused.iter())
            .map(|(id, error)| (&**id, error.message()))
            .collect();
        let expected = [
            ("", "line 2: idd: is not a field of this call"),
            ("c", "line 3: text: `3` is not a text"),
        ];
        assert_eq!(refused, expected);
    }

    #[tokio::test]
    async fn a_line_that_is_no_json_ends_it_and_is_named_after_those_before_it() {
        let check = async |body: &str, most: usize, before: usize, expected: &str| {
            let mut parts = parts_of(body, most).await;
            let error = parts.pop().unwrap().unwrap_err();
            assert!(error.message().starts_with(expected), "{error}");
            let lines = parts.into_iter().map(|part| lines(&part.unwrap()));
            assert_eq!(lines.sum::<usize>(), before, "{body}");
        };
        check("{\"id\":\"a\"}\n{\n", 1_000, 1, "line 2: ").await;
        let many = "{\"id\":\"a\"}\n".repeat(70);
        check(&format!("{many}{{"), 1_000, 70, "line 71: ").await;
        check(&"x".repeat(3_000), 1_000, 0, "line 1: is larger").await;
        check(&format!("{many}{}", "x".repeat(3_000)), 1_000, 70, "line 71: is larger").await;
    }
}
