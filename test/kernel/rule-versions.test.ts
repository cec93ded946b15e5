import { appendFileSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect } from 'vitest'
import { createCoreClient } from '#cli/client.ts'
import { type TestDaemon, until } from '../support/daemon.ts'
import { testWith } from '../support/needs.ts'
import { layRuledServer, type RuledServer } from '../support/ruled-server.ts'

const test = testWith('root', 'ip', 'nft')
const CALLER = new URL('../support/tcp-caller.ts', import.meta.url).pathname

let served: RuledServer

beforeEach(async () => {
  served = await layRuledServer()
})
afterEach(async () => {
  delete process.env['SSH_CONNECTION']
  await served.end()
})

const rulesFile = (): string => served.rulesFile
const start = (rules?: string, config = ''): Promise<TestDaemon> => served.start(rules, { config })

interface Versions {
  readonly versions: readonly { number: number; actor: string; reason: string; isInForce: boolean }[]
}

describe('every version of the rules', () => {
  test('is kept with who and why over a restart, compared, and made the draft again', async () => {
    const { tell, ask, stop } = await start('# ours\nrules:\n  - allow 22/tcp\n')
    tell('rule', 'add', 'deny 23/tcp', '--reason', 'telnet is over')
    tell('rule', 'remove', '1')
    const { versions } = ask<Versions>('rule', 'versions')
    expect(versions).toMatchObject([
      { number: 3, actor: 'root', isInForce: true },
      { number: 2, actor: 'root', reason: 'telnet is over', isInForce: false },
      { number: 1, actor: 'the file', reason: 'found at the start', isInForce: false },
    ])
    expect(tell('rule', 'diff', '1', '2')).toBe('  # ours\n  rules:\n    - allow 22/tcp\n+   - deny 23/tcp\n')
    expect(tell('rule', 'diff', '2')).toContain('-   - allow 22/tcp\n')
    expect(tell('rule', 'restore', '1')).toContain('Version 1 is the draft now')
    expect(readFileSync(rulesFile(), 'utf8')).toContain('deny 23/tcp')
    tell('apply')
    expect(readFileSync(rulesFile(), 'utf8')).toBe('# ours\nrules:\n  - allow 22/tcp\n')
    expect(() => tell('rule', 'restore', '99')).toThrow('There is no version 99 of the rules.')
    await stop()
    const again = await start()
    expect(again.ask<Versions>('rule', 'versions').versions.map(({ number }) => number)).toEqual([4, 3, 2, 1])
  })
})

describe('the rules file while Gatehouse runs', () => {
  test('is a draft once it is whole; a bad one is told once, with line and column, and replaces nothing', async () => {
    const { ask, output } = await start('rules: [allow 22/tcp]\n')
    const draft = (): string | undefined => ask<{ draft?: string }>('rule', 'list').draft
    const count = (what: string): number => output().split(what).length - 1
    writeFileSync(rulesFile(), 'rules:\n  - allow 22/tcp\n  - alow 80/tcp\n')
    await until('it is told', () => output().includes('Did you mean allow?'))
    expect(output()).toContain(`${rulesFile()}:3:5:`)
    for (const at of [1, 2, 3]) {
      utimesSync(rulesFile(), at, at)
      const looked = performance.now() + 700
      await until('it was looked at again', () => performance.now() > looked)
    }
    expect(count('Did you mean allow?')).toBe(1)
    expect(ask<{ text: string }>('rule', 'show').text).toBe('rules: [allow 22/tcp]\n')
    writeFileSync(rulesFile(), 'rules:\n  - allow 22/tcp\n')
    appendFileSync(rulesFile(), '  - allow 80/tcp\n')
    await until('it is the draft', () => draft()?.includes('80/tcp') === true)
    expect(ask<{ text: string }>('rule', 'show').text).toBe('rules: [allow 22/tcp]\n')
    // As it was: nothing is wrong any more.
    writeFileSync(rulesFile(), 'rules: [alow]\n')
    await until('the status says so', () => JSON.stringify(ask('status')).includes('is not in force'))
    writeFileSync(rulesFile(), 'rules: [allow 22/tcp]\n')
    await until('the status is well', () => !JSON.stringify(ask('status')).includes('is not in force'))
  })

  test('is in force at once when told so, as a version of its own, also in JSON', async () => {
    const { ask } = await start('{"rules": ["allow 22/tcp"]}', 'rules: { onFileChange: apply }\n')
    writeFileSync(rulesFile(), '{"rules": ["allow 22/tcp", "deny 23/tcp"]}')
    await until('it is in force', () => ask<{ text: string }>('rule', 'show').text.includes('23/tcp'))
    expect(ask<Versions>('rule', 'versions').versions[0]).toMatchObject({
      number: 2,
      actor: 'the file',
      reason: 'the file was changed',
      isInForce: true,
    })
  })
})

describe('connections that are open when the rules change', () => {
  function calling(address: string): () => string {
    let said = ''
    const caller = served.wire.client.start(process.execPath, CALLER, address, `${served.port}`)
    caller.stdout?.on('data', (bytes: Buffer) => (said += bytes.toString()))
    return () => said
  }

  /** Two calls over both families, each seen by the daemon. */
  async function calls(): Promise<readonly [() => string, () => string]> {
    const both = [calling(served.wire.server.ip4), calling(served.wire.server.ip6)] as const
    await until('both are open', () => both.every((said) => said() === 'open\n'))
    // Over the API: a command line of its own for each look would take most of the time.
    const core = createCoreClient([join(served.folder, 'run', 'api.sock')])
    await expect
      .poll(
        async () => {
          const open = await core.ask<{ peer: string; state: string }[]>('GET', '/connections')
          return open.filter(({ state }) => state === 'established').map(({ peer }) => peer)
        },
        { timeout: 20_000 },
      )
      .toEqual(expect.arrayContaining([served.wire.client.ip4, served.wire.client.ip6]))
    return both
  }

  test('are closed where the new rules deny them, and stay where they do not', async () => {
    const { tell } = await start('rules: []\n')
    const [four, six] = await calls()
    const said = tell('rule', 'add', `deny in ${served.port}/tcp from ${served.wire.client.ip4}`)
    expect(said).toContain('Open connections that they deny were closed: 1.')
    await until('it is over', () => four().includes('closed'))
    expect(six()).toBe('open\n')
    // On trial nothing is closed: it may go back.
    tell('rule', 'add', `deny in ${served.port}/tcp`, '--confirm', '60s')
    expect(six()).toBe('open\n')
    expect(tell('confirm')).toContain('closed: 1.')
    await until('that is over too', () => six().includes('closed'))
  })

  test('are left alone where that is set, and so is who is logged in', async () => {
    process.env['SSH_CONNECTION'] = `${served.wire.client.ip4} 40000 ${served.wire.server.ip4} 22`
    const { tell, stop } = await start('rules: []\n')
    const [four, six] = await calls()
    expect(tell('rule', 'add', `deny in ${served.port}/tcp`, '--force')).toContain('closed: 1.')
    await until('the other is over', () => six().includes('closed'))
    expect(four()).toBe('open\n')
    await stop()
    const { tell: tellAgain } = await start('rules: []\n', 'rules: { openConnections: keep }\n')
    const [, kept] = await calls()
    expect(tellAgain('rule', 'add', `deny in ${served.port}/tcp`, '--force')).not.toContain('closed')
    expect(kept()).toBe('open\n')
  })
})
