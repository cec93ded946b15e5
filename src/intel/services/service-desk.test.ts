import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ip } from '#model/address.ts'
import { Answers } from './answers.ts'
import { isAskable, ServiceDesk } from './service-desk.ts'
import { SERVICES } from './services.ts'

const KEY = 'a-secret-key'
let now = 0
let folder = ''
let server: Server
let url = ''
let answers: Answers
let ledger: string[] = []
let asked: IncomingMessage[] = []
/** What the service answers. */
let answer: (request: IncomingMessage, response: ServerResponse) => void

beforeEach(async () => {
  now = Date.UTC(2026, 10, 20)
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-services-'))
  writeFileSync(join(folder, 'key'), `${KEY}\n`, { mode: 0o600 })
  ;[ledger, asked] = [[], []]
  answer = (_, response) => void response.end(JSON.stringify(file(0)))
  server = createServer((request, response) => {
    asked.push(request)
    answer(request, response)
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  answers = new Answers(join(folder, 'services.db'))
})

afterEach(() => {
  answers.close()
  server.closeAllConnections()
  server.close()
  rmSync(folder, { recursive: true, force: true })
})

/** As VirusTotal v3 answers about a file. */
const file = (malicious: number) => ({
  data: {
    attributes: {
      last_analysis_stats: { malicious, suspicious: 0, undetected: 60 - malicious, harmless: 0 },
    },
  },
})

interface DeskChange {
  readonly key?: string
  readonly auto?: boolean
  readonly url?: string | undefined
  readonly proxy?: URL
  readonly answered?: (question: { readonly value: string }) => void
}

function desk(
  id = 'virustotal',
  keyFile: string | undefined = join(folder, 'key'),
  { proxy, answered, ...change }: DeskChange = {},
): ServiceDesk {
  const service = SERVICES.find((one) => one.id === id)
  if (!service) throw new Error(id)
  const record = async ({ to, what, why }: { to: string; what: string; why: string }): Promise<void> =>
    void ledger.push(`${to} ${what} ${why}`)
  const choices = [{ service, url, keyFile, ...change }]
  return new ServiceDesk({ choices, answers, now: () => now, record, proxy, ...(answered && { answered }) })
}

const hash = (at: number): string => at.toString(16).padStart(64, '0')

describe('each service', () => {
  test.each([
    [
      'virustotal',
      'sha256',
      hash(7),
      `/api/v3/files/${hash(7)}`,
      'x-apikey',
      file(30),
      { score: 100, sentence: '30 of 60 engines call it malicious' },
    ],
    [
      'virustotal',
      'domain',
      'bad.example',
      '/api/v3/domains/bad.example',
      'x-apikey',
      file(1),
      { score: 20, sentence: '1 of 60 engines call it malicious' },
    ],
    [
      'abuseipdb',
      'target',
      '198.51.100.7',
      '/api/v2/check?ipAddress=198.51.100.7&maxAgeInDays=90',
      'key',
      { data: { abuseConfidenceScore: 87, totalReports: 12 } },
      { score: 87, sentence: '12 reports within 90 days' },
    ],
    [
      'otx',
      'target',
      '2001:db8::1',
      '/api/v1/indicators/IPv6/2001%3Adb8%3A%3A1/general',
      'x-otx-api-key',
      { pulse_info: { count: 3 } },
      { score: 30, sentence: '3 pulses name it' },
    ],
    [
      'rdap',
      'target',
      '198.51.100.7',
      '/ip/198.51.100.7',
      undefined,
      { objectClassName: 'ip network', name: 'TEST-NET-2', handle: 'NET-1', country: 'US' },
      { sentence: 'It belongs to TEST-NET-2, NET-1, US' },
    ],
  ] as const)(
    '%s is asked about a %s as its protocol says',
    async (id, kind, value, path, header, body, opinion) => {
      answer = (_, response) => void response.end(JSON.stringify(body))
      const asking = desk(id)
      asking.ask(kind, value, { priority: 1, isByHand: true })
      await asking.run()
      expect(asked.map((request) => request.url)).toEqual([path])
      if (header) expect(asked[0]?.headers[header]).toBe(KEY)
      expect(asking.known(kind, value)).toMatchObject([{ answer: { at: now, opinion } }])
      expect(ledger).toEqual([`${new URL(url).host} asked about ${value} service ${id}`])
      // Nothing but the value itself goes out, and the key is written nowhere.
      expect(JSON.stringify(ledger)).not.toContain(KEY)
    },
  )
})

test.each([
  ['target', '198.51.100.7', true],
  ['target', '2001:db8::1', true],
  ['target', '192.168.1.1', false],
  ['target', '127.0.0.1', false],
  ['target', '198.51.100.0/24', false],
  ['domain', 'bad.example', true],
  ['sha256', 'x', true],
  ['url', 'http://bad.example/secret', false],
] as const)('others are asked about a %s such as %s: %s', (kind, value, may) => {
  expect(isAskable(kind, value)).toBe(may)
})

test('nothing is asked twice while its answer holds, also not what nobody knows', async () => {
  answer = (_, response) => void response.writeHead(404).end('{"error":{"code":"NotFoundError"}}')
  const asking = desk()
  for (let times = 0; times < 3; times++) {
    asking.ask('sha256', hash(1), { priority: 1, isByHand: true })
    await asking.run()
  }
  expect(asked).toHaveLength(1)
  expect(asking.known('sha256', hash(1))).toMatchObject([{ answer: { at: now } }])
  now += 25 * 3_600_000
  asking.ask('sha256', hash(1), { priority: 1, isByHand: true })
  await asking.run()
  expect(asked).toHaveLength(2)
})

describe('a service that does not answer', () => {
  test('and says when to come again is left alone until then, also over a restart', async () => {
    answer = (_, response) => void response.writeHead(429, { 'retry-after': '300' }).end()
    const asking = desk()
    asking.ask('sha256', hash(1), { priority: 1, isByHand: true })
    await asking.run()
    expect(asking.stateOf('virustotal')).toMatchObject({ state: 'paused' })
    answer = (_, response) => void response.end(JSON.stringify(file(0)))
    now += 299_000
    await desk().run()
    expect(asked).toHaveLength(1)
    now += 2_000
    const later = desk()
    await later.run()
    expect([asked.length, later.stateOf('virustotal').state, later.known('sha256', hash(1)).length]).toEqual([
      2,
      'ok',
      1,
    ])
  })

  test('because the key is bad is not asked again with that key', async () => {
    answer = (request, response) => {
      const isGood = request.headers['x-apikey'] === 'another'
      response.writeHead(isGood ? 200 : 401).end(JSON.stringify(file(0)))
    }
    const asking = desk()
    asking.ask('sha256', hash(1), { priority: 1, isByHand: true })
    await asking.run()
    await asking.run()
    expect([asked.length, asking.stateOf('virustotal').state]).toEqual([1, 'bad key'])
    writeFileSync(join(folder, 'key'), 'another')
    await asking.run()
    expect([asked.length, asking.stateOf('virustotal').state]).toEqual([2, 'ok'])
  })

  test('because there is no key is a state', async () => {
    const asking = desk('virustotal', join(folder, 'none'))
    asking.ask('sha256', hash(1), { priority: 1, isByHand: true })
    await asking.run()
    expect(asking.stateOf('virustotal')).toEqual({
      state: 'no key',
      reason: `${join(folder, 'none')} cannot be read (ENOENT)`,
    })
    expect(asked).toEqual([])
  })

  test('because everybody may read its key is not asked, and says how to mend it', async () => {
    const keyFile = join(folder, 'open')
    writeFileSync(keyFile, KEY)
    chmodSync(keyFile, 0o644)
    const asking = desk('virustotal', keyFile)
    asking.ask('sha256', hash(1), { priority: 1, isByHand: true })
    await asking.run()
    const reason = `${keyFile} may be read by everybody: chmod 600 ${keyFile}`
    expect([asking.stateOf('virustotal'), asked]).toEqual([{ state: 'no key', reason }, []])
    chmodSync(keyFile, 0o640)
    await asking.run()
    expect(asking.stateOf('virustotal').state).toBe('ok')
  })

  test.each([
    ['is away', (_: IncomingMessage, response: ServerResponse) => void response.destroy()],
    ['talks nonsense', (_: IncomingMessage, response: ServerResponse) => void response.end('<html>')],
    [
      'talks without end',
      (_: IncomingMessage, response: ServerResponse) => void response.end('x'.repeat(2_000_000)),
    ],
  ])('and %s is offline, and the question waits', async (_, misbehave) => {
    answer = misbehave
    const asking = desk()
    asking.ask('sha256', hash(1), { priority: 1, isByHand: true })
    await asking.run()
    expect(asking.stateOf('virustotal').state).toBe('offline')
    answer = (_request, response) => void response.end(JSON.stringify(file(3)))
    now += 61_000
    await asking.run()
    expect(asking.known('sha256', hash(1))).toMatchObject([{ answer: { opinion: { score: 55 } } }])
  })

  test('and redirects does not get the key to elsewhere', async () => {
    const elsewhere = createServer((request, response) => {
      asked.push(request)
      response.end(JSON.stringify(file(0)))
    })
    await new Promise<void>((listening) => elsewhere.listen(0, '127.0.0.1', listening))
    const location = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/`
    answer = (_, response) => void response.writeHead(302, { location }).end()
    const asking = desk()
    asking.ask('sha256', hash(1), { priority: 1, isByHand: true })
    await asking.run()
    elsewhere.close()
    expect([asked.length, asking.stateOf('virustotal').state]).toEqual([1, 'offline'])
  })
})

describe('a report to AbuseIPDB', () => {
  const order = {
    address: ip('198.51.100.7'),
    categories: ['port-scan', 'ssh'],
    comment: 'tried root & admin',
    actor: 'anna',
  } as const

  test('goes out once, as its protocol says, and is on record before', async () => {
    const bodies: string[] = []
    answer = async (request, response) => {
      for await (const piece of request) bodies.push(String(piece))
      expect(ledger).toHaveLength(1)
      response.end(JSON.stringify({ data: { ipAddress: order.address, abuseConfidenceScore: 52 } }))
    }
    await desk('abuseipdb').report(order)
    expect(asked.map(({ method, url: path, headers }) => [method, path, headers['key']])).toEqual([
      ['POST', '/api/v2/report', KEY],
    ])
    expect(bodies).toEqual(['ip=198.51.100.7&categories=14%2C22&comment=tried+root+%26+admin'])
    expect(ledger[0]).toContain('reported 198.51.100.7 for port-scan, ssh service abuseipdb, as anna wants')
  })

  test.each([
    [401, 'the key is bad'],
    [422, 'not as it wants it'],
    [429, 'within a quarter of an hour'],
    [302, 'status 302'],
  ])('that is answered by %d is refused in words, and not tried again', async (status, words) => {
    answer = (_, response) => void response.writeHead(status, { location: '/elsewhere' }).end()
    await expect(desk('abuseipdb').report(order)).rejects.toThrow(words)
    expect(asked).toHaveLength(1)
  })

  test('needs the service, a key and room in the quota', async () => {
    await expect(desk('rdap').report(order)).rejects.toThrow('AbuseIPDB is off.')
    await expect(desk('abuseipdb', join(folder, 'none')).report(order)).rejects.toThrow('cannot be read')
    const reporting = desk('abuseipdb')
    for (let count = 0; count < 1_000; count++) answers.take('abuseipdb report', [], now)
    await expect(reporting.report(order)).rejects.toThrow('is spent for today')
    expect(asked).toEqual([])
  })
})

test('a key of the config is used as one of a file', async () => {
  const asking = desk('virustotal', undefined, { key: 'of the config' })
  asking.ask('sha256', hash(1), { priority: 1, isByHand: true })
  await asking.run()
  expect(asked.map(({ headers }) => headers['x-apikey'])).toEqual(['of the config'])
})

test('of itself only a service is asked that may be, and each answer is told', async () => {
  const told: string[] = []
  const answered = ({ value }: { readonly value: string }): void => void told.push(value)
  const asking = desk('virustotal', join(folder, 'key'), { answered })
  asking.ask('sha256', hash(1), { priority: 5, isByHand: false })
  await asking.run()
  expect([asked.length, asking.asksOfItself('sha256')]).toEqual([0, false])
  const auto = desk('virustotal', join(folder, 'key'), { auto: true, answered })
  auto.ask('sha256', hash(1), { priority: 5, isByHand: false })
  await auto.run()
  expect([auto.asksOfItself('sha256'), auto.asksOfItself('url'), told]).toEqual([true, false, [hash(1)]])
})

test('through a proxy the whole address is said to it, and the service sees no more', async () => {
  const proxy = new URL(url)
  proxy.username = 'me'
  proxy.password = 'p@ss'
  const asking = desk('rdap', undefined, { proxy, url: undefined })
  asking.ask('target', '198.51.100.7', { priority: 1, isByHand: true })
  const tunnels: string[] = []
  server.on('connect', (request, socket) => {
    tunnels.push(`${request.url} ${request.headers['proxy-authorization']}`)
    socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n')
  })
  await asking.run()
  expect(tunnels).toEqual([`rdap.org:443 Basic ${Buffer.from('me:p@ss').toString('base64')}`])
  expect(asking.stateOf('rdap')).toEqual({
    state: 'offline',
    reason: 'It could not be had: the proxy refuses the way to rdap.org:443 (status 407).',
  })
})

test('ten thousand hashes never exceed 4 a minute and 500 a day, over a restart, the important ones first', async () => {
  const COUNT = 10_000
  const IMPORTANT = 100
  const times: number[] = []
  const order: number[] = []
  // Now and then it is slow, wants to be left alone, breaks, or is away: each of these is a request as well.
  const misbehave = (response: ServerResponse): boolean => {
    const count = times.length
    if (count % 97 === 0) response.writeHead(429, { 'retry-after': '30' }).end()
    else if (count % 101 === 0) response.writeHead(503).end()
    else if (count % 103 === 0) response.destroy()
    return count % 97 === 0 || count % 101 === 0 || count % 103 === 0
  }
  answer = (request, response) => {
    times.push(now)
    if (misbehave(response)) return
    order.push(Number.parseInt(request.url?.split('/').at(-1) ?? '', 16))
    const send = (): void => void response.end(JSON.stringify(file(0)))
    if (times.length % 53 === 0) setTimeout(send, 20)
    else send()
  }
  let idle = 0
  let asking = desk()
  // The important ones come last of all.
  for (let at = 0; at < COUNT; at++)
    asking.ask('sha256', hash(at), { priority: at >= COUNT - IMPORTANT ? 9 : 1, isByHand: true })
  for (let step = 0; order.length < COUNT; step++) {
    if (step % 1_000 === 500) {
      answers.close()
      answers = new Answers(join(folder, 'services.db'))
      asking = desk()
    }
    const before = times.length
    await asking.run()
    // Whatever the steps are: minutes that begin anywhere, and half an hour where the day's quota is spent.
    now += 7_000 + ((step * 7_919) % 11_000)
    idle = times.length === before ? idle + 1 : 0
    if (idle > 12) now += 1_800_000
  }
  const most = (windowMs: number): number => {
    let [from, best] = [0, 0]
    for (const [to, at] of times.entries()) {
      while ((times[from] as number) <= at - windowMs) from++
      best = Math.max(best, to - from + 1)
    }
    return best
  }
  expect([order.length, new Set(order).size, most(60_000), most(86_400_000)]).toEqual([COUNT, COUNT, 4, 500])
  expect(order.slice(0, IMPORTANT)).toEqual(
    Array.from({ length: IMPORTANT }, (_, at) => COUNT - IMPORTANT + at),
  )
}, 120_000)
