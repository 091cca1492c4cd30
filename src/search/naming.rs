//! How sentences for the asker list names.

/// The first of some names, joined; 等 where there are more than `most`.
pub(super) fn first_names(names: impl IntoIterator<Item = String>, most: usize) -> String {
    let mut names = names.into_iter();
    let mut named = names.by_ref().take(most).collect::<Vec<_>>().join("、");
    if names.next().is_some() {
        named.push('等');
    }
    named
}

/// A title between its marks, which many have already.
pub fn quoted(title: &str) -> String {
    if title.starts_with('《') {
        title.to_owned()
    } else {
        format!("《{title}》")
    }
}

/// A region as people write it: 杭州余杭区 for 杭州/余杭区.
pub(super) fn region_name(key: &str) -> String {
    key.replace('/', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_that_begins_with_marks_gets_no_more() {
        assert_eq!(quoted("职工医保办法"), "《职工医保办法》");
        assert_eq!(quoted("《社会保险法》问答"), "《社会保险法》问答");
    }
}
