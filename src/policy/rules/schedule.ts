import type { Rule, RuleSchedule } from '#model/rule.ts'
import { DAY_WORDS } from './words.ts'

const DAY_MINUTES = 1440

/** From `first` up to before `end`, milliseconds since the epoch. */
export interface TimeWindow {
  readonly first: number
  readonly end: number
}

/** Reads `HH:MM`; 24:00 is the end of the day. */
export function parseClock(text: string): number | undefined {
  const [, hours, minutes] = /^(\d{1,2}):(\d{2})$/.exec(text) ?? []
  const value = Number(hours) * 60 + Number(minutes)
  return Number(minutes) < 60 && value <= DAY_MINUTES ? value : undefined
}

export const dayNumber = (word: string): number | undefined => {
  const at = (DAY_WORDS as readonly string[]).indexOf(word.toLowerCase())
  return at < 0 ? undefined : at
}

/** When the schedule holds, of windows that touch [from, to). By the local clock, summer time included. */
export function windowsOf(schedule: RuleSchedule, from: number, to: number): TimeWindow[] {
  const windows: TimeWindow[] = []
  const start = new Date(from)
  for (let offset = -1; ; offset++) {
    const day = new Date(start.getFullYear(), start.getMonth(), start.getDate() + offset)
    if (day.getTime() >= to) return windows
    if (!schedule.days.includes(day.getDay())) continue
    const isOvernight = schedule.to <= schedule.from
    const first = minuteOf(day, schedule.from)
    const end = minuteOf(day, schedule.to + (isOvernight ? DAY_MINUTES : 0))
    if (end > from && first < to) addWindow(windows, { first, end })
  }
}

const minuteOf = (day: Date, minute: number): number =>
  new Date(day.getFullYear(), day.getMonth(), day.getDate(), 0, minute).getTime()

/** Windows that touch become one: a kernel set refuses overlap. */
function addWindow(windows: TimeWindow[], window: TimeWindow): void {
  const before = windows.at(-1)
  if (before && window.first <= before.end) {
    windows[windows.length - 1] = { first: before.first, end: Math.max(before.end, window.end) }
  } else if (window.end > window.first) windows.push(window)
}

/** Whether a rule counts at that time: switched on, not expired, within its schedule. */
export function isInForce({ enabled, expiresAt, schedule }: Rule, at: number): boolean {
  if (!enabled || (expiresAt !== undefined && at >= expiresAt)) return false
  return !schedule || windowsOf(schedule, at, at + 1).length > 0
}
