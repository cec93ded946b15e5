import { execFileSync, spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, expect, test } from 'vitest'
import { toOwner } from './owner-maker.ts'
import { Processes, parseBootTime, parseCommandLine, parseStat, parseUid } from './process.ts'
import { Users } from './users.ts'

const STAT =
  '812 (a (b) c) S 1 812 812 0 -1 4194560 2012 0 3 0 14 9 0 0 20 0 1 0 4711 12345 678 18446744073709551615 1 1 0\n'
const folders: string[] = []
const folder = (): string => {
  const made = mkdtempSync(join(tmpdir(), 'gh-proc-'))
  folders.push(made)
  return made
}

afterEach(() => {
  for (const made of folders.splice(0)) rmSync(made, { recursive: true })
})

test('a short name may hold brackets and spaces', () => {
  expect(parseStat(STAT)).toEqual({ shortName: 'a (b) c', parentPid: 1, startTicks: 4711 })
})

test('what is no process is no process, whatever the text', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      parseStat(text)
      parseUid(text)
      expect(parseBootTime(text)).toBeGreaterThanOrEqual(0)
    }),
  )
  expect(parseStat('812 (x) S')).toBeUndefined()
  expect(parseUid('Name:\tx\n')).toBeUndefined()
})

test('the uid is the effective one', () => {
  expect(parseUid('Name:\tx\nUid:\t1000\t33\t0\t33\n')).toBe(33)
})

test('arguments are parted by spaces, an empty one stays', () => {
  expect(parseCommandLine(Buffer.from('curl\0-s\0\0http://x\0'))).toBe('curl -s  http://x')
  expect(parseCommandLine(Buffer.alloc(0))).toBe('')
})

test('this process is described as it is', () => {
  const me = new Processes().describe(process.pid, 0)
  expect(me).toMatchObject({ pid: process.pid, parentPid: process.ppid, uid: process.geteuid?.() })
  expect(me?.executable).toEqual({ state: 'there', path: process.execPath })
  expect(Math.abs((me?.startedAt ?? 0) - (Date.now() - process.uptime() * 1_000))).toBeLessThan(3_000)
})

test('a process that ended is not there', () => {
  const pid = Number(execFileSync('sh', ['-c', 'echo $$'], { encoding: 'utf8' }))
  expect(new Processes().describe(pid, 0)).toBeUndefined()
})

test('an executable that was removed is said to be gone, one with such a name is not', async () => {
  const made = folder()
  const [removed, named] = [join(made, 'removed'), join(made, 'odd (deleted)')]
  for (const path of [removed, named]) copyFileSync('/bin/sleep', path)
  const children = [removed, named].map((path) => spawn(path, ['20'], { stdio: 'ignore' }))
  try {
    await new Promise((resolve) => setTimeout(resolve, 50))
    unlinkSync(removed)
    const processes = new Processes()
    const found = children.map((child) => processes.describe(child.pid ?? 0, 0))
    expect(found.map((details) => details?.executable)).toEqual([
      { state: 'gone', path: removed },
      { state: 'there', path: named },
    ])
    const owner = found[0] && toOwner(found[0], 'scan')
    expect(owner).toMatchObject({
      path: removed,
      executableGone: true,
      name: 'removed',
      commandLine: `${removed} 20`,
    })
  } finally {
    for (const child of children) child.kill('SIGKILL')
  }
})

/** A /proc made of files: the same readers, other content. */
function procWith(pid: number, files: Record<string, string | Buffer>, exe?: string): string {
  const proc = folder()
  mkdirSync(join(proc, String(pid)))
  writeFileSync(join(proc, 'stat'), 'cpu 1\nbtime 1700000000\n')
  for (const [name, content] of Object.entries(files)) writeFileSync(join(proc, String(pid), name), content)
  if (exe) symlinkSync(exe, join(proc, String(pid), 'exe'))
  return proc
}

test('what cannot be read is said, never blank', () => {
  const proc = procWith(812, { stat: STAT, status: 'Uid:\t7\t7\t7\t7\n', cmdline: '' })
  const details = new Processes(proc).describe(812, 0)
  expect(details && toOwner(details, 'scan')).toEqual({
    pid: 812,
    path: 'unreadable',
    unreadableBecause: 'no executable file is behind it: it has just ended or is a kernel thread',
    name: 'a (b) c',
    commandLine: '',
    uid: 7,
    parentPid: 1,
    startedAt: 1700000000000 + 47110,
    source: 'scan',
    confidence: 0.95,
  })
})

test('a long command line is cut at 4 KB', () => {
  const proc = procWith(
    812,
    { stat: STAT, status: 'Uid:\t7\t7\t7\t7\n', cmdline: 'x'.repeat(100_000) },
    '/bin/x',
  )
  expect(new Processes(proc).describe(812, 0)?.commandLine).toHaveLength(4_096)
})

test('an exec is noticed after a second, an unchanged process stays one object', () => {
  const proc = procWith(812, { stat: STAT, status: 'Uid:\t7\t7\t7\t7\n', cmdline: 'sh' }, '/bin/sh')
  const processes = new Processes(proc)
  const first = processes.describe(812, 0)
  expect(processes.describe(812, 2_000)).toBe(first)
  unlinkSync(join(proc, '812', 'exe'))
  symlinkSync('/usr/bin/curl', join(proc, '812', 'exe'))
  expect(processes.describe(812, 2_500)?.executable).toEqual({ state: 'there', path: '/bin/sh' })
  expect(processes.describe(812, 3_100)?.executable).toEqual({ state: 'there', path: '/usr/bin/curl' })
})

test('names of users follow the passwd file', () => {
  const path = join(folder(), 'passwd')
  writeFileSync(path, 'anna:x:1000:1000::/:\nalias:x:1000:1000::/:\n')
  const users = new Users(path)
  expect([users.nameOf(1000, 0), users.nameOf(5, 0)]).toEqual(['anna', undefined])
  writeFileSync(path, 'berta:x:1000:1000::/:\n')
  expect(users.nameOf(1000, 500)).toBe('anna')
  expect(users.nameOf(1000, 2_000)).toBe('berta')
  expect(new Users('/no/such/file').nameOf(0, 0)).toBeUndefined()
})
