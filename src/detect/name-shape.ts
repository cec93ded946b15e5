/** Hot: runs per DNS answer that a name does not exist. Allocates nothing. */

const LETTERS = 26
const A = 0x61
const SMALL = 0x20
/** Shorter ones say nothing. */
const SHORTEST = 7
/** Ten times the mean weight of a name's pairs of letters; of 164 well-known domains 4 % are below, of random letters 91 %. */
const STRANGE = 46
const MOST_CONSONANTS = 5
/** One in five is a digit, of so many letters and digits at least. */
const DIGITS_SHARE = 5
const DIGITS_SHORTEST = 10

/**
 * How usual each pair of letters is in words, from 0 to 9; 5 is what chance gives. The pairs of `a` first. Counted in
 * 36,000 different words: names of Debian packages and the English of software documentation.
 */
const PAIRS =
  '056512505037670607784321417464645365365375266563233170437117507630840647510020' +
  '754494428114437405535210305466433020165724187624352072327720900631830665501140' +
  '623493457006457407646110109133910080033284054650204049655440002658640466030203' +
  '834483326003337402837221007445923380254364047551303071248100901610720054520040' +
  '953382207015517702535000206267757161332462017843003034651340313668660866534300' +
  '814482356017327607565010604344223131075024145891200082559230703353730466430040' +
  '526382167034436622685230407253821680243174076540204055555340602668160777000201' +
  '834492209002436302442000108334822580245563066420022054657533702572470568213450' +
  '7455634240266758158642310273339213800543720242312266'

const WEIGHTS = Uint8Array.from(PAIRS, Number)
const VOWELS = new Uint8Array(LETTERS)
for (const vowel of 'aeiouy') VOWELS[vowel.charCodeAt(0) - A] = 1

/** True when a label of `length` bytes at `start` looks made by a machine: no word, no name, no abbreviation of one. */
export function looksGenerated(view: DataView, start: number, length: number): boolean {
  // Another alphabet (IDNA): nothing is known of its pairs.
  if (length < SHORTEST || isPunycode(view, start)) return false
  const end = start + length
  if (length >= DIGITS_SHORTEST && digitsWithin(view, start, end) * DIGITS_SHARE >= length) return true
  return consonantsWithin(view, start, end) > MOST_CONSONANTS || hasStrangePairs(view, start, end)
}

/** 0 for `a`, 25 for `z`; what is no letter is outside of that. */
const letterAt = (view: DataView, at: number): number => (view.getUint8(at) | SMALL) - A

const isLetter = (letter: number): boolean => letter >= 0 && letter < LETTERS

function hasStrangePairs(view: DataView, start: number, end: number): boolean {
  let weight = 0
  let pairs = 0
  let before = -1
  for (let at = start; at < end; at++) {
    const letter = letterAt(view, at)
    if (isLetter(letter) && isLetter(before)) {
      weight += WEIGHTS[before * LETTERS + letter] as number
      pairs++
    }
    before = letter
  }
  return weight * 10 < pairs * STRANGE
}

/** The most in a row. */
function consonantsWithin(view: DataView, start: number, end: number): number {
  let run = 0
  let longest = 0
  for (let at = start; at < end; at++) {
    const letter = letterAt(view, at)
    run = isLetter(letter) && VOWELS[letter] === 0 ? run + 1 : 0
    if (run > longest) longest = run
  }
  return longest
}

function digitsWithin(view: DataView, start: number, end: number): number {
  let digits = 0
  for (let at = start; at < end; at++) {
    const byte = view.getUint8(at)
    if (byte >= 0x30 && byte <= 0x39) digits++
  }
  return digits
}

const isPunycode = (view: DataView, start: number): boolean =>
  (view.getInt32(start) | 0x20200000) === 0x786e2d2d
