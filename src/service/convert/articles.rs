//! The conversions of `IndexService`, both ways: articles, sources and selections in, what became of them out.
//!
//! As in [`super`]: what the wire cannot say plainly is refused by field, and limits are the core's own.

use super::super::collection::{Listed, Listing, SnapshotMade};
use super::super::{status, wire};
use crate::article::limits;
use crate::article::source::{Source, SourceKind};
use crate::error::{Error, Result};
use crate::index::ingest::selection::Selection;
use crate::index::ingest::{Counts, Outcome};
use crate::index::{About, LeftOutBy, Runs, Skipped, SourceRun};
use crate::model::{Article, ArticleKind, Filter, Origin};
use crate::search::request::within;

/// Most articles, or ids, of one call.
const MAX_ARTICLES: usize = 1_000;
/// Most ids of deleted articles in an answer.
const MAX_DELETED: usize = 10_000;
/// Most sources of which a commit says what was done to them.
const MOST_RUNS: usize = 1_000;
/// Most articles of a page.
const MOST_LISTED: usize = 1_000;

/// Refuses a field with no articles or ids, or with too many.
///
/// # Errors
/// `Caller`, naming the field.
pub fn check_count(field: &str, count: usize) -> Result<()> {
    match count {
        0 => Err(Error::caller(format!("{field}: is empty")).help(format!("name 1 to {MAX_ARTICLES}"))),
        1..=MAX_ARTICLES => Ok(()),
        _ => Err(
            Error::caller(format!("{field}: has {count} values, must have 1 to {MAX_ARTICLES}"))
                .help("send the rest in another call"),
        ),
    }
}

/// A source as it was named.
///
/// # Errors
/// `Caller` if it was not.
pub fn source(wire: Option<wire::Source>) -> Result<Source> {
    let wire = wire.ok_or_else(|| {
        Error::caller("source: is not set").help("name what the articles come from; a new name makes a source")
    })?;
    let (root, kind) = match wire.folder {
        None => (String::new(), SourceKind::Given),
        Some(folder) if folder.root.is_empty() => return Err(Error::caller("source.folder.root: is empty")),
        Some(folder) if folder.files_only => (folder.root, SourceKind::Files),
        Some(folder) => (folder.root, SourceKind::Folder),
    };
    let name = wire.name;
    Ok(Source { name, root, kind })
}

/// A source as it goes out, to a service or from one.
pub fn source_out(core: &Source) -> wire::Source {
    wire::Source {
        name: core.name.clone(),
        folder: (core.kind != SourceKind::Given).then(|| wire::SourceFolder {
            root: core.root.clone(),
            files_only: core.kind == SourceKind::Files,
        }),
    }
}

/// What runs did to their sources, as told by whoever made them; they end now.
///
/// # Errors
/// `Caller`, naming the field.
pub fn runs(wire: Vec<wire::SourceRun>, ended: u64) -> Result<Runs> {
    if wire.len() > MOST_RUNS {
        let count = wire.len();
        return Err(Error::caller(format!(
            "runs: has {count} values, may have at most {MOST_RUNS}"
        )));
    }
    Ok(wire
        .into_iter()
        .map(|mut wire| (std::mem::take(&mut wire.source), run(wire, ended)))
        .collect())
}

fn run(wire: wire::SourceRun, ended: u64) -> SourceRun {
    let skipped = |wire: wire::SkippedFile| Skipped {
        path: wire.path,
        line: wire.line.map(u64::from),
        why: wire.why,
        reason: wire.reason,
    };
    let left_out = |wire: wire::LeftOutText| LeftOutBy {
        reason: wire.reason,
        characters: wire.characters,
        files: wire.files,
    };
    let core = SourceRun {
        ended,
        added: wire.added,
        updated: wire.updated,
        unchanged: wire.unchanged,
        moved: wire.moved,
        deleted: wire.deleted,
        skipped: wire.skipped,
        first_skipped: wire.first_skipped.into_iter().map(skipped).collect(),
        left_out: wire.left_out.into_iter().map(left_out).collect(),
    };
    core.bounded()
}

/// What a run did to a source, as it goes out, to a service or from one.
pub fn run_out(source: &str, core: &SourceRun) -> wire::SourceRun {
    let skipped = |core: &Skipped| wire::SkippedFile {
        path: core.path.clone(),
        line: core.line.map(super::narrow),
        why: core.why.clone(),
        reason: core.reason.clone(),
    };
    let left_out = |core: &LeftOutBy| wire::LeftOutText {
        reason: core.reason.clone(),
        characters: core.characters,
        files: core.files,
    };
    wire::SourceRun {
        source: source.to_owned(),
        ended_unix_seconds: core.ended,
        added: core.added,
        updated: core.updated,
        unchanged: core.unchanged,
        moved: core.moved,
        deleted: core.deleted,
        skipped: core.skipped,
        first_skipped: core.first_skipped.iter().map(skipped).collect(),
        left_out: core.left_out.iter().map(left_out).collect(),
    }
}

/// Which articles are asked for.
///
/// # Errors
/// `Caller`, naming the field.
pub fn listing(wire: wire::ListArticlesRequest) -> Result<Listing> {
    let within = |size| within("page_size", super::size(size), MOST_LISTED);
    let page_size = wire.page_size.map(within).transpose()?;
    Ok(Listing {
        source: (!wire.source.is_empty()).then_some(wire.source),
        filter: wire.filter.map_or(Ok(Filter::default()), super::filter)?,
        page_size,
        after: wire.page_token,
    })
}

/// Listed articles as they go out. A page goes on behind its last article.
pub fn listed(core: Vec<Listed>, has_more: bool) -> wire::ListArticlesResponse {
    let next = core.last().filter(|_| has_more).map(|last| last.id.clone());
    let article = |listed: Listed| {
        // Where nothing is known of the article, its kind is not, either.
        let kind = listed.about.as_ref().map(|about| super::kind(about.kind));
        let about = listed.about.unwrap_or_default();
        let (source, path) = match listed.origin {
            Some(origin) => (Some(origin.source), origin.path),
            None => (None, String::new()),
        };
        wire::ListedArticle {
            id: listed.id,
            path,
            content: listed.content,
            source,
            title: about.title,
            publisher: about.source,
            url: about.url,
            published: about.published.map(|day| day.to_string()),
            kind: kind.unwrap_or_default().into(),
        }
    };
    wire::ListArticlesResponse {
        articles: core.into_iter().map(article).collect(),
        next_page_token: next.unwrap_or_default(),
    }
}

/// An article as it came in.
///
/// # Errors
/// `Caller`, naming the field.
pub fn article(wire: wire::Article) -> Result<Article> {
    let year = |year: &u32| {
        u16::try_from(*year).map_err(|_| Error::caller(format!("years: {year} is not a year from 1000 to 9999")))
    };
    let mut article = Article {
        kind: match wire::ArticleKind::try_from(wire.kind) {
            Ok(wire::ArticleKind::Unspecified | wire::ArticleKind::Full) => ArticleKind::Full,
            Ok(wire::ArticleKind::Summary) => ArticleKind::Summary,
            Err(_) => return Err(super::unknown("kind", wire.kind, "1 full, 2 summary")),
        },
        published: wire.published.map(|text| super::date("published", &text)).transpose()?,
        years: wire.years.iter().map(year).collect::<Result<_>>()?,
        // The source is the call's.
        origin: wire.path.map(|path| Origin {
            source: String::new(),
            path,
        }),
        id: wire.id,
        title: wire.title,
        text: wire.text,
        url: wire.url,
        source: wire.publisher,
        regions: wire.regions,
        attributes: wire.attributes,
    };
    limits::clear(&mut article);
    Ok(article)
}

/// An article as a client sends it.
pub fn article_out(core: Article) -> wire::Article {
    wire::Article {
        kind: super::kind(core.kind).into(),
        published: core.published.map(|day| day.to_string()),
        years: core.years.iter().copied().map(u32::from).collect(),
        path: core.origin.map(|origin| origin.path),
        id: core.id,
        title: core.title,
        text: core.text,
        url: core.url,
        publisher: core.source,
        regions: core.regions,
        attributes: core.attributes,
    }
}

/// What became of an article, as it goes out.
pub fn result(id: String, outcome: &Result<Outcome>) -> wire::ArticleResult {
    let (outcome, passages, error) = match outcome {
        Ok(Outcome::Added(passages)) => (wire::Outcome::Added, *passages, None),
        Ok(Outcome::Updated(passages)) => (wire::Outcome::Updated, *passages, None),
        Ok(Outcome::Unchanged) => (wire::Outcome::Unchanged, 0, None),
        Err(error) => (wire::Outcome::Failed, 0, Some(super::item_error(error))),
    };
    wire::ArticleResult {
        id,
        outcome: outcome.into(),
        passages: super::narrow(passages),
        error,
    }
}

/// What became of an article, as a client received it.
///
/// # Errors
/// The article's own, or `Corrupt` if it says nothing that is known.
pub fn outcome(wire: wire::ArticleResult) -> Result<Outcome> {
    let passages = wire.passages as usize;
    match wire::Outcome::try_from(wire.outcome) {
        Ok(wire::Outcome::Added) => Ok(Outcome::Added(passages)),
        Ok(wire::Outcome::Updated) => Ok(Outcome::Updated(passages)),
        Ok(wire::Outcome::Unchanged) => Ok(Outcome::Unchanged),
        Ok(wire::Outcome::Failed) => {
            let error = wire.error.unwrap_or_default();
            Err(status::from_status(&tonic::Status::new(
                error.code.into(),
                error.message,
            )))
        }
        Ok(wire::Outcome::Unspecified) | Err(_) => Err(Error::corrupt(format!(
            "the service does not say what became of the article `{}`",
            wire.id
        ))),
    }
}

/// What an import comes to.
pub fn imported(counts: &Counts, failed: u64, failures: Vec<wire::ArticleResult>) -> wire::ImportArticlesResponse {
    let taken = (counts.added + counts.updated + counts.unchanged) as u64;
    wire::ImportArticlesResponse {
        articles: taken + failed,
        added: counts.added as u64,
        updated: counts.updated as u64,
        unchanged: counts.unchanged as u64,
        failed,
        passages: counts.passages as u64,
        failures,
        commit: 0,
    }
}

/// What is to go, as it was named.
///
/// # Errors
/// `Caller`, naming the field; also if nothing is named.
pub fn selection(ids: Vec<String>, source: Option<String>, filter: Option<wire::Filter>) -> Result<Selection> {
    let selection = Selection {
        ids,
        source,
        filter: filter.map(super::filter).transpose()?.unwrap_or_default(),
    };
    if selection.is_empty() {
        Err(
            Error::caller("article_ids, source, filter: nothing says what to delete")
                .help("set one of them at least; with dry_run it says what would go"),
        )
    } else {
        Ok(selection)
    }
}

/// What is to go, as a client names it.
pub fn selection_out(core: &Selection, dry_run: bool) -> wire::DeleteArticlesRequest {
    wire::DeleteArticlesRequest {
        article_ids: core.ids.clone(),
        source: core.source.clone(),
        filter: super::ask::filter(&core.filter),
        dry_run,
        wait: None,
    }
}

/// What went, as it goes out: how many articles, and their ids.
pub fn deleted(
    count: usize,
    ids: impl IntoIterator<Item = String>,
    commit: Option<u64>,
) -> wire::DeleteArticlesResponse {
    wire::DeleteArticlesResponse {
        deleted: count as u64,
        article_ids: ids.into_iter().take(MAX_DELETED).collect(),
        commit,
        ..Default::default()
    }
}

/// A snapshot that was made, as it goes out.
pub fn snapshot_made(core: &SnapshotMade) -> wire::SnapshotResponse {
    wire::SnapshotResponse {
        path: core.path.display().to_string(),
        commit: core.commit,
        files: super::narrow(core.files),
        copied: super::narrow(core.copied),
    }
}

/// What an index is, as it goes out.
pub fn stats(about: &About, writes: bool) -> wire::StatsResponse {
    wire::StatsResponse {
        articles: about.articles,
        passages: about.passages,
        segments: about.segments,
        graphs: about.graphs,
        bytes: about.bytes,
        commit: about.commit,
        model: about.identity.embedder.clone(),
        analysis: about.identity.analysis.clone(),
        writes,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::error::Fault;

    fn any_text() -> impl Strategy<Value = String> {
        "[a-z医保]{0,8}"
    }

    proptest! {
        #[test]
        fn an_article_survives_the_wire(
            (id, title, text) in (any_text(), any_text(), any_text()),
            (url, publisher) in (prop::option::of(any_text()), prop::option::of(any_text())),
            published in prop::option::of((1900..2100_u32, 1..=12_u32, 1..=28_u32)),
            is_summary in any::<bool>(),
            (regions, years) in (prop::collection::vec(any_text(), 0..3), prop::collection::vec(1000..=9999_u16, 0..3)),
            attributes in prop::collection::btree_map(any_text(), any_text(), 0..3),
            path in prop::option::of(any_text()),
        ) {
            let core = Article {
                id, title, text, url, source: publisher, regions, years, attributes,
                published: published.and_then(|(year, month, day)| crate::model::Date::new(year, month, day)),
                kind: if is_summary { ArticleKind::Summary } else { ArticleKind::Full },
                origin: path.map(|path| Origin { source: String::new(), path }),
            };
            prop_assert_eq!(article(article_out(core.clone())).unwrap(), core);
        }
    }

    #[test]
    fn what_a_run_did_survives_the_wire_but_for_its_end() {
        let mut core = SourceRun {
            ended: 7,
            added: 1,
            updated: 2,
            unchanged: 3,
            moved: 4,
            deleted: 5,
            left_out: vec![LeftOutBy {
                reason: "navigation".into(),
                characters: 80,
                files: 2,
            }],
            ..SourceRun::default()
        };
        core.skip(&Skipped {
            path: "a/b.bin".into(),
            line: Some(3),
            why: "encoding".into(),
            reason: "is no text".into(),
        });
        core.skip(&Skipped {
            path: "c.pdf".into(),
            why: "empty".into(),
            reason: "has no text".into(),
            ..Skipped::default()
        });
        let sent = vec![run_out("甲", &core)];
        let come = runs(sent, 9).unwrap();
        assert_eq!(come, Runs::from([("甲".to_owned(), SourceRun { ended: 9, ..core })]));
        assert!(
            runs(vec![wire::SourceRun::default(); 1_001], 0)
                .unwrap_err()
                .message()
                .starts_with("runs")
        );
    }

    #[test]
    fn what_became_of_an_article_survives_the_wire() {
        for core in [Outcome::Added(3), Outcome::Updated(1), Outcome::Unchanged] {
            assert_eq!(outcome(result("a".into(), &Ok(core))).unwrap(), core);
        }
        let refused = outcome(result("a".into(), &Err(Error::caller("title: is too long")))).unwrap_err();
        assert_eq!(
            (refused.fault(), refused.message()),
            (Fault::Caller, "title: is too long")
        );
        assert_eq!(
            outcome(wire::ArticleResult::default()).unwrap_err().fault(),
            Fault::Corrupt
        );
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_field() {
        let check = |result: Result<()>, field: &str| {
            let error = result.unwrap_err();
            assert_eq!(error.fault(), Fault::Caller);
            assert!(error.message().starts_with(field), "{error}");
        };
        let of = |wire: wire::Article| article(wire).map(drop);
        check(
            of(wire::Article {
                published: Some("昨天".into()),
                ..Default::default()
            }),
            "published",
        );
        check(
            of(wire::Article {
                kind: 9,
                ..Default::default()
            }),
            "kind",
        );
        check(
            of(wire::Article {
                years: vec![70_000],
                ..Default::default()
            }),
            "years",
        );
        check(source(None).map(drop), "source");
        let folder = Some(wire::SourceFolder::default());
        check(
            source(Some(wire::Source {
                name: "a".into(),
                folder,
            }))
            .map(drop),
            "source.folder.root",
        );
        check(selection(Vec::new(), None, None).map(drop), "article_ids");
    }
}
