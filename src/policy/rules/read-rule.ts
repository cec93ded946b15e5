import {
  type Condition,
  RULE_DIRECTIONS,
  type Rule,
  type RuleAction,
  type RuleDirection,
  type RuleLimit,
  type RuleSchedule,
} from '#model/rule.ts'
import { refuseUnenforcedOwners } from './owner-conditions.ts'
import { refuseUnenforcedPrograms } from './program-conditions.ts'
import { CONDITION_KEYS, readConditions } from './read-conditions.ts'
import { isGroup, type Path, type RuleReader } from './rule-reader.ts'
import { dayNumber, parseClock } from './schedule.ts'
import { parseShortForm } from './short-form.ts'
import { ACTION_WORDS, DAY_WORDS } from './words.ts'

const OTHER_KEYS = [
  'id',
  'action',
  'direction',
  'limit',
  'audit',
  'expires',
  'schedule',
  'comment',
  'tags',
  'enabled',
] as const

const RULE_KEYS: readonly string[] = [...OTHER_KEYS, ...CONDITION_KEYS]

const ID = /^[a-z0-9][a-z0-9._-]{0,47}$/
const MAX_COMMENT = 200
const MAX_TAGS = 16
const DATE = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})?)?$/

/** Reads the rule at index `at`: a group of keys, or the short form as one text. */
export function readRule(reader: RuleReader, written: unknown, at: number): Rule | undefined {
  const path: Path = ['rules', at]
  const raw = typeof written === 'string' ? fromShortForm(reader, written, path) : written
  if (raw === undefined) return undefined
  if (!isGroup(raw)) {
    return reader.unexpected(
      path,
      'a rule',
      raw,
      'Write action: allow and its conditions, or "allow in 22/tcp".',
    )
  }
  reader.checkKeys(path, raw, RULE_KEYS, 'part of a rule')
  const before = reader.problems.length
  const action = readAction(reader, raw, path)
  const conditions = readConditions(reader, raw, path)
  const enabled = readSwitch(reader, raw['enabled'], [...path, 'enabled']) !== false
  const rule: Rule | undefined = action && {
    number: at + 1,
    id: readId(reader, raw['id'], path) ?? `rule-${at + 1}`,
    enabled,
    directions: readDirections(reader, raw['direction'], path),
    conditions,
    action,
    tags: readTags(reader, raw['tags'], path),
    ...readTimes(reader, raw, path),
    ...readComment(reader, raw['comment'], path),
  }
  if (enabled && rule) refuseUnenforcedPrograms(reader, rule, path)
  if (rule) refuseUnenforcedOwners(reader, rule, path)
  if (rule) warnOfMismatch(reader, rule, path)
  return reader.problems.slice(before).some(({ severity }) => severity === 'error') ? undefined : rule
}

function fromShortForm(reader: RuleReader, text: string, path: Path): Record<string, unknown> | undefined {
  const answer = parseShortForm(text)
  if ('rule' in answer) return answer.rule
  return reader.wrong(path, answer.message, answer.hint)
}

function readId(reader: RuleReader, value: unknown, path: Path): string | undefined {
  if (value === undefined) return undefined
  if (typeof value === 'string' && ID.test(value) && !/^rule-\d+$/.test(value)) return value
  const hint =
    'Use lowercase letters, digits, dots, - and _; not rule-NUMBER, which stands for rules without an id.'
  return reader.unexpected([...path, 'id'], 'a word of at most 48 letters', value, hint)
}

function readAction(reader: RuleReader, raw: Record<string, unknown>, path: Path): RuleAction | undefined {
  const audit = readSwitch(reader, raw['audit'], [...path, 'audit']) === true
  const word = raw['action'] ?? (audit ? 'audit' : raw['limit'] && 'limit')
  const kind = ACTION_WORDS.find((known) => known === word)
  if (!kind) return reader.notAmong([...path, 'action'], word, ACTION_WORDS)
  if (kind === 'limit') return readLimited(reader, raw['limit'], [...path, 'limit'], audit)
  if (raw['limit'] !== undefined)
    reader.wrong([...path, 'limit'], `a rule with action ${kind} has no limit`, 'Write action: limit.')
  if (audit) return { kind: 'audit', ...(kind !== 'audit' && { would: kind }) }
  return { kind }
}

function readLimited(reader: RuleReader, value: unknown, path: Path, audit: boolean): RuleAction | undefined {
  const limit = readLimit(reader, value, path)
  if (!limit) return undefined
  return audit ? { kind: 'audit', would: 'limit' } : { kind: 'limit', limit }
}

function readSwitch(reader: RuleReader, value: unknown, path: Path): boolean | undefined {
  if (value === undefined || typeof value === 'boolean') return value
  return reader.unexpected(path, 'true or false', value, 'Write true or false.')
}

/** What `limit` without more means, as with ufw: six new connections of one sender in half a minute. */
const USUAL_LIMIT: RuleLimit = {
  kind: 'rate',
  packets: 6,
  perSeconds: 30,
  burst: 6,
  per: 'source',
  beyond: 'deny',
}
const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, '': 1 }
const UNIT_WORDS: Readonly<Record<string, string>> = { second: 's', minute: 'm', hour: 'h', day: 'd' }

function readLimit(reader: RuleReader, value: unknown, path: Path): RuleLimit | undefined {
  if (value === undefined || value === null) return USUAL_LIMIT
  if (!isGroup(value))
    return reader.unexpected(path, 'a group with rate or connections', value, 'Write rate: 6/30s.')
  reader.checkKeys(path, value, ['rate', 'burst', 'connections', 'per', 'beyond'], 'part of a limit')
  const per = oneOf(reader, value['per'], [...path, 'per'], ['source', 'rule'] as const)
  const beyond = oneOf(reader, value['beyond'], [...path, 'beyond'], ['deny', 'reject'] as const)
  const measure =
    value['connections'] === undefined ? readBurst(reader, value, path) : readCount(reader, value, path)
  return per && beyond && measure && { ...measure, per, beyond }
}

function readCount(reader: RuleReader, value: Record<string, unknown>, path: Path) {
  if (value['rate'] !== undefined)
    return reader.wrong(path, 'expected rate or connections, found both', 'Write two rules.')
  const connections = wholeNumber(reader, value['connections'], [...path, 'connections'])
  return connections === undefined ? undefined : { kind: 'connections' as const, connections }
}

function readBurst(reader: RuleReader, value: Record<string, unknown>, path: Path) {
  const rate = readRate(reader, value['rate'], [...path, 'rate'])
  const written = value['burst']
  const burst = written === undefined ? rate?.packets : wholeNumber(reader, written, [...path, 'burst'])
  return rate && burst !== undefined ? { kind: 'rate' as const, ...rate, burst } : undefined
}

function readRate(
  reader: RuleReader,
  value: unknown,
  path: Path,
): { readonly packets: number; readonly perSeconds: number } | undefined {
  const [, packets, times, unit = ''] =
    /^(\d{1,7})\/(\d{0,5})(s|m|h|d|second|minute|hour|day)?$/.exec(String(value)) ?? []
  const perSeconds = Number(times === '' ? 1 : times) * (UNIT_SECONDS[UNIT_WORDS[unit] ?? unit] ?? 1)
  if (Number(packets) > 0 && perSeconds > 0 && perSeconds <= 604_800)
    return { packets: Number(packets), perSeconds }
  return reader.unexpected(path, 'a number per time', value, 'Write it like 10/second, 6/30s or 100/minute.')
}

function wholeNumber(reader: RuleReader, value: unknown, path: Path): number | undefined {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 1_000_000) return value
  return reader.unexpected(path, 'a whole number from 1 to 1000000', value, 'Correct it.')
}

function oneOf<const Word extends string>(
  reader: RuleReader,
  value: unknown,
  path: Path,
  words: readonly [Word, ...Word[]],
): Word | undefined {
  if (value === undefined) return words[0]
  return words.find((word) => word === value) ?? reader.notAmong(path, value, words)
}

/** `in` and `out` are as good as their long names. */
const DIRECTION_WORDS: Readonly<Record<string, RuleDirection>> = { in: 'inbound', out: 'outbound' }

function readDirections(reader: RuleReader, written: unknown, path: Path): readonly RuleDirection[] {
  if (written === undefined || written === null) return RULE_DIRECTIONS
  const isNot = isGroup(written)
  if (isNot) reader.checkKeys([...path, 'direction'], written, ['not'], 'word')
  const value = isNot ? written['not'] : written
  const words = Array.isArray(value) ? value : [value]
  const named = words.flatMap((word): RuleDirection[] => {
    const direction = RULE_DIRECTIONS.find((known) => known === word) ?? DIRECTION_WORDS[String(word)]
    if (!direction) reader.notAmong([...path, 'direction'], word, RULE_DIRECTIONS)
    return direction ? [direction] : []
  })
  return RULE_DIRECTIONS.filter((direction) => named.includes(direction) !== isNot)
}

function readTags(reader: RuleReader, value: unknown, path: Path): readonly string[] {
  if (value === undefined || value === null) return []
  const tags = Array.isArray(value) ? value : [value]
  if (tags.length <= MAX_TAGS && tags.every((tag) => typeof tag === 'string' && /^[\w.:-]{1,32}$/.test(tag)))
    return tags
  reader.unexpected([...path, 'tags'], `at most ${MAX_TAGS} words`, value, 'Write tags: [web, office].')
  return []
}

function readComment(reader: RuleReader, value: unknown, path: Path): { readonly comment?: string } {
  if (value === undefined || value === null) return {}
  if (typeof value === 'string' && value.length <= MAX_COMMENT) return { comment: value }
  reader.unexpected([...path, 'comment'], `a text of at most ${MAX_COMMENT} letters`, value, 'Shorten it.')
  return {}
}

function readTimes(
  reader: RuleReader,
  raw: Record<string, unknown>,
  path: Path,
): { readonly expiresAt?: number; readonly schedule?: RuleSchedule } {
  const expiresAt =
    raw['expires'] === undefined ? undefined : readTime(reader, raw['expires'], [...path, 'expires'])
  const schedule =
    raw['schedule'] === undefined ? undefined : readSchedule(reader, raw['schedule'], [...path, 'schedule'])
  return { ...(expiresAt !== undefined && { expiresAt }), ...(schedule && { schedule }) }
}

function readTime(reader: RuleReader, value: unknown, path: Path): number | undefined {
  const at = typeof value === 'string' && DATE.test(value) ? new Date(value).getTime() : Number.NaN
  if (Number.isFinite(at)) return at
  return reader.unexpected(path, 'a time', value, 'Write it like 2026-12-24T18:00 or 2026-12-24T17:00:00Z.')
}

function readSchedule(reader: RuleReader, value: unknown, path: Path): RuleSchedule | undefined {
  const hint = 'Write schedule: { days: [mon, tue], from: "08:00", to: "18:00" }.'
  if (!isGroup(value)) return reader.unexpected(path, 'days and times', value, hint)
  reader.checkKeys(path, value, ['days', 'from', 'to'], 'part of a schedule')
  const words = value['days'] === undefined ? [...DAY_WORDS] : [value['days']].flat()
  const days = words.map(
    (word) => dayNumber(String(word)) ?? reader.notAmong([...path, 'days'], word, DAY_WORDS),
  )
  const from = parseClock(String(value['from'] ?? '00:00'))
  const to = parseClock(String(value['to'] ?? '24:00'))
  if (from === undefined || from === 1440)
    return reader.unexpected([...path, 'from'], 'a time of day', value['from'], hint)
  if (to === undefined) return reader.unexpected([...path, 'to'], 'a time of day', value['to'], hint)
  if (days.includes(undefined)) return undefined
  const text = `${words.join(' ')} ${value['from'] ?? '00:00'}-${value['to'] ?? '24:00'}`
  return { days: days as number[], from, to, text }
}

function warnOfMismatch(reader: RuleReader, rule: Rule, path: Path): void {
  const has = (kind: Condition['kind']): boolean =>
    rule.conditions.some((condition) => condition.kind === kind)
  if (rule.directions.length === 0)
    reader.wrong([...path, 'direction'], 'no direction is left', 'Name those that you mean.')
  if (has('user') && !rule.directions.includes('outbound'))
    reader.wrong([...path, 'user'], 'only outbound packets have a user', 'Write direction: outbound.')
  if (has('toInterface') && !rule.directions.some((direction) => direction !== 'inbound'))
    reader.wrong(
      [...path, 'toInterface'],
      'inbound packets leave by no interface',
      'Write interface instead.',
    )
  if (
    rule.action.kind === 'limit' &&
    rule.action.limit.per === 'source' &&
    !rule.directions.includes('inbound')
  )
    reader.doubt([...path, 'limit'], 'the source of outbound packets is this machine', 'Write per: rule.')
}
