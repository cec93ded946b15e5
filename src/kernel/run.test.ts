import { expect, test } from 'vitest'
import { runProgram } from './run.ts'

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
