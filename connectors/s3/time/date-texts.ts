/** The words in a path: names of days, months, eras and halves of the day. A Date's UTC fields hold the local time. */
export interface DateTexts {
  era(common: boolean): string;
  weekday(date: Date, long: boolean): string;
  month(date: Date, long: boolean): string;
  halfDay(date: Date): string;
}

const WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** Java's root locale: short English forms throughout. */
const ROOT_TEXTS: DateTexts = {
  era: (common) => (common ? "CE" : "BCE"),
  weekday: (date) => WEEKDAYS[date.getUTCDay()]!,
  month: (date) => MONTHS[date.getUTCMonth()]!,
  halfDay: (date) => (date.getUTCHours() < 12 ? "AM" : "PM"),
};

/**
 * The words of a locale. The original passes the whole text to Java's Locale(String), which takes a language only: so
 * `de` is German, while `de_DE`, `en-US` and unknown ones fall back to the root locale, here as there.
 */
export function dateTexts(locale: string): DateTexts {
  const language = locale.trim().toLowerCase();
  if (!/^[a-z]{2,3}$/.test(language) || Intl.DateTimeFormat.supportedLocalesOf(language).length === 0)
    return ROOT_TEXTS;
  const part = (options: Intl.DateTimeFormatOptions, type: Intl.DateTimeFormatPartTypes) => {
    const format = new Intl.DateTimeFormat(language, {
      ...options,
      timeZone: "UTC",
      calendar: "gregory",
      numberingSystem: "latn",
    });
    return (date: Date) => format.formatToParts(date).find((found) => found.type === type)?.value ?? "";
  };
  // With a day beside it, Intl returns the form used inside a date, as Java does, not the standalone form.
  const longWeekday = part({ weekday: "long", day: "numeric", month: "long" }, "weekday");
  const shortWeekday = part({ weekday: "short", day: "numeric", month: "short" }, "weekday");
  const longMonth = part({ day: "numeric", month: "long" }, "month");
  const shortMonth = part({ day: "numeric", month: "short" }, "month");
  const halfDay = part({ hour: "numeric", hourCycle: "h12" }, "dayPeriod");
  const era = part({ era: "short", year: "numeric" }, "era");
  return {
    era: (common) => era(new Date(common ? 0 : Date.UTC(-500, 0, 1))),
    weekday: (date, long) => (long ? longWeekday : shortWeekday)(date),
    month: (date, long) => (long ? longMonth : shortMonth)(date),
    halfDay,
  };
}
