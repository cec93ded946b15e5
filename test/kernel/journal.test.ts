import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect } from 'vitest'
import type { Alert, Block, Page } from '#contract/schemas.ts'
import { removeFolder, startDaemon, type TestDaemon, until } from '../support/daemon.ts'
import { type Journald, startJournald } from '../support/journald.ts'
import { layWire, type Wire } from '../support/namespaces.ts'
import { testWith } from '../support/needs.ts'

/** systemd's own journald and journalctl. The addresses are of documentation: nothing is sent to them. */
const test = testWith('root', 'ip', 'nft', 'journald')
const PROBE = fileURLToPath(new URL('../support/journal-probe.ts', import.meta.url))
const SLOW_MS = 60_000

let wire: Wire
let journald: Journald
let folder: string
let probe: ChildProcess | undefined
let daemon: TestDaemon | undefined
let heard: string[]

beforeEach(async () => {
  wire = layWire()
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-journal-'))
  heard = []
  journald = await startJournald(wire.server.namespace)
})

afterEach(async () => {
  await ended(probe, 'SIGKILL')
  await daemon?.stop()
  await journald?.stop()
  wire.remove()
  for (const made of [folder, daemon?.folder]) if (made !== undefined) removeFolder(made)
  probe = undefined
  daemon = undefined
})

function read(): void {
  const [program = '', ...words] = [...journald.wrapper, process.execPath, PROBE, join(folder, 'place.json')]
  probe = spawn(program, words, { stdio: ['ignore', 'pipe', 'inherit'] })
  probe.stdout?.setEncoding('utf8').on('data', (text: string) => heard.push(...text.trim().split('\n')))
}

async function ended(child: ChildProcess | undefined, signal: NodeJS.Signals): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill(signal)
  await gone
}

let said = 0
const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, at) => `line ${from + at}`)

/** Writes so many further lines as sshd, and others that are nobody's business. */
function say(count: number): void {
  journald.say('sshd', ...numbers(said + 1, said + count))
  journald.say('cron', 'line of somebody else')
  said += count
}

const heardAll = (): Promise<void> =>
  until('all lines are heard', () => heard.at(-1) === `line ${said}`, SLOW_MS)

/** The journalctl that the probe runs. */
const journalctl = (): number =>
  Number(readFileSync(`/proc/${probe?.pid}/task/${probe?.pid}/children`, 'utf8').trim())

test(
  'each line is read once, over rotations, restarts, and a journalctl that was killed',
  async () => {
    said = 0
    read()
    // From when it began on: said again and again until it has.
    await until(
      'it reads',
      () => {
        if (heard.length === 0) say(1)
        return heard.length > 0
      },
      SLOW_MS,
    )
    const first = Number(heard[0]?.split(' ')[1])
    say(20)
    journald.tell('--rotate')
    say(20)
    await heardAll()

    await ended(probe, 'SIGTERM')
    say(20)
    journald.tell('--rotate')
    say(20)
    read()
    await heardAll()

    process.kill(journalctl(), 'SIGKILL')
    say(20)
    await heardAll()

    // The entry that was read last is thrown away meanwhile, with many that were not.
    await ended(probe, 'SIGTERM')
    const lost = said + 1
    say(3)
    const kept = said + 1
    journald.tell('--rotate')
    journald.tell('--vacuum-files=1')
    say(3)
    read()
    await heardAll()
    expect(heard).toEqual([...numbers(first, lost - 1), ...numbers(kept, said)])
  },
  4 * SLOW_MS,
)

test(
  'wrong passwords that sshd tells the journal of become a block, also those while Gatehouse was down',
  async () => {
    const failed = (address: string, count: number): string[] =>
      Array.from(
        { length: count },
        (_, at) => `Failed password for root from ${address} port ${40_000 + at} ssh2`,
      )
    const start = (kept?: string) =>
      startDaemon({
        namespace: wire.server.namespace,
        config: 'logs:\n  files: []\n',
        wrapper: journald.wrapper,
        ...(kept !== undefined && { folder: kept }),
      })
    const blocked = (): string[] => daemon?.ask<Block[]>('block', 'list').map(({ target }) => target) ?? []
    journald.say('sshd', ...failed('203.0.113.8', 9))
    daemon = await start()
    journald.say('sshd', ...failed('203.0.113.9', 6))
    await until('the guesser is blocked', () => blocked().length > 0, SLOW_MS)
    expect(blocked()).toEqual(['203.0.113.9'])

    await daemon.stop()
    journald.say('sshd', ...failed('203.0.113.10', 6), ...failed('203.0.113.11', 5))
    daemon = await start(daemon.folder)
    await until('the other is blocked', () => blocked().includes('203.0.113.10'), SLOW_MS)
    expect(blocked().toSorted()).toEqual(['203.0.113.10', '203.0.113.9'])
    const alerts = daemon
      .ask<Page<Alert>>('alerts')
      .items.filter(({ detector }) => detector === 'login-failures')
    expect(alerts.map(({ subject, times, evidence }) => [subject, times, evidence.count])).toEqual([
      ['203.0.113.10', 1, 6],
      ['203.0.113.9', 1, 6],
    ])
  },
  4 * SLOW_MS,
)
