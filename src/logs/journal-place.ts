import { readFileSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { z } from 'zod'

/** How far the journal was read. */
export interface JournalPlace {
  /** Of the last entry; before the first one, when reading began. Milliseconds since the epoch, with their fraction. */
  readonly at: number
  /** journald's own name of the entry. */
  readonly cursor?: string
}

const Place = z.object({ at: z.number(), cursor: z.string().max(1_000).optional() })

/** Not at each line: a guesser may write hundreds a second. */
const KEEP_EVERY_MS = 1_000
/** What was written longer ago is not made up for: an attack that is over by then needs no answer. */
const CATCH_UP_MS = 3_600_000

/** Where to read on, kept over restarts. Without its file nothing is lost but what was written meanwhile. */
export interface PlaceKeeper {
  readonly place: JournalPlace
  /** Kept on the disk within a second. */
  reached(place: JournalPlace): void
  /** Keeps what was reached last. */
  stop(): Promise<void>
}

/** `now`: where reading begins the first time. Milliseconds since the epoch. */
export function openPlaceKeeper(file: string, now: number): PlaceKeeper {
  let kept = remembered(file)
  let place = kept ?? { at: now }
  let keeping = Promise.resolve()
  const keep = (): Promise<void> => {
    if (place === kept) return keeping
    kept = place
    const text = JSON.stringify(place)
    // Without fsync, which would hold up the thread that blocks attackers.
    keeping = keeping.then(() => replaceFile(file, text))
    return keeping
  }
  const timer = setInterval(() => void keep(), KEEP_EVERY_MS)
  timer.unref()
  return {
    get place() {
      return place
    },
    reached({ at, cursor }) {
      place = { at, ...(cursor !== undefined && { cursor }) }
    },
    stop() {
      clearInterval(timer)
      return keep()
    },
  }
}

/**
 * The arguments of journalctl that make it go on at `place`. `--cursor` begins with the entry itself, which the reader
 * passes by: `--after-cursor` would leave out the first one that is left where journald has thrown that entry away.
 */
export function argumentsFrom({ at, cursor }: JournalPlace, now: number): readonly string[] {
  const oldest = now - CATCH_UP_MS
  const isLately = cursor !== undefined && at >= oldest
  return [
    '--no-tail',
    isLately ? `--cursor=${cursor}` : `--since=@${Math.floor(Math.max(at, oldest) / 1000)}`,
  ]
}

async function replaceFile(file: string, text: string): Promise<void> {
  try {
    await writeFile(`${file}.new`, text, { mode: 0o600 })
    await rename(`${file}.new`, file)
  } catch {
    // A full disk: the store says so, and this costs at most lines that are read twice.
  }
}

function remembered(file: string): JournalPlace | undefined {
  try {
    const { at, cursor } = Place.parse(JSON.parse(readFileSync(file, 'utf8')))
    return { at, ...(cursor !== undefined && { cursor }) }
  } catch {
    return undefined
  }
}
