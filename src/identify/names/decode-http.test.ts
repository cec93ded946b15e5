import fc from 'fast-check'
import { expect, test } from 'vitest'
import { looksLikeHttp, readHost } from './decode-http.ts'
import type { Reading } from './reading.ts'

const viewOf = (bytes: Uint8Array): DataView => new DataView(Uint8Array.from(bytes).buffer)
const read = (text: string): Reading => {
  const bytes = Buffer.from(text, 'latin1')
  return readHost(viewOf(bytes), 0, bytes.length)
}

test.each([
  ['GET / HTTP/1.1\r\nHost: www.Example.com\r\n\r\n', 'www.example.com'],
  ['POST /x HTTP/1.1\r\nAccept: */*\r\nhOST:example.com:8080  \r\n\r\n', 'example.com'],
  ['CONNECT example.com:443 HTTP/1.1\nHost: example.com.\n\n', 'example.com'],
  ['GET / HTTP/1.1\r\nHost: <b>\u001b[1m\r\n\r\n', '<b>\u001b[1m'],
])('finds the host of %j', (head, name) => {
  expect(read(head)).toEqual({ state: 'found', name })
})

test.each([
  'GET / HTTP/1.0\r\n\r\nHost: body.example\r\n',
  'GET / HTTP/1.1\r\nHost: 192.0.2.1:80\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n',
  'GET / HTTP/1.1\r\nHost:\r\n\r\n',
  `GET / HTTP/1.1\r\nHost: ${'x'.repeat(300)}\r\n\r\n`,
  `GET /${'x'.repeat(9_000)}\r\nHost: far.example\r\n\r\n`,
])('finds none in %j', (head) => {
  expect(read(head)).toEqual({ state: 'none' })
})

test('each cut before the end of the line asks for more', () => {
  const head = 'GET / HTTP/1.1\r\nAccept: */*\r\nHost: a.example\r\n'
  for (let length = 1; length < head.length; length++) expect(read(head.slice(0, length)).state).toBe('more')
})

test('knows a request by its method', () => {
  const looks = (text: string): boolean => looksLikeHttp(viewOf(Buffer.from(text)), 0, text.length)
  expect(['GET / H', 'DELETE /', 'SSH-2.0-x', 'get / h', 'AB CD', '\u0016\u0003\u0001'].map(looks)).toEqual([
    true,
    true,
    false,
    false,
    false,
    false,
  ])
})

test('no bytes make it throw', () => {
  const line = fc.constantFrom('Host:', 'GET ', '\r\n', '\n', ':', 'hOsT: x', '\u0000', ' ')
  fc.assert(
    fc.property(fc.array(fc.oneof(line, fc.string({ unit: 'binary' })), { maxLength: 20 }), (parts) => {
      const reading = read(parts.join(''))
      if (reading.state === 'found') expect(reading.name.length).toBeLessThanOrEqual(255)
    }),
  )
})
