import { createRuleEnforcer } from '#enforce/rules.ts'
import { AF_PACKET, bindSocket, openSocket, SOCK_RAW, sendBytes } from '#kernel/libc.ts'
import { readLinks } from '#kernel/links.ts'
import { check } from '#policy/rules/check.ts'
import { compile } from '#policy/rules/compile.ts'
import { parseRules } from '#policy/rules/parse.ts'
import { fields } from '../test/support/frames.ts'
import { layWire, type NamespaceHost } from '../test/support/namespaces.ts'
import { median, type Row } from './bench.ts'

export const title = 'Rules: 10,000 of them and a list of a million, and what a new packet pays for them'

const RULES = 10_000
const LISTED = 1_000_000
const FRAMES = 20_000
const ROUNDS = 5

/** In namespaces of its own: the machine's own packet filter is not touched. Needs root. */
export async function run(): Promise<readonly Row[]> {
  if (process.getuid?.() !== 0) {
    console.log('  left out: rules need root')
    return []
  }
  const { server, client, remove } = layWire()
  try {
    const mac = server.run('cat', `/sys/class/net/${server.link}/address`).trim()
    const inside = (...words: string[]): string => here(server, ...words)
    const perFrame = (what: string): Row =>
      row(`a new packet, ${what}`, Number(here(client, '--send', mac, client.ip4, server.ip4)), 'µs')
    const rows = [perFrame('no table at all')]
    inside('--load', 'empty')
    rows.push(perFrame('a table without rules of its own'))
    inside('--load', 'list')
    rows.push(perFrame(`one rule with a list of ${LISTED}`))
    const loaded = JSON.parse(inside('--load', 'many')) as Row[]
    rows.push(perFrame(`none of ${RULES} rules matches it`))
    return [...loaded, ...rows]
  } finally {
    remove()
  }
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

const manyRules = (): string =>
  Array.from({ length: RULES }, (_, at) => {
    const network = `172.${16 + (at >> 12)}.${(at >> 4) & 255}.${(at & 15) * 16}/28`
    return `  - { action: ${at % 2 ? 'deny' : 'allow'}, direction: inbound, protocol: tcp, port: ${1 + at}, from: ${network} }\n`
  }).join('')

const TEXTS: Readonly<Record<string, () => string>> = {
  empty: () => '{}',
  list: () => 'lists: { bad: { file: /bad } }\nrules: [{ action: deny, from: bad }]',
  many: () => `lists: { bad: { file: /bad } }\nrules:\n  - { action: deny, from: bad }\n${manyRules()}`,
}

function load(which: string): void {
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

/** Median over the rounds of the microseconds that one frame takes from send to the end of the receiver's work. */
function send(mac: string, source: string, target: string): void {
  const link = readLinks().find(({ name }) => name === 'gh0')
  if (!link) throw new Error('no link gh0')
  const fd = openSocket(AF_PACKET, SOCK_RAW, 0)
  const address = new Uint8Array(20)
  const view = new DataView(address.buffer)
  view.setUint16(0, AF_PACKET, true)
  view.setInt32(4, link.index, true)
  bindSocket(fd, address)
  const frame = udpFrame(mac, source, target)
  const header = new DataView(frame.buffer)
  const times = Array.from({ length: ROUNDS }, () => {
    const startedAt = performance.now()
    for (let at = 0; at < FRAMES; at++) {
      header.setUint16(34, 1024 + (at % 60_000))
      sendBytes(fd, frame)
    }
    return ((performance.now() - startedAt) * 1000) / FRAMES
  })
  process.stdout.write(median(times).toFixed(2))
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
else if (mode === '--send') send(words[0] ?? '', words[1] ?? '', words[2] ?? '')
