import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { replay } from '../../src/replay.ts'
import { pcap } from '../support/captures.ts'
import { clientHello } from '../support/client-hello.ts'
import { dnsMessage } from '../support/dns-message.ts'
import { type Said, said } from '../support/frames.ts'

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
  test('writes flow, name, alert and stats events', async () => {
    const { code, text } = await played([captureFile('nmap-sX')])
    const all = events(text)
    const count = (kind: string): number => all.filter(({ event_type }) => event_type === kind).length
    expect(code).toBe(0)
    expect([...new Set(all.map(({ event_type }) => event_type))].sort()).toEqual([
      'alert',
      'dns',
      'flow',
      'stats',
    ])
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
describe('names', () => {
  const client = '10.0.0.5'
  const ask = (id: number, port: number): Said[] => [
    {
      from: `${client}:${port}`,
      to: '10.0.0.1:53',
      protocol: 'udp',
      payload: dnsMessage({ id, flags: 0x0100, question: 'www.example.com' }),
    },
    {
      from: '10.0.0.1:53',
      to: `${client}:${port}`,
      protocol: 'udp',
      payload: dnsMessage({
        id,
        question: 'www.example.com',
        answers: [
          { name: 'www.example.com', type: 'CNAME', data: 'cdn.example.net' },
          { name: 'cdn.example.net', type: 'A', data: '192.0.2.7', ttl: 300 },
        ],
      }),
    },
  ]
  const open = (from: string, to: string, payload: Uint8Array): Said[] => [
    { from, to, flags: 'S', sequence: 100 },
    { from: to, to: from, flags: 'SA', sequence: 500, acknowledgement: 101 },
    { from, to, flags: 'AP', sequence: 101, acknowledgement: 501, payload },
  ]

  async function capture(): Promise<string> {
    const request = Buffer.from('GET /a?b=1 HTTP/1.1\r\nHost: plain.example\r\n\r\n')
    const packets = [
      ...ask(7, 40_000),
      ...open(`${client}:40001`, '192.0.2.7:443', await clientHello('www.example.com')),
      ...open(`${client}:40002`, '192.0.2.8:80', request),
    ]
    const file = join(folder, 'names.pcap')
    writeFileSync(
      file,
      pcap(
        packets.map((packet, at) => ({ seconds: 1_700_000_000, fraction: at * 1000, bytes: said(packet) })),
      ),
    )
    return file
  }

  test('of DNS, TLS and HTTP are events under the names of Suricata, and of the flows themselves', async () => {
    const all = events((await played([await capture()])).text)
    const of = (kind: string) => all.find(({ event_type }) => event_type === kind)
    expect(of('dns').dns).toEqual({
      version: 2,
      type: 'answer',
      rrname: 'www.example.com',
      answers: [{ rrname: 'www.example.com', rrtype: 'A', ttl: 300, rdata: '192.0.2.7' }],
    })
    expect(of('tls')).toMatchObject({
      src_ip: client,
      src_port: 40_001,
      dest_ip: '192.0.2.7',
      dest_port: 443,
    })
    expect(of('tls').tls).toMatchObject({
      sni: 'www.example.com',
      ja3: { hash: expect.stringMatching(/^[\da-f]{32}$/) },
    })
    expect(of('http').http).toEqual({ hostname: 'plain.example', url: '/a?b=1' })
    const flows = all.filter(({ event_type }) => event_type === 'flow')
    expect(flows.map(({ dest_port, gatehouse }) => [dest_port, gatehouse.name])).toEqual([
      [53, undefined],
      [443, 'www.example.com'],
      [80, 'plain.example'],
    ])
    expect(flows[1].flow_id).toBe(of('tls').flow_id)
  })

  test('stand in the sentences for people', async () => {
    expect((await played([await capture()], 'human')).text).toMatch(
      /192\.0\.2\.7:443 .* to www\.example\.com\n/,
    )
  })
})

/** The offset in a little-endian pcap file after so many packets. */
function cutAfter(file: Buffer, packets: number): number {
  let at = 24
  for (let packet = 0; packet < packets; packet++) at += 16 + file.readUInt32LE(at + 8)
  return at
}
