//! What was read of a file, as it goes out and as `baowen read` prints it.

use super::super::reading::FileRead;
use super::super::wire;
use crate::article::{ReadEvent, Rejected, SplitOptions, split};
use crate::model::{Article, ArticleKind, Date};
use crate::text::{Analyzer, Region};

/// An article with what would be indexed of it.
pub fn article(core: Article, analyzer: &Analyzer) -> wire::ReadArticle {
    let passages = split(&core, &SplitOptions::default());
    let named = format!("{}\n{}", core.title, core.text);
    // Those by which it can be filtered, as the index has them.
    let mut about = analyzer.regions(&core.title);
    about.extend(analyzer.regions_named(&core.regions));
    if about.is_empty() {
        about = passages
            .iter()
            .flat_map(|passage| analyzer.regions(&passage.text))
            .collect();
    }
    let mut regions: Vec<String> = Vec::new();
    for name in about.iter().map(Region::key) {
        if !regions.contains(&name) {
            regions.push(name);
        }
    }
    let mut years = core.years;
    for year in analyzer.years(&named, core.published.or_else(Date::today)) {
        if !years.contains(&year) {
            years.push(year);
        }
    }
    let kind = match core.kind {
        ArticleKind::Full => "full",
        ArticleKind::Summary => "summary",
    };
    wire::ReadArticle {
        id: core.id,
        title: core.title,
        text: core.text,
        url: core.url,
        source: core.source,
        published: core.published.map(|day| day.to_string()),
        kind: kind.to_owned(),
        regions,
        years: years.into_iter().map(u32::from).collect(),
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
        kept_characters: number(core.characters.0),
        left_out_characters: number(core.characters.1),
        left_off: number(core.left_off),
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
        line: core.line.map(number),
        reason: core.reason,
    }
}

fn number(core: usize) -> u32 {
    u32::try_from(core).unwrap_or(u32::MAX)
}
