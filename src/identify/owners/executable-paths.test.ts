import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  copyFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ExecutablePaths, type ExecutedFile, kernelDevice } from './executable-paths.ts'

const NO_PID = 4_194_305
let folder: string
let tool: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gh-paths-'))
  tool = join(folder, 'tool')
  copyFileSync('/bin/sleep', tool)
})

afterEach(() => rmSync(folder, { recursive: true }))

function executed(filename: string, more: Partial<ExecutedFile> = {}): ExecutedFile {
  const { dev, ino } = statSync(tool)
  return {
    pid: NO_PID,
    parentPid: NO_PID,
    identity: { device: kernelDevice(dev), inode: ino, generation: 0 },
    filename,
    interpreter: filename,
    lastPart: 'tool',
    ...more,
  }
}

test('the path of a live process is what /proc says', async () => {
  const child = spawn(tool, ['20'], { stdio: 'ignore' })
  await once(child, 'spawn')
  const file = executed('./tool', { pid: child.pid as number })
  expect(new ExecutablePaths().executed(file)).toEqual({ state: 'there', path: tool })
  child.kill('SIGKILL')
  await once(child, 'exit')
})

test('a process that is over is found by the name it was started with, if that is still the file', () => {
  expect(new ExecutablePaths().executed(executed(tool))).toEqual({ state: 'there', path: tool })
  const link = join(folder, 'link')
  symlinkSync(tool, link)
  expect(new ExecutablePaths().executed(executed(link))).toEqual({ state: 'there', path: tool })
})

test('of a script the interpreter is the program', () => {
  const script = join(folder, 'script')
  writeFileSync(script, '#!')
  const file = executed(script, { interpreter: tool })
  expect(new ExecutablePaths().executed(file)).toEqual({ state: 'there', path: tool })
})

test('a relative name is looked for where its parent is', async () => {
  const parent = spawn('/bin/sleep', ['20'], { stdio: 'ignore', cwd: folder })
  await once(parent, 'spawn')
  const file = executed('./tool', { parentPid: parent.pid as number })
  expect(new ExecutablePaths().executed(file)).toEqual({ state: 'there', path: tool })
  parent.kill('SIGKILL')
  await once(parent, 'exit')
})

test('another file that has the name since is not taken for it, but the name is told', () => {
  const file = executed(tool)
  rmSync(tool)
  writeFileSync(tool, 'another')
  expect(new ExecutablePaths().executed(file)).toEqual({ state: 'there', path: tool })
  const elsewhere = executed('/nowhere/else', { identity: file.identity })
  expect(new ExecutablePaths().executed(elsewhere)).toEqual({ state: 'there', path: 'tool' })
})

test('what has no file is named as the kernel names it', () => {
  const file = executed('/dev/fd/3', {
    lastPart: 'memfd:hidden',
    identity: { device: 1, inode: 2, generation: 3 },
  })
  expect(new ExecutablePaths().executed(file)).toEqual({ state: 'there', path: 'memfd:hidden' })
})

test('two names of one file are two paths, and the last is known for what forks from it', () => {
  const paths = new ExecutablePaths()
  const other = join(folder, 'bin')
  mkdirSync(other)
  linkSync(tool, join(other, 'tool'))
  paths.executed(executed(tool))
  expect(paths.executed(executed(join(other, 'tool')))).toMatchObject({ path: join(other, 'tool') })
  expect(paths.executed(executed(tool))).toMatchObject({ path: tool })
  expect(paths.known(executed(tool).identity)).toBe(join(other, 'tool'))
})

test('device numbers are as the kernel has them', () => {
  expect(kernelDevice(0x801)).toBe((8 << 20) | 1)
  expect(kernelDevice(65_024)).toBe((254 << 20) | 0)
  expect(kernelDevice(0x12_3fe_05)).toBe(0x3fe * 2 ** 20 + 0x1205)
})
