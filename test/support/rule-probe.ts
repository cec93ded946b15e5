import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import koffi from 'koffi'
import { ClassBook, withMarks } from '#enforce/program-classes-book.ts'
import { createRuleEnforcer } from '#enforce/rules.ts'
import { SOL_SOCKET, setSocketNumber } from '#kernel/libc.ts'
import { NftTable } from '#kernel/nft.ts'
import { type Ip, ip, ipBytes } from '#model/address.ts'
import type { RuleBook } from '#model/rule.ts'
import { compile } from '#policy/rules/compile.ts'
import { type Judgement, judge } from '#policy/rules/judge.ts'
import { parseRules } from '#policy/rules/parse.ts'
import { describeProblem } from '#policy/rules/rule-reader.ts'
import { randomRuleFile } from './rule-files.ts'
import {
  Dice,
  flowPackets,
  join,
  type KnownFlow,
  randomPacket,
  type TrialAddresses,
  type TriedPacket,
} from './rule-packets.ts'
import {
  isStoppedInSimulation,
  rememberedFlow,
  trialNames,
  trialWorld,
  withNames,
} from './rule-trial-world.ts'

/**
 * Runs in the namespace of the server: random rule files, random packets, and what the kernel did with each against
 * what `judge` said. Prints one line of JSON. Arguments: namespace of the client, files, packets, seed.
 */
const [
  clientNamespace = '',
  files = '1',
  packets = '20',
  seed = '1',
  own4 = '',
  own6 = '',
  peer4 = '',
  peer6 = '',
] = process.argv.slice(2)

const libc = koffi.load('libc.so.6')
const openSocket = libc.func('int socket(int, int, int)')
const sendTo = libc.func('long sendto(int, void *, size_t, int, void *, uint32)')
const setFileUser = libc.func('int setfsuid(uint32)')
const [AF_INET, AF_INET6, SOCK_RAW, IPPROTO_RAW, SO_MARK] = [2, 10, 3, 255, 36]
const MARK_MASK = 0xff000000

const sh = (program: string, ...args: string[]): string =>
  execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })

const addresses: TrialAddresses = {
  own4: ip(own4),
  own6: ip(own6),
  strangers4: ['192.0.2.1', '192.0.2.4', '192.0.2.200', '198.51.100.7', '198.51.100.99', '203.0.113.9'].map(
    ip,
  ),
  strangers6: ['2001:db8::1', '2001:db8:1::9', '2001:db8:1::fff', '2001:db8:2::7'].map(ip),
  beyond4: ['10.99.0.5', '10.99.0.9'].map(ip),
  beyond6: ['fd99::5', 'fd99::9'].map(ip),
}

/** Ports of peers that no other packet of the trial has. */
const flows: readonly KnownFlow[] = [
  { family: 4, own: ip(own4), ownPort: 53, peer: ip('198.51.100.7'), peerPort: 20_001 },
  { family: 4, own: ip(own4), ownPort: 40_001, peer: ip('192.0.2.4'), peerPort: 20_002 },
  { family: 6, own: ip(own6), ownPort: 40_002, peer: ip('2001:db8::1'), peerPort: 20_003 },
  { family: 6, own: ip(own6), ownPort: 123, peer: ip('2001:db8:2::7'), peerPort: 20_004 },
]

/** What lies behind the rules: remembers who came through, and drops it, so that nothing answers. */
const OBSERVER = `
table inet observer {
  set seen4 { typeof ip id; flags dynamic; size 65535; }
  set seen6 { typeof ip6 flowlabel; flags dynamic; size 65535; }
  # What the kernel says by itself (rejections, neighbour discovery) has no socket of a program.
  chain early { type filter hook output priority -300; meta skuid 0-4294967294 accept; drop; }
  ${['input', 'forward', 'output']
    .map(
      (hook) =>
        `chain ${hook} { type filter hook ${hook} priority -100; update @seen4 { ip id }; update @seen6 { ip6 flowlabel }; drop; }`,
    )
    .join('\n')}
}
`

function prepareNetwork(): void {
  // Its other end is there only because some kernels have no dummy links.
  sh('ip', 'link', 'add', 'beyond0', 'type', 'veth', 'peer', 'name', 'nowhere0')
  sh('ip', 'link', 'set', 'nowhere0', 'up')
  sh('ip', 'addr', 'add', '10.99.0.1/24', 'dev', 'beyond0')
  sh('ip', 'addr', 'add', 'fd99::1/64', 'dev', 'beyond0', 'nodad')
  sh('ip', 'link', 'set', 'beyond0', 'up')
  const mac = sh('ip', 'netns', 'exec', clientNamespace, 'cat', '/sys/class/net/gh0/address').trim()
  for (const peer of [peer4, peer6])
    sh('ip', 'neigh', 'replace', peer, 'lladdr', mac, 'dev', 'gh0', 'nud', 'permanent')
  sh('ip', 'route', 'add', 'default', 'via', peer4)
  sh('ip', '-6', 'route', 'add', 'default', 'via', peer6)
  const settings = [
    'net.ipv4.ip_forward=1',
    'net.ipv6.conf.all.forwarding=1',
    'net.ipv4.conf.all.rp_filter=0',
    'net.ipv4.conf.gh0.rp_filter=0',
  ]
  sh('sysctl', '-qw', ...settings)
  sh(
    'ip',
    'netns',
    'exec',
    clientNamespace,
    'nft',
    'add table inet silent; add chain inet silent in { type filter hook prerouting priority -400; policy drop; }; add chain inet silent out { type filter hook output priority -400; policy drop; }',
  )
}

/** Raw sockets, one for each user: the kernel takes the user of a packet from who opened its socket. */
function openRaw(uid: number): { readonly v4: number; readonly v6: number } {
  setFileUser(uid)
  const sockets = {
    v4: openSocket(AF_INET, SOCK_RAW, IPPROTO_RAW),
    v6: openSocket(AF_INET6, SOCK_RAW, IPPROTO_RAW),
  }
  setFileUser(0)
  return sockets
}

const rawByUser = new Map([0, 1000, 1001].map((uid) => [uid, openRaw(uid)]))

function sendOut(bytes: Uint8Array, target: Ip, uid: number, mark = 0): void {
  const sockets = rawByUser.get(uid)
  if (!sockets) throw new Error(`no socket of user ${uid}`)
  const isSix = target.includes(':')
  setSocketNumber(isSix ? sockets.v6 : sockets.v4, SOL_SOCKET, SO_MARK, mark)
  const address = new Uint8Array(isSix ? 28 : 16)
  new DataView(address.buffer).setUint16(0, isSix ? AF_INET6 : AF_INET, true)
  address.set(ipBytes(target), isSix ? 8 : 4)
  // A dropped packet is EPERM to its sender; the observer tells what became of it.
  sendTo(isSix ? sockets.v6 : sockets.v4, bytes, bytes.length, 0, address, address.length)
}

class FrameSender {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>
  readonly #head: Uint8Array

  constructor() {
    const script = new URL('frame-sender.ts', import.meta.url).pathname
    this.#child = spawn('ip', ['netns', 'exec', clientNamespace, process.execPath, script, 'gh0'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    if (!this.#child.stdout) throw new Error('the sender has no output')
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]()
    const mac = readFileSync('/sys/class/net/gh0/address', 'utf8').trim().split(':')
    this.#head = join(
      Uint8Array.from(mac.map((part) => Number.parseInt(part, 16))),
      Uint8Array.of(2, 0, 0, 0, 0, 9),
    )
  }

  async send(all: readonly Uint8Array[]): Promise<void> {
    if (all.length === 0) return
    const words = all.map((bytes) => {
      const type = (bytes[0] ?? 0) >>> 4 === 6 ? Uint8Array.of(0x86, 0xdd) : Uint8Array.of(8, 0)
      return Buffer.from(join(this.#head, type, bytes)).toString('hex')
    })
    this.#child.stdin?.write(`${words.join(' ')}\n`)
    const { value } = await this.#lines.next()
    if (Number(value) !== all.length) throw new Error(`the sender sent ${value} of ${all.length}`)
  }

  end(): void {
    this.#child.stdin?.end()
  }
}

prepareNetwork()
const sender = new FrameSender()
const names = trialNames(() => Date.now())
const enforcer = createRuleEnforcer({
  table: 'gatehouse_rules',
  names: names.memory,
  log: { group: 71, perSecond: 50, snapBytes: 128 },
})

function bookOf(text: string): RuleBook {
  const { book, problems } = parseRules(text, 'random', trialWorld)
  if (!book) throw new Error(`${problems.map(describeProblem).join('\n')}\n${text}`)
  return book
}

/** Connection tracking watches from the first rule on. */
async function makeFlowsKnown(): Promise<void> {
  enforcer.enforce(compile(bookOf('{}'), Date.now()))
  sh(
    'sysctl',
    '-qw',
    'net.netfilter.nf_conntrack_udp_timeout=7200',
    'net.netfilter.nf_conntrack_udp_timeout_stream=7200',
  )
  for (const flow of flows) {
    const { out, back } = flowPackets(flow)
    sendOut(out, flow.peer, 0)
    await sender.send([back])
    sendOut(out, flow.peer, 0)
  }
  await sleep(50)
  execFileSync('nft', ['-f', '-'], { input: OBSERVER })
}

const observer = (): NftTable => (seenTable ??= new NftTable('observer'))
let seenTable: NftTable | undefined

/** Which packets came through, by their tags; forgotten once read. */
function takeSeen(): Set<number> {
  const tags = new Set<number>()
  for (const set of ['seen4', 'seen6']) {
    observer().dump(set, ({ key }) => tags.add(key.reduce((sum, byte) => sum * 256 + byte, 0)))
    observer().change([{ set, elements: [], isEmptied: true }])
  }
  return tags
}

interface Mismatch {
  readonly what: string
  readonly packet?: unknown
  readonly rules: string
}

const mismatches: Mismatch[] = []
const tally = {
  files: 0,
  packets: 0,
  passed: 0,
  stopped: 0,
  byRule: 0,
  branches: 0,
  classes: 0,
  hashed: 0,
  searched: 0,
  byDefault: 0,
  audited: 0,
  simulated: 0,
}
const kinds = new Map<string, number>()

const passes = ({ action }: Judgement): boolean => action === 'allow' || action === 'limit'

async function tryFile(dice: Dice, packetCount: number): Promise<void> {
  const at = Date.now()
  const text = randomRuleFile(dice, addresses, at)
  const book = bookOf(text)
  // Small trees and none: so few rules would not grow one by themselves.
  const fanout = dice.pick([1, 2, 3, 5, 64])
  const compiled = compile(book, at, fanout)
  const questions = (compiled.classes ?? []).map(({ question }) => question)
  const classes = new ClassBook({ questions, mask: MARK_MASK, half: dice.pick([0, 1]) })
  const tried = Array.from({ length: packetCount }, (_, index) => {
    const packet = randomPacket(dice, { addresses, flows, at }, index + 1)
    const { program = {} } = packet.facts
    const mark = classes.markOf(classes.bitsOf(program), classes.kindOf(program))
    return { ...packet, facts: withNames(packet.facts), mark }
  })
  const program = withMarks(compiled, MARK_MASK, (set) => classes.marksOf(set))
  tally.classes += classes.classes.length
  tally.branches += program.branches.length
  for (const { shift } of program.maps ?? []) tally[shift === undefined ? 'searched' : 'hashed']++
  if (!enforcer.enforce(program)) {
    mismatches.push({ what: `the kernel refused: ${JSON.stringify(enforcer.health)}`, rules: text })
    return
  }
  enforcer.named(names.late())
  for (const { facts, bytes, mark } of tried) {
    // Other bits of the mark are somebody else's.
    const foreign = dice.pick([0, 0, 0xca6c, 0x80000])
    if (facts.direction === 'outbound') sendOut(bytes, facts.target, facts.uid ?? 0, (mark | foreign) >>> 0)
  }
  await sender.send(tried.filter(({ facts }) => facts.direction !== 'outbound').map(({ bytes }) => bytes))
  const wanted = new Map(tried.map((packet) => [packet, judge(book, packet.facts)]))
  const seen = await settled(wanted)
  compare(text, wanted, seen)
  await compareSimulation({ text, book }, tried, seen)
  tally.files++
}

/** What a simulation says of the flows that the packets opened. */
async function compareSimulation(
  { text, book }: { readonly text: string; readonly book: RuleBook },
  tried: readonly TriedPacket[],
  seen: ReadonlySet<number>,
): Promise<void> {
  for (const { facts, tag } of tried) {
    const flow = rememberedFlow(facts)
    if (!flow) continue
    tally.simulated++
    if ((await isStoppedInSimulation(book, flow)) === !seen.has(tag)) continue
    const what = `the simulation says otherwise than the kernel, which let it ${seen.has(tag) ? '' : 'not '}through`
    mismatches.push({ what, packet: facts, rules: text })
  }
}

/** Frames are handled before the sender's call comes back, but for what the kernel put off: then a moment more. */
async function settled(wanted: ReadonlyMap<TriedPacket, Judgement>): Promise<Set<number>> {
  const seen = takeSeen()
  for (let turn = 0; turn < 20; turn++) {
    const counted = [...enforcer.counts()].reduce(
      (sum, [id, { packets: count }]) => sum + (isFinal(id) ? count : 0),
      0,
    )
    const auditedCount = [...wanted.values()].reduce((sum, { audited }) => sum + audited.length, 0)
    if (counted >= wanted.size + auditedCount) break
    await sleep(5)
    for (const tag of takeSeen()) seen.add(tag)
  }
  for (const tag of takeSeen()) seen.add(tag)
  return seen
}

const isFinal = (id: string): boolean => id !== 'refuse' && !id.startsWith('beyond:')

function compare(text: string, wanted: ReadonlyMap<TriedPacket, Judgement>, seen: ReadonlySet<number>): void {
  for (const [packet, judgement] of wanted) {
    note(packet, judgement)
    const cameThrough = seen.has(packet.tag)
    if (cameThrough === passes(judgement)) continue
    const fate = cameThrough ? 'came through' : 'did not come through'
    const what = `judge says ${judgement.action} (${judgement.because}), but it ${fate}`
    mismatches.push({ what, packet: packet.facts, rules: text })
  }
  compareCounts(text, wanted)
}

function compareCounts(text: string, wanted: ReadonlyMap<TriedPacket, Judgement>): void {
  const expected = new Map<string, number>()
  for (const { id, audited } of wanted.values()) {
    for (const counter of [id, ...audited]) expected.set(counter, (expected.get(counter) ?? 0) + 1)
  }
  for (const [id, { packets: counted }] of enforcer.counts()) {
    if (!isFinal(id) || counted === (expected.get(id) ?? 0)) continue
    const what = `rule ${id} counted ${counted}, judge expected ${expected.get(id) ?? 0}`
    const packets = [...wanted].map(([{ facts }, { id: by }]) => ({ by, ...facts }))
    mismatches.push({ what, packet: packets, rules: text })
  }
}

function note({ facts }: TriedPacket, judgement: Judgement): void {
  tally.packets++
  tally[passes(judgement) ? 'passed' : 'stopped']++
  tally[judgement.rule ? 'byRule' : 'byDefault']++
  tally.audited += judgement.audited.length
  const kind = `${facts.direction} ${facts.source.includes(':') ? 'v6' : 'v4'} ${facts.protocol} ${facts.state}`
  kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
}

const dice = new Dice(Number(seed))
await makeFlowsKnown()
const startedAt = performance.now()
for (let file = 0; file < Number(files) && mismatches.length < 5; file++) await tryFile(dice, Number(packets))
sender.end()
const seconds = (performance.now() - startedAt) / 1000
process.stdout.write(
  `${JSON.stringify({ ...tally, seconds, kinds: Object.fromEntries(kinds), mismatches: mismatches.slice(0, 3) })}\n`,
)
process.exit(0)
