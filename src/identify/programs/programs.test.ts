import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Owner } from '#model/owner.ts'
import { Processes } from '../owners/process.ts'
import { createPrograms } from './programs.ts'

const clock = (): number => performance.now()
const sha256 = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex')
const ownerAt = (path: string, more: Partial<Owner> = {}): Owner => ({
  pid: 0,
  path,
  name: 'x',
  commandLine: '',
  uid: 0,
  source: 'ebpf',
  ...more,
})
let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gh-programs-'))
})

afterEach(() => rmSync(folder, { recursive: true }))

test('a program is described by its file, and described anew when that changes', async () => {
  const programs = createPrograms({ clock, packages: [] })
  const path = join(folder, 'tool')
  writeFileSync(path, 'one')
  const first = await programs.describeProgram(ownerAt(path))
  expect(first).toMatchObject({
    path,
    sha256: sha256(path),
    file: { bytes: 3 },
    package: { state: 'unknown' },
  })
  writeFileSync(path, 'three')
  expect((await programs.describeProgram(ownerAt(path))).sha256).toBe(sha256(path))
})

test('of a program that was replaced on disk the file that runs is described', async () => {
  const path = join(folder, 'sleeper')
  copyFileSync('/bin/sleep', path)
  const original = sha256(path)
  const child = spawn(path, ['20'], { stdio: 'ignore' })
  await once(child, 'spawn')
  const startedAt = new Processes().describe(child.pid as number, 0)?.startedAt as number
  rmSync(path)
  writeFileSync(path, 'another')
  const programs = createPrograms({ clock, packages: [] })
  const running = ownerAt(path, { pid: child.pid as number, startedAt, executableGone: true })
  expect((await programs.describeProgram(running)).sha256).toBe(original)
  const later = ownerAt(path, { ...running, startedAt: startedAt + 60_000 })
  expect(await programs.describeProgram(later)).toMatchObject({
    because: 'its file was removed or replaced, and it runs no more',
  })
  child.kill('SIGKILL')
  await once(child, 'exit')
})

test.each([
  [
    'a file that is gone',
    { path: '/nonexistent/x' },
    'its file cannot be read: it is gone, or not ours to read',
  ],
  ['a folder', { path: '/usr' }, 'what is at its path is no file'],
  ['the kernel', { path: 'kernel', source: 'kernel' }, 'it is the kernel itself'],
  ['an unreadable path', { path: 'unreadable', unreadableBecause: 'why' }, 'why'],
  [
    'a container that ended',
    { path: '/bin/sh', container: { engine: 'docker', id: 'x' } },
    'its container is gone, and its file with it',
  ],
] as const)('%s is said, not thrown', async (_what, owner, because) => {
  const description = await createPrograms({ clock }).describeProgram(ownerAt(owner.path, owner))
  expect(description).toMatchObject({ because, package: { state: 'unknown', because } })
})

test('hashing keeps to its pace and lets the loop run', async () => {
  const path = join(folder, 'large')
  writeFileSync(path, Buffer.alloc(3 << 20))
  const programs = createPrograms({ clock, packages: [], bytesPerSecond: 10 << 20 })
  let [turns, started] = [0, clock()]
  const counting = setInterval(() => turns++, 5)
  await programs.describeProgram(ownerAt(path))
  expect(clock() - started).toBeGreaterThan(280)
  expect(turns).toBeGreaterThan(20)
  started = clock()
  await programs.describeProgram(ownerAt(path))
  expect(clock() - started).toBeLessThan(100)
  clearInterval(counting)
})
