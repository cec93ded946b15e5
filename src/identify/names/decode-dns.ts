import { formatIpv4, formatIpv6, type Ip } from '#model/address.ts'
import { type Message, readDnsName } from './wire-name.ts'

/** An address and the name that leads to it. */
export interface NamedAddress {
  readonly address: Ip
  readonly name: string
  readonly ttlSeconds: number
}

const HEADER = 12
const A = 1
const CNAME = 5
const AAAA = 28
const INTERNET = 1
/** Multicast DNS sets the upper bit of the class to say that it has the whole set (RFC 6762 §10.2). */
const CLASS_MASK = 0x7fff
/** More than these in one message are passed by: no size is the sender's to choose. */
const MAX_RECORDS = 128
const MAX_ADDRESSES = 32
const MAX_ALIASES = 16
const MAX_QUESTIONS = 4

interface DnsRecord {
  readonly owner: string
  readonly type: number
  readonly ttlSeconds: number
  readonly dataAt: number
  readonly dataLength: number
}

/** Identifier of a message, or -1 where there is none; a query has `isAnswer` false. */
export const messageId = (view: DataView, start: number, end: number): number =>
  end - start < HEADER ? -1 : view.getUint16(start)

export const isAnswer = (view: DataView, start: number, end: number): boolean =>
  end - start >= HEADER && (view.getUint8(start + 2) & 0x80) !== 0

/**
 * The addresses in the answer to a question, each under the name that was asked for, however many aliases lie between.
 * Records that do not belong to the question are passed by. Nothing for a question, an error, or bytes that are none of
 * both; what comes before a cut counts.
 */
export function decodeDnsAnswer(view: DataView, start: number, end: number): readonly NamedAddress[] {
  const message = { view, start, end }
  if (!isAnswer(view, start, end) || !isPlainAnswer(message) || view.getUint16(start + 4) !== 1) return NONE
  const question = readDnsName(message, start + HEADER)
  if (!question || question.text === '') return NONE
  const records = readRecords(message, question.next + 4, view.getUint16(start + 6))
  const belonging = aliasesOf(message, question.text, records)
  return addressesIn(message, records, (owner) => (belonging.has(owner) ? question.text : undefined))
}

/** The names that hosts of the local link give themselves (RFC 6762): those below `.local` alone. */
export function decodeMulticastDns(view: DataView, start: number, end: number): readonly NamedAddress[] {
  const message = { view, start, end }
  if (!isAnswer(view, start, end) || !isPlainAnswer(message)) return NONE
  const at = afterQuestions(message, view.getUint16(start + 4))
  if (at === undefined) return NONE
  const count = view.getUint16(start + 6) + view.getUint16(start + 8) + view.getUint16(start + 10)
  const records = readRecords(message, at, count)
  return addressesIn(message, records, (owner) => (owner.endsWith('.local') ? owner : undefined))
}

const NONE: readonly NamedAddress[] = []

/** A standard query (opcode 0) that was answered without an error (RFC 1035 §4.1.1). */
const isPlainAnswer = ({ view, start }: Message): boolean => (view.getUint16(start + 2) & 0x780f) === 0

function afterQuestions(message: Message, count: number): number | undefined {
  let at: number | undefined = message.start + HEADER
  if (count > MAX_QUESTIONS) return undefined
  for (let question = 0; question < count && at !== undefined; question++) {
    const name = readDnsName(message, at)
    at = name && name.next + 4
  }
  return at
}

/** As many records as are whole. */
function readRecords(message: Message, from: number, count: number): readonly DnsRecord[] {
  const records: DnsRecord[] = []
  let at = from
  for (let index = 0; index < Math.min(count, MAX_RECORDS); index++) {
    const record = readRecord(message, at)
    if (!record) break
    at = record.dataAt + record.dataLength
    if (record.type !== 0) records.push(record)
  }
  return records
}

/** Type 0 stands for records of another class. */
function readRecord(message: Message, at: number): DnsRecord | undefined {
  const { view, end } = message
  const owner = readDnsName(message, at)
  if (!owner || owner.next + 10 > end) return undefined
  const fields = owner.next
  const dataLength = view.getUint16(fields + 8)
  if (fields + 10 + dataLength > end) return undefined
  const isInternet = (view.getUint16(fields + 2) & CLASS_MASK) === INTERNET
  const ttl = view.getUint32(fields + 4)
  return {
    owner: owner.text,
    type: isInternet ? view.getUint16(fields) : 0,
    // RFC 2181 §8: with the upper bit set it counts as 0.
    ttlSeconds: ttl > 0x7fff_ffff ? 0 : ttl,
    dataAt: fields + 10,
    dataLength,
  }
}

/** The name and all that it is an alias of, in whatever order the records come. */
function aliasesOf(message: Message, name: string, records: readonly DnsRecord[]): ReadonlySet<string> {
  const names = new Set([name])
  const aliases = records.filter(({ type }) => type === CNAME).slice(0, MAX_ALIASES)
  for (let isMore = true; isMore; ) {
    isMore = false
    for (const { owner, dataAt } of aliases) {
      const target = names.has(owner) ? readDnsName(message, dataAt)?.text : undefined
      if (!target || names.has(target)) continue
      names.add(target)
      isMore = true
    }
  }
  return names
}

function addressesIn(
  message: Message,
  records: readonly DnsRecord[],
  nameOf: (owner: string) => string | undefined,
): readonly NamedAddress[] {
  const found: NamedAddress[] = []
  for (const record of records) {
    const address = addressIn(message.view, record)
    const name = address && nameOf(record.owner)
    if (!address || !name) continue
    found.push({ address, name, ttlSeconds: record.ttlSeconds })
    if (found.length >= MAX_ADDRESSES) break
  }
  return found
}

function addressIn(view: DataView, { type, dataAt, dataLength }: DnsRecord): Ip | undefined {
  if (type === A && dataLength === 4) return formatIpv4(view.getInt32(dataAt))
  if (type !== AAAA || dataLength !== 16) return undefined
  const word = (index: number): number => view.getInt32(dataAt + 4 * index)
  return formatIpv6(word(0), word(1), word(2), word(3))
}
