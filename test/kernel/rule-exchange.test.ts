import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect } from 'vitest'
import { removeFolder, startDaemon, type TestDaemon } from '../support/daemon.ts'
import { layWire, type Wire } from '../support/namespaces.ts'
import { testWith } from '../support/needs.ts'

const test = testWith('root', 'ip', 'nft')
const PROBE = new URL('../support/ruleset-probe.ts', import.meta.url).pathname
const FILES = Number(process.env['GATEHOUSE_RULE_FILES'] ?? 150)

let wire: Wire
let daemon: TestDaemon | undefined
let folder: string

beforeEach(() => {
  wire = layWire()
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-exchange-'))
})

afterEach(async () => {
  await daemon?.stop()
  daemon = undefined
  wire.remove()
  removeFolder(folder)
})

describe('rules as nft reads them', () => {
  test('random rules are the same table over netlink and through nft -f', {
    timeout: 120_000 + FILES * 1_000,
  }, () => {
    // A namespace without links: no packet is counted while the two are compared.
    const output = execFileSync('unshare', ['-n', process.execPath, PROBE, `${FILES}`, '2026'], {
      encoding: 'utf8',
      maxBuffer: 64 << 20,
    })
    const { files, mismatches } = JSON.parse(output) as { files: number; mismatches: unknown[] }
    expect(mismatches).toEqual([])
    expect(files).toBe(FILES)
  })
})

describe('rules from and for elsewhere', () => {
  test('what nft lists becomes a draft, and ours is what nft takes', async () => {
    writeFileSync(
      join(folder, 'rules.yaml'),
      'defaults: { inbound: deny } # careful\nrules: [allow in ssh, { action: deny, direction: out, program: /usr/bin/env, port: 99 }]\n',
    )
    const { tell, ask } = await startDaemon({
      namespace: wire.server.namespace,
      folder,
      flags: ['--rules', join(folder, 'rules.yaml')],
    }).then((started) => (daemon = started))
    const exported = join(folder, 'ours.nft')
    tell('rule', 'export', '--format', 'nft', '--file', exported)
    wire.client.run('nft', '-c', '-f', exported)
    wire.client.run('nft', '-f', exported)
    expect(wire.client.run('nft', 'list', 'table', 'inet', 'gatehouse_rules')).toContain(
      'comment "default-inbound"',
    )
    expect(tell('rule', 'export')).toBe(readFileSync(join(folder, 'rules.yaml'), 'utf8'))

    // The same again, as another firewall's: a draft that is not in force.
    const foreign = join(folder, 'foreign.nft')
    writeFileSync(foreign, wire.client.run('nft', 'list', 'ruleset'))
    const said = tell('rule', 'import', foreign)
    expect(said).toContain('Read as nft:')
    expect(said).toContain('Nothing is applied')
    const { draft, text } = ask<{ draft?: string; text: string }>('rule', 'list')
    expect(draft).toContain('# Imported from nft')
    expect(draft).toContain('port: 22')
    expect(text).toContain('# careful')

    const list = join(folder, 'bad.txt')
    writeFileSync(
      list,
      Array.from({ length: 20_000 }, (_, at) => `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}\n`).join(''),
    )
    expect(tell('rule', 'import', list, '--name', 'bad')).toContain('Read as list: 2 rules')
    tell('apply')
    expect(wire.server.run('nft', 'list', 'table', 'inet', 'gatehouse_rules')).toContain(
      'ip saddr 10.0.0.0-10.0.78.31',
    )
  })
})
