import type { FrameSink } from '#capture/source.ts'
import { openRingSource } from '#capture/sources/ring.ts'

/**
 * Runs a ring source in the network namespace that it is started in. Says one JSON object per line: `health`, with
 * `frames` each `frame`, and at SIGTERM the `summary`. Settings: the first word of the command line, as JSON.
 */
export interface ProbeSettings {
  readonly interfaces?: readonly string[]
  readonly loopback?: boolean
  /** Say every frame. */
  readonly frames?: boolean
}

export interface ProbedFrame {
  readonly name: string
  readonly linkType: number
  readonly vlan: number
  readonly length: number
  readonly captured: number
  /** The captured bytes. */
  readonly hex: string
}

export interface ProbeSummary {
  readonly frames: number
  readonly interfaces: readonly {
    readonly name: string
    readonly received: number
    readonly dropped: number
  }[]
  /** From the kernel's time stamp until the frame is here, in milliseconds. */
  readonly latencyMs: { readonly p50: number; readonly p99: number; readonly max: number }
  /** CPU used since the start-up was over. */
  readonly cpuMs: number
}

const settings = JSON.parse(process.argv[2] ?? '{}') as ProbeSettings
const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`)
const waits = new Float64Array(1 << 22)
let frames = 0

const sink: FrameSink = {
  frame(view, offset, captured, length, at, linkType, interfaceIndex, vlan) {
    waits[frames++ % waits.length] = performance.timeOrigin + performance.now() - at
    if (!settings.frames) return
    const hex = Buffer.from(view.buffer, view.byteOffset + offset, captured).toString('hex')
    const name = source.interfaces[interfaceIndex]?.name ?? ''
    say({ frame: { name, linkType, vlan, length, captured, hex } satisfies ProbedFrame })
  },
}

const source = openRingSource({
  interfaces: settings.interfaces ?? [],
  loopback: settings.loopback ?? false,
  snapBytes: 1_600,
  sink,
  onHealth: (health) => say({ health }),
})
const started = process.cpuUsage()

process.on('SIGTERM', () => {
  source.close()
  const cpu = process.cpuUsage(started)
  const sorted = waits.slice(0, Math.min(frames, waits.length)).sort()
  const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? 0
  const summary: ProbeSummary = {
    frames,
    interfaces: source.counts(),
    latencyMs: { p50: at(0.5), p99: at(0.99), max: at(1) },
    cpuMs: (cpu.user + cpu.system) / 1_000,
  }
  say({ summary })
})
