import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type IncomingHttpHeaders, request, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Api, createApi } from '#api/api.ts'
import { type Listening, listenForWeb } from '#api/listen.ts'
import { aDecision, createSmallProduct, type SmallProduct } from '../../test/support/port.ts'
import { makeLink } from './links.ts'
import { loadPage } from './page.ts'
import { hashPassword } from './password.ts'
import { createBoundedServer, createWebServer, type WebServer } from './server.ts'
import { WebStart } from './spawn-contract.ts'

const secret = 's'.repeat(43)
const credentials = { pid: process.pid, uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 }
const script = `export const greeting = '${'hello '.repeat(200)}'`

let folder: string
let product: SmallProduct
let api: Api
let core: Listening
let server: Server
let web: WebServer
let port: number
let token: string
let now: number
let log: object[]

beforeEach(async () => {
  now = 1_000_000
  log = []
  folder = mkdtempSync(join(tmpdir(), 'gh-web-'))
  mkdirSync(join(folder, 'page/assets'), { recursive: true })
  writeFileSync(join(folder, 'page/index.html'), '<!doctype html><title>Gatehouse</title>')
  writeFileSync(join(folder, 'page/assets/index-abc123.js'), script)
  writeFileSync(join(folder, 'page/assets/index-abc123.js.map'), 'secret source')
  writeFileSync(join(folder, 'outside.txt'), 'outside')
  product = createSmallProduct()
  api = createApi(product)
  core = await listenForWeb(api, {
    path: join(folder, 'web.sock'),
    credentialsOf: () => credentials,
    webUid: credentials.uid,
    webGid: credentials.gid,
    secret,
  })
  await serve()
})
afterEach(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  api.close()
  await core.close()
  rmSync(folder, { recursive: true })
})

async function serve(more: Partial<WebStart> = {}, hasPage = true): Promise<void> {
  const link = makeLink({ name: 'anna', role: 'operator' })
  token = link.token
  const start = WebStart.parse({
    kind: 'start',
    socketPath: core.path,
    secret,
    pageFolder: join(folder, 'page'),
    links: [link.grant],
    ...more,
  })
  server?.close()
  server = createBoundedServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  port = (server.address() as AddressInfo).port
  const page = hasPage ? loadPage(start.pageFolder) : undefined
  web = createWebServer({ start, port, page, now: () => now, onAnswer: (line) => log.push(line) })
  server.on('request', web.answer)
}

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly bytes: Buffer
  readonly text: string
}

/** Over a real connection, with exactly these headers and this path: fetch would tidy them up. */
function ask(
  method: string,
  path: string,
  { headers = {}, body }: { headers?: Record<string, string>; body?: string | Buffer } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asking = request({ host: '127.0.0.1', port, method, path, headers, agent: false }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        const bytes = Buffer.concat(chunks)
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          bytes,
          text: bytes.toString(),
        })
      })
    })
    asking.on('error', reject)
    asking.end(body)
  })
}

const ours = (more: Record<string, string> = {}) => ({
  origin: `http://127.0.0.1:${port}`,
  'x-gatehouse': '1',
  'content-type': 'application/json',
  ...more,
})

const signIn = (given: object, headers = ours()) =>
  ask('POST', '/login', { headers, body: JSON.stringify(given) })

async function cookieOf(answer: Answer | Promise<Answer>): Promise<string> {
  return String((await answer).headers['set-cookie']?.[0]).split(';')[0] ?? ''
}

describe('signing in', () => {
  test('a link opens a session in a cookie that no script, no other site and no other port’s name can have', async () => {
    const answer = await signIn({ token })
    expect(JSON.parse(answer.text)).toMatchObject({ name: 'anna', role: 'operator', signedInAt: now })
    expect(answer.headers['set-cookie']?.[0]).toMatch(
      new RegExp(`^gatehouse-${port}=[\\w-]{43}; Path=/; HttpOnly; SameSite=Strict$`),
    )
    const cookie = await cookieOf(answer)
    expect((await ask('GET', '/session', { headers: { cookie } })).status).toBe(200)
    expect((await ask('GET', '/api/v1/status', { headers: { cookie } })).text).toContain('protecting')
  })

  test('a link works once, and reading it does not spend it', async () => {
    for (const path of [`/login?token=${token}`, '/login']) expect((await ask('GET', path)).status).toBe(200)
    expect((await signIn({ token })).status).toBe(200)
    const again = await signIn({ token })
    expect(again.status).toBe(401)
    expect(again.text).toContain('used already')
    expect(again.headers['set-cookie']).toBeUndefined()
  })

  test('a new link from the core works; no token is ever logged', async () => {
    const fresh = makeLink({ name: 'ben', role: 'viewer' }, now + 1000)
    web.hear({ kind: 'link', link: fresh.grant })
    await ask('GET', `/login?token=${fresh.token}`)
    expect((await signIn({ token: fresh.token })).status).toBe(200)
    expect(log).toContainEqual({ method: 'GET', path: '/login', status: 200 })
    expect(JSON.stringify(log)).not.toContain(fresh.token)
  })

  test('wrong passwords are answered more and more slowly, the right one still lets in after the wait', async () => {
    web.hear({ kind: 'password', hash: await hashPassword('correct horse') })
    for (let count = 0; count < 3; count++) expect((await signIn({ password: 'guess' })).status).toBe(401)
    const slowed = await signIn({ password: 'correct horse' })
    expect([slowed.status, slowed.headers['retry-after']]).toEqual([429, '1'])
    now += 1000
    const cookie = await cookieOf(signIn({ password: 'correct horse' }))
    expect((await ask('GET', '/session', { headers: { cookie } })).text).toContain('"role":"admin"')

    web.hear({ kind: 'password', hash: await hashPassword('another one') })
    expect((await ask('GET', '/session', { headers: { cookie } })).status).toBe(401)
  })

  test('guesses side by side are no way around the wait', async () => {
    web.hear({ kind: 'password', hash: await hashPassword('correct horse') })
    const answers = await Promise.all(Array.from({ length: 20 }, () => signIn({ password: 'guess' })))
    const judged = answers.filter((answer) => answer.status === 401)
    expect(judged.length).toBeLessThanOrEqual(3)
    expect(answers.filter((answer) => answer.status === 429)).toHaveLength(20 - judged.length)
  })

  test.each(['', '{', '[]', '{"token":5}', '{"token":"x","password":"y"}', '{"token":""}'])(
    '%j is no way in',
    async (body) => {
      expect((await ask('POST', '/login', { headers: ours(), body })).status).toBe(400)
    },
  )

  test('without a session there is no API, and the answer says which ways in there are', async () => {
    const answer = await ask('GET', '/api/v1/status')
    expect(answer.status).toBe(401)
    expect(JSON.parse(answer.text)).toMatchObject({ status: 401, signIn: { password: false } })
    for (const cookie of ['gatehouse-1=x', `gatehouse-${port}=`, `gatehouse-${port}=${'a'.repeat(43)}`]) {
      expect((await ask('GET', '/api/v1/blocks', { headers: { cookie } })).status).toBe(401)
    }
  })

  test('signing out ends the session; a session ends by itself', async () => {
    const cookie = await cookieOf(signIn({ token }))
    const out = await ask('POST', '/logout', { headers: ours({ cookie }) })
    expect([out.status, out.headers['set-cookie']?.[0]]).toEqual([204, expect.stringContaining('Max-Age=0')])
    expect((await ask('GET', '/session', { headers: { cookie } })).status).toBe(401)

    const fresh = makeLink({ name: 'anna', role: 'operator' })
    web.hear({ kind: 'link', link: fresh.grant })
    const second = await cookieOf(signIn({ token: fresh.token }))
    now += 9 * 3_600_000
    expect((await ask('GET', '/session', { headers: { cookie: second } })).status).toBe(401)
  })
})

describe('other sites', () => {
  test('a name that was bent to this machine is turned away, whatever it asks', async () => {
    for (const path of ['/', '/session', '/api/v1/status', '/login']) {
      const answer = await ask('GET', path, { headers: { host: `evil.example:${port}` } })
      expect(answer.status).toBe(421)
      expect(answer.text).not.toContain('<title>Gatehouse</title>')
    }
  })

  test('a change needs our own origin and a header that a foreign form cannot send', async () => {
    const cookie = await cookieOf(signIn({ token }))
    const block = (headers: Record<string, string>) =>
      ask('POST', '/api/v1/blocks', { headers: { ...headers, cookie }, body: '{"target":"203.0.113.7"}' })
    const bare = ours()
    const without = (name: string) => Object.fromEntries(Object.entries(bare).filter(([key]) => key !== name))
    for (const headers of [
      without('origin'),
      without('x-gatehouse'),
      ours({ origin: 'https://evil.example' }),
      ours({ origin: 'null' }),
      ours({ origin: 'http://127.0.0.1:3000' }),
      ours({ 'sec-fetch-site': 'cross-site' }),
      ours({ 'sec-fetch-site': 'same-site' }),
    ]) {
      expect((await block(headers as Record<string, string>)).status).toBe(403)
    }
    expect(product.acts).toEqual([])
    expect((await block(ours({ 'sec-fetch-site': 'same-origin' }))).status).toBe(200)
    expect(product.acts[0]?.actor).toEqual({ name: 'anna', role: 'operator' })
  })

  test('login and logout ask the same; data is not for other sites either', async () => {
    expect((await signIn({ token }, ours({ origin: 'https://evil.example' }))).status).toBe(403)
    const cookie = await cookieOf(signIn({ token }))
    const foreign = { origin: 'https://evil.example', 'x-gatehouse': '1', cookie }
    expect((await ask('POST', '/logout', { headers: foreign })).status).toBe(403)
    const read = await ask('GET', '/api/v1/status', { headers: { cookie, 'sec-fetch-site': 'same-site' } })
    expect(read.status).toBe(403)
  })

  test('behind https the cookie is a __Host- one', async () => {
    await serve({ origins: ['https://gate.lan.example'] })
    const headers = ours({ host: 'gate.lan.example', origin: 'https://gate.lan.example' })
    const answer = await signIn({ token }, headers)
    expect(answer.headers['set-cookie']?.[0]).toMatch(
      /^__Host-gatehouse=.*; HttpOnly; SameSite=Strict; Secure$/,
    )
  })
})

describe('the page', () => {
  test('every answer carries the strict headers', async () => {
    for (const path of ['/', '/assets/index-abc123.js', '/session', '/nothing.txt', '/api/v1/status']) {
      const { headers } = await ask('GET', path)
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
    const plain = await ask('GET', path)
    const brotli = await ask('GET', path, { headers: { 'accept-encoding': 'gzip, deflate, br' } })
    const gzip = await ask('GET', path, { headers: { 'accept-encoding': 'gzip, br;q=0' } })
    expect(plain.text).toBe(script)
    expect(brotliDecompressSync(brotli.bytes).toString()).toBe(script)
    expect(gunzipSync(gzip.bytes).toString()).toBe(script)
    expect(brotli.headers['cache-control']).toBe('public, max-age=31536000, immutable')
    const index = await ask('GET', '/')
    expect(index.headers['cache-control']).toBe('no-cache')
    const etag = String(index.headers.etag)
    expect((await ask('GET', '/', { headers: { 'if-none-match': etag } })).status).toBe(304)
    expect((await ask('HEAD', '/')).headers['content-length']).toBe(String(index.bytes.length))
  })

  test('places within the page are the page', async () => {
    for (const path of ['/', '/login', '/connections', '/alerts/5', '/blocks?target=203.0.113.9']) {
      expect((await ask('GET', path)).text).toContain('<title>Gatehouse</title>')
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
    const answer = await ask('GET', path)
    expect([400, 404]).toContain(answer.status)
    expect(answer.text).not.toMatch(/outside$|secret source/)
  })

  test('not built yet: says so, with the command, and the API works', async () => {
    await serve({}, false)
    const answer = await ask('GET', '/', { headers: { accept: 'text/html' } })
    expect(answer.status).toBe(503)
    expect(answer.text).toContain('npm run page')
    const cookie = await cookieOf(signIn({ token }))
    expect((await ask('GET', '/api/v1/blocks', { headers: { cookie } })).status).toBe(200)
  })
})

describe('forwarding', () => {
  test('what the core answers comes back whole: problems, encoded targets, roles', async () => {
    const cookie = await cookieOf(signIn({ token }))
    const refused = await ask('POST', '/api/v1/blocks', {
      headers: ours({ cookie }),
      body: '{"target":"127.0.0.1"}',
    })
    expect([refused.status, refused.headers['content-type']]).toEqual([409, 'application/problem+json'])
    await ask('DELETE', '/api/v1/blocks/203.0.113.0%2F24', { headers: ours({ cookie }) })
    expect(product.acts[0]?.what).toBe('unblocked 203.0.113.0/24')
    expect((await ask('POST', '/api/v1/login-link', { headers: ours({ cookie }) })).status).toBe(403)
  })

  test('a browser cannot say who it is to the core', async () => {
    const cookie = await cookieOf(signIn({ token }))
    const headers = ours({
      cookie,
      'x-gatehouse-actor': 'root',
      'x-gatehouse-role': 'admin',
      'x-gatehouse-secret': 'x',
    })
    expect(
      (await ask('PUT', '/api/v1/password', { headers, body: '{"password":"0123456789"}' })).status,
    ).toBe(403)
    await ask('DELETE', '/api/v1/blocks/203.0.113.9', { headers })
    expect(product.acts.map((act) => act.actor.name)).toEqual(['anna'])
  })

  test('a huge body is refused, whether it says its length or not', async () => {
    const cookie = await cookieOf(signIn({ token }))
    const body = Buffer.alloc(200_000, 'x')
    const told = await ask('POST', '/api/v1/blocks', { headers: ours({ cookie }), body })
    const chunked = await ask('POST', '/api/v1/blocks', {
      headers: ours({ cookie, 'transfer-encoding': 'chunked' }),
      body,
    })
    const login = await ask('POST', '/login', { headers: ours({ 'transfer-encoding': 'chunked' }), body })
    expect([told.status, chunked.status, login.status]).toEqual([413, 413, 413])
    expect(product.acts).toEqual([])
  })

  test('smuggled and split headers stay one request, and a bad one', async () => {
    const answer = await raw(
      `GET /api/v1/status HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /session HTTP/1.1\r\n\r\n`,
    )
    expect(answer).toMatch(/^HTTP\/1\.1 400/)
    expect(await raw('GET / HTTP/1.1\r\n\r\n')).toMatch(/^HTTP\/1\.1 400/)
    expect(
      await raw(`GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`),
    ).toMatch(/^HTTP\/1\.1 431/)
    expect(
      await raw(
        `GET http://evil.example/api/v1/status HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`,
      ),
    ).toMatch(/^HTTP\/1\.1 400/)
    expect(
      await raw(
        `GET /login%0d%0aSet-Cookie:x=1 HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`,
      ),
    ).not.toMatch(/^Set-Cookie:x/m)
  })

  test('events stream through as they happen; a lost stream catches up; who leaves is forgotten by the core', async () => {
    const cookie = await cookieOf(signIn({ token }))
    const first = await follow(cookie)
    product.emit({ kind: 'decision', decision: { ...aDecision, id: 41 } })
    await expect.poll(first.text).toContain('"id":41')
    const lastId = /id: (\d+)\nevent: decision/.exec(first.text())?.[1] ?? ''
    first.leave()
    product.emit({ kind: 'decision', decision: { ...aDecision, id: 42 } })
    const second = await follow(cookie, lastId)
    await expect.poll(second.text).toContain('"id":42')
    expect(second.text()).not.toContain('"id":41')
    second.leave()
  })

  test('more pages than the core takes are told so, and leaving makes room', async () => {
    const cookie = await cookieOf(signIn({ token }))
    const streams = await Promise.all(Array.from({ length: 64 }, () => follow(cookie)))
    expect((await ask('GET', '/api/v1/events', { headers: { cookie } })).status).toBe(503)
    for (const stream of streams) stream.leave()
    await expect.poll(async () => (await follow(cookie)).status, { timeout: 5_000 }).toBe(200)
  })

  test('the core away: one clear answer, and the stream breaks instead of ending', async () => {
    const cookie = await cookieOf(signIn({ token }))
    const stream = await follow(cookie)
    await core.close()
    await expect.poll(stream.isBroken).toBe(true)
    const answer = await ask('GET', '/api/v1/status', { headers: { cookie } })
    expect(answer.status).toBe(503)
    expect(JSON.parse(answer.text)).toMatchObject({
      title: 'This page lost touch with Gatehouse',
      detail: expect.stringContaining('keep working without it'),
    })
  })
})

function follow(cookie: string, lastId?: string) {
  let text = ''
  let isBroken = false
  const headers = { cookie, ...(lastId && { 'last-event-id': lastId }) }
  const asking = request({ host: '127.0.0.1', port, path: '/api/v1/events', headers, agent: false })
  asking.end()
  return new Promise<{ status: number; text(): string; isBroken(): boolean; leave(): void }>(
    (resolve, reject) => {
      asking.on('error', reject)
      asking.on('response', (response) => {
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => {
          text += chunk
        })
        response.on('error', () => {
          isBroken = true
        })
        resolve({
          status: response.statusCode ?? 0,
          text: () => text,
          isBroken: () => isBroken,
          leave: () => asking.destroy(),
        })
      })
    },
  )
}

function raw(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text))
    let answer = ''
    socket.setEncoding('utf8')
    socket.on('data', (chunk: string) => {
      answer += chunk
    })
    socket.on('end', () => resolve(answer))
    socket.on('error', reject)
    socket.setTimeout(3_000, () => {
      socket.destroy()
      resolve(answer)
    })
  })
}
