import { once } from 'node:events'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect } from 'vitest'
import { removeFolder, startDaemon, type TestDaemon, until } from '../support/daemon.ts'
import { layWire, type Wire } from '../support/namespaces.ts'
import { testWith } from '../support/needs.ts'
import { NEIGHBOURS } from '../support/neighbour-rulesets.ts'

const test = testWith('root', 'ip', 'nft')
const support = (name: string): string => new URL(`../support/${name}`, import.meta.url).pathname
const OTHER = '198.51.100.9'

let wire: Wire
let daemon: TestDaemon | undefined
let folder: string
let port: number

beforeEach(async () => {
  wire = layWire()
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-coexist-'))
  writeFileSync(join(folder, 'rules.yaml'), 'defaults: { inbound: deny }\n')
  const listener = wire.server.start(process.execPath, support('tcp-listener.ts'))
  const [line] = (await once(listener.stdout as Readable, 'data')) as [Buffer]
  port = Number(/listening (\d+)/.exec(line.toString())?.[1])
})

afterEach(async () => {
  await daemon?.stop()
  daemon = undefined
  wire.remove()
  removeFolder(folder)
})

async function start(config = ''): Promise<TestDaemon> {
  daemon = await startDaemon({
    namespace: wire.server.namespace,
    folder,
    config,
    flags: ['--rules', join(folder, 'rules.yaml')],
  })
  return daemon
}

const nft = (...words: string[]): string => wire.server.run('nft', ...words)
const call = (address = wire.server.ip4): string =>
  wire.client.run(process.execPath, support('tcp-caller.ts'), address, `${port}`, 'once').trim()

/** All that is not ours, to the byte, handles included; what counters counted is left out. */
function others(): string {
  const { nftables } = JSON.parse(nft('-j', 'list', 'ruleset')) as {
    nftables: Record<string, { table?: string; name?: string }>[]
  }
  const foreign = nftables.filter((entry) => {
    const [kind, value] = Object.entries(entry)[0] ?? []
    const table = kind === 'table' ? value?.name : value?.table
    return kind !== 'metainfo' && !table?.startsWith('gatehouse')
  })
  return JSON.stringify(foreign).replaceAll(/"packets":\d+,"bytes":\d+/g, '')
}

describe('beside others', () => {
  test.each(Object.keys(NEIGHBOURS))(
    'the tables of %s stay as they are, from the start to a kill',
    async (neighbour) => {
      const file = join(folder, 'neighbour.nft')
      writeFileSync(file, NEIGHBOURS[neighbour] as string)
      nft('-f', file)
      const before = others()
      expect(before.length).toBeGreaterThan(1000)
      expect(call()).toBe('open')

      const { tell, kill } = await start()
      expect(others()).toBe(before)
      expect(call()).toBe('failed TIMEOUT')
      tell('allow', `${port}/tcp`)
      expect(call()).toBe('open')
      tell('block', OTHER)
      tell('unblock', OTHER)
      tell('apply', '--confirm', '30s', '--force')
      tell('rollback')
      expect(others()).toBe(before)
      await kill()
      expect(others()).toBe(before)
      await start('rules: { onCrash: open }\n')
      await daemon?.kill()
      await until('all is open', () => !nft('list', 'tables').includes('gatehouse'))
      expect(others()).toBe(before)
      await (await start()).stop()
      expect(nft('list', 'tables')).not.toContain('gatehouse')
      expect(others()).toBe(before)
      expect(call()).toBe('open')
    },
  )

  test('another program that flushes everything is undone within a second, and it is a decision', async () => {
    const { ask, tell } = await start()
    tell('block', OTHER)
    nft('flush', 'ruleset')
    const flushedAt = performance.now()
    const whole = (): boolean => {
      const ruleset = nft('list', 'ruleset')
      return ruleset.includes(OTHER) && ruleset.includes('comment "default-inbound"')
    }
    await until('rules and blocks are back', whole, 5_000)
    const tookMs = performance.now() - flushedAt
    process.stdout.write(`rules and blocks are back ${Math.round(tookMs)} ms after a flush of everything\n`)
    expect(tookMs).toBeLessThan(1_000)
    expect(call()).toBe('failed TIMEOUT')
    const { items } = ask<{ items: { kind: string; target: string; reason: string }[] }>('decisions')
    const repairs = items.filter(({ kind }) => kind === 'repair').map(({ target }) => target)
    expect(repairs).toEqual(expect.arrayContaining(['table inet gatehouse', 'table inet gatehouse_rules']))
    expect(daemon?.output()).toContain('by another program; Gatehouse put it back')
  })
})
