import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ip } from '#model/address.ts'
import { Indicators } from '../indicators/indicators.ts'
import { loadKept } from './kept-list.ts'
import { type UpdateOutcome, type UpdateParts, type UpdatePlan, updateList } from './update-list.ts'

type Answer = (request: IncomingMessage, response: ServerResponse) => void

const key = { k0: 3, k1: 4 }
const NOW = Date.UTC(2026, 10, 20)
const servers: Server[] = []
let folder = ''
let asked: string[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-intel-'))
  asked = []
})
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
  rmSync(folder, { recursive: true, force: true })
})

/** A server on loopback; answers its address. */
async function serve(answer: Answer): Promise<string> {
  const server = createServer(answer)
  servers.push(server)
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const plan = (url: string, more: Partial<UpdatePlan> = {}): UpdatePlan => ({
  origin: { kind: 'url', url, isNear: true },
  format: 'plain',
  validators: {},
  newFile: join(folder, 'list.new.gz'),
  maxBytes: 1_000_000,
  maxEntries: 100_000,
  isOwn: false,
  now: NOW,
  ...more,
})

const parts = (more: Partial<UpdateParts> = {}): UpdateParts => ({
  key,
  before: undefined,
  timeouts: { idleMs: 1_000, totalMs: 5_000 },
  beforeHop: async ({ url }) => void asked.push(url.pathname),
  ...more,
})

const update = (url: string, more: Partial<UpdatePlan> = {}): Promise<UpdateOutcome> =>
  updateList(plan(url, more), parts())

async function failureOf(url: string, more: Partial<UpdatePlan> = {}): Promise<string> {
  const outcome = await update(url, more)
  // Whatever failed, nothing half done is left.
  expect(readdirSync(folder)).toEqual([])
  return outcome.state === 'failed' ? outcome.reason : outcome.state
}

describe('a list from the web', () => {
  test('is read, kept and found; the next time nothing is sent when nothing changed', async () => {
    const site = await serve((request, response) => {
      if (request.headers['if-none-match'] === '"1"') {
        response.writeHead(304).end()
        return
      }
      response
        .writeHead(200, { etag: '"1"', 'last-modified': 'x' })
        .end('198.51.100.0/24\n10.0.0.1\n203.0.113.9\n')
    })
    const outcome = await update(`${site}/list`)
    if (outcome.state !== 'read') throw new Error(JSON.stringify(outcome))
    expect(outcome.counts).toEqual({ taken: 2, misfits: 0, leftOut: 1 })
    expect(outcome.validators).toEqual({ etag: '"1"', lastModified: 'x' })
    const indicators = new Indicators(key)
    indicators.replace('x', await loadKept(join(folder, 'list.new.gz'), { key, maxEntries: 10 }))
    expect(indicators.ofAddress(ip('198.51.100.7'), NOW)).toEqual([
      { list: 'x', matched: '198.51.100.0/24', since: NOW },
    ])
    expect(await update(`${site}/list`, { validators: outcome.validators })).toEqual({ state: 'unchanged' })
    expect(asked).toEqual(['/list', '/list'])
  })

  test('an entry keeps the date on which it was first there', async () => {
    const site = await serve((_, response) =>
      response.end('198.51.100.0/24\n198.51.100.0/25\nx.y\n203.0.113.9\n'),
    )
    const first = await update(site)
    if (first.state !== 'read') throw new Error(JSON.stringify(first))
    const later = await updateList(plan(site, { now: NOW + 86_400_000 }), parts({ before: first.columns }))
    if (later.state !== 'read') throw new Error(JSON.stringify(later))
    expect([...later.columns.ipv4.facts.since]).toEqual(new Array(3).fill(NOW / 1000))
  })

  test('is unpacked, as HTTP packs it and as a file', async () => {
    const list = Buffer.from('198.51.100.7\n')
    const site = await serve((request, response) => {
      if (request.url === '/list.gz') {
        response.end(gzipSync(list))
        return
      }
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(gzipSync(list)))
    })
    for (const path of ['/list.gz', '/list'])
      expect(await update(site + path)).toMatchObject({ counts: { taken: 1 } })
  })

  test('comes with its key, which no other site gets', async () => {
    const seen: (string | undefined)[] = []
    const other = await serve((request, response) => {
      seen.push(request.headers.authorization)
      response.end('198.51.100.7\n')
    })
    const site = await serve((request, response) => {
      seen.push(request.headers.authorization)
      if (request.url === '/a') {
        response.writeHead(302, { location: '/b' }).end()
        return
      }
      response.writeHead(302, { location: other }).end()
    })
    await update('', { origin: { kind: 'url', url: `${site}/a`, isNear: true, authorization: 'Bearer x' } })
    expect(seen).toEqual(['Bearer x', 'Bearer x'])
  })

  test('has the hash that its maker gives, or is refused', async () => {
    const list = '198.51.100.7\n'
    const hash = createHash('sha256').update(list).digest('hex')
    const site = await serve((request, response) => {
      if (request.url === '/good.sha256') {
        response.end(`${hash}  list.txt\n`)
        return
      }
      response.end(request.url === '/bad.sha256' ? 'f'.repeat(64) : list)
    })
    const origin = (checksum: string) => ({
      kind: 'url' as const,
      url: site,
      isNear: true,
      checksumUrl: site + checksum,
    })
    expect(await update('', { origin: origin('/good.sha256') })).toMatchObject({ state: 'read' })
    rmSync(join(folder, 'list.new.gz'))
    expect(await failureOf('', { origin: origin('/bad.sha256') })).toContain('SHA-256')
    expect(await failureOf('', { origin: origin('/none') })).toContain('no SHA-256')
  })

  test('goes through a proxy, but not from a neighbour', async () => {
    const seen: string[] = []
    const proxy = await serve((request, response) => {
      seen.push(`${request.url} ${request.headers['host']}`)
      response.end('198.51.100.7\n')
    })
    const far = { kind: 'url', url: 'http://lists.example/x?y=1', isNear: false } as const
    expect(await update('', { origin: far, proxy })).toMatchObject({ state: 'read', counts: { taken: 1 } })
    expect(seen).toEqual(['http://lists.example/x?y=1 lists.example'])
    const near = await serve((_, response) => void response.end('198.51.100.8\n'))
    expect(await update(near, { proxy })).toMatchObject({ state: 'read' })
    expect(seen).toHaveLength(1)
    const nobody = 'http://127.0.0.1:1'
    const failed = await updateList(plan('', { origin: far, proxy: nobody }), parts())
    expect(failed).toMatchObject({ state: 'failed', reason: expect.stringContaining('nobody listens there') })
  })

  test('who asks to be left alone is', async () => {
    const site = await serve((_, response) => response.writeHead(429, { 'retry-after': '120' }).end())
    expect(await update(site)).toEqual({
      state: 'busy',
      reason: 'asks to be left alone for now (status 429)',
      retryAfterSeconds: 120,
    })
  })
})

describe('what leads elsewhere', () => {
  test('a public list cannot lead to this machine, by address, name or redirect', async () => {
    const site = await serve((_, response) => response.end('198.51.100.7\n'))
    const port = new URL(site).port
    for (const host of ['127.0.0.1', 'localhost', '[::1]', '[::ffff:127.0.0.1]', '2130706433', '0x7f.1']) {
      const origin = { kind: 'url' as const, url: `http://${host}:${port}/`, isNear: false }
      expect(await failureOf('', { origin })).toContain("in this machine's own network")
    }
  })

  test('a list in the own network cannot lead to another place there', async () => {
    let touched = 0
    const other = await serve((_, response) => {
      touched++
      response.end('198.51.100.7\n')
    })
    const site = await serve((_, response) => response.writeHead(302, { location: other }).end())
    expect(await failureOf(site)).toContain("in this machine's own network")
    expect(touched).toBe(0)
  })

  test('redirects end', async () => {
    const site = await serve((_, response) => response.writeHead(301, { location: '/again' }).end())
    expect(await failureOf(site)).toBe('was redirected more than 5 times')
    expect(asked).toHaveLength(6)
  })

  test.each(['file:///etc/passwd', 'ftp://192.0.2.1/', 'javascript:1', 'http://'])(
    'a redirect to %s is none',
    async (location) => {
      const site = await serve((_, response) => response.writeHead(302, { location }).end())
      expect(await failureOf(site)).toBe('was redirected to no web address')
    },
  )

  test('nothing is sent that could not be put on record', async () => {
    let touched = 0
    const site = await serve((_, response) => {
      touched++
      response.end('198.51.100.7\n')
    })
    const refusing = parts({ beforeHop: () => Promise.reject(new Error('the ledger is closed')) })
    expect(await updateList(plan(site), refusing)).toMatchObject({ state: 'failed' })
    expect(touched).toBe(0)
  })
})

describe('what is no list', () => {
  test.each([
    ['<!DOCTYPE html><html><body>Sign in</body></html>', 'is a web page, not a list'],
    [`\n\n<html>${'x\n'.repeat(50)}`, 'is a web page, not a list'],
    ['some words\n'.repeat(50), 'is not in its format: 50 of 50 entries cannot be read'],
    ['\u0000\u0001\ufffd\n'.repeat(50), 'is not in its format: 50 of 50 entries cannot be read'],
  ])('%j', async (text, reason) => {
    const site = await serve((_, response) =>
      response.writeHead(200, { 'content-type': 'text/plain' }).end(text),
    )
    expect(await failureOf(site)).toBe(reason)
  })

  test('bytes that are no UTF-8 spoil their line alone', async () => {
    const site = await serve((_, response) =>
      response.end(
        Buffer.concat([
          Buffer.from('198.51.100.7\n'),
          Buffer.from([0xff, 0xfe, 0xc3, 0x28, 10]),
          Buffer.from('198.51.100.8\n'),
        ]),
      ),
    )
    expect(await update(site)).toMatchObject({ state: 'read', counts: { taken: 2, misfits: 1 } })
  })

  test.each([
    [404, 'is not there any more: status 404'],
    [500, 'was not sent: status 500'],
  ])('status %i', async (status, reason) => {
    const site = await serve((_, response) => response.writeHead(status).end('198.51.100.7\n'))
    expect(await failureOf(site)).toBe(reason)
  })
})

describe('what is too much', () => {
  test('more bytes than may come, announced or not', async () => {
    const site = await serve((request, response) => {
      if (request.url === '/announced') response.setHeader('content-length', 2_000_000)
      response.write('198.51.100.7\n'.repeat(10_000))
      const more = (): boolean =>
        response.destroyed || response.write('198.51.100.7\n'.repeat(10_000), () => setImmediate(more))
      more()
    })
    expect(await failureOf(`${site}/announced`)).toBe('is larger than 1 MB')
    expect(await failureOf(site)).toBe('is larger than 1 MB')
  })

  test('a bomb, packed by HTTP or as a file, is unpacked no further than its bound', async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000, '# 198.51.100.7\n'))
    const site = await serve((request, response) => {
      if (request.url !== '/file') response.setHeader('content-encoding', 'gzip')
      response.end(bomb)
    })
    expect(bomb.length).toBeLessThan(100_000)
    expect(await failureOf(site)).toBe('is larger than 12 MB when unpacked')
    expect(await failureOf(`${site}/file`)).toBe('is larger than 12 MB when unpacked')
  })

  test('an answer that ends too soon or never', async () => {
    const site = await serve((request, response) => {
      response.writeHead(200, { 'content-length': 1_000 })
      response.write('198.51.100.7\n')
      if (request.url === '/cut') setTimeout(() => response.destroy(), 20)
    })
    expect(await failureOf(`${site}/cut`)).toContain('was cut off')
    expect(await failureOf(`${site}/slow`)).toBe('came too slowly')
  })

  test('a server that never answers', async () => {
    const site = await serve(() => {})
    expect(await failureOf(site)).toContain('did not answer in time')
  })

  test('a gzip file that is broken', async () => {
    const packed = gzipSync('198.51.100.7\n')
    packed.fill(0xaa, 12, 20)
    const site = await serve((_, response) => response.end(packed))
    expect(await failureOf(site)).toMatch(/could not be kept|was cut off|could not be unpacked/)
  })
})

describe('lists of several documents', () => {
  const object = (value: string) => ({
    type: 'indicator',
    pattern_type: 'stix',
    pattern: `[ipv4-addr:value = '${value}']`,
  })

  test('a TAXII collection, page by page', async () => {
    const seen: string[] = []
    const site = await serve((request, response) => {
      seen.push(`${request.url} ${request.headers.accept}`)
      const page = new URL(request.url ?? '', 'http://x').searchParams.get('next') ?? '1'
      const envelope = {
        more: page !== '3',
        next: String(Number(page) + 1),
        objects: [object(`198.51.100.${page}`)],
      }
      response
        .writeHead(200, { 'content-type': 'application/taxii+json;version=2.1' })
        .end(JSON.stringify(envelope))
    })
    expect(await update(`${site}/api/collections/1/objects/`, { format: 'taxii' })).toMatchObject({
      counts: { taken: 3 },
    })
    expect(seen).toEqual(
      ['', '?next=2', '?next=3'].map(
        (query) => `/api/collections/1/objects/${query} application/taxii+json;version=2.1`,
      ),
    )
  })

  test('a TAXII collection without end is refused', async () => {
    const site = await serve((_, response) => response.end('{"more":true,"next":"again","objects":[]}'))
    expect(await failureOf(`${site}/`, { format: 'taxii' })).toBe('has more than 1000 pages')
  }, 20_000)

  test('a MISP feed, event by event, and only events that its manifest names rightly', async () => {
    const uuid = (at: number) => `00000000-0000-4000-8000-00000000000${at}`
    const site = await serve((request, response) => {
      if (request.url === '/feed/manifest.json') {
        const names = [uuid(1), '../../admin', uuid(2)]
        const events = names.map((name, at) => [name, { timestamp: String(1_763_546_412 + at), info: 'x' }])
        response.end(JSON.stringify(Object.fromEntries(events)))
        return
      }
      const at = request.url?.at(-6)
      response.end(
        JSON.stringify({
          Event: { Attribute: [{ type: 'ip-dst', value: `198.51.100.${at}`, to_ids: true }] },
        }),
      )
    })
    expect(await update(`${site}/feed`, { format: 'misp-feed' })).toMatchObject({ counts: { taken: 2 } })
    expect(asked).toEqual(['/feed/manifest.json', `/feed/${uuid(2)}.json`, `/feed/${uuid(1)}.json`])
  })
})

test('a file is read anew when it changed', async () => {
  const path = join(folder, 'mine.csv')
  writeFileSync(path, 'value,reason\n192.168.1.9,printer\nbad.example,x\n')
  const own = { origin: { kind: 'file' as const, path }, format: 'own-csv' as const, isOwn: true }
  const outcome = await update('', own)
  if (outcome.state !== 'read') throw new Error(JSON.stringify(outcome))
  expect(outcome.counts.taken).toBe(2)
  expect(gunzipSync(readFileSync(join(folder, 'list.new.gz'))).toString()).toBe(
    `0\t192.168.1.9\t${NOW / 1000}\t\t\tprinter\n1\tbad.example\t${NOW / 1000}\t\t\tx\n`,
  )
  expect(await update('', { ...own, validators: outcome.validators })).toEqual({ state: 'unchanged' })
  rmSync(path)
  expect(await update('', own)).toMatchObject({ state: 'failed', reason: `cannot be read: ${path} (ENOENT)` })
  expect(asked).toEqual([])
})
