import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Owner, SocketKey } from '#model/owner.ts'
import type { ProgramBytesReport } from '#model/program-bytes.ts'
import type { ShortLivedReport } from './held-probe.ts'

const PROBE = fileURLToPath(new URL('./held-probe.ts', import.meta.url))

/** The owners part in a process of its own, in a namespace of the test. */
export class OwnersProbe {
  readonly child: ChildProcess
  readonly #lines: Record<string, unknown>[] = []
  #wake = (): void => {}

  constructor(namespace: string, sources: string) {
    this.child = spawn('ip', ['netns', 'exec', namespace, process.execPath, PROBE, sources], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    createInterface({ input: this.child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      this.#lines.push(JSON.parse(line))
      this.#wake()
    })
  }

  async health(wanted: RegExp): Promise<string> {
    return (await this.#next((line) => line['kind'] === 'health' && wanted.test(String(line['health']))))[
      'health'
    ] as string
  }

  async run(program: string, kind: string, count: number): Promise<ShortLivedReport> {
    this.child.stdin?.write(`${program} ${kind} ${count}\n`)
    return (await this.#next((line) => line['kind'] === 'ran')) as unknown as ShortLivedReport
  }

  async owner(key: SocketKey): Promise<Owner | undefined> {
    this.child.stdin?.write(`${JSON.stringify(key)}\n`)
    return (await this.#next((line) => line['kind'] === 'owner'))['owner'] as Owner | undefined
  }

  async bytes(): Promise<ProgramBytesReport> {
    this.child.stdin?.write('bytes\n')
    return (await this.#next((line) => line['kind'] === 'bytes'))['report'] as ProgramBytesReport
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
