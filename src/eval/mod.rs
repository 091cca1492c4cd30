//! Evaluation: judged questions in, measured quality out.
//!
//! Owns the BEIR layout, runs, metrics, the statistics that compare two runs, reports, the small learners that
//! `baowen tune` needs, and synthetic collections to measure speed on. It never searches: whoever calls it brings the
//! rankings. So every number here can be checked against another tool on the same run and the same judgements, and is
//! (the committed expected values come from ir_measures).
//!
//! Everything is deterministic: seeds are arguments, results are ordered by id or by the order of the input, and
//! parallel sums are added up in a fixed order.

pub mod auc;
pub mod bootstrap;
pub mod dataset;
pub mod folds;
pub mod linear;
pub mod logistic;
pub mod metrics;
mod newton;
pub mod npy;
pub mod own_kind;
pub mod report;
pub mod run;
pub mod synthetic;
pub mod table;

pub use auc::auc;
pub use bootstrap::{Interval, paired, paired_rows};
pub use dataset::{Dataset, Qrels, Query};
pub use metrics::{Evaluation, Metric, evaluate};
pub use report::{Report, ReportOptions};
pub use run::{Ranked, Run};
