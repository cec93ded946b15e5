import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect } from 'vitest'
import { type TestDaemon, until } from '../support/daemon.ts'
import { testWith } from '../support/needs.ts'
import { layRuledServer, type RuledServer } from '../support/ruled-server.ts'

const test = testWith('root', 'ip', 'nft')
const SHUT = 'defaults: { inbound: deny }\n'
const OTHER = '198.51.100.9'

let served: RuledServer

beforeEach(async () => {
  served = await layRuledServer()
})
afterEach(() => served.end())

const start = (onCrash: 'keep' | 'open', more = '', pins = ''): Promise<TestDaemon> =>
  served.start(existsSync(served.rulesFile) ? undefined : SHUT, {
    config: `rules: { onCrash: ${onCrash}${pins && `, pinFolder: ${pins}`} }\n${more}`,
  })

const call = (): string => served.call()
const tables = (): string => served.nft('list', 'tables')
const ruleset = (): string => served.nft('list', 'ruleset')
const guards = (): number[] => {
  const { server } = served.wire
  const pids = server.run('ip', 'netns', 'pids', server.namespace).split('\n').filter(Boolean)
  return pids.map(Number).filter((pid) => readCommand(pid).includes('crash-guard.ts'))
}
const readCommand = (pid: number): string =>
  existsSync(`/proc/${pid}/cmdline`) ? readFileSync(`/proc/${pid}/cmdline`, 'utf8') : ''

describe('rules.onCrash: keep', () => {
  test('a killed daemon leaves rules and blocks in force, and no process beside it', async () => {
    const { tell, kill } = await start('keep')
    tell('block', OTHER)
    expect(guards()).toEqual([])
    await kill()
    await sleep(1000)
    expect(call()).toBe('failed TIMEOUT')
    expect(ruleset()).toContain(OTHER)
  })
})

describe('rules.onCrash: open', () => {
  test('a killed daemon takes rules and blocks with it; the next one puts them back', async () => {
    const { tell, kill } = await start('open')
    tell('block', OTHER)
    expect(call()).toBe('failed TIMEOUT')
    const killedAt = performance.now()
    await kill()
    await until('all is open', () => !tables().includes('gatehouse'))
    process.stdout.write(`open ${Math.round(performance.now() - killedAt)} ms after kill -9\n`)
    expect(call()).toBe('open')
    await until('the guard ends', () => guards().length === 0)
    await start('open')
    expect(call()).toBe('failed TIMEOUT')
    expect(ruleset()).toContain(OTHER)
  })

  test('nothing of rules by program stays pinned or in force, also of an earlier run that kept them', async () => {
    const pins = join(served.folder, 'pins')
    mkdirSync(pins)
    execFileSync('mount', ['-t', 'bpf', 'bpf', pins])
    try {
      writeFileSync(
        served.rulesFile,
        `defaults: { inbound: deny }\nrules:\n  - { action: allow, direction: in, program: /usr/bin/true }\n`,
      )
      const keeping = await start('keep', '', pins)
      expect(keeping.output()).not.toContain('the kernel')
      expect(readdirSync(pins)).toContain('gatehouse_rules')
      await keeping.kill()
      expect(readdirSync(pins)).toContain('gatehouse_rules')
      expect(call()).toBe('failed TIMEOUT')
      const opening = await start('open', '', pins)
      expect(readdirSync(pins)).not.toContain('gatehouse_rules')
      expect(call()).toBe('failed TIMEOUT')
      await opening.kill()
      await until('all is open', () => !tables().includes('gatehouse'))
      expect(readdirSync(pins)).not.toContain('gatehouse_rules')
      expect(call()).toBe('open')
    } finally {
      await served.daemon?.stop()
      execFileSync('umount', [pins])
    }
  })

  test('one that is stopped does as enforce.onStop says: the guard opens nothing', async () => {
    const { stop } = await start('open', 'enforce: { onStop: keep }\n')
    await stop()
    await until('the guard ends', () => guards().length === 0)
    expect(call()).toBe('failed TIMEOUT')
  })

  test('a guard that was killed is there again', async () => {
    const { tell, kill } = await start('open')
    const [guard] = guards()
    process.kill(guard as number, 'SIGKILL')
    await until('there is another', () => guards().some((pid) => pid !== guard))
    await until('it is ready', () => !tell('status').includes('fail open is degraded'))
    await kill()
    await until('all is open', () => !tables().includes('gatehouse'))
  })

  test('a change that waited to be confirmed does not come back behind the opening', async () => {
    const { tell, kill } = await start('open')
    tell('rule', 'add', 'deny in 9999/tcp', '--confirm', '2s')
    await kill()
    await until('all is open', () => !tables().includes('gatehouse'))
    await sleep(4500)
    expect(tables()).not.toContain('gatehouse')
    expect(call()).toBe('open')
  })
})
