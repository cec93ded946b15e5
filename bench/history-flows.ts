import { formatIpv4, type Ip, ip } from '#model/address.ts'
import type { Connection, Direction } from '#model/flow.ts'
import type { Owner } from '#model/owner.ts'

/** A whole number below another. */
export type Random = (below: number) => number

/** Few values are common and many are rare, as on a real machine. */
const skewed = (random: Random, count: number): number => Math.floor(count * (random(1e6) / 1e6) ** 3)

const PROGRAMS = [
  'curl',
  'firefox',
  'sshd',
  'nginx',
  'postgres',
  'node',
  'python3',
  'chronyd',
  'systemd-resolved',
]
const USERS = ['root', 'anna', 'www-data', 'postgres', 'berta']
const COUNTRIES = ['US', 'DE', 'FR', 'NL', 'GB', 'SE', 'JP', 'BR', 'IN', 'CN', 'AU', 'CA', 'PL', 'IT', 'ES']

/** One of many: few values are common, most are rare. */
export function flowOf(id: number, at: number, random: Random): Connection {
  const isInbound = random(10) === 0
  const peer = 100 * 2 ** 24 + skewed(random, 20_000) * 97
  const [high, low] = [32_768 + random(28_000), [443, 80, 53, 123, 22, 993][skewed(random, 6)] ?? 443]
  const isUdp = low === 53 || low === 123
  const ends = { here: ip('192.168.1.5'), there: formatIpv4(peer) }
  const bytes = 60 + Math.floor(2 ** (random(2_600) / 100))
  return {
    ...base(id, at),
    protocol: isUdp ? 17 : 6,
    ...endsOf(ends, high, low, isInbound),
    interfaceName: random(3) === 0 ? 'wlan0' : 'eth0',
    state: isUdp ? 'answered' : 'closed',
    ended: isUdp ? 'timeout' : 'finished',
    bytesForward: bytes,
    bytesBackward: bytes * random(9),
    ...(!isUdp && { handshakeMs: random(20_000) / 100 }),
    ...placeOf(peer),
    ...(random(50) > 0 && { owner: ownerOf(id, skewed(random, 150), skewed(random, 5)) }),
  }
}

type Ends = { readonly here: Ip; readonly there: Ip }

function endsOf({ here, there }: Ends, high: number, low: number, isInbound: boolean) {
  const direction: Direction = isInbound ? 'inbound' : 'outbound'
  return {
    direction,
    source: isInbound ? there : here,
    target: isInbound ? here : there,
    sourcePort: high,
    targetPort: low,
    peer: there,
    peerPort: isInbound ? high : low,
    localPort: isInbound ? low : high,
  }
}

/** Two of three have a name. */
const placeOf = (peer: number): Partial<Connection> => ({
  ...(peer % 3 > 0 && { name: `host-${peer}.example.com`, nameSource: 'dns' }),
  country: COUNTRIES[peer % COUNTRIES.length] ?? 'US',
  asn: 64_512 + (peer % 900),
  asName: `Network ${peer % 900}`,
})

/** Short-lived programs have a process for a few flows, the others one for all of them. */
function ownerOf(id: number, program: number, user: number): Owner {
  const name = PROGRAMS[program] ?? `program-${program}`
  return {
    pid: program % 3 === 0 ? 1000 + ((id >> 4) % 30_000) : 500 + program,
    path: `/usr/bin/${name}`,
    name,
    commandLine: `${name} --serve`,
    uid: 1000 + user,
    user: USERS[user] ?? 'root',
    unit: `unit-${program % 20}.service`,
    source: 'ebpf',
  }
}

const base = (id: number, at: number) => ({
  id,
  communityId: `1:${Buffer.from(`${id} community id 20b`.padEnd(20, '.').slice(0, 20)).toString('base64')}`,
  vlan: 0,
  openedAt: Math.floor(at),
  seenAt: Math.floor(at) + 1500,
  packetsForward: 9,
  packetsBackward: 7,
  retransmitsForward: 0,
  retransmitsBackward: 0,
  tcpFlagsForward: 27,
  tcpFlagsBackward: 27,
})

/** Rare in everything. */
export function needle(id: number, at: number): Connection {
  const isV6 = id % 2048 === 512
  const source = ip(isV6 ? '2001:db8:88::1' : '203.0.113.77')
  const target = ip(isV6 ? '2001:db8:77::1' : '203.0.113.78')
  return {
    ...base(id, at),
    protocol: 47,
    source,
    target,
    sourcePort: 64_998,
    targetPort: 64_999,
    direction: 'forward',
    peer: target,
    peerPort: 64_999,
    localPort: 64_998,
    interfaceName: 'needle0',
    state: 'syn-received',
    ended: 'timeout',
    bytesForward: 150e9,
    bytesBackward: 0,
    handshakeMs: 40_000,
    name: 'needle.example',
    nameSource: 'tls',
    country: 'AQ',
    asn: 4_200_000_000,
    asName: 'Needle Networks',
    owner: {
      pid: 3_999_999,
      path: '/opt/needle/bin/needle',
      name: 'needle',
      commandLine: 'needle',
      uid: 4242,
      user: 'needle',
      unit: 'needle.service',
      container: { engine: 'docker', id: 'needle', name: 'needle' },
      source: 'ebpf',
    },
  }
}

/** Numbers that are the same in every run (xorshift32). */
export function createRandom(seed: number): Random {
  let state = seed
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}
