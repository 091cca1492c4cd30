//! Markdown: its structure kept in the convention of [`layout`](super::layout), its marks and links gone.
//!
//! Front matter is read as plain `key: value` lines (title, date, source, url); it is no YAML reader. What is struck
//! out is left out, but for ranges (`1~~3个月`).

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd, TextMergeWithOffset};
use serde_json::{Map, Value};

use crate::model::Article;

use super::byline::{dateline, signature};
use super::credit_lines::stated;
use super::fetched::fetched;
use super::fields::{self, Role};
use super::html;
use super::layout::{COLONS, Layout, is_stop};
use super::mended::mended;
use super::reading::Reading;
use super::record::read_record;
use super::why::Why;

/// Reads a Markdown text; the title is that of the front matter, else the first heading of level 1, else `name`.
/// Nothing but marks and front matter is left out.
pub(super) fn read(text: &str, name: &str) -> Reading {
    match fetched(text) {
        Some((fields, head, page)) => read_fetched(&fields, head, page, name),
        None => read_text(text, name),
    }
}

/// Reads a page that a program fetched: as Markdown, and then as the web page that it is.
fn read_fetched(fields: &str, head: &str, page: &str, name: &str) -> Reading {
    let mut read = read_text(page, name);
    read.leave_out("front matter", head);
    let Some((_, article)) = read.articles.pop() else {
        return read;
    };
    let about = front_matter(fields, YAML.parts, &mut read);
    let own = Some(article.title).filter(|own| own != name);
    // The page's own heading is its title without the site's name.
    let title = match &own {
        Some(own) if about.title.is_empty() || about.title.contains(own) => own.clone(),
        _ if about.title.is_empty() => name.to_string(),
        _ => about.title,
    };
    let mut text = article.text;
    // Where it says something else it stays in the text.
    for heading in own.into_iter().chain([title.clone()]) {
        let heading = format!("# {heading}");
        if !text.lines().any(|line| line == heading) {
            text = format!("{heading}\n\n{text}");
        }
    }
    let mut reading = html::read_rendered(&text.lines().collect::<Vec<_>>(), &title);
    let stated = reading
        .left_out
        .iter()
        .find_map(|left| left.text.lines().find_map(dateline));
    if let Some((_, article)) = reading.articles.first_mut() {
        let (source, date) = stated.map_or((None, None), |(source, date)| (source, Some(date)));
        article.published = about.published.or(date).or(article.published);
        (article.url, article.source, article.attributes) = (about.url, about.source.or(source), about.attributes);
    }
    reading.left_out.append(&mut read.left_out);
    reading.noticed.append(&mut read.noticed);
    reading
}

fn read_text(text: &str, name: &str) -> Reading {
    let text = &*mended(text);
    let mut options =
        Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES | Options::ENABLE_TASKLISTS | Options::ENABLE_STRIKETHROUGH;
    options.set(
        Options::ENABLE_YAML_STYLE_METADATA_BLOCKS,
        has_front_matter(text, &YAML),
    );
    options.set(
        Options::ENABLE_PLUSES_DELIMITED_METADATA_BLOCKS,
        has_front_matter(text, &TOML),
    );
    let parser = Parser::new_ext(text, options).into_offset_iter();
    let mut events = TextMergeWithOffset::new(parser).peekable();
    let mut written = Written::default();
    while let Some((event, range)) = events.next() {
        match event {
            Event::Html(html) => {
                written.raw_html.push_str(&html);
                if !matches!(events.peek(), Some((Event::Html(_), _))) {
                    html::push_fragment(&std::mem::take(&mut written.raw_html), &mut written.layout);
                    written.layout.end_block();
                }
            }
            Event::Start(Tag::Paragraph) if is_module(&text[range.clone()]) => {
                written.script.extend([&text[range], "\n"]);
                while events
                    .next()
                    .is_some_and(|(event, _)| event != Event::End(TagEnd::Paragraph))
                {}
            }
            event => written.take(event, &text[range]),
        }
    }
    let parts = if has_front_matter(text, &TOML) {
        TOML.parts
    } else {
        YAML.parts
    };
    written.into_reading(parts, name)
}

/// What was written of a text so far.
#[derive(Default)]
struct Written {
    layout: Layout,
    metadata: String,
    raw_html: String,
    struck: String,
    /// What a program is to load, in Markdown with components.
    script: String,
    /// The words of the first heading of level 1, where it opens the text.
    heading: Option<String>,
    /// What the next words stand in.
    in_heading: bool,
    in_metadata: bool,
    in_code: bool,
    in_cell: bool,
    in_struck: bool,
}

impl Written {
    /// Takes in what is no block of HTML; `source` is how it is written.
    fn take(&mut self, event: Event<'_>, source: &str) {
        let layout = &mut self.layout;
        match event {
            Event::Start(tag) => self.begin(tag, source),
            Event::End(tag) => self.end(tag),
            Event::Text(text) if self.in_metadata => self.metadata.push_str(&text),
            Event::Text(text) | Event::Code(text) if self.in_heading => {
                self.heading.get_or_insert_default().push_str(&text.replace("**", ""));
            }
            _ if self.in_heading => {}
            Event::Text(text) | Event::Code(text) if self.in_struck => self.struck.push_str(&text),
            Event::TaskListMarker(done) => layout.push(if done { "☑ " } else { "☐ " }),
            Event::FootnoteReference(label) => layout.push(&format!("[{label}]")),
            Event::Text(text) if self.in_code => layout.push_verbatim(&text),
            // Emphasis next to Han characters is often not recognised as such and would leave its marks behind.
            Event::Text(text) => layout.push(&text.replace("**", "")),
            Event::Code(text) => layout.push(&text),
            Event::SoftBreak => layout.push("\n"),
            Event::HardBreak => layout.end_line(),
            Event::InlineHtml(tag) if tag.trim_start_matches('<').to_ascii_lowercase().starts_with("br") => {
                // In a table a row is a line; a break inside a cell must not tear it.
                if self.in_cell {
                    layout.push(" ");
                } else {
                    layout.end_line();
                }
            }
            _ => {}
        }
    }

    fn begin(&mut self, tag: Tag<'_>, source: &str) {
        let layout = &mut self.layout;
        match tag {
            Tag::MetadataBlock(_) => self.in_metadata = true,
            Tag::Heading {
                level: HeadingLevel::H1,
                ..
            } if self.heading.is_none() && layout.is_empty() => {
                self.in_heading = true;
                self.heading = Some(String::new());
            }
            _ if self.in_heading => {}
            Tag::Strikethrough => self.in_struck = true,
            Tag::Heading { level, .. } => layout.heading(level as usize),
            Tag::List(number) => layout.list(number.map(Into::into)),
            // The number that its author gave it.
            Tag::Item => {
                let digits = source.trim_start().split_once(['.', ')']);
                layout.item(digits.and_then(|(digits, _)| digits.parse().ok()));
            }
            Tag::FootnoteDefinition(label) => layout.push(&format!("[{label}] ")),
            Tag::CodeBlock(_) => self.in_code = true,
            Tag::TableCell => {
                self.in_cell = true;
                layout.cell();
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        let layout = &mut self.layout;
        match tag {
            TagEnd::MetadataBlock(_) => self.in_metadata = false,
            TagEnd::Heading(_) if self.in_heading => self.in_heading = false,
            _ if self.in_heading => {}
            TagEnd::Strikethrough => {
                self.in_struck = false;
                self.struck.push('\n');
            }
            TagEnd::List(_) => layout.end_list(),
            TagEnd::CodeBlock => {
                self.in_code = false;
                layout.end_block();
            }
            TagEnd::TableCell => self.in_cell = false,
            TagEnd::TableHead | TagEnd::TableRow => layout.end_line(),
            TagEnd::Heading(_) | TagEnd::Item => layout.end_marked(),
            TagEnd::Paragraph | TagEnd::Table | TagEnd::BlockQuote(_) | TagEnd::FootnoteDefinition => {
                layout.end_block();
            }
            _ => {}
        }
    }

    /// The article; `parts` is what parts a name of its front matter from its value, `name` its title if nothing else
    /// is.
    fn into_reading(self, parts: &[char], name: &str) -> Reading {
        let mut reading = Reading::default();
        let mut article = front_matter(&self.metadata, parts, &mut reading);
        reading.leave_out("front matter", self.metadata);
        reading.leave_out("struck out", self.struck.trim_end());
        reading.leave_out("not text", self.script.trim_end());
        article.text = self.layout.finish();
        match self
            .heading
            .map(|heading| heading.trim().to_string())
            .filter(|heading| !heading.is_empty())
        {
            Some(heading) if article.title.is_empty() => article.title = heading,
            // A heading that says something else than the front matter is part of what the article says.
            Some(heading) if heading != article.title => article.text = format!("# {heading}\n\n{}", article.text),
            _ => {}
        }
        if article.published.is_none()
            && let lines = article.text.lines().collect::<Vec<_>>()
            && let Some((source, date)) = stated(&lines).or_else(|| signature(&lines))
        {
            article.published = Some(date);
            article.source = article.source.or(source);
        }
        if article.title.is_empty() {
            article.title = first_heading(&article.text).unwrap_or(name).to_string();
        }
        if article.text.is_empty() {
            reading.leave_out("title without text", article.title);
            reading.rejected.push((0, Why::Empty, "no text besides a title".into()));
        } else {
            reading.articles.push((0, article));
        }
        reading
    }
}

/// A way to write front matter: the line above it, those that may end it, and what parts a name from its value.
struct FrontMatter {
    opens: &'static str,
    closes: &'static [&'static str],
    parts: &'static [char],
}

const YAML: FrontMatter = FrontMatter {
    opens: "---",
    closes: &["---", "..."],
    parts: &COLONS,
};
const TOML: FrontMatter = FrontMatter {
    opens: "+++",
    closes: &["+++"],
    parts: &['='],
};

/// Whether a text begins with front matter: between two rules nothing but fields, and the items and comments that
/// belong to them.
fn has_front_matter(text: &str, written: &FrontMatter) -> bool {
    let mut lines = text.trim_start_matches('\u{feff}').lines();
    if lines.next().is_none_or(|first| first.trim_end() != written.opens) {
        return false;
    }
    let of_field = |line: &str| {
        let key = line.split_once(written.parts).map(|(key, _)| key.trim());
        line.starts_with([' ', '\t', '-', '#'])
            || line.trim().is_empty()
            || key.is_some_and(|key| !key.is_empty() && key.chars().count() <= 40 && !key.contains(is_stop))
    };
    lines
        .take_while(|line| !written.closes.contains(&line.trim_end()))
        .all(of_field)
}

/// Whether a paragraph only loads components, as Markdown with such does: `import Tabs from '@theme/Tabs';`.
fn is_module(paragraph: &str) -> bool {
    let loads = |line: &str| {
        let line = line.trim().trim_end_matches(';');
        let named = line.strip_prefix("import ").and_then(|rest| rest.split_once(" from "));
        named.is_some_and(|(names, place)| {
            let is_quoted = |quote: char| place.len() > 2 && place.starts_with(quote) && place.ends_with(quote);
            names.is_ascii() && place.is_ascii() && (is_quoted('\'') || is_quoted('"'))
        })
    };
    paragraph.lines().all(loads)
}

/// The first heading of level 1 inside a text that does not open with one.
fn first_heading(text: &str) -> Option<&str> {
    text.lines().find_map(|line| line.strip_prefix("# "))
}

/// An article with what the front matter says of it: its fields are those of a record.
fn front_matter(metadata: &str, parts: &[char], reading: &mut Reading) -> Article {
    let mut fields = Map::new();
    for (number, line) in metadata.lines().enumerate() {
        let Some((key, value)) = line.split_once(parts) else {
            continue;
        };
        let value = value.trim().trim_matches(['"', '\'']).trim();
        let key = key.trim().to_lowercase();
        // Ids are the files'; the text is below.
        if !value.is_empty()
            && !key.is_empty()
            && !fields::has_role(&key, Role::Id)
            && !fields::has_role(&key, Role::Text)
        {
            let list = value.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
            let value = match list {
                Some(list) => list
                    .split(',')
                    .map(|item| Value::from(item.trim().trim_matches(['"', '\''])))
                    .collect(),
                None => Value::from(value),
            };
            fields.insert(key, value);
        }
        if number > 200 {
            break;
        }
    }
    // A record wants an id and a text; both are given by the caller.
    fields.insert("text".into(), Value::from("-"));
    let record = match read_record(Value::Object(fields), Some("-".into())) {
        Ok(record) => record,
        Err(why) => {
            reading.noticed.push((0, format!("its front matter {why}")));
            return Article::default();
        }
    };
    for (what, value) in record.lost {
        reading.noticed.push((0, format!("a {what}: `{value}`")));
    }
    Article {
        id: String::new(),
        text: String::new(),
        ..record.article
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn article(text: &str) -> Article {
        read(text, "name")
            .articles
            .pop()
            .map(|(_, article)| article)
            .unwrap_or_default()
    }

    #[test]
    fn structure_stays_and_marks_go() {
        let text = "---\ntitle: \"断缴怎么办\"\ndate: 2025-04-19\nsource: 保问示例\nurl: https://example.org/a:b\n---\n\n\
            开头一段,见[官网](https://example.org)。\n第二行**重点:**在此,1~3个月或4~6个月。\n\n## 影响\n\n1. 停报销\n2. 算年限\n   - 连续年限\n   - 累计年限\n\n\
            | 险种 | 个人 |\n|---|---|\n| 养老 | 8% |\n| 医疗 | 2% |\n\n<div>提<b>示</b></div>\n\n> 引文\n\n```\na  b\n  c\n```\n";
        let article = article(text);
        assert_eq!(article.title, "断缴怎么办");
        assert_eq!(article.source.as_deref(), Some("保问示例"));
        assert_eq!(article.url.as_deref(), Some("https://example.org/a:b"));
        assert_eq!(article.published.unwrap().to_string(), "2025-04-19");
        let expected = "开头一段,见官网。第二行重点:在此,1~3个月或4~6个月。\n\n## 影响\n\n1. 停报销\n2. 算年限\n  - 连续年限\n  - 累计年限\n\n\
            险种 | 个人\n养老 | 8%\n医疗 | 2%\n\n提示\n\n引文\n\na  b\n  c";
        assert_eq!(article.text, expected);
    }

    #[test]
    fn what_a_program_loads_is_no_text() {
        let check = |text: &str, expected: &str| assert_eq!(article(text).text, expected, "{text}");
        check(
            "import Tabs from '@theme/Tabs';\nimport A from \"./a\"\n\n备案长期有效。",
            "备案长期有效。",
        );
        check(
            "import 药品 from 德国\n\n备案长期有效。",
            "import 药品 from 德国\n\n备案长期有效。",
        );
        let code = "```\nimport Tabs from '@theme/Tabs';\n```\n备案。";
        check(code, "import Tabs from '@theme/Tabs';\n\n备案。");
    }

    #[test]
    fn lines_of_their_own_stay_lines() {
        let check = |text: &str, expected: &str| assert_eq!(article(text).text, expected, "{text}");
        check(
            "电话：12300\n地点：江边路九号\n时间：每周一",
            "电话：12300\n地点：江边路九号\n时间：每周一",
        );
        check("备齐材料\n身份证\n评估结论", "备齐材料\n身份证\n评估结论");
        check("护理给付按月发\n放，金额见表。", "护理给付按月发放，金额见表。");
        check(
            "参保人员经评定为重度失能的，可以选择在机构或者居家接受护\n理，费用由长期护理保险基金按月支付。",
            "参保人员经评定为重度失能的，可以选择在机构或者居家接受护理，费用由长期护理保险基金按月支付。",
        );
    }

    #[test]
    fn a_sentence_between_rules_is_no_front_matter() {
        let check = |text: &str, expected: bool| assert_eq!(has_front_matter(text, &YAML), expected, "{text}");
        check("---\ntitle: 护理\ntags:\n  - 长护\n# 说明\n---\n正文", true);
        check("---\n标题：护理\n---\n正文", true);
        check("---\n\n线上的一句话。\n\n---\n正文", false);
        check("正文\n---\na: b\n---", false);
        let article = article("---\n护理给付按月发放。\n---\n\n正文。");
        assert!(article.text.contains("护理给付按月发放。"), "{}", article.text);
    }

    #[test]
    fn tables_that_programs_broke_are_tables() {
        assert_eq!(
            article("# 限额\n\n| 病种 | 限额 | 比例\n|---|---|\n| 高血压 | 2400 | 70%\n| 类风湿\n关节炎 | 4800 | 75% |\n\n另行通知。").text,
            "病种 | 限额 | 比例\n高血压 | 2400 | 70%\n类风湿关节炎 | 4800 | 75%\n\n另行通知。"
        );
        let text = "甲|乙\n\n| 一 | 二 |\n|---|---|\n| 三 | 四 |\n五|六";
        assert!(
            article(text).text.contains("三 | 四\n五 | 六"),
            "{}",
            article(text).text
        );
    }

    #[test]
    fn front_matter_may_be_written_as_toml() {
        let article = article("+++\ntitle = \"异地就医\"\ndate = 2024-05-01\ntags = [\"备案\"]\n+++\n\n线上办理。");
        assert_eq!(
            (article.title.as_str(), article.text.as_str()),
            ("异地就医", "线上办理。")
        );
        assert_eq!(article.published.unwrap().to_string(), "2024-05-01");
        let text = "+++\n护理给付按月发放。\n+++\n\n正文。";
        assert!(self::article(text).text.contains("护理给付按月发放。"));
    }

    #[test]
    fn notes_tasks_and_what_is_struck_out_are_read_as_they_are_shown() {
        let check = |text: &str, expected: &str| assert_eq!(article(text).text, expected, "{text}");
        check("1. 甲\n3. 丙", "1. 甲\n3. 丙");
        check("缴费1~~3个月，延长5~~6个月。", "缴费1~~3个月，延长5~~6个月。");
        check("[热线]: 12393", "[热线]: 12393");
        check(
            "先减起付线[^1]。\n\n[^1]: 起付线按年度计算。\n\n再乘比例。",
            "先减起付线[1]。\n\n[1] 起付线按年度计算。\n\n再乘比例。",
        );
        check(
            "降低[15个百分点][1]。\n\n[1]: https://example.org \"降低比例\"",
            "降低15个百分点。",
        );
        check("- [x] 线上\n- [ ] 窗口", "- ☑ 线上\n- ☐ 窗口");
        check("由~~900~~600元。", "由600元。");
        check("[备注]: 详见https://example.org", "[备注]: 详见https://example.org");
        check("没有的注[^2]。", "没有的注[^2]。");
    }

    #[test]
    fn a_text_without_front_matter_is_dated_by_its_lines() {
        let article = article("# 暂停结算的公告\n\n来源：北原市医保局 发布时间：2025-04-02\n\n因系统升级，暂停结算。");
        assert_eq!(article.published.unwrap().to_string(), "2025-04-02");
        assert_eq!(article.source.as_deref(), Some("北原市医保局"));
    }

    #[test]
    fn no_cell_of_a_row_is_dropped() {
        let check = |text: &str, expected: &str| assert_eq!(article(text).text, expected, "{text}");
        check(
            "| 档 | 费 |\n|---|---|\n| 一 | 九十 | 每月 |\n| 二 | 八十 |\n",
            "档 | 费 |\n一 | 九十 | 每月\n二 | 八十 |",
        );
        check(
            "档|费\n-|-\n一|九十|每月|起\n\n后文",
            "档 | 费 |  |\n一 | 九十 | 每月 | 起\n\n后文",
        );
        check("| 档 |\n|---|\n| `a | b` |\n", "档 |\n`a | b`");
        check("| 档 | 费 |\n|---|---|\n| 一\\|二 | 九十 |\n", "档 | 费\n一|二 | 九十");
        check("| 档 | 费 |\n|---|---|\n| 一 | 九十 |\n", "档 | 费\n一 | 九十");
    }

    #[test]
    fn a_text_of_nothing_but_rules_of_tables_is_survived() {
        let read = read(&format!("{}甲 | 乙 | 丙\n", "-|-\n".repeat(50_000)), "名");
        assert!(read.articles[0].1.text.contains("乙 | 丙"));
    }

    #[test]
    fn the_title_is_found() {
        let check = |text: &str, title: &str, body: &str| {
            let article = article(text);
            assert_eq!((article.title.as_str(), article.text.as_str()), (title, body), "{text}");
        };
        check("# 甲\n\n乙", "甲", "乙");
        check("乙", "name", "乙");
        check("乙\n\n# 甲\n\n丙", "甲", "乙\n\n# 甲\n\n丙");
        check("---\ntitle: 甲\n---\n# 甲\n乙", "甲", "乙");
        check("---\ntitle: 甲\n---\n# 丁\n乙", "甲", "# 丁\n\n乙");
        check("# 甲 `乙` [丙](x)\n丁", "甲 乙 丙", "丁");
        check("", "", "");
    }

    #[test]
    fn what_people_write_is_read() {
        let check = |text: &str, title: &str, body: &str| {
            let article = article(text);
            assert_eq!((article.title.as_str(), article.text.as_str()), (title, body), "{text}");
        };
        check(
            "#报销材料\n\n总说一句。\n\n##需要的单据\n发票。",
            "报销材料",
            "总说一句。\n\n## 需要的单据\n\n发票。",
        );
        check("###3.办理地点\n\n各区。", "name", "### 3.办理地点\n\n各区。");
        check("#医保 #社保\n\n标签。", "name", "#医保 #社保\n\n标签。");
        check("```\n##不是标题\n```", "name", "##不是标题");
        check("正文。\n\n[注]:本表以元为单位", "name", "正文。\n\n[注]:本表以元为单位");
        check(
            "|人群|说明|\n|:--|--|\n|在职|起付线300元<br>封顶2000元|\n|退休|起付线200元<br/>封顶`3000`元|\n",
            "name",
            "人群 | 说明\n在职 | 起付线300元 封顶2000元\n退休 | 起付线200元 封顶3000元",
        );
        check("|学生|值\n|---|---\n|甲|50%", "name", "学生 | 值\n甲 | 50%");
    }

    #[test]
    fn front_matter_is_a_record() {
        let text = "---\ntitle: 甲\ndate: 未知\nregion: 杭州\nyear: 2024\ntags: [医保, 断缴]\nauthor: 某人\n---\n正文";
        let mut reading = read(text, "name");
        assert_eq!(reading.noticed.len(), 1, "{:?}", reading.noticed);
        assert_eq!(reading.left_out[0].reason, "front matter");
        let article = reading.articles.remove(0).1;
        assert_eq!((article.regions, article.years), (vec!["杭州".to_string()], vec![2024]));
        assert_eq!(article.attributes["author"], "某人");
        assert_eq!(article.attributes["tags"], "[\"医保\",\"断缴\"]");
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in "[-#*>|`~<a/>\\[\\]()!:\n 1.甲乙]{0,80}|\\PC{0,80}") {
            read(&text, "name");
        }
    }
}
