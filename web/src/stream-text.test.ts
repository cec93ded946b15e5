import { expect, test } from 'vitest'
import { createEventReader, type WrittenEvent } from './stream-text.ts'

const STREAM =
  'retry: 1000\nid: 6\n\nid: 7\nevent: decision\ndata: {"kind":"ä\u2028"}\n\n: still here\n\nid: 8\ndata: {}\n\n'
const EVENTS: WrittenEvent[] = [{ id: '6' }, { id: '7', data: '{"kind":"ä\u2028"}' }, { id: '8', data: '{}' }]

test('events come out the same wherever the stream is cut', () => {
  for (let size = 1; size <= STREAM.length; size++) {
    const heard: WrittenEvent[] = []
    const take = createEventReader((event) => heard.push(event))
    for (let at = 0; at < STREAM.length; at += size) take(STREAM.slice(at, at + size))
    expect(heard, `pieces of ${size}`).toEqual(EVENTS)
  }
})

test('what is not ended by an empty line is not an event yet', () => {
  const heard: WrittenEvent[] = []
  const take = createEventReader((event) => heard.push(event))
  take('id: 9\ndata: {"half":')
  take('')
  take('true}\n')
  expect(heard).toEqual([])
  take('\n')
  expect(heard).toEqual([{ id: '9', data: '{"half":true}' }])
})
