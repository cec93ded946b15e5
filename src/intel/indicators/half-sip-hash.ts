/**
 * HalfSipHash-2-4 with 64 bits (Aumasson, Bernstein; github.com/veorq/SipHash), over the text from its end to its
 * start: so each suffix of a name, which is a domain above it, costs only its own finish. Keyed, because who has a
 * domain put on a list must not be able to choose one that collides with somebody else's.
 */
export interface HashKey {
  readonly k0: number
  readonly k1: number
}

const DOT = 46
const state = new Int32Array(4)
const ending = new Int32Array(4)

/** Hash of the whole text into `out[0]` and `out[1]`. `kind` keeps equal texts of different kinds apart. */
export function hashText(key: HashKey, kind: number, text: string, out: Uint32Array): void {
  begin(key, kind)
  let word = 0
  for (let at = text.length - 1, taken = 0; at >= 0; at--, taken++) {
    word |= text.charCodeAt(at) << ((taken & 3) << 3)
    if ((taken & 3) === 3) {
      absorb(state, word)
      word = 0
    }
  }
  finish(word, text.length, out, 0)
}

/**
 * Hashes of the suffixes of a domain that have two labels or more, the shortest first: pairs in `out`, where each
 * ends at `starts`. Answers how many; as many as `starts` has room for.
 */
export function hashSuffixes(
  key: HashKey,
  { kind, name }: { readonly kind: number; readonly name: string },
  out: Uint32Array,
  starts: Uint8Array,
): number {
  begin(key, kind)
  let word = 0
  let count = 0
  let labels = 1
  for (let at = name.length - 1, taken = 0; at >= 0 && count < starts.length; at--, taken++) {
    const code = name.charCodeAt(at)
    if (code === DOT && ++labels > 2) {
      finish(word, taken, out, 2 * count)
      starts[count++] = at + 1
    }
    word |= code << ((taken & 3) << 3)
    if ((taken & 3) === 3) {
      absorb(state, word)
      word = 0
    }
  }
  if (labels > 1 && count < starts.length) {
    finish(word, name.length, out, 2 * count)
    starts[count++] = 0
  }
  return count
}

function begin({ k0, k1 }: HashKey, kind: number): void {
  state[0] = k0
  state[1] = k1 ^ 0xee
  state[2] = 0x6c796765 ^ k0
  state[3] = 0x74656462 ^ k1
  absorb(state, kind)
}

function absorb(v: Int32Array, word: number): void {
  v[3] = (v[3] as number) ^ word
  rounds(v, 2)
  v[0] = (v[0] as number) ^ word
}

/** Leaves the state as it is: more may follow. */
function finish(word: number, length: number, out: Uint32Array, at: number): void {
  ending.set(state)
  // Its length has one byte in the reference; more of it does no harm in the word of the rest.
  absorb(ending, word ^ (length << 24))
  ending[2] = (ending[2] as number) ^ 0xee
  rounds(ending, 4)
  out[at] = (ending[1] as number) ^ (ending[3] as number)
  ending[1] = (ending[1] as number) ^ 0xdd
  rounds(ending, 4)
  out[at + 1] = (ending[1] as number) ^ (ending[3] as number)
}

function rounds(v: Int32Array, count: number): void {
  let [v0, v1, v2, v3] = [v[0] as number, v[1] as number, v[2] as number, v[3] as number]
  for (let round = 0; round < count; round++) {
    v0 = (v0 + v1) | 0
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
    v0 = (v0 << 16) | (v0 >>> 16)
    v2 = (v2 + v3) | 0
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
    v0 = (v0 + v3) | 0
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
    v2 = (v2 + v1) | 0
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
    v2 = (v2 << 16) | (v2 >>> 16)
  }
  v[0] = v0
  v[1] = v1
  v[2] = v2
  v[3] = v3
}
