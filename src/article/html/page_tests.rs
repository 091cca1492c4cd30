//! Whole pages as sites make them: whose title, day and publisher are read, and what around the article is not.

use super::rules_tests::{block, check_parts};
use super::tests::{PROSE, PROSE_TEXT, page};
use super::*;

/// What is read of a page of this title and body: its title, text, day and publisher.
fn read_of(title: &str, body: &str) -> (String, String, Option<String>, Option<String>) {
    let html = format!("<!doctype html><html><head><title>{title}</title></head><body>{body}</body></html>");
    let (_, article) = read(&html, "name").articles.remove(0);
    let day = article.published.map(|day| day.to_string());
    (article.title, article.text, day, article.source)
}

#[test]
fn a_greeting_above_the_title_is_none_of_the_article_however_long() {
    let greeting = "欢迎访问南岭市医疗保障局门户网站，今天是星期四";
    let body = format!("<div>{greeting}</div><h1>断缴补缴怎么办</h1>{PROSE}");
    let reading = read(&page("断缴补缴怎么办", &body), "name");
    assert_eq!(reading.articles[0].1.text, PROSE_TEXT);
    assert!(reading.left_out.iter().any(|left| left.text.contains(greeting)));
    // A text that comes to its title later is one.
    let lead = "南岭市今年的集中缴费期从九月开始，到十二月结束。";
    let body = format!("<div>{lead}</div><h1>断缴补缴怎么办</h1>{PROSE}");
    let reading = read(&page("断缴补缴怎么办", &body), "name");
    assert!(reading.articles[0].1.text.contains(lead));
}

#[test]
fn what_readers_answer_to_a_question_is_text() {
    let answers = |asked: &str| {
        let body = format!(
            "<h1>窗口说不能报</h1><div><p>{asked}</p></div><h3>全部回复（1）</h3><div><p>有诊断并且用过口服药就能报。</p></div>"
        );
        read_of("窗口说不能报", &body).1.contains("用过口服药")
    };
    assert!(answers("医生说可以报，窗口说不能报，大家那里怎么执行的？"));
    assert!(!answers("医生说可以报，窗口说不能报，后来都报了。"));
}

#[test]
fn an_article_that_a_script_shows_is_read() {
    let field = "&lt;p&gt;生育津贴免申即享，系统自动核定。&lt;/p&gt;";
    let (title, text, ..) = read_of(
        "生育津贴流程",
        &format!("<h1>生育津贴流程</h1><textarea style=display:none>{field}</textarea>"),
    );
    assert_eq!(
        (title.as_str(), text.as_str()),
        ("生育津贴流程", "生育津贴免申即享，系统自动核定。")
    );
    // What asks to write there is no article.
    let body = "<h1>生育津贴流程</h1><textarea>请输入您的问题。客服会尽快答复。</textarea>";
    assert!(read(&page("生育津贴流程", body), "流程").articles.is_empty());
    // Beside a text it is a field for what its reader writes.
    let body = format!("<h1>生育津贴流程</h1>{PROSE}<textarea>{field}</textarea>");
    assert_eq!(read_of("生育津贴流程", &body).1, PROSE_TEXT);
}

#[test]
fn a_day_without_a_gap_behind_it_takes_nothing_with_it() {
    let said = "断缴三个月内补缴的，待遇不受影响。";
    let body = format!("<h1>断缴</h1><span>发布时间：2024/4/2</span><span>一、补缴时间<br>{said}</span>{PROSE}");
    assert!(read_of("断缴", &body).1.starts_with(&format!("一、补缴时间\n{said}")));
    let letter = format!("<table><tr><th>来信时间<td>2024-09-10 10:23<tr><th>来信内容<td>{said}</table>");
    let text = read_of("断缴", &format!("<h1>断缴</h1>{letter}{PROSE}")).1;
    assert!(text.starts_with("来信时间 | 2024-09-10 10:23\n来信内容 | "), "{text}");
}

#[test]
fn the_folded_half_and_a_short_page_s_footer_are_told_apart() {
    let body = format!("<h1>断缴</h1>{PROSE}<div style='display:none'><p>备案以后直接结算。</p></div><a>展开全文</a>");
    assert!(read_of("断缴", &body).1.contains("备案以后直接结算。"));
    let footer = "本网站由某局主办，所刊登的信息受著作权法保护，未经授权不得使用。";
    let body = format!("<h1>暂停公告</h1><p>热线暂停一天。</p><div class='site-footer'><p>{footer}</p></div>");
    assert_eq!(read_of("暂停公告", &body).1, "热线暂停一天。");
}

#[test]
fn posts_of_one_page_keep_their_titles_and_a_day_its_publisher() {
    let post =
        |title: &str| format!("<div class=post><h2><a href=x>{title}</a></h2><span>2024-05-02</span>{PROSE}</div>");
    let text = read_of("博客", &[post("断缴"), post("津贴")].concat()).1;
    assert!(text.contains("断缴") && text.contains("津贴"), "{text}");
    let (_, text, day, source) = read_of(
        "断缴",
        &format!("<h1>断缴</h1><div>2024年3月28日 青禾晚报</div>{PROSE}"),
    );
    assert_eq!(
        (text.as_str(), day.as_deref(), source.as_deref()),
        (PROSE_TEXT, Some("2024-03-28"), Some("青禾晚报"))
    );
}

#[test]
fn what_is_struck_out_goes_and_exponents_are_told_from_notes() {
    let body = format!("<h1>限额</h1>{PROSE}<p>每人<del>380元</del>400元，<s>不设</s>设等待期。</p>");
    assert!(read_of("限额", &body).1.ends_with("每人400元，设等待期。"));
    let check = |said: &str, expected: &str| {
        let body = format!("<h1>限额</h1>{PROSE}<p>{said}</p><table><tr><td>限额<td>{said}</table>");
        let text = read_of("限额", &body).1;
        assert!(text.ends_with(&format!("{expected}\n\n限额 | {expected}")), "{text}");
    };
    check("限额为5×10<sup>4</sup>元。", "限额为5×10^4元。");
    check("限额为800<sup>1</sup>元。", "限额为8001元。");
    check("限额为10<sup>1</sup>元。", "限额为101元。");
}

#[test]
fn lines_that_were_broken_in_a_set_text_are_joined() {
    let set = "<pre>保险是国家通过立法强制实行的，对因失\n业而中断收入，生活困难的人，提供物质\n帮助的制度。</pre>";
    let text = read_of("提纲", &format!("<h1>提纲</h1>{PROSE}{set}")).1;
    assert!(
        text.ends_with("对因失业而中断收入，生活困难的人，提供物质帮助的制度。"),
        "{text}"
    );
}

#[test]
fn when_an_article_ends_to_hold_is_no_line_of_its_publication() {
    let row = "<table><tr><td>生成日期<td>2020-09-15<td>失效日期<td>2025-09-14</table>";
    let text = read_of("转诊比例", &format!("<h1>转诊比例</h1>{row}{PROSE}")).1;
    assert!(
        text.starts_with("生成日期 | 2020-09-15 | 失效日期 | 2025-09-14"),
        "{text}"
    );
}

#[test]
fn a_sign_that_opens_no_tag_loses_nothing() {
    let body = format!("<h1>年限</h1>{PROSE}<p>缴费年限<n年的部分按比例支付。</p>");
    assert!(read_of("年限", &body).1.ends_with("缴费年限<n年的部分按比例支付。"));
}

#[test]
fn the_title_is_the_article_s_and_not_its_column_s() {
    let check = |title: &str, body: &str, expected: &str| {
        assert_eq!(read_of(title, &format!("{body}{PROSE}")).0, expected, "{title}: {body}");
    };
    check("保全服务", "<h2>保单受益人变更指引</h2>", "保单受益人变更指引");
    check(
        "条款阅读",
        "<p style='text-align: center'>长宁附加住院津贴条款</p>",
        "长宁附加住院津贴条款",
    );
    check(
        "信息披露-专项-某人寿",
        "<p class=tt>互联网保险投诉处理程序</p>",
        "互联网保险投诉处理程序",
    );
    check(
        "局长信箱",
        "<table><tr><td>来信标题<td>退休后能否续保</table>",
        "退休后能否续保",
    );
    check(
        "医疗救助办法",
        "<h1>关于印发医疗救助办法的通知</h1><p>各县：</p><h2>医疗救助办法</h2>",
        "关于印发医疗救助办法的通知",
    );
    check(
        "县里开办一站式结算 群众少跑腿-今日某县",
        "<div>县里开办一站式结算<br>群众少跑腿</div>",
        "县里开办一站式结算 群众少跑腿",
    );
    check(
        "信件公开",
        "<table><tr><td>标题：<td>退休后能否续保</table>",
        "退休后能否续保",
    );
    check("信件公开", "<table><tr><td>标题<td>答复的情况</table>", "信件公开");
    // A greeting above, the address of the page, the name of a column in a menu, of another field of a letter.
    check(
        "石门镇门户网站",
        "<marquee>热烈欢迎各级领导莅临石门镇，检查指导工作！</marquee><h1>石门镇筹资工作提前完成</h1>",
        "石门镇筹资工作提前完成",
    );
    check(
        "打印预览",
        "<p><b>生育津贴申领常见误区</b></p><p>http://www.example.org/art/1.html</p><p>2022-05-06 来源：市医保局</p>",
        "生育津贴申领常见误区",
    );
    check(
        "公司公告",
        "<dl><dd><a>公司新闻</a></dd><dd><a>公司公告</a></dd></dl><h2>关于停售年金产品的公告</h2><p>2023/07/28</p>",
        "关于停售年金产品的公告",
    );
    check(
        "信件内容-某局",
        "<table><tr><td>信件标题<td>领取期间医保怎么交<tr><td>信件内容<td>请问要自己交吗？</table>",
        "领取期间医保怎么交",
    );
    // Parts of an article are not its title.
    check("断缴补缴怎么办", "<h2>一、断缴以后的待遇</h2>", "断缴补缴怎么办");
    check("断缴补缴怎么办", "<h2>断缴</h2>", "断缴补缴怎么办");
    check("断缴", "<h2>断缴的补缴</h2><p>先补。</p><h2>断缴的待遇</h2>", "断缴");
}

#[test]
fn an_account_and_an_office_that_answers_publish() {
    let account = "<span class=rich_meta_nickname><a>桐城医保</a><div style=display:none><p>功能介绍：发布政策，提供服务。</p></div></span><em>2024-03-28 17:30</em>";
    let (.., day, source) = read_of("断缴", &format!("<h1>断缴补缴怎么办</h1><div>{account}</div>{PROSE}"));
    assert_eq!(
        (day.as_deref(), source.as_deref()),
        (Some("2024-03-28"), Some("桐城医保"))
    );
    let by = |body: &str| read_of("断缴", &format!("<h1>断缴补缴怎么办</h1>{body}{PROSE}")).3;
    let marked = "<div><span>2013-07-09</span> <span class='art-source'>城市晨报</span></div>";
    assert_eq!(by(marked).as_deref(), Some("城市晨报"));
    let several = "<p><span class=source>城市晨报</span></p><p><span class=source>青禾晚报</span></p>";
    assert_eq!(by(several), None);
    assert_eq!(by("<strong id=js_name>桐城医保</strong>").as_deref(), Some("桐城医保"));
    for said in [
        "<div>答复单位：巴河县医疗保障局　答复时间：2024-08-06</div>",
        "<table><tr><td>回复单位<td>巴河县医疗保障局</table>",
    ] {
        let (.., source) = read_of("断缴", &format!("<h1>断缴补缴怎么办</h1>{PROSE}{said}"));
        assert_eq!(source.as_deref(), Some("巴河县医疗保障局"), "{said}");
    }
}

#[test]
fn buttons_that_sell_and_pages_that_are_not_there_are_left_out() {
    check_parts(
        &block(
            "<div>立即投保 加入购物车</div><p>缴费后三个月起享受待遇。</p><h2>缴费[编辑]</h2><p>按年缴费，不退。</p>",
        ),
        &["缴费后三个月起享受待遇。", "## 缴费\n"],
        &[("tools", "立即投保"), ("tools", "[编辑]")],
    );
    let faq = "<h1>常见问题</h1><p>提示页面不存在怎么办？</p><p>清除缓存后重新登录。</p>";
    assert_eq!(read(&page("常见问题", faq), "name").articles.len(), 1);
    let reading = read(&page("404", "<h1>404</h1><p>抱歉，您访问的页面不存在。</p>"), "name");
    assert_eq!(reading.rejected[0].2, "says that the page is not there");
    assert!(reading.left_out.iter().any(|left| left.reason == "error page"));
}

#[test]
fn a_name_and_a_day_right_below_the_title_say_whose_it_is() {
    let check = |lines: &str, expected: &str| {
        let (_, text, day, _) = read_of("断缴补缴怎么办", &format!("<h1>断缴补缴怎么办</h1>{lines}{PROSE}"));
        assert_eq!(
            (text, day.as_deref()),
            (format!("{expected}{PROSE_TEXT}"), Some("2024-07-19")),
            "{lines}"
        );
    };
    check("<p>青岚医保 2024-07-19</p>", "");
    check(
        "<p>本地规定</p><p>青岚医保 2024-07-19</p>",
        "本地规定\n\n青岚医保 2024-07-19\n\n",
    );
}

#[test]
fn what_an_office_was_asked_and_answered_in_fields_is_text() {
    let field = |mark: &str| {
        let body = format!("<form><label>答复内容</label><textarea {mark}>您好。\n按最低基数补。</textarea></form>");
        read(
            &page("断缴怎么办", &format!("<h1>断缴怎么办</h1>{PROSE}{body}")),
            "name",
        )
        .articles
        .remove(0)
        .1
        .text
    };
    for mark in ["readonly", "disabled"] {
        assert!(
            field(mark).contains("答复内容\n\n您好。\n按最低基数补。"),
            "{}",
            field(mark)
        );
    }
    assert!(!field("").contains("按最低基数补"));
}

#[test]
fn a_box_that_says_much_of_the_page_is_text() {
    let said = "<p>补缴以后待遇连续计算，不设等待期，已经垫付的可以回去报销。</p>";
    let of = |tag: &str, inside: &str| {
        let lead = "<p>参保人员中断缴费三个月以内的，可以补缴。</p><p>超过三个月的，从重新缴费当月起设置等待期。</p>";
        let body = format!("<h1>断缴怎么办</h1>{lead}<{tag}><h3>补缴须知</h3>{inside}</{tag}><p>电话12393。</p>");
        read_of("断缴怎么办", &body).1.contains("不设等待期")
    };
    for tag in ["aside", "dialog"] {
        assert!(of(tag, said), "{tag}");
        assert!(!of(tag, &format!("{said}<button>同意</button>")), "{tag} with a button");
        assert!(!of(tag, &format!("{said}<a href=/>更多</a>")), "{tag} with a link");
    }
}

#[test]
fn the_number_of_a_document_above_its_title_is_text() {
    let read = |above: &str| read_of("断缴怎么办", &format!("<p>{above}</p><h1>断缴怎么办</h1>{PROSE}")).1;
    for number in [
        "青医保发〔2024〕3号",
        "平顺人寿〔2022〕医疗保险043号",
        "青政办(2024)12号",
    ] {
        assert_eq!(read(number), format!("{number}\n\n{PROSE_TEXT}"));
    }
    assert_eq!(read("青禾市医疗保障局文件"), PROSE_TEXT);
}

#[test]
fn days_of_other_calendars_and_scripts_are_read() {
    let check = |line: &str, more: &str, expected: Option<&str>| {
        let body = format!("<h1>断缴怎么办</h1><p>{line}</p>{PROSE}{more}");
        assert_eq!(read_of("断缴怎么办", &body).2.as_deref(), expected, "{line}{more}");
    };
    check("發布日期：113-12-20", "", Some("2024-12-20"));
    check("中華民國113年5月1日", "", Some("2024-05-01"));
    check("By Linda | April 9, 2024", "", Some("2024-04-09"));
    // Something else of three numbers; when something ends; a day that the page shows counts before a script's.
    check("编号：113-12-20", "", None);
    check("施行日期：113-12-20", "", None);
    check("Valid until April 9, 2024", "", None);
    let script = "<script>var ct = \"1740359400\";</script>";
    check("医保科", script, Some("2025-02-24"));
    check("2024-05-01", script, Some("2024-05-01"));
}

#[test]
fn an_author_s_words_above_further_sections_end_no_article() {
    let long = PROSE.repeat(2);
    let author = "<h3>作者简介</h3><p>张某，社保从业人员，写过多篇文章。</p>";
    let of = |behind: &str| {
        let body = format!("<h1>断缴怎么办</h1>{long}{author}{behind}");
        read_of("断缴怎么办", &body).1
    };
    assert!(!of("").contains("张某"));
    assert!(of("<h3>附录</h3><p>补缴以后待遇连续计算，不设等待期。</p>").ends_with("不设等待期。"));
}

#[test]
fn cards_of_experts_beside_each_answer_are_none_of_it() {
    let answer = |name: &str, years: u8, said: &str| {
        format!(
            "<div class=ans><div class=agent><p>江宁 {name}</p><p>从业{years}年</p><a>免费咨询</a><p>电话：139****000{years}</p></div>\
             <div class=txt><p>{said}</p></div></div>"
        )
    };
    let (one, two) = (
        "参保人在定点医院住院，先扣起付线，再按比例报销。",
        "退休人员的比例比在职人员高五个百分点，起付线相同。",
    );
    let body = format!(
        "<h1>住院怎么报？</h1>{}{}",
        answer("吴秀兰", 8, one),
        answer("赵海", 3, two)
    );
    assert_eq!(read_of("住院怎么报？", &body).1, format!("{one}\n\n{two}"));
}
