/** Addresses from `low` to `high`, both in; four 32-bit words in network order, an IPv4 address in the last. */
export interface AddressRange {
  readonly version: 4 | 6
  readonly low: Words
  readonly high: Words
}

export type Words = readonly [number, number, number, number]

interface Address {
  readonly version: 4 | 6
  readonly words: Words
}

const PREFIX = /^(\d{1,3}\.){1,3}\*?$/

/** Reads an address, `address/bits`, `low-high`, or the beginning of an IPv4 address: `10.1.` or `10.1.*`. */
export function parseRange(text: string): AddressRange | undefined {
  if (PREFIX.test(text)) return prefixRange(text.replace(/\.\*?$/, ''))
  const slash = text.indexOf('/')
  if (slash >= 0) return networkRange(parseAddress(text.slice(0, slash)), text.slice(slash + 1))
  const dash = text.indexOf('-')
  const low = parseAddress(dash < 0 ? text : text.slice(0, dash))
  const high = dash < 0 ? low : parseAddress(text.slice(dash + 1))
  if (!low || !high || low.version !== high.version || compareWords(low.words, high.words) > 0)
    return undefined
  return { version: low.version, low: low.words, high: high.words }
}

/** `address` in canonical text, as connections have it. */
export function isInRange(address: string, { version, low, high }: AddressRange): boolean {
  if (version === 4) {
    const value = parseIpv4(address)
    return value !== undefined && value >= low[3] && value <= high[3]
  }
  const parsed = parseAddress(address)
  return (
    parsed?.version === 6 && compareWords(parsed.words, low) >= 0 && compareWords(parsed.words, high) <= 0
  )
}

/** IPv4 in IPv6 (`::ffff:192.0.2.1`) is IPv4; a zone index is dropped. */
function parseAddress(text: string): Address | undefined {
  const ipv4 = parseIpv4(text)
  if (ipv4 !== undefined) return { version: 4, words: [0, 0, 0, ipv4] }
  const words = parseIpv6(text.split('%')[0] ?? '')
  if (!words) return undefined
  const isMapped = words[0] === 0 && words[1] === 0 && words[2] === 0xffff
  return isMapped ? { version: 4, words: [0, 0, 0, words[3]] } : { version: 6, words }
}

function prefixRange(prefix: string): AddressRange | undefined {
  const missing = 4 - prefix.split('.').length
  const low = parseIpv4(prefix + '.0'.repeat(missing))
  const high = parseIpv4(prefix + '.255'.repeat(missing))
  if (low === undefined || high === undefined) return undefined
  return { version: 4, low: [0, 0, 0, low], high: [0, 0, 0, high] }
}

function networkRange(address: Address | undefined, bitsText: string): AddressRange | undefined {
  if (!address || !/^\d{1,3}$/.test(bitsText)) return undefined
  const width = address.version === 4 ? 32 : 128
  const bits = Number(bitsText)
  if (bits > width) return undefined
  const masks = [0, 1, 2, 3].map((word) => maskOf(bits + 128 - width - word * 32))
  const low = address.words.map((word, at) => (word & (masks[at] as number)) >>> 0)
  const high = low.map((word, at) => (word | ~(masks[at] as number)) >>> 0)
  // The words before an IPv4 address are no part of it.
  return { version: address.version, low: low as unknown as Words, high: high as unknown as Words }
}

const maskOf = (bits: number): number => {
  if (bits <= 0) return 0
  return bits >= 32 ? 0xffffffff : (0xffffffff << (32 - bits)) >>> 0
}

const IPV4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/

function parseIpv4(text: string): number | undefined {
  const parts = IPV4.exec(text)
  if (!parts) return undefined
  let value = 0
  for (let at = 1; at <= 4; at++) {
    const part = parts[at] as string
    // 010 is eight to some programs and ten to others.
    if (Number(part) > 255 || (part.length > 1 && part[0] === '0')) return undefined
    value = value * 256 + Number(part)
  }
  return value
}

function parseIpv6(text: string): Words | undefined {
  if (text.length < 2 || text.length > 45 || !text.includes(':')) return undefined
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const [before, after] = halves.map(groupsOf)
  if (!before || (halves.length === 2 && !after)) return undefined
  const missing = 8 - before.length - (after?.length ?? 0)
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined
  const groups = [...before, ...new Array<number>(missing).fill(0), ...(after ?? [])]
  return [0, 2, 4, 6].map(
    (at) => (groups[at] as number) * 65_536 + (groups[at + 1] as number),
  ) as unknown as Words
}

/** The 16-bit groups of one side of `::`; the last may be an IPv4 address. */
function groupsOf(text: string): number[] | undefined {
  if (text === '') return []
  const groups: number[] = []
  const parts = text.split(':')
  for (const [at, part] of parts.entries()) {
    const ipv4 = at === parts.length - 1 ? parseIpv4(part) : undefined
    if (ipv4 !== undefined) groups.push(Math.floor(ipv4 / 65_536), ipv4 % 65_536)
    else if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(Number.parseInt(part, 16))
    else return undefined
  }
  return groups
}

/** Less than 0 when `a` comes before `b`. */
export function compareWords(a: Words, b: Words): number {
  for (let word = 0; word < 4; word++) {
    const difference = (a[word] as number) - (b[word] as number)
    if (difference !== 0) return difference
  }
  return 0
}
