import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect } from 'vitest'
import { until } from '../support/daemon.ts'
import { testWith } from '../support/needs.ts'
import { layRuledServer, type RuledServer } from '../support/ruled-server.ts'

const test = testWith('root', 'ip', 'nft')
const GATEHOUSE = fileURLToPath(new URL('../../bin/gatehouse', import.meta.url))
const UNITS = fileURLToPath(new URL('../../packaging/systemd/', import.meta.url))

let served: RuledServer
const start = (rules: string) => served.start(rules)

beforeEach(async () => {
  served = await layRuledServer()
})
afterEach(() => served.end())

const kept = (): string => join(served.folder, 'state', 'rules', 'boot.rules')
const ruleset = (): string => served.nft('list', 'ruleset')
const boot = () =>
  spawnSync(
    'ip',
    [
      'netns',
      'exec',
      served.wire.server.namespace,
      GATEHOUSE,
      'rule',
      'boot',
      '--state-dir',
      join(served.folder, 'state'),
    ],
    { encoding: 'utf8' },
  )
/** Lists without what counts. */
const still = (text: string): string => text.replaceAll(/packets \d+ bytes \d+/g, '')

describe('before the daemon is up', () => {
  test('the rules that were confirmed last are loaded, the same as the daemon had', async () => {
    const { stop, tell } = await start(
      'defaults: { inbound: deny }\nlists: { office: [192.0.2.0/24, 2001:db8::/32] }\nrules:\n  - allow in ssh from office\n',
    )
    await until('they are kept', () => existsSync(kept()))
    const enforced = still(served.nft('list', 'table', 'inet', 'gatehouse_rules'))
    const first = readFileSync(kept())
    tell('rule', 'add', `allow in ${served.port}/tcp`, '--confirm', '60s')
    expect(served.call()).toBe('open')
    await stop()
    // What nobody confirmed is not what a machine boots with.
    expect(readFileSync(kept()).subarray(-2000)).toEqual(first.subarray(-2000))
    expect(ruleset()).not.toContain('gatehouse')

    const { status, stdout } = boot()
    expect(status).toBe(0)
    expect(stdout).toMatch(/The rules of .* are in force: table inet gatehouse_rules, \d+ bytes, \d+ ms/)
    process.stdout.write(stdout)
    expect(still(served.nft('list', 'table', 'inet', 'gatehouse_rules'))).toBe(enforced)
    expect(served.call()).toBe('failed TIMEOUT')
    expect(served.nft('list', 'tables').trim()).toBe('table inet gatehouse_rules')
  })

  test('rules that are confirmed are kept, and none at all leave no file', async () => {
    const { tell, kill } = await start('defaults: { inbound: deny }\n')
    await until('they are kept', () => existsSync(kept()))
    const first = readFileSync(kept())
    tell('rule', 'add', `allow in ${served.port}/tcp`, '--confirm', '60s')
    tell('confirm')
    await until('the others are kept', () => !readFileSync(kept()).equals(first))
    await kill()
    served.nft('flush', 'ruleset')
    expect(boot().status).toBe(0)
    expect(served.call()).toBe('open')
    expect(ruleset()).toContain('comment "default-inbound"')
    const empty = await start('rules: []\n')
    await until('the file is gone', () => !existsSync(kept()))
    await empty.stop()
  })

  test('a file that is missing, damaged or not ours changes nothing and says why', async () => {
    expect(boot()).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('No rules were loaded: there is no'),
    })
    const { stop } = await start('defaults: { inbound: deny }\n')
    await until('they are kept', () => existsSync(kept()))
    await stop()
    const good = readFileSync(kept())
    const before = ruleset()
    const wrong: readonly (readonly [bytes: Buffer, why: string])[] = [
      [good.subarray(0, good.length - 1), 'is damaged'],
      [Buffer.concat([good.subarray(0, -4), Buffer.from('oops')]), 'is damaged'],
      [Buffer.from('{}'), 'is damaged'],
      [Buffer.alloc(0), 'is damaged'],
      [Buffer.from('{"kind": 1}\n'), 'is damaged'],
    ]
    for (const [bytes, why] of wrong) {
      writeFileSync(kept(), bytes)
      expect(boot()).toMatchObject({ status: 1, stderr: expect.stringContaining(why) })
    }
    writeFileSync(kept(), good)
    chmodSync(kept(), 0o666)
    expect(boot()).toMatchObject({ status: 1, stderr: expect.stringContaining('by others than root') })
    chmodSync(kept(), 0o600)
    expect(ruleset()).toBe(before)
    expect(boot().status).toBe(0)
  })
})

const linesOf = (unit: string, key: string): string[] =>
  readFileSync(join(UNITS, unit), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith(`${key}=`))
    .map((line) => line.slice(key.length + 1))

describe('the systemd units', () => {
  test('are sound, ahead of the network, and leave the guards alone', () => {
    expect(linesOf('gatehouse.service', 'KillMode')).toEqual(['process'])
    expect(linesOf('gatehouse-boot.service', 'Before').join()).toContain('network-pre.target')
    expect(linesOf('gatehouse-boot.service', 'Wants')).toEqual(['network-pre.target'])
    expect(linesOf('gatehouse-boot.service', 'CapabilityBoundingSet')).toEqual(['CAP_NET_ADMIN'])
    if (!existsSync('/usr/bin/systemd-analyze')) return
    const copies = ['gatehouse.service', 'gatehouse-boot.service'].map((unit) => {
      const text = readFileSync(join(UNITS, unit), 'utf8').replace('/usr/bin/gatehouse', GATEHOUSE)
      writeFileSync(join(served.folder, unit), text)
      return join(served.folder, unit)
    })
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', ...copies], { encoding: 'utf8' })
    expect([status, stderr]).toEqual([0, ''])
  })

  test('name all capabilities that the programs need', async () => {
    const wrapperOf = (unit: string): string[] => {
      const held = linesOf(unit, 'CapabilityBoundingSet').join(' ').toLowerCase().split(' ')
      return [
        'setpriv',
        `--bounding-set=-all,${held.map((name) => name.replace('cap_', '+')).join()}`,
        '--no-new-privs',
      ]
    }
    const wrapper = wrapperOf('gatehouse.service')
    const daemon = await served.start('defaults: { inbound: deny }\n', { wrapper, hasPage: true })
    const { parts } = daemon.ask<{ parts: { part: string; state: string }[] }>('status')
    expect(parts.filter(({ state }) => state !== 'ok')).toEqual([])
    await until('the rules are kept', () => existsSync(kept()))
    await daemon.stop()
    const [setpriv = '', ...bounds] = wrapperOf('gatehouse-boot.service')
    const words = ['rule', 'boot', '--state-dir', join(served.folder, 'state')]
    expect(served.wire.server.run(setpriv, ...bounds, GATEHOUSE, ...words)).toContain('in force')
  })
})
