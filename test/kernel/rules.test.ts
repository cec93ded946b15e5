import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect } from 'vitest'
import { type TestDaemon, until } from '../support/daemon.ts'
import type { Wire } from '../support/namespaces.ts'
import { testWith } from '../support/needs.ts'
import { layRuledServer, type RuledServer } from '../support/ruled-server.ts'

const test = testWith('root', 'ip', 'nft')

let served: RuledServer
let wire: Wire
let port: number

beforeEach(async () => {
  served = await layRuledServer()
  wire = served.wire
  port = served.port
})
afterEach(async () => {
  delete process.env['SSH_CONNECTION']
  await served.end()
})

const rulesFile = (): string => served.rulesFile
const start = (rules?: string): Promise<TestDaemon> => served.start(rules)
const call = (address: string): string => served.call(address)
const table = (): string => served.nft('list', 'table', 'inet', 'gatehouse_rules')

function refusalOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    return String((error as { stderr?: unknown }).stderr)
  }
  throw new Error('it was not refused')
}

describe('rules of a file', () => {
  test('are in force from the start, in both families, and count what they decide', async () => {
    const { ask } = await start(`
defaults: { inbound: deny }
rules:
  - { id: shop, action: allow, direction: in, protocol: tcp, port: ${port}, from: [${wire.client.ip4}] }
  - { id: no6, action: reject, direction: in, protocol: tcp, port: ${port}, from: "${wire.client.ip6}" }
`)
    expect(call(wire.server.ip4)).toBe('open')
    expect(call(wire.server.ip6)).toBe('failed ECONNREFUSED')
    const { rules } = ask<{ rules: { id: string; number: number; packets: number }[] }>('rule', 'list')
    const counted = new Map(rules.map(({ id, packets }) => [id, packets]))
    expect(counted.get('shop')).toBe(1)
    expect(counted.get('no6')).toBe(1)
    expect(counted.get('established')).toBeGreaterThan(0)
    expect(rules.filter(({ number }) => number > 0).map(({ number, id }) => [number, id])).toEqual([
      [1, 'shop'],
      [2, 'no6'],
    ])
  })

  test('a limit lets in so many and no more', async () => {
    const { ask } = await start(`
rules:
  - { action: limit, direction: in, protocol: tcp, port: ${port}, limit: { rate: 2/minute } }
`)
    expect([1, 2, 3].map(() => call(wire.server.ip4))).toEqual(['open', 'open', 'failed TIMEOUT'])
    // Each source has its own.
    expect(call(wire.server.ip6)).toBe('open')
    const { rules } = ask<{ rules: { id: string; beyondPackets?: number }[] }>('rule', 'list')
    expect(rules.find(({ id }) => id === 'rule-1')?.beyondPackets).toBeGreaterThan(0)
  })

  test('a bad file never replaces a good one', async () => {
    const { stop, output } = await start('defaults: { inbound: deny }')
    expect(call(wire.server.ip4)).toBe('failed TIMEOUT')
    await stop()
    const again = await start('defaults: { inbund: allow }')
    expect(again.output()).toContain(
      `${rulesFile()}:1:13: defaults.inbund: there is no such direction. Did you mean inbound?`,
    )
    expect(call(wire.server.ip4)).toBe('failed TIMEOUT')
    expect(output()).not.toContain('there is no such')

    writeFileSync(rulesFile(), 'rules: [alow 22/tcp]')
    await until('the change is seen', () => again.output().includes('Did you mean allow?'))
    expect(refusalOf(() => again.tell('apply'))).toContain('Did you mean allow?')
    expect(call(wire.server.ip4)).toBe('failed TIMEOUT')
  })

  test('a file that cannot be read, and memory that is broken, keep the last good rules', async () => {
    const { stop } = await start('defaults: { inbound: deny }')
    await stop()
    rmSync(rulesFile())
    mkdirSync(rulesFile())
    writeFileSync(join(served.folder, 'state', 'rules', 'rolled-back.json'), '{"id": "cut sh')
    const again = await start()
    expect(again.output()).toContain(`${rulesFile()}: this cannot be read`)
    expect(call(wire.server.ip4)).toBe('failed TIMEOUT')
    expect(refusalOf(() => again.tell('apply'))).toContain('this cannot be read')
  })

  test('the table is put back when another program takes it away', async () => {
    await start('defaults: { inbound: deny }')
    wire.server.run('nft', 'delete', 'table', 'inet', 'gatehouse_rules')
    const tables = (): string => served.nft('list', 'tables')
    await until('it is there again', () => tables().includes('gatehouse_rules'))
    expect(table()).toContain('comment "default-inbound"')
  })
})

describe('a draft', () => {
  test('is simulated over what was recorded, and decides as simulated once it is applied', async () => {
    const { ask, tell } = await start('rules: []')
    expect(call(wire.server.ip4)).toBe('open')
    const file = join(served.folder, 'draft.yaml')
    writeFileSync(file, `rules:\n  - deny ${port}/tcp from ${wire.client.ip4}\n`)
    interface Simulated {
      readonly flows: number
      readonly differences: readonly { host: string; port: number; to: string; because: string }[]
    }
    await until(
      'the flow is recorded',
      () => ask<Simulated>('simulate', file, '--last', '10m').differences.length > 0,
    )
    expect(ask<Simulated>('simulate', file, '--last', '10m').differences).toEqual([
      expect.objectContaining({ host: wire.client.ip4, port, to: 'deny', because: 'rule 1 says deny' }),
    ])
    tell('apply', file)
    expect(call(wire.server.ip4)).toBe('failed TIMEOUT')
    expect(call(wire.server.ip6)).toBe('open')
  })
})

describe('for a time', () => {
  test('everything is open, or everything shut but for who is logged in', async () => {
    process.env['SSH_CONNECTION'] = `${wire.client.ip6} 40000 ${wire.server.ip6} 22`
    const { tell } = await start('defaults: { inbound: deny }')
    expect(call(wire.server.ip4)).toBe('failed TIMEOUT')
    tell('pause', '10m')
    expect(call(wire.server.ip4)).toBe('open')
    expect(refusalOf(() => tell('confirm'))).toContain('This ends with its time.')
    tell('rollback')
    expect(call(wire.server.ip4)).toBe('failed TIMEOUT')

    tell('apply', '--dry-run')
    tell('rule', 'add', `allow in ${port}/tcp`)
    expect(call(wire.server.ip4)).toBe('open')
    tell('lockdown', '6s')
    expect(call(wire.server.ip4)).toBe('failed TIMEOUT')
    expect(call(wire.server.ip6)).toBe('open')
    await until('it is over', () => call(wire.server.ip4) === 'open')
  })
})

describe('rules by hand', () => {
  test('are added in their short form, kept in the file with its comments, and removed', async () => {
    const { tell } = await start('# mine\ndefaults: { inbound: deny } # careful\n')
    expect(call(wire.server.ip4)).toBe('failed TIMEOUT')
    tell('allow', `${port}/tcp`, 'from', wire.client.ip4)
    expect(call(wire.server.ip4)).toBe('open')
    expect(readFileSync(rulesFile(), 'utf8')).toBe(
      `# mine\ndefaults: { inbound: deny } # careful\nrules:\n  - allow ${port}/tcp from ${wire.client.ip4}\n`,
    )
    expect(tell('rule', 'remove', '1', '--dry-run')).toContain('could be applied')
    tell('rule', 'remove', '1')
    expect(call(wire.server.ip4)).toBe('failed TIMEOUT')
  })

  test('are explained, with what would turn them round', async () => {
    const { tell } = await start(
      `rules: [deny in ${port}/tcp from 192.0.2.0/24]\ndefaults: { inbound: deny }`,
    )
    const answer = tell('explain', `192.0.2.7:${port}`, '--direction', 'inbound')
    expect(answer).toContain('This is dropped: rule 1 says deny.')
    expect(answer).toContain('yes from 192.0.2.0/24')
    expect(tell('explain', `${wire.client.ip4}:${port}`, '--direction', 'inbound')).toContain(
      `It would be allowed by: gatehouse rule add "allow in ${port}/tcp from ${wire.client.ip4}" --at 1`,
    )
  })
})

describe('a change that could lock its owner out', () => {
  const LOCKED = 'defaults: { inbound: deny }\nrules:\n  - deny in from any\n'

  async function startWithSession(): Promise<TestDaemon> {
    process.env['SSH_CONNECTION'] = `${wire.client.ip4} 40000 ${wire.server.ip4} 22`
    return start('rules: []')
  }

  const draft = (text: string): string => {
    const file = join(served.folder, 'draft.yaml')
    writeFileSync(file, text)
    return file
  }

  test('is refused when it would cut a login session, unless the session is let in', async () => {
    const { tell } = await startWithSession()
    const refusal = refusalOf(() => tell('apply', draft(LOCKED)))
    expect(refusal).toContain('These rules would cut login session')
    expect(refusal).toContain('--force')
    expect(call(wire.server.ip4)).toBe('open')
    tell('apply', draft(`defaults: { inbound: deny }\nrules:\n  - allow ssh from ${wire.client.ip4}\n`))
    expect(call(wire.server.ip4)).toBe('failed TIMEOUT')
  })

  test('goes back by itself when nobody confirms it', async () => {
    const { tell } = await startWithSession()
    tell('apply', draft(LOCKED), '--force', '--confirm', '5s')
    expect(call(wire.server.ip4)).toBe('failed TIMEOUT')
    await until('those before are back', () => call(wire.server.ip4) === 'open')
    await until('so is their file', () => readFileSync(rulesFile(), 'utf8') === 'rules: []')
  })

  test('stays when somebody confirms it', async () => {
    const { tell } = await startWithSession()
    tell('apply', draft(LOCKED), '--force', '--confirm', '5s')
    tell('confirm')
    await sleep(5500)
    expect(call(wire.server.ip4)).toBe('failed TIMEOUT')
    expect(readFileSync(rulesFile(), 'utf8')).toBe(LOCKED)
  })

  test('goes back also when the daemon was killed, and is not taken up again at the next start', async () => {
    const { tell, kill } = await startWithSession()
    tell('rule', 'add', `deny in 9999/tcp`)
    tell('apply', draft(LOCKED), '--force', '--confirm', '8s')
    expect(call(wire.server.ip4)).toBe('failed TIMEOUT')
    await kill()
    expect(call(wire.server.ip4)).toBe('failed TIMEOUT')
    await until('those before are back', () => call(wire.server.ip4) === 'open')
    // The rules before, not none.
    expect(table()).toContain('tcp dport 9999')
    expect(existsSync(join(served.folder, 'state', 'rules', 'pending.json'))).toBe(false)

    await start(LOCKED)
    expect(call(wire.server.ip4)).toBe('open')
  })
})
