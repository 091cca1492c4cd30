//! Characters that look alike (`index/lexicon/shapes.txt`).

use std::collections::HashMap;
use std::sync::LazyLock;

use super::super::lines::lexicon_lines;

static ALIKE: LazyLock<HashMap<char, Vec<char>>> = LazyLock::new(|| {
    let mut alike: HashMap<char, Vec<char>> = HashMap::new();
    for (_, group) in lexicon_lines(include_str!("../../../index/lexicon/shapes.txt")) {
        for one in group.chars() {
            alike
                .entry(one)
                .or_default()
                .extend(group.chars().filter(|&other| other != one));
        }
    }
    alike
});

/// The characters that this one is taken for, or that are taken for it.
pub(super) fn alike(character: char) -> &'static [char] {
    ALIKE.get(&character).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn likeness_goes_both_ways() {
        assert!(alike('未').contains(&'末') && alike('末').contains(&'未'));
        assert!(alike('保').contains(&'堡') && alike('的').is_empty());
    }
}
