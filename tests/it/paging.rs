//! Pages of an answer are cut from one list: no hit twice, none missing, however long the pages are.

use baowen::compute::Budget;
use baowen::search::Engine;
use baowen::search::request::{FusionMethod, FusionRequest, Grouping, Mode, SearchRequest};

use crate::support::{article, index_of, rules};

/// Articles that differ a little, so that scores lie close together and longer lists bring much that competes.
fn articles() -> Vec<baowen::model::Article> {
    const SUBJECTS: [&str; 8] = ["医保", "养老", "失业", "工伤", "生育", "住院", "门诊", "异地"];
    const ACTS: [&str; 7] = ["断缴", "补缴", "报销", "备案", "转移", "停保", "续保"];
    (0..420)
        .map(|n| {
            let (a, b) = (SUBJECTS[n % 8], ACTS[n / 8 % 7]);
            let also = SUBJECTS[n / 56 % 8];
            let text = format!(
                "{a}{b}怎么办：{also}参保人第{n}号窗口办理{b}，{}个工作日内办结。",
                n % 13
            );
            article(
                &format!("a{n:03}"),
                if n % 3 == 0 { b } else { "" },
                &text.repeat(1 + n % 3),
            )
        })
        .collect()
}

#[test]
fn pages_of_any_length_make_the_same_list() {
    let rules = rules();
    let folder = tempfile::tempdir().unwrap();
    let index = index_of(folder.path(), &rules, &articles());
    let engine = Engine::new(index, rules.analyzer.clone(), rules.embedder.clone());
    let ways = [
        (Mode::Hybrid, FusionMethod::Learned),
        (Mode::Hybrid, FusionMethod::Convex),
        (Mode::Hybrid, FusionMethod::Rrf),
        (Mode::Lexical, FusionMethod::Learned),
        (Mode::Dense, FusionMethod::Learned),
    ];
    for (mode, method) in ways {
        for grouping in [Grouping::Article, Grouping::Passage] {
            let hits = |offset: usize, top_k: usize| -> Vec<String> {
                let request = SearchRequest {
                    mode,
                    fusion: FusionRequest {
                        method,
                        ..FusionRequest::default()
                    },
                    grouping,
                    offset,
                    top_k: Some(top_k),
                    ..SearchRequest::new("医保断缴了怎么办")
                };
                let hits = engine.search(&request, Budget::single()).unwrap().hits;
                hits.into_iter().map(|hit| hit.passage_id).collect()
            };
            let all = hits(0, 300);
            assert!(all.len() > 120, "{mode:?} {method:?} {grouping:?}: {} hits", all.len());
            for page in [7, 23, 50, 100] {
                let pages: Vec<String> = (0..300)
                    .step_by(page)
                    .flat_map(|offset| hits(offset, page.min(300 - offset)))
                    .collect();
                assert_eq!(pages, all, "{mode:?} {method:?} {grouping:?}, pages of {page}");
            }
        }
    }
}
