import { createEngine, type Engine, type EngineOptions } from '#capture/engine.ts'
import { practise } from '#capture/practice.ts'
import type { FrameSink } from '#capture/source.ts'
import { createDetection, type Detection, loadDetectors } from '#detect/detection.ts'
import { createNameWatch, type NameWatch } from '#identify/names/watcher.ts'
import { readWords } from '#lib/address-words.ts'
import type { Ip } from '#model/address.ts'
import type { Finding } from '#model/finding.ts'
import type { Watcher } from '#model/watcher.ts'

/** The packet side put together: frame → packet → hosts → flow → detectors. Live capture and replay run this alike. */
export interface Watch {
  /** Give this to a source. */
  readonly sink: FrameSink
  readonly engine: Engine
  readonly detection: Detection
  /** What hosts are called; where it was asked for. */
  readonly names?: NameWatch
  /** For a clock, when no packets come; packets tick by themselves. Milliseconds since the epoch. */
  tick(now: number): void
  /** Other settings of the detectors, from the next packet on; what does not change keeps what it knows. */
  retune(settings: Readonly<Record<string, unknown>>): void
  /** A block of this address came to its end: it has a clean slate with the detectors. */
  released(address: Ip): void
  /** Who is told besides the detectors from now on, in place of those before. */
  beside(watchers: readonly Watcher[]): void
  /** Ends every flow: each is told once more, with its end. */
  close(now: number): void
}

export interface WatchOptions {
  /** Of the hash functions: random when live, fixed in replay. */
  readonly seed: number
  /** Sizes and timeouts of the tables; what is absent has its default. */
  readonly limits?: Omit<EngineOptions, 'seed'>
  /** The section `detectors` of the configuration: detector id → its settings. */
  readonly settings?: Readonly<Record<string, unknown>>
  readonly onFinding: (finding: Finding) => void
  /** Read names in DNS answers, TLS handshakes and HTTP requests. */
  readonly withNames?: boolean
  /** Told when a name of DNS waits to be taken: for who must know it before the next round. */
  readonly onNameWaiting?: () => void
  /** Further watchers, such as who writes down what the flows came to: they are told after the detectors. */
  readonly watchers?: (engine: Engine) => readonly Watcher[]
}

const detectors = await loadDetectors()

/** Throws DetectorSettingsError when the settings do not fit. */
export function createWatch(options: WatchOptions): Watch {
  const engine = createEngine({ ...options.limits, seed: options.seed })
  const detection = createDetection(detectors, options.settings ?? {}, engine, options.onFinding)
  const names = options.withNames ? createNameWatch(engine.flows, options.onNameWaiting) : undefined
  let further = options.watchers?.(engine) ?? []
  const listen = (): void =>
    engine.watch([...detection.watchers, ...(names ? [names.watcher] : []), ...further])
  listen()
  return {
    sink: engine,
    engine,
    detection,
    ...(names && { names }),
    tick: (now) => engine.tick(now),
    retune(settings) {
      detection.retune(settings)
      listen()
    },
    released(address) {
      const host = hostOf(engine, address)
      if (host < 0) return
      for (const watcher of detection.watchers) watcher.hostReleased?.(host)
    },
    beside(watchers) {
      further = watchers
      listen()
    },
    close: (now) => engine.close(now),
  }
}

/** -1 when there is no room for it. */
function hostOf({ hosts }: Engine, address: Ip): number {
  const words = new Uint32Array(4)
  const isIpv6 = readWords(address, words)
  // The table has them as signed numbers.
  const [w0 = 0, w1 = 0, w2 = 0, w3 = 0] = new Int32Array(words.buffer)
  return isIpv6 ? hosts.internV6(w0, w1, w2, w3) : hosts.internV4(w0)
}

/**
 * Runs made-up scans through a small watch of their own. Code that never ran takes ten times as long: without this the
 * first attacker after a start would be seen some milliseconds, and some ports, later than the second. About 0.1 s.
 */
export function warmUp(): void {
  let findings = 0
  const { sink, tick, close } = createWatch({
    seed: 1,
    limits: { maxHosts: 4_096, maxFlows: 2_048 },
    onFinding: () => {
      findings++
    },
  })
  const endsAt = practise(sink, tick)
  close(endsAt)
  if (findings === 0) throw new Error('the made-up scans were not found')
}
