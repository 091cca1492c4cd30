//! What is wrong with a question, in Chinese: whoever asks at a terminal reads that. By the field that the core or a
//! service names, as the option that it was given by; what an operator has to mend stays as it is.

use crate::error::Error;
use crate::search::request::{MAX_DEPTH, MAX_QUERY_CHARS, MAX_TOP_K, SearchRequest};
use crate::service::refusal::Refusal;

/// Where names of places that may be meant begin in a message, and what is said before them.
const NAMES: [(&str, &str); 2] = [
    ("near are ", "没有这个地方，相近的有"),
    ("several places: ", "有几个地方同名："),
];

/// The error as whoever asked this is told it.
pub fn for_asker(error: Error, request: &SearchRequest) -> Error {
    let option = |option: &str, said: String| (format!("{option}：{said}"), String::new());
    let (said, help) = match &*Refusal::new(&error).field {
        "query" => of_question(&request.query),
        "top_k" => option("--top-k", format!("写 1 到 {MAX_TOP_K} 之间的数")),
        "offset" => option("--offset", format!("加上 --top-k 最多 {MAX_DEPTH}")),
        "filter.regions" => option("--region", of_place(error.message())),
        "filter.years" => option("--year", "写四位数的年份，例如 2024".to_owned()),
        "filter.kinds" => option("--kind", "太多了".to_owned()),
        "filter.published_from" => option("--from", "不能晚于 --to".to_owned()),
        "filter.sources" => option("--source", "不能是空的，也不能太多".to_owned()),
        "filter.article_ids" => option("--article", "不能是空的，也不能太多".to_owned()),
        _ => return error,
    };
    let said = Error::new(error.fault(), said);
    if help.is_empty() { said } else { said.help(help) }
}

fn of_question(query: &str) -> (String, String) {
    let length = query.chars().count();
    let example = "例如：baowen search 医保断缴了怎么办".to_owned();
    if query.trim().is_empty() {
        ("问题是空的".to_owned(), example)
    } else if length > MAX_QUERY_CHARS {
        let said = format!("问题有 {length} 个字，最多 {MAX_QUERY_CHARS} 个");
        (said, "请问得短一些".to_owned())
    } else {
        ("问题里没有文字".to_owned(), example)
    }
}

fn of_place(message: &str) -> String {
    let named = NAMES.iter().find_map(|(begin, said)| {
        let (_, names) = message.split_once(begin)?;
        // What a service says has what helps behind it.
        let names = names.split(" (").next().unwrap_or(names);
        Some(format!("{said}{}", names.replace(", ", "、")))
    });
    named.unwrap_or_else(|| "没有这个地方，写浙江、杭州、余杭区或北京朝阳区这样的名字".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Filter;
    use crate::search::understood;
    use crate::text::Analyzer;

    #[test]
    fn whoever_asks_is_told_in_chinese_what_is_wrong() {
        let check = |change: &dyn Fn(&mut SearchRequest), expected: &str| {
            let mut request = SearchRequest::new("医保断缴怎么办");
            change(&mut request);
            let error = request.check().unwrap_err();
            let said = for_asker(error, &request);
            assert_eq!(said.to_string(), expected);
        };
        check(
            &|request| request.query = " ".into(),
            "问题是空的 (例如：baowen search 医保断缴了怎么办)",
        );
        check(
            &|request| request.query = "医".repeat(1_001),
            "问题有 1001 个字，最多 1000 个 (请问得短一些)",
        );
        check(
            &|request| request.query = "？？".into(),
            "问题里没有文字 (例如：baowen search 医保断缴了怎么办)",
        );
        check(&|request| request.top_k = Some(0), "--top-k：写 1 到 1000 之间的数");
        check(&|request| request.offset = 10_000, "--offset：加上 --top-k 最多 10000");
        check(
            &|request| request.filter.sources = vec![String::new()],
            "--source：不能是空的，也不能太多",
        );
    }

    #[test]
    fn places_that_may_be_meant_are_named() {
        let analyzer = Analyzer::new().unwrap();
        let check = |place: &str, expected: &str| {
            let filter = Filter {
                regions: vec![place.into()],
                ..Filter::default()
            };
            let error = understood(&filter, &analyzer).unwrap_err();
            let said = for_asker(error, &SearchRequest::new("医保")).to_string();
            assert!(said.starts_with(expected) && !said.contains("near"), "{said}");
        };
        check("朝阳区", "--region：有几个地方同名：");
        check("抗州", "--region：没有这个地方，相近的有");
        check("一个没有的地方", "--region：没有这个地方，写浙江");
    }
}
