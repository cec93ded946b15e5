import { createSocket, type RemoteInfo } from 'node:dgram'
import { createServer } from 'node:net'
import { type DnsAnswerRecord, dnsMessage } from './dns-message.ts'

/**
 * A small DNS server on port 53 (UDP and TCP), or a stub that hands UDP questions on to another one. Settings: the
 * first word of the command line, as JSON. Says `ready` when it listens.
 */
export interface DnsServerSettings {
  readonly listen: string
  /** Name → address, or → name of another one. */
  readonly records?: Readonly<Record<string, string>>
  /** Names whose answer over UDP is cut short, so that they are asked for again over TCP. */
  readonly truncated?: readonly string[]
  /** Where a stub asks. */
  readonly upstream?: string
}

const settings = JSON.parse(process.argv[2] ?? '{}') as DnsServerSettings
const { listen, records = {}, truncated = [], upstream } = settings

function questionOf(query: Uint8Array): { readonly name: string; readonly type: number } {
  const labels: string[] = []
  let at = 12
  for (let size = query[at] ?? 0; size > 0; size = query[at] ?? 0) {
    labels.push(Buffer.from(query.subarray(at + 1, at + 1 + size)).toString())
    at += 1 + size
  }
  return { name: labels.join('.').toLowerCase(), type: query[at + 2] ?? 0 }
}

function answersFor(name: string, type: number): DnsAnswerRecord[] {
  const data = records[name]
  if (data === undefined) return []
  if (!/^[\d.]+$/.test(data)) return [{ name, type: 'CNAME', data }, ...answersFor(data, type)]
  return type === 1 ? [{ name, type: 'A', data }] : []
}

function answerTo(query: Uint8Array, isUdp: boolean): Uint8Array {
  const { name, type } = questionOf(query)
  const id = ((query[0] ?? 0) << 8) | (query[1] ?? 0)
  const isCut = isUdp && truncated.includes(name)
  const message = dnsMessage({
    id,
    flags: isCut ? 0x8380 : 0x8180,
    question: name,
    answers: isCut ? [] : answersFor(name, type),
  })
  // The question as it was asked: its type follows the name.
  message[12 + Buffer.byteLength(name) + 2 + 1] = type
  return message
}

const udp = createSocket('udp4')
const waiting = new Map<number, RemoteInfo>()
udp.on('message', (message, from) => {
  const id = message.readUInt16BE(0)
  if (upstream === undefined) udp.send(answerTo(message, true), from.port, from.address)
  else waiting.set(id, from)
  if (upstream !== undefined) onward.send(message, 53, upstream)
})
const onward = createSocket('udp4')
onward.on('message', (message) => {
  const asker = waiting.get(message.readUInt16BE(0))
  if (asker) udp.send(message, asker.port, asker.address)
})
udp.bind(53, listen, () => {
  const tcp = createServer((socket) => {
    let bytes = Buffer.alloc(0)
    socket.on('error', () => {})
    socket.on('data', (more) => {
      bytes = Buffer.concat([bytes, more])
      while (bytes.length >= 2 && bytes.length >= bytes.readUInt16BE(0) + 2) {
        const length = bytes.readUInt16BE(0)
        const answer = answerTo(bytes.subarray(2, length + 2), false)
        socket.write(Buffer.concat([Buffer.from([answer.length >>> 8, answer.length & 255]), answer]))
        bytes = bytes.subarray(length + 2)
      }
    })
  })
  tcp.listen(53, listen, () => process.stdout.write('ready\n'))
})
