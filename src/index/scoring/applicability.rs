//! How the places and years of a passage meet those that a question names.

use crate::text::Region;

/// How a passage's places meet those asked for, each a province and, where one is named, a city in it: 1 the same, 0.3
/// the same province, 0 if the question or the passage names none, -1 elsewhere. A place is whatever `holds` knows:
/// `holds(None)` is whether the passage names any, `holds(Some(place))` whether it names this one.
pub fn locality<P>(asked: &[(P, Option<P>)], holds: impl Fn(Option<&P>) -> bool) -> f32 {
    if asked.is_empty() || !holds(None) {
        return 0.0;
    }
    let of = |(province, city): &(P, Option<P>)| match city {
        Some(city) if holds(Some(city)) => 1.0,
        Some(_) if holds(Some(province)) => 0.3,
        None if holds(Some(province)) => 1.0,
        _ => -1.0,
    };
    asked.iter().map(of).fold(-1.0, f32::max)
}

/// [`locality`] where a passage's places are at hand as they were read.
pub fn locality_of_regions(asked: &[Region], held: &[Region]) -> f32 {
    // Each region by its province, and by its city if it has one.
    let places = asked.iter();
    let places = places.map(|asked| ((asked, false), asked.city.is_some().then_some((asked, true))));
    locality(&places.collect::<Vec<_>>(), |place| match place {
        None => !held.is_empty(),
        Some((asked, false)) => held.iter().any(|held| held.province == asked.province),
        Some((asked, true)) => (held.iter()).any(|held| held.province == asked.province && held.city == asked.city),
    })
}

/// How a passage's years meet those asked for: 1 if one is the same, 0 if either names none, -1 if none is.
pub fn timeliness(asked: &[u16], mut held: impl Iterator<Item = u16>) -> f32 {
    let Some(first) = held.next().filter(|_| !asked.is_empty()) else {
        return 0.0;
    };
    if asked.contains(&first) || held.any(|year| asked.contains(&year)) {
        1.0
    } else {
        -1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_meet_by_city_before_province() {
        let check = |asked: &[(&str, Option<&str>)], held: &[&str], expected: f32| {
            let holds = |place: Option<&&str>| match place {
                None => !held.is_empty(),
                Some(place) => held.contains(place),
            };
            assert_eq!(locality(asked, holds), expected, "{asked:?} {held:?}");
        };
        check(&[], &["浙江"], 0.0);
        check(&[("浙江", None)], &[], 0.0);
        check(&[("浙江", None)], &["浙江", "杭州"], 1.0);
        check(&[("浙江", Some("杭州"))], &["浙江", "杭州"], 1.0);
        check(&[("浙江", Some("杭州"))], &["浙江", "宁波"], 0.3);
        check(&[("浙江", Some("杭州"))], &["甘肃"], -1.0);
        check(&[("甘肃", None), ("浙江", Some("杭州"))], &["浙江"], 0.3);
    }

    #[test]
    fn years_meet_if_one_is_the_same() {
        let check = |asked: &[u16], held: &[u16], expected: f32| {
            assert_eq!(timeliness(asked, held.iter().copied()), expected, "{asked:?} {held:?}");
        };
        check(&[], &[2024], 0.0);
        check(&[2024], &[], 0.0);
        check(&[2024, 2025], &[2023, 2025], 1.0);
        check(&[2024], &[2023, 2025], -1.0);
    }
}
