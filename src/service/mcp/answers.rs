//! What a tool answers: as much as a model needs to answer by it and to say where it stands, and no more, since it
//! reads all of it. The descriptions are what it reads of the fields, so they are Chinese.

use rmcp::schemars;
use serde::Serialize;

use crate::error::Result;
use crate::search::confidence::Verdict;
use crate::search::remarks::{copies, lacking, warnings};
use crate::search::response::{Hit, SearchResponse};
use crate::service::convert::ask;
use crate::service::wire;

/// Characters of an article given at a time.
pub const AT_A_TIME: u32 = 20_000;

/// Who published an article, when and where: what a model names beside an answer.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
pub struct Published {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(description = "发布者。")]
    source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(description = "发布日期。")]
    published: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(description = "网址。")]
    url: Option<String>,
}

/// The same, and what an article is about.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
pub struct About {
    #[serde(flatten)]
    published: Published,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(description = "关于哪些地区。")]
    regions: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(description = "关于哪些年份。")]
    years: Vec<u32>,
}

/// The answer of `search`.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
pub struct Found {
    #[schemars(description = "能否据此回答：有答案、不确定、多半没有、没有找到。多半没有时应如实告诉用户没有找到。")]
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(description = "库中有答案的可能，0 到 1。")]
    answerable: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(description = "问题中的错字或拼音已按此理解。")]
    corrected: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(description = "问的地方或年份没有找到；回答时必须说明。")]
    missing: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(description = "这次结果不完整，回答时说明。")]
    degraded: Option<String>,
    #[schemars(description = "最合适的在前，每篇文章一条。")]
    hits: Vec<FoundHit>,
}

/// A hit.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[schemars(crate = "rmcp::schemars", description = "一条结果。")]
pub struct FoundHit {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(description = "最能回答问题的一句。")]
    best_sentence: Option<String>,
    #[schemars(description = "文章标题，可能为空。")]
    title: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schemars(description = "这一段上面的小标题。")]
    heading: String,
    #[schemars(description = "原文的一段。")]
    text: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(description = "引用前必须看清：是否另一个地方、另一个年份、已废止。")]
    warnings: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(description = "说法相同或相近的其他段落，以及不同之处。")]
    copies: Vec<String>,
    #[serde(flatten)]
    about: About,
    #[schemars(description = "文章的编号，get_article 和 similar 用它。")]
    article_id: String,
    #[schemars(description = "这一段的编号，引用时注明。")]
    passage_id: String,
}

impl Found {
    /// Of an answer as it came.
    ///
    /// # Errors
    /// `Corrupt` if a day in it is none.
    pub fn of(answer: wire::SearchResponse) -> Result<Found> {
        let answer: SearchResponse = ask::response(answer)?;
        let verdict = match answer.answerable.map(Verdict::of) {
            _ if answer.hits.is_empty() => "没有找到",
            Some(Verdict::Unlikely) => "多半没有",
            Some(Verdict::Unsure) | None => "不确定",
            Some(Verdict::Likely) => "有答案",
        };
        Ok(Found {
            verdict,
            answerable: answer.answerable,
            corrected: answer.corrected,
            missing: answer.missing.map(|missing| missing.sentence),
            degraded: lacking(&answer.lacking),
            hits: answer.hits.into_iter().map(found).collect(),
        })
    }
}

fn found(hit: Hit) -> FoundHit {
    FoundHit {
        best_sentence: hit.best_sentence.map(|span| span.of(&hit.text)),
        warnings: warnings(&hit),
        copies: copies(&hit),
        title: hit.title,
        heading: hit.heading,
        text: hit.text,
        about: About {
            published: Published {
                source: hit.source,
                published: hit.published.map(|day| day.to_string()),
                url: hit.url,
            },
            regions: hit.regions,
            years: hit.years.into_iter().map(u32::from).collect(),
        },
        article_id: hit.article_id,
        passage_id: hit.passage_id,
    }
}

/// The answer of `get_article`.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
pub struct Whole {
    #[schemars(description = "标题，可能为空。")]
    title: String,
    #[schemars(description = "正文，从 start 开始，一次最多 20000 字。")]
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(description = "后面还有正文时，下次从这里开始。")]
    next_start: Option<u32>,
    #[serde(flatten)]
    about: About,
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    #[schemars(description = "其他记载，如文号、时效性。")]
    attributes: std::collections::BTreeMap<String, String>,
}

impl From<wire::GetArticleResponse> for Whole {
    fn from(article: wire::GetArticleResponse) -> Self {
        Whole {
            next_start: article.next_start,
            text: article.text,
            title: article.title,
            about: About {
                published: Published {
                    source: article.source,
                    published: article.published,
                    url: article.url,
                },
                regions: article.regions,
                years: article.years,
            },
            attributes: article.attributes,
        }
    }
}

/// The answer of `similar`.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
pub struct Alike {
    #[schemars(description = "最相近的在前。")]
    articles: Vec<AlikeArticle>,
}

/// An article like another one.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[schemars(crate = "rmcp::schemars", description = "一篇相近的文章。")]
pub struct AlikeArticle {
    #[schemars(description = "文章的编号。")]
    article_id: String,
    #[schemars(description = "标题，可能为空。")]
    title: String,
    #[schemars(description = "相近程度，0 到 1，只能在同一次结果中比较。")]
    score: f32,
    #[schemars(description = "最相近的一段。")]
    text: String,
    #[serde(flatten)]
    published: Published,
}

impl From<wire::SimilarResponse> for Alike {
    fn from(answer: wire::SimilarResponse) -> Self {
        let article = |article: wire::SimilarArticle| AlikeArticle {
            article_id: article.article_id,
            title: article.title,
            score: article.score,
            text: article.text,
            published: Published {
                source: article.source,
                published: article.published,
                url: article.url,
            },
        };
        Alike {
            articles: answer.articles.into_iter().map(article).collect(),
        }
    }
}

/// The answer of `facets`.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
pub struct Counted {
    #[schemars(description = "统计了多少篇文章。")]
    total: u32,
    #[schemars(description = "按发布者，多的在前。")]
    sources: Vec<Count>,
    #[schemars(description = "按地区，多的在前。")]
    regions: Vec<Count>,
    #[schemars(description = "按年份，近的在前。")]
    years: Vec<Count>,
    #[schemars(description = "按完整程度，多的在前：ARTICLE_KIND_FULL 是全文，ARTICLE_KIND_SUMMARY 是摘要。")]
    kinds: Vec<Count>,
}

/// How many articles have a value.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[schemars(crate = "rmcp::schemars", description = "一个名称有多少篇文章。")]
pub struct Count {
    #[schemars(description = "名称，可以填入 filter。")]
    value: String,
    #[schemars(description = "文章篇数。")]
    count: u32,
}

impl From<wire::FacetsResponse> for Counted {
    fn from(answer: wire::FacetsResponse) -> Self {
        let counts = |values: Vec<wire::FacetValue>| {
            let count = |of: wire::FacetValue| Count {
                value: of.value,
                count: of.count,
            };
            values.into_iter().map(count).collect()
        };
        Counted {
            total: answer.total,
            sources: counts(answer.sources),
            regions: counts(answer.regions),
            years: counts(answer.years),
            kinds: counts(answer.kinds),
        }
    }
}
