import type { Row } from '../rows.ts'
import { packAddresses, packCodes, packNumbers } from './packing.ts'
import { HIGHEST_CODE } from './range-code.ts'
import { COLUMNS, type ColumnName, NONE } from './segment-columns.ts'

/** One column of one segment as it lies in the database; without `codes` all flows have the one value. */
export interface PackedColumn {
  readonly words: Uint8Array
  readonly codes?: Uint8Array
}

/** Two bytes tell so many values apart. */
const MAX_WORDS = 65_536
/** Of a range, so many values are listed after the lowest and the highest; where there are more, each flow has its own. */
const MAX_LISTED = 256

/** Gathers one column of a segment, flow by flow. */
export interface ColumnWriter {
  add(row: Row): void
  /** Undefined where the column cannot be kept: then searches do without it. */
  pack(): PackedColumn | undefined
}

export function createColumnWriter(name: ColumnName): ColumnWriter {
  const column = COLUMNS[name]
  if (column.kind === 'ranges') return writeRanges(column.read)
  if (column.kind === 'times') return writeTimes(column.read)
  if (column.kind === 'addresses') return writeAddresses(column.read)
  return writeNumbers(column.read)
}

function writeRanges(read: (row: Row) => number): ColumnWriter {
  const places = new Map<number, number>()
  const own: number[] = []
  return {
    add(row) {
      const code = read(row)
      placeOf(places, code)
      own.push(code)
    },
    pack() {
      const values = [...places.keys()].sort((a, b) => a - b)
      const span = [values[0] ?? 0, values.at(-1) ?? 0]
      if (values.length > MAX_LISTED) return { words: packNumbers(span), codes: packCodes(own, MAX_WORDS) }
      const placeIn = new Map(values.map((value, place) => [value, place]))
      const codes = own.map((code) => placeIn.get(code) ?? 0)
      return packed(packNumbers([...span, ...values]), codes, values.length)
    },
  }
}

/** Words: the second in which the first lies, milliseconds in a step, the highest code. */
function writeTimes(read: (row: Row) => number): ColumnWriter {
  const times: number[] = []
  let [earliest, latest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  return {
    add(row) {
      const at = read(row)
      earliest = Math.min(earliest, at)
      latest = Math.max(latest, at)
      times.push(at)
    },
    pack() {
      const second = Math.floor(earliest / 1000)
      const step = Math.floor((latest - second * 1000) / HIGHEST_CODE) + 1
      if (!(second >= 0 && second <= NONE && step <= NONE)) return undefined
      const codeOf = (at: number): number => Math.floor((at - second * 1000) / step)
      return {
        words: packNumbers([second, step, codeOf(latest)]),
        codes: packCodes(times.map(codeOf), HIGHEST_CODE),
      }
    },
  }
}

function writeNumbers(read: (row: Row) => number): ColumnWriter {
  const places = new Map<number, number>()
  const codes: number[] = []
  let fits = true
  return {
    add(row) {
      const value = read(row)
      fits &&= Number.isInteger(value) && value >= 0 && value <= NONE
      codes.push(placeOf(places, value))
    },
    pack() {
      if (!fits || places.size > MAX_WORDS) return undefined
      return packed(packNumbers([...places.keys()]), codes, places.size)
    },
  }
}

function writeAddresses(read: (row: Row) => Uint8Array): ColumnWriter {
  const places = new Map<string, number>()
  const addresses: Uint8Array[] = []
  const codes: number[] = []
  return {
    add(row) {
      const address = read(row)
      const place = placeOf(places, Buffer.from(address).toString('latin1'))
      if (place === addresses.length) addresses.push(address)
      codes.push(place)
    },
    pack() {
      if (addresses.length > MAX_WORDS) return undefined
      // Short ones come first.
      const order = [...addresses.keys()].sort((a, b) => lengthAt(addresses, a) - lengthAt(addresses, b))
      const placeIn = new Uint32Array(order.length)
      for (const [place, at] of order.entries()) placeIn[at] = place
      return packed(
        packAddresses(addresses),
        codes.map((code) => placeIn[code] ?? 0),
        addresses.length,
      )
    },
  }
}

const lengthAt = (addresses: readonly Uint8Array[], at: number): number => addresses[at]?.length ?? 0

function placeOf<Value>(places: Map<Value, number>, value: Value): number {
  const known = places.get(value)
  if (known !== undefined) return known
  places.set(value, places.size)
  return places.size - 1
}

const packed = (words: Uint8Array, codes: readonly number[], count: number): PackedColumn =>
  count === 1 ? { words } : { words, codes: packCodes(codes, count - 1) }
