import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { contains, parseIp, parseTarget } from '#model/address.ts'
import { aConnection as base } from '../../../test/support/port.ts'
import type { Connection } from '../schemas.ts'
import { isInRange, parseRange } from './address-range.ts'
import { caretText } from './caret.ts'
import { matches } from './matches.ts'
import { parseSearch } from './parse.ts'
import { SEARCH_KEYS } from './search.ts'

const NOW = Date.UTC(2026, 10, 20, 12)

const curl: Connection = {
  ...base,
  source: '192.168.1.5',
  target: '203.0.113.9',
  peer: '203.0.113.9',
  openedAt: NOW - 3_600_000,
  handshakeMs: 12.5,
  bytesForward: 1_000,
  bytesBackward: 9_000,
  name: 'cdn.example.com',
  country: 'DE',
  asn: 64_500,
  asName: 'Example Networks',
  owner: {
    pid: 812,
    path: '/usr/bin/curl',
    name: 'curl',
    commandLine: 'curl x',
    uid: 1000,
    user: 'anna',
    source: 'ebpf',
    confidence: 0.95,
    unit: 'session-3.scope',
    container: { engine: 'docker', id: 'abcdef', name: 'web-1' },
  },
}

function finds(query: string, connection: Connection = curl): boolean {
  const parsed = parseSearch(query, NOW)
  if (parsed.state === 'error') throw new Error(caretText(parsed.error))
  return matches(parsed.search, connection)
}

function errorOf(query: string): string {
  const parsed = parseSearch(query, NOW)
  return parsed.state === 'error' ? caretText(parsed.error) : 'no error'
}

describe('finds', () => {
  test.each([
    '',
    'app:curl',
    'APP:CUR',
    'app:=curl',
    'path:/usr/bin/*',
    'pid:812',
    'pid:800-900',
    'user:anna',
    'user:1000',
    'uid:>=1000',
    'container:web',
    'container:abcdef',
    'unit:session*',
    'owner:ebpf',
    'owner:e*,scan',
    'confidence:0.95',
    'confidence:95%',
    'confidence:>=0.9',
    'sure:50%-1',
    'src:192.168.0.0/16',
    'dst:203.0.113.*',
    'peer:203.0.113.1-203.0.113.10',
    'port:443',
    'port:22,443',
    'port:<500',
    'lport:>1024',
    'proto:tcp',
    'proto:6',
    'dir:outbound',
    'iface:eth*',
    'state:est*',
    'name:*.example.com',
    'name:example',
    'country:de',
    'country:fr,DE',
    'asn:64500',
    'asn:AS64500',
    'asn:example',
    'community:1:abc=',
    'is:allowed is:live is:outbound',
    'since:2h until:30m',
    'since:2026-11-20T11:00Z',
    'bytes:10k',
    'bytes:>9k',
    'rtt:12-13',
    'rtt:<1s',
    'curl',
    '"cdn.example"',
    '203.0.113.9',
    '203.0.113.0/24',
    '-app:wget -dst:10.0.0.0/8 -port:22',
    '-nothing',
    'program:curl host:203.0.113.9',
  ])('the connection by %j', (query) => {
    expect(finds(query)).toBe(true)
    if (query !== '' && !query.includes(' ')) {
      expect(finds(query.startsWith('-') ? query.slice(1) : `-${query}`)).toBe(false)
    }
  })

  test.each([
    'app:wget',
    'app:=cur',
    'user:ann',
    'name:example.*',
    'name:=example.com',
    'country:D',
    'rtt:>12.5',
    'bytes:<10k',
    'port:>40000',
    'since:30m',
    'until:2h',
    'is:blocked',
    'is:unknown',
    '10.0.0.0/8',
    'app:curl app:wget',
    'owner:scan',
    'confidence:<95%',
    'confidence:>0.95',
  ])('nothing by %j', (query) => {
    expect(finds(query)).toBe(false)
  })

  test('what is not known is found by no value, and by each negation', () => {
    const { owner: _, name: __, country: ___, handshakeMs: ____, ...bare } = curl
    for (const query of ['app:*', 'user:*', 'pid:>=0', 'confidence:>=0', 'name:*', 'country:*', 'rtt:>=0']) {
      expect([query, finds(query, bare), finds(`-${query}`, bare)]).toEqual([query, false, true])
    }
    expect(finds('is:unknown', bare)).toBe(true)
  })

  test('quotes take away what stars, commas and spaces mean', () => {
    const odd = { ...curl, name: 'a*b, "c"' }
    expect(finds('name:"a*b, \\"c\\""', odd)).toBe(true)
    expect(finds('name:"a*c"', { ...curl, name: 'abc' })).toBe(false)
  })
})

describe('errors', () => {
  test('a caret shows the key, and the nearest right one is named', () => {
    expect(errorOf('app:curl -prto:tcp')).toBe(
      [
        'app:curl -prto:tcp',
        '          ^^^^',
        `There is no key "prto". Expected one of ${Object.keys(SEARCH_KEYS).join(', ')}.`,
        'Did you mean proto:?',
      ].join('\n'),
    )
  })

  test.each([
    ['port:70000', /^port:70000\n {5}\^{5}\n"70000" does not fit. Expected a port from 0 to 65535/],
    ['port:9-3', /The first number of a range is the smaller one/],
    ['dst:10.0.0.0/33', /is no address.*\nFor example dst:/],
    ['is:bloked', /Did you mean is:blocked\?/],
    ['state:establishd', /Did you mean state:established\?/],
    ['since:yesterday', /Expected a while such as 90s/],
    ['since:2026-02-30', /is no time/],
    ['app:', /^app:\n {4}\^\napp: needs a value/],
    ['x -', /After - comes what must not be/],
    ['name:"open', /^name:"open\n {5}\^{5}\nThis quote is not closed/],
    ['constructor:x', /There is no key/],
    ['x '.repeat(40), /at most 32 terms/],
    ['x'.repeat(1001), /at most 1000 characters/],
    [`port:${'1,'.repeat(70)}1`, /at most 64 values/],
  ])('%j is told with its place', (query, expected) => {
    expect(errorOf(query)).toMatch(expected)
  })

  test('nothing in an error acts on a terminal', () => {
    expect(errorOf('\u001b[31m:x port:\u202e1')).toContain('\\u{1b}[31m:x port:\\u{202e}1\n')
  })
})

test('whatever is typed is a search or an error within it', () => {
  const typed = fc.oneof(
    fc.string({ maxLength: 40 }),
    fc
      .array(
        fc.oneof(
          fc.constantFrom(...Object.keys(SEARCH_KEYS).map((key) => `${key}:`)),
          fc.constantFrom(
            '"',
            '*',
            ',',
            '-',
            '>',
            '<',
            '=',
            '..',
            ' ',
            '/',
            ':',
            '1',
            '10.0.0.0/8',
            'x',
            '2h',
          ),
        ),
        { maxLength: 12 },
      )
      .map((parts) => parts.join('')),
  )
  fc.assert(
    fc.property(typed, (query) => {
      const parsed = parseSearch(query, NOW)
      if (parsed.state === 'search') return typeof matches(parsed.search, curl) === 'boolean'
      const { at, length } = parsed.error
      return at >= 0 && length > 0 && at <= query.length && parsed.error.message !== ''
    }),
    { numRuns: 3_000 },
  )
})

test('ranges of addresses are those of the model', () => {
  const address = fc.oneof(
    fc.ipV4(),
    fc.ipV6(),
    fc.constantFrom('10.0.0.1', '10.255.0.1', '::1', '2001:db8::1', '::ffff:10.0.0.1', 'fe80::1'),
  )
  fc.assert(
    fc.property(address, address, fc.nat(128), (network, one, bits) => {
      const [from, ip] = [parseIp(network), parseIp(one)]
      if (!from || !ip) return
      const target = parseTarget(`${from}/${bits}`)
      const range = parseRange(`${from}/${bits}`)
      expect(range !== undefined).toBe(target !== undefined)
      if (!target || !range) return
      expect(isInRange(ip, range)).toBe(contains(target, ip))
      expect(isInRange(from, range)).toBe(true)
    }),
    { numRuns: 2_000 },
  )
})
