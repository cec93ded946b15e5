import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRuleEnforcer } from '#enforce/rules.ts'
import { sendBytes } from '#kernel/libc.ts'
import { readLinks } from '#kernel/links.ts'
import { check } from '#policy/rules/check.ts'
import { compile } from '#policy/rules/compile.ts'
import { parseRules } from '#policy/rules/parse.ts'
import { fields } from '../test/support/frames.ts'
import { layWire, type NamespaceHost, type Wire } from '../test/support/namespaces.ts'
import { openRawLink } from '../test/support/raw-link.ts'
import { findProgram, type Row } from './bench.ts'

export const title = 'Rules: 10,000 of them and a list of a million, and what a new packet pays for them'

const RULES = 10_000
const LISTED = 1_000_000
const FRAMES = 20_000
/** A linear chain takes so much longer that fewer will do. */
const LINEAR_FRAMES = 1_000
const ROUNDS = 9

/** What a new packet meets: each on a wire of its own, so that all are measured in turn. */
interface Trial {
  readonly what: string
  readonly who: string
  readonly frames: number
  /** Inside the namespace of whoever receives. */
  readonly prepare: (inside: NamespaceHost) => Row[]
}

const TRIALS: readonly Trial[] = [
  { what: 'no table at all', who: 'gatehouse', frames: FRAMES, prepare: () => [] },
  {
    what: 'a table without rules',
    who: 'gatehouse',
    frames: FRAMES,
    prepare: (host) => loaded(host, 'empty'),
  },
  { what: `a list of ${LISTED}`, who: 'gatehouse', frames: FRAMES, prepare: (host) => loaded(host, 'list') },
  { what: `${RULES} rules`, who: 'gatehouse', frames: FRAMES, prepare: (host) => loaded(host, 'rules') },
  { what: `${RULES} rules`, who: 'iptables', frames: LINEAR_FRAMES, prepare: linear },
  {
    what: `${RULES} rules and the list`,
    who: 'gatehouse',
    frames: FRAMES,
    prepare: (host) => loaded(host, 'many'),
  },
]

/** In namespaces of its own: the machine's own packet filter is not touched. Needs root. */
export async function run(): Promise<readonly Row[]> {
  if (process.getuid?.() !== 0) {
    console.log('  left out: rules need root')
    return []
  }
  const hasIptables = findProgram('iptables-nft-restore') !== undefined
  const wires = TRIALS.filter(({ who }) => who === 'gatehouse' || hasIptables).map((trial) => ({
    trial,
    wire: layWire(),
    times: [] as number[],
  }))
  try {
    const rows = wires.map(({ trial, wire }) => trial.prepare(wire.server))
    for (let round = 0; round < ROUNDS; round++)
      for (const { trial, wire, times } of wires) times.push(timeOf(wire, trial.frames))
    const perPacket = wires.map(({ trial, times }) => ({
      ...row(`a new packet that none decides: ${trial.what}`, Number(Math.min(...times).toFixed(2)), 'µs'),
      who: trial.who,
    }))
    return [...(rows.at(-1) ?? []), ...perPacket]
  } finally {
    for (const { wire } of wires) wire.remove()
  }
}

/** Microseconds of CPU that one frame takes, from send to the end of the receiver's work. */
function timeOf({ server, client }: Wire, frames: number): number {
  const mac = server.run('cat', `/sys/class/net/${server.link}/address`).trim()
  return Number(here(client, '--send', mac, client.ip4, server.ip4, `${frames}`))
}

const loaded = (host: NamespaceHost, which: string): Row[] => JSON.parse(here(host, '--load', which)) as Row[]

/** The same rules as people write them for iptables: one after the other. */
function linear(host: NamespaceHost): Row[] {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'))
  const file = join(folder, 'rules')
  const lines = eachRule(
    (at, network) => `-A INPUT -p tcp -s ${network} --dport ${1 + at} -j ${at % 2 ? 'DROP' : 'ACCEPT'}`,
  )
  const established = '-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT'
  writeFileSync(file, ['*filter', established, ...lines, 'COMMIT', ''].join('\n'))
  host.run('iptables-nft-restore', file)
  rmSync(folder, { recursive: true })
  return []
}

const row = (what: string, value: number, unit: string): Row => ({
  what,
  who: 'gatehouse',
  value,
  unit,
  better: 'less',
})

const here = (host: NamespaceHost, ...words: string[]): string =>
  host.run(process.execPath, import.meta.filename, ...words).trim()

const list = (): string =>
  Array.from({ length: LISTED }, (_, at) => {
    const value = 0x0b000000 + at * 7
    return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`
  }).join('\n')

const eachRule = (write: (at: number, network: string) => string): string[] =>
  Array.from({ length: RULES }, (_, at) =>
    write(at, `172.${16 + (at >> 12)}.${(at >> 4) & 255}.${(at & 15) * 16}/28`),
  )

const manyRules = (): string =>
  eachRule(
    (at, network) =>
      `  - { action: ${at % 2 ? 'deny' : 'allow'}, direction: inbound, protocol: tcp, port: ${1 + at}, from: ${network} }`,
  ).join('\n')

const TEXTS: Readonly<Record<string, () => string>> = {
  empty: () => '{}',
  list: () => 'lists: { bad: { file: /bad } }\nrules: [{ action: deny, from: bad }]',
  rules: () => `rules:\n${manyRules()}`,
  many: () => `lists: { bad: { file: /bad } }\nrules:\n  - { action: deny, from: bad }\n${manyRules()}`,
}

/** Only namespaces of the bench have it. */
const wireLink = () => readLinks().find(({ name }) => name === 'gh0')

function load(which: string): void {
  if (!wireLink()) throw new Error('never on the machine itself: node bench/run.ts rules makes namespaces')
  const text = (TEXTS[which] as () => string)()
  const bad = list()
  const rows: Row[] = []
  const timed = <Answer>(what: string, work: () => Answer): Answer => {
    const startedAt = performance.now()
    const answer = work()
    rows.push(row(what, Math.round(performance.now() - startedAt), 'ms'))
    return answer
  }
  const { book } = timed('read rules and list', () =>
    parseRules(text, 'bench', { uidOf: () => undefined, listText: () => bad }),
  )
  if (!book) throw new Error('the rules of the bench are wrong')
  const program = timed('compile', () => compile(book, Date.now()))
  const enforcer = createRuleEnforcer({ table: 'gatehouse_rules' })
  timed('load into the kernel', () => {
    if (!enforcer.enforce(program)) throw new Error(JSON.stringify(enforcer.health))
  })
  timed('check for shadowed rules', () => check(book, Date.now()))
  enforcer.stop(true)
  process.stdout.write(JSON.stringify(rows))
}

/** The receiver's work is done in the call that sends: it counts as this process's own. */
function send([mac = '', source = '', target = '', count = '1']: readonly string[]): void {
  const link = wireLink()
  if (!link) throw new Error('no link gh0')
  const fd = openRawLink(link.name)
  const frame = udpFrame(mac, source, target)
  const header = new DataView(frame.buffer)
  const frames = Number(count)
  const before = process.cpuUsage()
  for (let at = 0; at < frames; at++) {
    header.setUint16(34, 1024 + (at % 60_000))
    sendBytes(fd, frame)
  }
  const { user, system } = process.cpuUsage(before)
  process.stdout.write(((user + system) / frames).toFixed(3))
}

/** To the discard port, without a UDP checksum (RFC 768 allows it over IPv4). */
function udpFrame(mac: string, source: string, target: string): Uint8Array {
  const bytes = (text: string, separator: string, radix: number): number[] =>
    text.split(separator).map((part) => Number.parseInt(part, radix))
  const ip = Uint8Array.from([
    ...fields([0x4500, 2], [32, 2], [1, 2], [0, 2], [64, 1], [17, 1], [0, 2]),
    ...bytes(source, '.', 10),
    ...bytes(target, '.', 10),
  ])
  const words = new DataView(ip.buffer)
  let sum = 0
  for (let at = 0; at < 20; at += 2) sum += words.getUint16(at)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  words.setUint16(10, ~sum & 0xffff)
  const udp = fields([1024, 2], [9, 2], [12, 2], [0, 2], [0, 4])
  return Uint8Array.from([...bytes(mac, ':', 16), 2, 0, 0, 0, 0, 9, 8, 0, ...ip, ...udp])
}

const [mode, ...words] = process.argv.slice(2)
if (mode === '--load') load(words[0] ?? '')
else if (mode === '--send') send(words)
