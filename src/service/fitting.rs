//! How much of an answer goes out: no message is larger than the service sends, and whoever wants the rest is told
//! where it begins. Decides by the bytes of the message in protobuf; knows nothing of where answers come from.

use prost::Message;

use super::{convert, wire};
use crate::error::{Error, Fault, Result};
use crate::search::response::{SearchResponse, Timings};

/// Bytes that a message takes beside what it says.
const ENVELOPE: usize = 64;
/// Bytes that an entry of a list takes beside what it says: its tag and its length.
const ENTRY: usize = 8;

/// The answer as it goes out, with as many of its hits as fit, and where to go on if they are not all.
///
/// # Errors
/// `Precondition` if not one hit fits: tonic would say so too, but not what helps.
pub fn hits(answer: &SearchResponse, timings: &Timings, offset: usize, limit: usize) -> Result<wire::SearchResponse> {
    let mut message = convert::response(answer, timings);
    // An item of a batch carries a few bytes more, as `next_offset` does.
    let mut bytes = message.encoded_len().saturating_add(ENVELOPE);
    while bytes > limit && message.hits.len() > 1 {
        // Of its length and its tag a hit takes some bytes more, which only makes the sum too large.
        bytes -= message.hits.pop().map_or(0, |hit| hit.encoded_len());
    }
    if bytes > limit {
        return Err(too_small(bytes, limit));
    }
    let given = message.hits.len();
    if given < answer.hits.len() {
        message.next_offset = u32::try_from(offset + given).ok();
    }
    Ok(message)
}

/// An article as it goes out, with as much of its text as was asked for and fits, and where to go on.
///
/// # Errors
/// `Caller` by the field; `Precondition` if what is known of the article leaves its text no room.
pub fn article(
    mut whole: wire::GetArticleResponse,
    asked: &wire::GetArticleRequest,
    limit: usize,
) -> Result<wire::GetArticleResponse> {
    let start = asked.start.map_or(0, convert::size);
    let most = asked.max_characters.map_or(usize::MAX, convert::size);
    if most == 0 {
        return Err(Error::caller("max_characters: is 0, must be 1 at least"));
    }
    let text = std::mem::take(&mut whole.text);
    let begin_of = |place: &wire::PassagePlace| place.span.as_ref().map_or(0, |span| convert::size(span.start));
    let mut places = std::mem::take(&mut whole.passages).into_iter().peekable();
    while places.next_if(|place| begin_of(place) < start).is_some() {}
    let mut bytes = whole.encoded_len().saturating_add(ENVELOPE);
    let mut characters = text.char_indices().enumerate().skip(start).peekable();
    let Some((_, (first, _))) = characters.peek().copied() else {
        let count = text.chars().count();
        return match start {
            start if start > count => Err(Error::caller(format!(
                "start: is {start}, and the text has {count} characters"
            ))),
            _ => {
                // An article of a title alone has one passage without text.
                whole.passages = places.collect();
                Ok(whole)
            }
        };
    };
    for (at, (byte, character)) in characters {
        let begin_here = whole.passages.len();
        while let Some(place) = places.next_if(|place| begin_of(place) <= at) {
            bytes += place.encoded_len() + ENTRY;
            whole.passages.push(place);
        }
        bytes += character.len_utf8();
        if bytes > limit && at == start {
            return Err(too_small(bytes, limit));
        }
        if bytes > limit || at - start == most {
            whole.passages.truncate(begin_here);
            whole.text = text[first..byte].to_owned();
            whole.next_start = u32::try_from(at).ok();
            return Ok(whole);
        }
    }
    whole.text = text[first..].to_owned();
    Ok(whole)
}

/// Not even the smallest part of an answer fits, which does not change by asking again.
fn too_small(bytes: usize, limit: usize) -> Error {
    Error::new(
        Fault::Precondition,
        format!("the smallest part of this answer takes {bytes} bytes, at most {limit} are sent"),
    )
    .help("start the service with a larger `max_response_bytes`")
}

#[cfg(test)]
mod tests {
    use super::super::tests::full_answer;
    use super::*;

    /// Whatever the limit, following `next_offset` gives every hit once.
    #[test]
    fn an_answer_that_is_too_large_is_given_in_parts() {
        let hit = full_answer().hits.remove(0);
        let whole = SearchResponse {
            hits: (0..50)
                .map(|number| crate::search::response::Hit {
                    article_id: number.to_string(),
                    text: "医".repeat(number * 7),
                    ..hit.clone()
                })
                .collect(),
            ..full_answer()
        };
        let ids = |hits: &[wire::Hit]| hits.iter().map(|hit| hit.article_id.clone()).collect::<Vec<_>>();
        let expected = ids(&convert::response(&whole, &whole.timings).hits);
        for limit in [2_500, 5_000, 20_000, 1 << 20] {
            let (mut found, mut offset) = (Vec::new(), 0);
            loop {
                let rest = SearchResponse {
                    hits: whole.hits[offset..].to_vec(),
                    ..whole.clone()
                };
                let part = hits(&rest, &whole.timings, offset, limit).unwrap();
                assert!(part.encoded_len() + 32 <= limit, "{limit}");
                found.extend(ids(&part.hits));
                match part.next_offset {
                    Some(next) => offset = next as usize,
                    None => break,
                }
            }
            assert_eq!(found, expected, "{limit}");
        }
        let error = hits(&whole, &whole.timings, 0, 500).unwrap_err();
        assert_eq!(error.fault(), Fault::Precondition);
    }

    /// Whatever is asked for and whatever fits, the parts are the whole: each character and each passage once.
    #[test]
    fn an_article_that_is_too_large_is_given_in_parts() {
        let text: String = ('一'..).take(3_000).collect();
        let place = |number: u32| wire::PassagePlace {
            passage_id: format!("a#{number}"),
            heading: "题".repeat(number as usize % 50),
            span: Some(wire::Span {
                start: number * 100,
                end: number * 100 + 120,
            }),
        };
        let whole = wire::GetArticleResponse {
            article_id: "a".into(),
            title: "甲".into(),
            text: text.clone(),
            passages: (0..30).map(place).collect(),
            ..Default::default()
        };
        for (limit, most) in [
            (700, None),
            (4_000, None),
            (1 << 20, None),
            (1 << 20, Some(7)),
            (900, Some(40)),
        ] {
            let (mut read, mut passages, mut start) = (String::new(), Vec::new(), Some(0));
            while start.is_some() {
                let asked = wire::GetArticleRequest {
                    article_id: "a".into(),
                    start,
                    max_characters: most,
                };
                let part = article(whole.clone(), &asked, limit).unwrap();
                assert!(part.encoded_len() <= limit, "{limit}");
                assert!(most.is_none_or(|most| part.text.chars().count() <= most as usize));
                assert!(part.next_start > start || part.next_start.is_none());
                read.push_str(&part.text);
                passages.extend(part.passages);
                start = part.next_start;
            }
            assert_eq!((&read, &passages), (&text, &whole.passages), "{limit} {most:?}");
        }
        let check = |start, max_characters, limit, fault, begins: &str| {
            let asked = wire::GetArticleRequest {
                article_id: "a".into(),
                start,
                max_characters,
            };
            let error = article(whole.clone(), &asked, limit).unwrap_err();
            assert_eq!(error.fault(), fault);
            assert!(error.message().starts_with(begins), "{error}");
        };
        check(Some(3_001), None, 4_000, Fault::Caller, "start: is 3001");
        check(None, Some(0), 4_000, Fault::Caller, "max_characters: is 0");
        check(None, None, 60, Fault::Precondition, "the smallest part");
        let titled = wire::GetArticleResponse {
            text: String::new(),
            passages: vec![place(0)],
            ..whole.clone()
        };
        let asked = wire::GetArticleRequest::default();
        assert_eq!(article(titled.clone(), &asked, 4_000).unwrap(), titled);
        let end = wire::GetArticleRequest {
            start: Some(3_000),
            ..Default::default()
        };
        assert_eq!(article(whole.clone(), &end, 4_000).unwrap().text, "");
    }
}
