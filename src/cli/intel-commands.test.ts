import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Api, createApi } from '#api/api.ts'
import { type Listening, listenForOwner } from '#api/listen.ts'
import { createSmallProduct, type SmallProduct } from '../../test/support/port.ts'
import { createCoreClient } from './client.ts'
import { runCommandLine } from './program.ts'

let folder: string
let product: SmallProduct
let api: Api
let core: Listening
let said: string

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gh-cli-'))
  product = createSmallProduct()
  api = createApi(product)
  const me = { pid: process.pid, uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 }
  core = await listenForOwner(api, { path: join(folder, 'api.sock'), credentialsOf: () => me })
})
afterEach(async () => {
  api.close()
  await core.close()
  rmSync(folder, { recursive: true })
})

function gatehouse(line: string): Promise<number> {
  said = ''
  const write = (text: string): void => {
    said += text
  }
  const terminal = { write, warn: write, hasColour: false, isInteractive: false, readSecret: async () => '' }
  const shell = {
    terminal,
    now: () => product.status().now,
    connect: () => createCoreClient([core.path]),
    run: async () => {},
    boot: async () => '',
    replay: async () => 0,
    selfTest: async () => [],
  }
  return runCommandLine(line.split(' '), shell, '0.1.0')
}

test('feeds lists every list, with nothing of a stranger reaching the terminal', async () => {
  expect(await gatehouse('feeds')).toBe(0)
  expect(said).toMatch(
    /^ID +STATE +ACTION +ENTRIES +HITS +UPDATED +WHAT\nfeodo +ok +alert +300 +2 +1 min ago +Feodo/,
  )
  expect(said).not.toContain('\u001b')
  await gatehouse('feeds show feodo')
  expect(said).toContain('From:          https://lists.example/feodo\n')
  expect(said).not.toContain('\u001b')
})

test.each([
  ['feeds on feodo --action block', 'on feodo block\n'],
  ['feeds on feodo', 'on feodo\n'],
  ['feeds off feodo', 'off feodo\n'],
  ['feeds update feodo', 'updated feodo\n'],
  ['feeds accept feodo', 'took feodo\n'],
  ['feeds reject feodo', 'left feodo\n'],
])('%s', async (line, sentence) => {
  expect(await gatehouse(line)).toBe(0)
  expect(said).toBe(sentence)
})

test('an action that does not exist is wrong use', async () => {
  expect(await gatehouse('feeds on feodo --action destroy')).toBe(2)
})

test('lookup says which lists hold it, since when and why', async () => {
  expect(await gatehouse('lookup 203.0.113.9')).toBe(0)
  expect(said).toMatch(
    /^203\.0\.113\.9 is on 1 list\.\nLIST +ENTRY +SINCE +UNTIL +SURE +ACTION +WHY\nfeodo +203\.0\.113\.0\/24 +2023-11-14 +95 % +alert +QakBot/,
  )
  expect(said).not.toContain('\u001b')
})

test('lookup asks others only when it is told to, and says what they said', async () => {
  expect(await gatehouse('lookup --ask 203.0.113.9')).toBe(0)
  expect(said.split('\n\n')[0]).toBe(
    '203.0.113.9 is on no list.\nRDAP: It belongs to X\\u{1b}[2J.\nVirusTotal: no keyFile is set.',
  )
})

test('egress says when, to whom, why and what', async () => {
  expect(await gatehouse('egress --limit 5')).toBe(0)
  expect(said).toMatch(/^ +WHEN +TO +WHY +WHAT\n1 min ago +lists\.example:443 +list feodo +GET \/list\n$/)
  expect(await gatehouse('egress -o json')).toBe(0)
  expect(JSON.parse(said)).toMatchObject({ items: [{ to: 'lists.example:443' }] })
})

test('report-abuse says what it did, and wants a category', async () => {
  expect(await gatehouse('report-abuse 203.0.113.9 --category port-scan ssh --comment root')).toBe(0)
  expect(said).toBe('203.0.113.9 was reported.\n')
  expect(product.acts.at(-1)?.what).toBe('reported 203.0.113.9 port-scan,ssh')
  expect(await gatehouse('report-abuse 203.0.113.9')).toBe(2)
  expect(await gatehouse('report-abuse 203.0.113.9 --category rudeness')).toBe(2)
})
