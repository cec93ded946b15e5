import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { peerCredentials } from '#kernel/peer-credentials.ts'
import { testWith } from '../support/needs.ts'

const module = (name: string): string => new URL(`../../src/kernel/${name}.ts`, import.meta.url).href

/** Runs a script in a Node of its own and answers what it prints, as JSON. */
function inChild(script: string): unknown {
  const text = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  return JSON.parse(text)
}

testWith('root')('after dropping, no thread can become root again', () => {
  const report = inChild(`
    import { readdirSync, readFileSync } from 'node:fs'
    import { Worker } from 'node:worker_threads'
    import { dropPrivileges } from '${module('privilege')}'
    const before = new Worker('setInterval(() => {}, 1000)', { eval: true })
    await new Promise((done) => before.once('online', done))
    const dropped = dropPrivileges()
    const tried = []
    for (const act of ['setuid', 'seteuid', 'setgid', 'setegid'])
      try { process[act](0); tried.push(act) } catch {}
    try { readFileSync('/etc/shadow'); tried.push('shadow') } catch {}
    const lines = (name) => [...new Set(readdirSync('/proc/self/task').map((thread) =>
      readFileSync('/proc/self/task/' + thread + '/status', 'utf8').match(new RegExp(name + ':[ \\\\t]*(.*)'))[1].trim()))]
    console.log(JSON.stringify({ dropped, tried, nnp: lines('NoNewPrivs'), eff: lines('CapEff'), prm: lines('CapPrm'),
      groups: lines('Groups'), uid: process.getuid(), bounding: readFileSync('/proc/thread-self/status', 'utf8').match(/CapBnd:\\s*(.*)/)[1] }))
    process.exit(0)
  `)
  expect(report).toMatchObject({
    dropped: { noNewPrivileges: 'process' },
    tried: [],
    nnp: ['1'],
    eff: ['0000000000000000'],
    prm: ['0000000000000000'],
    bounding: '0000000000000000',
    groups: [''],
  })
  expect((report as { uid: number }).uid).toBeGreaterThan(0)
})

testWith('root')('who is not root stays who it is, and can gain nothing', () => {
  const report = inChild(`
    import { readFileSync } from 'node:fs'
    import { dropPrivileges } from '${module('privilege')}'
    process.setgroups([]); process.setgid(65534); process.setuid(65534)
    const dropped = dropPrivileges()
    console.log(JSON.stringify({ dropped, nnp: /NoNewPrivs:.1/.test(readFileSync('/proc/self/status', 'utf8')) }))
  `)
  expect(report).toEqual({ dropped: { uid: 65534, gid: 65534, noNewPrivileges: 'process' }, nnp: true })
})

testWith('root')('a machine without the users says which to add', () => {
  const report = inChild(`
    import { dropPrivileges } from '${module('privilege')}'
    try { dropPrivileges({ user: 'no-such-user', fallback: 'nor-this-one' }) }
    catch (refused) { console.log(JSON.stringify({ name: refused.name, hint: refused.hint, uid: process.getuid() })) }
  `)
  expect(report).toEqual({
    name: 'PrivilegeError',
    hint: 'add one: useradd --system --no-create-home no-such-user',
    uid: 0,
  })
})

test('the peer of a Unix socket is the process that connected', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gh-peer-'))
  const path = join(folder, 'api.sock')
  const server = createServer().listen(path)
  await once(server, 'listening')
  const child = spawn(
    process.execPath,
    ['-e', `require('net').connect(${JSON.stringify(path)}); setTimeout(() => {}, 20000)`],
    { stdio: 'ignore' },
  )
  try {
    const [socket] = (await once(server, 'connection')) as [Socket]
    const { fd } = (socket as unknown as { _handle: { fd: number } })._handle
    expect(peerCredentials(fd)).toEqual({
      pid: child.pid,
      uid: process.getuid?.(),
      gid: process.getgid?.(),
    })
    socket.destroy()
  } finally {
    child.kill('SIGKILL')
    server.close()
    rmSync(folder, { recursive: true })
  }
})

test('a TCP socket has no peer credentials', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { fd } = (server as unknown as { _handle: { fd: number } })._handle
  expect(() => peerCredentials(fd)).toThrow(/connected Unix socket|getsockopt/)
  server.close()
})
