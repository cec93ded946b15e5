import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { ShortLivedReport } from '../support/held-probe.ts'
import { layWire, type Wire } from '../support/namespaces.ts'
import { testWith } from '../support/needs.ts'
import { buildShortLived } from '../support/short-lived.ts'

const PROCESSES = 200
const ENOUGH = 199
const PROBE = fileURLToPath(new URL('../support/held-probe.ts', import.meta.url))
const hasCompiler = spawnSync('cc', ['--version']).status === 0
const heldTest = hasCompiler ? testWith('root', 'ip', 'nft') : test.skip
const HOLDING = /^ok: the first packet/

let wire: Wire
let folder: string
let program: string
const probes: Probe[] = []

beforeAll(() => {
  if (process.getuid?.() !== 0 || !hasCompiler) return
  wire = layWire()
  folder = mkdtempSync(join(tmpdir(), 'gh-held-'))
  program = buildShortLived(folder, 'short-lived')
})

afterEach(async () => {
  for (const probe of probes.splice(0)) await probe.end()
})

afterAll(() => {
  wire?.remove()
  if (folder) rmSync(folder, { recursive: true })
})

/** The owners part in a process of its own, in a namespace of the test. */
class Probe {
  readonly child: ChildProcess
  readonly #lines: Record<string, unknown>[] = []
  #wake = (): void => {}

  constructor(sources: string) {
    this.child = spawn('ip', ['netns', 'exec', wire.client.namespace, process.execPath, PROBE, sources], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    createInterface({ input: this.child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      this.#lines.push(JSON.parse(line))
      this.#wake()
    })
    probes.push(this)
  }

  async health(wanted: RegExp): Promise<string> {
    return (await this.#next((line) => line['kind'] === 'health' && wanted.test(String(line['health']))))[
      'health'
    ] as string
  }

  async run(kind: string): Promise<ShortLivedReport> {
    this.child.stdin?.write(`${program} ${kind} ${PROCESSES}\n`)
    return (await this.#next((line) => line['kind'] === 'ran')) as unknown as ShortLivedReport
  }

  /** The process of ours that holds packets. */
  get holder(): number | undefined {
    const tasks = `/proc/${this.child.pid}/task`
    const children = readdirSync(tasks).flatMap((task) =>
      readFileSync(`${tasks}/${task}/children`, 'utf8').trim().split(' '),
    )
    const found = children.find((pid) => pid && commandOf(pid).includes('hold-process'))
    return found === undefined ? undefined : Number(found)
  }

  async end(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return
    const ended = new Promise((resolve) => this.child.once('exit', resolve))
    this.child.stdin?.end()
    await ended
  }

  async #next(isWanted: (line: Record<string, unknown>) => boolean): Promise<Record<string, unknown>> {
    for (;;) {
      const line = this.#lines.shift()
      if (line && isWanted(line)) return line
      if (!line)
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
    }
  }
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}

const tables = (): string => wire.client.run('nft', 'list', 'tables')

/** One connection to a closed port: refused at once, unless its first packet is held. Answers milliseconds. */
function connectMs(): number {
  const script = `const from = performance.now(); require('net').connect(9, '127.0.0.1').on('error', () => console.log(performance.now() - from))`
  return Number(wire.client.run(process.execPath, '-e', script))
}

async function untilNoTable(): Promise<void> {
  await expect.poll(tables, { timeout: 5_000 }).not.toContain('gatehouse_owners')
}

describe('of 200 processes that live 1 to 15 ms, without eBPF', () => {
  heldTest.each([
    ['and time to spare', 0],
    ['while two others burn CPU', 2],
  ])('at least 199 are known with path, in each of three rounds %s', async (words, burning) => {
    const burners = Array.from({ length: burning }, () => spawn('sh', ['-c', 'while :; do :; done']))
    try {
      const probe = new Probe('queue,netlink,scan')
      await probe.health(HOLDING)
      await expect.poll(tables).toContain('gatehouse_owners')
      const rounds = [await probe.run('tcp'), await probe.run('tcp'), await probe.run('tcp')]
      const udp = await probe.run('udp')
      process.stdout.write(
        `by held packets, ${words}: ${rounds.map(({ found }) => found).join(', ')} of ${PROCESSES} over TCP, ${udp.found} over UDP\n`,
      )
      for (const { found, sources } of rounds) {
        expect(found).toBeGreaterThanOrEqual(ENOUGH)
        expect(sources).toEqual(['netlink'])
      }
      // sendto(2) waits for nobody: the packet is held, its program is not.
      expect(udp.found).toBeGreaterThanOrEqual(PROCESSES * 0.9)
    } finally {
      for (const burner of burners) burner.kill('SIGKILL')
    }
  })
})

describe('held packets', () => {
  heldTest('are held no more after a stop', async () => {
    const probe = new Probe('queue,scan')
    await expect.poll(tables, { timeout: 10_000 }).toContain('gatehouse_owners')
    await probe.end()
    expect(tables()).not.toContain('gatehouse_owners')
  })

  heldTest('cut nobody off when the daemon is killed', async () => {
    const probe = new Probe('queue,scan')
    await expect.poll(tables, { timeout: 10_000 }).toContain('gatehouse_owners')
    probe.child.kill('SIGKILL')
    await untilNoTable()
    expect(connectMs()).toBeLessThan(1_000)
  })

  heldTest('are held again after their process died', async () => {
    const probe = new Probe('queue,scan')
    await expect.poll(tables, { timeout: 10_000 }).toContain('gatehouse_owners')
    process.kill(probe.holder as number, 'SIGKILL')
    expect(await probe.health(/^degraded/)).toContain('the process that looks for them ended: SIGKILL')
    await probe.health(HOLDING)
    await expect.poll(tables, { timeout: 10_000 }).toContain('gatehouse_owners')
    expect((await probe.run('tcp')).found).toBeGreaterThanOrEqual(ENOUGH)
  })

  heldTest('go on within seconds when their process hangs', async () => {
    const probe = new Probe('queue,scan')
    await expect.poll(tables, { timeout: 10_000 }).toContain('gatehouse_owners')
    process.kill(probe.holder as number, 'SIGSTOP')
    // What was held is dropped as the hanging process is killed; the kernel sends it again.
    expect(connectMs()).toBeLessThan(9_000)
    await probe.health(/ended: SIGKILL/)
  })

  heldTest('are none where eBPF tells of programs', async () => {
    const probe = new Probe('ebpf,queue,netlink,scan')
    expect(await probe.health(/^ok: programs are seen/)).toContain('eBPF')
    expect([tables(), probe.holder]).toEqual(['', undefined])
  })
})

describe('where another holds the table', () => {
  heldTest('the daemon looks by itself, and says why', async () => {
    const first = new Probe('queue,scan')
    await expect.poll(tables, { timeout: 10_000 }).toContain('gatehouse_owners')
    const second = new Probe('queue,netlink,scan')
    expect(await second.health(/^degraded/)).toContain('packets cannot be held until their program is known')
    expect((await first.run('tcp')).found).toBeGreaterThanOrEqual(ENOUGH)
  })
})
