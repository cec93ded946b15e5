import fc from 'fast-check'
import { expect, test } from 'vitest'
import { join } from '#detect/self-test/frames.ts'
import { Packet } from '#model/packet.ts'
import { said } from '../../../test/support/frames.ts'
import { Fragments } from '../decode/fragments.ts'
import { PacketDecoder } from '../decode/packet.ts'
import { createEngine } from '../engine.ts'
import { createFramesAhead, type FramesAhead, LINK_TYPE } from '../source.ts'
import { FlowTable } from './flow-table.ts'
import { FLOW_TIMEOUTS, FlowTracker } from './flows.ts'
import { HostTable } from './hosts.ts'
import { LookAhead } from './look-ahead.ts'

const LIMITS = { seed: 1, maxHosts: 64, maxFlows: 64 }

/** Frames one after the other in one buffer, as sources have them. */
function laid(frames: readonly Uint8Array[]): { view: DataView; ahead: FramesAhead } {
  const ahead = createFramesAhead()
  let offset = 0
  for (const frame of frames) {
    ahead.offsets[ahead.count] = offset
    ahead.captured[ahead.count++] = frame.length
    offset += frame.length
  }
  return { view: new DataView(join(...frames).buffer), ahead }
}

test('finds the flows that the next frames are of, either way and of both families', () => {
  const hosts = new HostTable(64, 1, 60_000, () => {})
  const flows = new FlowTable(64, 1, hosts)
  const tracker = new FlowTracker(flows, hosts, { timeouts: FLOW_TIMEOUTS, quoted: new Packet() }, () => {})
  const packet = new Packet()
  const decoder = new PacketDecoder(packet, new Fragments(1))
  const known = [
    said({ from: '192.0.2.1:4000', to: '192.0.2.2:80' }),
    said({ from: '[2001:db8::1]:4000', to: '[2001:db8::2]:53', protocol: 'udp' }),
  ]
  for (const frame of known) {
    decoder.decode(new DataView(frame.buffer), 0, frame.length, frame.length, LINK_TYPE.ethernet)
    tracker.follow(packet)
  }
  const lookAhead = new LookAhead(flows, hosts, 8)
  const back = [
    said({ from: '192.0.2.2:80', to: '192.0.2.1:4000', flags: 'SA' }),
    said({ from: '[2001:db8::2]:53', to: '[2001:db8::1]:4000', protocol: 'udp' }),
  ]
  const strange = said({ from: '192.0.2.3:4000', to: '192.0.2.2:80' })
  const { view, ahead } = laid([...known, strange, ...back])
  lookAhead.fetch(view, ahead)
  expect(lookAhead.known).toBe(4)
})

test('what is told ahead, whatever it is, changes nothing', () => {
  const frame = fc.oneof(
    fc.uint8Array({ maxLength: 90 }),
    fc
      .record({ from: fc.integer({ min: 1, max: 3 }), to: fc.integer({ min: 1, max: 3 }), cut: fc.nat(70) })
      .map(({ from, to, cut }) => said({ from: `192.0.2.${from}:1`, to: `192.0.2.${to}:2` }).slice(0, cut)),
  )
  fc.assert(
    fc.property(fc.array(frame, { minLength: 1, maxLength: 32 }), (frames) => {
      const { view, ahead } = laid(frames)
      const [told, untold] = [createEngine(LIMITS), createEngine(LIMITS)]
      told.ahead?.(view, ahead, LINK_TYPE.ethernet)
      for (const engine of [told, untold]) {
        for (let at = 0; at < ahead.count; at++) {
          const [offset, length] = [ahead.offsets[at] ?? 0, ahead.captured[at] ?? 0]
          engine.frame(view, offset, length, length, at, LINK_TYPE.ethernet, 0, 0)
        }
      }
      expect(told.counts).toEqual(untold.counts)
    }),
  )
})
