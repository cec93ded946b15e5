import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { aDecision } from '../../test/support/port.ts'
import { SCRIPT, Site } from '../../test/support/web-site.ts'

let site: Site
beforeEach(async () => {
  site = await Site.open()
})
afterEach(() => site.close())

describe('the page', () => {
  test('every answer carries the strict headers', async () => {
    for (const path of ['/', '/assets/index-abc123.js', '/session', '/nothing.txt', '/api/v1/status']) {
      const { headers } = await site.ask('GET', path)
      expect(headers['content-security-policy']).toContain(
        "default-src 'none'; script-src 'self'; style-src 'self'",
      )
      expect(headers['content-security-policy']).toContain("frame-ancestors 'none'")
      expect(headers['content-security-policy']).not.toContain('unsafe')
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
      })
    }
  })

  test('assets come compressed and are kept for good; the page itself is asked for again', async () => {
    const path = '/assets/index-abc123.js'
    const plain = await site.ask('GET', path)
    const brotli = await site.ask('GET', path, { headers: { 'accept-encoding': 'gzip, deflate, br' } })
    const gzip = await site.ask('GET', path, { headers: { 'accept-encoding': 'gzip, br;q=0' } })
    expect(plain.text).toBe(SCRIPT)
    expect(brotliDecompressSync(brotli.bytes).toString()).toBe(SCRIPT)
    expect(gunzipSync(gzip.bytes).toString()).toBe(SCRIPT)
    expect(brotli.headers['cache-control']).toBe('public, max-age=31536000, immutable')
    const index = await site.ask('GET', '/')
    expect(index.headers['cache-control']).toBe('no-cache')
    const etag = String(index.headers.etag)
    expect((await site.ask('GET', '/', { headers: { 'if-none-match': etag } })).status).toBe(304)
    expect((await site.ask('HEAD', '/')).headers['content-length']).toBe(String(index.bytes.length))
  })

  test('places within the page are the page', async () => {
    for (const path of ['/', '/login', '/connections', '/alerts/5', '/blocks?target=203.0.113.9']) {
      expect((await site.ask('GET', path)).text).toContain('<title>Gatehouse</title>')
    }
  })

  test.each([
    '/../outside.txt',
    '/assets/../../outside.txt',
    '/%2e%2e/outside.txt',
    '/assets/%2E%2E/%2e%2e/outside.txt',
    '/..%2foutside.txt',
    '/..\\outside.txt',
    '//outside.txt',
    '/assets/index-abc123.js.map',
    '/outside.txt%00.js',
    '/index.html/../../outside.txt',
  ])('%s leads nowhere', async (path) => {
    const answer = await site.ask('GET', path)
    expect([400, 404]).toContain(answer.status)
    expect(answer.text).not.toMatch(/outside$|secret source/)
  })

  test('not built yet: says so, with the command, and the API works', async () => {
    await site.serve({}, false)
    const answer = await site.ask('GET', '/', { headers: { accept: 'text/html' } })
    expect(answer.status).toBe(503)
    expect(answer.text).toContain('npm run page')
    const cookie = await site.cookie()
    expect((await site.ask('GET', '/api/v1/blocks', { headers: { cookie } })).status).toBe(200)
  })
})

describe('forwarding', () => {
  test('what the core answers comes back whole: problems, encoded targets, roles', async () => {
    const cookie = await site.cookie()
    const refused = await site.ask('POST', '/api/v1/blocks', {
      headers: site.ours({ cookie }),
      body: '{"target":"127.0.0.1"}',
    })
    expect([refused.status, refused.headers['content-type']]).toEqual([409, 'application/problem+json'])
    await site.ask('DELETE', '/api/v1/blocks/203.0.113.0%2F24', { headers: site.ours({ cookie }) })
    expect(site.product.acts[0]?.what).toBe('unblocked 203.0.113.0/24')
    expect((await site.ask('POST', '/api/v1/login-link', { headers: site.ours({ cookie }) })).status).toBe(
      403,
    )
  })

  test('a browser cannot say who it is to the core', async () => {
    const cookie = await site.cookie()
    const headers = site.ours({
      cookie,
      'x-gatehouse-actor': 'root',
      'x-gatehouse-role': 'admin',
      'x-gatehouse-secret': 'x',
    })
    expect(
      (await site.ask('PUT', '/api/v1/password', { headers, body: '{"password":"0123456789"}' })).status,
    ).toBe(403)
    await site.ask('DELETE', '/api/v1/blocks/203.0.113.9', { headers })
    expect(site.product.acts.map((act) => act.actor.name)).toEqual(['anna'])
  })

  test('a huge body is refused, whether it says its length or not', async () => {
    const cookie = await site.cookie()
    const body = Buffer.alloc(200_000, 'x')
    const told = await site.ask('POST', '/api/v1/blocks', { headers: site.ours({ cookie }), body })
    const chunked = await site.ask('POST', '/api/v1/blocks', {
      headers: site.ours({ cookie, 'transfer-encoding': 'chunked' }),
      body,
    })
    const login = await site.ask('POST', '/login', {
      headers: site.ours({ 'transfer-encoding': 'chunked' }),
      body,
    })
    expect([told.status, chunked.status, login.status]).toEqual([413, 413, 413])
    expect(site.product.acts).toEqual([])
  })

  test('smuggled and split headers stay one request, and a bad one', async () => {
    const answer = await site.raw(
      `GET /api/v1/status HTTP/1.1\r\nHost: 127.0.0.1:${site.port}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /session HTTP/1.1\r\n\r\n`,
    )
    expect(answer).toMatch(/^HTTP\/1\.1 400/)
    expect(await site.raw('GET / HTTP/1.1\r\n\r\n')).toMatch(/^HTTP\/1\.1 400/)
    expect(
      await site.raw(`GET / HTTP/1.1\r\nHost: 127.0.0.1:${site.port}\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`),
    ).toMatch(/^HTTP\/1\.1 431/)
    expect(
      await site.raw(
        `GET http://evil.example/api/v1/status HTTP/1.1\r\nHost: 127.0.0.1:${site.port}\r\nConnection: close\r\n\r\n`,
      ),
    ).toMatch(/^HTTP\/1\.1 400/)
    expect(
      await site.raw(
        `GET /login%0d%0aSet-Cookie:x=1 HTTP/1.1\r\nHost: 127.0.0.1:${site.port}\r\nConnection: close\r\n\r\n`,
      ),
    ).not.toMatch(/^Set-Cookie:x/m)
  })

  test('events stream through as they happen; a lost stream catches up; who leaves is forgotten by the core', async () => {
    const cookie = await site.cookie()
    const first = await site.follow(cookie)
    site.product.emit({ kind: 'decision', decision: { ...aDecision, id: 41 } })
    await expect.poll(first.text).toContain('"id":41')
    const lastId = /id: (\d+)\nevent: decision/.exec(first.text())?.[1] ?? ''
    first.leave()
    site.product.emit({ kind: 'decision', decision: { ...aDecision, id: 42 } })
    const second = await site.follow(cookie, lastId)
    await expect.poll(second.text).toContain('"id":42')
    expect(second.text()).not.toContain('"id":41')
    second.leave()
  })

  test('more pages than the core takes are told so, and leaving makes room', async () => {
    const cookie = await site.cookie()
    const streams = await Promise.all(Array.from({ length: 64 }, () => site.follow(cookie)))
    expect((await site.ask('GET', '/api/v1/events', { headers: { cookie } })).status).toBe(503)
    for (const stream of streams) stream.leave()
    await expect.poll(async () => (await site.follow(cookie)).status, { timeout: 5_000 }).toBe(200)
  })

  test('the core away: one clear answer, and the stream breaks instead of ending', async () => {
    const cookie = await site.cookie()
    const stream = await site.follow(cookie)
    await site.core.close()
    await expect.poll(stream.isBroken).toBe(true)
    const answer = await site.ask('GET', '/api/v1/status', { headers: { cookie } })
    expect(answer.status).toBe(503)
    expect(JSON.parse(answer.text)).toMatchObject({
      title: 'This page lost touch with Gatehouse',
      detail: expect.stringContaining('keep working without it'),
    })
  })
})
