import { createReadStream } from 'node:fs'
import { createGunzip } from 'node:zlib'
import { kept } from '../formats/kept.ts'
import type { HashKey } from '../indicators/half-sip-hash.ts'
import type { ListColumns } from '../indicators/list-columns.ts'
import { ListReading } from './read-list.ts'

/** Reads a list as it was adopted. Throws the error of the file system, or of what was changed in the file. */
export async function loadKept(
  path: string,
  { key, maxEntries }: { readonly key: HashKey; readonly maxEntries: number },
): Promise<ListColumns> {
  // What was adopted was judged then: here nothing is left out again.
  const reading = new ListReading({ format: kept, key, maxEntries, mayBePrivate: true, now: 0 })
  const [file, unpacker] = [createReadStream(path), createGunzip()]
  // A pipe does not pass errors on.
  file.on('error', (error) => unpacker.destroy(error))
  for await (const bytes of file.pipe(unpacker)) reading.write(bytes as Uint8Array)
  reading.endDocument()
  return reading.finish().columns
}
