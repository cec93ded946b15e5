import { crc32 } from 'node:zlib'
import type { RangeColumns, Values } from './range-table.ts'

/**
 * The file of places: what scripts/places makes of the data packages, once, so that the core can look addresses up
 * without parsing anything. One line of JSON that says what is where, then columns as the CPU reads them
 * (little-endian), each on a multiple of 8 bytes.
 */
const MAGIC = 'gatehouse places 1'
const ALIGN = 8
const MAX_HEADER = 65_536

export interface PlacesTables {
  /** Country codes, two letters each: value 1 is the first. */
  readonly codes: readonly string[]
  readonly country4: RangeColumns
  readonly country6: RangeColumns
  /** Numbers of autonomous systems: value 1 is the first. */
  readonly networks: Uint32Array
  /** Their names in UTF-8, one after the other; name n ends at nameEnds[n]. */
  readonly names: Uint8Array
  readonly nameEnds: Uint32Array
  readonly network4: RangeColumns
  readonly network6: RangeColumns
}

interface Header {
  readonly magic: string
  /** What it was made from: package → version. */
  readonly sources: Readonly<Record<string, string>>
  readonly codes: readonly string[]
  readonly crc: number
  /** Column → [kind, bytes from the end of the header, how many values]. */
  readonly columns: Readonly<Record<string, readonly [kind: Kind, from: number, length: number]>>
}

type Kind = 'u8' | 'u16' | 'u32'
type Column = Uint8Array | Values

export interface PlacesFile {
  readonly sources: Readonly<Record<string, string>>
  readonly tables: PlacesTables
}

export function encodePlaces({ sources, tables }: PlacesFile): Uint8Array {
  const columns: Record<string, [Kind, number, number]> = {}
  const parts: Uint8Array[] = []
  let from = 0
  for (const [name, column] of Object.entries(columnsIn(tables))) {
    columns[name] = [kindOf(column), from, column.length]
    const bytes = new Uint8Array(roundUp(column.byteLength))
    bytes.set(new Uint8Array(column.buffer, column.byteOffset, column.byteLength))
    parts.push(bytes)
    from += bytes.length
  }
  const body = Buffer.concat(parts)
  const header: Header = { magic: MAGIC, sources, codes: tables.codes, crc: crc32(body), columns }
  const text = JSON.stringify(header)
  // The header ends with a newline on a multiple of 8, so that the columns are aligned.
  return Buffer.concat([Buffer.from(`${text.padEnd(roundUp(text.length + 1) - 1)}\n`), body])
}

/** Throws an Error that says in words what is wrong with the bytes. */
export function decodePlaces(bytes: Uint8Array): PlacesFile {
  const header = headerOf(bytes)
  // A copy where needed: typed arrays must begin on a multiple of their size.
  const start = headerEnd(bytes)
  const body = (bytes.byteOffset + start) % ALIGN === 0 ? bytes.subarray(start) : bytes.slice(start)
  if (crc32(body) !== header.crc) throw new Error('its checksum does not fit: it was cut off or changed')
  const read = (name: string): Column => columnIn(body, header.columns[name])
  return {
    sources: header.sources,
    tables: {
      codes: header.codes,
      country4: rangesIn(read, 'country4', 1),
      country6: rangesIn(read, 'country6', 4),
      networks: read('networks') as Uint32Array,
      names: read('names') as Uint8Array,
      nameEnds: read('nameEnds') as Uint32Array,
      network4: rangesIn(read, 'network4', 1),
      network6: rangesIn(read, 'network6', 4),
    },
  }
}

function headerOf(bytes: Uint8Array): Header {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, headerEnd(bytes)).toString()
  let header: unknown
  try {
    header = JSON.parse(text)
  } catch {
    throw new Error('it is no file of places')
  }
  if ((header as Header | null)?.magic !== MAGIC) throw new Error('it is of another version')
  return header as Header
}

function headerEnd(bytes: Uint8Array): number {
  const end = bytes.subarray(0, MAX_HEADER).indexOf(10)
  if (end < 0) throw new Error('it is no file of places')
  return end + 1
}

function columnIn(body: Uint8Array, place: Header['columns'][string] | undefined): Column {
  if (!place) throw new Error('a column is missing')
  const [kind, from, length] = place
  const at = body.byteOffset + from
  if (kind === 'u8') return new Uint8Array(body.buffer, at, length)
  return kind === 'u16' ? new Uint16Array(body.buffer, at, length) : new Uint32Array(body.buffer, at, length)
}

function columnsIn(tables: PlacesTables): Record<string, Column> {
  const columns: Record<string, Column> = {
    networks: tables.networks,
    names: tables.names,
    nameEnds: tables.nameEnds,
  }
  for (const name of ['country4', 'country6', 'network4', 'network6'] as const) {
    for (const [word, starts] of tables[name].starts.entries()) columns[`${name}.start${word}`] = starts
    columns[`${name}.value`] = tables[name].values
  }
  return columns
}

const rangesIn = (read: (name: string) => Column, name: string, words: number): RangeColumns => ({
  starts: Array.from({ length: words }, (_, word) => read(`${name}.start${word}`) as Uint32Array),
  values: read(`${name}.value`) as Values,
})

const kindOf = (column: Column): Kind => {
  if (column instanceof Uint8Array) return 'u8'
  return column instanceof Uint16Array ? 'u16' : 'u32'
}

const roundUp = (length: number): number => Math.ceil(length / ALIGN) * ALIGN
