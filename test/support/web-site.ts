import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type IncomingHttpHeaders, request, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Api, createApi } from '#api/api.ts'
import { type Listening, listenForWeb } from '#api/listen.ts'
import type { Role } from '#contract/session.ts'
import { makeLink } from '../../src/web/links.ts'
import { loadPage } from '../../src/web/page.ts'
import { hashPassword } from '../../src/web/password.ts'
import { createBoundedServer, createWebServer, type WebServer } from '../../src/web/server.ts'
import { type WebAccount, type WebAccounts, type WebReport, WebStart } from '../../src/web/spawn-contract.ts'
import { createSmallProduct, type SmallProduct } from './port.ts'

const secret = 's'.repeat(43)

/** The one script of the page that a site serves. */
export const SCRIPT = `export const greeting = '${'hello '.repeat(200)}'`

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly bytes: Buffer
  readonly text: string
}

export interface Follower {
  readonly status: number
  text(): string
  isBroken(): boolean
  leave(): void
}

/** A page server on loopback before the real API of a small product, asked over real connections. */
export class Site {
  readonly folder = mkdtempSync(join(tmpdir(), 'gh-web-'))
  readonly product: SmallProduct = createSmallProduct()
  readonly log: object[] = []
  readonly api: Api = createApi(this.product)
  core!: Listening
  server!: Server
  web!: WebServer
  port = 0
  token = ''
  now = 1_000_000
  people: WebAccounts = { accounts: [], tokens: [] }
  readonly reports: WebReport[] = []

  static async open(): Promise<Site> {
    const site = new Site()
    const { folder } = site
    mkdirSync(join(folder, 'page/assets'), { recursive: true })
    writeFileSync(join(folder, 'page/index.html'), '<!doctype html><title>Gatehouse</title>')
    writeFileSync(join(folder, 'page/assets/index-abc123.js'), SCRIPT)
    writeFileSync(join(folder, 'page/assets/index-abc123.js.map'), 'secret source')
    writeFileSync(join(folder, 'outside.txt'), 'outside')
    const me = { pid: process.pid, uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 }
    const path = join(folder, 'web.sock')
    const web = { path, credentialsOf: () => me, webUid: me.uid, webGid: me.gid, secret }
    site.core = await listenForWeb(site.api, web)
    await site.serve()
    return site
  }

  /** Serves anew, with other settings or without a page. `token` then belongs to the operator anna. */
  async serve(more: Partial<WebStart> = {}, hasPage = true): Promise<void> {
    const { token, grant } = makeLink({ name: 'anna', role: 'operator' })
    this.token = token
    const pageFolder = join(this.folder, 'page')
    const socketPath = this.core.path
    const start = WebStart.parse({ kind: 'start', socketPath, secret, pageFolder, links: [grant], ...more })
    this.server?.close()
    this.server = createBoundedServer()
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', () => resolve()))
    this.port = (this.server.address() as AddressInfo).port
    this.web = createWebServer({
      start,
      port: this.port,
      page: hasPage ? loadPage(start.pageFolder) : undefined,
      now: () => this.now,
      onAnswer: (line) => this.log.push(line),
      onSignIn: (line) => this.log.push(line),
      report: (line) => this.reports.push(line),
    })
    this.server.on('request', this.web.answer)
  }

  async close(): Promise<void> {
    this.server.closeAllConnections()
    await new Promise((resolve) => this.server.close(resolve))
    this.api.close()
    await this.core.close()
    rmSync(this.folder, { recursive: true })
  }

  /** With exactly these headers and this path: fetch would tidy them up. */
  ask(
    method: string,
    path: string,
    { headers = {}, body }: { headers?: Record<string, string>; body?: string | Buffer } = {},
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const { port } = this
      const asking = request({ host: '127.0.0.1', port, method, path, headers, agent: false }, (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () => {
          const bytes = Buffer.concat(chunks)
          const { statusCode = 0, headers } = response
          resolve({ status: statusCode, headers, bytes, text: bytes.toString() })
        })
      })
      asking.on('error', reject)
      asking.end(body)
    })
  }

  /** The headers of the page's own requests. */
  ours(more: Record<string, string> = {}): Record<string, string> {
    return {
      origin: `http://127.0.0.1:${this.port}`,
      'x-gatehouse': '1',
      'content-type': 'application/json',
      ...more,
    }
  }

  signIn(given: object, headers = this.ours()): Promise<Answer> {
    return this.ask('POST', '/login', { headers, body: JSON.stringify(given) })
  }

  /** What the core would send: one account more, or another password for it. */
  async giveAccount(
    name: string,
    role: Role,
    password: string,
    more: Partial<WebAccount> = {},
  ): Promise<void> {
    const account = { name, role, passwordHash: await hashPassword(password), recovery: [], ...more }
    const others = this.people.accounts.filter((one) => one.name !== name)
    this.people = { ...this.people, accounts: [...others, account] }
    this.web.hear({ kind: 'people', people: this.people })
  }

  /** Signs anna in and answers her cookie. */
  async cookie(): Promise<string> {
    return cookieOf(await this.signIn({ token: this.token }))
  }

  follow(cookie: string, lastId?: string): Promise<Follower> {
    let text = ''
    let isBroken = false
    const headers = { cookie, ...(lastId && { 'last-event-id': lastId }) }
    const asking = request({
      host: '127.0.0.1',
      port: this.port,
      path: '/api/v1/events',
      headers,
      agent: false,
    })
    asking.end()
    return new Promise((resolve, reject) => {
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
    })
  }

  /** Bytes as they are; answers what came back until the server hung up. */
  raw(text: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect(this.port, '127.0.0.1', () => socket.write(text))
      let answer = ''
      socket.setEncoding('utf8')
      socket.on('data', (chunk: string) => {
        answer += chunk
      })
      socket.on('end', () => resolve(answer))
      socket.on('error', reject)
    })
  }
}

export const cookieOf = (answer: Answer): string =>
  String(answer.headers['set-cookie']?.[0]).split(';')[0] ?? ''
