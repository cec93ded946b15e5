import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ACTOR_NAME_HEADER, ACTOR_ROLE_HEADER, SECRET_HEADER } from '#contract/http.ts'
import { aDecision, createSmallProduct, type SmallProduct } from '../../test/support/port.ts'
import { createAccounts, ownerOf } from './accounts.ts'
import { type Api, createApi } from './api.ts'
import { type Listening, listenForOwner, listenForWeb } from './listen.ts'
import { demandSilence } from './socket-file.ts'

const uid = process.geteuid?.() ?? 0
const gid = process.getegid?.() ?? 0
const me = { pid: process.pid, uid, gid }
const stranger = { pid: 1, uid: 60_123, gid: 60_123 }
const secret = 's'.repeat(43)

let folder: string
let product: SmallProduct
let api: Api
let open: Listening[]
let faults: Error[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gh-listen-'))
  product = createSmallProduct()
  api = createApi(product, { onFault: (error) => faults.push(error) })
  faults = []
  open = []
})
afterEach(async () => {
  for (const listening of open) await listening.close()
  expect(faults).toEqual([])
  api.close()
  rmSync(folder, { recursive: true })
})

async function listenAs(peer: typeof me, name = 'api.sock'): Promise<string> {
  const path = join(folder, name)
  open.push(await listenForOwner(api, { path, credentialsOf: () => peer }))
  return path
}

interface Answer {
  readonly status: number
  readonly body: string
}

function ask(
  socketPath: string,
  { method = 'GET', path = '/api/v1/status', headers = {}, body = '' } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asking = request({ socketPath, method, path, headers, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }))
    })
    asking.on('error', reject)
    asking.end(body)
  })
}

test('the owner is answered, by the name of its account, over a file that only it can open', async () => {
  const path = await listenAs(me)
  expect(statSync(path).mode & 0o777 & ~0o060).toBe(0o600)
  expect(JSON.parse((await ask(path)).body)).toMatchObject({ state: 'protecting' })
  await ask(path, { method: 'DELETE', path: '/api/v1/blocks/203.0.113.9' })
  expect(product.acts[0]?.actor).toEqual({ name: createAccounts().nameOf(uid), role: 'admin' })
})

test('a stranger gets one sentence and no data, also where the file let it in', async () => {
  const answer = await ask(await listenAs(stranger))
  expect(answer.status).toBe(403)
  expect(answer.body).toContain('group gatehouse')
  expect(answer.body).not.toContain('protecting')
})

test('a peer that the kernel says nothing about is cut off', async () => {
  const path = join(folder, 'api.sock')
  const credentialsOf = () => {
    throw new Error('no peer')
  }
  open.push(await listenForOwner(api, { path, credentialsOf }))
  await expect(ask(path)).rejects.toThrow(/hang up|ECONNRESET|EPIPE/)
})

test('headers that say who is signed in mean nothing to the owner’s socket', async () => {
  const path = await listenAs(stranger)
  const headers = { [SECRET_HEADER]: secret, [ACTOR_NAME_HEADER]: 'anna', [ACTOR_ROLE_HEADER]: 'admin' }
  expect((await ask(path, { headers })).status).toBe(403)
})

test('a file that a dead daemon left is replaced; a living one is not disturbed', async () => {
  const path = join(folder, 'api.sock')
  const dead = createServer().listen(path)
  await new Promise((resolve) => dead.once('listening', resolve))
  writeFileSync(join(folder, 'keep'), '')
  await expect(listenForOwner(api, { path, credentialsOf: () => me })).rejects.toThrow(
    `Gatehouse is already running: it answers on ${path}.`,
  )
  dead.close()
  await new Promise((resolve) => dead.once('close', resolve))

  const left = await listenAs(me)
  const other = createApi(product)
  await expect(listenForOwner(other, { path: left, credentialsOf: () => me })).rejects.toMatchObject({
    status: 409,
    hint: expect.stringContaining('--socket'),
  })
  other.close()
  expect((await ask(left)).status).toBe(200)
  await expect(demandSilence(left)).rejects.toThrow('already running')
  await demandSilence(join(folder, 'none.sock'))
})

test('what is no socket is left alone, and a folder that others may write to is refused', async () => {
  const path = join(folder, 'file')
  writeFileSync(path, 'precious')
  await expect(listenForOwner(api, { path, credentialsOf: () => me })).rejects.toThrow('is no socket')
  expect(statSync(path).size).toBe(8)

  const shared = join(folder, 'shared')
  mkdirSync(shared)
  // mkdir is subject to the umask, chmod is not.
  ;(await import('node:fs')).chmodSync(shared, 0o777)
  await expect(
    listenForOwner(api, { path: join(shared, 'api.sock'), credentialsOf: () => me }),
  ).rejects.toThrow('others cannot write to')
  const long = join(folder, 'x'.repeat(120))
  await expect(listenForOwner(api, { path: long, credentialsOf: () => me })).rejects.toThrow(
    'longer than 107',
  )
})

test('the web socket trusts its user with the secret, and the session it names', async () => {
  const path = join(folder, 'web.sock')
  const web = { path, credentialsOf: () => me, webUid: uid, webGid: gid, secret }
  open.push(await listenForWeb(api, web))
  const anna = {
    [SECRET_HEADER]: secret,
    [ACTOR_NAME_HEADER]: 'anna%20%C3%A4',
    [ACTOR_ROLE_HEADER]: 'operator',
  }
  const unblock = { method: 'DELETE', path: '/api/v1/blocks/203.0.113.9' }
  expect((await ask(path, { ...unblock, headers: anna })).status).toBe(200)
  expect(product.acts[0]?.actor).toEqual({ name: 'anna ä', role: 'operator' })

  const refused = [
    {},
    { ...anna, [SECRET_HEADER]: 'wrong' },
    { ...anna, [ACTOR_ROLE_HEADER]: 'emperor' },
    { [SECRET_HEADER]: secret },
  ]
  for (const headers of refused) expect((await ask(path, { ...unblock, headers })).status).toBe(403)
  const viewer = { ...anna, [ACTOR_ROLE_HEADER]: 'viewer' }
  expect((await ask(path, { ...unblock, headers: viewer })).status).toBe(403)
  expect(product.acts).toHaveLength(1)
})

test('another user with the right secret is refused on the web socket', async () => {
  const path = join(folder, 'web.sock')
  open.push(
    await listenForWeb(api, { path, credentialsOf: () => stranger, webUid: uid, webGid: gid, secret }),
  )
  const headers = { [SECRET_HEADER]: secret, [ACTOR_NAME_HEADER]: 'x', [ACTOR_ROLE_HEADER]: 'admin' }
  expect((await ask(path, { headers })).status).toBe(403)
})

test('events flow over the socket, and end when the api closes', async () => {
  const path = await listenAs(me)
  const heard = ask(path, { path: '/api/v1/events' })
  setTimeout(() => {
    product.emit({ kind: 'decision', decision: { ...aDecision, id: 77 } })
    setTimeout(() => api.close(), 50)
  }, 100)
  expect((await heard).body).toContain('"id":77')
})

test('members of the group may do what root may; others may not', () => {
  const files: Record<string, string> = {
    '/etc/passwd': 'root:x:0:0::/:/bin/sh\nanna:x:1000:1000::/:/bin/sh\nben:x:1001:1001::/:/bin/sh\n',
    '/etc/group': 'root:x:0:\ngatehouse:x:990:anna\n',
    '/proc/9/status': 'Name:\tx\nGroups:\t4 990 \n',
  }
  const accounts = createAccounts((path) => files[path] ?? '')
  const who = (uid: number, gid: number, pid = 1) => ownerOf({ uid, gid, pid }, accounts, 500)
  expect(who(0, 0)).toEqual({ name: 'root', role: 'admin' })
  expect(who(1000, 1000)?.name).toBe('anna')
  expect(who(1001, 1001)).toBeUndefined()
  expect(who(1001, 990)?.name).toBe('ben')
  expect(who(1001, 1001, 9)?.name).toBe('ben')
  expect(who(500, 500)?.name).toBe('uid 500')
})
