import { eachAttribute, type NetlinkWriter, REQUEST } from './netlink.ts'
import {
  COUNTER,
  DATA_VALUE,
  DATA_VERDICT,
  ELEMENT,
  ELEMENT_INTERVAL_END,
  ELEMENT_LIST,
  EXPRESSION,
  INET_HEADER,
  LIST_ITEM,
  NFT_MESSAGE,
  USERDATA_COMMENT,
  uint32Bytes,
  VERDICT_CODE,
} from './nft-wire.ts'

/** Longest comment that `nft` itself takes, its closing zero not counted (libnftnl: 128 with it). */
const NOTE_BYTES = 120

/** What a set of blocks holds: an address, or in an interval set the addresses from `key` up to before `end`. */
export interface NftElement {
  /** In network order, as long as the set's key. */
  readonly key: Uint8Array
  /** Interval sets: the first address after it; absent when it reaches the very last address. */
  readonly end?: Uint8Array
  /** Milliseconds from now; absent: no end. */
  readonly timeoutMs?: number
  readonly note?: string
  /** Of a map: the chain that packets with this key go through. */
  readonly jump?: string
  /** Where its counter goes on from. */
  readonly counted?: { readonly packets: number; readonly bytes: number }
}

/** One row of a dump. An interval is two rows: its first address, and a row with `isEnd`. */
export interface DumpedElement {
  readonly key: Uint8Array
  readonly isEnd: boolean
  /** Milliseconds that are left; absent: no end. */
  readonly remainingMs?: number
  readonly note: string
  readonly packets: number
  readonly bytes: number
}

export interface SetName {
  readonly table: string
  readonly set: string
}

/** Nested lengths are 16 bits: with a full note and a counter an element is at most 300 bytes. */
export const ELEMENTS_PER_MESSAGE = 200

/**
 * Appends one message. `exclusive`: an element that is there already is a refusal (EEXIST); else it stays as it is.
 */
export function writeNewElements(
  writer: NetlinkWriter,
  to: SetName & { readonly sequence: number; readonly exclusive?: boolean },
  elements: readonly NftElement[],
): void {
  const flags = REQUEST.request | REQUEST.create | (to.exclusive ? REQUEST.exclusive : 0)
  writer.begin(NFT_MESSAGE.newElement, flags, to.sequence, INET_HEADER)
  writer.text(ELEMENT_LIST.table, to.table).text(ELEMENT_LIST.set, to.set)
  const list = writer.nest(ELEMENT_LIST.elements)
  for (const element of elements) {
    const item = writer.nest(LIST_ITEM)
    writeKey(writer, element.key)
    if (element.jump !== undefined) writeJump(writer, element.jump)
    if (element.timeoutMs !== undefined) {
      writer.uint64BigEndian(ELEMENT.timeout, BigInt(Math.max(1, Math.ceil(element.timeoutMs))))
    }
    if (element.note) writer.bytes(ELEMENT.userdata, comment(element.note))
    if (element.counted) writeCounter(writer, element.counted)
    writer.close(item)
    if (element.end) writeEnd(writer, element.end)
  }
  writer.close(list).end()
}

/** Appends one message; without elements it empties the set. An element that is not there is a refusal (ENOENT). */
export function writeDeleteElements(
  writer: NetlinkWriter,
  from: SetName & { readonly sequence: number },
  elements?: readonly Pick<NftElement, 'key' | 'end'>[],
): void {
  writer.begin(NFT_MESSAGE.deleteElement, REQUEST.request, from.sequence, INET_HEADER)
  writer.text(ELEMENT_LIST.table, from.table).text(ELEMENT_LIST.set, from.set)
  if (elements) {
    const list = writer.nest(ELEMENT_LIST.elements)
    for (const { key, end } of elements) {
      const item = writer.nest(LIST_ITEM)
      writeKey(writer, key)
      writer.close(item)
      if (end) writeEnd(writer, end)
    }
    writer.close(list)
  }
  writer.end()
}

/** Appends a request for one element. */
export function writeGetElement(
  writer: NetlinkWriter,
  from: SetName & { readonly sequence: number },
  key: Uint8Array,
): void {
  writer.begin(NFT_MESSAGE.getElement, REQUEST.request | REQUEST.ack, from.sequence, INET_HEADER)
  writer.text(ELEMENT_LIST.table, from.table).text(ELEMENT_LIST.set, from.set)
  const list = writer.nest(ELEMENT_LIST.elements)
  const item = writer.nest(LIST_ITEM)
  writeKey(writer, key)
  writer.close(item).close(list).end()
}

/** Calls `read` for each element of one message of a set. */
export function eachElement(
  view: DataView,
  start: number,
  end: number,
  read: (element: DumpedElement) => void,
): void {
  eachAttribute(view, start + INET_HEADER.length, end, (type, from, to) => {
    if (type !== ELEMENT_LIST.elements) return
    eachAttribute(view, from, to, (_item, itemStart, itemEnd) => read(parseElement(view, itemStart, itemEnd)))
  })
}

function parseElement(view: DataView, start: number, end: number): DumpedElement {
  let key = new Uint8Array(0)
  let isEnd = false
  let remainingMs: number | undefined
  let note = ''
  const counter = { packets: 0, bytes: 0 }
  eachAttribute(view, start, end, (type, from, to) => {
    if (type === ELEMENT.key) key = dataValue(view, from, to)
    else if (type === ELEMENT.flags) isEnd = (view.getUint32(from) & ELEMENT_INTERVAL_END) !== 0
    else if (type === ELEMENT.expiration) remainingMs = Number(view.getBigUint64(from))
    else if (type === ELEMENT.userdata) note = commentOf(view, from, to)
    else if (type === ELEMENT.expression) readCounter(view, [from, to], counter)
    else if (type === ELEMENT.expressions) {
      eachAttribute(view, from, to, (_item, itemFrom, itemTo) =>
        readCounter(view, [itemFrom, itemTo], counter),
      )
    }
  })
  return { key, isEnd, note, ...counter, ...(remainingMs !== undefined && { remainingMs }) }
}

function readCounter(
  view: DataView,
  [start, end]: readonly [number, number],
  into: { packets: number; bytes: number },
): void {
  eachAttribute(view, start, end, (type, from, to) => {
    if (type !== EXPRESSION.data) return
    eachAttribute(view, from, to, (field, valueAt, valueEnd) => {
      if (valueEnd - valueAt !== 8) return
      if (field === COUNTER.packets) into.packets = Number(view.getBigUint64(valueAt))
      if (field === COUNTER.bytes) into.bytes = Number(view.getBigUint64(valueAt))
    })
  })
}

function dataValue(view: DataView, start: number, end: number): Uint8Array<ArrayBuffer> {
  let value = new Uint8Array(0)
  eachAttribute(view, start, end, (type, from, to) => {
    if (type === DATA_VALUE) value = bytesOf(view, from, to)
  })
  return value
}

/** nft's own format: type, length, text with its closing zero, one after the other. */
export function commentOf(view: DataView, start: number, end: number): string {
  for (let at = start; at + 2 <= end; at += 2 + view.getUint8(at + 1)) {
    const textEnd = at + 2 + view.getUint8(at + 1)
    if (view.getUint8(at) !== USERDATA_COMMENT || textEnd > end) continue
    return Buffer.from(bytesOf(view, at + 2, textEnd))
      .toString('utf8')
      .replace(/\0+$/, '')
  }
  return ''
}

/** Cut at a whole character: half of one would be no text any more. */
export function comment(note: string): Uint8Array {
  const text = new Uint8Array(NOTE_BYTES)
  const { written } = new TextEncoder().encodeInto(note, text)
  const bytes = new Uint8Array(2 + written + 1)
  bytes[0] = USERDATA_COMMENT
  bytes[1] = written + 1
  bytes.set(text.subarray(0, written), 2)
  return bytes
}

function writeCounter(writer: NetlinkWriter, counted: NonNullable<NftElement['counted']>): void {
  const expression = writer.nest(ELEMENT.expression)
  writer.text(EXPRESSION.name, 'counter')
  const fields = writer.nest(EXPRESSION.data)
  writer.uint64BigEndian(COUNTER.bytes, BigInt(counted.bytes))
  writer.uint64BigEndian(COUNTER.packets, BigInt(counted.packets))
  writer.close(fields).close(expression)
}

function writeKey(writer: NetlinkWriter, key: Uint8Array): void {
  const nested = writer.nest(ELEMENT.key)
  writer.bytes(DATA_VALUE, key).close(nested)
}

function writeJump(writer: NetlinkWriter, chain: string): void {
  const data = writer.nest(ELEMENT.data)
  const verdict = writer.nest(DATA_VERDICT)
  writer.bytes(VERDICT_CODE, uint32Bytes(NFT_JUMP)).text(VERDICT_CHAIN, chain)
  writer.close(verdict).close(data)
}

/** linux/netfilter/nf_tables.h. */
const NFT_JUMP = -3
const VERDICT_CHAIN = 2

function writeEnd(writer: NetlinkWriter, end: Uint8Array): void {
  const item = writer.nest(LIST_ITEM)
  writeKey(writer, end)
  writer.uint32BigEndian(ELEMENT.flags, ELEMENT_INTERVAL_END).close(item)
}

const bytesOf = (view: DataView, from: number, to: number): Uint8Array<ArrayBuffer> =>
  new Uint8Array(view.buffer.slice(view.byteOffset + from, view.byteOffset + to) as ArrayBuffer)
