//! Writes a page's article in the convention of [`layout`](super::super::layout), and what it leaves out as plain
//! lines with the reason.

use scraper::ElementRef;

use super::super::layout::{Layout, Numbering};
use super::super::lines::unwrapped;
use super::dom::{Elements, Step, is_block, is_unseen, key, stands_apart, walk, words};
use super::furniture::Furniture;
use super::table::Table;

/// What was left out, by reason, in the order of the page.
pub(super) type LeftOut = Vec<(&'static str, String)>;

/// The text of the part of a page that is its article, and all other visible text.
pub(super) fn page(root: ElementRef<'_>, article: ElementRef<'_>, furniture: &Furniture) -> (String, LeftOut) {
    let above: Elements = article.ancestors().filter_map(ElementRef::wrap).map(key).collect();
    let mut writer = Writer {
        layout: Layout::default(),
        furniture: Some(furniture),
        left_out: Vec::new(),
        verbatim: 0,
    };
    walk(root, |step| {
        match step {
            Step::Open(element) if key(element) == key(article) => writer.write(article),
            Step::Open(element) if above.contains(&key(element)) => return true,
            Step::Open(element) if !is_unseen(element.value().name()) => {
                let reason = furniture.reason(element).unwrap_or("around the article");
                writer.leave_out(reason, plain(element));
            }
            Step::Text(text) => writer.leave_out("around the article", text.to_string()),
            _ => {}
        }
        false
    });
    (writer.layout.finish(), writer.left_out)
}

/// Adds the words of an element to a layout, nothing left out.
pub(super) fn fragment(root: ElementRef<'_>, layout: &mut Layout) {
    let mut writer = Writer {
        layout: std::mem::take(layout),
        furniture: None,
        left_out: Vec::new(),
        verbatim: 0,
    };
    writer.write(root);
    *layout = writer.layout;
}

/// An element's visible text, block by block.
fn plain(root: ElementRef<'_>) -> String {
    let mut layout = Layout::default();
    walk(root, |step| {
        match step {
            Step::Open(element) if is_unseen(element.value().name()) => return false,
            Step::Open(element) | Step::Close(element) if is_block(element.value().name()) => layout.end_line(),
            Step::Text(text) => layout.push(text),
            _ => {}
        }
        true
    });
    layout.finish()
}

struct Writer<'f> {
    layout: Layout,
    furniture: Option<&'f Furniture>,
    left_out: LeftOut,
    /// How many elements are open whose white space counts.
    verbatim: usize,
}

impl Writer<'_> {
    fn leave_out(&mut self, reason: &'static str, text: String) {
        if text.trim().is_empty() {
            return;
        }
        match self.left_out.last_mut() {
            Some((last, before)) if *last == reason => {
                before.push('\n');
                before.push_str(&text);
            }
            _ => self.left_out.push((reason, text)),
        }
    }

    /// Whether an element is to be left out; its text then is.
    fn leaves_out(&mut self, element: ElementRef<'_>) -> bool {
        if is_unseen(element.value().name()) {
            return true;
        }
        let reason = match self.furniture {
            Some(furniture) => furniture.reason(element),
            None => matches!(element.value().name(), "rt" | "rp").then_some("reading aid"),
        };
        if let Some(reason) = reason {
            self.leave_out(reason, plain(element));
        }
        reason.is_some()
    }

    fn write(&mut self, root: ElementRef<'_>) {
        let mut headings = 0usize;
        walk(root, |step| {
            match step {
                // Lines of a text that a program broke are joined as in a file of text.
                Step::Text(text) if self.verbatim > 0 => {
                    let joined = self.furniture.and_then(|_| unwrapped(text));
                    self.layout.push_verbatim(joined.as_deref().unwrap_or(text));
                }
                // A line break in HTML source is white space like any other, but between Han characters it is none.
                Step::Text(text) => self.layout.push(text),
                Step::Open(element) => {
                    let is_left_out = key(element) != key(root) && self.leaves_out(element);
                    return !is_left_out && self.begin(element, &mut headings);
                }
                Step::Close(element) => self.end(element, &mut headings),
            }
            true
        });
    }

    /// Begins an element; whether what it holds is still to be written. `headings` are those that are open.
    fn begin(&mut self, element: ElementRef<'_>, headings: &mut usize) -> bool {
        match element.value().name() {
            "br" if *headings > 0 => self.layout.push("\n"),
            "br" => self.layout.end_line(),
            "table" => {
                if let Some(table) = self.data_table(element) {
                    self.table(&table);
                    return false;
                }
                self.layout.end_block();
            }
            name @ ("h1" | "h2" | "h3" | "h4" | "h5" | "h6") => {
                *headings += 1;
                self.layout.heading(usize::from(name.as_bytes()[1] - b'0'));
            }
            "ul" | "menu" => self.layout.list(None),
            "ol" => self.layout.list(Some(numbering(element))),
            "li" => self
                .layout
                .item(element.attr("value").and_then(|n| n.trim().parse().ok())),
            "pre" | "textarea" => {
                self.layout.end_block();
                self.verbatim += 1;
            }
            "dt" | "dd" => self.layout.end_line(),
            "sup" if is_exponent(element) => self.layout.push("^"),
            // Buttons side by side are words apart.
            "button" => self.layout.push(" "),
            name if is_block(name) => self.layout.end_block(),
            _ if stands_apart(element) => self.layout.push(" "),
            _ => {}
        }
        true
    }

    fn end(&mut self, element: ElementRef<'_>, headings: &mut usize) {
        match element.value().name() {
            "br" => {}
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                *headings = headings.saturating_sub(1);
                self.layout.end_marked();
            }
            "li" => self.layout.end_marked(),
            "ul" | "menu" | "ol" => self.layout.end_list(),
            "pre" | "textarea" => {
                self.verbatim = self.verbatim.saturating_sub(1);
                self.layout.end_block();
            }
            "dt" | "dd" => self.layout.end_line(),
            name if is_block(name) => self.layout.end_block(),
            _ => {}
        }
    }

    /// Whether a cell of a table is a part of the page, and the table only there to place it.
    fn is_large(&self, cell: ElementRef<'_>) -> bool {
        self.furniture.is_some_and(|furniture| furniture.is_most(cell))
    }

    /// The table that an element is, if it does more than to place authors beside their posts.
    fn data_table<'a>(&self, element: ElementRef<'a>) -> Option<Table<'a>> {
        let places = self
            .furniture
            .is_some_and(|furniture| furniture.posts().places(element));
        (!places).then(|| Table::of(element, |cell| self.is_large(cell)))?
    }

    fn table(&mut self, table: &Table<'_>) {
        self.layout.end_block();
        for caption in &table.captions {
            let text = self.cell(*caption);
            self.layout.push(&text);
            self.layout.end_line();
        }
        let mut rows = Vec::new();
        for row in &table.rows {
            if !self.leaves_out(row.element) {
                rows.push((row, row.cells.iter().map(|cell| self.cell(cell.element)).collect()));
            }
        }
        for line in table.lines(&rows) {
            self.layout.push(&line);
            self.layout.end_line();
        }
        self.layout.end_block();
    }

    /// A cell's words on one line.
    fn cell(&mut self, cell: ElementRef<'_>) -> String {
        let mut line = Layout::default();
        walk(cell, |step| {
            match step {
                Step::Open(element) => {
                    if self.leaves_out(element) {
                        return false;
                    }
                    if is_block(element.value().name()) || stands_apart(element) {
                        line.push(" ");
                    } else if element.value().name() == "sup" && is_exponent(element) {
                        line.push("^");
                    }
                }
                Step::Close(element) if is_block(element.value().name()) => line.push(" "),
                Step::Text(text) => line.push(text),
                _ => {}
            }
            true
        });
        line.finish()
    }
}

/// Whether a raised number says how often the ten before it is multiplied: `5×10<sup>4</sup>元`; others are marks of
/// notes, and those of square metres are read as they stand.
fn is_exponent(element: ElementRef<'_>) -> bool {
    let before = element.prev_sibling();
    let before = before.as_ref().and_then(|before| before.value().as_text());
    let is_power = |before: &str| {
        let factor = before.trim_end().strip_suffix("10").map(str::trim_end);
        factor.is_some_and(|factor| factor.ends_with(['×', '*', '·', '\u{2715}']))
    };
    let raised = words(element);
    let digits = raised.trim_start_matches(['-', '−']);
    before.is_some_and(|before| is_power(before))
        && !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// How a list counts its items.
fn numbering(list: ElementRef<'_>) -> Numbering {
    let reversed = list.attr("reversed").is_some();
    let items = || {
        let items = list
            .child_elements()
            .filter(|child| child.value().name() == "li")
            .count();
        i64::try_from(items).unwrap_or(i64::MAX)
    };
    let start = list.attr("start").and_then(|start| start.trim().parse().ok());
    Numbering {
        next: start.unwrap_or_else(|| if reversed { items() } else { 1 }),
        down: reversed,
        style: list
            .attr("type")
            .and_then(|style| style.trim().chars().next())
            .unwrap_or('1'),
    }
}
