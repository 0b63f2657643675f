//! An instant as a sentence in a mail names it.

use icu_datetime::{
    DateTimeFormatter,
    fieldsets::{YMD, YMDT},
    input::{Date, DateTime, Time},
    options::TimePrecision,
};
use jiff::{Timestamp, Zoned, tz::TimeZone};

use crate::domain::Locale;

/// The instant to the minute in UTC, as CLDR has it for the language; in figures where CLDR knows nothing of it.
pub(super) fn in_words(at: Timestamp, locale: &Locale) -> String {
    let at = at.to_zoned(TimeZone::UTC);
    // What CLDR has instead of the names of months.
    let nameless = format!(" M{:02} ", at.month());
    let words = written(&at, locale).filter(|words| !words.contains(&nameless));
    let words = words.unwrap_or_else(|| at.strftime("%Y-%m-%d %H:%M").to_string());
    format!("{words} (UTC)")
}

/// As CLDR has it, but for what stands in the midst of a sentence: there people say a word between date and time where CLDR puts
/// them side by side, and have a name for the first of a month.
fn written(at: &Zoned, locale: &Locale) -> Option<String> {
    let part = |number: i8| u8::try_from(number).unwrap_or(0);
    let date = Date::try_new_iso(at.year().into(), part(at.month()), part(at.day())).ok()?;
    let time = Time::try_new(part(at.hour()), part(at.minute()), 0, 0).ok()?;
    let language = locale.identifier().language;
    let preferences = || locale.identifier().clone().into();
    let long = YMDT::long().with_time_precision(TimePrecision::Minute);
    let whole = DateTimeFormatter::try_new(preferences(), long).ok()?;
    let whole = whole.format(&DateTime { date, time }).to_string();
    Some(match language.as_str() {
        "fr" if whole.starts_with("1 ") => whole.replacen("1 ", "1er ", 1),
        "pl" | "tr" | "vi" => {
            let alone = DateTimeFormatter::try_new(preferences(), YMD::long()).ok()?;
            let date = alone.format(&date).to_string();
            match (language.as_str(), whole.replace(&date, "").trim()) {
                ("pl", time) => format!("{date}, godz. {time}"),
                ("tr", time) => format!("{date} saat {time}"),
                (_, time) => {
                    let (day, year) = date.rsplit_once(' ')?;
                    format!("{time} ngày {day} năm {year}")
                }
            }
        }
        _ => whole,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_written_in_the_mails_language() {
        let at = "2026-03-09T16:05:59Z".parse().unwrap();
        for (tag, words) in [
            ("de-AT", "9. März 2026 um 16:05 (UTC)"),
            ("en", "March 9, 2026 at 4:05\u{202f}PM (UTC)"),
            ("en-GB", "9 March 2026 at 16:05 (UTC)"),
            ("ja", "2026年3月9日 16:05 (UTC)"),
            ("pl", "9 marca 2026, godz. 16:05 (UTC)"),
            ("tr", "9 Mart 2026 saat 16:05 (UTC)"),
            ("vi", "lúc 16:05 ngày 9 tháng 3 năm 2026 (UTC)"),
            ("fr", "9 mars 2026 à 16:05 (UTC)"),
            // CLDR does not know how Klingons write dates.
            ("tlh", "2026-03-09 16:05 (UTC)"),
        ] {
            assert_eq!(in_words(at, &tag.parse().unwrap()), words, "{tag}");
        }
    }

    #[test]
    fn the_first_of_a_month_is_written_as_it_is_said() {
        let at = |day: u8| format!("2026-12-{day:02}T03:31:00Z").parse().unwrap();
        for (tag, day, words) in [
            ("fr", 1, "1er décembre 2026 à 03:31 (UTC)"),
            ("fr-CA", 1, "1er décembre 2026 à 03 h 31 (UTC)"),
            ("fr", 11, "11 décembre 2026 à 03:31 (UTC)"),
            ("it", 1, "1 dicembre 2026 alle ore 03:31 (UTC)"),
        ] {
            assert_eq!(in_words(at(day), &tag.parse().unwrap()), words, "{tag}");
        }
    }
}
