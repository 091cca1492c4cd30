//! A filter as people write it becomes one as the index spells it: 浙江省 is 浙江, 23 is 2023.
//!
//! Owns what the values of a filter mean; the index matches them to the letter. What is not understood is refused,
//! since an answer without hits would say that nothing is there.

use super::request::check_filter;
use crate::error::{Error, Result};
use crate::model::Filter;
use crate::text::Analyzer;

/// The filter with its regions and years as the index spells them.
///
/// # Errors
/// `Caller`, naming the field, for a region that is not known, a year that is none, and days between which none lies.
pub fn understood(filter: &Filter, analyzer: &Analyzer) -> Result<Filter> {
    check_filter(filter)?;
    let region = |name: &String| match analyzer.region_of(name) {
        Ok(region) => Ok(region.key()),
        Err(cause) => Err(cause.context("filter.regions")),
    };
    Ok(Filter {
        regions: filter.regions.iter().map(region).collect::<Result<_>>()?,
        years: filter
            .years
            .iter()
            .map(|&year| full_year(year))
            .collect::<Result<_>>()?,
        ..filter.clone()
    })
}

fn full_year(year: u16) -> Result<u16> {
    match year {
        // As in texts: 98 is 1998, 25 is 2025. A digit is none: a field that was not set is 0.
        10..=35 => Ok(2000 + year),
        80..=99 => Ok(1900 + year),
        1900..=2100 => Ok(year),
        _ => Err(
            Error::caller(format!("filter.years: nothing here is about the year {year}"))
                .help("write a year such as 2023"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_people_use_are_understood() {
        let analyzer = Analyzer::new().unwrap();
        let check = |name: &str, expected: &str| {
            let filter = Filter {
                regions: vec![name.to_owned()],
                ..Filter::default()
            };
            let found = understood(&filter, &analyzer).map(|filter| filter.regions.concat());
            match found {
                Ok(found) => assert_eq!(found, expected, "{name}"),
                Err(error) => assert!(error.to_string().contains(expected), "{name}: {error}"),
            }
        };
        for (names, expected) in [
            ("浙江 浙江省 浙", "浙江"),
            ("杭州 杭州市 浙江杭州 浙江省杭州市 浙江/杭州", "杭州"),
            ("粤 广东 廣東省", "广东"),
            ("沪 申 上海市", "上海"),
            ("甬 宁波", "宁波"),
            ("京 北京", "北京"),
            ("内蒙古自治区 蒙 内蒙", "内蒙古"),
            ("余杭 余杭区 杭州余杭 浙江省杭州市余杭区", "杭州/余杭区"),
            ("北京朝阳区 北京市朝阳", "北京/朝阳区"),
            ("义乌 义乌市", "金华/义乌市"),
            ("吉林市", "吉林/吉林"),
            ("吉林", "吉林"),
            ("日照 日照市", "日照"),
        ] {
            for name in names.split(' ') {
                check(name, expected);
            }
        }
        check("火星", "filter.regions");
        check("火星", "`火星` is no province");
        check("杭洲", "near are 杭州");
        check("鼓楼区", "several places");
        check("鼓楼区", "南京/鼓楼区");
    }

    #[test]
    fn years_are_understood_or_refused() {
        let years = |year: u16| {
            let filter = Filter {
                years: vec![year],
                ..Filter::default()
            };
            understood(&filter, &Analyzer::new().unwrap())
                .map(|filter| filter.years[0])
                .ok()
        };
        assert_eq!(years(23), Some(2023));
        assert_eq!(years(2023), Some(2023));
        assert_eq!(years(0), None);
        assert_eq!(years(9), None);
        assert_eq!(years(230), None);
        assert_eq!(years(9999), None);
    }
}
