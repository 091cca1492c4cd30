//! The rules by which blocks beside and inside of an article are told apart: each with its limit.

use super::tests::{PROSE, PROSE_TEXT, check_body, page};
use super::*;

/// Holds what a page of this body keeps, and what it leaves out for which reason.
pub(super) fn check_parts(body: &str, kept: &[&str], left: &[(&str, &str)]) {
    let reading = read(&page("断缴补缴怎么办_某医保网", body), "name");
    assert_eq!(reading.articles.len(), 1, "{body}\n{reading:?}");
    let text = &reading.articles[0].1.text;
    for words in kept {
        assert!(
            text.contains(words),
            "{words} is lost of {body}\n{text}\n{:?}",
            reading.left_out
        );
    }
    for (reason, words) in left {
        assert!(!text.contains(words), "{words} is kept of {body}\n{text}");
        let found = |left: &crate::article::LeftOut| left.reason == *reason && left.text.contains(words);
        assert!(
            reading.left_out.iter().any(found),
            "{reason}: {words}\n{:?}",
            reading.left_out
        );
    }
}

/// The article in a block of its own, with more behind its prose.
pub(super) fn block(more: &str) -> String {
    format!("<div><h1>断缴补缴怎么办</h1>{PROSE}{more}</div>")
}

#[test]
fn an_article_in_a_block_that_is_named_after_its_footer_is_kept() {
    let long = PROSE.repeat(8);
    let body = format!(
        "<h1>断缴补缴怎么办</h1><div class='content with-footer'>{long}<p>版权所有，转载请注明出处。</p></div>"
    );
    let sentence = PROSE_TEXT.lines().next().unwrap();
    check_parts(&body, &[sentence], &[]);
}

#[test]
fn an_aside_among_paragraphs_that_is_a_sentence_is_text() {
    let said = "等待期从缴费次日起算。";
    for tag in ["<aside>", "<div role=complementary>"] {
        check_body(
            &block(&format!("{tag}{said}")),
            &format!("{PROSE_TEXT}\n\n{said}"),
            &["title"],
        );
        // No sentence; with a link; beside all parts of the page.
        check_body(&block(&format!("{tag}等待期")), PROSE_TEXT, &["title", "aside"]);
        check_body(
            &block(&format!("{tag}<a href=1>等待期</a>从缴费次日起算。")),
            PROSE_TEXT,
            &["title", "aside"],
        );
        check_body(&format!("{}{tag}{said}", block("")), PROSE_TEXT, &["title", "aside"]);
    }
}

#[test]
fn a_sentence_in_a_block_called_tools_is_text_and_words_are_none() {
    let said = "本办法由市医保局解释。";
    for (mark, reason) in [("menu", "navigation"), ("toolbar", "tools"), ("hot", "related entries")] {
        check_body(
            &block(&format!("<div class={mark}>{said}</div>")),
            &format!("{PROSE_TEXT}\n\n{said}"),
            &["title"],
        );
        check_body(
            &block(&format!("<div class={mark}>办事 查询</div>")),
            PROSE_TEXT,
            &["title", reason],
        );
    }
    // Other words say more surely what they mark.
    for (mark, reason) in [
        ("sidebar", "aside"),
        ("foot", "footer"),
        ("ad", "advertisement"),
        ("pinglun", "comments"),
    ] {
        check_body(
            &block(&format!("<div class={mark}>{said}</div>")),
            PROSE_TEXT,
            &["title", reason],
        );
    }
}

#[test]
fn roles_and_words_in_classes_name_what_is_left_out() {
    for (mark, reason) in [
        ("role=navigation", "navigation"),
        ("role=contentinfo", "footer"),
        ("role=dialog", "tools"),
        ("role=alertdialog", "tools"),
        ("class=cookie-bar", "notice"),
        ("class=Modal", "tools"),
        ("id=popup", "tools"),
        ("class=foot", "footer"),
    ] {
        check_body(
            &block(&format!("<div {mark}>请选择城市</div>")),
            PROSE_TEXT,
            &["title", reason],
        );
        // What holds the title is none of it.
        let body = format!("<div {mark}><h1>断缴补缴怎么办</h1>{PROSE}</div>");
        check_body(&body, PROSE_TEXT, &["title"]);
    }
}

#[test]
fn a_linked_heading_above_sentences_is_one_and_above_links_is_none() {
    let said = [
        "中断三个月以内的，可以补缴中断期间的费用。",
        "凭身份证和社保卡到窗口，当场办结不收费用。",
    ];
    check_body(
        &block(&format!("<dl><dt><a href=1>补缴期限</a></dt><dd>{}</dd></dl>", said[0])),
        &format!("{PROSE_TEXT}\n\n补缴期限\n{}", said[0]),
        &["title"],
    );
    check_body(
        &block("<dl><dt><a href=1>补缴期限</a></dt><dd><a href=2>登记</a></dd></dl>"),
        PROSE_TEXT,
        &["title", "links"],
    );
    let section = |at: usize| {
        format!(
            "<section class=s><h3><a href={at}>补缴之{at}</a></h3><p>{}</p></section>",
            said[at]
        )
    };
    check_parts(
        &block(&(section(0) + &section(1))),
        &["### 补缴之0", said[0], "### 补缴之1", said[1]],
        &[],
    );
    // A section alone is a box beside the article.
    check_parts(&block(&section(0)), &[said[0]], &[("links", "补缴之0")]);
}

#[test]
fn whole_sentences_below_links_are_sections_and_cut_ones_teasers() {
    let entry = |said: &str| format!("<div><h4><a href=1>补缴期限的规定</a></h4><p>{said}</p></div>").repeat(3);
    let whole = "中断三个月以内的，可以补缴中断期间的费用。";
    check_parts(
        &block(&format!("<div>{}</div>", entry(whole))),
        &["补缴期限的规定", whole],
        &[],
    );
    for cut in [
        "中断三个月以内的，可以补缴中断期间的费用…",
        "中断三个月以内的，可以补缴中断期间的费用，查看详情",
    ] {
        let body = block(&format!("<div>{}</div>", entry(cut)));
        check_parts(&body, &[PROSE_TEXT], &[("related entries", "补缴期限的规定")]);
    }
}

#[test]
fn the_only_address_outside_the_article_is_the_site_s_and_several_are_offices() {
    let at = |road: &str| format!("<p>地址：{road} 邮编：000000 电话：000-0000000</p>");
    let head = "<div><h1>断缴补缴怎么办</h1></div>";
    check_body(
        &format!("<div>{head}<div>{PROSE}</div></div>{}", at("江边路九号")),
        PROSE_TEXT,
        &["title", "footer"],
    );
    let both = at("江边路九号") + &at("山前路一号");
    let body = format!("<div>{head}<div>{PROSE}{both}<p>以上窗口周六不办理。</p></div></div>");
    check_parts(&body, &["江边路九号", "山前路一号"], &[]);
    // Beside the title it is the article's.
    check_parts(
        &block(&format!("{}<p>周六不办理。</p>", at("江边路九号"))),
        &["江边路九号"],
        &[],
    );
}

#[test]
fn rows_that_say_something_of_what_they_link_are_data() {
    let row = |said: &str| format!("<tr><td><a href=1>关于长期护理保险评估机构名单的通知</a></td><td>{said}</td></tr>");
    let table = |said: &str| block(&format!("<table>{}</table>", row(said).repeat(2)));
    let kept = "关于长期护理保险评估机构名单的通知 | 床位80张";
    check_body(
        &table("床位80张"),
        &format!("{PROSE_TEXT}\n\n{kept}\n{kept}"),
        &["title"],
    );
    check_body(&table("2024-01-01"), PROSE_TEXT, &["title", "links"]);
    check_body(&table("→"), PROSE_TEXT, &["title", "links"]);
}

#[test]
fn what_says_something_beside_the_article_belongs_to_it() {
    let article = block("");
    let more = "<div class=b><h2>材料</h2><p>身份证和社保卡各带一份。</p></div>";
    check_body(
        &format!("<div>{article}{more}</div>"),
        &format!("{PROSE_TEXT}\n\n## 材料\n\n身份证和社保卡各带一份。"),
        &["title"],
    );
    for body in [
        // Above the title; outside of <main>; what a site says; no sentences.
        format!("<div>{more}{article}</div>"),
        format!("<main>{article}</main>{more}"),
        format!("<div>{article}<div class=b><p>登录本站后可以收藏本页。</p></div></div>"),
        format!("<div>{article}<div class=b><p>某市某区某街道</p></div></div>"),
    ] {
        check_body(&body, PROSE_TEXT, &["title", "around the article"]);
    }
}

#[test]
fn words_of_a_row_stand_apart_and_pieces_of_a_sentence_do_not() {
    let end = "<p>逾期的，另行通知申请人。</p>";
    for (row, shown) in [
        (
            "<div><span>办理时限</span><span>五个工作日</span></div>",
            "办理时限 五个工作日",
        ),
        // Programs for writing style pieces; a paragraph; something else is in the block; a clause.
        (
            "<div><span style='color:red'>办理时限</span><span style='color:red'>五个工作日</span></div>",
            "办理时限五个工作日",
        ),
        (
            "<p><span>办理时限</span><span>五个工作日</span></p>",
            "办理时限五个工作日",
        ),
        (
            "<div>共<span>办理时限</span><span>五个工作日</span></div>",
            "共办理时限五个工作日",
        ),
        (
            "<div><span>办理时限，</span><span>五个工作日</span></div>",
            "办理时限，五个工作日",
        ),
    ] {
        check_parts(&block(&format!("{row}{end}")), &[shown], &[]);
    }
}

#[test]
fn a_heading_that_only_begins_like_an_ending_is_the_article_s() {
    let said = "个人账户可以支付家人的门诊费用。";
    for heading in ["您可能不知道的用法", "相关链接", "特别声明事项"] {
        check_parts(
            &block(&format!("<h3>{heading}</h3><p>{said}</p>")),
            &[heading, said],
            &[],
        );
    }
    for heading in ["您可能感兴趣的", "相关阅读"] {
        let body = block(&format!("<h3>{heading}</h3><p>{said}</p>"));
        check_parts(&body, &[PROSE_TEXT], &[("behind the article", said)]);
    }
    // What a policy's clauses call so, and what a site says of its articles.
    let clauses = "<h3>免责声明</h3><p>投保人故意造成事故的，不承担责任。</p><h3>等待期</h3><p>等待三十天。</p>";
    check_parts(&block(clauses), &["不承担责任。", "等待三十天。"], &[]);
    let of_site = "本站转载的文章只为传递信息，如有侵权请联系删除。";
    let body = block(&format!("<h3>特别声明</h3><p>{of_site}</p>"));
    check_parts(&body, &[PROSE_TEXT], &[("behind the article", of_site)]);
    // No sentence follows.
    check_parts(
        &block("<h3>相关链接</h3><p>护理名单</p>"),
        &[],
        &[("behind the article", "护理名单")],
    );
}

#[test]
fn a_value_over_columns_is_that_of_each_if_it_is_short_and_they_have_names() {
    let check = |table: &str, expected: &str| {
        check_body(
            &block(&format!("<table>{table}</table>")),
            &format!("{PROSE_TEXT}\n\n{expected}"),
            &["title"],
        );
    };
    let names = "<tr><th>险种</th><th>单位</th><th>个人</th></tr>";
    let row = |said: &str| format!("{names}<tr><td>灵活就业</td><td colspan=2>{said}</td></tr>");
    check(&row("合计一成"), "险种 | 单位 | 个人\n灵活就业 | 合计一成 | 合计一成");
    let long = "按照上年度在岗职工平均工资的百分之六十缴纳";
    check(&row(long), &format!("险种 | 单位 | 个人\n灵活就业 | {long}"));
    // A form: its values span what is left of the row.
    check(
        "<tr><td>名称</td><td colspan=3>长护险</td></tr><tr><td>期限</td><td>一年</td><td>方式</td><td>按月</td></tr>",
        "名称 | 长护险\n期限 | 一年 | 方式 | 按月",
    );
}

#[test]
fn an_office_s_address_stays_a_site_s_window_goes_and_a_box_of_news_ends_the_page() {
    // One office of an article whose title stands in a block of its own.
    let office = "<p>地址：江边路九号 邮编：000000 电话：000-0000000</p><p>以上窗口周六不办理。</p>";
    let body = format!("<div><div><h1>断缴补缴怎么办</h1></div><div>{PROSE}{office}</div></div>");
    check_parts(&body, &["江边路九号"], &[]);
    // A window of the site beside all of the page.
    let body = format!("<h1>断缴补缴怎么办</h1>{PROSE}<div class=popup>请先选择参保地，再继续浏览。</div>");
    check_parts(&body, &[PROSE_TEXT], &[("tools", "请先选择参保地")]);
    for heading in ["相关文章推荐", "阅读排行榜", "分享到QQ空间", "扫一扫下载APP"] {
        let body = block(&format!(
            "<h3>{heading}</h3><p>某市上调缴费基数，七月一日起执行新的标准。</p>"
        ));
        check_parts(&body, &[PROSE_TEXT], &[("behind the article", "某市上调")]);
    }
}

#[test]
fn a_stated_title_of_any_length_takes_time_in_proportion() {
    let stated = "断".repeat(500_000);
    let lines = "<p>短行</p>".repeat(5_000);
    let html = format!("<meta property=og:title content={stated}><h1>断缴补缴怎么办</h1>{PROSE}{lines}");
    assert_eq!(read(&html, "name").articles[0].1.title, "断缴补缴怎么办");
}

#[test]
fn words_of_buttons_and_frames_are_named_among_what_is_left_out() {
    let more = "<input type=button value=提交评价><iframe srcdoc='<p>框中的话。</p>'></iframe><noscript><p>请启用脚本。</p></noscript>";
    check_parts(
        &block(more),
        &[],
        &[
            ("form control", "提交评价"),
            ("frame", "框中的话。"),
            ("without scripts", "请启用脚本。"),
        ],
    );
}

#[test]
fn what_names_other_pages_cards_and_last_lines_end_an_article() {
    let behind = |line: &str| {
        check_parts(&block(&format!("<p>{line}</p>")), &[], &[("behind the article", line)]);
    };
    for line in [
        "前一篇：灵活就业人员生育津贴怎么领取",
        "作者简介",
        "访问总数：92131",
        "Powered by Dvbbs",
        "#社保 #医保",
    ] {
        behind(line);
    }
    let cards = "<h3>热销产品推荐</h3><p>安享百万医疗险</p><p>136元起</p>";
    check_parts(&block(cards), &[], &[("behind the article", "136元起")]);
    // What a sentence follows, what is called alike, what stands above the text.
    let section = "<h3>推荐产品的义务</h3><p>保险公司推荐产品时，应当先了解投保人的需要。</p>";
    check_parts(&block(section), &["推荐产品的义务", "应当先了解"], &[]);
    check_parts(&block("<p>前一篇文章已说明</p>"), &["前一篇文章已说明"], &[]);
    let above = format!("<div><h1>断缴补缴怎么办</h1><h3>热销产品</h3><p>少儿险</p>{PROSE}</div>");
    check_parts(&above, &["少儿险"], &[]);
}

#[test]
fn the_day_of_a_registration_is_no_page_s() {
    let body = block("<p>注册：2008-3-1</p>");
    let reading = read(&page("断缴补缴怎么办_某医保网", &body), "name");
    assert_eq!(reading.articles[0].1.published, None, "{reading:?}");
}

#[test]
fn a_column_s_title_yields_to_the_heading_that_holds_the_others() {
    let title = |body: &str| {
        let reading = read(&page("条款查询", &format!("{body}{PROSE}")), "name");
        reading.articles[0].1.title.clone()
    };
    let inner = "<h3>总则</h3><h3>保险责任</h3>";
    assert_eq!(
        title(&format!("<h2>机动车商业保险条款</h2>{inner}")),
        "机动车商业保险条款"
    );
    assert_eq!(title(&format!("<h3>保险责任和责任免除</h3>{inner}")), "条款查询");
}
