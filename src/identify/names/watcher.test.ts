import { beforeAll, describe, expect, test } from 'vitest'
import { createEngine } from '#capture/engine.ts'
import { PROTOCOL, TCP } from '#model/packet.ts'
import { clientHello } from '../../../test/support/client-hello.ts'
import { dnsMessage } from '../../../test/support/dns-message.ts'
import { deliver, ethernet, ipv4, tcp, udp } from '../../../test/support/frames.ts'
import { quicInitial } from '../../../test/support/quic-initial.ts'
import { createNameWatch } from './watcher.ts'

const CLIENT = '10.0.0.1'
const SERVER = '10.0.0.53'
const AT = 1_700_000_000_000

let hello = new Uint8Array()
beforeAll(async () => {
  hello = Uint8Array.from(await clientHello('www.example.com'))
})

interface Bytes {
  readonly payload: Uint8Array
  readonly port?: number
  readonly clientPort?: number
  readonly sequence?: number
  readonly at?: number
  readonly ttl?: number
  readonly captured?: number
}

/** An engine with a name watch, and the packets of a client and a server. */
function listen() {
  const engine = createEngine({ seed: 1, maxFlows: 1024, maxHosts: 2048 })
  const names = createNameWatch(engine.flows)
  engine.watch([names.watcher])
  const send = (
    isBack: boolean,
    protocol: number,
    segment: Uint8Array,
    { at = AT, ttl = 64, captured }: Bytes,
  ): void => {
    const [source, target] = isBack ? [SERVER, CLIENT] : [CLIENT, SERVER]
    const frame = ethernet(ipv4(segment, { source, target, protocol, ttl }))
    deliver(engine, frame, at, captured === undefined ? {} : { captured })
  }
  const tcpOf = (
    isBack: boolean,
    { payload, port = 443, clientPort = 40_000, sequence = 1 }: Bytes,
  ): Uint8Array => {
    const [sourcePort, targetPort] = isBack ? [port, clientPort] : [clientPort, port]
    return tcp({ sourcePort, targetPort, flags: TCP.ack | TCP.psh, sequence, payload })
  }
  return {
    engine,
    names,
    ask: (about: Bytes) =>
      send(false, PROTOCOL.udp, udp(about.clientPort ?? 5000, about.port ?? 53, about.payload), about),
    answer: (about: Bytes) =>
      send(true, PROTOCOL.udp, udp(about.port ?? 53, about.clientPort ?? 5000, about.payload), about),
    open(port = 443, clientPort = 40_000) {
      const syn = tcp({ sourcePort: clientPort, targetPort: port, flags: TCP.syn, sequence: 0 })
      send(false, PROTOCOL.tcp, syn, { payload: syn })
    },
    say: (about: Bytes) => send(false, PROTOCOL.tcp, tcpOf(false, about), about),
    reply: (about: Bytes) => send(true, PROTOCOL.tcp, tcpOf(true, about), about),
    found: () => names.take().map(({ name, address, source }) => `${source} ${name} ${address}`),
  }
}

const QUESTION = dnsMessage({ flags: 0x0100, question: 'a.example' })
const ANSWER = dnsMessage({
  question: 'a.example',
  answers: [{ name: 'a.example', type: 'A', data: '192.0.2.1' }],
})

describe('DNS over UDP', () => {
  test('an answer names its addresses, with who asked', () => {
    const { ask, answer, names } = listen()
    ask({ payload: QUESTION })
    answer({ payload: ANSWER, at: AT + 5 })
    expect(names.take()).toEqual([
      {
        address: '192.0.2.1',
        name: 'a.example',
        source: 'dns',
        at: AT + 5,
        ttlSeconds: 60,
        client: CLIENT,
        flow: 1,
      },
    ])
    expect(names.take()).toEqual([])
  })

  test('an answer that nobody asked for is not believed', () => {
    const { ask, answer, found, names } = listen()
    answer({ payload: ANSWER })
    ask({ payload: dnsMessage({ id: 8, flags: 0x0100, question: 'a.example' }), clientPort: 6000 })
    answer({ payload: ANSWER, clientPort: 6000 })
    expect([found(), names.counts.unasked]).toEqual([[], 1])
  })

  test('only the first answer to a question is believed', () => {
    const { ask, answer, found } = listen()
    const forged = dnsMessage({
      question: 'a.example',
      answers: [{ name: 'a.example', type: 'A', data: '192.0.2.66' }],
    })
    ask({ payload: QUESTION })
    answer({ payload: ANSWER })
    answer({ payload: forged })
    expect(found()).toEqual(['dns a.example 192.0.2.1'])
  })
})

describe('multicast DNS', () => {
  const claim = dnsMessage({ flags: 0x8400, answers: [{ name: 'tv.local', type: 'A', data: SERVER }] })

  test('hosts on the link name themselves; what crossed a router does not count', () => {
    const { answer, found } = listen()
    answer({ payload: claim, port: 5353, clientPort: 5353, ttl: 254 })
    expect(found()).toEqual([])
    answer({ payload: claim, port: 5353, clientPort: 5353, ttl: 255 })
    expect(found()).toEqual([`mdns tv.local ${SERVER}`])
  })
})

describe('DNS over TCP', () => {
  const framed = (...messages: Uint8Array[]): Uint8Array =>
    Uint8Array.from(messages.flatMap((message) => [message.length >>> 8, message.length & 255, ...message]))

  test.each([1, 2, 3, 10, 1000])('answers in segments of %i bytes are read, one after the other', (size) => {
    const { open, reply, found } = listen()
    const other = dnsMessage({
      question: 'b.example',
      answers: [{ name: 'b.example', type: 'A', data: '192.0.2.2' }],
    })
    const bytes = framed(ANSWER, other)
    open(53)
    for (let at = 0; at < bytes.length; at += size) {
      reply({ port: 53, sequence: 1 + at, payload: bytes.subarray(at, at + size) })
    }
    expect(found()).toEqual(['dns a.example 192.0.2.1', 'dns b.example 192.0.2.2'])
  })
})

describe('TLS', () => {
  test('the server name in one segment', () => {
    const { open, say, names } = listen()
    open()
    say({ payload: hello })
    expect(names.take()).toMatchObject([
      { address: SERVER, name: 'www.example.com', source: 'tls', client: CLIENT, flow: 1 },
    ])
  })

  test.each([1, 5, 9, 48, 200])('in segments of %i bytes', (size) => {
    const { open, say, found } = listen()
    open(8443)
    for (let at = 0; at < hello.length; at += size) {
      say({ port: 8443, sequence: 1 + at, payload: hello.subarray(at, at + size) })
    }
    expect(found()).toEqual([`tls www.example.com ${SERVER}`])
  })

  test('with the second segment twice and the third before it', () => {
    const { open, say, found } = listen()
    const part = (from: number, to: number): void =>
      say({ sequence: 1 + from, payload: hello.subarray(from, to) })
    open()
    part(0, 30)
    part(60, 90)
    part(30, 60)
    part(30, 60)
    part(90, hello.length)
    expect(found()).toEqual([`tls www.example.com ${SERVER}`])
  })

  test('what the server says names nobody', () => {
    const { open, reply, found } = listen()
    open()
    reply({ payload: hello })
    expect(found()).toEqual([])
  })

  test('a name that lies before the cut of the capture is found', () => {
    const { open, say, found } = listen()
    const at = Buffer.from(hello).indexOf('www.example.com') + 15
    open()
    say({ payload: hello, captured: 54 + at })
    expect(found()).toEqual([`tls www.example.com ${SERVER}`])
  })
})

describe('QUIC', () => {
  const message = (): Uint8Array => hello.subarray(5)
  const part = (from: number, to?: number): readonly [number, Uint8Array] => [
    from,
    message().subarray(from, to),
  ]

  test('the server name in pieces of one packet that lie in any order', () => {
    const { ask, found } = listen()
    ask({ port: 443, payload: quicInitial({ pieces: [part(180, 800), part(0, 90), part(90, 180)] }) })
    expect(found()).toEqual([`tls www.example.com ${SERVER}`])
  })

  test('in pieces of two packets, the second one first', () => {
    const { ask, found } = listen()
    const first = quicInitial({ packetNumber: 0, pieces: [part(0, 60), part(900)] })
    const second = quicInitial({ packetNumber: 1, pieces: [part(60, 500), part(500, 900)] })
    ask({ port: 443, payload: second })
    expect(found()).toEqual([])
    ask({ port: 443, payload: first })
    expect(found()).toEqual([`tls www.example.com ${SERVER}`])
  })

  test('of a flood of first packets 20 at once are opened, and 200 a second', () => {
    const { ask, names } = listen()
    const payload = quicInitial({ pieces: [part(0, 60)] })
    const flood = (count: number, from: number, everyMs: number): number => {
      const before = names.counts.untold
      for (let index = 0; index < count; index++) {
        ask({ port: 443, clientPort: from + index, payload, at: AT + from + index * everyMs })
      }
      return count - (names.counts.untold - before)
    }
    expect(flood(100, 1_000, 0)).toBe(20)
    expect(flood(500, 2_000, 2)).toBeLessThanOrEqual(221)
    expect(flood(1, 9_000, 1)).toBe(1)
  })

  test('a clock that is set back stops nothing', () => {
    const { ask, found } = listen()
    ask({ port: 443, clientPort: 1_001, payload: quicInitial({ pieces: [part(0, 60)] }) })
    ask({
      port: 443,
      clientPort: 1_002,
      payload: quicInitial({ pieces: [part(0, 900)] }),
      at: AT - 86_400_000,
    })
    expect(found()).toEqual([`tls www.example.com ${SERVER}`])
  })
})

test('HTTP names the host, over several segments too', () => {
  const { open, say, found } = listen()
  open(8080)
  say({ port: 8080, payload: Buffer.from('GET / HTTP/1.1\r\nHo') })
  say({ port: 8080, sequence: 19, payload: Buffer.from('st: intra.example:8080\r\n\r\n') })
  expect(found()).toEqual([`http intra.example ${SERVER}`])
})

describe('what a flow says besides its name', () => {
  const JA4 = /^t13d\d{4}00_[0-9a-f]{12}_[0-9a-f]{12}$/

  test('how its client speaks TLS, once the handshake is there to its last byte; the name is told before', () => {
    const { open, say, found, names } = listen()
    open()
    say({ payload: hello.subarray(0, 300) })
    expect([found(), names.takeNotes()]).toEqual([[`tls www.example.com ${SERVER}`], []])
    say({ payload: hello.subarray(300), sequence: 301 })
    const [note, ...others] = names.takeNotes()
    expect([note?.flow, others, found()]).toEqual([1, [], []])
    expect(note?.ja4).toMatch(JA4)
    expect(note?.ja3).toMatch(/^[0-9a-f]{32}$/)
    say({ payload: hello, sequence: 1 + hello.length })
    expect(names.takeNotes()).toEqual([])
  })

  test('the same in one segment, in two records, and over QUIC but for its first letter', () => {
    const { open, say, ask, names } = listen()
    open(443, 40_001)
    say({ clientPort: 40_001, payload: hello })
    const body = hello.subarray(5)
    const record = (part: Uint8Array) => [22, 3, 1, part.length >> 8, part.length & 255, ...part]
    const cut = Uint8Array.from([...record(body.subarray(0, 100)), ...record(body.subarray(100))])
    open(443, 40_002)
    say({ clientPort: 40_002, payload: cut })
    const [first, second] = names.takeNotes()
    expect(first?.ja4).toMatch(JA4)
    expect({ ...second, flow: 1 }).toEqual(first)
    const [start, end] = [body.subarray(0, 700), body.subarray(700)]
    ask({ port: 443, payload: quicInitial({ packetNumber: 0, pieces: [[0, start]] }) })
    ask({ port: 443, payload: quicInitial({ packetNumber: 1, pieces: [[700, end]] }) })
    expect(names.takeNotes()).toEqual([{ flow: 3, ja4: `q${first?.ja4?.slice(1)}` }])
  })

  test('what it asks for without encryption', () => {
    const { open, say, names } = listen()
    const asked = (port: number, clientPort: number, head: string): void => {
      open(port, clientPort)
      say({ port, clientPort, payload: Buffer.from(head) })
    }
    asked(80, 40_001, 'GET /mal.exe?id=1 HTTP/1.1\r\nHost: bad.example\r\n\r\n')
    asked(8080, 40_002, 'POST / HTTP/1.1\r\nHost: bad.example:8080\r\n\r\n')
    asked(3128, 40_003, 'GET http://bad.example/x HTTP/1.1\r\nHost: bad.example\r\n\r\n')
    asked(80, 40_004, 'GET /\x1b[2J HTTP/1.1\r\nHost: bad.example\r\n\r\n')
    asked(80, 40_005, `GET /${'x'.repeat(3_000)} HTTP/1.1\r\nHost: bad.example\r\n\r\n`)
    asked(8081, 40_006, `GET /by-number HTTP/1.1\r\nHost: ${SERVER}:8081\r\nAccept: */*\r\n\r\n`)
    expect(names.takeNotes().map(({ url }) => url)).toEqual([
      'http://bad.example/mal.exe?id=1',
      'http://bad.example:8080/',
      'http://bad.example/x',
      `http://${SERVER}:8081/by-number`,
    ])
  })

  test('of a flood of handshakes a thousand a second', () => {
    const { open, say, names } = listen()
    for (let client = 0; client < 1_020; client++) {
      open(443, 2_000 + client)
      say({ clientPort: 2_000 + client, payload: hello })
    }
    expect(names.takeNotes()).toHaveLength(1_000)
  })
})

describe('bounds', () => {
  test('of a flood of answers 2,000 names a second are told, the rest is counted', () => {
    const { ask, answer, names } = listen()
    for (let index = 0; index < 2_500; index++) {
      const id = index
      ask({ payload: dnsMessage({ id, flags: 0x0100, question: 'a.example' }) })
      answer({
        payload: dnsMessage({
          id,
          question: 'a.example',
          answers: [{ name: 'a.example', type: 'A', data: '192.0.2.1' }],
        }),
      })
    }
    expect([names.take().length, names.counts]).toEqual([2_000, { told: 2_000, untold: 500, unasked: 0 }])
  })

  test('a thousand streams that never come to their end take no more room, and the last ones are read', () => {
    const { open, say, found } = listen()
    for (let port = 1; port <= 1000; port++) {
      open(443, port)
      say({ clientPort: port, payload: hello.subarray(0, 60) })
    }
    say({ clientPort: 1000, sequence: 61, payload: hello.subarray(60) })
    say({ clientPort: 1, sequence: 61, payload: hello.subarray(60) })
    expect(found()).toEqual([`tls www.example.com ${SERVER}`])
  })

  test('a flow that takes the number of an older one begins anew', () => {
    const { engine, open, say, found } = listen()
    open()
    say({ payload: hello.subarray(0, 60) })
    engine.tick(AT + 86_400_000)
    open(443, 40_001)
    say({ clientPort: 40_001, payload: hello })
    expect(found()).toEqual([`tls www.example.com ${SERVER}`])
  })
})
