//! What becomes of pages: the kinds that people stumbled over, that nothing visible is lost, hostile pages.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::model::{Article, ArticleKind};
use crate::needed::shared;

fn article(text: &str) -> Article {
    let mut reading = read(text, "name");
    assert_eq!(
        (reading.rejected.as_slice(), reading.articles.len()),
        (&[][..], 1),
        "{text}"
    );
    reading.articles.remove(0).1
}

const PAGE: &str = r#"<!DOCTYPE html><html><head><meta charset="utf-8"><title>断缴怎么办_医保频道_某网</title>
    <meta property="article:published_time" content="2025-04-19T08:00:00+08:00"><meta name="source" content="市医保局">
    <link rel="canonical" href="https://example.org/a"><style>p { color: red }</style></head><body class="nav-open">
    <header><a href="/">首页</a></header><nav><ul><li>导航</li></ul></nav>
    <div class="wrap"><div class="breadcrumb">首页 &gt; 医保</div><div id="content">
    <h1>断缴怎么办</h1><p>三个月内
    补缴,&nbsp;<b>次月</b>恢复。</p>
    <h2>材料</h2><ul><li>身份证</li><li><p>社保卡</p><ol start="3"><li>原件</li></ol></li></ul>
    <table><tr><th>险种</th><th>个人</th></tr><tr><td><p>养老</p></td><td>8%</td></tr></table>
    <p style="display: none">藏着</p><script>var x = "脚本";</script><p>第一行<br>第二行</p></div>
    <div class="related">相关:<a href="x">别的文章</a></div></div><footer>版权所有</footer></body></html>"#;

#[test]
fn a_page_gives_its_article_and_what_is_known_of_it() {
    let article = article(PAGE);
    assert_eq!(article.title, "断缴怎么办");
    let expected = "三个月内补缴, 次月恢复。\n\n## 材料\n\n- 身份证\n- 社保卡\n  3. 原件\n\n险种 | 个人\n养老 | 8%\n\n第一行\n第二行";
    assert_eq!(article.text, expected);
    assert_eq!(article.published.unwrap().to_string(), "2025-04-19");
    assert_eq!(article.source.as_deref(), Some("市医保局"));
    assert_eq!(article.url.as_deref(), Some("https://example.org/a"));
}

#[test]
fn the_article_is_found() {
    let check = |text: &str, title: &str, body: &str| {
        let article = article(text);
        assert_eq!((article.title.as_str(), article.text.as_str()), (title, body), "{text}");
    };
    check("<p>正文", "name", "正文");
    check("<title>某文 - 某网</title><body><p>正文", "某文 - 某网", "正文");
    check("<title>断缴怎么办 - 某网</title><body><p>正文", "断缴怎么办", "正文");
    check(
        "<body>边栏里的文字很长很长很长<article><h1>甲</h1><p>正文</article>",
        "甲",
        "正文",
    );
    check("<main><p>正文一</main><p>版权", "name", "正文一");
    check(
        "<article>甲</article><article>乙</article><article>丙</article>",
        "name",
        "甲\n\n乙\n\n丙",
    );
    // Where the classes would drop all of it, they mean something else.
    check(
        "<div class='comment'><p>整页的正文都在这里面</p></div>",
        "name",
        "整页的正文都在这里面",
    );
    check("<pre>a  b\n  c</pre>", "name", "a  b\n  c");
    check("<ul><li></ul><p>正文", "name", "正文");
    let cell = "一整栏正文。".repeat(60);
    check(
        &format!("<table><tr><td>栏<td><p>{cell}<p>末段</table>"),
        "name",
        &format!("{cell}\n\n末段"),
    );
}

#[test]
fn a_list_of_related_entries_is_read_as_in_a_text() {
    let page = "<title>主文标题</title><p>主文。</p><p>提示:本内容不能代替面诊</p><div>相关推荐</div><div><p>甲</p><p>甲的摘要</p><p>健康新闻 2025-04-19</p></div>";
    let reading = read(page, "name");
    assert!(reading.is_page);
    assert_eq!(reading.articles.len(), 2);
    assert_eq!(reading.articles[0].1.text, "主文。");
    assert_eq!(
        (reading.articles[1].1.title.as_str(), reading.articles[1].1.kind),
        ("甲", ArticleKind::Summary)
    );
}

#[test]
fn the_charset_is_read() {
    let check = |text: &str, expected: Option<&str>| {
        assert_eq!(
            declared_encoding(text.as_bytes()).map(Encoding::name),
            expected,
            "{text}"
        );
    };
    check("<meta charset=\"gb2312\">", Some("GBK"));
    check(
        "<META http-equiv=Content-Type content='text/html; CHARSET=big5'>",
        Some("Big5"),
    );
    check("<meta charset=nonsense>", None);
    check("<p>", None);
}

/// A page of this title and body.
pub(super) fn page(title: &str, body: &str) -> String {
    format!("<!DOCTYPE html><html><head><title>{title}</title></head><body>{body}</body></html>")
}

/// Three paragraphs of prose.
pub(super) const PROSE: &str = "<p>参保人员中断缴费三个月以内的，可以补缴中断期间的费用，待遇连续计算。</p>\
    <p>超过三个月的，从重新缴费当月起设置等待期，等待期内发生的费用不予支付。</p>\
    <p>补缴到账后的次日起，恢复享受住院和门诊待遇，个人账户同时补划。</p>";
pub(super) const PROSE_TEXT: &str = "参保人员中断缴费三个月以内的，可以补缴中断期间的费用，待遇连续计算。\n\n\
    超过三个月的，从重新缴费当月起设置等待期，等待期内发生的费用不予支付。\n\n\
    补缴到账后的次日起，恢复享受住院和门诊待遇，个人账户同时补划。";

/// Holds that the page of this body is an article of this text, and what is left out of it for these reasons.
pub(super) fn check_body(body: &str, text: &str, reasons: &[&str]) {
    let mut reading = read(&page("断缴补缴怎么办_某医保网", body), "name");
    assert_eq!(reading.articles.len(), 1, "{body}\n{reading:?}");
    let article = reading.articles.remove(0).1;
    assert_eq!(article.text, text, "{body}");
    let found: Vec<&str> = reading.left_out.iter().map(|left| left.reason).collect();
    assert_eq!(found, reasons, "{body}\n{:?}", reading.left_out);
}

#[test]
fn an_article_in_a_form_is_read_and_the_controls_are_not() {
    let controls = "<input type=text value=关键词><select><option>全部</option><option>通知</option></select>";
    for form in [
        format!(
            "<form method=post action=show.aspx><input type=hidden name=state><h1>断缴补缴怎么办</h1>{PROSE}{controls}</form>"
        ),
        format!("<form>{controls}<table><tr><td><h1>断缴补缴怎么办</h1><div>{PROSE}</div></td></tr></table></form>"),
        format!(
            "<form><div><div>{controls}</div><h1>断缴补缴怎么办</h1><form>{PROSE}</form></div><button>提交</button></form>"
        ),
    ] {
        let mut reading = read(&page("断缴补缴怎么办", &form), "name");
        let article = reading.articles.remove(0).1;
        assert_eq!(
            (article.title.as_str(), article.text.as_str()),
            ("断缴补缴怎么办", PROSE_TEXT),
            "{form}"
        );
        let controls = reading.left_out.iter().filter(|left| left.reason == "form control");
        assert!(controls.count() >= 1, "{form}\n{:?}", reading.left_out);
    }
}

#[test]
fn hidden_answers_to_shown_questions_are_kept_in_order() {
    let answers = [
        (
            "异地就医要先备案吗",
            "要，出发前在小程序里备案，备案后住院费用直接结算。",
        ),
        (
            "家人能用我的账户吗",
            "能，绑定亲情账户以后，配偶、父母和子女都可以使用。",
        ),
        (
            "退休人员还缴费吗",
            "不缴，达到缴费年限的退休人员不再缴费，照样享受待遇。",
        ),
    ];
    let frames: [(&str, &str); 9] = [
        ("<details><summary>{q}</summary><p>{a}</p></details>", "{q}\n\n{a}"),
        (
            "<h3><button type=button>{q}</button></h3><div style='display: none'><p>{a}</p></div>",
            "### {q}\n\n{a}",
        ),
        (
            "<button aria-expanded=false aria-controls=x{n}>{q}</button><div id=x{n} hidden>{a}</div>",
            "{q}\n\n{a}",
        ),
        ("<dl><dt>{q}</dt><dd style='DISPLAY:NONE'>{a}</dd></dl>", "{q}\n{a}"),
        (
            "<div class=q>{q}？</div><div class=a style='display:none'>{a}</div>",
            "{q}？\n\n{a}",
        ),
        (
            "<div class=item><div class=ask>{q}</div><div class=reply style='display:none'>{a}</div></div>",
            "{q}\n\n{a}",
        ),
        (
            "<a data-toggle=collapse href='#c{n}'>{q}</a><div id=c{n} aria-hidden=true>{a}</div>",
            "{q}\n\n{a}",
        ),
        (
            "<div role=button>{q}</div><section style='visibility:hidden'>{a}</section>",
            "{q}\n\n{a}",
        ),
        ("<p>{q}</p><div role=tabpanel hidden>{a}</div>", "{q}\n\n{a}"),
    ];
    for (frame, expected) in frames {
        let fill = |frame: &str, join: &str| {
            let filled = answers.iter().enumerate().map(|(at, (question, answer))| {
                frame
                    .replace("{q}", question)
                    .replace("{a}", answer)
                    .replace("{n}", &at.to_string())
            });
            filled.collect::<Vec<_>>().join(join)
        };
        let body = format!("<h1>断缴补缴怎么办</h1>{PROSE}{}", fill(frame, ""));
        let gap = if frame.starts_with("<a ") { "\n" } else { "\n\n" };
        let article = article(&page("断缴补缴怎么办", &body));
        let text = fill(expected, gap);
        assert_eq!(
            article.text.replace("\n\n", "\n"),
            format!("{PROSE_TEXT}\n{text}").replace("\n\n", "\n"),
            "{frame}"
        );
    }
    // Questions that are links, each with its answer, are no teasers as long as they lead nowhere else.
    for link in ["#a1", "javascript:void(0)"] {
        let item =
            |(question, answer): &(&str, &str)| format!("<li><a href='{link}'>{question}</a><div>{answer}</div></li>");
        let items: String = answers.iter().map(item).collect();
        let text = article(&page(
            "断缴补缴怎么办",
            &format!("<h1>断缴补缴怎么办</h1>{PROSE}<ul>{items}</ul>"),
        ))
        .text;
        for (question, answer) in answers {
            assert!(text.contains(question) && text.contains(answer), "{link}\n{text}");
        }
    }
    // Tabs: one is shown, the others are not.
    let tabs = "<div class='pane on'><p>职工：住院起付标准为九百元，年内第二次减半。</p></div>\
        <div class='pane' style='display:none'><p>居民：住院起付标准为六百元，年内第二次减半。</p></div>";
    let text = "职工：住院起付标准为九百元，年内第二次减半。\n\n居民：住院起付标准为六百元，年内第二次减半。";
    check_body(&format!("<h1>断缴补缴怎么办</h1>{tabs}"), text, &["title"]);
}

#[test]
fn buttons_above_answers_are_their_headings() {
    let answers = [
        ("猝死赔吗？", "尊享版含猝死保障二十万元，基础版不含。"),
        ("多久生效？", "投保次日零时生效，可指定生效日期。"),
    ];
    let titles = [
        ("理赔流程", "出险后及时报案，资料齐全后五日内结案。"),
        ("责任免除", "酒后驾驶导致的事故，不予赔付。"),
    ];
    for (pairs, frame) in [
        (
            answers,
            "<div class=panel><button>{q}</button><div class='body collapse'><p>{a}</p></div></div>",
        ),
        (answers, "<button>{q}</button><div>{a}</div>"),
        (
            titles,
            "<div><button type=button>{q}</button><div><p>{a}</p></div></div>",
        ),
        (titles, "<button>{q}</button><p>{a}</p>"),
    ] {
        let fill = |(question, answer): &(&str, &str)| frame.replace("{q}", question).replace("{a}", answer);
        let body: String = pairs.iter().map(fill).collect();
        let found = article(&page(
            "断缴补缴怎么办",
            &format!("<h1>断缴补缴怎么办</h1>{PROSE}{body}"),
        ));
        let lines: Vec<String> = pairs
            .iter()
            .map(|(question, answer)| format!("{question}\n\n{answer}"))
            .collect();
        assert!(found.text.ends_with(&lines.join("\n\n")), "{frame}\n{}", found.text);
    }
    let tools = "<div><button>登录</button><div>登录以后可以查询，也可以打印。</div></div>";
    let found = article(&page(
        "断缴补缴怎么办",
        &format!("<h1>断缴补缴怎么办</h1>{PROSE}{tools}"),
    ));
    assert!(!found.text.contains("登录\n"), "{}", found.text);
}

#[test]
fn comments_are_left_out_though_they_say_more_than_the_article() {
    let short = "<p>产品停售后，保证续保期间内仍可续保；届满的，可投保其他产品。</p>";
    let said: String = [
        "去年就停售了，客服说可以转到新产品，要重新告知。",
        "价格差不多，主要看增值服务，以及外购药保障。",
        "停售不等于停保，合同期内还是有效的，别被忽悠了。",
    ]
    .iter()
    .map(|said| format!("<div><span>用户</span><p>{said}</p><a href=#>回复</a></div>"))
    .collect();
    for (class, heading) in [
        ("pinglun", "<h3>网友评论（12）</h3>"),
        ("comment-list", "<h3>全部评论(3)</h3>"),
        ("x", "<div><b>精彩评论</b></div>"),
        ("x", "<p>共3条评论列表</p>"),
    ] {
        let body = format!("<h1>停售了怎么办</h1><div>{short}</div><div class={class}>{heading}{said}</div>");
        let found = article(&page("停售了怎么办", &body));
        assert_eq!(
            found.text, "产品停售后，保证续保期间内仍可续保；届满的，可投保其他产品。",
            "{class}"
        );
    }
}

#[test]
fn what_is_hidden_and_answers_nothing_is_left_out() {
    for hidden in [
        "<div style='display:none'>请先登录后再发表您的意见，谢谢您的支持。</div>",
        "<div class=pop hidden><p>您的浏览器版本过低，请升级以后再来访问本站。</p></div>",
        "<p aria-hidden=true>索引号：一二三四五六</p>",
    ] {
        check_body(
            &format!("<h1>断缴补缴怎么办</h1><div>{PROSE}</div>{hidden}"),
            PROSE_TEXT,
            &["title", "hidden"],
        );
    }
    // A page that only a script makes visible is read.
    check_body(
        &format!("<h1>断缴补缴怎么办</h1><div style='visibility:hidden'>{PROSE}</div>"),
        PROSE_TEXT,
        &["title"],
    );
}

#[test]
fn a_word_in_a_class_drops_no_article() {
    let head = "<div class=head>某医保网在线办事大厅</div>";
    let footer =
        "<div class=bottom>主办单位：某医疗保障局 承办单位：某信息中心 地址：某路一号 备案号：某ICP备1号</div>";
    for mark in [
        "class='share-content'",
        "class='ad ad-content'",
        "id='menu-content'",
        "class='comment_box'",
        "id=sidebar class=related",
        "class='nav main'",
        "class=recommend",
        "id='footer'",
        "class='login toolbar'",
    ] {
        check_body(
            &format!("{head}<div {mark}><h1>断缴补缴怎么办</h1>{PROSE}</div>{footer}"),
            PROSE_TEXT,
            &["title", "around the article", "footer"],
        );
        check_body(
            &format!("{head}<h1>断缴补缴怎么办</h1><div {mark}>{PROSE}</div>"),
            PROSE_TEXT,
            &["above the title", "title"],
        );
    }
    // What is marked, holds little and not the title, goes.
    check_body(
        &format!(
            "<div><h1>断缴补缴怎么办</h1>{PROSE}<div class=comments><p>写得好，正好用得上，谢谢作者的整理。</p></div></div>"
        ),
        PROSE_TEXT,
        &["title", "comments"],
    );
}

#[test]
fn a_short_notice_is_read_without_a_long_footer() {
    let footer = "主办单位：某市医疗保障局 承办单位：某市大数据中心 地址：某市府前路一号 邮编：000000 政务服务热线：12345 \
        网站标识码：0000000001 某ICP备00000001号 建议使用新版浏览器访问";
    for (tag, mark) in [
        ("div", "class=content"),
        ("div", "class=ad-content"),
        ("td", ""),
        ("section", "id=share"),
    ] {
        let open = if tag == "td" { "<table><tr><td>" } else { "" };
        let close = if tag == "td" { "</td></tr></table>" } else { "" };
        let body = format!(
            "<div class=top>欢迎访问某市医疗保障局</div>{open}<{tag} {mark}><h1>断缴补缴怎么办</h1>\
             <p>三个月以内补缴的，视同连续参保。</p><p>咨询电话见官网。</p></{tag}>{close}<div class=bottom>{footer}</div>"
        );
        let article = article(&page("断缴补缴怎么办", &body));
        assert_eq!(
            article.text, "三个月以内补缴的，视同连续参保。\n\n咨询电话见官网。",
            "{body}"
        );
    }
}

#[test]
fn a_notice_shorter_than_the_imprint_below_it_is_read() {
    let imprints = [
        "主办：南岭市人社局　承办：信息中心　地址：江边路九号　邮编：000000　南ICP备00000002号",
        "版权所有 南岭市社保中心 联系我们 网站地图 法律声明 技术支持：某公司 建议使用新版浏览器",
        "Copyright 2024 南岭市人社局 关于我们 联系我们 电话：000-0000000",
    ];
    let notices = [
        ("<p>周三停办。</p>", "周三停办。"),
        (
            "<ul><li>工本费 20元</li><li>邮寄费 12元</li></ul>",
            "- 工本费 20元\n- 邮寄费 12元",
        ),
        ("<p>护理评估费</p><p>每次300元</p>", "护理评估费\n\n每次300元"),
    ];
    for imprint in imprints {
        for (notice, expected) in notices {
            for tag in ["div", "p"] {
                let body = format!("<h1>断缴补缴怎么办</h1>{notice}<{tag}>{imprint}</{tag}>");
                let mut reading = read(&page("断缴补缴怎么办", &body), "name");
                assert_eq!(reading.articles.len(), 1, "{body}\n{reading:?}");
                let article = reading.articles.remove(0).1;
                assert_eq!(
                    (article.title.as_str(), article.text.as_str()),
                    ("断缴补缴怎么办", expected),
                    "{body}"
                );
            }
        }
    }
}

#[test]
fn what_opens_a_panel_names_it() {
    let check = |body: &str, kept: &[&str], gone: &[&str]| {
        let article = article(&page("断缴补缴怎么办", &format!("<h1>断缴补缴怎么办</h1>{body}")));
        let mut from = 0;
        for words in kept {
            let at = article.text[from..].find(words);
            assert!(at.is_some(), "{words} is not in {}", article.text);
            from += at.unwrap_or(0);
        }
        for words in gone {
            assert!(!article.text.contains(words), "{words} is in {}", article.text);
        }
    };
    let kept = [
        "护理要评估吗？",
        "要，每两年评估一次，由机构上门。",
        "在家也给付吗？",
        "给付，按月发到账户，金额减半。",
    ];
    for (question, answer) in [
        (
            "<div><a href='#{n}' data-toggle=collapse>{q}</a></div>",
            "<div id={n} class=collapse>{a}</div>",
        ),
        (
            "<p><a data-bs-target='#{n}' href='#'>{q}</a></p>",
            "<div id={n} class='panel-body'>{a}</div>",
        ),
        (
            "<dt><a href='javascript:;'>{q}</a></dt>",
            "<dd style='display:none'>{a}</dd>",
        ),
        ("<li><a href='#'>{q}</a></li>", "<li hidden>{a}</li>"),
    ] {
        let entry = |n: &str, at: usize| {
            format!("{question}{answer}")
                .replace("{n}", n)
                .replace("{q}", kept[at])
                .replace("{a}", kept[at + 1])
        };
        check(&format!("<dl>{}{}</dl>", entry("a", 0), entry("b", 2)), &kept, &[]);
    }
    let panes = "<div class='tab-pane' id=a>机构护理每月九百元，按月结算。</div><div class='tab-pane' id=b>居家护理每月四百元，按季结算。</div>";
    check(
        &format!(
            "<ul class='nav nav-tabs'><li><a href='#a'>机构</a></li><li><a href='#b'>居家</a></li></ul><div>{panes}</div>"
        ),
        &["机构", "居家", "机构护理每月", "居家护理每月"],
        &[],
    );
    let panes = "<div class=pane>机构护理每月九百元，按月结算。</div><div class=pane style='display:none'>居家护理每月四百元，按季结算。</div>";
    check(
        &format!("<div><button>机构</button><button>居家</button></div>{panes}"),
        &["机构", "居家", "机构护理每月", "居家护理每月"],
        &[],
    );
    check(
        &format!(
            "{PROSE}<label for=x>展开全部</label><div style='display:none'>其一，备齐材料；其二，到窗口办理；其三，等待短信。</div>"
        ),
        &["其二"],
        &[],
    );
    let panes: String = [("a", "机构"), ("b", "居家"), ("c", "日间")]
        .map(|(id, name)| format!("<div class='tab-pane' id={id}>{name}护理每月九百元，按月结算。</div>"))
        .concat();
    check(
        &format!(
            "<ul class='nav nav-tabs'><li><a href='#a'>机构</a></li><li><a href='#b'>居家</a></li><li><a href='#c'>日间</a></li></ul><div>{panes}</div>"
        ),
        &["机构", "居家", "日间", "机构护理每月"],
        &[],
    );
    // A menu and a form to log in open no text.
    check(
        &format!(
            "<ul class=nav><li><a href='#m'>栏目</a></li></ul><div id=m class=collapse><a href=1>某一栏</a><a href=2>某二栏</a></div>\
            <p><a data-toggle=modal data-target='#l' href='#'>登录</a></p><div id=l class=panel hidden>请输入号码，再点确定。</div>{PROSE}"
        ),
        &["三个月以内"],
        &["栏目", "某一栏", "登录"],
    );
}

#[test]
fn a_sentence_is_text_whatever_its_class_and_links_say() {
    let others = "<div class=related><h3>相关</h3><ul><li><a href=1>护理评估的通知</a> 2024-01-01</li><li><a href=2>护理机构的通知</a> 2024-01-02</li></ul></div>";
    for mark in ["detail-footer", "ad-box", "share content", "news-comment"] {
        let article = article(&page(
            "断缴补缴怎么办",
            &format!("<div><h1>断缴补缴怎么办</h1><div class='{mark}'>三个月内补缴，待遇连续。</div>{others}</div>"),
        ));
        assert!(
            article.text.starts_with("三个月内补缴，待遇连续。"),
            "{mark}: {}",
            article.text
        );
    }
    check_body(
        "<h1>断缴补缴怎么办</h1><div><div>三个月内补缴。<div>待遇连续计算。<div>超过三个月的，从重新缴费当月起设置等待期，期内不予支付，等待期满后恢复待遇，已经发生的费用由个人承担，不再追溯，也不退还已经缴纳的费用，具体以经办机构的核定为准。</div></div></div></div>",
        "三个月内补缴。\n\n待遇连续计算。\n\n超过三个月的，从重新缴费当月起设置等待期，期内不予支付，等待期满后恢复待遇，已经发生的费用由个人承担，不再追溯，也不退还已经缴纳的费用，具体以经办机构的核定为准。",
        &["title"],
    );
    let linked = "<p><a href=1>依据《办法》第二条，逾期补缴的重新计算等待期。</a></p>";
    check_body(
        &format!("<h1>断缴补缴怎么办</h1>{PROSE}{linked}"),
        &format!("{PROSE_TEXT}\n\n依据《办法》第二条，逾期补缴的重新计算等待期。"),
        &["title"],
    );
}

#[test]
fn a_table_that_is_most_of_a_page_keeps_its_rows() {
    let check = |body: &str, expected: &str| {
        let article = article(&page("断缴补缴怎么办", &format!("<h1>断缴补缴怎么办</h1>{body}")));
        assert_eq!(article.text, expected, "{body}");
    };
    let rows = "<tr><td>护理</td><td>给付</td></tr><tr><td>机构护理</td><td>每月九百元</td></tr><tr><td>居家护理</td><td>每月四百元</td></tr>";
    let text = "护理 | 给付\n机构护理 | 每月九百元\n居家护理 | 每月四百元";
    check(&format!("<table border=1>{rows}</table>"), text);
    check(&format!("<div><table><tbody>{rows}</tbody></table></div>"), text);
    check(
        &format!("<div><p>凭评估结论办理。</p><table>{}</table></div>", rows.repeat(20)),
        &format!("凭评估结论办理。\n\n{}", vec![text; 20].join("\n")),
    );
    check(
        "<table><tr><td>护理</td><td>给付</td></tr><tr><td>甲</td><td>评定为重度失能的参保人员在机构接受护理的按月结算</td></tr></table>",
        "护理 | 给付\n甲 | 评定为重度失能的参保人员在机构接受护理的按月结算",
    );
    // What its names link to is no list of links.
    let linked = "<tr><td>机构</td><td>床位</td></tr><tr><td><a href=1>江边护理院</a></td><td>80张</td></tr><tr><td><a href=2>山前护理院</a></td><td>60张</td></tr>";
    check(
        &format!("<table>{linked}</table>"),
        "机构 | 床位\n江边护理院 | 80张\n山前护理院 | 60张",
    );
}

#[test]
fn each_value_stands_under_the_name_of_its_column() {
    let check = |table: &str, expected: &str| {
        let article = article(&page(
            "断缴补缴怎么办",
            &format!("<h1>断缴补缴怎么办</h1>{PROSE}<table>{table}</table>"),
        ));
        let text = article.text.strip_prefix(PROSE_TEXT).unwrap().trim_start();
        assert_eq!(text, expected, "{table}");
    };
    let row = |cells: &str, cell: &str| {
        let cells = cells.split('|').map(|words| match words.split_once('@') {
            Some((words, spans)) => format!("<{cell} {spans}>{words}</{cell}>"),
            None => format!("<{cell}>{words}</{cell}>"),
        });
        format!("<tr>{}</tr>", cells.collect::<String>())
    };
    // Names in two rows, marked as names or not.
    for cell in ["th", "td"] {
        let names = row("级别@rowspan=2|比例@colspan=2|起付线@rowspan=2", cell) + &row("在职|退休", cell);
        let rows = row("一级|90%|95%|200元", "td")
            + &row("二级@rowspan='2'|87%|92%|500元", "td")
            + &row("转外减十个点@colspan=\"2\"|600元", "td");
        check(
            &(names + &rows),
            "级别 | 比例 在职 | 比例 退休 | 起付线\n一级 | 90% | 95% | 200元\n二级 | 87% | 92% | 500元\n\
             二级 | 转外减十个点 | 转外减十个点 | 600元",
        );
    }
    // An empty cell keeps its column; a title over all columns stands for itself.
    check(
        &(row("表一 缴费比例@colspan=3", "th")
            + &row("险种|单位|个人", "th")
            + &row("养老|16%|8%", "td")
            + &row("|0.5%|", "td")
            + &row("工伤|||", "td")),
        "表一 缴费比例\n险种 | 单位 | 个人\n养老 | 16% | 8%\n| 0.5%\n工伤",
    );
    // A cell over three rows in the middle, and one at the end.
    check(
        &(row("甲|乙@rowspan=3|丙", "td") + &row("丁|戊@rowspan=2", "td") + &row("己", "td") + &row("庚|辛|壬", "td")),
        "甲 | 乙 | 丙\n丁 | 乙 | 戊\n己 | 乙 | 戊\n庚 | 辛 | 壬",
    );
    check(
        "<caption>起付标准</caption><thead><tr><th>医院<th>标准</thead><tbody><tr><td>三级<br>甲等<td><p>九百元<p>减半</tbody>",
        "起付标准\n医院 | 标准\n三级 甲等 | 九百元 减半",
    );
    // A label of a form that reaches over those that others divide stands once.
    let said = "给予投保人合同约定以外的利益，对投保人隐瞒重要情况。";
    check(
        &(row(&format!("事由@colspan=3|{said}"), "td")
            + &row("当事人@rowspan=2|名称@colspan=2|某公司", "td")
            + &row("姓名@colspan=2|某人", "td")),
        &format!("事由 | {said}\n当事人 | 名称 | 某公司\n当事人 | 姓名 | 某人"),
    );
    // Not where a value is that of the columns that it spans.
    check(
        &(row(&format!("说明@colspan=2|{said}"), "td")
            + &row("等级|职工|居民", "td")
            + &row("三级|85%@colspan=2", "td")
            + &row("二级|90%|80%", "td")),
        &format!("说明 | 说明 | {said}\n等级 | 职工 | 居民\n三级 | 85% | 85%\n二级 | 90% | 80%"),
    );
    check(
        &(row("项目@colspan=2|标准", "td") + &row("住院|床位|50元", "td") + &row("合计@colspan=2|50元", "td")),
        "项目 | 项目 | 标准\n住院 | 床位 | 50元\n合计 | 合计 | 50元",
    );
    // Spans that no table has.
    check(
        &(row("甲@colspan=0|乙@rowspan=-1", "td") + &row("丙@rowspan=99999|丁@colspan=x", "td")),
        "甲 | 乙\n丙 | 丁",
    );
}

#[test]
fn a_long_table_keeps_each_row_on_its_line() {
    let rows: String = (1..=90)
        .map(|at| format!("<tr><td>药品{at}</td><td>甲类</td><td>{at}元</td></tr>"))
        .collect();
    let body =
        format!("<h1>断缴补缴怎么办</h1>{PROSE}<table><tr><th>药名</th><th>类别</th><th>价格</th></tr>{rows}</table>");
    let article = article(&page("断缴补缴怎么办", &body));
    let lines: Vec<&str> = article
        .text
        .lines()
        .skip_while(|line| !line.starts_with("药名"))
        .collect();
    assert_eq!(
        (lines.len(), lines[0], lines[90]),
        (91, "药名 | 类别 | 价格", "药品90 | 甲类 | 90元")
    );
}

#[test]
fn lists_count_as_the_page_counts() {
    let check = |list: &str, expected: &str| {
        let article = article(&page(
            "断缴补缴怎么办",
            &format!("<h1>断缴补缴怎么办</h1>{PROSE}{list}"),
        ));
        assert_eq!(
            article.text.strip_prefix(PROSE_TEXT).unwrap().trim_start(),
            expected,
            "{list}"
        );
    };
    check("<ol><li>甲<li value=7>乙<li>丙</ol>", "1. 甲\n7. 乙\n8. 丙");
    check("<ol reversed><li>甲<li>乙<li>丙</ol>", "3. 甲\n2. 乙\n1. 丙");
    check(
        "<ol reversed start=10><li>甲<li>乙<li value=4>丙<li>丁</ol>",
        "10. 甲\n9. 乙\n4. 丙\n3. 丁",
    );
    check("<ol type=a start=26><li>甲<li>乙</ol>", "z. 甲\naa. 乙");
    check("<ol type=A><li>甲<li>乙</ol>", "A. 甲\nB. 乙");
    check("<ol type=i start=4><li>甲<li>乙</ol>", "iv. 甲\nv. 乙");
    check("<ol type=I start=1994><li>甲</ol>", "MCMXCIV. 甲");
    check("<ol start=-1><li>甲<li>乙<li>丙</ol>", "-1. 甲\n0. 乙\n1. 丙");
    check("<ol type=a start=0 value=x><li value=x>甲</ol>", "0. 甲");
    check("<ul><li value=5>甲</ul>", "- 甲");
}

#[test]
fn an_official_page_gives_its_title_once_and_no_tools() {
    for (heading, credits) in [
        (
            "某市医疗保障局<br/>关于做好参保缴费工作的通知",
            "<p>发布时间：2024-08-13 来源：某市医保局</p>",
        ),
        (
            "<span>某市医疗保障局</span><br>\n<span>关于做好参保缴费工作的通知</span>",
            "<div>日期：2024年8月13日 来源：某市医保局 浏览次数：12</div>",
        ),
        (
            "某市医疗保障局关于做好参保缴费工作的通知",
            "<span>2024-08-13 10:00</span> <span>来源：某市医保局</span>",
        ),
    ] {
        let body = format!(
            "<ul><li><a href=/>首页</a></li><li><a href=/zc>政策文件</a></li></ul><div class=content><h1>{heading}</h1>\
             <div class=info>{credits}<p>字号：<a>[ 大 ]</a><a>[ 中 ]</a><a>[ 小 ]</a></p><p><span>打印</span> <span>分享到</span></p></div>\
             <div class=detail>{PROSE}<p>某市医疗保障局</p><p>2024年8月9日</p></div>\
             <div>附件：<a href=1.doc>参保任务表.doc</a></div><p>【打印本页】 【关闭窗口】</p></div>"
        );
        let title = "某市医疗保障局 关于做好参保缴费工作的通知";
        let mut reading = read(&page(&format!("\n  {title}\n"), &body), "name");
        let article = reading.articles.remove(0).1;
        assert_eq!(article.title.replace(' ', ""), title.replace(' ', ""), "{body}");
        assert_eq!(
            article.text,
            format!("{PROSE_TEXT}\n\n某市医疗保障局\n\n2024年8月9日\n\n附件：参保任务表.doc"),
            "{body}"
        );
        assert_eq!(article.published.unwrap().to_string(), "2024-08-13", "{body}");
        assert_eq!(article.source.as_deref(), Some("某市医保局"), "{body}");
    }
}

#[test]
fn lines_with_times_stay_and_name_nobody() {
    let lines = [
        "线上缴费：2025-04-25 22:00 至 2025-04-26 08:00",
        "药店刷卡：2025-04-25 23:00 至 2025-04-26 06:00",
        "2025-04-26 00:00 城东窗口",
        "2025-04-26 12:00 城西窗口",
    ];
    for frame in ["<p>{}</p>", "<ul><li>{}</li></ul>", "{}<br>", "<div>{}</div>"] {
        let all: String = lines.iter().map(|line| frame.replace("{}", line)).collect();
        for body in [
            format!("<h1>断缴补缴怎么办</h1><p>因平台升级，暂停服务。</p>{all}"),
            format!("<h1>断缴补缴怎么办</h1>{all}<p>因平台升级，以上时段暂停服务，请提前安排。</p>"),
        ] {
            let article = article(&page("断缴补缴怎么办", &body));
            for line in lines {
                assert!(article.text.contains(line), "{line} of {body}\n{}", article.text);
            }
            assert_eq!((&article.source, article.published), (&None, None), "{body}");
        }
    }
    let fields = "<p>时间：2024年12月28日</p><p>地点：城东中心二楼</p><p>对象：灵活就业人员</p>";
    let announced = article(&page(
        "断缴补缴怎么办",
        &format!("<h1>断缴补缴怎么办</h1>{fields}{PROSE}"),
    ));
    assert!(
        announced.text.starts_with("时间：2024年12月28日\n\n地点："),
        "{}",
        announced.text
    );
    let signed = article(&page(
        "断缴补缴怎么办",
        &format!("<h1>断缴补缴怎么办</h1>{PROSE}<p>某市医保局</p><p>2024年5月8日</p>"),
    ));
    assert!(signed.text.ends_with("某市医保局\n\n2024年5月8日"));
    assert_eq!(signed.published.unwrap().to_string(), "2024-05-08");
}

#[test]
fn lines_of_tools_credits_and_prompts_are_no_text() {
    let check = |above: &str, behind: &str| {
        let found = article(&page(
            "断缴怎么办",
            &format!("<h1>断缴怎么办</h1>{above}<div>{PROSE}</div>{behind}"),
        ));
        assert_eq!(found.text, PROSE_TEXT, "{above}{behind}");
    };
    for above in [
        "<div>字号：<a href=#>大</a> <a href=#>中</a> <a href=#>小</a> <a href=#>打印本页</a> 浏览次数：<span>1024</span></div>",
        "<p><span>2024-07-01</span><span>浏览：8876次</span></p>",
        "<div><span>某保编辑部</span><span>2023/12/05</span><span>阅读约3分钟</span></div>",
        "<p>公布日期：2015-04-24　施行日期：2015-04-24　时效性：现行有效</p>",
        "<p>最後更新日期：2024年4月1日</p>",
        "<p>本报记者 王某</p><p>《某某日报》（2025年03月21日 第05版）</p>",
        "<div><b>社保老张</b><span>3天前</span><span>+关注</span></div>",
        "<p>（2024年6月18日）</p>",
        "<p>2024年6月18日 10时22分</p>",
        "<p>2024/06/18 星期二</p>",
        "<p>张三 · 2024-06-18 · 保险知识</p>",
        "<p>２０２４－０６－１８</p>",
    ] {
        check(above, "");
    }
    for behind in [
        "<p>责任编辑：吴某</p><div><p>海量资讯、精准解读，尽在某某财经APP</p></div><div>文章关键词：<a href=/k>社保</a></div>",
        "<p>— END —</p><p>来源：某某</p><p>编辑 | 小禾　审核 | 老李</p><p>▼ 往期回顾 ▼</p><p><a href=u>重疾险怎么选</a></p>",
        "<p>长按识别二维码，添加顾问微信，免费领取投保方案</p><p>觉得有用，点个“在看”再走吧</p>",
        "<div>更多精彩内容，请下载某财经APP</div><div>郑重声明：某财经发布此信息，与本网站立场无关，风险自担。</div>",
    ] {
        check("", behind);
    }
    let bar = "<div><a href=#>回复</a> <a href=#>支持</a> <a href=#>反对</a> <a href=#>举报</a></div>";
    let said = "<p>第二段说明办理的时间，以及所需的材料。</p>";
    let found = article(&page(
        "断缴怎么办",
        &format!("<h1>断缴怎么办</h1><div>{PROSE}{bar}{said}</div>"),
    ));
    assert_eq!(
        found.text,
        format!("{PROSE_TEXT}\n\n第二段说明办理的时间，以及所需的材料。")
    );
    let stays = "<p>参保人员可以扫码办理，也可以关注公众号，在线申领。</p>";
    let found = article(&page("断缴怎么办", &format!("<h1>断缴怎么办</h1>{PROSE}{stays}")));
    assert!(found.text.ends_with("在线申领。"), "{}", found.text);
}

#[test]
fn what_stands_behind_an_article_is_cut() {
    for behind in [
        "<h3>相关新闻</h3><p>某市上调缴费基数，七月一日起执行新的标准。</p>",
        "<div>为你推荐</div><div><p>某市开通线上办理，足不出户即可完成备案。</p></div>",
        "<p>免责声明：本文仅供参考，不构成任何建议，转载请联系作者本人。</p>",
        "<h3>相關新聞</h3><p>某市上調繳費基數，七月一日起執行新的標準。</p>",
        "<div>您可能感兴趣的</div><p>某市上调缴费基数，七月一日起执行新的标准。</p>",
        "<p>责任编辑：某某</p>",
        "<p>責任編輯：某某</p>",
        "<p>上一篇：没有了</p><p>下一篇：没有了</p>",
    ] {
        let reading = read(
            &page("断缴补缴怎么办", &format!("<h1>断缴补缴怎么办</h1>{PROSE}{behind}")),
            "name",
        );
        assert_eq!(reading.articles[0].1.text, PROSE_TEXT, "{behind}");
    }
    // Above half of the prose the same words are a part of it.
    let body = format!("<h1>断缴补缴怎么办</h1><p>先看一条消息，再说办法。</p><h2>相关新闻</h2>{PROSE}");
    let text = article(&page("断缴补缴怎么办", &body)).text;
    assert!(text.ends_with(PROSE_TEXT), "{text}");
    // A list of teasers is none of the article, however much it says.
    let teaser = "<li><h4><a href=x>某市上调缴费基数的消息</a></h4><p>七月一日起执行新的标准，单位和个人都要按新的基数缴费。</p></li>";
    check_body(
        &format!("<div><h1>断缴补缴怎么办</h1>{PROSE}<ul>{}</ul></div>", teaser.repeat(9)),
        PROSE_TEXT,
        &["title", "related entries"],
    );
}

#[test]
fn titles_dates_and_sources_are_found_each_for_itself() {
    let check = |head: &str, body: &str, title: &str, date: Option<&str>, source: Option<&str>| {
        let text = format!("<html><head>{head}</head><body>{body}<div>{PROSE}</div></body></html>");
        let article = article(&text);
        let found = article.published.map(|day| day.to_string());
        assert_eq!(
            (article.title.as_str(), found.as_deref(), article.source.as_deref()),
            (title, date, source),
            "{text}"
        );
    };
    check(
        "<title>断缴怎么办-某网</title>",
        "<div class=t>断缴怎么办</div>",
        "断缴怎么办",
        None,
        None,
    );
    check(
        "<title>断缴怎么办 医保频道_某网</title>",
        "<p><b>断缴怎么办</b></p>",
        "断缴怎么办",
        None,
        None,
    );
    check(
        "<title>某网</title>",
        "<div class='news-title'>断缴怎么办</div>",
        "断缴怎么办",
        None,
        None,
    );
    check(
        "<title>某网</title>",
        "<h1>断缴怎么办</h1><p>2024-03-11 09:30</p>",
        "断缴怎么办",
        Some("2024-03-11"),
        None,
    );
    for (head, body) in [
        (
            "<title>某市社保中心</title>",
            "<h1>某市社保中心</h1><div class=tit>灵活就业人员断缴怎么办</div>",
        ),
        (
            "<title>某市社保中心</title>",
            "<h1>某市社保中心</h1><h2>灵活就业人员断缴怎么办</h2>",
        ),
        (
            "<title>某市社保中心 - 灵活就业人员断缴怎么办</title>",
            "<h1>某市社保中心</h1><div>灵活就业人员断缴怎么办</div>",
        ),
        (
            "<title>某市人社局--灵活就业人员断缴怎么办</title>",
            "<span>灵活就业人员断缴怎么办</span>",
        ),
        (
            "<title>首页 > 问答 > 灵活就业人员断缴怎么办</title>",
            "<div>灵活就业人员断缴怎么办</div>",
        ),
        (
            "<title>某局 政策问答 灵活就业人员断缴怎么办</title>",
            "<div>灵活就业人员断缴怎么办</div>",
        ),
        (
            "<title>灵活就业人员断缴怎么办 - 论坛</title>",
            "<h1><a href=/t>[求助]</a> <span>灵活就业人员断缴怎么办</span></h1>",
        ),
    ] {
        check(head, body, "灵活就业人员断缴怎么办", None, None);
    }
    let day = Some("2024-06-18");
    check(
        "<title>某市医保局</title>",
        "<h1>政策问答</h1><h2>断缴怎么办</h2><div>2024-06-18</div>",
        "断缴怎么办",
        day,
        None,
    );
    check(
        "",
        "<div><b>灵活就业人员断缴怎么办</b></div><div>2024-06-18</div>",
        "灵活就业人员断缴怎么办",
        day,
        None,
    );
    check(
        "<title>断缴怎么办|某网</title>",
        "<h1>断缴怎么办</h1><p>来源：市医保局 作者：某某</p>",
        "断缴怎么办",
        None,
        Some("市医保局"),
    );
    check(
        "<title>断缴怎么办</title>",
        "<p>2024/3/11</p><h1>断缴怎么办</h1>",
        "断缴怎么办",
        Some("2024-03-11"),
        None,
    );
    check(
        "<title>断缴怎么办</title><script type='application/ld+json'>{\"datePublished\": \"2024-03-11T08:00:00\"}</script>",
        "<h1>断缴怎么办</h1><p>来源：不是一个名字，而是一句话。</p>",
        "断缴怎么办",
        Some("2024-03-11"),
        None,
    );
    check(
        "<title>断缴怎么办</title><meta name=PubDate content=未知><meta name=ContentSource content=市医保局>",
        "<h1>断缴怎么办</h1>",
        "断缴怎么办",
        None,
        Some("市医保局"),
    );
    check(
        "<title>断缴怎么办</title><link rel=canonical href=https://a.example/2024-03/11/c_1.htm>",
        "<h1>断缴怎么办</h1>",
        "断缴怎么办",
        Some("2024-03-11"),
        None,
    );
    // The last change is not the publication, but better than nothing.
    check(
        "<title>断缴怎么办</title><meta name=lastmodified content=2024-03-12>",
        "<h1>断缴怎么办</h1>",
        "断缴怎么办",
        Some("2024-03-12"),
        None,
    );
}

#[test]
fn a_day_is_told_from_those_of_other_things() {
    const TITLE: &str = "某市关于门诊统筹的通知";
    let check = |above: &str, below: &str, behind: &str, expected: Option<&str>| {
        let body = format!("{above}<h1>{TITLE}</h1>{below}<div>{PROSE}</div>{behind}");
        let found = article(&page(TITLE, &body)).published.map(|day| day.to_string());
        assert_eq!(found.as_deref(), expected, "{body}");
    };
    let day = Some("2024-06-18");
    let cells = "<table><tr><td>文号</td><td>医保发〔2024〕18号</td><td>发布日期</td><td>2024-06-18</td></tr>\
        <tr><td>有效性</td><td>有效</td><td>公开方式</td><td>主动公开</td></tr></table>";
    check(cells, "", "", day);
    for today in [
        "<div>今天是2026年11月28日 星期六</div>",
        "<div><span>2026年11月28日 星期六</span><a href=/l>登录</a></div><ul><li><a href=/>首页</a></li></ul>",
        "<div>欢迎访问！今天是：2026-11-28</div>",
        "<div><h3>最新动态</h3><ul><li><a href=/n>医保基金运行平稳</a> 2023-01-05</li></ul></div>",
    ] {
        check(today, "", "", None);
        check(today, "<p>[2024-06-18]</p>", "", day);
    }
    for below in [
        "<p>实施日期：2025-01-01</p><p>发布日期：2024-06-18</p>",
        "<p>２０２４－０６－１８</p>",
        "<p>日期：24-06-18</p>",
        "<div><b>18</b><i>2024.06</i></div>",
        "<p>06月18日 2024 某财经</p>",
    ] {
        check("", below, "", day);
    }
    for behind in [
        "<div>信息来源：征缴科　录入：某某　发布日期：2024-6-18 16:03:11　<a href=#>[关闭]</a></div>",
        "<p>（2024年6月18日）</p>",
        "<p>某市医疗保障局</p><p>2024年6月18日</p><p>抄送：省医疗保障局。</p>",
    ] {
        check("", "", behind, day);
    }
}

/// The characters of a page that a reader sees and that are neither in an article nor left out with a reason.
fn lost(text: &str) -> Vec<char> {
    let mut seen: HashMap<char, isize> = HashMap::new();
    let mut count = |text: &str, by: isize| {
        let visible = |c: &char| !c.is_whitespace() && !matches!(c, '\u{200b}' | '\u{feff}');
        for c in text.chars().filter(visible) {
            *seen.entry(c).or_default() += by;
        }
    };
    let page = Html::parse_document(&signs::with_signs(text));
    dom::walk(page.root_element(), |step| {
        match step {
            // Tags that are written in a field are read as such where it holds the article.
            dom::Step::Open(element) if element.value().name() == "textarea" && dom::words(element).contains('<') => {
                return false;
            }
            dom::Step::Open(element) => return !dom::is_unseen(element.value().name()),
            dom::Step::Text(text) => count(text, 1),
            dom::Step::Close(_) => {}
        }
        true
    });
    let reading = read(text, "");
    for (place, article) in &reading.articles {
        count(&article.text, -1);
        // The titles of related entries are nowhere else.
        count(if *place > 0 { &article.title } else { "" }, -1);
    }
    for left in &reading.left_out {
        assert!(!left.reason.is_empty());
        count(&left.text, -1);
    }
    let mut lost: Vec<char> = seen
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(c, _)| c)
        .collect();
    lost.sort_unstable();
    lost
}

#[test]
fn nothing_visible_of_a_real_page_is_lost() {
    for place in ["data/wild", "data/cases", "data/pages"] {
        let Some(folder) = shared(place) else { return };
        for entry in walkdir::WalkDir::new(folder).into_iter().flatten() {
            let kind = entry.path().extension().and_then(|kind| kind.to_str());
            if matches!(kind, Some("html" | "htm" | "txt")) {
                let bytes = std::fs::read(entry.path()).unwrap();
                assert_eq!(lost(&String::from_utf8_lossy(&bytes)), [], "{}", entry.path().display());
            }
        }
    }
}

/// Pieces of pages: what opens, closes and stands between, real and nonsense.
fn pieces() -> impl Strategy<Value = String> {
    let tag = "</?(div|p|li|ul|ol|dl|dt|dd|table|tr|td|th|thead|caption|h1|h2|a|article|main|nav|footer|header|aside|form|button|select|option|\
        pre|b|font|span|br|details|summary|ruby|rt|svg|script|style|template|noscript|title|head|body|iframe|textarea|center|section)";
    let attribute = "( (href=x|hidden|style='display:none'|class=(related|comment|nav|share-content|title|a)|id=c|aria-hidden=true|rowspan=[0-9]{1,2}|\
        colspan=[0-9]{1,3}|value=[0-9]|reversed|type=[aAiI1]|start=-?[0-9]{1,3}|role=(main|tabpanel|button)|aria-controls=c)){0,2}/?>";
    let words = "参保人员中断缴费三个月以内的，可以补缴中断期间的费用。|相关推荐|相关新闻|免责声明：仅供参考|来源：某网|2025-06-01 08:00|健康新闻 2025-04-19|\
        首页|打印|一、办法|1. 甲|[甲乙丙丁戊]{1,9}[，。？]?|&nbsp;|&lt;b&gt;|<!--注-->|\n| ";
    prop_oneof![
        3 => proptest::string::string_regex(&format!("{tag}{attribute}")).unwrap(),
        4 => words,
        1 => "\\PC{0,12}",
        1 => "[<>/=\"'!a-z \\-]{1,12}",
    ]
}

fn pages() -> impl Strategy<Value = String> {
    let title = prop_oneof![Just(String::new()), Just("<title>甲乙_某网</title>".to_string())];
    (title, proptest::collection::vec(pieces(), 0..80)).prop_map(|(title, pieces)| title + &pieces.concat())
}

#[test]
fn a_script_that_a_field_leaves_open_takes_nothing_behind_it() {
    let page =
        "免责声明：仅供参考<textarea><center>参保人员中断缴费三个月以内的，可以补缴。<script></textarea>相关推荐";
    assert_eq!(lost(page), Vec::<char>::new());
}

proptest! {
    #[test]
    fn nothing_visible_of_any_page_is_lost(text in pages()) {
        prop_assert_eq!(lost(&text), Vec::<char>::new());
    }
}

/// Pages against the reader: deep, wide, unclosed, with very many of one thing.
fn hostile() -> impl Strategy<Value = String> {
    let repeated = (pieces(), pieces(), 1usize..60_000, pieces()).prop_map(|(before, piece, count, after)| {
        let count = count.min((2 << 20) / piece.len().max(1));
        format!("{before}{}{after}", piece.repeat(count))
    });
    let attributes = (1usize..50_000).prop_map(|count| {
        format!(
            "<p {}>文字",
            (0..count).map(|at| format!("a{at}=1 ")).collect::<String>()
        )
    });
    let formats = (1usize..400, 1usize..4_000).prop_map(|(open, blocks)| {
        let open: String = (0..open).map(|at| format!("<b id=x{at}>")).collect();
        format!("<p>{open}{}", "<p>文字".repeat(blocks))
    });
    let cells = (1usize..200, 1usize..200, 0usize..70_000, 0usize..2_000).prop_map(|(rows, cells, down, across)| {
        let row = format!(
            "<tr>{}</tr>",
            format!("<td rowspan={down} colspan={across}>文字</td>").repeat(cells)
        );
        format!("<table>{}</table>", row.repeat(rows))
    });
    prop_oneof![3 => pages(), 3 => repeated, 1 => attributes, 1 => formats, 1 => cells]
}

/// 100,000 pages, or as many as `BAOWEN_FUZZ_CASES` says; `cargo test --release -- --ignored hostile_pages` starts it.
#[test]
#[ignore = "takes minutes"]
fn a_hundred_thousand_hostile_pages_are_survived_in_time() {
    let cases = std::env::var("BAOWEN_FUZZ_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok())
        .unwrap_or(100_000);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases,
        ..ProptestConfig::default()
    });
    let slowest = std::cell::Cell::new(std::time::Duration::ZERO);
    let outcome = runner.run(&hostile(), |text| {
        let started = std::time::Instant::now();
        read(&text, "name");
        slowest.set(slowest.get().max(started.elapsed()));
        prop_assert!(
            started.elapsed().as_secs_f64() < 2.0,
            "{:?} for {} bytes",
            started.elapsed(),
            text.len()
        );
        Ok(())
    });
    println!("{cases} pages, the slowest in {:?}", slowest.get());
    outcome.unwrap();
}

#[test]
fn hostile_pages_are_survived() {
    let bold: String = (0..300).map(|at| format!("<b id=x{at}>")).collect();
    let row = format!("<tr>{}</tr>", "<td rowspan=65534 colspan=1000>文</td>".repeat(500));
    let many = |letter: &str| (0..15_000).map(|at| format!("{letter}{at} ")).collect::<String>();
    let pair = format!(
        "<div class='{}'>甲地的说明文字。</div><div class='{}' style='display:none'>乙地的说明文字，别处没有。</div>",
        many("a"),
        many("b")
    );
    let classes = pair.repeat(8);
    for text in [
        "<".repeat(3 << 20),
        "</".repeat(1 << 20),
        "<p ".repeat(200_000),
        format!("<p {}>文字", "a=1 ".repeat(300_000)),
        format!("<p class='{}'>文字", "ad ".repeat(300_000)),
        format!("<p>{bold}{}", "<p>文字".repeat(2_000)),
        format!("<table>{}</table>", row.repeat(100)),
        format!("{}文字", "<table><tr><td>".repeat(600)),
        format!("{}文字", "<div hidden>".repeat(1_900)),
        format!(
            "<ol reversed start=9223372036854775807>{}</ol>",
            "<li>甲".repeat(50_000)
        ),
        "<p>文字<br>".repeat(80_000),
        classes.clone(),
        "<!DOCTYPE html><title>".to_string() + &"甲".repeat(1 << 20),
    ] {
        let reading = read(&text, "name");
        assert!(
            reading.articles.len() + reading.rejected.len() > 0,
            "{}",
            &text[..text.floor_char_boundary(60)]
        );
    }
}

proptest! {
    #[test]
    fn any_page_is_survived(text in "(<(/)?(div|p|li|ul|ol|table|tr|td|h1|a|article|pre|b)>|文字|\n| ){0,40}|\\PC{0,60}") {
        read(&text, "name");
    }
}
