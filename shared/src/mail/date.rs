//! An instant as a sentence in a mail names it.

use jiff::{Timestamp, tz::TimeZone};

use crate::domain::Locale;

const ENGLISH: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const GERMAN: [&str; 12] = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
];
const ARABIC: [&str; 12] = [
    "يناير",
    "فبراير",
    "مارس",
    "أبريل",
    "مايو",
    "يونيو",
    "يوليو",
    "أغسطس",
    "سبتمبر",
    "أكتوبر",
    "نوفمبر",
    "ديسمبر",
];

/// The instant in UTC, in the words of a built-in template's language; in English for any other.
pub(super) fn in_words(at: Timestamp, locale: &Locale) -> String {
    let at = at.to_zoned(TimeZone::UTC);
    let month = usize::try_from(at.month() - 1).unwrap_or(0);
    let (day, year, hour, minute) = (at.day(), at.year(), at.hour(), at.minute());
    match locale.language().to_string().as_str() {
        "de" => format!(
            "{day}. {} {year}, {hour:02}:{minute:02} Uhr UTC",
            GERMAN[month]
        ),
        "ar" => format!(
            "{day} {} {year} الساعة {hour:02}:{minute:02} بتوقيت UTC",
            ARABIC[month]
        ),
        _ => format!("{day} {} {year}, {hour:02}:{minute:02} UTC", ENGLISH[month]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_written_in_the_mails_language() {
        let at = "2026-03-09T08:05:59Z".parse().unwrap();
        assert_eq!(
            in_words(at, &"de-AT".parse().unwrap()),
            "9. März 2026, 08:05 Uhr UTC"
        );
        assert_eq!(
            in_words(at, &"ar-EG".parse().unwrap()),
            "9 مارس 2026 الساعة 08:05 بتوقيت UTC"
        );
        assert_eq!(in_words(at, &Locale::english()), "9 March 2026, 08:05 UTC");
    }
}
