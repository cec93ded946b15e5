import { expect, test } from 'vitest'
import { createOrigins } from './origins.ts'

const usual = createOrigins('127.0.0.1', 8090, ['https://gate.lan.example'])

test.each(['127.0.0.1:8090', 'localhost:8090', 'LOCALHOST:8090', '[::1]:8090', 'gate.lan.example'])(
  '%s is ours',
  (host) => expect(usual.isOurHost(host)).toBe(true),
)

test.each([
  undefined,
  '',
  'evil.example:8090',
  'localhost',
  'localhost:8091',
  '127.0.0.1:8090.evil.example',
  '192.0.2.1:8090',
  'localhost:8090 ',
  'user@localhost:8090',
])('%j is not: a name that somebody bent to this machine', (host) => {
  expect(usual.isOurHost(host)).toBe(false)
})

test('an origin goes with its own host only, scheme and all', () => {
  expect(usual.isOurOrigin('http://localhost:8090', 'localhost:8090')).toBe(true)
  expect(usual.isOurOrigin('https://gate.lan.example', 'gate.lan.example')).toBe(true)
  for (const origin of [
    undefined,
    'null',
    'http://127.0.0.1:8090',
    'https://localhost:8090',
    'http://localhost:3000',
  ]) {
    expect(usual.isOurOrigin(origin, 'localhost:8090')).toBe(false)
  }
})

test('cookies ask for https where only https leads here', () => {
  expect(usual.isSecure('gate.lan.example')).toBe(true)
  expect(usual.isSecure('localhost:8090')).toBe(false)
  expect(usual.isSecure('evil.example')).toBe(false)
})

test('listening everywhere takes every bare address, and still no name', () => {
  const open = createOrigins('0.0.0.0', 8090, [])
  expect(open.isOurHost('192.0.2.1:8090')).toBe(true)
  expect(open.isOurHost('[2001:db8::1]:8090')).toBe(true)
  expect(open.isOurOrigin('http://192.0.2.1:8090', '192.0.2.1:8090')).toBe(true)
  for (const host of ['evil.example:8090', '192.0.2.1', '[zz]:8090', '192.0.2.1:9090']) {
    expect(open.isOurHost(host)).toBe(false)
  }
})
