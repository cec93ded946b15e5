import { createEngine, type Engine, type EngineOptions } from '#capture/engine.ts'
import type { FrameSink } from '#capture/source.ts'
import { createDetection, type Detection, loadDetectors } from '#detect/detection.ts'
import type { Finding } from '#model/finding.ts'
import type { Watcher } from '#model/watcher.ts'

/** The packet side put together: frame → packet → hosts → flow → detectors. Live capture and replay run this alike. */
export interface Watch {
  /** Give this to a source. */
  readonly sink: FrameSink
  readonly engine: Engine
  readonly detection: Detection
  /** For a clock, when no packets come; packets tick by themselves. Milliseconds since the epoch. */
  tick(now: number): void
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
  /** Further watchers, such as who writes down what the flows came to: they are told after the detectors. */
  readonly watchers?: (engine: Engine) => readonly Watcher[]
}

const detectors = await loadDetectors()

/** Throws DetectorSettingsError when the settings do not fit. */
export function createWatch(options: WatchOptions): Watch {
  const engine = createEngine({ ...options.limits, seed: options.seed })
  const detection = createDetection(detectors, options.settings ?? {}, engine, options.onFinding)
  engine.watch([...detection.watchers, ...(options.watchers?.(engine) ?? [])])
  return {
    sink: engine,
    engine,
    detection,
    tick: (now) => engine.tick(now),
    close: (now) => engine.close(now),
  }
}
