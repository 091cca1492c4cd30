//! What a vector costs on one thread: a question of 17 characters with its instruction (38 tokens), a passage of 219
//! (221 tokens), the lengths that `benches/peers/embed_onnx.py` runs too.
//!
//! ```sh
//! cargo bench --bench embed
//! ```

use std::sync::LazyLock;

use baowen::compute::Budget;
use baowen::embed::fetch::DEFAULT;
use baowen::embed::{BertModel, Embedder, model_dir};
use divan::Bencher;

static MODEL: LazyLock<Option<BertModel>> =
    LazyLock::new(|| BertModel::open(&model_dir(None).join(DEFAULT), Budget::all()).ok());

fn main() {
    match &*MODEL {
        Some(model) => {
            println!("{}", model.identity());
            divan::main();
        }
        None => println!("skipped: there is no model in {}", model_dir(None).display()),
    }
}

/// So many characters, as different as those of a text.
fn text(characters: usize) -> String {
    "职工医疗保险怎样报销，退休以后还要不要交费？"
        .chars()
        .cycle()
        .take(characters)
        .collect()
}

#[divan::bench(sample_count = 300)]
fn question(bencher: Bencher) {
    let text = text(17);
    if let Some(model) = &*MODEL {
        bencher.bench_local(|| model.embed_queries(&[&text], Budget::single()));
    }
}

#[divan::bench(sample_count = 300)]
fn passage(bencher: Bencher) {
    let text = text(219);
    if let Some(model) = &*MODEL {
        bencher.bench_local(|| model.embed_passages(&[&text], Budget::single()));
    }
}
