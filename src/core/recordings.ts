import { mkdirSync, readdirSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Ip } from '#model/address.ts'
import type { RecordedPackets, RecordingOrder } from '#model/recording.ts'

const MOST_AT_ONCE = 4
/** A recording ends after a minute (capture/recorder.ts): one that does not come by then never will. */
const LATEST_MS = 90_000
const MOST_FILES = 50
const MOST_BYTES = 200 << 20
const NAME = /^[0-9]{8}T[0-9]{6}-[0-9a-f.-]+-[0-9]+\.pcapng$/

export interface RecordingFile {
  readonly path: string
  readonly bytes: number
  /** Milliseconds since the epoch. */
  readonly at: number
}

/** Packets that were kept, as files of a folder of their own; the oldest go when there are too many or they are too large. */
export interface Recordings {
  /** Asks the capture thread for the next packets of an address; false when enough are kept already. */
  begin(address: Ip, packets: number): boolean
  /** Newest first. */
  list(): readonly RecordingFile[]
  take(recorded: RecordedPackets): void
}

export function createRecordings(parts: {
  readonly folder: string
  readonly now: () => number
  readonly say: (sentence: string) => void
  readonly order: (order: RecordingOrder) => void
}): Recordings {
  const { folder, now, say, order } = parts
  /** Those that are under way. */
  const names = new Map<number, { readonly name: string; readonly latest: number }>()
  let lastId = 0

  function list(): RecordingFile[] {
    try {
      return readdirSync(folder)
        .filter((name) => NAME.test(name))
        .map((name) => join(folder, name))
        .map((path) => ({ path, stat: statSync(path) }))
        .map(({ path, stat }) => ({ path, bytes: stat.size, at: stat.mtimeMs }))
        .sort((one, other) => other.at - one.at)
    } catch {
      return []
    }
  }

  function makeRoom(): void {
    let bytes = 0
    list().forEach((file, at) => {
      bytes += file.bytes
      if (at >= MOST_FILES || bytes > MOST_BYTES) unlinkSync(file.path)
    })
  }

  return {
    list,
    begin(address, packets) {
      const at = now()
      for (const [id, { latest }] of names) if (latest <= at) names.delete(id)
      if (names.size >= MOST_AT_ONCE) return false
      const id = ++lastId
      const day = new Date(at).toISOString().replace(/[-:]/g, '').slice(0, 15)
      const name = `${day}-${address.replaceAll(':', '-')}-${id}.pcapng`
      names.set(id, { name, latest: at + LATEST_MS })
      order({ id, address, packets })
      return true
    },
    take({ id, packets, bytes }) {
      const name = names.get(id)?.name
      names.delete(id)
      if (name === undefined || packets === 0) return
      const path = join(folder, name)
      try {
        mkdirSync(folder, { recursive: true, mode: 0o700 })
        writeFileSync(path, bytes, { mode: 0o600 })
        makeRoom()
        say(`${packets} packets were kept in ${path}`)
      } catch (cause) {
        say(`Packets could not be kept in ${path}: ${(cause as Error).message}`)
      }
    },
  }
}
