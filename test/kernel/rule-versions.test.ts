import { once } from 'node:events'
import { appendFileSync, mkdtempSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect } from 'vitest'
import { createCoreClient } from '#cli/client.ts'
import { removeFolder, startDaemon, type TestDaemon, until } from '../support/daemon.ts'
import { layWire, type Wire } from '../support/namespaces.ts'
import { testWith } from '../support/needs.ts'

const test = testWith('root', 'ip', 'nft')
const CALLER = new URL('../support/tcp-caller.ts', import.meta.url).pathname
const LISTENER = new URL('../support/tcp-listener.ts', import.meta.url).pathname

let wire: Wire
let daemon: TestDaemon | undefined
let folder: string

beforeEach(() => {
  wire = layWire()
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-versions-'))
})

afterEach(async () => {
  delete process.env['SSH_CONNECTION']
  await daemon?.stop()
  daemon = undefined
  wire.remove()
  removeFolder(folder)
})

const rulesFile = (): string => join(folder, 'rules.yaml')

async function start(rules?: string, config = ''): Promise<TestDaemon> {
  if (rules !== undefined) writeFileSync(rulesFile(), rules)
  const flags = ['--rules', rulesFile()]
  daemon = await startDaemon({ namespace: wire.server.namespace, folder, config, flags })
  return daemon
}

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
  async function listening(): Promise<number> {
    const listener = wire.server.start(process.execPath, LISTENER)
    const [line] = (await once(listener.stdout as Readable, 'data')) as [Buffer]
    return Number(/listening (\d+)/.exec(line.toString())?.[1])
  }

  function calling(address: string, port: number): () => string {
    let said = ''
    const caller = wire.client.start(process.execPath, CALLER, address, `${port}`)
    caller.stdout?.on('data', (bytes: Buffer) => (said += bytes.toString()))
    return () => said
  }

  /** Two calls over both families, each seen by the daemon. */
  async function calls(port: number): Promise<readonly [() => string, () => string]> {
    const both = [calling(wire.server.ip4, port), calling(wire.server.ip6, port)] as const
    await until('both are open', () => both.every((said) => said() === 'open\n'))
    // Over the API: a command line of its own for each look would take most of the time.
    const core = createCoreClient([join(folder, 'run', 'api.sock')])
    await expect
      .poll(
        async () => {
          const open = await core.ask<{ peer: string; state: string }[]>('GET', '/connections')
          return open.filter(({ state }) => state === 'established').map(({ peer }) => peer)
        },
        { timeout: 20_000 },
      )
      .toEqual(expect.arrayContaining([wire.client.ip4, wire.client.ip6]))
    return both
  }

  test('are closed where the new rules deny them, and stay where they do not', async () => {
    const port = await listening()
    const { tell } = await start('rules: []\n')
    const [four, six] = await calls(port)
    const said = tell('rule', 'add', `deny in ${port}/tcp from ${wire.client.ip4}`)
    expect(said).toContain('Open connections that they deny were closed: 1.')
    await until('it is over', () => four().includes('closed'))
    expect(six()).toBe('open\n')
    // On trial nothing is closed: it may go back.
    tell('rule', 'add', `deny in ${port}/tcp`, '--confirm', '60s')
    expect(six()).toBe('open\n')
    expect(tell('confirm')).toContain('closed: 1.')
    await until('that is over too', () => six().includes('closed'))
  })

  test('are left alone where that is set, and so is who is logged in', async () => {
    process.env['SSH_CONNECTION'] = `${wire.client.ip4} 40000 ${wire.server.ip4} 22`
    const port = await listening()
    const { tell, stop } = await start('rules: []\n')
    const [four, six] = await calls(port)
    expect(tell('rule', 'add', `deny in ${port}/tcp`, '--force')).toContain('closed: 1.')
    await until('the other is over', () => six().includes('closed'))
    expect(four()).toBe('open\n')
    await stop()
    const { tell: tellAgain } = await start('rules: []\n', 'rules: { openConnections: keep }\n')
    const [, kept] = await calls(port)
    expect(tellAgain('rule', 'add', `deny in ${port}/tcp`, '--force')).not.toContain('closed')
    expect(kept()).toBe('open\n')
  })
})
