import { afterAll, beforeAll, expect } from 'vitest'
import { removeFolder, startDaemon, type TestDaemon, until } from '../support/daemon.ts'
import { layWire, type Wire } from '../support/namespaces.ts'
import { testWith } from '../support/needs.ts'

const test = testWith('root', 'ip', 'nft')

/** What would colour a terminal, turn a line round, or look like a line of the log that was never written. */
const HOSTILE =
  '\u001b[31mred\u001b[0m\r\n{"level":30,"signedIn":"forged-admin","msg":"signed in"}\u202Egnp.exe<b>'
/** Sends each body to an address, with hostile headers as well; prints the statuses. */
const SEND_ALL = `
const [address, hostile, ...bodies] = process.argv.slice(1)
const statuses = []
for (const body of bodies) {
  const headers = { origin: new URL(address).origin, 'content-type': 'application/json', 'x-gatehouse': '1', 'user-agent': encodeURIComponent(hostile), 'x-forwarded-for': encodeURIComponent(hostile) }
  statuses.push((await fetch(address, { method: 'POST', headers, body })).status)
}
console.log(JSON.stringify(statuses))`

let wire: Wire
let daemon: TestDaemon
beforeAll(async () => {
  wire = layWire()
  daemon = await startDaemon({ namespace: wire.server.namespace, hasPage: true })
  daemon.tell('user', 'add', 'anna', '--role', 'admin')
})
afterAll(async () => {
  await daemon?.stop()
  wire?.remove()
  if (daemon) removeFolder(daemon.folder)
})

test('who tries to sign in writes nothing of their own into the log', async () => {
  const bodies = [
    { token: HOSTILE },
    { name: HOSTILE.slice(0, 60), password: HOSTILE },
    { name: 'anna', password: HOSTILE, code: HOSTILE.slice(0, 30) },
    HOSTILE,
  ].map((body) => (typeof body === 'string' ? body : JSON.stringify(body)))
  const before = daemon.output().length
  const address = new URL('/login', daemon.link).href
  const statuses = wire.server.run(
    process.execPath,
    '--input-type=module',
    '-e',
    SEND_ALL,
    address,
    HOSTILE,
    ...bodies,
  )
  expect(JSON.parse(statuses)).toEqual([401, 401, 401, 400])

  const fresh = (): string => daemon.output().slice(before)
  const tries = (): string[] =>
    fresh()
      .split('\n')
      .filter((line) => line.includes('sign-in refused'))
  await until('each try is in the log', () => tries().length === bodies.length)
  for (const line of tries()) expect(JSON.parse(line)).toMatchObject({ address: '127.0.0.1' })
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there.
  expect(fresh()).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/)
  expect(fresh()).not.toMatch(/forged-admin|signed in"|exe<b>/)
})
