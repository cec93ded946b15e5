import { expect, test, vi } from 'vitest'
import { followProgram } from './follow.ts'

function follow(name: string, ...args: string[]) {
  const lines: string[] = []
  const ends: string[] = []
  const following = followProgram(name, args, {
    line: (text) => lines.push(text),
    ended: (reason) => ends.push(reason),
  })
  return { lines, ends, following }
}

test('each line is handed on, and the end is said once', async () => {
  const { lines, ends } = follow('printf', 'one\\ntwo $HOME\\nrest')
  await vi.waitFor(() => expect(ends).toEqual(['it ended with 0']), 5_000)
  expect(lines).toEqual(['one', 'two $HOME'])
})

test('what a program complains of is the reason, and one that is not there is said', async () => {
  const broken = follow('ls', '/does-not-exist')
  await vi.waitFor(() => expect(broken.ends[0]).toContain('/does-not-exist'), 5_000)
  const missing = follow('no-such-program')
  await vi.waitFor(() => expect(missing.ends).toEqual(['no-such-program is not installed']), 5_000)
  const path = follow('../bin/sh', '-c', 'echo x')
  await vi.waitFor(() => expect(path.ends).toEqual(['../bin/sh is not installed']), 5_000)
})

test('who stops it hears no more', async () => {
  const { lines, ends, following } = follow('yes')
  await vi.waitFor(() => expect(lines.length).toBeGreaterThan(0), 5_000)
  following.stop()
  await new Promise((resolve) => setTimeout(resolve, 300))
  const heard = lines.length
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect([lines.length, ends]).toEqual([heard, []])
})
