import { expect, test } from 'vitest'
import type { CaptureReport } from '#model/capture-report.ts'
import { captureSettings } from './settings.ts'
import { startCapture } from './thread.ts'

const settings = { capture: captureSettings.parse({}), detectors: {} }
const code = (text: string): URL => new URL(`data:text/javascript,${encodeURIComponent(text)}`)

test('a thread that dies is said without a stack trace, and it is started again, more slowly each time', async () => {
  const told: CaptureReport[] = []
  let tell = (): void => {}
  const twice = new Promise<void>((resolve) => {
    tell = () => told.length === 2 && resolve()
  })
  const capture = startCapture({
    settings,
    workerFile: code('throw new Error("out of memory")'),
    onReport(report) {
      told.push(report)
      tell()
    },
  })
  await twice
  await capture.stop()
  const health = (seconds: string): unknown => ({
    kind: 'health',
    health: {
      part: 'capture',
      state: 'degraded',
      reason: 'packets are not watched for now: out of memory',
      remedy: `None needed: it is tried again in ${seconds} s. If it comes back, report it.`,
    },
  })
  expect(told).toEqual([health('0.5'), health('1')])
})

test('the next flows report is asked for once the last one was worked off', async () => {
  const order: string[] = []
  let done = (): void => {}
  const twoReports = new Promise<void>((resolve) => {
    done = resolve
  })
  const capture = startCapture({
    settings,
    workerFile: code(`
      import { parentPort, workerData } from 'node:worker_threads'
      const report = (changed) => parentPort.postMessage({ kind: 'flows', changed })
      parentPort.on('message', ({ kind }) => kind === 'stop' ? parentPort.close() : report('second'))
      report('first ' + workerData.capture.snapBytes)
    `),
    onReport(report) {
      order.push(report.kind === 'flows' ? String(report.changed) : report.kind)
      if (order.length === 2) done()
    },
  })
  await twoReports
  await capture.stop()
  expect(order.slice(0, 2)).toEqual(['first 2304', 'second'])
})

test('a thread that does not stop is ended', async () => {
  const capture = startCapture({
    settings,
    workerFile: code(`
      import { parentPort } from 'node:worker_threads'
      parentPort.on('message', () => { for (;;); })
      parentPort.postMessage({ kind: 'health', health: { part: 'capture', state: 'ok', note: 'here' } })
    `),
    onReport() {},
  })
  await expect.poll(() => capture.health).toEqual({ part: 'capture', state: 'ok', note: 'here' })
  await capture.stop()
})

test('the settings have defaults, and bad ones are named', () => {
  expect(captureSettings.parse(undefined)).toEqual({
    interfaces: [],
    loopback: false,
    snapBytes: 2_304,
    maxFlows: 262_144,
    maxHosts: 524_288,
  })
  const answer = captureSettings.safeParse({ snapBytes: 64, interface: ['eth0'] })
  expect(answer.error?.issues.map(({ path, code }) => [path.join('.'), code])).toEqual([
    ['snapBytes', 'too_small'],
    ['', 'unrecognized_keys'],
  ])
})
