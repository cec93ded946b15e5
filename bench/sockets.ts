import { execFileSync } from 'node:child_process'
import { type Owners, startOwners } from '#identify/owners/thread.ts'
import { holdSockets, manySockets } from '../test/support/sockets.ts'
import { findProgram, median, printBench, type Row } from './bench.ts'

export const title = 'Socket table with owners'

const PAIRS = 5_000
const ROUNDS = 7
const PEERS = [
  ['ss', ['-tunap']],
  ['lsof', ['-nPi']],
] as const

/**
 * Every row is the time until the whole table with owners is there, as objects (ours) or as text (theirs). All take
 * turns, so that a busy moment of the machine meets them alike.
 */
export async function run(): Promise<readonly Row[]> {
  const holder = await holdSockets<{ sockets: number }>(manySockets(PAIRS))
  const running = startOwners()
  try {
    await readAll(running, holder.pid)
    const ways: [who: string, note: string, once: () => Promise<number>][] = [
      ['fresh', '', () => timeFresh(holder.pid)],
      ['running', '', () => timeRunning(running, holder.pid)],
    ]
    for (const [program, args] of PEERS) {
      const path = findProgram(program)
      if (path) ways.push([program, [program, ...args].join(' '), () => timePeer(path, args)])
    }
    const times = new Map(ways.map(([who]) => [who, [] as number[]]))
    for (let round = 0; round < ROUNDS; round++) {
      for (const [who, , once] of ways) times.get(who)?.push(await once())
    }
    const row = (what: string, who: string, from: string, note: string): Row => {
      return { what, who, value: median(times.get(from) ?? []), unit: 'ms', better: 'less', note }
    }
    const peersOf = (what: string): Row[] => ways.slice(2).map(([who, note]) => row(what, who, who, note))
    const [first, again] = ['10,000 sockets with owners, first look', '10,000 sockets with owners, running']
    return [
      row(first, 'gatehouse', 'fresh', 'nothing known before: all open files of all processes are read'),
      ...peersOf(first),
      row(again, 'gatehouse', 'running', 'owners known from before, sockets read anew'),
      ...peersOf(again),
    ]
  } finally {
    await running.stop()
    await holder.stop()
  }
}

/** A new owners thread: it runs before the clock does, but has seen no process. */
async function timeFresh(pid: number): Promise<number> {
  const owners = startOwners()
  await ready(owners)
  const took = await timeRunning(owners, pid)
  await owners.stop()
  return took
}

async function timeRunning(owners: Owners, pid: number): Promise<number> {
  const started = performance.now()
  const count = await readAll(owners, pid)
  const took = performance.now() - started
  if (count < PAIRS * 2) throw new Error(`only ${count} of ${PAIRS * 2} sockets have their owner`)
  return took
}

async function timePeer(path: string, args: readonly string[]): Promise<number> {
  const started = performance.now()
  execFileSync(path, args, { encoding: 'utf8', maxBuffer: 1 << 27, stdio: ['ignore', 'pipe', 'ignore'] })
  return performance.now() - started
}

/** Every row as an object; answers how many belong to `pid`. */
async function readAll(owners: Owners, pid: number): Promise<number> {
  const list = await owners.listSockets()
  let owned = 0
  for (let row = 0; row < list.count; row++) if (list.at(row).owner?.pid === pid) owned++
  return owned
}

/** A key that no socket has, and that needs no walk: answered once the thread runs. */
function ready(owners: Owners): Promise<void> {
  return new Promise((resolve) => {
    owners.onAnswer(() => resolve())
    owners.request([
      { protocol: 1, localAddress: '0.0.0.0', localPort: 0, peerAddress: '0.0.0.0', peerPort: 0 },
    ])
  })
}

if (import.meta.main) await printBench({ title, run })
