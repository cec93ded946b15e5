import type { DomainPattern } from '#model/domain.ts'
import { type ProgramQuestion, questionKey } from '#model/program-question.ts'
import type { AddressSpans, IpFamily, PortSpan } from '#model/rule.ts'
import type { ClassSet, NamedSet, ProgramSet, ProgramTest } from '#model/rule-program.ts'

import { parted4, parted6 } from './single-addresses.ts'

type SetBody = ProgramSet extends infer One ? (One extends ProgramSet ? Omit<One, 'name'> : never) : never

/** Hands out the sets of a program: one span needs none, and what is the same is in one set. */
export class ProgramSets {
  readonly all: ProgramSet[] = []
  readonly meters: { name: string; family: IpFamily; lastsSeconds?: number }[] = []
  readonly named: NamedSet[] = []
  readonly classes: ClassSet[] = []
  /** Rules that name one list share its spans. */
  readonly #byIdentity = new Map<object, string>()
  /** Long lists in their parts, once for all rules. */
  readonly #parts = new Map<object, unknown>()
  readonly #byText = new Map<string, string>()
  readonly #byName = new Map<string, ProgramSet>()

  addresses4({ v4 }: AddressSpans, not: boolean): ProgramTest<number> {
    if (v4.length === 2) return { is: 'within', first: v4[0] as number, last: v4[1] as number, not }
    return { is: 'in', set: this.#shared(v4, { holds: 'address4', spans: v4 }), not }
  }

  addresses6({ v6 }: AddressSpans, not: boolean): ProgramTest<bigint> {
    if (v6.length === 2) return { is: 'within', first: v6[0] as bigint, last: v6[1] as bigint, not }
    return { is: 'in', set: this.#shared(v6, { holds: 'address6', spans: v6 }), not }
  }

  /**
   * The same for long lists, in several tests of which any may be true (all, turned round): what can be hashed is not
   * searched among ranges. No address meets two of them.
   */
  parted4(spans: AddressSpans, not: boolean): readonly ProgramTest<number>[] {
    const parts = this.#partsOf(spans.v4, parted4)
    if (!parts) return [this.addresses4(spans, not)]
    const { singles, ranges } = parts
    const set = this.#shared(singles, { holds: 'address4', spans: singles, isSingles: true })
    const rest = ranges.length === 0 ? [] : [this.addresses4({ v4: ranges, v6: [] }, not)]
    return [{ is: 'in', set, not }, ...rest]
  }

  parted6(spans: AddressSpans, not: boolean): readonly ProgramTest<bigint>[] {
    const parts = this.#partsOf(spans.v6, parted6)
    if (!parts) return [this.addresses6(spans, not)]
    const { singles, ranges } = parts
    const set = this.#shared(singles, { holds: 'address6', spans: singles, isSingles: true })
    const rest = ranges.length === 0 ? [] : [this.addresses6({ v4: new Uint32Array(), v6: ranges }, not)]
    return [{ is: 'in', set, not }, ...rest]
  }

  ports(spans: readonly PortSpan[], not: boolean): ProgramTest<number> {
    const [first, ...rest] = spans
    if (first && rest.length === 0) return { is: 'within', ...first, not }
    const flat = spans.flatMap((span) => [span.first, span.last])
    return { is: 'in', set: this.#named({ holds: 'port', spans: flat }), not }
  }

  bytes(values: readonly number[], not: boolean): ProgramTest<number> {
    const flat = joined([...new Set(values)].sort((a, b) => a - b))
    if (flat.length === 2) return { is: 'within', first: flat[0] as number, last: flat[1] as number, not }
    return { is: 'in', set: this.#named({ holds: 'byte', spans: flat }), not }
  }

  times(spans: readonly bigint[]): ProgramTest<bigint> {
    return { is: 'in', set: this.#named({ holds: 'time', spans }), not: false }
  }

  /** The addresses that are known by one of these names. */
  names(
    domains: readonly DomainPattern[],
    family: IpFamily,
    not: boolean,
  ): { readonly is: 'in'; readonly set: string; readonly not: boolean } {
    const key = `names ${family} ${domains.map(({ name, isWithBelow }) => `${isWithBelow ? '.' : ''}${name}`).join(' ')}`
    const known = this.#byText.get(key)
    if (known !== undefined) return { is: 'in', set: known, not }
    const name = `names${this.named.length + 1}`
    this.named.push({ name, family, domains })
    this.#byText.set(key, name)
    return { is: 'in', set: name, not }
  }

  /** The classes of the programs of which this is true, or not. */
  programs({ kind, values }: ProgramQuestion, isTrue: boolean): string {
    const question = { kind, values }
    const key = `${isTrue} ${questionKey(question)}`
    const known = this.#byText.get(key)
    if (known !== undefined) return known
    const name = `programs${this.classes.length + 1}`
    this.classes.push({ name, question, isTrue })
    this.#byText.set(key, name)
    return name
  }

  /** Pairs of first and last of the set of this name. */
  spansOf(name: string): ArrayLike<number | bigint> {
    return this.#byName.get(name)?.spans ?? []
  }

  meter(rule: string, family: IpFamily, lastsSeconds: number | undefined): string {
    // A rule may have several rows, and counts one source over all of them.
    const key = `meter ${rule} ${family}`
    const known = this.#byText.get(key)
    if (known !== undefined) return known
    const name = `limit${this.meters.length + 1}`
    this.meters.push({ name, family, ...(lastsSeconds !== undefined && { lastsSeconds }) })
    this.#byText.set(key, name)
    return name
  }

  #partsOf<Spans extends object, Parts>(
    spans: Spans,
    part: (spans: Spans) => Parts | undefined,
  ): Parts | undefined {
    if (!this.#parts.has(spans)) this.#parts.set(spans, part(spans))
    return this.#parts.get(spans) as Parts | undefined
  }

  #shared(identity: object, body: SetBody): string {
    const known = this.#byIdentity.get(identity)
    if (known !== undefined) return known
    const name = this.#named(body)
    this.#byIdentity.set(identity, name)
    return name
  }

  /** Long sets are compared by identity alone: their text would be larger than what it saves. */
  #named(body: SetBody): string {
    const key = body.spans.length <= MAX_COMPARED ? `${body.holds} ${body.spans.join(' ')}` : undefined
    const known = key === undefined ? undefined : this.#byText.get(key)
    if (known !== undefined) return known
    const name = `set${this.all.length + 1}`
    const set = { ...body, name } as ProgramSet
    this.all.push(set)
    this.#byName.set(name, set)
    if (key !== undefined) this.#byText.set(key, name)
    return name
  }
}

const MAX_COMPARED = 64

/** Values in order as pairs of first and last. */
function joined(values: readonly number[]): number[] {
  const flat: number[] = []
  for (const value of values) {
    if (flat.length > 0 && flat.at(-1) === value - 1) flat[flat.length - 1] = value
    else flat.push(value, value)
  }
  return flat
}
