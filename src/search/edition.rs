//! Whether a question names the product of a title whose year is that of its edition: 2021年某某医疗险 and
//! 某某（2021版）医疗保险.
//!
//! Owns nothing of names (`text::product`); what is told is the year alone.

use crate::text::{NameFit, ProductName, letters, speaks_of_law};

/// Whether the question names the product of a title that is called by one of these years.
pub(super) fn names_edition(question: &str, title: &str, years: &[u16]) -> bool {
    let is_written = |year: &u16| title.contains(&year.to_string());
    if !years.iter().any(is_written) {
        return false;
    }
    let question = letters(question);
    let Some(name) = ProductName::of(title).filter(|_| !speaks_of_law(&question)) else {
        return false;
    };
    name.named_in(&question).is_some_and(|(fit, _)| fit == NameFit::Same)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edition_is_told_by_its_products_name() {
        let check = |question: &str, title: &str, expected: bool| {
            assert_eq!(
                names_edition(question, title, &[2021]),
                expected,
                "{question} / {title}"
            );
        };
        let title = "安联安康欣悦（2021版）医疗保险条款";
        // As people shorten it.
        check("2021年安康欣悦怎么赔", title, true);
        check("2021年安康欣悦医疗险怎么赔", title, true);
        check("安联安康欣悦2021年的医疗保险意外受伤赔不赔", title, true);
        check("2021年安康欣悦意外险怎么赔", title, false);
        check("2021年安康欣悦尊享意外险怎么赔", title, false);
        check("2021年健康随心Ⅲ终身寿险", "健康随心Ⅱ终身寿险（2021版）", false);
        check("2021年健康随心Ⅱ终身寿险", "健康随心Ⅱ终身寿险（2021版）", true);
        check("2021年安康欣悦怎么赔", "安联2021年安康欣悦医疗保险", true);
        check("2021年安康怎么赔", title, false);
        check("2021年康欣悦的医疗险", title, false);
        check("2021年安康欣享医疗险怎么赔", title, false);
        check("2021年安联医疗险怎么赔", title, false);
        check("2021年医疗险怎么赔", title, false);
        // With a letter, before or behind.
        check(
            "2021年健康有约重疾险",
            "泰康健康有约团体终身重大疾病保险D款（2021版）",
            true,
        );
        check(
            "2021年逸升汇赢年金险",
            "安联逸升汇赢A款（2021）终身年金保险（分红型）条款",
            true,
        );
        check("2021年逸升汇赢A款年金险", "安联逸升汇赢A款（2021）终身年金保险", true);
        check("2021年逸升汇赢B款年金险", "安联逸升汇赢A款（2021）终身年金保险", false);
        check("2021年逸升汇赢年金险", "安联逸升汇赢（B款）（2021）终身年金保险", true);
        check(
            "2021年关爱无忧医疗险",
            "PICC人保寿险关爱无忧2021医疗保险_产品条款",
            true,
        );
        check(
            "2021年都会传家",
            "中美联泰大都会人寿保险有限公司都会传家（2021）终身寿险（分红型）",
            true,
        );
        check(
            "2021年都会传家重疾险",
            "中美联泰大都会人寿保险有限公司都会传家（2021）终身寿险",
            false,
        );
        check("2021年境外医疗保险怎么赔", "安联寰球臻享境外医疗保险（2021）", false);
        check("2021年臻享境外怎么赔", "安联寰球臻享境外医疗保险（2021）", false);
        check("2021年寰球臻享怎么赔", "安联寰球臻享境外医疗保险（2021）", true);
        check(
            "2021年泰康团体长期补充医疗保险",
            "泰康团体长期补充医疗保险A款（2021版）",
            true,
        );
        check(
            "2021年泰康团体长期补充医疗保险B款",
            "泰康团体长期补充医疗保险A款（2021版）",
            false,
        );
        // Words that any product has, rules, and other years.
        check("2021年少儿百万医疗险", "少儿百万医疗保险（2021版）", false);
        check("2021年团体意外险", "安联团体（2021）意外伤害保险", false);
        check("2021年重疾险", "重疾险（2021版）", false);
        check("2021年城乡居民医疗保险", "某某城乡居民补充医疗保险（2021版）", false);
        check("2021年安康欣悦怎么赔", "安联安康欣悦（2018版）医疗保险条款", false);
        check("2021年安康欣悦怎么赔", "安联安康欣悦（2021版）医疗保险问答", false);
        check("", "", false);
    }
}
