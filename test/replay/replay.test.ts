import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { replay } from '../../src/replay.ts'

const captureFile = (name: string): string => new URL(`../captures/${name}.pcap.gz`, import.meta.url).pathname
let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-replay-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

/** Collects what is written. How a write ends: at once, soon (before anybody waits for it), or late. */
class Sink extends Writable {
  text = ''
  most = 0
  readonly #ends: 'at once' | 'soon' | 'late'

  constructor(ends: 'at once' | 'soon' | 'late' = 'at once') {
    super({ highWaterMark: 1 << 14, decodeStrings: false })
    this.#ends = ends
  }

  override _write(chunk: string, _: BufferEncoding, done: () => void): void {
    this.most = Math.max(this.most, this.writableLength)
    this.text += chunk
    if (this.#ends === 'late') setTimeout(done, 1)
    else if (this.#ends === 'soon') process.nextTick(done)
    else done()
  }
}

async function played(files: readonly string[], output: 'eve' | 'human' = 'eve') {
  const out = new Sink()
  const notes: string[] = []
  const code = await replay(files, { output }, out, { write: (text: string) => notes.push(text) })
  return { code, text: out.text, notes: notes.join('') }
}

const events = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

describe('replay', () => {
  test('writes flow, alert and stats events', async () => {
    const { code, text } = await played([captureFile('nmap-sX')])
    const all = events(text)
    const count = (kind: string): number => all.filter(({ event_type }) => event_type === kind).length
    expect(code).toBe(0)
    expect([...new Set(all.map(({ event_type }) => event_type))].sort()).toEqual(['alert', 'flow', 'stats'])
    expect(all.at(-1).stats).toMatchObject({
      decoder: { pkts: 6369, invalid: 0 },
      flow: { total: count('flow') },
      detect: { alert: count('alert') },
    })
  })

  test('writes the same bytes each time, on any machine', async () => {
    const runs = [await played([captureFile('nmap-sX')]), await played([captureFile('nmap-sX')])]
    expect(runs[1]?.text).toBe(runs[0]?.text)
    await expect(`${sha256(runs[0]?.text ?? '')}\n`).toMatchFileSnapshot('../captures/nmap-sX.eve.sha256')
  })

  test('writes the same for a file after others as for the file alone', async () => {
    const alone = await played([captureFile('nmap-sX')])
    const after = await played([captureFile('slowloris'), captureFile('nmap-sX')])
    expect(after.text.endsWith(alone.text)).toBe(true)
  })

  test('writes sentences for people, without a character that a terminal acts on', async () => {
    const { text } = await played([captureFile('nmap-sS-T4')], 'human')
    expect(text).toMatch(/ALERT {3}high {5}10\.9\.0\.66 tried 6 ports of 10\.9\.0\.1/)
    expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u)
  })

  test('goes on where the last file stopped when a capture was cut into several', async () => {
    const whole = gunzipSync(readFileSync(captureFile('nmap-slow-T2')))
    const half = cutAfter(whole, 5000)
    writeFileSync(join(folder, 'first.pcap'), whole.subarray(0, half))
    writeFileSync(join(folder, 'second.pcap'), Buffer.concat([whole.subarray(0, 24), whole.subarray(half)]))
    const parts = await played([join(folder, 'first.pcap'), join(folder, 'second.pcap')])
    const one = await played([captureFile('nmap-slow-T2')])
    expect(parts.text).toBe(one.text)
  })

  test('says in one line what is wrong with a file, and reads the others', async () => {
    const missing = join(folder, 'not-there.pcap')
    const { code, text, notes } = await played([missing, captureFile('nmap-sX')])
    expect(code).toBe(1)
    expect(notes).toBe(`${missing}: does not exist. Check the path.\n`)
    expect(events(text).at(-1).event_type).toBe('stats')
  })

  test('gives what a cut-off file holds, and says where it ends', async () => {
    const whole = gunzipSync(readFileSync(captureFile('nmap-sX')))
    const end = cutAfter(whole, 3000)
    writeFileSync(join(folder, 'cut.pcap'), whole.subarray(0, end + 20))
    const { code, text, notes } = await played([join(folder, 'cut.pcap')])
    expect(code).toBe(0)
    expect(notes).toMatch(new RegExp(`cut.pcap: ends early after 3000 packets, at byte ${end}: .*\\n$`))
    expect(events(text).at(-1).stats.decoder.pkts).toBe(3000)
  })

  test('waits for a reader that is slow', async () => {
    const out = new Sink('late')
    await replay([captureFile('hping-udpflood'), captureFile('masscan-1000pps')], { output: 'eve' }, out)
    const fast = await played([captureFile('hping-udpflood'), captureFile('masscan-1000pps')])
    expect(out.text).toBe(fast.text)
    expect(out.most).toBeLessThan(fast.text.length / 2)
  })
})

test('ends also when the reader has caught up before replay waits for it', async () => {
  const out = new Sink('soon')
  expect(await replay([captureFile('nmap-sX')], { output: 'eve' }, out)).toBe(0)
  expect(out.text.trimEnd().split('\n').at(-1)).toContain('"event_type":"stats"')
})

/** The offset in a little-endian pcap file after so many packets. */
function cutAfter(file: Buffer, packets: number): number {
  let at = 24
  for (let packet = 0; packet < packets; packet++) at += 16 + file.readUInt32LE(at + 8)
  return at
}
