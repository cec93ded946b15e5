import { OWNER_SOURCES } from '#model/owner.ts'
import type { Condition, Rule } from '#model/rule.ts'
import { complete, type Read, type Word } from './condition-words.ts'
import { isOfProgram } from './program-conditions.ts'
import type { Path, RuleReader } from './rule-reader.ts'

type OwnerCondition = Extract<Condition, { readonly kind: 'owner' | 'confidence' }>

const isOfOwner = (condition: Condition): condition is OwnerCondition =>
  condition.kind === 'owner' || condition.kind === 'confidence'

/** How the program at our end is known, and how sure that must be. */
export const OWNER_READERS: Readonly<Record<string, Read>> = {
  owner: (reader, words) =>
    complete(
      words,
      ({ value, path }) =>
        OWNER_SOURCES.find((source) => source === value) ?? reader.notAmong(path, value, OWNER_SOURCES),
      (sources) => ({ kind: 'owner', sources: [...new Set(sources)] }),
    ),
  confidence: (reader, words) =>
    complete(
      words,
      (word) => shareOf(reader, word),
      (shares) => ({ kind: 'confidence', atLeast: Math.min(...shares) }),
    ),
}

function shareOf(reader: RuleReader, { value, path }: Word): number | undefined {
  const [, digits, percent] = /^(?:>= ?)?(\d{1,3}(?:\.\d{1,4})?)(%)?$/.exec(String(value)) ?? []
  const share = percent === undefined ? Number(digits) : Math.round(Number(digits) * 100) / 10_000
  if (share >= 0 && share <= 1) return share
  return reader.unexpected(
    path,
    'a share from 0 to 1',
    value,
    'Write 0.9 or "90%": as sure as that, or surer.',
  )
}

/**
 * The kernel tells programs apart by eBPF and is always sure: what asks for less, or for another way, can hold for nothing
 * there. Said when the rule is written.
 */
export function refuseUnenforcedOwners(
  reader: RuleReader,
  { conditions }: Pick<Rule, 'conditions'>,
  path: Path,
): void {
  const asked = conditions.filter(isOfOwner)
  const [first] = asked
  if (!first) return
  const at = [...path, first.kind]
  const before = reader.problems.length
  if (!conditions.some(isOfProgram))
    reader.wrong(
      at,
      `${first.kind} alone says nothing about which program is meant`,
      'Name it beside: program, sha256, package, unit or container.',
    )
  for (const condition of asked) refuseUnmet(reader, condition, path)
  if (reader.problems.length > before) return
  reader.doubt(
    at,
    'the kernel is always sure which program it has before it (eBPF)',
    'This counts for what Gatehouse judges: open connections that a changed rule ends, simulate, explain.',
  )
}

function refuseUnmet(reader: RuleReader, condition: OwnerCondition, path: Path): void {
  const at = [...path, condition.kind]
  if (condition.not)
    reader.wrong(
      at,
      'the kernel meets no program that it is less sure of, so this would meet nothing there',
      'Say what is wanted instead: owner: ebpf, or confidence: 0.9. Unsure owners are found by a search: confidence:<0.9',
    )
  else if (condition.kind === 'owner' && !condition.sources.includes('ebpf'))
    reader.wrong(
      at,
      'the kernel knows programs by eBPF alone, so this would meet nothing there',
      'Add ebpf to the list, or search for such connections: owner:scan',
    )
}
