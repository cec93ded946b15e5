import { once } from 'node:events'
import type { Engine } from '#capture/engine.ts'
import type { CapturedInterface, FrameSink } from '#capture/source.ts'
import { CaptureFileError, type CaptureSummary, readCapture } from '#capture/sources/pcap.ts'
import { visibleText } from '#lib/visible-text.ts'
import type { FlowRecord } from '#model/flow.ts'
import { alertEvent, type EveStats, flowEvent, statsEvent } from '#report/eve.ts'
import { nameEvents } from '#report/eve-names.ts'
import { alertSentence, flowSentence, statsSentence } from '#report/sentences.ts'
import { createWatch, type Watch } from './watch.ts'

export interface ReplayOptions {
  readonly output: 'eve' | 'human'
  /** The section `detectors` of the configuration; default settings when absent. */
  readonly detectors?: Readonly<Record<string, unknown>>
}

/** Where notes for the person go: what is wrong, and how far it got. */
export interface Notes {
  readonly isTTY?: boolean
  write(text: string): unknown
}

/** Hashes are the same in each replay, and so are the order and the numbers of flows. */
const SEED = 0x67617465
/** A file that begins this soon after the last one ended goes on where it stopped, as tcpdump -C and -G cut them. */
const GOES_ON_WITHIN_MS = 10_000
/** After the last packet: enough for the last tries to count as unanswered. */
const AFTERMATH_MS = 2_000
const CHUNK_CHARACTERS = 1 << 16
const PROGRESS_EVERY_MS = 500

const WORDS = {
  eve: {
    flow: flowEvent,
    alert: (finding: Parameters<typeof alertEvent>[0]) => alertEvent(finding, 'allowed'),
    stats: statsEvent,
  },
  human: { flow: flowSentence, alert: alertSentence, stats: statsSentence },
} as const

/**
 * Runs captures through the engine with their own clock and writes flow, name, alert and stats events: the same bytes each
 * time, on any machine. Answers the exit code: 1 when a file could not be read; the others are read all the same.
 */
export async function replay(
  files: readonly string[],
  options: ReplayOptions,
  out: NodeJS.WritableStream,
  notes: Notes = process.stderr,
): Promise<number> {
  const lines = new Lines(out)
  const player = new Player(options, lines)
  let failures = 0
  for (const file of files) {
    const progress = new Progress(file, notes)
    try {
      const { cutOff } = await player.play(file, progress)
      progress.clear()
      if (cutOff) notes.write(`${cutOffNote(file, cutOff)}\n`)
    } catch (error) {
      progress.clear()
      if (!(error instanceof CaptureFileError)) throw error
      notes.write(`${visibleText(error.message)}\n`)
      failures++
    }
    await lines.ready()
  }
  player.finish()
  await lines.flush()
  return failures > 0 ? 1 : 0
}

const cutOffNote = (file: string, cutOff: NonNullable<CaptureSummary['cutOff']>): string =>
  visibleText(
    `${file}: ends early after ${cutOff.packets} packets, at byte ${cutOff.offset}: ${cutOff.because}. What came before was replayed.`,
  )

/** Plays files one after another, each on a new watch unless it goes on where the last one stopped. */
class Player {
  readonly #options: ReplayOptions
  readonly #lines: Lines
  /** Of open flows that said whom they are to. */
  readonly #names = new Map<number, string>()
  #watch: Watch | undefined
  #interfaces: readonly CapturedInterface[] = []
  #alerts = 0
  #firstAt = 0
  #lastAt = 0

  constructor(options: ReplayOptions, lines: Lines) {
    this.#options = options
    this.#lines = lines
  }

  async play(file: string, progress: Progress): Promise<CaptureSummary> {
    let isBegun = false
    const sink: FrameSink = {
      ahead: (view, frames, linkType) => this.#watch?.sink.ahead?.(view, frames, linkType),
      // Eight parameters: FrameSink, a frame without an object around it.
      frame: (view, offset, captured, length, at, linkType, interfaceIndex, vlan) => {
        if (!isBegun) this.#begin(at)
        isBegun = true
        if (at > this.#lastAt) this.#lastAt = at
        this.#watch?.sink.frame(view, offset, captured, length, at, linkType, interfaceIndex, vlan)
      },
    }
    return readCapture(
      file,
      sink,
      (interfaces) => {
        this.#interfaces = interfaces
      },
      () => {
        progress.show(this.#watch?.engine.counts.packets ?? 0)
        return this.#lines.ready()
      },
    )
  }

  /** Ends what is open, and writes the totals. */
  finish(): void {
    const watch = this.#watch
    if (!watch) return
    this.#watch = undefined
    // What is still open was so at the last packet: only the detectors hear of the time after it.
    for (const watcher of watch.detection.watchers) watcher.tick?.(this.#lastAt + AFTERMATH_MS)
    watch.close(this.#lastAt)
    this.#lines.add(WORDS[this.#options.output].stats(this.#stats(watch)))
  }

  #begin(at: number): void {
    const gap = at - this.#lastAt
    if (this.#watch && gap >= 0 && gap <= GOES_ON_WITHIN_MS) return
    this.finish()
    this.#alerts = 0
    this.#firstAt = at
    this.#lastAt = at
    this.#watch = this.#open()
  }

  #open(): Watch {
    const words = WORDS[this.#options.output]
    return createWatch({
      seed: SEED,
      ...(this.#options.detectors && { settings: this.#options.detectors }),
      onFinding: (finding) => {
        this.#alerts++
        this.#lines.add(words.alert(finding))
      },
      withNames: true,
      watchers: (engine) => [
        {
          packet: ({ flow, at }) => {
            if (flow >= 0) this.#tellNames(engine, flow, at)
          },
          flowEnded: (flow) => {
            const record = this.#recordOf(engine, flow)
            this.#lines.add(words.flow(record, this.#names.get(record.id)))
            this.#names.delete(record.id)
          },
        },
      ],
    })
  }

  #recordOf(engine: Engine, flow: number): FlowRecord {
    return engine.flowRecord(flow, this.#interfaces[engine.flowInterface(flow)]?.name ?? '')
  }

  /** The watcher of names heard of this packet before us: what waits is about its flow. */
  #tellNames(engine: Engine, flow: number, at: number): void {
    const names = this.#watch?.names?.take() ?? []
    const notes = this.#watch?.names?.takeNotes() ?? []
    if (names.length === 0 && notes.length === 0) return
    const record = this.#recordOf(engine, flow)
    const own = names.find(({ source }) => source === 'tls' || source === 'http')
    if (own) this.#names.set(record.id, own.name)
    if (this.#options.output === 'eve') {
      for (const event of nameEvents(record, { at, names, notes })) this.#lines.add(event)
    }
  }

  #stats(watch: Watch): EveStats {
    const counts = watch.engine.counts
    return {
      at: this.#lastAt,
      since: this.#firstAt,
      packets: counts.packets,
      bytes: counts.bytes,
      undecodable: counts.undecodable,
      undecodableTotal: counts.undecodableTotal,
      flows: counts.flowsOpened,
      alerts: this.#alerts,
      refusedFlows: counts.refusedFlows,
      refusedHosts: counts.refusedHosts,
    }
  }
}

/** Lines, handed on in chunks; `ready` waits while the reader is behind. */
class Lines {
  readonly #out: NodeJS.WritableStream
  #chunk = ''
  /** Set from the moment the reader is behind: its `drain` may come before anybody waits for it. */
  #drained: Promise<void> | undefined

  constructor(out: NodeJS.WritableStream) {
    this.#out = out
  }

  add(line: string): void {
    this.#chunk += `${line}\n`
    if (this.#chunk.length >= CHUNK_CHARACTERS) this.#write()
  }

  async ready(): Promise<void> {
    await this.#drained
  }

  async flush(): Promise<void> {
    if (this.#chunk !== '') this.#write()
    await this.ready()
  }

  #write(): void {
    const chunk = this.#chunk
    this.#chunk = ''
    // A reader that went away wants no more; whoever owns the stream hears of it by its `error`.
    if (!this.#out.writable || this.#out.write(chunk)) return
    const caughtUp = (): void => {
      this.#drained = undefined
    }
    this.#drained ??= once(this.#out, 'drain').then(caughtUp, caughtUp)
  }
}

/** How far a long file is, on a terminal: one line that is overwritten. */
class Progress {
  readonly #file: string
  readonly #notes: Notes
  #shownAt = performance.now()
  #isShown = false

  constructor(file: string, notes: Notes) {
    this.#file = file
    this.#notes = notes
  }

  show(packets: number): void {
    const now = performance.now()
    if (!this.#notes.isTTY || now - this.#shownAt < PROGRESS_EVERY_MS) return
    this.#shownAt = now
    this.#isShown = true
    this.#notes.write(`\r${visibleText(this.#file)}: ${packets} packets …\u001b[K`)
  }

  clear(): void {
    if (this.#isShown) this.#notes.write('\r\u001b[K')
    this.#isShown = false
  }
}
