import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createProgramEnforcer, type ProgramEnforcer } from '#enforce/programs.ts'
import { parseCgroupMount } from '#kernel/bpf/cgroup-root.ts'
import type { WatchedRule } from '#model/watched-program.ts'
import { buildCaller } from '../support/caller.ts'
import { until } from '../support/daemon.ts'
import { testWith } from '../support/needs.ts'

const hasCompiler = spawnSync('cc', ['--version']).status === 0
const rootTest = hasCompiler ? testWith('root') : test.skip
const EPERM = 1

let folder: string
let group: string
let tool: string
let servers: Server[]
const accepted: Socket[] = []
let enforcer: ProgramEnforcer

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gh-watchdog-'))
  // A group of our own: nobody outside it is judged.
  const mount = parseCgroupMount(readFileSync('/proc/self/mountinfo', 'utf8')) as string
  group = join(mount, `gh-watchdog-${process.pid}`)
  mkdirSync(group)
  if (hasCompiler) buildCaller(folder, 'original')
  servers = ['127.0.0.1', '::1'].map((host) =>
    createServer((socket) => accepted.push(socket.on('error', () => {}))).listen(0, host),
  )
  await Promise.all(servers.map((server) => once(server, 'listening')))
})

afterAll(async () => {
  for (const socket of accepted) socket.destroy()
  for (const server of servers) server.close()
  rmSync(folder, { recursive: true })
  rmdirSync(group)
})

beforeEach(() => {
  tool = join(folder, 'tool')
  copyFileSync(join(folder, 'original'), tool)
  enforcer = createProgramEnforcer({ cgroup: group })
})

afterEach(() => enforcer.close())

const portOf = (server?: Server): number => (server?.address() as AddressInfo | undefined)?.port ?? 0
const inGroup = (command: string): string[] => ['-c', `echo $$ > ${group}/cgroup.procs && exec ${command}`]

/** One connect or sendto by the program, as a process of its own within the group. */
function call(program: string, host: string, kind: 'tcp' | 'udp' | 'udp-connected'): 'done' | 'refused' {
  const port = portOf(servers[host === '::1' ? 1 : 0])
  const { status } = spawnSync('sh', inGroup(`${program} ${host} ${port} ${kind}`))
  if (status !== 0 && status !== EPERM) throw new Error(`${program} ended with errno ${status}`)
  return status === EPERM ? 'refused' : 'done'
}

const hashRule = (path: string): WatchedRule => {
  const bytes = readFileSync(path)
  return { by: 'hash', sha256: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.length }
}

describe('a watched program', () => {
  rootTest('cannot connect nor send, over TCP and UDP, IPv4 and IPv6, until it is lifted', () => {
    const calls = (): string[] =>
      ['127.0.0.1', '::1'].flatMap((host) =>
        (['tcp', 'udp', 'udp-connected'] as const).map((kind) => call(tool, host, kind)),
      )
    expect(calls()).toEqual(Array(6).fill('done'))
    const rule: WatchedRule = { by: 'path', path: tool }
    enforcer.watch(rule)
    expect(calls()).toEqual(Array(6).fill('refused'))
    expect(enforcer.tally(rule)).toMatchObject({ refusals: 6, files: [tool] })
    enforcer.lift(rule)
    expect(calls()).toEqual(Array(6).fill('done'))
  })

  rootTest('gets EPERM, and others in the group do not notice', () => {
    const bash = join(folder, 'shell')
    copyFileSync('/bin/bash', bash)
    enforcer.watch({ by: 'path', path: bash })
    const script = `'exec 3<>/dev/tcp/127.0.0.1/${portOf(servers[0])}'`
    expect(spawnSync('sh', inGroup(`${bash} -c ${script}`), { encoding: 'utf8' }).stderr).toContain(
      'Operation not permitted',
    )
    expect(call(tool, '127.0.0.1', 'tcp')).toBe('done')
    rmSync(bash)
  })

  rootTest('loses the connections that it has, and its children theirs', async () => {
    const rule: WatchedRule = { by: 'path', path: join(folder, 'holder') }
    copyFileSync('/bin/bash', rule.path)
    const to = `/dev/tcp/127.0.0.1/${portOf(servers[0])}`
    const script = `exec 3<>${to}; (exec 4<>${to}; echo ready; read -u 4 -r line; echo child) & read -u 3 -r line; echo gone; wait`
    const holder = spawn('sh', inGroup(`${rule.path} -c '${script}'`), {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    let said = ''
    holder.stdout.on('data', (bytes: Buffer) => (said += bytes.toString()))
    await until('it is connected', () => said.includes('ready'))
    const startedAt = performance.now()
    // The child inherits the first connection: two sockets.
    expect(enforcer.watch(rule)).toBe(2)
    await once(holder, 'exit')
    expect(said).toContain('gone')
    expect(said).toContain('child')
    process.stdout.write(`open connections closed within ${Math.round(performance.now() - startedAt)} ms\n`)
  })

  rootTest('cannot listen on: what comes in is closed with it', async () => {
    const node = join(folder, 'server')
    copyFileSync(process.execPath, node)
    const script =
      "require('net').createServer().listen(0, '127.0.0.1', function () { console.log(this.address().port) })"
    const child = spawn('sh', inGroup(`${node} -e "${script}"`), { stdio: ['ignore', 'pipe', 'ignore'] })
    const [said] = (await once(child.stdout, 'data')) as [Buffer]
    try {
      expect(enforcer.watch({ by: 'path', path: node })).toBe(1)
      const answer = spawnSync('bash', ['-c', `exec 3<>/dev/tcp/127.0.0.1/${said.toString().trim()}`], {
        encoding: 'utf8',
      })
      expect(answer.stderr).toContain('Connection refused')
      const again = spawnSync(
        'sh',
        inGroup(
          `${node} -e "${script.replace('.listen', ".on('error', (e) => { console.log(e.code); process.exit() }).listen")}"`,
        ),
        { encoding: 'utf8', timeout: 5_000 },
      )
      expect(again.stdout.trim()).toBe('EPERM')
    } finally {
      child.kill()
    }
  })

  rootTest('by its hash is caught under another name, and as a copy', async () => {
    const rule = { ...hashRule(tool), seenAt: tool } as WatchedRule
    enforcer.watch(rule)
    await until('its content was read', () => enforcer.tally(rule).files.length === 1)
    expect(call(tool, '127.0.0.1', 'tcp')).toBe('refused')
    const renamed = join(folder, 'renamed')
    renameSync(tool, renamed)
    expect(call(renamed, '127.0.0.1', 'tcp')).toBe('refused')

    const copy = join(folder, 'never seen')
    copyFileSync(renamed, copy)
    // The first start of a copy is judged while it runs: afterwards it is out for good.
    spawnSync('sh', inGroup(`'${copy}' ::1 1 tcp`))
    await until('the copy was read', () => enforcer.tally(rule).files.includes(copy))
    expect(call(`'${copy}'`, '127.0.0.1', 'tcp')).toBe('refused')
    rmSync(renamed)
    rmSync(copy)
  })

  rootTest('by its hash is closed at once when it ran before its content was known', async () => {
    const copy = join(folder, 'shell-copy')
    copyFileSync('/bin/bash', copy)
    // A byte more than the machine's own, which nobody may touch.
    execFileSync('sh', ['-c', `printf y >> ${copy}`])
    const script = `exec 3<>/dev/tcp/127.0.0.1/${portOf(servers[0])}; echo ready; read -u 3 -r line`
    const child = spawn('sh', inGroup(`${copy} -c '${script}'`), { stdio: ['ignore', 'pipe', 'ignore'] })
    try {
      await once(child.stdout, 'data')
      const rule = hashRule(copy)
      const started = performance.now()
      expect(enforcer.watch(rule)).toBe(0)
      await once(child, 'exit')
      process.stdout.write(
        `a running copy was read and closed in ${Math.round(performance.now() - started)} ms\n`,
      )
      expect(enforcer.tally(rule)).toMatchObject({ closed: 1, files: [copy] })
    } finally {
      rmSync(copy)
    }
  })

  rootTest('by its hash may connect once as a copy that nobody saw, and is closed then', async () => {
    const known = join(folder, 'known-shell')
    copyFileSync('/bin/bash', known)
    execFileSync('sh', ['-c', `printf x >> ${known}`])
    const rule: WatchedRule = { ...hashRule(known), seenAt: known } as WatchedRule
    enforcer.watch(rule)
    await until('its content was read', () => enforcer.tally(rule).files.length === 1)
    const passed: number[] = []
    for (let made = 0; made < 10; made++) {
      const copy = join(folder, `copy-${made}`)
      copyFileSync(known, copy)
      const script = `exec 3<>/dev/tcp/127.0.0.1/${portOf(servers[0])} || exit 7; read -t 5 -u 3 -r line; exit 0`
      const started = performance.now()
      const child = spawn('sh', inGroup(`${copy} -c '${script}'`), { stdio: 'ignore' })
      const [code] = (await once(child, 'exit')) as [number]
      if (code !== 7 && code !== 1) passed.push(performance.now() - started)
      rmSync(copy)
    }
    // Far below the 5 s after which it would end by itself.
    expect(Math.max(0, ...passed)).toBeLessThan(4_000)
    process.stdout.write(
      `of 10 new copies that connect at once ${passed.length} did, and were over after ${Math.round(Math.max(0, ...passed))} ms at most\n`,
    )
    rmSync(known)
  })

  rootTest('whose content changes is another program for a rule by hash', async () => {
    const rule = { ...hashRule(tool), seenAt: tool } as WatchedRule
    enforcer.watch(rule)
    await until('its content was read', () => enforcer.tally(rule).files.length === 1)
    execFileSync('sh', ['-c', `printf x >> ${tool}`])
    enforcer.sweep()
    expect(call(tool, '127.0.0.1', 'tcp')).toBe('done')
    expect(enforcer.tally(rule).files).toEqual([])
  })

  rootTest('by its name is caught wherever it lies', async () => {
    const rule: WatchedRule = { by: 'name', name: `gh-name-${process.pid}` }
    const named = join(folder, rule.name)
    renameSync(tool, named)
    enforcer.watch(rule)
    spawnSync('sh', inGroup(`${named} ::1 1 tcp`))
    await until('its start was seen', () => enforcer.tally(rule).files.length === 1)
    expect(call(named, '127.0.0.1', 'tcp')).toBe('refused')
  })

  rootTest('that was removed leaves its numbers to a new file, which is free', () => {
    const rule: WatchedRule = { by: 'path', path: tool }
    enforcer.watch(rule)
    expect(call(tool, '127.0.0.1', 'tcp')).toBe('refused')
    rmSync(tool)
    for (let made = 0; made < 20; made++) {
      const other = join(folder, `other-${made}`)
      copyFileSync(join(folder, 'original'), other)
      expect(call(other, '127.0.0.1', 'tcp')).toBe('done')
      rmSync(other)
    }
  })

  rootTest('is free again when Gatehouse ends, and watched again when it starts', () => {
    const rule: WatchedRule = { by: 'path', path: tool }
    enforcer.watch(rule)
    enforcer.close()
    expect(call(tool, '127.0.0.1', 'tcp')).toBe('done')
    const next = createProgramEnforcer({ cgroup: group })
    next.watch(rule)
    expect(call(tool, '127.0.0.1', 'tcp')).toBe('refused')
    next.close()
  })
})

describe('never watched', () => {
  rootTest('is Gatehouse itself, by path, through a link, by hash, by name', async () => {
    const link = join(folder, 'link')
    symlinkSync(process.execPath, link)
    const rules: WatchedRule[] = [
      { by: 'path', path: process.execPath },
      { by: 'path', path: link },
      { by: 'name', name: basename(process.execPath) },
      hashRule(process.execPath),
    ]
    for (const rule of rules) expect(await enforcer.whySpared(rule)).toContain('Gatehouse itself runs by it')
    expect(await enforcer.whySpared({ by: 'name', name: 'sshd' })).toContain('it lets people log in')
    expect(await enforcer.whySpared({ by: 'path', path: tool })).toBeUndefined()
  })

  rootTest('is a program that a login session begins to run: it is let go', () => {
    let isSession = false
    const { spared } = {
      spared: () =>
        isSession ? [{ at: tool, path: tool, because: 'a login session runs in it', ...idOf(tool) }] : [],
    }
    const own = createProgramEnforcer({ cgroup: group, spared })
    const rule: WatchedRule = { by: 'path', path: tool }
    own.watch(rule)
    expect(call(tool, '127.0.0.1', 'tcp')).toBe('refused')
    isSession = true
    own.sweep()
    expect(call(tool, '127.0.0.1', 'tcp')).toBe('done')
    expect(own.tally(rule).spared).toContain('a login session runs in it')
    isSession = false
    own.sweep()
    expect(call(tool, '127.0.0.1', 'tcp')).toBe('refused')
    own.close()
  })
})

function idOf(path: string): { device: number; inode: number; bytes: number } {
  const [device, inode, bytes] = execFileSync('stat', ['-c', '%d %i %s', path], { encoding: 'utf8' })
    .split(' ')
    .map(Number) as [number, number, number]
  return { device, inode, bytes }
}
