import fc from 'fast-check'
import { ip } from '#model/address.ts'
import { END_REASONS, FLOW_STATES } from '#model/flow.ts'
import { NOON } from './remembered.ts'

export const RARE_ID = '1:BBBBBBBBBBBBBBBBBBBBBBBBBBA='

/** Here and there one that most segments do not have. */
function orRarely<Value>(common: fc.Arbitrary<Value>, ...rare: Value[]): fc.Arbitrary<Value> {
  return fc.oneof({ weight: 60, arbitrary: common }, { weight: 1, arbitrary: fc.constantFrom(...rare) })
}

const commonAddress = fc.constantFrom(
  '10.0.0.1',
  '10.0.9.9',
  '10.1.0.1',
  '192.0.2.1',
  '198.51.100.7',
  '2001:db8::1',
  '2001:db8:1::1',
  '::a00:1',
)
const address = orRarely(commonAddress, '203.0.113.200', '2001:db8:77::9')
const owner = fc.record({
  pid: fc.constantFrom(0, 812, 813, 4_000_000),
  name: fc.constantFrom('curl', 'Firefox', 'ssh%d', 'a_b'),
  path: fc.constantFrom('/usr/bin/curl', 'unreadable', '/opt/Firefox/firefox'),
  source: fc.constantFrom('ebpf', 'netlink', 'scan'),
  confidence: fc.option(fc.constantFrom(1, 0.95, 0.9, 0.5), { nil: undefined }),
  script: fc.option(fc.constantFrom('/opt/web.py', 'ssh.sh', 'curl'), { nil: undefined }),
  uid: fc.constantFrom(0, 33, 1000),
  user: fc.option(fc.constantFrom('root', 'anna', 'www-data'), { nil: undefined }),
  unit: fc.option(fc.constantFrom('ssh.service', 'cron.service'), { nil: undefined }),
  container: fc.option(
    fc.constantFrom(
      { engine: 'docker' as const, id: 'abc', name: 'web-1' },
      { engine: 'podman' as const, id: 'def', pod: { uid: '1', name: 'Pod' } },
    ),
    { nil: undefined },
  ),
})
/** A flow, as a table of them may hold it. */
export const anyFlow = fc.record({
  communityId: orRarely(
    fc.constantFrom('1:LQU9qZlK+B5F3KDmev6m5PMibrg=', '1:AAAAAAAAAAAAAAAAAAAAAAAAAAA=', 'odd'),
    RARE_ID,
  ),
  protocol: fc.constantFrom(6, 17, 1, 58, 200),
  source: address.map(ip),
  target: address.map(ip),
  sourcePort: fc.constantFrom(0, 22, 40_000, 51_000),
  targetPort: fc.constantFrom(0, 53, 443, 8080),
  interfaceName: fc.constantFrom('eth0', 'eth1', 'Wlan0', 'lo'),
  direction: fc.constantFrom('inbound', 'outbound', 'forward', 'local'),
  state: fc.constantFrom(...FLOW_STATES),
  ended: fc.option(fc.constantFrom(...END_REASONS), { nil: undefined }),
  openedAt: fc.integer({ min: NOON - 7_200_000, max: NOON }),
  bytesForward: fc.constantFrom(0, 40, 999, 1000, 5_000_000),
  bytesBackward: fc.constantFrom(0, 60, 4096, 7_000_000_000),
  handshakeMs: fc.option(fc.constantFrom(0, 0.25, 1, 12.5, 200, 5000), { nil: undefined }),
  name: fc.option(orRarely(fc.constantFrom('cdn.example.com', 'Example.net', 'a*b'), 'Needle.example'), {
    nil: undefined,
  }),
  country: fc.option(fc.constantFrom('DE', 'FR'), { nil: undefined }),
  asn: fc.option(orRarely(fc.constantFrom(13_335, 64_500), 4_200_000_000), { nil: undefined }),
  owner: fc.option(owner, { nil: undefined }),
})

const value = {
  text: fc.constantFrom(
    'curl',
    'CUR',
    '=curl',
    '*fox',
    'f*x',
    '*',
    'ssh%d',
    'a_b',
    '"a*b"',
    'example',
    'web',
    'Pod',
    'ssh',
    'needle',
    '*edle.*',
    'other-7',
    '*.example',
  ),
  number: fc.constantFrom(
    '0',
    '812',
    '>812',
    '<=813',
    '1000',
    '22',
    '443',
    '>1024',
    '50-9000',
    '<23',
    '33',
    '64500',
  ),
  address: fc.constantFrom(
    '10.0.0.1',
    '10.0.0.0/8',
    '10.0.*',
    '2001:db8::/32',
    '::/0',
    '0.0.0.0/0',
    '10.0.0.1-10.1.0.0',
    '203.0.113.0/24',
    '203.0.113.199-203.0.114.3',
    '2001:db8:77::9',
    '2001:db8:77::/48',
    '2001:db8:77::1-2001:db8:78::',
    '198.18.0.0/15',
    '2001:db9::/32',
  ),
}
const term = fc
  .tuple(
    fc.boolean(),
    fc.oneof(
      fc.tuple(fc.constantFrom('app:', 'path:', 'name:', 'container:', 'unit:', 'script:', ''), value.text),
      fc.tuple(fc.constant('owner:'), fc.constantFrom('ebpf', 'netlink', 'e*', 'scan,guess', 'kernel')),
      fc.tuple(fc.constant('confidence:'), fc.constantFrom('1', '>=0.9', '<95%', '50%-0.9', '>0', '<0.5')),
      fc.tuple(fc.constantFrom('pid:', 'uid:', 'port:', 'lport:', 'asn:', 'bytes:', 'rtt:'), value.number),
      fc.tuple(fc.constantFrom('src:', 'dst:', 'peer:', ''), value.address),
      fc.tuple(fc.constant('user:'), fc.constantFrom('anna', 'ANNA', 'ann', '1000', 'r*', '*')),
      fc.tuple(fc.constant('proto:'), fc.constantFrom('tcp', '17', 'icmp*', '200', 'sctp')),
      fc.tuple(
        fc.constant('community:'),
        fc.constantFrom(
          '1:LQU9qZlK+B5F3KDmev6m5PMibrg=',
          RARE_ID,
          'odd',
          '1:x',
          '1:CCCCCCCCCCCCCCCCCCCCCCCCCCA=',
        ),
      ),
      fc.tuple(fc.constant('dir:'), fc.constantFrom('inbound', 'for*', 'local,outbound')),
      fc.tuple(fc.constant('iface:'), fc.constantFrom('eth0', 'eth*', 'WLAN0', 'eth', 'lo')),
      fc.tuple(fc.constant('state:'), fc.constantFrom('established', 'syn*', 'closed,reset', 'answered')),
      fc.tuple(fc.constant('country:'), fc.constantFrom('DE', 'fr', 'D*', 'IT', 'de,it')),
      fc.tuple(fc.constant('asn:'), fc.constantFrom('example', 'AS13335', '=cloud', '4200000000')),
      fc.tuple(
        fc.constant('is:'),
        fc.constantFrom(
          'blocked',
          'allowed',
          'live',
          'ended',
          'over',
          'unknown',
          'inbound',
          'live,forward',
          'live,unknown',
        ),
      ),
      fc.tuple(fc.constantFrom('since:', 'until:'), fc.constantFrom('30m', '1h', '100m', '1d')),
      fc.tuple(fc.constant('bytes:'), fc.constantFrom('>1k', '1M-8G')),
      fc.tuple(fc.constantFrom('bytes:', 'rtt:'), fc.constantFrom('<40', '7000000000', '>=5000', '<1')),
    ),
  )
  .map(([isNot, [key, text]]) => `${isNot ? '-' : ''}${key}${text}`)
/** A search of at most four terms. */
export const anyQuery = fc.array(term, { maxLength: 4 }).map((terms) => terms.join(' '))
