import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createNftablesEnforcer } from '#enforce/nftables.ts'
import { formatIpv4 } from '#model/address.ts'
import { findProgram, median, printBench, type Row } from './bench.ts'
import { measureTurnedAway } from './turned-away.ts'

export const title =
  'Blocks: one, and 100,000 at once, each with time-out, counter and note; and what a packet costs that they turn away'

const MANY = 100_000
const MANY_RUNS = 3
const OUR_SINGLES = 2_000
const SPAWNED_SINGLES = 100
const FIRST_ADDRESS = 0x0b000000
const SECONDS = 3600
const NOTE = 'port-scan: tried 10 ports in 2 s'

const address = (number: number) => formatIpv4(FIRST_ADDRESS + number)
const nft = findProgram('nft')
const ipset = findProgram('ipset')

/** Runs in a namespace of its own: the machine's own packet filter is not touched. Needs root. */
export async function run(): Promise<readonly Row[]> {
  if (process.getuid?.() !== 0) {
    console.log('  left out: blocks need root')
    return []
  }
  const namespace = `ghbench${process.pid}`
  execFileSync('ip', ['netns', 'add', namespace])
  try {
    const inside = ['netns', 'exec', namespace, process.execPath, import.meta.filename, INSIDE]
    const changes = JSON.parse(execFileSync('ip', inside, { encoding: 'utf8' })) as Row[]
    return [...changes, ...(nft ? await measureTurnedAway() : [])]
  } finally {
    execFileSync('ip', ['netns', 'del', namespace])
  }
}

const INSIDE = '--inside'

interface Peer {
  readonly who: string
  prepare(): void
  addOne(number: number): void
  /** Gives back what does it: writing the list down is not measured. */
  many(): () => void
}

async function measureAll(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'))
  try {
    const peers = [nft && nftPeer(nft, folder), ipset && ipsetPeer(ipset)].filter((peer) => !!peer)
    return [...(await measureOurs()), ...peers.flatMap(measurePeer)]
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function measureOurs(): Promise<Row[]> {
  const many: number[] = []
  let singles: number[] = []
  let adoptMs = Number.NaN
  for (let run = 0; run < MANY_RUNS; run++) {
    const now = Date.now()
    const until = now + SECONDS * 1000
    const blocks = Array.from({ length: MANY }, (_, at) => ({ target: address(at), until, note: NOTE }))
    const enforcer = createNftablesEnforcer({ now: () => Date.now() })
    await enforcer.start()
    many.push(timed(() => must(enforcer.blockMany(blocks, now))))
    singles = Array.from({ length: OUR_SINGLES }, (_, at) =>
      timed(() => must(enforcer.block({ target: address(MANY + at), until, note: NOTE }, now))),
    )
    await enforcer.stop(true)
    const next = createNftablesEnforcer({ now: () => Date.now() })
    const from = performance.now()
    must((await next.start()).length === MANY + OUR_SINGLES)
    adoptMs = performance.now() - from
    await next.stop(false)
  }
  const adopted: Row = { what: 'adopt 100,000', who: 'gatehouse', value: adoptMs, unit: 'ms', better: 'less' }
  return [...rowsOf('gatehouse', singles, many), adopted]
}

function measurePeer(peer: Peer): Row[] {
  const many = Array.from({ length: MANY_RUNS }, () => {
    peer.prepare()
    return timed(peer.many())
  })
  // With the 100,000 in place, as for ours.
  const singles = Array.from({ length: SPAWNED_SINGLES }, (_, at) => timed(() => peer.addOne(MANY + at)))
  return rowsOf(peer.who, singles, many)
}

function rowsOf(who: string, singles: readonly number[], many: readonly number[]): Row[] {
  const sorted = singles.toSorted((a, b) => a - b)
  const p99 = sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN
  const common = { who, unit: 'ms', better: 'less' } as const
  return [
    { ...common, what: 'one block, p50', value: median(singles), note: `of ${singles.length}` },
    { ...common, what: 'one block, p99', value: p99, note: `of ${singles.length}` },
    { ...common, what: '100,000 blocks', value: median(many), note: `median of ${many.length}` },
  ]
}

function nftPeer(program: string, folder: string): Peer {
  const file = join(folder, 'blocks.nft')
  const element = (number: number) => `${address(number)} timeout ${SECONDS}s comment "${NOTE}"`
  const set = 'set blocked { type ipv4_addr; flags timeout; counter; }'
  return {
    who: 'nft, spawned',
    prepare() {
      writeFileSync(file, `table inet peer\ndelete table inet peer\ntable inet peer {\n${set}\n}\n`)
      spawned(program, '-f', file)
    },
    addOne: (number) =>
      spawned(program, 'add', 'element', 'inet', 'peer', 'blocked', `{ ${element(number)} }`),
    many() {
      const elements = Array.from({ length: MANY }, (_, at) => element(at)).join(', ')
      writeFileSync(file, `add element inet peer blocked { ${elements} }\n`)
      return () => spawned(program, '-f', file)
    },
  }
}

function ipsetPeer(program: string): Peer {
  let isMade = false
  return {
    who: 'ipset, spawned',
    prepare() {
      if (isMade) spawned(program, 'destroy', 'peer')
      isMade = true
      const options = ['timeout', '0', 'counters', 'comment', 'maxelem', '1000000']
      spawned(program, 'create', 'peer', 'hash:ip', ...options)
    },
    addOne: (number) =>
      spawned(program, 'add', 'peer', address(number), 'timeout', `${SECONDS}`, 'comment', NOTE),
    many() {
      const lines = Array.from(
        { length: MANY },
        (_, at) => `add peer ${address(at)} timeout ${SECONDS} comment "${NOTE}"\n`,
      )
      const input = lines.join('')
      return () => void execFileSync(program, ['restore'], { input, stdio: ['pipe', 'ignore', 'inherit'] })
    },
  }
}

const spawned = (program: string, ...args: string[]): void =>
  void execFileSync(program, args, { stdio: ['ignore', 'ignore', 'inherit'] })

function timed(act: () => void): number {
  const from = performance.now()
  act()
  return performance.now() - from
}

function must(isSo: boolean): void {
  if (!isSo) throw new Error('the kernel did not take the blocks: the figures would mean nothing')
}

if (process.argv.includes(INSIDE)) process.stdout.write(JSON.stringify(await measureAll()))
else if (import.meta.main) await printBench({ title, run })
