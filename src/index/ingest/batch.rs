//! Articles that are prepared and written together: enough to keep every core busy, few enough to show progress and to
//! have room for.

use crate::model::Article;

/// Articles of a batch. Not measured.
pub const BATCH: usize = 128;
/// Bytes of their texts: what is made of an article before it is written takes a hundred times its room.
const BATCH_BYTES: usize = 1 << 20;

/// Articles that wait to be written.
#[derive(Default)]
pub struct Batch {
    articles: Vec<Article>,
    bytes: usize,
}

impl Batch {
    /// Puts one in.
    pub fn push(&mut self, article: Article) {
        self.bytes += article.text.len();
        self.articles.push(article);
    }

    /// Whether it is to be written before more is put in: it has `most` articles, or as many bytes as a batch may have.
    pub fn is_full(&self, most: usize) -> bool {
        self.articles.len() >= most || self.bytes >= BATCH_BYTES
    }

    /// What is in it, which leaves it empty.
    pub fn take(&mut self) -> Vec<Article> {
        self.bytes = 0;
        std::mem::take(&mut self.articles)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_full_by_its_number_or_by_its_text() {
        let of = |bytes: usize| Article {
            text: "x".repeat(bytes),
            ..Article::default()
        };
        let mut batch = Batch::default();
        assert!(!batch.is_full(2));
        batch.push(of(1));
        assert!(!batch.is_full(2));
        batch.push(of(1));
        assert!(batch.is_full(2) && !batch.is_full(3));
        assert_eq!(batch.take().len(), 2);
        assert!(!batch.is_full(2), "what was taken counts no more");
        batch.push(of(BATCH_BYTES));
        assert!(batch.is_full(2));
    }
}
