import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Owners, startOwners } from '#identify/owners/thread.ts'
import type { Owner, SocketKey } from '#model/owner.ts'
import { testWith } from '../support/needs.ts'
import { buildShortLived, type Ended, runShortLived } from '../support/short-lived.ts'

const TCP = 6
const UDP = 17
const PROCESSES = 200
const ENOUGH = 199
const MOST = 150
const hasCompiler = spawnSync('cc', ['--version']).status === 0
const rootTest = hasCompiler ? testWith('root') : test.skip

let owners: Owners
let server4: Server
let server6: Server
let folder: string
let program: string

const listen = (host: string): Promise<Server> =>
  new Promise((resolve) => {
    // The program closes first: its end waits (TIME_WAIT), so that its port does not come again for another.
    const server = createServer((socket) => socket.on('error', () => {}).resume())
    server.listen(0, host, () => resolve(server))
  })
const portOf = (server: Server): number => (server.address() as AddressInfo).port

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gh-ebpf-'))
  if (hasCompiler) program = buildShortLived(folder, 'short-lived')
  server4 = await listen('127.0.0.1')
  server6 = await listen('::1')
  owners = startOwners({ sources: ['ebpf'] })
  await answered([])
})

afterAll(async () => {
  await owners.stop()
  server4.close()
  server6.close()
  rmSync(folder, { recursive: true })
})

/** Asks for all and waits for all answers; with none it waits until the thread runs. */
function answered(keys: readonly SocketKey[], of: Owners = owners): Promise<(Owner | undefined)[]> {
  const nothing: SocketKey = {
    protocol: 1,
    localAddress: '0.0.0.0',
    localPort: 0,
    peerAddress: '0.0.0.0',
    peerPort: 0,
  }
  const asked = keys.length === 0 ? [nothing] : keys
  const found = new Map<string, Owner | undefined>()
  const textOf = (key: SocketKey): string => JSON.stringify(key)
  return new Promise((resolve) => {
    of.onAnswer((answers) => {
      for (const { key, owner } of answers) found.set(textOf(key), owner)
      if (asked.every((key) => found.has(textOf(key)))) resolve(keys.map((key) => found.get(textOf(key))))
    })
    of.request(asked)
  })
}

const tcpKey = (host: string, localPort: number, peerPort: number): SocketKey => ({
  protocol: TCP,
  localAddress: host,
  localPort,
  peerAddress: host,
  peerPort,
})

/** How many answers name their process with path and command line; the first of those that do not are printed. */
function attributed(processes: readonly Ended[], answers: readonly (Owner | undefined)[]): number {
  const missed = processes.flatMap((ended, at) => {
    const owner = answers[at]
    const isKnown =
      owner?.pid === ended.pid && owner.path === program && owner.commandLine.startsWith(`${program} `)
    return isKnown ? [] : [{ at, ...ended, answer: owner && [owner.pid, owner.path, owner.commandLine] }]
  })
  if (missed.length > 0) process.stdout.write(`not known: ${JSON.stringify(missed.slice(0, 8))}\n`)
  return processes.length - missed.length
}

/** `portOfRun`: UDP takes local ports at random, so that two of 200 may be equal; the peer's port tells them apart. */
async function runMany(host: string, portOfRun: (run: number) => number, kind: string): Promise<Ended[]> {
  const ended: Ended[] = []
  for (let run = 0; run < PROCESSES; run++) {
    ended.push(await runShortLived(program, [host, String(portOfRun(run)), `${(run % 15) + 1}000`, kind]))
  }
  return ended
}

describe('of 200 processes that live 1 to 15 ms and are over when they are asked for', () => {
  rootTest.each([
    ['IPv4', '127.0.0.1', () => portOf(server4)],
    ['IPv6', '::1', () => portOf(server6)],
  ])('at least 199 are known with path, over TCP and %s', async (version, host, port) => {
    const ended = await runMany(host, port, 'tcp')
    const answers = await answered(ended.map(({ localPort }) => tcpKey(host, localPort, port())))
    const found = attributed(ended, answers)
    process.stdout.write(
      `TCP over ${version}: ${found} of ${PROCESSES} short-lived processes known by eBPF\n`,
    )
    expect(found).toBeGreaterThanOrEqual(ENOUGH)
    expect(answers[0]).toMatchObject({ source: 'ebpf', confidence: 1, uid: 0, parentPid: process.pid })
  })

  rootTest.each(['udp', 'udp-connected'])('at least 199 are known with path, over %s', async (kind) => {
    const ended = await runMany('127.0.0.1', (run) => 10_000 + run, kind)
    const answers = await answered(
      ended.map(({ localPort }, run) => ({ ...tcpKey('127.0.0.1', localPort, 10_000 + run), protocol: UDP })),
    )
    const found = attributed(ended, answers)
    process.stdout.write(`${kind}: ${found} of ${PROCESSES} short-lived processes known by eBPF\n`)
    expect(found).toBeGreaterThanOrEqual(ENOUGH)
  })
})

describe('without eBPF', () => {
  let fallBack: Owners

  beforeAll(async () => {
    fallBack = startOwners({ sources: ['netlink', 'scan'] })
    await answered([], fallBack)
  })

  afterAll(() => fallBack.stop())

  rootTest('most such processes are known by the proc connector and netlink', async () => {
    const usedBefore = process.cpuUsage()
    const ended = await runMany('127.0.0.1', () => portOf(server4), 'tcp')
    const { user, system } = process.cpuUsage(usedBefore)
    const answers = await answered(
      ended.map(({ localPort }) => tcpKey('127.0.0.1', localPort, portOf(server4))),
      fallBack,
    )
    const found = attributed(ended, answers)
    process.stdout.write(
      `TCP: ${found} of ${PROCESSES} short-lived processes known by the proc connector, ${(user + system) / 1_000} ms of CPU for all\n`,
    )
    // Looking each millisecond is no proof of having seen all: on a busy machine some are over before.
    expect(found).toBeGreaterThanOrEqual(MOST)
    expect(answers.find((owner) => owner)).toMatchObject({ source: 'netlink', confidence: 0.95 })
  })
})
