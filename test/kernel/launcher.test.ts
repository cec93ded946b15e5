import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

const launcher = new URL('../../bin/gatehouse', import.meta.url).pathname
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gh-launcher-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const run = (program: string, words: string[], env: Record<string, string> = {}) =>
  spawnSync(program, words, {
    encoding: 'utf8',
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', ...env },
  })

test('it works from anywhere, also through links to it', () => {
  mkdirSync(join(folder, 'bin'))
  symlinkSync(launcher, join(folder, 'first'))
  symlinkSync('../first', join(folder, 'bin/gatehouse'))
  const { stdout, stderr, status } = run(join(folder, 'bin/gatehouse'), ['--version'])
  expect({ stdout, stderr, status }).toEqual({
    stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    stderr: '',
    status: 0,
  })
})

test('words reach the command as they are', () => {
  const { stderr, status } = run(launcher, ['block', '$(id) "x"'])
  expect(status).toBe(2)
  expect(stderr).toMatch(/^gatehouse: "\$\(id\) \\"x\\"" is no address/)
})

test('the daemon away is a sentence and exit 1; an unknown command exit 2', () => {
  const away = run(launcher, ['status'], { GATEHOUSE_SOCKET: join(folder, 'none.sock') })
  expect([away.status, away.stdout]).toEqual([1, ''])
  expect(away.stderr).toMatch(/^gatehouse: Gatehouse is not running: .*\nStart it: .*\n$/)
  expect(run(launcher, ['statsu']).status).toBe(2)
})

test('a checkout without its libraries says what to run', () => {
  mkdirSync(join(folder, 'bin'))
  copyFileSync(launcher, join(folder, 'bin/gatehouse'))
  const { stderr, status } = run(join(folder, 'bin/gatehouse'), ['status'])
  expect(status).toBe(1)
  expect(stderr).toContain(`Run this once: cd '${folder}' && npm install --no-save`)
})

test('a reader that has enough is no fault', () => {
  const { stderr, status } = run('/bin/sh', ['-c', `"${launcher}" --help | head -n 1`])
  expect([status, stderr]).toEqual([0, ''])
})
