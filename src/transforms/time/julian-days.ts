/** A day of the calendar of java.util.GregorianCalendar: Julian before 1582-10-15, then Gregorian. */
export interface CalendarDay {
  /** Astronomical: 0 is 1 BC. */
  readonly year: number;
  /** 0 to 11. */
  readonly month: number;
  /** 1 to 31. */
  readonly day: number;
}

/** A calendar whose years begin in March, so that the leap day is their last. */
interface Reckoning {
  /** 1 March of the year 0, in days since 1970. */
  readonly origin: number;
  /** Years until the leap years repeat. */
  readonly cycleYears: number;
  readonly cycleDays: number;
  /** The days before a year of a cycle. */
  daysBefore(year: number): number;
}

const JULIAN: Reckoning = {
  origin: -719_470,
  cycleYears: 4,
  cycleDays: 1461,
  daysBefore: (year) => year * 365 + Math.floor(year / 4),
};
const GREGORIAN: Reckoning = {
  origin: -719_468,
  cycleYears: 400,
  cycleDays: 146_097,
  daysBefore: (year) => year * 365 + Math.floor(year / 4) - Math.floor(year / 100) + Math.floor(year / 400),
};
/** 1582-10-15, in days since 1970. */
const CUTOVER = -141_427;
const CUTOVER_YEAR = 1582;

/** @param epochDay days since 1970. */
export function calendarDay(epochDay: number): CalendarDay {
  const { origin, cycleYears, cycleDays, daysBefore } = epochDay >= CUTOVER ? GREGORIAN : JULIAN;
  const days = epochDay - origin;
  const cycle = Math.floor(days / cycleDays);
  const inCycle = days - cycle * cycleDays;
  let year = Math.min(cycleYears - 1, Math.floor(inCycle / 365));
  while (daysBefore(year) > inCycle) year--;
  const inYear = inCycle - daysBefore(year);
  const fromMarch = Math.floor((5 * inYear + 2) / 153);
  return {
    year: cycle * cycleYears + year + (fromMarch >= 10 ? 1 : 0),
    month: (fromMarch + 2) % 12,
    day: inYear - firstOf(fromMarch) + 1,
  };
}

/**
 * Days since 1970 of a day that may lie outside its month, and of a month that may lie outside its year: lenient, as
 * Java's calendar is by default. The year decides by which calendar days are counted, and in 1582 where that leads.
 *
 * @param isDayOfYear in 1582 the days of the year are counted from its Julian beginning.
 */
export function epochDayOf(day: CalendarDay, isDayOfYear = false): number {
  const julian = epochDayIn(JULIAN, day);
  if (day.year < CUTOVER_YEAR || (day.year === CUTOVER_YEAR && isDayOfYear)) return julian;
  const gregorian = epochDayIn(GREGORIAN, day);
  return gregorian >= CUTOVER ? gregorian : julian;
}

function epochDayIn(
  { origin, cycleYears, cycleDays, daysBefore }: Reckoning,
  { year, month, day }: CalendarDay,
): number {
  const months = year * 12 + month - 2;
  const fromYear = Math.floor(months / 12);
  const cycle = Math.floor(fromYear / cycleYears);
  return (
    origin + cycle * cycleDays + daysBefore(fromYear - cycle * cycleYears) + firstOf(months - fromYear * 12) + day - 1
  );
}

/** The first of a month, counted from March, in days since 1 March. */
function firstOf(fromMarch: number): number {
  return Math.floor((153 * fromMarch + 2) / 5);
}
