import { expect, test } from 'vitest'
import { ContactMemory } from './contact-memory.ts'

const SPAN_MS = 1_000
/** Numbers as different as hashes are. */
const contact = (n: number): number => Math.imul(n ^ (n >>> 16), 0x45d9f3b) ^ (n << 7)

test('knows what it was told, and takes at most one in forty for known that is not', () => {
  const memory = new ContactMemory(SPAN_MS)
  memory.tick(0)
  for (let n = 0; n < 100_000; n++) memory.add(contact(n))
  memory.tick(SPAN_MS)
  for (let n = 100_000; n < 200_000; n++) memory.add(contact(n))
  let missing = 0
  for (let n = 0; n < 200_000; n++) if (!memory.has(contact(n))) missing++
  let wrong = 0
  for (let n = 1_000_000; n < 1_100_000; n++) if (memory.has(contact(n))) wrong++
  expect(missing).toBe(0)
  expect(wrong).toBeLessThan(2_500)
})

test('forgets after two spans at the latest, and not before one is over', () => {
  const memory = new ContactMemory(SPAN_MS)
  memory.tick(0)
  memory.add(7)
  memory.tick(SPAN_MS)
  expect(memory.has(7)).toBe(true)
  memory.tick(2 * SPAN_MS)
  expect(memory.has(7)).toBe(false)
})
