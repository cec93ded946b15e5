/** Steps in each doubling: two values with one code differ by less than a thousandth. */
const STEPS = 1_200
/** Handshakes are told apart by microseconds. */
export const HANDSHAKE = 1_000

export const HIGHEST_CODE = 65_535

/** A number of 0 or more as one of 65,535 codes, larger ones higher. 0 is left for what is not known. */
export const rangeCode = (value: number): number =>
  Math.min(HIGHEST_CODE, 1 + Math.floor(Math.log2(1 + value) * STEPS))
