//! The analyser as a whole: properties over both token streams, questions, regions, and the pinned tokens.

use std::sync::Arc;

use proptest::prelude::*;

use super::lexicon::Sources;
use super::segment::is_cjk;
use super::*;

fn analyzer() -> Analyzer {
    Analyzer::new().unwrap()
}

fn texts(tokens: &[Token]) -> Vec<&str> {
    tokens.iter().map(|token| token.text.as_str()).collect()
}

fn written(terms: &[QueryTerm]) -> Vec<&str> {
    terms
        .iter()
        .filter(|term| term.weight == 1.0)
        .map(|term| term.text.as_str())
        .collect()
}

/// If this fails after a change of rules or of a dependency, tokens of existing indexes differ: raise `RULES`.
#[test]
fn tokens_are_pinned() {
    let tokens = analyzer().document("城乡居民医保2025年缴费ABC，一万一");
    assert_eq!(
        texts(&tokens.words),
        [
            "城乡居民医保",
            "城乡",
            "城乡居民",
            "乡居",
            "居民",
            "居民医保",
            "医保",
            "2025",
            "#2025",
            "年",
            "缴费",
            "abc",
            "一万一",
            "一万",
            "万一",
            "#11000",
        ]
    );
    assert_eq!(
        texts(&tokens.bigrams),
        [
            "城", "城乡", "乡", "乡居", "居", "居民", "民", "民医", "医", "医保", "保", "2025", "年", "年缴", "缴",
            "缴费", "费", "abc", "一", "一万", "万", "万一", "一",
        ]
    );
    let places: Vec<usize> = tokens.words.iter().map(|token| token.position).collect();
    assert_eq!(places, [0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4, 5, 5, 5, 5]);
    let places: Vec<usize> = tokens.bigrams.iter().map(|token| token.position).collect();
    assert_eq!(
        places,
        [
            0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 6, 7, 7, 8, 8, 9, 10, 11, 11, 12, 12, 13
        ]
    );
}

#[test]
fn offsets_lead_into_the_original() {
    let text = "關於ＩＣＵ：醫療保險報銷１１，０００元";
    let tokens = analyzer().document(text);
    let check = |term: &str, expected: &str| {
        let token = tokens.words.iter().find(|token| token.text == term).unwrap();
        assert_eq!(&text[token.start..token.end], expected);
    };
    check("icu", "ＩＣＵ");
    check("医疗保险", "醫療保險");
    check("报销", "報銷");
    check("#11000", "１１，０００");
}

#[test]
fn a_question_keeps_what_it_asks_about() {
    let check = |question: &str, words: &[&str], dropped: &[&str]| {
        let query = analyzer().query(question);
        assert_eq!(written(&query.words), words, "{question}");
        assert_eq!(query.dropped, dropped, "{question}");
    };
    check("请问医保怎么报销呢？", &["医保", "报销"], &["请问", "怎么", "呢"]);
    check(
        "新農合的卡丟了怎麼補？",
        &["新农合", "卡", "丢", "补"],
        &["的", "了", "怎么"],
    );
    // Nothing but stop words: they are all there is.
    check("怎么办？", &["怎么办"], &[]);
    check("，。！？", &[], &[]);
    check("", &[], &[]);
}

#[test]
fn pairs_inside_dropped_words_weigh_nothing() {
    let query = analyzer().query("医保是什么");
    let terms: Vec<(&str, f32)> = query
        .bigrams
        .iter()
        .map(|term| (term.text.as_str(), term.weight))
        .collect();
    let own: Vec<_> = terms.iter().filter(|(_, weight)| *weight > 0.5).copied().collect();
    assert_eq!(own, [("医", 1.0), ("医保", 1.0), ("保", 1.0), ("保是", 0.7)]);
    assert!(
        terms
            .iter()
            .all(|(text, _)| !["是", "是什", "什", "什么", "么"].contains(text))
    );
}

#[test]
fn words_inside_words_weigh_less() {
    let query = analyzer().query("城乡居民医保");
    let weights: Vec<(&str, f32)> = query
        .words
        .iter()
        .map(|term| (term.text.as_str(), term.weight))
        .take(2)
        .collect();
    assert_eq!(weights, [("城乡居民医保", 1.0), ("城乡", 0.5)]);
    // The same word by itself counts whole.
    let query = analyzer().query("城乡居民医保在城乡");
    assert!(written(&query.words).contains(&"城乡"));
}

#[test]
fn synonyms_come_in_at_less_weight() {
    let query = analyzer().query("新农合怎么报销");
    let find = |terms: &[QueryTerm], text: &str| terms.iter().find(|term| term.text == text).cloned();
    let synonym = find(&query.words, "居民医保").unwrap();
    assert_eq!(synonym.origin, TermOrigin::Synonym);
    assert!(synonym.weight > 0.0 && synonym.weight < 1.0);
    assert!(find(&query.bigrams, "民医").unwrap().weight < synonym.weight);
    // A synonym's own parts are no terms.
    assert_eq!(find(&query.words, "居民"), None);
    // A compound without synonyms of its own gives those of its parts.
    assert!(find(&analyzer().query("医保断缴").words, "停缴").is_some());
    // What was written stays at full weight even where a synonym holds it too.
    let own = find(&analyzer().query("医保和医疗保险").words, "医疗保险").unwrap();
    assert_eq!((own.weight, own.origin), (1.0, TermOrigin::Written));
}

#[test]
fn numbers_of_a_question_meet_those_of_a_document() {
    let check = |question: &str, text: &str| {
        let query = analyzer().query(question);
        let tokens = analyzer().document(text);
        let shared: Vec<_> = query
            .words
            .iter()
            .filter(|term| term.origin == TermOrigin::Canonical)
            .collect();
        assert!(!shared.is_empty(), "{question}");
        assert!(
            shared
                .iter()
                .all(|term| tokens.words.iter().any(|token| token.text == term.text)),
            "{question}"
        );
    };
    check("基数一万一交多少", "缴费基数为11000元");
    check("断缴半年", "断缴六个月");
    check("报七成吗", "报销比例为70%");
    check("２０２５年４月１９日", "2025-04-19");
}

#[test]
fn an_amount_is_looked_for_in_another_unit_too() {
    let check = |question: &str, expected: &str| {
        let words = analyzer().query(question).words;
        let found = words
            .iter()
            .find(|term| term.origin == TermOrigin::Synonym && term.text.starts_with('#'));
        assert_eq!(found.map_or("", |term| &term.text), expected, "{question}");
    };
    check("等待期三个月", "#90d");
    check("等待期半年", "#180d");
    check("一年内", "#360d");
    check("申报期180天", "#6m");
    check("宽限期60日", "#2m");
    check("犹豫期20天", "");
    check("两天内报案", "#48h");
    check("48小时内报案", "#2d");
    check("赔1.5倍", "#150%");
    check("赔付150%", "#1.5");
    check("按0.85报", "#85%");
    check("3-6个月", "");
    check("2万元", "");
}

#[test]
fn regions_are_named_in_one_way() {
    let check = |text: &str, expected: &[(&str, Option<&str>)]| {
        let found = analyzer().regions(text);
        let found: Vec<_> = found.iter().map(|r| (r.province.as_str(), r.city.as_deref())).collect();
        assert_eq!(found, expected, "{text}");
    };
    check("兰州医保缴费", &[("甘肃", Some("兰州"))]);
    check("蘭州市醫保", &[("甘肃", Some("兰州"))]);
    check("浙江省内换个城市", &[("浙江", None)]);
    check("浙江省杭州市", &[("浙江", Some("杭州"))]);
    check("北京市和上海", &[("北京", None), ("上海", None)]);
    check("海南医保", &[("海南", None)]);
    check("海南州医保", &[("青海", Some("海南"))]);
    check("吉林省", &[("吉林", None)]);
    check("吉林市", &[("吉林", Some("吉林"))]);
    check("内蒙古自治区呼和浩特市", &[("内蒙古", Some("呼和浩特"))]);
    check("绥化社保缴费基数", &[("黑龙江", Some("绥化"))]);
    check("宁波与宁波市", &[("浙江", Some("宁波"))]);
    check("我是上海人", &[("上海", None)]);
    for text in [
        "最大理赔额",
        "白银价格",
        "日照充足",
        "安康保险",
        "阿里健康",
        "第三方",
        "",
    ] {
        check(text, &[]);
    }
}

#[test]
fn the_fingerprint_follows_what_acts_at_indexing() {
    let load = |words: &str, synonyms: &str, stopwords: &str, regions: &str| {
        let sources = Sources {
            words: words.into(),
            synonyms: synonyms.into(),
            stopwords: stopwords.into(),
            regions: regions.into(),
            not_places: String::new(),
        };
        Analyzer::from_sources(&sources).unwrap().fingerprint().to_owned()
    };
    let before = load("医保\n", "", "吗\n", "");
    assert_eq!(load("医保\n", "医保, 医疗保险\n", "吗\n呢\n", ""), before);
    let words = load("医保\n断缴\n", "", "吗\n", "");
    assert_ne!(words, before);
    assert_ne!(load("医保\n断缴\n", "", "吗\n", "[浙江 省]\n杭州\n"), words);
}

#[test]
fn the_fingerprint_is_stable_and_short() {
    let analyzer = analyzer();
    assert_eq!(analyzer.fingerprint(), Analyzer::new().unwrap().fingerprint());
    assert_eq!(analyzer.fingerprint().len(), 16);
}

#[test]
fn one_analyser_serves_many_threads() {
    let shared = Arc::new(analyzer());
    let expected = shared.document("医疗保险报销比例");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(shared.document("医疗保险报销比例"), expected));
        }
    });
}

#[test]
fn long_and_hostile_texts_are_survived() {
    let analyzer = analyzer();
    for text in [
        "医".repeat(100_000),
        "一".repeat(100_000),
        "1".repeat(100_000),
        "1,".repeat(50_000),
        "a\u{301}".repeat(50_000),
        "\u{301}".repeat(50_000),
        "半年".repeat(50_000),
        "\0\u{1}\u{feff}".repeat(1000),
        "𠮷野家😀👨‍👩‍👧".repeat(1000),
    ] {
        let tokens = analyzer.document(&text);
        assert!(
            tokens
                .words
                .iter()
                .all(|token| text.get(token.start..token.end).is_some())
        );
        analyzer.query(&text);
        sentences(&text);
        analyzer.regions(&text);
    }
}

/// Texts as they come: Chinese of both scripts, numbers, Latin, punctuation, and anything at all.
fn any_text() -> impl Strategy<Value = String> {
    proptest::collection::vec(
        prop_oneof![
            3 => proptest::sample::select(vec![
                "医保", "醫療保險", "报销", "報銷", "一万一", "11,000元", "７０％", "半年", "2025年4月19日", "ＩＣＵ",
                "。", "，", " ", "\n", "怎么", "的", "兰州市", "é", "①", "㎡", "𠮷", "カﾞ", "😀", "\u{200b}",
            ]).prop_map(str::to_owned),
            1 => "\\PC{0,4}",
        ],
        0..20,
    )
    .prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn tokens_cover_every_letter_and_stay_on_boundaries(text in any_text()) {
        let tokens = analyzer().document(&text);
        for stream in [&tokens.words, &tokens.bigrams] {
            let mut covered = vec![false; text.len()];
            let mut last = 0;
            for token in stream {
                prop_assert!(!token.text.trim().is_empty());
                prop_assert!(token.start < token.end);
                prop_assert!(text.is_char_boundary(token.start) && text.is_char_boundary(token.end));
                prop_assert!(token.position == last || token.position == last + 1);
                last = token.position;
                if !token.text.starts_with('#') {
                    prop_assert!(token.text.chars().any(|c| c.is_alphanumeric() || is_cjk(c)));
                }
                covered[token.start..token.end].fill(true);
            }
            for (at, character) in text.char_indices() {
                if character.is_alphanumeric() || is_cjk(character) {
                    prop_assert!(covered[at], "{character:?} at {at}");
                }
            }
        }
    }

    #[test]
    fn both_scripts_give_the_same_tokens(parts in proptest::collection::vec(proptest::sample::select(vec![
        ("医疗保险", "醫療保險"), ("报销", "報銷"), ("新农合", "新農合"), ("缴费", "繳費"), ("补缴", "補繳"),
        ("为什么", "為什麼"), ("异地就医", "異地就醫"), ("受益人", "受益人"), ("一万一", "一萬一"), ("，", ","),
        ("转移", "轉移"), ("钱", "錢"), ("帐户", "帳戶"), ("兰州", "蘭州"),
    ]), 0..12)) {
        let simplified: String = parts.iter().map(|(simplified, _)| *simplified).collect();
        let traditional: String = parts.iter().map(|(_, traditional)| *traditional).collect();
        let analyzer = analyzer();
        let (one, other) = (analyzer.document(&simplified), analyzer.document(&traditional));
        prop_assert_eq!(texts(&one.words), texts(&other.words));
        prop_assert_eq!(texts(&one.bigrams), texts(&other.bigrams));
        prop_assert_eq!(analyzer.query(&simplified).words, analyzer.query(&traditional).words);
    }

    #[test]
    fn query_terms_are_unique_and_weighted(text in any_text()) {
        let query = analyzer().query(&text);
        for terms in [&query.words, &query.bigrams] {
            let mut seen = std::collections::HashSet::new();
            for term in terms {
                prop_assert!(term.weight > 0.0 && term.weight <= 1.0);
                prop_assert!(seen.insert(&term.text));
            }
        }
        let letters = query.normalized.chars().any(|c| c.is_alphanumeric() || is_cjk(c));
        prop_assert_eq!(letters, !query.words.is_empty());
    }
}
