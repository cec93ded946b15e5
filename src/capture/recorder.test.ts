import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ip } from '#model/address.ts'
import type { RecordedPackets } from '#model/recording.ts'
import { deliver, type Said, said } from '../../test/support/frames.ts'
import { createWatch } from '../watch.ts'
import { Recorder } from './recorder.ts'
import { readCapture } from './sources/pcap.ts'

const START = Date.UTC(2026, 0, 1)

function recording(packets: number) {
  const done: RecordedPackets[] = []
  const recorder = new Recorder((recorded) => done.push(recorded))
  const watch = createWatch({ seed: 1, onFinding() {}, watchers: () => [recorder] })
  recorder.begin({ id: 7, address: ip('203.0.113.9'), packets }, START)
  let at = START
  const say = (about: Said): void => {
    at += 1.5
    deliver(watch.sink, said(about), at)
  }
  return { done, recorder, say }
}

/** The packets of a pcapng file, as the engine reads them. */
async function packetsOf(bytes: Uint8Array): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-recorder-'))
  const path = join(folder, 'kept.pcapng')
  writeFileSync(path, bytes)
  const packets: string[] = []
  const watch = createWatch({
    seed: 1,
    onFinding() {},
    watchers: ({ hosts }) => [
      {
        packet: ({ source, target, targetPort, at }) =>
          packets.push(`${at - START} ${hosts.address(source)} → ${hosts.address(target)} ${targetPort}`),
      },
    ],
  })
  await readCapture(path, watch.sink)
  rmSync(folder, { recursive: true })
  return packets
}

test('keeps so many packets of the address, both ways, as a file that reads as any capture', async () => {
  const { done, say } = recording(2)
  say({ from: '203.0.113.9:40000', to: '192.0.2.1:80', flags: 'S' })
  say({ from: '198.51.100.1:40000', to: '192.0.2.1:80', flags: 'S' })
  say({ from: '192.0.2.1:80', to: '203.0.113.9:40000', flags: 'SA' })
  say({ from: '203.0.113.9:40000', to: '192.0.2.1:80', flags: 'A' })
  expect(done).toMatchObject([{ id: 7, packets: 2 }])
  expect(await packetsOf(done[0]?.bytes ?? new Uint8Array())).toEqual([
    '1.5 203.0.113.9 → 192.0.2.1 80',
    '4.5 192.0.2.1 → 203.0.113.9 40000',
  ])
})

test('ends after a minute with what there is', () => {
  const { done, recorder, say } = recording(100)
  say({ from: '203.0.113.9:40000', to: '192.0.2.1:80', flags: 'S' })
  recorder.tick(START + 59_000)
  expect(done).toEqual([])
  recorder.tick(START + 60_000)
  expect(done).toMatchObject([{ packets: 1 }])
})

test('takes four orders at a time', () => {
  const { recorder } = recording(100)
  const order = { id: 8, address: ip('203.0.113.10'), packets: 1 }
  expect([1, 2, 3, 4].map(() => recorder.begin(order, START))).toEqual([true, true, true, false])
})
