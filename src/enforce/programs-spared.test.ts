import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { sparedPrograms } from './programs-spared.ts'

let folder: string
const GATEHOUSE = 900

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gh-spared-'))
  mkdirSync(join(folder, 'bin'))
  mkdirSync(join(folder, 'sessions'))
})

afterEach(() => rmSync(folder, { recursive: true }))

interface Made {
  readonly pid: number
  readonly parent: number
  readonly program: string
  readonly session?: number
  readonly terminal?: number
}

/** A process as /proc shows it; its name tries to look like fields. */
function process({ pid, parent, program, session = 0, terminal = 0 }: Made): void {
  const [at, path] = [join(folder, 'proc', `${pid}`), join(folder, 'bin', program)]
  mkdirSync(at, { recursive: true })
  writeFileSync(path, program)
  symlinkSync(path, join(at, 'exe'))
  writeFileSync(join(at, 'stat'), `${pid} (x) S 1 1) S ${parent} ${pid} ${session} ${terminal} 0 0`)
}

const spared = (): Map<string, string> =>
  new Map(
    sparedPrograms({
      proc: join(folder, 'proc'),
      sessions: join(folder, 'sessions'),
      utmp: [],
      pid: GATEHOUSE,
    })
      .filter(({ path }) => path.startsWith(folder))
      .map(({ path, because }) => [basename(path), because]),
  )

test('process 1, Gatehouse, who started it, SSH servers and what carries a terminal are spared; other programs are not', () => {
  process({ pid: 1, parent: 0, program: 'init' })
  process({ pid: 20, parent: 1, program: 'sshd' })
  process({ pid: 30, parent: 1, program: 'terminal' })
  process({ pid: 31, parent: 30, program: 'fish', session: 31, terminal: 34_816 })
  process({ pid: 32, parent: 31, program: 'curl', session: 31, terminal: 34_816 })
  process({ pid: 40, parent: 1, program: 'nginx', session: 40 })
  process({ pid: 899, parent: 1, program: 'starter' })
  process({ pid: GATEHOUSE, parent: 899, program: 'node' })
  expect(Object.fromEntries(spared())).toEqual({
    init: 'it is process 1, which everything hangs on',
    sshd: 'it lets people log in from elsewhere',
    terminal: 'a login session runs in it',
    fish: 'a login session runs in it',
    starter: 'Gatehouse was started by it',
    node: 'Gatehouse itself runs by it',
  })
})

test('a graphical session is known by logind: its leader is spared, one that closes is not', () => {
  process({ pid: 50, parent: 1, program: 'gdm' })
  process({ pid: 51, parent: 50, program: 'shell' })
  process({ pid: 60, parent: 1, program: 'over' })
  writeFileSync(join(folder, 'sessions', '2'), 'UID=1000\nLEADER=51\nSTATE=active\n')
  writeFileSync(join(folder, 'sessions', '3'), 'LEADER=60\nSTATE=closing\n')
  expect([...spared().keys()].sort()).toEqual(['gdm', 'shell'])
})

test('parents that run in a circle end', () => {
  process({ pid: 70, parent: 71, program: 'a', session: 70, terminal: 1 })
  process({ pid: 71, parent: 70, program: 'b' })
  expect([...spared().keys()].sort()).toEqual(['a', 'b'])
})
