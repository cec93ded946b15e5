import { parseTarget, type Target } from '#model/address.ts'
import { Failure } from './failure.ts'

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 }
const LONGEST_SECONDS = 31_536_000

/** Seconds of `90s`, `10m`, `2h`, `7d`; 0 for `forever`. Throws `Failure` with what was expected. */
export function parseDuration(text: string): number {
  if (text === 'forever') return 0
  const [, amount, unit] = /^(\d{1,8})([smhdw])$/.exec(text) ?? []
  const seconds = Number(amount) * (SECONDS[unit ?? ''] ?? Number.NaN)
  if (seconds > 0 && seconds <= LONGEST_SECONDS) return seconds
  throw new Failure(
    `${JSON.stringify(text)} is no time.`,
    'Use 90s, 10m, 2h, 7d (at most 365d) or forever.',
    2,
  )
}

/** The canonical form of an address or range. Throws `Failure` with what was expected. */
export function readTarget(text: string): Target {
  const target = parseTarget(text)
  if (target !== undefined) return target
  throw new Failure(
    `${JSON.stringify(text)} is no address and no range.`,
    'Use an address such as 203.0.113.9 or 2001:db8::9, or a range such as 203.0.113.0/24.',
    2,
  )
}

/** Throws `Failure` when `text` is no id. */
export function readId(text: string, list: string): number {
  if (/^\d{1,16}$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text)
  throw new Failure(`${JSON.stringify(text)} is no id.`, `The first column of ${list} holds the ids.`, 2)
}

/** 999 B, 1.4 kB, 2.9 MB: three digits are enough to act on. */
export function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']
  let value = bytes
  let unit = 0
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000
    unit++
  }
  const text = unit === 0 || value >= 9.95 ? value.toFixed(0) : value.toFixed(1)
  return `${text} ${units[unit]}`
}

/** 42 s, 3 min, 5 h, 2 d. */
export function durationText(milliseconds: number): string {
  const seconds = Math.max(0, milliseconds / 1000)
  if (seconds < 60) return `${Math.floor(seconds)} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h`
  return `${Math.floor(seconds / 86_400)} d`
}

/** Address and port as people write them; nothing for port 0. */
export function endpointText(address: string, port: number): string {
  if (port === 0) return address
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}
