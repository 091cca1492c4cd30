//! What was read of a file, as it goes out and as `baowen read` prints it.

use super::super::reading::FileRead;
use super::super::wire;
use super::narrow;
use crate::article::{ReadEvent, Rejected, SplitOptions, split};
use crate::index::PlacesAndYears;
use crate::model::Article;
use crate::text::{Analyzer, Region};

/// An article with what would be indexed of it.
pub fn article(core: Article, analyzer: &Analyzer) -> wire::ReadArticle {
    let passages = split(&core, &SplitOptions::default());
    let texts = passages.iter().map(|passage| passage.text.as_str());
    let about = PlacesAndYears::of_passages(&core, texts, analyzer);
    wire::ReadArticle {
        id: core.id,
        title: core.title,
        text: core.text,
        url: core.url,
        source: core.source,
        published: core.published.map(|day| day.to_string()),
        kind: core.kind.name().to_owned(),
        regions: about.regions.iter().map(Region::key).collect(),
        years: about.years.into_iter().map(u32::from).collect(),
        attributes: core.attributes,
        passages: passages
            .into_iter()
            .map(|passage| wire::ReadPassage {
                heading: passage.heading,
                start: passage.start,
                end: passage.end,
                text: passage.text,
            })
            .collect(),
    }
}

/// All that was read of a file.
pub fn file_read(core: FileRead, analyzer: &Analyzer) -> wire::ReadFileResponse {
    let mut wire = wire::ReadFileResponse {
        kept_characters: narrow(core.characters.0),
        left_out_characters: narrow(core.characters.1),
        left_off: narrow(core.left_off),
        article_count: narrow(core.articles),
        ..wire::ReadFileResponse::default()
    };
    for event in core.events {
        match event {
            ReadEvent::Article(core) => wire.articles.push(article(core, analyzer)),
            ReadEvent::LeftOut(path, left) => wire.left_out.push(wire::ReadLeftOut {
                path: path.to_string_lossy().into_owned(),
                reason: left.reason.to_owned(),
                text: left.text,
            }),
            ReadEvent::Noticed(noticed) => wire.noticed.push(skipped(noticed)),
            ReadEvent::Rejected(rejected) => wire.skipped.push(skipped(rejected)),
        }
    }
    wire
}

fn skipped(core: Rejected) -> wire::SkippedFile {
    wire::SkippedFile {
        path: core.path.to_string_lossy().into_owned(),
        line: core.line.map(narrow),
        why: core.why.name().to_owned(),
        reason: core.reason,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use super::*;
    use crate::compute::Budget;
    use crate::index::{Rules, prepare};

    #[test]
    fn places_and_years_are_those_that_an_index_stores() {
        let rules = Rules {
            analyzer: Arc::new(Analyzer::new().unwrap()),
            embedder: None,
        };
        let check = |title: &str, text: &str, published: Option<&str>, years: &[u32]| {
            let article = Article {
                id: "a".into(),
                title: title.into(),
                text: text.into(),
                published: published.map(|day| day.parse().unwrap()),
                years: vec![2020],
                ..Article::default()
            };
            let prepared = prepare(&rules, vec![(article.clone(), 0)], Budget::single());
            let stored = &prepared[0].as_ref().unwrap().passages;
            let read = super::article(article, &rules.analyzer);
            assert_eq!(read.years, years, "{title}");
            let of_stored = stored.iter().flat_map(|passage| passage.stored.years.clone());
            let of_stored: BTreeSet<u32> = of_stored.map(u32::from).collect();
            assert_eq!(read.years.into_iter().collect::<BTreeSet<_>>(), of_stored, "{title}");
            let of_stored = stored.iter().flat_map(|passage| passage.stored.regions.clone());
            let of_stored: BTreeSet<String> = of_stored.map(|region| region.key()).collect();
            assert_eq!(read.regions.into_iter().collect::<BTreeSet<_>>(), of_stored, "{title}");
        };
        let many = "去年在上海断缴的，2023年在杭州补缴。\n\n".repeat(60);
        check("杭州医保断缴", &many, Some("2022-05-06"), &[2020, 2021, 2023]);
        // Without a day 去年 says nothing, as in an index.
        check("医保断缴", &many, None, &[2020, 2023]);
        check("2019年的办法", "", None, &[2019, 2020]);
    }
}
