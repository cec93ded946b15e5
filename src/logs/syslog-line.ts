/** What a line of a syslog file says of its origin. */
export interface SyslogLine {
  readonly tag: string
  /** Of the process, where it is given. */
  readonly pid: string
  readonly message: string
}

/** `Nov 20 11:05:31 host tag[12]: …` (RFC 3164) or `2026-11-20T11:05:31.123456+00:00 host tag[12]: …` (RFC 3339). */
const HEADER =
  /^(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)) \S+ (?<tag>[^\s[\]:]{1,64})(?:\[(?<pid>\d{1,10})\])?: (?<message>.*)$/

/** Undefined for a line of another form. */
export function readSyslogLine(line: string): SyslogLine | undefined {
  const groups = HEADER.exec(line)?.groups
  if (!groups) return undefined
  return { tag: groups['tag'] ?? '', pid: groups['pid'] ?? '', message: groups['message'] ?? '' }
}
