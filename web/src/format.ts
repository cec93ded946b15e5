import { language, locale } from './text/language.ts'
import { text } from './text/text.ts'
import { visible } from './visible.ts'

const WHOLE = new Intl.NumberFormat(locale)
const SHORT = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 })
const TENTHS = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 })
const THREE_DIGITS = new Intl.NumberFormat(locale, { maximumSignificantDigits: 3 })
const PERCENT = new Intl.NumberFormat(locale, { style: 'percent' })

const THOUSANDS = ['', 'k', 'M', 'G', 'T']
const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']

/** Bytes as people read them: 0, 640 B, 2.9 MB. */
export function bytes(count: number): string {
  const whole = Math.max(0, count)
  if (whole < 0.5) return '0'
  let [value, step] = [whole, 0]
  // What would round up to 1000 is 1 of the next unit.
  while (value >= 999.5 && step < UNITS.length - 1) {
    value /= 1000
    step++
  }
  const rounded = step === 0 || value >= 9.95 ? WHOLE.format(Math.round(value)) : SHORT.format(value)
  return `${rounded} ${UNITS[step]}`
}

/** Bytes per second as people read them. */
export const rate = (bytesPerSecond: number): string =>
  bytesPerSecond < 0.5 ? '0' : `${bytes(bytesPerSecond)}/s`

/** Whole numbers with the reader's separators; from ten thousand on, short: 61 k. */
export function count(value: number): string {
  if (value < 10_000) return exact(value)
  const step = Math.min(THOUSANDS.length - 1, Math.floor(Math.log10(value) / 3 + 1e-9))
  return `${THREE_DIGITS.format(value / 1000 ** step)} ${THOUSANDS[step]}`
}

export const exact = (value: number): string => WHOLE.format(value)

/** With its one decimal, also where that is 0: figures that change do not jump. */
export const tenths = (value: number): string => TENTHS.format(value)

/** A share from 0 to 1. */
export const percent = (share: number): string => PERCENT.format(share)

/** A span of time, one unit: 8 s, 12 min, 6 h, 9 d. */
export function span(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000))
  if (seconds < 60) return text.span.seconds(seconds)
  if (seconds < 3600) return text.span.minutes(Math.floor(seconds / 60))
  if (seconds < 172_800) return text.span.hours(Math.floor(seconds / 3600))
  return text.span.days(Math.floor(seconds / 86_400))
}

/** A count-down: 0:47, 9:59, 1:02:03; beyond two days, whole days. */
export function countdown(milliseconds: number): string {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1000))
  if (seconds >= 172_800) return span(milliseconds)
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
  const tail = `${String(minutes).padStart(hours > 0 ? 2 : 1, '0')}:${String(rest).padStart(2, '0')}`
  return hours > 0 ? `${hours}:${tail}` : tail
}

/** A round-trip time: 0.4 ms, 48 ms, 1.2 s. */
export function roundTrip(milliseconds: number | undefined): string {
  if (milliseconds === undefined) return '—'
  if (milliseconds < 0.1) return `<${tenths(0.1)} ms`
  if (milliseconds >= 1000) return `${tenths(milliseconds / 1000)} s`
  return `${milliseconds < 10 ? tenths(milliseconds) : WHOLE.format(Math.round(milliseconds))} ms`
}

const CLOCK = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', second: '2-digit' })
const CLOCK_SHORT = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit' })
const DAY = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short' })

export const clockTime = (at: number): string => CLOCK.format(at)

/** Without seconds. */
export const clockMinutes = (at: number): string => CLOCK_SHORT.format(at)

export const day = (at: number): string => DAY.format(at)

/** The past as a clock time; before today, with its day. */
export function moment(at: number, now: number): string {
  const isToday = new Date(at).toDateString() === new Date(now).toDateString()
  return isToday ? CLOCK_SHORT.format(at) : `${DAY.format(at)}, ${CLOCK_SHORT.format(at)}`
}

const COUNTRIES = new Intl.DisplayNames(language, { type: 'region' })

/** What a country is called in the language of the page; a code that is none stays as it is. */
export const countryName = (code: string): string =>
  /^[A-Z]{2}$/.test(code) ? (COUNTRIES.of(code) ?? code) : visible(code)

/** For titles: the exact time in ISO 8601. */
export const iso = (at: number): string => new Date(at).toISOString()

/** A path cut in its middle, so that both the place and the name can be read. */
export function middle(path: string, longest: number): string {
  if (path.length <= longest) return path
  const tail = Math.ceil((longest - 1) * 0.6)
  return `${path.slice(0, longest - 1 - tail)}…${path.slice(-tail)}`
}
