import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type ProgramEnforcer, ProgramsUnavailable } from '#enforce/programs.ts'
import type { Decision } from '#model/decision.ts'
import { type WatchedRule, watchedText } from '#model/watched-program.ts'
import { openWatchdog, type WatchdogDesk } from './watchdog.ts'

const HASH = 'ab'.repeat(32)
let folder: string
let file: string
let decisions: Decision[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gh-watchdog-'))
  file = join(folder, 'watchdog.json')
  decisions = []
})

afterEach(() => rmSync(folder, { recursive: true }))

/** A kernel that does as it is told, or nothing at all. */
function kernel(isAble = true) {
  const watched = new Set<string>()
  const enforcer: ProgramEnforcer = {
    watch(rule: WatchedRule) {
      if (!isAble) throw new ProgramsUnavailable('The kernel does not keep programs off the network: no.')
      watched.add(watchedText(rule))
      return 2
    },
    lift: (rule) => void watched.delete(watchedText(rule)),
    tally: () => ({ refusals: 3, closed: 2, files: ['/bin/x'] }),
    whySpared: async (rule) => (watchedText(rule) === 'sshd' ? 'sshd keeps its connections' : undefined),
    hashOf: async (path) => (path.endsWith('gone') ? undefined : { sha256: HASH, bytes: 7 }),
    sweep() {},
    health: { part: 'watchdog', state: 'ok', note: '' },
    close: () => watched.clear(),
  }
  return { watched, enforcer }
}

function desk({ enforcer }: ReturnType<typeof kernel>): WatchdogDesk {
  return openWatchdog({
    enforcer,
    file,
    now: () => 5,
    note(undated) {
      const decision = { id: decisions.length + 1, at: 5, ...undated }
      decisions.push(decision)
      return { decision, recorded: Promise.resolve() }
    },
  })
}

test('what is watched is recorded, listed, remembered by the next run, and can be undone and done again', async () => {
  const first = kernel()
  const outcome = await desk(first).add({ program: '/no/such', reason: 'tests' }, 'ann')
  expect(outcome).toMatchObject({ closedConnections: 2, undo: '/api/v1/decisions/1/undo' })
  expect(decisions[0]).toMatchObject({
    kind: 'watch',
    actor: 'ann',
    reason: 'tests',
    target: 'program /no/such',
  })

  const second = kernel()
  const next = desk(second)
  expect([...second.watched]).toEqual(['/no/such'])
  expect(next.list()).toMatchObject([
    { program: '/no/such', by: 'path', actor: 'ann', refusals: 3, decisionId: 1 },
  ])
  await next.undo(decisions[0] as Decision, 'bob')
  expect([...second.watched]).toEqual([])
  expect(decisions[1]).toMatchObject({ kind: 'unwatch', actor: 'bob', undoes: 1 })
  await next.undo(decisions[1] as Decision, 'bob')
  expect(decisions[2]).toMatchObject({ kind: 'watch', undoes: 2 })
  expect([...second.watched]).toEqual(['/no/such'])
  await next.remove('/no/such', false, 'bob')
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual([])
})

test('a dry run changes nothing', async () => {
  const made = kernel()
  const watchdog = desk(made)
  expect((await watchdog.add({ program: 'curl', dryRun: true }, 'ann')).sentence).toContain('would be closed')
  expect(made.watched.size).toBe(0)
  await watchdog.add({ program: 'curl' }, 'ann')
  expect((await watchdog.remove('curl', true, 'ann')).sentence).toContain('could connect again')
  expect([...made.watched]).toEqual(['curl'])
  expect(decisions).toHaveLength(1)
})

test('by hash, the content of the file is watched, with its length and place', async () => {
  const made = kernel()
  await desk(made).add({ program: '/no/tool', byHash: true }, 'ann')
  expect([...made.watched]).toEqual([`sha256:${HASH}`])
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject([
    { rule: { by: 'hash', sha256: HASH, bytes: 7, seenAt: '/no/tool' } },
  ])
})

test.each([
  [{ program: 'a/b' }, 400, 'names no program'],
  [{ program: 'curl', byHash: true }, 400, 'is no path'],
  [{ program: '/no/gone', byHash: true }, 404, 'cannot be read'],
  [{ program: 'sshd' }, 409, 'keeps its connections'],
  [{ program: 'known' }, 409, 'watched already'],
])('%j is refused in words', async (request, status, words) => {
  const watchdog = desk(kernel())
  await watchdog.add({ program: 'known' }, 'ann')
  await expect(watchdog.add(request, 'ann')).rejects.toMatchObject({
    status,
    message: expect.stringContaining(words),
    hint: expect.stringMatching(/\w/),
  })
  await expect(watchdog.remove('unknown', false, 'ann')).rejects.toMatchObject({ status: 404 })
  expect(decisions).toHaveLength(1)
})

test('a kernel that cannot do it is said, and nothing is kept', async () => {
  const watchdog = desk(kernel(false))
  await expect(watchdog.add({ program: 'curl' }, 'ann')).rejects.toMatchObject({ status: 503 })
  expect(watchdog.list()).toEqual([])
  expect(decisions).toEqual([])
})

test('a file that cannot be read is said and left alone', () => {
  writeFileSync(file, '{')
  const watchdog = desk(kernel())
  expect(watchdog.health).toMatchObject({
    state: 'degraded',
    reason: expect.stringContaining('cannot be read'),
  })
  expect(readFileSync(file, 'utf8')).toBe('{')
})
