import type { AddressSpans } from '#model/rule.ts'

/** Fewer addresses than that are as well off among intervals. */
const MIN_SINGLES = 1_024
/** A range of so few addresses is as good as its addresses. */
const SHORT = 4

/**
 * A long list as the kernel finds it fastest: its single addresses, which it can hash, and its ranges, which it has to
 * search among. Undefined for a list that is not worth two sets.
 */
export function parted4(
  spans: AddressSpans['v4'],
): { readonly singles: Uint32Array; readonly ranges: Uint32Array } | undefined {
  let count = 0
  for (let at = 0; at < spans.length; at += 2) {
    const size = (spans[at + 1] as number) - (spans[at] as number) + 1
    if (size <= SHORT) count += size
  }
  if (count < MIN_SINGLES) return undefined
  const singles = new Uint32Array(count * 2)
  const ranges: number[] = []
  let to = 0
  for (let at = 0; at < spans.length; at += 2) {
    const first = spans[at] as number
    const last = spans[at + 1] as number
    if (last - first >= SHORT) ranges.push(first, last)
    else for (let value = first; value <= last; value++) singles[to++] = singles[to++] = value
  }
  return { singles, ranges: Uint32Array.from(ranges) }
}

export function parted6(
  spans: AddressSpans['v6'],
): { readonly singles: readonly bigint[]; readonly ranges: readonly bigint[] } | undefined {
  const singles: bigint[] = []
  const ranges: bigint[] = []
  for (let at = 0; at < spans.length; at += 2) {
    const first = spans[at] as bigint
    const last = spans[at + 1] as bigint
    if (last - first >= BigInt(SHORT)) ranges.push(first, last)
    else for (let value = first; value <= last; value++) singles.push(value, value)
  }
  return singles.length < MIN_SINGLES * 2 ? undefined : { singles, ranges }
}
