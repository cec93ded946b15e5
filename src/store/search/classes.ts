import type { DatabaseSync } from 'node:sqlite'
import type { IsWord, Search, Term, Test } from '#contract/search/search.ts'
import { fitsText } from '#contract/search/text-pattern.ts'
import { FLOW_STATES } from '#model/flow.ts'
import { protocolName } from '#model/packet.ts'
import { DIRECTIONS, type Row } from '../rows.ts'
import { amongNumbers, type Sieve } from './lead.ts'
import type { Walk } from './part.ts'

interface FlowClass {
  readonly protocol: string
  readonly interfaceName: string
  readonly direction: string
  readonly state: string
  /** Without a noted end; it may yet be over: cut off by the end of its run. */
  readonly isOpen: boolean
}

const MAX_CLASSES = 2000

/** A way to flows by their class. */
export interface ClassWay {
  readonly walk: Walk
  readonly sieve: Sieve
}

/**
 * The way to all flows whose class fits the search: every term on protocol, interface, direction, state and end at
 * once, also those that say what must not be. Absent when no term is about them, or hardly a class is left out.
 */
export function classWay(db: DatabaseSync, search: Search): ClassWay | undefined {
  const terms = search.terms.filter(isAboutClass)
  if (terms.length === 0) return undefined
  const ids: number[] = [0]
  for (const row of db.prepare('SELECT * FROM classes').iterate()) {
    const flowClass = classOf(row as Row)
    if (terms.every((term) => mayHold(term, flowClass))) ids.push(Number(row['id']))
    if (ids.length > MAX_CLASSES) return undefined
  }
  return {
    walk: {
      index: 'flows_class',
      condition: 'class IN (SELECT value FROM json_each($classes))',
      values: { classes: JSON.stringify(ids) },
    },
    sieve: { isNot: false, leads: [amongNumbers('class', ids)] },
  }
}

const classOf = (row: Row): FlowClass => ({
  protocol: protocolName(Number(row['protocol'])),
  interfaceName: String(row['interface']),
  direction: DIRECTIONS[Number(row['direction'])] ?? 'forward',
  state: FLOW_STATES[Number(row['state'])] ?? 'open',
  isOpen: row['ended'] === -1,
})

const TEXT_KEYS: ReadonlySet<Term['key']> = new Set(['proto', 'dir', 'iface', 'state'])
const IS_IN_CLASS: ReadonlySet<IsWord> = new Set(['live', 'inbound', 'outbound', 'local', 'forward'])

/** `is:ended` is left out: a class cannot tell, and most flows are. */
const isAboutClass = ({ key, isNot, anyOf }: Term): boolean =>
  TEXT_KEYS.has(key) ||
  (key === 'is' &&
    anyOf.every(
      (test) => test.kind === 'is' && IS_IN_CLASS.has(test.what) && !(isNot && test.what === 'live'),
    ))

const mayHold = (term: Term, flowClass: FlowClass): boolean =>
  term.anyOf.some((test) => passes(term.key, test, flowClass)) !== term.isNot

function passes(key: Term['key'], test: Test, flowClass: FlowClass): boolean {
  if (test.kind === 'is') return test.what === 'live' ? flowClass.isOpen : flowClass.direction === test.what
  if (test.kind !== 'text') return false
  const text = { proto: flowClass.protocol, dir: flowClass.direction, iface: flowClass.interfaceName }[
    key as 'proto' | 'dir' | 'iface'
  ]
  return fitsText(test.pattern, text ?? flowClass.state)
}
