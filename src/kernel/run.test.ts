import { describe, expect, test } from 'vitest'
import { runCommand, runProgram } from './run.ts'

test('a program of the system is run with its arguments as they are, and nothing of our environment', async () => {
  process.env['GATEHOUSE_SECRET'] = 'x'
  expect(await runProgram('printf', ['%s|', '$HOME', '; ls', "'"])).toBe("$HOME|; ls|'|")
  expect(await runProgram('env', [])).toBe('LC_ALL=C\n')
  delete process.env['GATEHOUSE_SECRET']
})

test.each([
  ['is not installed', 'gatehouse-no-such-program'],
  ['fails', 'false'],
  ['is named by a path', '../bin/true'],
])('a program that %s has no answer', async (_what, name) => {
  expect(await runProgram(name, [])).toBeUndefined()
})

const LIMITS = { withinMs: 5_000, maxBytes: 100 }

describe('a command', () => {
  test('is run by its path, with nothing of our environment, and says how it ended', async () => {
    process.env['GATEHOUSE_SECRET'] = 'x'
    const { state, output } = (await runCommand('/usr/bin/env', [], LIMITS)) as {
      state: string
      output: string
    }
    delete process.env['GATEHOUSE_SECRET']
    expect([state, output.split('\n').sort()]).toEqual([
      'ended',
      ['', 'LC_ALL=C', 'PATH=/usr/bin:/bin:/usr/sbin:/sbin'],
    ])
    expect(await runCommand('/bin/false', [], LIMITS)).toEqual({ state: 'ended', code: 1, output: '' })
  })

  test('that takes too long is ended with all that it started', async () => {
    const startedAt = performance.now()
    const outcome = await runCommand('/bin/sh', ['-c', 'sleep 41 & sleep 41'], { ...LIMITS, withinMs: 200 })
    expect(outcome).toEqual({ state: 'failed', reason: 'it took longer than 0.2 s and was ended' })
    expect(performance.now() - startedAt).toBeLessThan(2_000)
    expect(await runProgram('pgrep', ['-x', '-f', 'sleep 41'])).toBeUndefined()
  })

  test('that prints without end fills no memory', async () => {
    const outcome = await runCommand('/bin/sh', ['-c', 'head -c 9000000 /dev/zero | tr "\\0" x'], LIMITS)
    expect(outcome).toEqual({ state: 'ended', code: 0, output: 'x'.repeat(100) })
  })

  test.each(['true', '/no/such/program', '/etc/passwd'])('%s is no program that can be run', async (path) => {
    expect(await runCommand(path, [], LIMITS)).toMatchObject({ state: 'failed' })
  })
})
