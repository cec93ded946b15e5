import { mkdirSync, readdirSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Ip } from '#model/address.ts'
import type { RecordedPackets, RecordingOrder } from '#model/recording.ts'

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
  /** Asks the capture thread for the next packets of an address. */
  begin(address: Ip, packets: number): void
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
  const names = new Map<number, string>()
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
      const id = ++lastId
      const day = new Date(now()).toISOString().replace(/[-:]/g, '').slice(0, 15)
      names.set(id, `${day}-${address.replaceAll(':', '-')}-${id}.pcapng`)
      order({ id, address, packets })
    },
    take({ id, packets, bytes }) {
      const name = names.get(id)
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
