import { expect, test } from 'vitest'
import { ip, type Target } from '#model/address.ts'
import type { Block } from '#model/block.ts'
import { PacketBlocks } from './packet-block.ts'

const [HERE, THERE, BEYOND] = [ip('198.51.100.7'), ip('192.0.2.1'), ip('203.0.113.9')]
const packet = { source: THERE, target: HERE }

const blockOn = (target: Target, more: Partial<Block> = {}): Block => ({
  ...{ target, origin: 'detector', actor: 'port-scan', reason: 'tried 10 ports', since: 0, decisionId: 12 },
  ...more,
})

/** A gate with these blocks, and this list. */
function blocksWith(blocks: Map<Target, Block>, listed = new Map<Target, Block>()): PacketBlocks {
  const blockOf = (address: Target) => blocks.get(address)
  return new PacketBlocks({
    blockOf,
    shutOutBy: (address) => (blockOf(address)?.effect ? undefined : blockOf(address)),
    lists: { blockOf: (address: Target) => listed.get(address) } as never,
  })
}

test('a packet is told by the block on whom it came from, or was to go to', () => {
  const blocks = blocksWith(new Map([[THERE, blockOn(THERE)]]))
  const because = {
    outcome: 'block',
    block: { id: 12, target: THERE, actor: 'port-scan', reason: 'tried 10 ports' },
  }
  expect(blocks.blockBehind('block:', 'inbound', packet)).toMatchObject(because)
  expect(blocks.blockBehind('block:', 'outbound', { source: HERE, target: THERE })).toMatchObject(because)
  expect(blocks.blockBehind('block:', 'forward', { source: BEYOND, target: THERE })).toMatchObject(because)
})

test('of a packet between two, who is shut out goes before who may send a little', () => {
  const limited = blockOn(THERE, { effect: 'limit', decisionId: 3 })
  const both = new Map([
    [THERE, limited],
    [BEYOND, blockOn(BEYOND)],
  ])
  const through = { source: THERE, target: BEYOND }
  expect(blocksWith(both).blockBehind('block:', 'forward', through)?.block.target).toBe(BEYOND)
  expect(blocksWith(new Map([[THERE, limited]])).blockBehind('block:', 'forward', through)).toMatchObject({
    outcome: 'limit',
    isBeyondLimit: true,
    block: { id: 3 },
  })
})

test('a list is told as a list, also where a person blocked the same address', () => {
  const listed = blockOn(THERE, { origin: 'feed', actor: 'list bad', reason: 'on Bad addresses' })
  const blocks = blocksWith(new Map([[THERE, blockOn(THERE)]]), new Map([[THERE, listed]]))
  expect(blocks.blockBehind('list:', 'inbound', packet)?.block.actor).toBe('list bad')
})

test('a block that is over a moment before its packet is read is still known', () => {
  const held = new Map([[THERE, blockOn(THERE)]])
  const blocks = blocksWith(held)
  blocks.blockBehind('block:', 'inbound', packet)
  held.clear()
  expect(blocks.blockBehind('block:', 'inbound', packet)?.block.id).toBe(12)
})

test('what nobody knows is written all the same, and what a rule turned away is none of ours', () => {
  const blocks = blocksWith(new Map())
  const unknown = blocks.blockBehind('block:', 'inbound', packet)
  expect(unknown?.block).toEqual({
    target: THERE,
    actor: 'nobody known',
    reason: 'a block that is over, or not of Gatehouse',
  })
  expect(blocks.blockBehind('no-telnet', 'inbound', packet)).toBeUndefined()
})
