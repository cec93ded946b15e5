import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Refused } from '#api/port.ts'
import { codeOf } from '#lib/one-time-code.ts'
import { isPassword } from '../web/password.ts'
import type { WebAccounts } from '../web/spawn-contract.ts'
import { AccountBook } from './account-book.ts'
import { createAccountDesk } from './account-desk.ts'
import type { Undated } from './gate.ts'

const root = { name: 'root', role: 'admin' } as const
const page = { name: 'owner', role: 'admin', provenAt: 0 } as const
let folder: string
let noted: Undated[]
let sent: WebAccounts[]
let said: string[]
let now: number

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-accounts-'))
  noted = []
  sent = []
  said = []
  now = 1_700_000_000_000
})
afterEach(() => rmSync(folder, { recursive: true }))

function open() {
  const book: AccountBook = new AccountBook({
    stateFolder: folder,
    changed: () => sent.push(book.forWeb()),
    say: (sentence) => said.push(sentence),
  })
  const desk = createAccountDesk({
    book,
    web: () => undefined,
    note(undated) {
      noted.push(undated)
      return { decision: { ...undated, id: noted.length, at: now } }
    },
    now: () => now,
  })
  return { book, desk }
}

const kept = (): string => readFileSync(join(folder, 'accounts.json'), 'utf8')

describe('accounts', () => {
  test('are kept for root alone, over restarts, without a password that anybody could read', async () => {
    const { desk } = open()
    expect(await desk.add({ name: 'vera', role: 'viewer', password: 'correct horse' }, root)).toMatchObject({
      sentence: 'The account vera was made, as viewer.',
    })
    expect(statSync(join(folder, 'accounts.json')).mode & 0o777).toBe(0o600)
    expect(kept()).not.toContain('correct horse')
    expect(open().desk.list()).toEqual([
      { name: 'vera', role: 'viewer', hasPassword: true, hasCode: false, recoveryCodes: 0, since: now },
    ])
    expect(JSON.stringify(noted)).not.toMatch(/correct horse|scrypt/)
    expect(noted).toEqual([
      {
        kind: 'account',
        target: 'account vera',
        actor: 'root',
        reason: 'the account vera was made, as viewer',
      },
    ])
  })

  test('the web process hears of each change at once', async () => {
    const { desk } = open()
    await desk.add({ name: 'vera', role: 'viewer' }, root)
    await desk.change('vera', { role: 'operator' }, root)
    await desk.remove('vera', root)
    expect(sent.map(({ accounts }) => accounts.map(({ name, role }) => `${name} ${role}`))).toEqual([
      ['vera viewer'],
      ['vera operator'],
      [],
    ])
  })

  test('a name is taken once, and who is not there cannot be changed', async () => {
    const { desk } = open()
    await desk.add({ name: 'vera', role: 'viewer' }, root)
    await expect(desk.add({ name: 'vera', role: 'admin' }, root)).rejects.toThrow(Refused)
    await expect(desk.change('ben', { role: 'admin' }, root)).rejects.toThrow('There is no account "ben".')
  })

  test('the page cannot take the last admin away; root at the machine can', async () => {
    const { desk } = open()
    await desk.add({ name: 'owner', role: 'admin' }, root)
    await expect(desk.remove('owner', page)).rejects.toThrow('owner is the only admin.')
    await expect(desk.change('owner', { role: 'viewer' }, page)).rejects.toThrow(Refused)
    await desk.remove('owner', root)
    expect(desk.list()).toEqual([])
  })

  test('the one password of older versions is that of the owner', async () => {
    writeFileSync(join(folder, 'password.hash'), 'scrypt$1$1$1$a$b\n')
    const { desk } = open()
    expect(desk.list()).toMatchObject([{ name: 'owner', role: 'admin', hasPassword: true }])
    await desk.setPassword('correct horse', undefined, root)
    const [account] = open().book.accounts()
    expect(await isPassword('correct horse', account?.passwordHash ?? '')).toBe(true)
  })

  test('a file that cannot be read is set aside and said, and lets nobody in', () => {
    writeFileSync(join(folder, 'accounts.json'), '{"accounts": [')
    expect(open().desk.list()).toEqual([])
    expect(said[0]).toContain('accounts.json.broken')
    expect(readFileSync(join(folder, 'accounts.json.broken'), 'utf8')).toBe('{"accounts": [')
  })
})

describe('codes', () => {
  test('are asked for once one was shown to be right; recovery codes are kept as digests', async () => {
    const { desk, book } = open()
    await desk.add({ name: 'vera', role: 'viewer', password: 'correct horse' }, root)
    const { secret, address } = desk.setUpCode('vera')
    expect(address).toContain(secret)
    await expect(desk.confirmCode('vera', '000000', root)).rejects.toThrow('not the code of now')
    expect(desk.list()[0]?.hasCode).toBe(false)
    const { recoveryCodes } = await desk.confirmCode('vera', codeOf(secret, now), root)
    expect(desk.list()[0]).toMatchObject({ hasCode: true, recoveryCodes: 8 })
    expect(new Set(recoveryCodes).size).toBe(8)
    for (const code of recoveryCodes) expect(kept()).not.toContain(code)
    book.spend('vera', book.account('vera')?.recovery[0] ?? '')
    expect(desk.list()[0]?.recoveryCodes).toBe(7)
    await desk.removeCode('vera', root)
    expect(desk.list()[0]).toMatchObject({ hasCode: false, recoveryCodes: 0 })
    expect(kept()).not.toContain(secret)
  })

  test('a secret that nobody confirmed is forgotten; without a password there is no code', async () => {
    const { desk } = open()
    await desk.add({ name: 'vera', role: 'viewer', password: 'correct horse' }, root)
    await desk.add({ name: 'ben', role: 'viewer' }, root)
    const { secret } = desk.setUpCode('vera')
    now += 16 * 60_000
    await expect(desk.confirmCode('vera', codeOf(secret, now), root)).rejects.toThrow('Nothing waits')
    expect(() => desk.setUpCode('ben')).toThrow('ben has no password')
  })
})

describe('tokens', () => {
  test('are shown once and kept as a digest; their numbers are never given twice', async () => {
    const { desk, book } = open()
    const { token, about } = await desk.issueToken({ name: 'grafana', scope: 'metrics', days: 1 }, root)
    expect(token).toMatch(/^gh_[\w-]{43}$/)
    expect(about).toEqual({ id: 1, name: 'grafana', scope: 'metrics', since: now, endsAt: now + 86_400_000 })
    expect(kept()).not.toContain(token)
    expect(JSON.stringify(noted)).not.toContain(token)
    expect(book.forWeb().tokens).toMatchObject([{ name: 'grafana', scope: 'metrics' }])
    await desk.revokeToken(1, root)
    expect(desk.tokens()).toEqual([])
    await expect(desk.revokeToken(1, root)).rejects.toThrow('There is no token 1.')
    expect((await desk.issueToken({ name: 'grafana', scope: 'viewer' }, root)).about.id).toBe(2)
  })
})
