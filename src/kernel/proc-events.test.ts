import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readProcEvent } from './proc-events.ts'

function heard(bytes: Uint8Array): unknown[] {
  const events: unknown[] = []
  readProcEvent(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0, bytes.length, {
    forked: (parent, pid) => events.push(['forked', parent, pid]),
    executed: (pid) => events.push(['executed', pid]),
    ended: (pid) => events.push(['ended', pid]),
  })
  return events
}

/** struct cn_msg (20 bytes), then struct proc_event: what, cpu, time, and the words of its kind. */
function message(what: number, ...words: number[]): Uint8Array {
  const bytes = new Uint8Array(36 + words.length * 4)
  const view = new DataView(bytes.buffer)
  view.setUint32(20, what, true)
  for (const [at, word] of words.entries()) view.setUint32(36 + at * 4, word, true)
  return bytes
}

test.each([
  ['a fork', message(1, 10, 10, 20, 20), [['forked', 10, 20]]],
  ['a new thread is no process', message(1, 10, 10, 21, 20), []],
  ['an exec by a thread is of its process', message(2, 11, 10), [['executed', 10]]],
  ['an exit', message(0x80000000, 10, 10, 0, 17), [['ended', 10]]],
  ['a thread that ends', message(0x80000000, 11, 10, 0, 17), []],
  ['an acknowledgement', message(0, 0, 0), []],
  ['another kind of event', message(4, 10, 10, 0, 0), []],
])('%s', (_what, bytes, events) => {
  expect(heard(bytes)).toEqual(events)
})

test('messages that are cut off or odd are passed over', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => void heard(bytes)))
  expect(heard(message(1, 10, 10))).toEqual([])
})
