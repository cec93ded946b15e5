import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect } from 'vitest'
import type { Finding } from '#model/finding.ts'
import { layWire, type Wire } from '../support/namespaces.ts'
import { testWith } from '../support/needs.ts'
import type { WatchProbeLine } from '../support/watch-probe.ts'

/** hping3, a real one, against a watch at a real ring; and a slow client of our own. */
const test = testWith('root', 'ip', 'hping3', 'nmap')
const script = new URL('../support/watch-probe.ts', import.meta.url).pathname

let wire: Wire
beforeEach(() => {
  wire = layWire()
})
afterEach(() => wire?.remove())

/** Returns once the watch in the server's namespace is at its ring. */
async function startWatch(): Promise<readonly Finding[]> {
  const child = wire.server.start(process.execPath, script)
  const findings: Finding[] = []
  await new Promise<void>((resolve, reject) => {
    child.on('exit', (code) => reject(new Error(`the watch ended with ${code}`)))
    if (!child.stdout) throw new Error('the watch has no output')
    createInterface(child.stdout).on('line', (text) => {
      const line = JSON.parse(text) as WatchProbeLine
      if (line.ready) resolve()
      if (line.finding) findings.push(line.finding)
    })
  })
  return findings
}

/** hping3 exits with 1 when not all was answered: that is nothing here. */
const flood = (...args: string[]): string =>
  wire.client.run('sh', '-c', `hping3 -q ${args.join(' ')} ${wire.server.ip4} >/dev/null 2>&1 || true`)

describe('hping3 is found', () => {
  test('SYNs from random sources: the story of the victim, and nobody is blamed', async () => {
    const findings = await startWatch()
    flood('-S', '-p', '80', '--rand-source', '-i', 'u400', '-c', '5000')
    await expect.poll(() => findings.length).toBeGreaterThan(0)
    expect(findings[0]).toMatchObject({
      ...{ detector: 'flood', kind: 'syn', severity: 'high', blame: 'nobody' },
      ...{ subject: wire.server.ip4, victim: wire.server.ip4 },
    })
    expect(findings.filter(({ blame }) => blame !== 'nobody')).toEqual([])
  })

  test.each([
    ['udp', ['-2', '-p', '9999', '-i', 'u300', '-c', '6000']],
    ['icmp', ['-1', '-i', 'u1000', '-c', '2000']],
    ['syn', ['-S', '-p', '80', '-i', 'u1000', '-c', '3000', '-w', '64']],
    ['fragment', ['-2', '-x', '-d', '64', '-p', '9999', '-i', 'u500', '-c', '4000']],
  ])('%s from one source, by name', async (kind, args) => {
    const findings = await startWatch()
    flood(...args)
    await expect.poll(() => findings.map((finding) => finding.kind)).toContain(kind)
    expect(findings.find((finding) => finding.kind === kind)).toMatchObject({
      ...{ detector: 'flood', subject: wire.client.ip4, victim: wire.server.ip4 },
    })
  })

  test('and a scan beside it is not lost', async () => {
    const findings = await startWatch()
    const noise = wire.client.start(
      'sh',
      '-c',
      `exec hping3 -q -S -p 80 --rand-source -i u200 ${wire.server.ip4} >/dev/null 2>&1`,
    )
    await expect.poll(() => findings.length).toBeGreaterThan(0)
    wire.client.run('nmap', '-n', '-Pn', '-sS', '-T4', '-p', '1-100', wire.server.ip4)
    noise.kill()
    await expect
      .poll(() => findings.map(({ detector, subject }) => `${detector} ${subject}`))
      .toContain(`port-scan ${wire.client.ip4}`)
  })
})

test('slow requests are found, and who sends them', async () => {
  const findings = await startWatch()
  const server = wire.server.start(process.execPath, '--input-type=module', '-e', webServer)
  await new Promise((resolve) => server.stdout?.once('data', resolve))
  wire.client.run(process.execPath, '--input-type=module', '-e', slowClient(wire.server.ip4))
  await expect.poll(() => findings.map(({ detector }) => detector)).toContain('slow-http')
  expect(findings.find(({ detector }) => detector === 'slow-http')).toMatchObject({
    ...{ kind: 'slow-request', severity: 'high', subject: wire.client.ip4, victim: wire.server.ip4 },
  })
})

const webServer = `
import { createServer } from 'node:http'
createServer((request, response) => response.end('ok')).listen(8080, () => console.log('listening'))
`

/** 40 requests that get a header line each second, for nine seconds. */
const slowClient = (server: string): string => `
import { connect } from 'node:net'
const sockets = Array.from({ length: 40 }, () => connect(8080, '${server}'))
for (const socket of sockets) {
  socket.on('error', () => {})
  socket.write('GET / HTTP/1.1\\r\\nHost: example\\r\\n')
}
for (let turn = 0; turn < 9; turn++) {
  await new Promise((resolve) => setTimeout(resolve, 1000))
  for (const socket of sockets) socket.write('X-Slow: ' + turn + '\\r\\n')
}
for (const socket of sockets) socket.destroy()
`
