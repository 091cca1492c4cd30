//! What people write meets what is stored: amounts, shares, spans, years and places, however they are written.

use std::sync::Arc;

use baowen::compute::Budget;
use baowen::error::Fault;
use baowen::index::ingest::Ingest;
use baowen::index::{EmbeddedIndex, Rules};
use baowen::model::{Article, Filter, Force};
use baowen::search::Engine;
use baowen::search::request::{Mode, SearchRequest};
use baowen::search::response::Fit;

use crate::support::{article, index_of, model, rules};

/// Pairs of articles that differ in one quantity, and a range.
fn articles() -> Vec<Article> {
    [
        ("m3", "补缴期限", "中断缴费后3个月内补缴的，待遇不受影响。"),
        ("m6", "补缴期限", "中断缴费后6个月内补缴的，待遇不受影响。"),
        ("p70", "支付比例", "政策范围内费用支付70%。"),
        ("p75", "支付比例", "政策范围内费用支付75%。"),
        ("y12", "支付限额", "年度最高支付限额1.2万元。"),
        ("y20", "支付限额", "年度最高支付限额20000元。"),
        ("d60", "宽限期", "宽限期为六十日。"),
        ("d30", "宽限期", "宽限期为三十日。"),
        ("h48", "报案", "报案时限四十八小时内。"),
        ("h24", "报案", "报案时限二十四小时内。"),
        ("r36", "等待期", "等待期为3-6个月（含）。"),
        ("r12", "等待期", "等待期为1-2个月（含）。"),
        ("yr24", "筹资标准", "2024年度筹资标准为每人1070元。"),
        ("yr23", "筹资标准", "2023年度筹资标准为每人1020元。"),
        ("zj", "浙江省大病保险", "浙江省大病保险起付线为人均收入的一半。"),
        ("hz", "杭州市大病保险", "杭州市大病保险起付线三万五千元，2023年度标准。"),
    ]
    .map(|(id, title, text)| article(id, title, text))
    .into()
}

fn ranking(engine: &Engine, request: &SearchRequest) -> Vec<String> {
    let hits = engine.search(request, Budget::single()).unwrap().hits;
    hits.into_iter().map(|hit| hit.article_id).collect()
}

fn built(rules: &Rules) -> (tempfile::TempDir, Arc<EmbeddedIndex>) {
    let folder = tempfile::tempdir().unwrap();
    let index = index_of(folder.path(), rules, &articles());
    (folder, index)
}

#[test]
fn the_same_quantity_is_found_before_another() {
    let rules = Rules {
        embedder: model(),
        ..rules()
    };
    let (_folder, index) = built(&rules);
    let engine = Engine::new(index, rules.analyzer.clone(), rules.embedder.clone());
    let modes = match rules.embedder {
        Some(_) => vec![Mode::Lexical, Mode::Hybrid],
        None => vec![Mode::Lexical],
    };
    let mut wrong = Vec::new();
    for (question, twin, other, ways) in [
        (
            "中断缴费后{}内补缴",
            "m3",
            "m6",
            "3个月 三个月 ３个月 一个季度 叁个月 三個月",
        ),
        (
            "中断缴费后{}内补缴",
            "m6",
            "m3",
            "6个月 六个月 半年 0.5年 两个季度 陆个月",
        ),
        (
            "政策范围内费用支付{}",
            "p70",
            "p75",
            "70% ７０％ 七成 7成 百分之七十 百分之70 七折 十分之七 70个百分点",
        ),
        (
            "政策范围内费用支付{}",
            "p75",
            "p70",
            "75% 七成五 百分之七十五 四分之三 七五折 7.5折",
        ),
        (
            "年度最高支付限额{}",
            "y12",
            "y20",
            "1.2万 12000元 一万二 一万二千元 12,000元 １２０００ 壹万贰仟元 1.2w 12000.00元",
        ),
        (
            "年度最高支付限额{}",
            "y20",
            "y12",
            "2万元 两万 20000元 贰万元 20,000 2w",
        ),
        (
            "等待期{}",
            "r36",
            "r12",
            "3至6个月 三到六个月 3~6个月 ３－６个月 3个月到6个月",
        ),
        ("宽限期{}", "d60", "d30", "60天 六十天 两个月"),
        ("宽限期{}", "d30", "d60", "30天 一个月"),
        ("报案时限{}", "h48", "h24", "48小时 两天 2日"),
        ("等待期{}", "r12", "r36", "1至2个月 一到两个月 1—2个月"),
        (
            "{}筹资标准",
            "yr24",
            "yr23",
            "2024年度 2024年 二〇二四年 二零二四年度 24年度 ２０２４年",
        ),
        ("{}筹资标准", "yr23", "yr24", "2023年度 二〇二三年 23年度"),
    ] {
        for way in ways.split(' ') {
            for &mode in &modes {
                let request = SearchRequest {
                    mode,
                    ..SearchRequest::new(question.replace("{}", way))
                };
                let ids = ranking(&engine, &request);
                let place = |id: &str| ids.iter().position(|found| found == id).unwrap_or(usize::MAX);
                if place(twin) >= place(other) {
                    wrong.push(format!("{} {mode:?}: {ids:?}", request.query));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn filters_take_the_names_people_use_and_refuse_the_rest() {
    let rules = rules();
    let (_folder, index) = built(&rules);
    let engine = Engine::new(index, rules.analyzer.clone(), None);
    let ask = |regions: &[&str], years: &[u16]| {
        let request = SearchRequest {
            filter: Filter {
                regions: regions.iter().map(|name| (*name).to_owned()).collect(),
                years: years.to_vec(),
                ..Filter::default()
            },
            ..SearchRequest::new("大病保险起付线")
        };
        engine.search(&request, Budget::single())
    };
    let found = |regions: &[&str], years: &[u16]| {
        let hits = ask(regions, years).unwrap().hits;
        let mut ids: Vec<String> = hits.into_iter().map(|hit| hit.article_id).collect();
        ids.sort();
        ids
    };
    for name in ["浙江", "浙江省", "浙"] {
        assert_eq!(found(&[name], &[]), ["hz", "zj"], "{name}");
    }
    for name in ["杭州", "杭州市", "浙江省杭州市", "浙江杭州"] {
        assert_eq!(found(&[name], &[]), ["hz"], "{name}");
    }
    assert_eq!(found(&["沪"], &[]), [""; 0]);
    assert_eq!(found(&["浙江"], &[23]), ["hz"]);
    for (regions, years, field) in [
        (&["火星"][..], &[][..], "filter.regions"),
        (&["杭洲"], &[], "杭州"),
        (&["鼓楼区"], &[], "南京/鼓楼区"),
        (&[], &[230], "filter.years"),
    ] {
        let error = ask(regions, years).unwrap_err();
        assert_eq!(error.fault(), Fault::Caller);
        assert!(error.to_string().contains(field), "{error}");
    }
}

#[test]
fn however_a_question_is_written_its_answer_is_the_same() {
    let rules = rules();
    let (_folder, index) = built(&rules);
    let engine = Engine::new(index, rules.analyzer.clone(), rules.embedder.clone());
    let answer = |question: &str, exact: bool| {
        let request = SearchRequest {
            explain: true,
            exact,
            ..SearchRequest::new(question)
        };
        let answer = engine.search(&request, Budget::single()).unwrap();
        (answer.hits, answer.corrected)
    };
    let check = |written: &str, plain: &str| {
        assert_eq!(answer(written, false), answer(plain, true), "{written}");
        assert_eq!(answer(written, true), answer(plain, true), "{written}");
    };
    check("年度最高支付限額是多少", "年度最高支付限额是多少");
    check("２０２４年度籌資標準ＡＢＣ", "2024年度筹资标准ABC");
    check("杭州市大病保險　起付線", "杭州市大病保险 起付线");
    for closed_by in ["？", "?", "！", "。", "……", "\u{3000}", " ? "] {
        check(&format!(" 年度最高支付限額是多少{closed_by}"), "年度最高支付限额是多少");
        let corrected = answer(&format!("杭州市大病保显起付线{closed_by}"), false);
        assert_eq!(corrected, answer("杭州市大病保显起付线", false), "{closed_by}");
    }
    let read = |written: &str| {
        let (hits, corrected) = answer(written, false);
        let (_, uncorrected) = answer(written, true);
        assert_eq!(uncorrected, None, "{written}");
        (hits[0].article_id.clone(), corrected)
    };
    for (written, first, expected) in [
        ("杭州市大病保显起付线", "hz", "杭州市大病保险起付线"),
        ("dabing baoxian qifuxian zhejiangsheng", "zj", "大病保险起付线浙江省"),
    ] {
        assert_eq!(read(written), (first.to_owned(), Some(expected.to_owned())));
    }
}

#[test]
fn an_answer_says_which_place_and_year_it_is_about_and_what_is_not_there() {
    let rules = rules();
    let (_folder, index) = built(&rules);
    let engine = Engine::new(index, rules.analyzer.clone(), None);
    let ask = |question: &str| engine.search(&SearchRequest::new(question), Budget::single()).unwrap();
    let found = ask("杭州大病保险起付线");
    assert_eq!(found.missing, None);
    let fit = |id: &str| {
        let hit = found.hits.iter().find(|hit| hit.article_id == id);
        hit.and_then(|hit| hit.applies.place)
    };
    assert_eq!((fit("hz"), fit("zj")), (Some(Fit::Same), Some(Fit::Wider)));
    let missing = ask("上海2024年大病保险起付线").missing.unwrap();
    assert!(missing.nowhere && missing.places == ["上海"] && missing.years == [2024]);
    assert!(
        missing.sentence.starts_with("库中没有上海2024年的内容，"),
        "{}",
        missing.sentence
    );
    assert_eq!(ask("大病保险起付线").missing, None);
}

#[test]
fn a_named_product_is_found_and_what_is_not_there_is_said() {
    let rules = rules();
    let waiting = "等待期：自合同生效之日起等待期为九十天，等待期内确诊不赔。";
    let mut articles: Vec<Article> = (0..150)
        .map(|i| article(&format!("o{i:03}"), "", &format!("第{i}条 {waiting}")))
        .collect();
    articles.extend([
        article("a", "安联康宁保重大疾病保险（A款）", "本合同的保险金由受益人申请。"),
        article("b", "安联康宁保重大疾病保险（B款）", waiting),
        article("f", "福安终身寿险（2021版）", waiting),
        article("j", "金穗两全保险（2023版）", waiting),
    ]);
    let folder = tempfile::tempdir().unwrap();
    let index = index_of(folder.path(), &rules, &articles);
    let engine = Engine::new(index.clone(), rules.analyzer.clone(), rules.embedder.clone());
    let ask = |question: &str| engine.search(&SearchRequest::new(question), Budget::single()).unwrap();
    let first = |question: &str| ask(question).hits.first().map(|hit| hit.article_id.clone());
    assert_eq!(first("康宁保B款等待期多少天").as_deref(), Some("b"));
    // Its passages do not say it: they are there all the same, and say which product they are of.
    let found = ask("康宁保A款等待期多少天");
    let hit = found.hits.iter().find(|hit| hit.article_id == "a");
    assert_eq!(hit.map(|hit| hit.applies.product), Some(Some(Fit::Same)));
    let sister = found.hits.iter().find(|hit| hit.article_id == "b");
    assert!(sister.is_none_or(|hit| hit.applies.product == Some(Fit::Other)));
    assert_eq!(found.missing, None);
    let missing = ask("康宁保C款等待期多少天").missing.unwrap();
    assert_eq!(missing.products, ["康宁保C款"], "{}", missing.sentence);
    // Another product of the year that is asked for is not it, and a place within a name is none.
    let found = ask("福安终身寿险2023版等待期");
    assert_eq!(found.hits[0].article_id, "f");
    let missing = found.missing.unwrap();
    assert_eq!(
        (missing.years, missing.places.len()),
        (vec![2023], 0),
        "{}",
        missing.sentence
    );
    // What a filter lets through and what was deleted is not said to be there.
    let filter = Filter {
        article_ids: vec!["o001".into()],
        ..Filter::default()
    };
    let filtered = SearchRequest {
        filter,
        ..SearchRequest::new("康宁保A款等待期")
    };
    assert_eq!(engine.search(&filtered, Budget::single()).unwrap().missing, None);
    let ingest = Ingest::open(&index, rules.clone()).unwrap();
    ingest.delete(["a", "b"]).unwrap();
    ingest.commit().unwrap();
    ingest.into_writer().finish().unwrap();
    assert_eq!(ask("康宁保C款等待期多少天").missing, None);
}

#[test]
fn what_holds_on_the_day_asked_for_comes_first_and_the_rest_says_that_it_does_not() {
    let rules = Rules {
        embedder: model(),
        ..rules()
    };
    if rules.embedder.is_none() {
        return;
    }
    let text = |amount: &str, validity: &str| {
        format!("# 缴费\n城乡居民医保个人缴费标准为每人每年{amount}元。\n\n# 附则\n{validity}")
    };
    let articles = [
        (
            "old",
            "城乡居民医保个人缴费标准实施办法",
            text("350", "本办法自2020年1月1日起施行，有效期5年。"),
        ),
        (
            "new",
            "城乡居民医保个人缴费标准实施办法",
            text("400", "本办法自2025年1月1日起施行，有效期5年。"),
        ),
        ("other", "城乡居民医保报销", "住院费用按规定报销。".into()),
    ]
    .map(|(id, title, text)| article(id, title, &text));
    let folder = tempfile::tempdir().unwrap();
    let index = index_of(folder.path(), &rules, &articles);
    let engine = Engine::new(index, rules.analyzer.clone(), rules.embedder.clone());
    let day = |text: &str| Some(text.parse().unwrap());
    let ask = |query: &str, today: Option<_>, as_of: Option<_>| {
        let request = SearchRequest {
            today,
            as_of,
            explain: true,
            ..SearchRequest::new(query)
        };
        engine.search(&request, Budget::single()).unwrap().hits
    };
    let question = "城乡居民医保个人缴费标准是多少";
    for (today, as_of, first, forces) in [
        (day("2026-01-01"), None, "new", [Force::Holds, Force::Ended]),
        (
            day("2026-01-01"),
            day("2022-01-01"),
            "old",
            [Force::Holds, Force::NotYet],
        ),
        (None, day("2031-01-01"), "", [Force::Ended, Force::Ended]),
    ] {
        let hits = ask(question, today, as_of);
        assert!(first.is_empty() || hits[0].article_id == first, "{today:?} {as_of:?}");
        assert_eq!([hits[0].force, hits[1].force], forces.map(Some), "{today:?} {as_of:?}");
    }
    let hits = ask(question, day("2026-01-01"), None);
    let reason = |at: usize| hits[at].explanation.as_ref().unwrap().summary.lines().next().unwrap();
    assert!(reason(1).contains("从2025年1月1日起不再执行"), "{}", reason(1));
    assert!(reason(1).contains("有更新的一条"), "{}", reason(1));
    assert_eq!(hits[1].near_copies[0].newer, Some(true));
    // No day: nothing is moved, and what ended on a day is not called ended.
    assert!(ask(question, None, None).iter().all(|hit| hit.force.is_none()));
    // What a question of a year is about need not hold today.
    let scores = |today| {
        ask("2020年城乡居民医保个人缴费标准", today, None)
            .into_iter()
            .map(|hit| hit.score)
    };
    assert!(scores(None).eq(scores(day("2026-01-01"))));
}

#[test]
fn what_ended_keeps_its_place_where_nothing_took_it() {
    let rules = Rules {
        embedder: model(),
        ..rules()
    };
    if rules.embedder.is_none() {
        return;
    }
    let old = "# 缴费\n城乡居民医保个人缴费标准为每人每年350元。\n\n# 附则\n本办法自2020年1月1日起施行，有效期5年。";
    let articles = [
        article("old", "城乡居民医保个人缴费标准实施办法", old),
        article("other", "城乡居民医保报销", "住院费用按规定报销。"),
    ];
    let folder = tempfile::tempdir().unwrap();
    let index = index_of(folder.path(), &rules, &articles);
    let engine = Engine::new(index, rules.analyzer.clone(), rules.embedder.clone());
    let first = |today: Option<&str>| {
        let request = SearchRequest {
            today: today.map(|day| day.parse().unwrap()),
            ..SearchRequest::new("城乡居民医保个人缴费标准是多少")
        };
        engine.search(&request, Budget::single()).unwrap().hits.remove(0)
    };
    let (hit, without_day) = (first(Some("2026-01-01")), first(None));
    assert_eq!((hit.article_id.as_str(), hit.force), ("old", Some(Force::Ended)));
    assert_eq!((without_day.article_id.as_str(), hit.score), ("old", without_day.score));
}
