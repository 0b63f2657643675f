//! An instant as a sentence in a mail names it.

use icu_datetime::{
    DateTimeFormatter,
    fieldsets::YMDT,
    input::{Date, DateTime, Time},
    options::TimePrecision,
};
use jiff::{Timestamp, tz::TimeZone};

use crate::domain::Locale;

/// The instant to the minute in UTC, as CLDR has it for the language; in figures where CLDR knows nothing of it.
pub(super) fn in_words(at: Timestamp, locale: &Locale) -> String {
    let long = YMDT::long().with_time_precision(TimePrecision::Minute);
    let zoned = at.to_zoned(TimeZone::UTC);
    let part = |number: i8| u8::try_from(number).unwrap_or(0);
    let date = Date::try_new_iso(zoned.year().into(), part(zoned.month()), part(zoned.day())).ok();
    let time = Time::try_new(part(zoned.hour()), part(zoned.minute()), 0, 0).ok();
    let written = date.zip(time).and_then(|(date, time)| {
        let language = locale.identifier().clone().into();
        let formatter = DateTimeFormatter::try_new(language, long).ok()?;
        Some(formatter.format(&DateTime { date, time }).to_string())
    });
    written.map_or_else(|| at.to_string(), |written| format!("{written} (UTC)"))
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
            ("pl", "9 marca 2026 16:05 (UTC)"),
            // CLDR does not know how Klingons write dates.
            ("tlh", "2026 M03 9 16:05 (UTC)"),
        ] {
            assert_eq!(in_words(at, &tag.parse().unwrap()), words, "{tag}");
        }
    }
}
