import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/** Time-based one-time passwords: RFC 6238 over HOTP (RFC 4226), as every authenticator app has them. */
const STEP_MS = 30_000
const DIGITS = 6
/** RFC 6238 §5.2: one step for a clock that is off and for the time that typing takes. */
const STEPS_AROUND = 1
/** RFC 4226 §4 R6 asks for 128 bits and likes 160. */
const SECRET_BYTES = 20
/** RFC 4648 §6. */
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** A fresh secret as authenticator apps take it: 32 letters of base32. */
export const newSecret = (): string => base32(randomBytes(SECRET_BYTES))

/**
 * The step that `code` belongs to, or undefined when it is none of now. Steps up to `spentStep` count no more: a code
 * works once (RFC 6238 §5.2).
 *
 * @param secret base32, as `newSecret` gives it
 * @param now milliseconds since the epoch
 */
export function stepOfCode(
  code: string,
  secret: string,
  { now, spentStep = -1 }: { readonly now: number; readonly spentStep?: number | undefined },
): number | undefined {
  if (!/^\d{6}$/.test(code)) return undefined
  const key = fromBase32(secret)
  const current = Math.floor(now / STEP_MS)
  let found: number | undefined
  for (let step = current - STEPS_AROUND; step <= current + STEPS_AROUND; step++) {
    const isIt = timingSafeEqual(Buffer.from(codeAt(key, step)), Buffer.from(code))
    if (isIt && step > spentStep) found = step
  }
  return found
}

/** The code of this moment. */
export const codeOf = (secret: string, now: number): string =>
  codeAt(fromBase32(secret), Math.floor(now / STEP_MS))

/** What an authenticator app reads (github.com/google/google-authenticator/wiki/Key-Uri-Format). */
export const setupAddress = (secret: string, account: string, machine: string): string =>
  `otpauth://totp/${encodeURIComponent(`Gatehouse ${machine}:${account}`)}?${new URLSearchParams({
    secret,
    issuer: `Gatehouse ${machine}`,
  })
    .toString()
    .replaceAll('+', '%20')}`

function codeAt(key: Buffer, step: number): string {
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(step))
  const mac = createHmac('sha1', key).update(counter).digest()
  // RFC 4226 §5.3: the last four bits say where to cut.
  const number = mac.readUInt32BE((mac.at(-1) ?? 0) & 15) & 0x7fff_ffff
  return String(number % 10 ** DIGITS).padStart(DIGITS, '0')
}

function base32(bytes: Buffer): string {
  let text = ''
  let bits = 0
  let held = 0
  for (const byte of bytes) {
    held = ((held << 8) | byte) & 0xffff
    bits += 8
    for (; bits >= 5; bits -= 5) text += ALPHABET[(held >>> (bits - 5)) & 31]
  }
  return bits === 0 ? text : text + ALPHABET[(held << (5 - bits)) & 31]
}

function fromBase32(text: string): Buffer {
  const bytes: number[] = []
  let bits = 0
  let held = 0
  for (const letter of text) {
    held = ((held << 5) | Math.max(0, ALPHABET.indexOf(letter))) & 0xffff
    bits += 5
    if (bits < 8) continue
    bits -= 8
    bytes.push((held >>> bits) & 255)
  }
  return Buffer.from(bytes)
}
