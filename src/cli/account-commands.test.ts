import { afterEach, beforeEach, expect, test } from 'vitest'
import { type CommandLine, openCommandLine } from '../../test/support/command-line.ts'

let line: CommandLine
beforeEach(async () => {
  line = await openCommandLine()
})
afterEach(() => line.close())

test.each([
  ['login --account anna', 'login?token=for-anna'],
  ['user', 'anna  operator'],
  ['token', 'grafana'],
  ['sessions', 'of-anna'],
])('%s', async (words, shown) => {
  expect(await line.run(words)).toBe(0)
  expect(line.said).toContain(shown)
  expect(await line.run(`${words} -o json`)).toBe(0)
  expect(() => JSON.parse(line.said)).not.toThrow()
})

test.each([
  ['password --account anna', 'password four random words of anna'],
  ['user add ben --role viewer', 'account ben viewer'],
  ['user role anna admin', 'account anna {"role":"admin"}'],
  ['user remove anna', 'no account anna'],
  ['user reset-code anna', 'no code of anna'],
  ['token add grafana --scope metrics --days 30', 'token grafana metrics'],
  ['token revoke 1', 'no token 1'],
  ['sessions end of-anna', 'no session of-anna'],
])('%s', async (words, act) => {
  expect(await line.run(words)).toBe(0)
  expect(line.product.acts.at(-1)?.what).toBe(act)
})

test.each([
  'user add ANNA',
  'user add ben --role king',
  'user role anna king',
  'token add x --scope all',
  'token add x --days 0',
  'token revoke x',
])('%s is refused before it is sent', async (words) => {
  expect(await line.run(words)).toBe(2)
  expect(line.product.acts).toEqual([])
})
