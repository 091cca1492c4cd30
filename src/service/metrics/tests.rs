//! The numbers as they come out, and the document that says what they mean.

use std::collections::BTreeSet;
use std::path::Path;

use super::*;

/// One of everything.
fn all_said() -> Metrics {
    let metrics = Metrics::new();
    metrics.look_by(|| Now {
        ready: true,
        searches: 3,
        running: 2,
        unread: 5,
        bodies: 17,
        index: Some(IndexNow {
            segments: 7,
            ..IndexNow::default()
        }),
    });
    metrics.call_began();
    metrics.call_ended("baowen.v1.SearchService/Search", "OK", Duration::from_millis(3));
    let timings = Timings {
        embed: Duration::from_millis(2),
        ..Timings::default()
    };
    metrics.answered(&timings, true);
    metrics.answered(
        &Timings {
            cached: true,
            ..timings
        },
        false,
    );
    metrics.refused("queue");
    metrics.connection_began();
    metrics.connection_cut(None);
    metrics.received(11);
    metrics.sent(&Poll::Ready(Ok(13)));
    metrics.took_over();
    metrics.embedded(4, true);
    metrics.embedded(6, false);
    metrics
}

#[test]
fn what_was_said_comes_out() {
    let text = all_said().text();
    for line in [
        "baowen_requests_total{method=\"baowen.v1.SearchService/Search\",code=\"OK\"} 1",
        "baowen_requests_in_flight 0",
        "baowen_request_duration_seconds_count{method=\"baowen.v1.SearchService/Search\"} 1",
        "baowen_search_stage_duration_seconds_sum{stage=\"embed\"} 0.002",
        "baowen_answer_cache_hits_total 1",
        "baowen_answer_cache_misses_total 1",
        "baowen_degraded_answers_total 1",
        "baowen_refused_total{reason=\"queue\"} 1",
        "baowen_connections 1",
        "baowen_connections_cut_total{reason=\"silent\"} 1",
        "baowen_received_bytes_total 11",
        "baowen_sent_bytes_total 13",
        "baowen_ready 1",
        "baowen_searches_in_flight 3",
        "baowen_searches_running 2",
        "baowen_searches_waiting 1",
        "baowen_embedder_ready 1",
        "baowen_texts_embedded_total 6",
        "baowen_texts_not_embedded_total 4",
        "baowen_unread_answer_bytes 5",
        "baowen_unfinished_body_bytes 17",
        "baowen_index_segments 7",
        "baowen_index_commits_total 1",
    ] {
        assert!(text.lines().any(|one| one == line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("stage=\"rerank\""), "of no reranker no time is counted");
    assert!(text.ends_with("# EOF\n"));
}

#[test]
fn the_document_names_what_is_exported_and_nothing_else() {
    let text = all_said().text();
    let exported: BTreeSet<String> = (text.lines())
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .filter_map(|line| line.split_once(' '))
        // A counter's samples end so, and people write the name of the samples.
        .map(|(name, kind)| {
            if kind == "counter" {
                format!("{name}_total")
            } else {
                name.to_string()
            }
        })
        .collect();
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/OPERATING.md");
    let document = std::fs::read_to_string(document).unwrap();
    let section = document.split("\n## Metrics\n").nth(1).expect("a section Metrics");
    let section = section.split("\n## ").next().unwrap();
    let documented: BTreeSet<String> = (section.lines())
        .filter_map(|line| line.strip_prefix("| `")?.split(['`', '{']).next())
        .map(str::to_string)
        .collect();
    assert_eq!(documented, exported);
}
