import type { ChildProcess } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { readCapture } from '#capture/sources/pcap.ts'
import type { Alert, Page } from '#contract/schemas.ts'
import { createCoreClient } from '../../src/cli/client.ts'
import { removeFolder, startDaemon, type TestDaemon } from '../../test/support/daemon.ts'
import { layLan, type NamespaceHost } from '../../test/support/namespaces.ts'
import { withChecksums } from './checksums.ts'

const MOST_CAPTURED = 30_000
const [SERVER, INNOCENT, FIRST_ATTACKER] = [1, 2, 10]
const beside = (name: string): string => new URL(name, import.meta.url).pathname

/** An address that the kernel began to turn away. Milliseconds since the epoch. */
export interface Blocked {
  readonly address: string
  readonly at: number
}

/** What came of one attack on the wire and at the filters. */
export interface Heard {
  /** Of the attack's first packet at the server. Milliseconds since the epoch. */
  readonly firstAt: number | undefined
  /** Packets of everybody but the innocent: that came, and that got past the filters. */
  readonly offered: number
  readonly through: number
}

/** A server with Gatehouse, somebody innocent who works with it all the time, and one attacker per scenario. */
export interface Stage {
  readonly server: NamespaceHost
  readonly innocent: NamespaceHost
  readonly attackers: readonly NamespaceHost[]
  readonly blocked: readonly Blocked[]
  alerts(): Promise<readonly Alert[]>
  /** Begins to listen; the answer ends it. */
  listen(file: string): Promise<() => Promise<Heard>>
  end(): Promise<void>
}

/** `config` are lines of config.yaml. */
export async function setStage(attackers: number, config: string): Promise<Stage> {
  const lasts = [SERVER, INNOCENT, ...Array.from({ length: attackers }, (_, n) => FIRST_ATTACKER + n)]
  const lan = layLan(lasts)
  const [server, innocent, ...others] = lan.hosts as [NamespaceHost, NamespaceHost, ...NamespaceHost[]]
  try {
    return await dress({ server, innocent, attackers: others }, { config, remove: lan.remove })
  } catch (cause) {
    lan.remove()
    throw cause
  }
}

type Hosts = Pick<Stage, 'server' | 'innocent' | 'attackers'>

async function dress(
  hosts: Hosts,
  { config, remove }: { config: string; remove: () => void },
): Promise<Stage> {
  const { server, innocent } = hosts
  // Answers to forged addresses have somewhere to go: nobody is there.
  server.run('ip', 'route', 'add', 'default', 'via', server.ip4.replace(/\.\d+$/, '.250'))
  count(server, innocent.ip4)
  await firstWord(server.start(process.execPath, beside('services.ts')))
  const daemon = await startDaemon({ namespace: server.namespace, config, hasPage: true })
  const core = createCoreClient([join(daemon.folder, 'run', 'api.sock')])
  const blocked = hearBlocks(server)
  innocent.start(process.execPath, '--input-type=module', '-e', honestWork(server.ip4))
  return {
    ...{ ...hosts, blocked },
    alerts: async () => (await core.ask<Page<Alert>>('GET', '/alerts?limit=500')).items,
    listen: (file) => listen(hosts, file),
    end: () => end(daemon, remove),
  }
}

async function end(daemon: TestDaemon, remove: () => void): Promise<void> {
  await daemon.stop()
  removeFolder(daemon.folder)
  remove()
}

const firstWord = (child: ChildProcess): Promise<unknown> =>
  new Promise((resolve) => child.stdout?.once('data', resolve))

/** Before all filters, and behind them. */
function count(server: NamespaceHost, innocent: string): void {
  const chain = (name: string, hook: string): string =>
    `chain ${name} {\ntype filter hook ${hook};\niifname ${server.link} ip saddr != ${innocent} counter name ${name}\n}\n`
  server.run(
    'nft',
    `table inet bench {\ncounter offered { }\ncounter through { }\n${chain('offered', 'prerouting priority -450')}${chain('through', 'input priority 450')}}`,
  )
}

const countOf = (server: NamespaceHost, name: string): number =>
  Number(/packets (\d+)/.exec(server.run('nft', 'reset', 'counter', 'inet', 'bench', name))?.[1])

/** The kernel itself tells of each element; a millisecond or two passes until we hear it. */
function hearBlocks(server: NamespaceHost): Blocked[] {
  const blocked: Blocked[] = []
  const monitor = server.start('stdbuf', '-oL', 'nft', 'monitor', 'new', 'elements')
  if (!monitor.stdout) throw new Error('nft monitor has no output')
  createInterface({ input: monitor.stdout }).on('line', (line) => {
    const at = performance.timeOrigin + performance.now()
    const [, address] = /^(?:add|create) element inet gatehouse blocked\S* \{ ([0-9a-f.:]+)/.exec(line) ?? []
    if (address !== undefined) blocked.push({ address, at })
  })
  return blocked
}

async function listen({ server, innocent }: Hosts, file: string) {
  for (const name of ['offered', 'through']) countOf(server, name)
  const dump = server.start(
    ...(['tcpdump', '-n', '--immediate-mode', '-U', '-i', server.link, '-s', '512', '-B', '8192'] as const),
    ...['-c', String(MOST_CAPTURED), '-w', file, 'not icmp6'],
  )
  await new Promise((resolve) => dump.stderr?.once('data', resolve))
  return async (): Promise<Heard> => {
    const [offered, through] = [countOf(server, 'offered'), countOf(server, 'through')]
    const isOver = dump.exitCode !== null
    dump.kill('SIGINT')
    if (!isOver) await new Promise((resolve) => dump.once('exit', resolve))
    return { firstAt: await firstPacketAt(file, [macOf(server), macOf(innocent)]), offered, through }
  }
}

const macOf = (host: NamespaceHost): string =>
  host.run('cat', `/sys/class/net/${host.link}/address`).trim().replaceAll(':', '')

/** Of nobody of these; ARP comes before it only where it is the attack. */
async function firstPacketAt(file: string, others: readonly string[]): Promise<number | undefined> {
  let [firstAt, firstOfAllAt]: (number | undefined)[] = []
  await readCapture(file, {
    // Eight parameters: FrameSink, a frame without an object around it.
    frame(view, offset, _captured, _length, at) {
      const sender = Buffer.from(view.buffer, view.byteOffset + offset + 6, 6).toString('hex')
      if (others.includes(sender)) return
      firstOfAllAt ??= at
      if (view.getUint16(offset + 12) === IPV4) firstAt ??= at
    },
  })
  return firstAt ?? firstOfAllAt
}

const IPV4 = 0x0800

/** Web pages and names, a few each second, and a closed port that it tries again and again. */
const honestWork = (server: string): string => `
  import { get } from 'node:http'
  import { connect } from 'node:net'
  setInterval(() => {
    get('http://${server}/page', (response) => response.resume()).on('error', () => {})
    connect(5432, '${server}').on('error', () => {})
  }, 500)
`

/** A command that sends lists of frames as they are from this host, with a pause after each. `file` keeps them meanwhile. */
export function sendingFrames(
  host: NamespaceHost,
  frames: readonly (readonly Uint8Array[])[],
  { file, pauseMs }: { readonly file: string; readonly pauseMs: number },
): string {
  const hex = (frame: Uint8Array): string => Buffer.from(withChecksums(frame)).toString('hex')
  writeFileSync(file, frames.map((together) => `${together.map(hex).join(' ')}\n`).join(''))
  return `${process.execPath} ${beside('paced-frames.ts')} ${host.link} ${file} ${pauseMs}`
}
