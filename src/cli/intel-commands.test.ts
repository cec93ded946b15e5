import { afterEach, beforeEach, expect, test } from 'vitest'
import { type CommandLine, openCommandLine } from '../../test/support/command-line.ts'

let line: CommandLine
beforeEach(async () => {
  line = await openCommandLine()
})
afterEach(() => line.close())

test('feeds lists every list, with nothing of a stranger reaching the terminal', async () => {
  expect(await line.run('feeds')).toBe(0)
  expect(line.said).toMatch(
    /^ID +STATE +ACTION +ENTRIES +HITS +UPDATED +WHAT\nfeodo +ok +alert +300 +2 +1 min ago +Feodo/,
  )
  expect(line.said).not.toContain('\u001b')
  await line.run('feeds show feodo')
  expect(line.said).toContain('From:          https://lists.example/feodo\n')
  expect(line.said).not.toContain('\u001b')
})

test.each([
  ['feeds on feodo --action block', 'on feodo block\n'],
  ['feeds on feodo', 'on feodo\n'],
  ['feeds off feodo', 'off feodo\n'],
  ['feeds update feodo', 'updated feodo\n'],
  ['feeds accept feodo', 'took feodo\n'],
  ['feeds reject feodo', 'left feodo\n'],
])('%s', async (words, sentence) => {
  expect(await line.run(words)).toBe(0)
  expect(line.said).toBe(sentence)
})

test('an action that does not exist is wrong use', async () => {
  expect(await line.run('feeds on feodo --action destroy')).toBe(2)
})

test('lookup says which lists hold it, since when and why', async () => {
  expect(await line.run('lookup 203.0.113.9')).toBe(0)
  expect(line.said).toMatch(
    /^203\.0\.113\.9 is on 1 list\.\nLIST +ENTRY +SINCE +UNTIL +SURE +ACTION +WHY\nfeodo +203\.0\.113\.0\/24 +2023-11-14 +95 % +alert +QakBot/,
  )
  expect(line.said).not.toContain('\u001b')
})

test('lookup asks others only when it is told to, and says what they said', async () => {
  expect(await line.run('lookup --ask 203.0.113.9')).toBe(0)
  expect(line.said.split('\n\n')[0]).toBe(
    '203.0.113.9 is on no list.\nRDAP: It belongs to X\\u{1b}[2J.\nVirusTotal: no keyFile is set.',
  )
})

test('egress says when, to whom, why and what', async () => {
  expect(await line.run('egress --limit 5')).toBe(0)
  expect(line.said).toMatch(
    /^ +WHEN +TO +WHY +WHAT\n1 min ago +lists\.example:443 +list feodo +GET \/list\n$/,
  )
  expect(await line.run('egress -o json')).toBe(0)
  expect(JSON.parse(line.said)).toMatchObject({ items: [{ to: 'lists.example:443' }] })
})

test('report-abuse says what it did, and wants a category', async () => {
  expect(await line.run('report-abuse 203.0.113.9 --category port-scan ssh --comment root')).toBe(0)
  expect(line.said).toBe('203.0.113.9 was reported.\n')
  expect(line.product.acts.at(-1)?.what).toBe('reported 203.0.113.9 port-scan,ssh')
  expect(await line.run('report-abuse 203.0.113.9')).toBe(2)
  expect(await line.run('report-abuse 203.0.113.9 --category rudeness')).toBe(2)
})
