//! Owns the restriction to a question's own kind of passages: ids are `kind-...`, and a question of one kind is
//! answered by articles of the same kind.
//!
//! In a mixed corpus a ranking scores partly by telling the kinds apart (only policy clauses have titles). Measured
//! over the question's own kind alone, it shows how well it ranks. Never renames or judges anything.

use super::dataset::Qrels;
use super::run::Run;

/// The kind in an id: what stands before the first `-`, if anything does.
pub fn kind(id: &str) -> Option<&str> {
    id.split_once('-').map(|(kind, _)| kind).filter(|kind| !kind.is_empty())
}

/// Whether an article is of the question's own kind. A question without a kind accepts every article.
pub fn is_own_kind(query: &str, doc: &str) -> bool {
    kind(query).is_none_or(|own| kind(doc) == Some(own))
}

/// The run with every ranking cut down to articles of the question's own kind; the others move up.
///
/// This sees only what the run holds: of 100 places that were filled from all kinds fewer than 100 are left, so
/// Recall@100 of the restricted run is a lower bound. Where it matters, retrieve deeper, or filter in the search.
#[must_use]
pub fn own_kind(run: &Run) -> Run {
    run.restrict(is_own_kind)
}

/// The judgements of articles of the question's own kind.
#[must_use]
pub fn own_kind_qrels(qrels: &Qrels) -> Qrels {
    qrels.restrict(is_own_kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::run::Ranked;

    #[test]
    fn the_kind_is_what_stands_before_the_first_dash() {
        let check = |id: &str, expected: Option<&str>| assert_eq!(kind(id), expected, "{id}");
        check("clause-q0003", Some("clause"));
        check("a-b-c", Some("a"));
        check("plain", None);
        check("-x", None);
        check("", None);
    }

    #[test]
    fn a_run_keeps_its_own_kind_in_order() {
        let mut run = Run::default();
        let ranking = || {
            ["zhidao-1", "clause-2", "clauses-3", "bare", "clause-1"]
                .map(|id| Ranked::new(id, 0.0))
                .to_vec()
        };
        run.insert("clause-q1", ranking()).unwrap();
        run.insert("q1", ranking()).unwrap();
        let own = own_kind(&run);
        let docs = |query: &str| {
            own.of(query)
                .iter()
                .map(|ranked| ranked.doc.as_str())
                .collect::<Vec<_>>()
        };
        assert_eq!(docs("clause-q1"), ["clause-2", "clause-1"]);
        assert_eq!(docs("q1").len(), 5);

        let mut qrels = Qrels::default();
        qrels.set("clause-q1", "zhidao-1", 1);
        qrels.set("clause-q1", "clause-1", 1);
        qrels.set("clause-q2", "zhidao-1", 1);
        let own = own_kind_qrels(&qrels);
        assert_eq!(own.of("clause-q1").unwrap().len(), 1);
        assert_eq!(own.of("clause-q2").unwrap().len(), 0, "the question stays and counts");
    }
}
