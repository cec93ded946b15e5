import { type Condition, type PortSpan, RULE_DIRECTIONS, type Rule, type RuleBook } from '#model/rule.ts'
import { coversAddresses, isEmptySpans } from './address-spans.ts'
import { compile } from './compile.ts'
import { nameOf } from './judge.ts'

/** Something in a book that is no error, but hardly meant. */
export interface RuleRemark {
  readonly number: number
  readonly id: string
  readonly kind: 'duplicate' | 'shadowed' | 'unreachable' | 'expired'
  readonly text: string
  /** The rule that is in its way. */
  readonly by?: number
}

/** Every pair is compared: beyond this it would take seconds. */
const MAX_COMPARED = 4_000
const MAX_REMARKS = 200

/** Finds rules that can never speak: behind one that covers them, a repetition, impossible, or over. */
export function check(book: RuleBook, at: number): RuleRemark[] {
  const remarks: RuleRemark[] = []
  const earlier: Rule[] = []
  for (const rule of book.rules.slice(0, MAX_COMPARED)) {
    if (remarks.length >= MAX_REMARKS) break
    if (!rule.enabled) continue
    const remark = remarkOn(rule, earlier, book, at)
    if (remark) remarks.push({ number: rule.number, id: rule.id, ...remark })
    if (isFinal(rule)) earlier.push(rule)
  }
  return remarks
}

/** Decides all that it matches, at all times. */
const isFinal = ({ action, expiresAt, schedule }: Rule): boolean =>
  action.kind !== 'audit' && expiresAt === undefined && schedule === undefined

function remarkOn(
  rule: Rule,
  earlier: readonly Rule[],
  book: RuleBook,
  at: number,
): Omit<RuleRemark, 'number' | 'id'> | undefined {
  if (rule.expiresAt !== undefined && rule.expiresAt <= at)
    return { kind: 'expired', text: 'its time is over' }
  if (isImpossible(rule, at)) return { kind: 'unreachable', text: 'no packet can meet all its conditions' }
  if (book.established === 'accept' && asksOnlyForEstablished(rule))
    return { kind: 'unreachable', text: 'established connections pass before all rules (see established)' }
  const by = earlier.find((other) => covers(other, rule))
  if (!by) return undefined
  const isSame = covers(rule, by) && by.action.kind === rule.action.kind
  return isSame
    ? { kind: 'duplicate', by: by.number, text: `${nameOf(by)} says the same` }
    : { kind: 'shadowed', by: by.number, text: `${nameOf(by)} decides all that it matches` }
}

/** What compiles to no row at all matches nothing. */
function isImpossible(rule: Rule, at: number): boolean {
  const alone: RuleBook = {
    defaults: { inbound: 'allow', outbound: 'allow', forward: 'allow' },
    established: 'judge',
    essentials: 'judge',
    lists: [],
    rules: [{ ...rule, id: 'alone' }],
  }
  const { chains } = compile(alone, at)
  return !RULE_DIRECTIONS.some((direction) => chains[direction].some(({ id }) => id === 'alone'))
}

const asksOnlyForEstablished = ({ conditions }: Rule): boolean =>
  conditions.some(
    (condition) =>
      condition.kind === 'state' &&
      !condition.not &&
      condition.states.every((state) => state === 'established' || state === 'related'),
  )

/** True when every packet that `inner` matches is one that `outer` matches. May say no where it is so. */
const covers = (outer: Rule, inner: Rule): boolean =>
  inner.directions.every((direction) => outer.directions.includes(direction)) &&
  outer.conditions.every((wide) => inner.conditions.some((narrow) => implies(narrow, wide)))

/** Whether what meets `narrow` meets `wide`. */
function implies(narrow: Condition, wide: Condition): boolean {
  if (narrow.kind !== wide.kind || narrow.not !== wide.not || endIn(narrow) !== endIn(wide)) return false
  // Turned round, the wider one leaves out less.
  return wide.not ? contains(narrow, wide) : contains(wide, narrow)
}

const endIn = (condition: Condition): string | undefined => ('end' in condition ? condition.end : undefined)

/** Whether the values of `outer` hold all of `inner`; both are of one kind. */
function contains(outer: Condition, inner: Condition): boolean {
  if ('spans' in outer && 'spans' in inner) {
    if ('v4' in outer.spans && 'v4' in inner.spans)
      return !isEmptySpans(inner.spans) && coversAddresses(outer.spans, inner.spans)
    return coversPorts(outer.spans as readonly PortSpan[], inner.spans as readonly PortSpan[])
  }
  const [all, some] = [valuesOf(outer), valuesOf(inner)]
  return some.length > 0 && some.every((value) => all.includes(value))
}

const coversPorts = (outer: readonly PortSpan[], inner: readonly PortSpan[]): boolean =>
  inner.every((span) => outer.some(({ first, last }) => span.first >= first && span.last <= last))

function valuesOf(condition: Condition): readonly (string | number)[] {
  switch (condition.kind) {
    case 'protocol':
      return condition.protocols
    case 'icmpType':
      return condition.types.map(({ protocol, type }) => `${protocol}/${type}`)
    case 'interface':
    case 'toInterface':
      return condition.names
    case 'state':
      return condition.states
    case 'user':
      return condition.uids
    case 'hopLimit':
      return [condition.hopLimit]
    case 'domain':
      return condition.domains.map(({ name, isWithBelow }) => `${isWithBelow ? '.' : ''}${name}`)
    default:
      return 'values' in condition ? condition.values : []
  }
}
