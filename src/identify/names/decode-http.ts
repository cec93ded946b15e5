import { MORE, NO_NAME, type Reading } from './reading.ts'
import { hostName, MAX_NAME_BYTES, textOf } from './wire-name.ts'

/** Bytes of a request that are looked at. */
const MAX_HEAD = 8_192
const CR = 13
const LF = 10
const COLON = 58
const SPACE = 32
const TAB = 9
const LOWER = 0x20
const HOST = [104, 111, 115, 116]
const LONGEST_METHOD = 10

/** True for bytes that may begin a request: a method in capitals, then a space (RFC 9112 §3). */
export function looksLikeHttp(view: DataView, start: number, end: number): boolean {
  const last = Math.min(end, start + LONGEST_METHOD + 1)
  for (let at = start; at < last; at++) {
    const byte = view.getUint8(at)
    if (byte === SPACE) return at - start >= 3
    if (byte < 65 || byte > 90) return false
  }
  return false
}

/** The Host of a request whose head begins at `start` (RFC 9112 §3.2). */
export function readHost(view: DataView, start: number, end: number): Reading {
  const last = Math.min(end, start + MAX_HEAD)
  let at = start
  for (let lineEnd = endOfLine(view, at, last); lineEnd >= 0; lineEnd = endOfLine(view, at, last)) {
    const contentEnd = lineEnd > at && view.getUint8(lineEnd - 1) === CR ? lineEnd - 1 : lineEnd
    // An empty line ends the head.
    if (contentEnd === at) return NO_NAME
    if (isHost(view, at, contentEnd)) return valueIn(view, at + HOST.length + 1, contentEnd)
    at = lineEnd + 1
  }
  return last - start < MAX_HEAD ? MORE : NO_NAME
}

const MAX_TARGET = 2_048
const VISIBLE_FIRST = 33
const VISIBLE_LAST = 126
const SLASH = 47

/**
 * The web address that the request at `start` asks `host` for (RFC 9112 §3.2); undefined for one that is long, or has
 * more than visible ASCII in it.
 */
export function readUrl(view: DataView, start: number, { end, host, port }: RequestEnds): string | undefined {
  const from = spaceAfter(view, start, end) + 1
  const to = spaceAfter(view, from, Math.min(end, from + MAX_TARGET))
  if (to <= from || to - from === MAX_TARGET || to >= end || !isVisible(view, from, to)) return undefined
  const target = textOf(view, from, to)
  // To a proxy the whole address is said.
  if (view.getUint8(from) !== SLASH) return target.startsWith('http://') ? target : undefined
  return `http://${host}${port === HTTP_PORT ? '' : `:${port}`}${target}`
}

/** `end` where there is none. */
function spaceAfter(view: DataView, from: number, end: number): number {
  let at = from
  while (at < end && view.getUint8(at) !== SPACE) at++
  return at
}

function isVisible(view: DataView, from: number, to: number): boolean {
  for (let at = from; at < to; at++) {
    const byte = view.getUint8(at)
    if (byte < VISIBLE_FIRST || byte > VISIBLE_LAST) return false
  }
  return true
}

const HTTP_PORT = 80

/** Where a request ends, and whom it is to. */
export interface RequestEnds {
  readonly end: number
  readonly host: string
  readonly port: number
}

function endOfLine(view: DataView, from: number, end: number): number {
  for (let at = from; at < end; at++) if (view.getUint8(at) === LF) return at
  return -1
}

function isHost(view: DataView, at: number, end: number): boolean {
  if (at + HOST.length >= end || view.getUint8(at + HOST.length) !== COLON) return false
  return HOST.every((letter, index) => (view.getUint8(at + index) | LOWER) === letter)
}

function valueIn(view: DataView, start: number, end: number): Reading {
  let [from, to] = [start, end]
  while (from < to && isBlank(view.getUint8(from))) from++
  while (to > from && isBlank(view.getUint8(to - 1))) to--
  // A name, and a port after it.
  const name = to - from > MAX_NAME_BYTES + 6 ? undefined : hostName(textOf(view, from, to))
  return name === undefined ? NO_NAME : { state: 'found', name }
}

const isBlank = (byte: number): boolean => byte === SPACE || byte === TAB
