//! The tools as the protocol has them: their list with schemas, and each call to what answers it.

use std::sync::Arc;
use std::time::Instant;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation, JsonObject, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool, ToolAnnotations,
};
use rmcp::schemars::JsonSchema;
use rmcp::service::{QuitReason, RequestContext};
use rmcp::{ErrorData, RoleServer, ServerHandler, ServiceExt as _};
use serde::Serialize;
use serde_json::Value;

use super::answers::{AT_A_TIME, Alike, Counted, Found, Whole};
use super::arguments::{self, Facets, GetArticle, Only, Search, Similar};
use super::asker::Asker;
use super::behind::Behind;
use super::stdio::Lines;
use crate::error::{Error, Fault, Result};
use crate::model::Date;
use crate::service::wire;

/// What a model is told of the collection as a whole.
const INSTRUCTIONS: &str = "保问：中国医疗保险、社会保险和商业保险的文章检索。回答这类问题前先用 search 查找，依据 best_sentence 和 text \
回答，注明标题、来源和日期。verdict 为“多半没有”或“没有找到”时如实说明；有 missing 或 warnings 时必须向用户指出，不要把别的地区、年份或已废止\
的规定当作答案。需要上下文时用 get_article 读全文。";

/// The tools over what answers them.
#[derive(Clone)]
pub struct Tools {
    behind: Behind,
    tools: Arc<[Tool]>,
}

impl Tools {
    /// Tools that ask there.
    pub fn new(behind: Behind) -> Tools {
        let tools = [
            tool::<Search, Found>(
                "search",
                "查找保险问题的答案",
                "在保险文章中查找能回答一个问题的段落。返回最能回答的一句、所在段落、标题、来源、日期、地区和年份，以及能否据此回答。",
            ),
            tool::<GetArticle, Whole>(
                "get_article",
                "读一篇文章",
                "按编号读一篇文章的全文，用于核对上下文或引用原文。",
            ),
            tool::<Similar, Alike>(
                "similar",
                "找相近的文章",
                "找与一篇文章内容相近的其他文章，如同一政策在别处的规定。",
            ),
            tool::<Facets, Counted>(
                "facets",
                "统计有哪些文章",
                "统计文章的发布者、地区和年份各有多少，用于了解库中有什么，或决定 search 的 filter。",
            ),
        ];
        Tools {
            behind,
            tools: tools.into(),
        }
    }

    /// Answers on standard input and output until the other end closes it.
    ///
    /// # Errors
    /// `Unavailable` if the other end does not speak the protocol.
    pub async fn serve_stdio(self) -> Result<()> {
        let failed = |cause: &dyn std::fmt::Display| {
            Error::unavailable(format!(
                "speaking the Model Context Protocol on standard input: {cause}"
            ))
            .help("`baowen mcp` is started by a program that speaks it; for people there is `baowen search`")
        };
        let (input, output) = rmcp::transport::stdio();
        let running = self.serve(Lines::new(input, output)).await;
        let ended = running.map_err(|cause| failed(&cause))?.waiting().await;
        match ended {
            Ok(QuitReason::JoinError(cause)) | Err(cause) => Err(failed(&cause)),
            Ok(_) => Ok(()),
        }
    }

    async fn answer(&self, name: &str, arguments: JsonObject, until: Instant) -> Option<Result<Value>> {
        Some(match name {
            "search" => self.search(arguments, until).await,
            "get_article" => self.get_article(arguments, until).await,
            "similar" => self.similar(arguments, until).await,
            "facets" => self.facets(arguments, until).await,
            _ => return None,
        })
    }

    async fn search(&self, arguments: JsonObject, until: Instant) -> Result<Value> {
        let given: Search = arguments::read("SearchRequest", arguments)?;
        let answer = self.behind.search(
            wire::SearchRequest {
                query: given.query,
                top_k: Some(arguments::hits(given.top_k)?),
                filter: Only::message(given.filter),
                as_of: given.as_of,
                today: Date::today().map(|day| day.to_string()),
                ..Default::default()
            },
            until,
        );
        written(&Found::of(answer.await?)?)
    }

    async fn get_article(&self, arguments: JsonObject, until: Instant) -> Result<Value> {
        let GetArticle { article_id, start } = arguments::read("GetArticleRequest", arguments)?;
        let asked = wire::GetArticleRequest {
            article_id,
            start,
            max_characters: Some(AT_A_TIME),
        };
        written(&Whole::from(self.behind.get_article(asked, until).await?))
    }

    async fn similar(&self, arguments: JsonObject, until: Instant) -> Result<Value> {
        let Similar { article_id, top_k } = arguments::read("SimilarRequest", arguments)?;
        let answer = self.behind.similar(
            wire::SimilarRequest {
                article_id,
                top_k: Some(arguments::hits(top_k)?),
                filter: None,
            },
            until,
        );
        written(&Alike::from(answer.await?))
    }

    async fn facets(&self, arguments: JsonObject, until: Instant) -> Result<Value> {
        let Facets { query, filter, limit } = arguments::read("FacetsRequest", arguments)?;
        let answer = self.behind.facets(
            wire::FacetsRequest {
                query,
                filter: Only::message(filter),
                limit,
            },
            until,
        );
        written(&Counted::from(answer.await?))
    }
}

impl ServerHandler for Tools {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().build();
        let program = Implementation::new("baowen", env!("CARGO_PKG_VERSION")).with_title("保问");
        ServerConfig::new(capabilities)
            .with_server_info(program)
            .with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(self.tools.to_vec()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let (asker, arguments) = (Asker::of(&context), request.arguments.unwrap_or_default());
        let answer = self.answer(&request.name, arguments, asker.until);
        let answer = asker.scope(answer).await;
        let answer = answer.ok_or_else(|| {
            let names: Vec<&str> = self.tools.iter().map(|tool| &*tool.name).collect();
            ErrorData::invalid_params(
                format!("there is no tool `{}`; there are {}", request.name, names.join(", ")),
                None,
            )
        })?;
        Ok(CallToolResponse::from(match answer {
            Ok(value) => CallToolResult::structured(value),
            Err(error) => {
                let help = error.hint().map(|help| format!("\n{help}")).unwrap_or_default();
                CallToolResult::error(vec![ContentBlock::text(format!("{}{help}", error.message()))])
            }
        }))
    }
}

/// A tool that only reads what is here.
fn tool<A: JsonSchema + 'static, R: JsonSchema + 'static>(
    name: &'static str,
    title: &'static str,
    description: &'static str,
) -> Tool {
    let hints = ToolAnnotations::with_title(title)
        .read_only(true)
        .idempotent(true)
        .open_world(false);
    let mut tool = Tool::new(name, description, JsonObject::new())
        .with_title(title)
        .with_input_schema::<A>()
        .with_output_schema::<R>()
        .with_annotations(hints);
    let schemas = [Some(&mut tool.input_schema), tool.output_schema.as_mut()];
    for schema in schemas.into_iter().flatten() {
        Arc::make_mut(schema).values_mut().for_each(without_formats);
    }
    tool
}

/// Takes the widths of numbers (`uint32`) out of a part of a schema: readers that do not know them complain, and the
/// bounds are there. No field of ours is named so.
fn without_formats(schema: &mut Value) {
    match schema {
        Value::Object(parts) => {
            parts.remove("format");
            parts.values_mut().for_each(without_formats);
        }
        Value::Array(parts) => parts.iter_mut().for_each(without_formats),
        _ => {}
    }
}

fn written(answer: &impl Serialize) -> Result<Value> {
    serde_json::to_value(answer).map_err(|cause| Error::new(Fault::Bug, format!("writing an answer: {cause}")))
}
