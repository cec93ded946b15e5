import { expect, test } from 'vitest'
import { FORMATS } from '../formats/formats.ts'
import { ListReading } from './read-list.ts'

const options = {
  format: FORMATS.plain,
  key: { k0: 3, k1: 4 },
  mayBePrivate: false,
  now: Date.UTC(2026, 10, 20),
}

test('a line of 1 GB costs no memory', () => {
  const reading = new ListReading({ ...options, maxEntries: 10 })
  const piece = Buffer.alloc(1_048_576, '7')
  const before = process.memoryUsage().rss
  for (let at = 0; at < 1024; at++) reading.write(piece)
  reading.write(Buffer.from('\n198.51.100.7\n'))
  reading.endDocument()
  expect(reading.finish().counts).toEqual({ taken: 1, misfits: 1, leftOut: 0 })
  // Less than half of what holding the line takes; how much garbage waits to be collected is the collector's choice.
  expect(process.memoryUsage().rss - before).toBeLessThan(400e6)
}, 20_000)

test('ten million entries are refused at the bound', () => {
  const reading = new ListReading({ ...options, maxEntries: 200_000 })
  const lines = function* () {
    for (let at = 0; at < 10_000_000; at += 1_000) {
      yield Array.from(
        { length: 1_000 },
        (_, of) => `60.${((at + of) >> 16) & 255}.${((at + of) >> 8) & 255}.${(at + of) & 255}`,
      ).join('\n')
    }
  }
  const readAll = (): void => {
    for (const text of lines()) reading.write(Buffer.from(`${text}\n`))
  }
  expect(readAll).toThrow('more than 200000 entries')
})
