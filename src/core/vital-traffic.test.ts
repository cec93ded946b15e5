import { describe, expect, test } from 'vitest'
import { ip } from '#model/address.ts'
import type { AllowEntry } from '#model/allow.ts'
import { EMPTY_BOOK, parseRules } from '#policy/rules/parse.ts'
import { describeProblem } from '#policy/rules/rule-reader.ts'
import { aConnection } from '../../test/support/connections.ts'
import { cutsOf, lockdownText, vitalTraffic } from './vital-traffic.ts'

function bookOf(text: string) {
  const { book, problems } = parseRules(text, 'test', { uidOf: () => undefined, listText: () => undefined })
  if (!book) throw new Error(problems.map(describeProblem).join('\n'))
  return book
}

const entries: readonly AllowEntry[] = [
  { target: ip('192.0.2.1'), source: 'own', note: 'own' },
  { target: ip('2001:db8::1'), source: 'own', note: 'own' },
  { target: ip('198.51.100.7'), source: 'session', note: 'login session of anna' },
  { target: ip('192.0.2.53'), source: 'dns', note: 'DNS server' },
  { target: ip('192.0.2.254'), source: 'gateway', note: 'default gateway of eth0' },
  { target: ip('fe80::1'), source: 'gateway', note: 'default gateway of eth0' },
]
const SSHD = { pid: 7, name: 'sshd', commandLine: 'sshd', uid: 0, source: 'ebpf' } as const
const vital = vitalTraffic({ entries, connections: [], link: 'eth0', pagePort: 8090, at: 0 })

const cuts = (draft: string, current = EMPTY_BOOK): string[] =>
  cutsOf(bookOf(draft), current, vital).map(({ what }) => what)

describe('a draft would cut', () => {
  test('the session of who is logged in, unless it lets the session in', () => {
    expect(cuts('defaults: { inbound: deny }')).toEqual(['login session of anna'])
    expect(cuts('defaults: { inbound: deny }\nrules: [allow ssh]')).toEqual([])
    expect(cuts('rules: [deny in from 198.51.100.0/24 port 1024-65535]')).toEqual(['login session of anna'])
  })

  test('the session, unless it lets the program in that has it', () => {
    const session = aConnection({
      direction: 'inbound',
      peer: ip('198.51.100.7'),
      localPort: 22,
      owner: { ...SSHD, path: '/usr/sbin/sshd', unit: 'ssh.service' },
    })
    const seen = vitalTraffic({ entries, connections: [session], link: 'eth0', pagePort: 8090, at: 0 })
    const cutsWith = (rule: string): string[] =>
      cutsOf(bookOf(`defaults: { inbound: deny }\nrules: [${rule}]`), EMPTY_BOOK, seen).map(
        ({ what }) => what,
      )
    expect(cutsWith('allow program /usr/sbin/sshd')).toEqual([])
    expect(cutsWith('allow unit ssh')).toEqual([])
    expect(cutsWith('allow program /usr/sbin/other')).toEqual(['login session of anna'])
  })

  test('DNS, DHCP, the neighbours and loopback', () => {
    expect(cuts('defaults: { outbound: deny }')).toEqual(['DNS server'])
    expect(cuts('rules: [deny out 53/udp]')).toEqual(['DNS server'])
    expect(cuts('{ defaults: { outbound: deny }, essentials: judge, rules: [allow out 53] }')).toEqual([
      'DHCP (default gateway of eth0)',
      'neighbour discovery (default gateway of eth0)',
      'what programs of this machine say to each other',
    ])
  })

  test('the answers, where established connections are put to the rules', () => {
    expect(cuts('{ established: judge, defaults: { outbound: deny }, rules: [allow out 53] }')).toEqual([
      'login session of anna',
    ])
  })

  test('nothing that is cut already', () => {
    expect(cuts('defaults: { inbound: deny }', bookOf('rules: [deny in]'))).toEqual([])
  })
})

describe('each of what this machine lives on is missed when a draft would cut it, by whatever condition', () => {
  const NTP_SERVER = ip('203.0.113.123')
  const page = aConnection({
    direction: 'inbound',
    peer: ip('198.51.100.8'),
    source: ip('198.51.100.8'),
    target: ip('192.0.2.1'),
    targetPort: 8090,
    localPort: 8090,
    owner: { ...SSHD, name: 'node', path: '/usr/bin/node', unit: 'gatehouse.service' },
  })
  const clock = aConnection({
    protocol: 17,
    peer: NTP_SERVER,
    target: NTP_SERVER,
    targetPort: 123,
    peerPort: 123,
    owner: { ...SSHD, name: 'chronyd', path: '/usr/sbin/chronyd', unit: 'chrony.service' },
  })
  const session = aConnection({
    direction: 'inbound',
    peer: ip('198.51.100.7'),
    localPort: 22,
    owner: { ...SSHD, path: '/usr/sbin/sshd', unit: 'ssh.service' },
  })
  const connections = [page, clock, session]
  const named = new Map([
    [NTP_SERVER, ['ntp.example']],
    ['198.51.100.8', ['desk.example']],
  ])
  const seen = vitalTraffic({
    entries,
    connections,
    link: 'eth0',
    pagePort: 8090,
    at: 0,
    namesOf: (address) => named.get(address) ?? [],
  })
  const [SESSION, PAGE, TIME] = [
    'login session of anna',
    'the page as 198.51.100.8 has it open',
    `the time from ${NTP_SERVER}`,
  ]
  const [GATEWAY, DHCP] = ['neighbour discovery (default gateway of eth0)', 'DHCP (default gateway of eth0)']

  test.each<readonly [string, string, readonly string[]]>([
    ['a session', 'rules: [deny ssh]', [SESSION]],
    ['a session by its program', 'rules: [deny in program /usr/sbin/sshd]', [SESSION]],
    ['a session by its unit', 'rules: [deny in unit ssh]', [SESSION]],
    ['the gateway', '{ essentials: judge, rules: [deny in from "fe80::/10"] }', [GATEWAY]],
    ['DNS', 'rules: [deny out 53]', ['DNS server']],
    ['DHCP', '{ essentials: judge, rules: [deny out 67/udp] }', [DHCP]],
    ['time', 'rules: [deny out 123/udp]', [TIME]],
    ['time by its name', 'rules: [deny out 123/udp to .ntp.example]', [TIME]],
    ['time by its program', 'rules: [deny out program /usr/sbin/chronyd]', [TIME]],
    ['time by its unit', 'rules: [deny out unit chrony]', [TIME]],
    ['the page', 'rules: [deny in 8090/tcp]', [PAGE]],
    ['the page by who has it open', 'rules: [deny in 8090/tcp from desk.example]', [PAGE]],
    ['the page by its program', 'rules: [deny in program /usr/bin/node]', [PAGE]],
  ])('%s', (_what, draft, cut) => {
    expect(cutsOf(bookOf(draft), EMPTY_BOOK, seen).map(({ what }) => what)).toEqual(cut)
    expect(cutsOf(bookOf('rules: [deny in 9/tcp, deny out program /no/such]'), EMPTY_BOOK, seen)).toEqual([])
  })
})

test('a lockdown leaves who is logged in', () => {
  expect(cuts(lockdownText([ip('198.51.100.7')]))).toEqual(['DNS server'])
})
