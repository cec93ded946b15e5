import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, expect } from 'vitest'
import { type Api, createApi } from '#api/api.ts'
import { type Listening, listenForOwner, listenForWeb } from '#api/listen.ts'
import { SECRET_HEADER } from '#contract/http.ts'
import { peerCredentials } from '#kernel/peer-credentials.ts'
import { lookUpUser } from '#kernel/privilege.ts'
import { makeLink } from '../../src/web/links.ts'
import { WEB_EXIT, WebReport, type WebStart } from '../../src/web/spawn-contract.ts'
import { testWith } from '../support/needs.ts'
import { createSmallProduct, type SmallProduct } from '../support/port.ts'

const root = new URL('../..', import.meta.url).pathname
const secret = randomBytes(32).toString('base64url')

let folder: string
let product: SmallProduct
let api: Api
let open: Listening[]
let child: ChildProcess | undefined

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gh-web-process-'))
  // As /run/gatehouse: anybody may pass, each socket file has its own rights.
  chmodSync(folder, 0o755)
  product = createSmallProduct()
  api = createApi(product)
  open = []
  child = undefined
})
afterEach(async () => {
  child?.kill('SIGKILL')
  for (const listening of open) await listening.close()
  api.close()
  rmSync(folder, { recursive: true })
})

/** Starts the web process as the core does, with a page that only root can read; answers what it reports first. */
async function startWeb(more: Partial<WebStart> = {}): Promise<WebReport> {
  const nobody = lookUpUser('nobody')
  if (!nobody) throw new Error('this machine has no user nobody')
  open.push(
    await listenForWeb(api, {
      path: join(folder, 'web.sock'),
      credentialsOf: peerCredentials,
      webUid: nobody.uid,
      webGid: nobody.gid,
      secret,
    }),
  )
  const pageFolder = join(folder, 'page')
  mkdirSync(pageFolder, { mode: 0o700 })
  writeFileSync(join(pageFolder, 'index.html'), '<!doctype html><title>Gatehouse</title>', { mode: 0o600 })
  const started = spawn(process.execPath, [join(root, 'src/web.ts')], { stdio: ['pipe', 'pipe', 'pipe'] })
  child = started
  const start = {
    kind: 'start',
    socketPath: join(folder, 'web.sock'),
    secret,
    port: 0,
    user: 'nobody',
    pageFolder,
    ...more,
  }
  started.stdin.write(`${JSON.stringify(start)}\n`)
  for await (const line of createInterface({ input: started.stdout }))
    return WebReport.parse(JSON.parse(line))
  throw new Error('the web process said nothing')
}

const ended = (process: ChildProcess | undefined): Promise<number | null> =>
  new Promise((resolve) => {
    if (process?.exitCode !== null) resolve(process?.exitCode ?? null)
    else process.once('exit', resolve)
  })

testWith('root')(
  'it holds no privilege, no group and no root file when it listens, and still does its work',
  async () => {
    const { token, grant } = makeLink({ name: 'anna', role: 'operator' })
    const report = await startWeb({ links: [grant] })
    if (report.kind !== 'listening') throw new Error(JSON.stringify(report))
    expect(report).toMatchObject({ user: 'nobody', hasPage: true })

    const nobody = lookUpUser('nobody')
    const status = readFileSync(`/proc/${child?.pid}/status`, 'utf8')
    expect(status).toMatch(
      new RegExp(`^Uid:\\t${nobody?.uid}\\t${nobody?.uid}\\t${nobody?.uid}\\t${nobody?.uid}$`, 'm'),
    )
    expect(status).toMatch(/^Groups:\s*$/m)
    expect(status).toMatch(/^CapEff:\t0+$/m)
    expect(status).toMatch(/^CapBnd:\t0+$/m)
    expect(status).toMatch(/^NoNewPrivs:\t1$/m)

    const headers = { origin: report.address, 'x-gatehouse': '1', 'content-type': 'application/json' }
    expect(await (await fetch(`${report.address}/`)).text()).toContain('<title>Gatehouse</title>')
    const login = await fetch(`${report.address}/login`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ token }),
    })
    const cookie = login.headers.get('set-cookie')?.split(';')[0] ?? ''
    const blocked = await fetch(`${report.address}/api/v1/blocks`, {
      method: 'POST',
      headers: { ...headers, cookie },
      body: '{"target":"203.0.113.9"}',
    })
    expect(blocked.status).toBe(200)
    expect(product.acts[0]?.actor).toEqual({ name: 'anna', role: 'operator', provenAt: expect.any(Number) })
  },
)

testWith('root')('a link and a password that come later work at once', async () => {
  const report = await startWeb()
  if (report.kind !== 'listening') throw new Error(JSON.stringify(report))
  const { token, grant } = makeLink({ name: 'ben', role: 'viewer' })
  child?.stdin?.write(`${JSON.stringify({ kind: 'link', link: grant })}\n`)
  const headers = { origin: report.address, 'x-gatehouse': '1' }
  const login = async () =>
    (await fetch(`${report.address}/login`, { method: 'POST', headers, body: JSON.stringify({ token }) }))
      .status
  await expect.poll(login).toBe(200)
  expect(await login()).toBe(401)
})

testWith('root')('a port that is taken is one message and an exit code', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => other.once('listening', resolve))
  const { port } = other.address() as { port: number }
  const report = await startWeb({ port })
  expect(report).toEqual({
    kind: 'failed',
    reason: `Another program already listens on 127.0.0.1:${port}.`,
    remedy: expect.stringContaining('--port'),
  })
  expect(await ended(child)).toBe(WEB_EXIT.portTaken)
  other.close()
})

testWith('root')('when the core is gone the web process goes too', async () => {
  await startWeb()
  child?.stdin?.end()
  expect(await ended(child)).toBe(0)
})

testWith('root')('a start line that is none is one message', async () => {
  const report = await startWeb({ secret: 'short' })
  expect(report.kind).toBe('failed')
  expect(await ended(child)).toBe(WEB_EXIT.badStart)
})

testWith('root')(
  'the kernel keeps others from the sockets, and the core does where the kernel would not',
  async () => {
    const owner = join(folder, 'api.sock')
    open.push(await listenForOwner(api, { path: owner, credentialsOf: peerCredentials }))
    await startWeb()
    expect(await statusAs(0, owner)).toBe('200')
    expect(await statusAs(65_533, owner)).toBe('EACCES')
    expect(await statusAs(65_533, join(folder, 'web.sock'))).toBe('EACCES')
    // Root passes any file's rights: the core itself still asks for the web process's user.
    expect(await ask(join(folder, 'web.sock'))).toBe(403)
    // A socket file that somebody opened up by mistake.
    chmodSync(owner, 0o666)
    expect(await statusAs(65_533, owner)).toBe('403')
    expect(statSync(join(folder, 'web.sock')).mode & 0o777).toBe(0o600)
  },
)

function ask(socketPath: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { [SECRET_HEADER]: secret, 'x-gatehouse-actor': 'x', 'x-gatehouse-role': 'admin' }
    const asking = request({ socketPath, path: '/api/v1/status', headers, agent: false }, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    asking.on('error', reject)
    asking.end()
  })
}

/** Asks for the status as another user, in a process of its own: the status code, or the error. */
function statusAs(uid: number, socketPath: string): Promise<string> {
  const script = `require('node:http').get({ socketPath: process.argv[1], path: '/api/v1/status' }, (response) => {
    response.resume(); console.log(response.statusCode)
  }).on('error', (error) => console.log(error.code))`
  return new Promise((resolve, reject) => {
    const asking = spawn(process.execPath, ['-e', script, socketPath], { uid, gid: uid, cwd: '/' })
    let said = ''
    asking.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString()
    })
    asking.on('error', reject)
    asking.on('close', () => resolve(said.trim()))
  })
}
