import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect } from 'vitest'
import { type TestDaemon, until } from '../support/daemon.ts'
import { testWith } from '../support/needs.ts'
import { NEIGHBOURS } from '../support/neighbour-rulesets.ts'
import { layRuledServer, type RuledServer } from '../support/ruled-server.ts'

const test = testWith('root', 'ip', 'nft')
const OTHER = '198.51.100.9'

let served: RuledServer

beforeEach(async () => {
  served = await layRuledServer()
})
afterEach(() => served.end())

const start = (config = ''): Promise<TestDaemon> => served.start('defaults: { inbound: deny }\n', { config })
const nft = (...words: string[]): string => served.nft(...words)
const call = (): string => served.call()

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
      const file = join(served.folder, 'neighbour.nft')
      writeFileSync(file, NEIGHBOURS[neighbour] as string)
      nft('-f', file)
      const before = others()
      expect(before.length).toBeGreaterThan(1000)
      expect(call()).toBe('open')

      const { tell, kill } = await start()
      expect(others()).toBe(before)
      expect(call()).toBe('failed TIMEOUT')
      tell('allow', `${served.port}/tcp`)
      expect(call()).toBe('open')
      tell('block', OTHER)
      tell('unblock', OTHER)
      tell('apply', '--confirm', '30s', '--force')
      tell('rollback')
      expect(others()).toBe(before)
      await kill()
      expect(others()).toBe(before)
      await start('rules: { onCrash: open }\n')
      await served.daemon?.kill()
      await until('all is open', () => !nft('list', 'tables').includes('gatehouse'))
      expect(others()).toBe(before)
      await (await start()).stop()
      expect(nft('list', 'tables')).not.toContain('gatehouse')
      expect(others()).toBe(before)
      expect(call()).toBe('open')
    },
  )

  test('another program that flushes everything is undone soon, and it is a decision', async () => {
    const { ask, tell } = await start()
    tell('block', OTHER)
    nft('flush', 'ruleset')
    const flushedAt = performance.now()
    const whole = (): boolean => {
      const ruleset = nft('list', 'ruleset')
      return ruleset.includes(OTHER) && ruleset.includes('comment "default-inbound"')
    }
    await until('rules and blocks are back', whole)
    const tookMs = performance.now() - flushedAt
    process.stdout.write(`rules and blocks are back ${Math.round(tookMs)} ms after a flush of everything\n`)
    expect(tookMs).toBeLessThan(5_000)
    expect(call()).toBe('failed TIMEOUT')
    const { items } = ask<{ items: { kind: string; target: string; reason: string }[] }>('decisions')
    const repairs = items.filter(({ kind }) => kind === 'repair').map(({ target }) => target)
    expect(repairs).toEqual(expect.arrayContaining(['table inet gatehouse', 'table inet gatehouse_rules']))
    // This process had no turn yet to read what the daemon said.
    await until('it is said', () =>
      /by another program; Gatehouse put it back/.test(served.daemon?.output() ?? ''),
    )
  })
})
