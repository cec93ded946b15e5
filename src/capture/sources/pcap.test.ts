import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LINK_TYPE } from '#capture/source.ts'
import { concat, numbers, pcap, pcapngBlocks } from '../../../test/support/captures.ts'
import { CaptureFileError, type CaptureSummary, readCapture } from './pcap.ts'

let folder = ''
let written = 0
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-captures-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

interface SeenFrame {
  readonly bytes: number[]
  readonly length: number
  readonly at: number
  readonly linkType: number
  readonly interfaceIndex: number
}

function file(bytes: Uint8Array): string {
  const path = join(folder, `${written++}.pcap`)
  writeFileSync(path, bytes)
  return path
}

async function read(bytes: Uint8Array): Promise<CaptureSummary & { frames: SeenFrame[] }> {
  const frames: SeenFrame[] = []
  const summary = await readCapture(file(bytes), {
    frame(view, offset, captured, length, at, linkType, interfaceIndex) {
      const seen = [...new Uint8Array(view.buffer, view.byteOffset + offset, captured)]
      frames.push({ bytes: seen, length, at, linkType, interfaceIndex })
    },
  })
  return { ...summary, frames }
}

const failure = async (bytes: Uint8Array): Promise<unknown> =>
  read(bytes).then(
    () => undefined,
    (error: unknown) => error,
  )

const frame = (byte: number, length = 8): Uint8Array => new Uint8Array(length).fill(byte)

describe('pcap', () => {
  test.each([
    ['little', false],
    ['big', false],
    ['little', true],
    ['big', true],
  ] as const)('reads %s-endian files, nanoseconds %s', async (endian, nanoseconds) => {
    const fraction = nanoseconds ? 250_500_000 : 250_500
    const bytes = pcap([{ seconds: 1_700_000_000, fraction, bytes: frame(7), length: 1_500 }], {
      endian,
      nanoseconds,
    })
    expect(await read(bytes)).toEqual({
      packets: 1,
      interfaces: [{ name: 'if0', linkType: LINK_TYPE.ethernet }],
      frames: [
        {
          bytes: [...frame(7)],
          length: 1_500,
          at: 1_700_000_000_250.5,
          linkType: LINK_TYPE.ethernet,
          interfaceIndex: 0,
        },
      ],
    })
  })

  test.each(Object.values(LINK_TYPE))('knows link type %i', async (linkType) => {
    const { frames } = await read(pcap([{}], { linkType }))
    expect(frames[0]?.linkType).toBe(linkType)
  })

  test.each([12, 14])('takes link type %i for raw IP', async (linkType) => {
    const { frames } = await read(pcap([{}], { linkType }))
    expect(frames[0]?.linkType).toBe(LINK_TYPE.raw)
  })

  test('names file, number and the known ones when it does not know the link type', async () => {
    const error = await failure(pcap([{}], { linkType: 105 }))
    expect(error).toBeInstanceOf(CaptureFileError)
    expect(String(error)).toMatch(/\d\.pcap: its frames have link type 105, .* 1 \(ethernet\), 101 \(raw\)/)
  })

  test('gives what a cut-off file holds and says where it ends', async () => {
    const whole = pcap([{ bytes: frame(1) }, { bytes: frame(2) }, { bytes: frame(3) }])
    for (let missing = 1; missing < 24; missing++) {
      const { frames, cutOff } = await read(whole.subarray(0, whole.length - missing))
      expect(frames).toHaveLength(2)
      expect(cutOff).toEqual({ offset: 24 + 2 * 24, packets: 2, because: 'the file ends there' })
    }
    const { cutOff } = await read(whole.subarray(0, 24 + 2 * 24))
    expect(cutOff).toBeUndefined()
  })

  test('a file that ends within its header holds nothing', async () => {
    const { packets, cutOff } = await read(pcap([]).subarray(0, 11))
    expect([packets, cutOff]).toEqual([0, { offset: 0, packets: 0, because: 'the file ends there' }])
  })

  test('an absurd length is damage, not an allocation', async () => {
    const { packets, cutOff } = await read(
      concat(pcap([{}]), numbers('little', [1, 4], [1, 4], [0xffff_ffff, 4], [60, 4]), frame(0, 5_000)),
    )
    expect(packets).toBe(1)
    expect(cutOff).toMatchObject({
      offset: 46,
      because: 'packet 2 claims 4294967295 bytes, more than the 262144 that a capture can hold',
    })
  })

  test('the longest frame passes, on the border of two reads too', async () => {
    const long = { bytes: frame(9, 262_144) }
    const { packets, frames, cutOff } = await read(pcap(Array.from({ length: 40 }, () => long)))
    expect([packets, cutOff]).toEqual([40, undefined])
    expect(frames.every(({ bytes }) => bytes.length === 262_144 && bytes.every((byte) => byte === 9))).toBe(
      true,
    )
  })
})

describe('pcapng', () => {
  test.each(['little', 'big'] as const)(
    'reads %s-endian sections with all kinds of packets',
    async (endian) => {
      const { section, interface: declare, packet, oldPacket, simplePacket, block } = pcapngBlocks(endian)
      const bytes = concat(
        section(),
        declare({ name: 'eth0' }),
        block(0xbad, frame(0, 100)),
        packet({ ticks: 1_700_000_000_000_001n, bytes: frame(1, 5) }),
        oldPacket(1_700_000_000_000_002n, frame(2, 6)),
        simplePacket(900, frame(3, 12)),
      )
      const { frames, interfaces, cutOff } = await read(bytes)
      expect([interfaces, cutOff]).toEqual([[{ name: 'eth0', linkType: 1 }], undefined])
      expect(frames.map(({ bytes, length, at }) => [bytes.length, bytes[0], length, at])).toEqual([
        [5, 1, 5, 1_700_000_000_000.001],
        [6, 2, 6, 1_700_000_000_000.002],
        [12, 3, 900, 1_700_000_000_000.002],
      ])
    },
  )

  test.each([
    ['microseconds when it is not said', undefined, 1_500_000n, 1_500],
    ['milliseconds', 3, 1_500n, 1_500],
    ['nanoseconds', 9, 1_500_000_000n, 1_500],
    ['1/1024 seconds', 0x80 | 10, 1_536n, 1_500],
    ['2^-32 seconds', 0x80 | 32, (3n << 32n) / 2n, 1_500],
    ['whole seconds', 0, 2n, 2_000],
  ])('counts %s', async (_, resolution, ticks, at) => {
    const { section, interface: declare, packet } = pcapngBlocks()
    const about = resolution === undefined ? {} : { resolution }
    const { frames } = await read(concat(section(), declare(about), packet({ ticks })))
    expect(frames[0]?.at).toBe(at)
  })

  test('adds the offset of the clock, and no time is before 1970 or beyond what a date can hold', async () => {
    const { section, interface: declare, packet } = pcapngBlocks()
    const { frames } = await read(
      concat(
        section(),
        declare({ name: 'a', offsetSeconds: 1_000 }),
        declare({ name: 'b', offsetSeconds: -9_000_000_000 }),
        declare({ name: 'c', resolution: 0 }),
        packet({ interface: 0, ticks: 5_000_000n }),
        packet({ interface: 1, ticks: 5_000_000n }),
        packet({ interface: 2, ticks: 0xffff_ffff_ffff_ffffn }),
      ),
    )
    expect(frames.map(({ at }) => at)).toEqual([1_005_000, 0, 8.64e15])
    expect(new Date(8.64e15).getTime()).toBe(8.64e15)
  })

  test('keeps interfaces of several sections apart, and the same one together', async () => {
    const little = pcapngBlocks('little')
    const big = pcapngBlocks('big')
    const { frames, interfaces } = await read(
      concat(
        little.section(),
        little.interface({ name: 'eth0' }),
        little.interface({ name: 'tun0', linkType: 101 }),
        little.packet({ interface: 1 }),
        big.section(),
        big.interface({ name: 'eth1' }),
        big.interface({ name: 'eth0' }),
        big.packet({ interface: 0 }),
        big.packet({ interface: 1 }),
      ),
    )
    expect(interfaces.map(({ name }) => name)).toEqual(['eth0', 'tun0', 'eth1'])
    expect(frames.map(({ interfaceIndex }) => interfaces[interfaceIndex]?.name)).toEqual([
      'tun0',
      'eth1',
      'eth0',
    ])
  })

  test('an interface with an unknown link type is an error only when it has packets', async () => {
    const { section, interface: declare, packet } = pcapngBlocks()
    const start = concat(section(), declare({ linkType: 220, name: 'usb0' }), declare({ name: 'eth0' }))
    expect((await read(concat(start, packet({ interface: 1 })))).packets).toBe(1)
    expect(String(await failure(concat(start, packet({ interface: 0 }))))).toContain('link type 220')
  })

  test('strips what a terminal would act upon from names', async () => {
    const { section, interface: declare, packet } = pcapngBlocks()
    const name = `\u001b[2J\u202eeth\n0${'x'.repeat(200)}`
    const { interfaces } = await read(concat(section(), declare({ name }), packet()))
    expect(interfaces[0]?.name).toBe(`[2Jeth0${'x'.repeat(57)}`)
  })

  test('skips a block that is larger than its buffer', async () => {
    const { section, interface: declare, packet, block } = pcapngBlocks()
    const { packets, cutOff } = await read(
      concat(section(), declare(), packet(), block(0x0bad_cafe, frame(0, 9_000_000)), packet()),
    )
    expect([packets, cutOff]).toEqual([2, undefined])
  })

  test.each([
    ['zero', 0],
    ['below the smallest', 8],
    ['not a multiple of four', 45],
    ['absurd', 0xffff_fffc],
  ])('a packet block of a length that is %s is damage', async (_, length) => {
    const { section, interface: declare, packet } = pcapngBlocks()
    const start = concat(section(), declare(), packet())
    const { packets, cutOff } = await read(
      concat(start, numbers('little', [6, 4], [length, 4]), frame(0, 100)),
    )
    expect(packets).toBe(1)
    expect(cutOff).toMatchObject({
      offset: start.length,
      because: expect.stringContaining(`${length} bytes`),
    })
  })

  test('an unknown block that never ends is where the file ends', async () => {
    const { section, interface: declare, packet } = pcapngBlocks()
    const start = concat(section(), declare(), packet())
    const { packets, cutOff } = await read(
      concat(start, numbers('little', [0xbad, 4], [0x7fff_fff0, 4]), frame(0, 100)),
    )
    expect([packets, cutOff]).toEqual([
      1,
      { offset: start.length, packets: 1, because: 'the file ends there' },
    ])
  })

  test('a packet of an interface that was never declared is damage', async () => {
    const { section, interface: declare, packet } = pcapngBlocks()
    const { cutOff } = await read(concat(section(), declare(), packet({ interface: 3 })))
    expect(cutOff?.because).toContain('interface 3')
  })

  test('a file that declares interfaces without end is stopped', async () => {
    const { section, interface: declare } = pcapngBlocks()
    const many = Array.from({ length: 2_000 }, (_, at) => declare({ name: `if${at}` }))
    const { interfaces, cutOff } = await read(concat(section(), ...many))
    expect(interfaces).toHaveLength(1_024)
    expect(cutOff?.because).toContain('more than 1024 interfaces')
  })
})

describe('gzip', () => {
  /** 400 KB that do not pack well. */
  const irregular = Array.from({ length: 20_000 }, (_, at) => ({
    seconds: at,
    bytes: numbers('big', [(at * 2_654_435_761) % 2 ** 32, 4]),
  }))

  test('is seen by its first bytes and may have several members', async () => {
    const whole = pcap([{ bytes: frame(1) }, { bytes: frame(2) }])
    const { packets, cutOff } = await read(
      concat(gzipSync(whole.subarray(0, 30)), gzipSync(whole.subarray(30))),
    )
    expect([packets, cutOff]).toEqual([2, undefined])
  })

  test('cut off, it gives what it holds', async () => {
    const packed = gzipSync(pcap(irregular))
    const { packets, cutOff } = await read(packed.subarray(0, packed.length >> 1))
    expect(packets).toBeGreaterThan(irregular.length * 0.3)
    expect(packets).toBeLessThan(irregular.length * 0.7)
    expect(cutOff?.because).toContain('gzip')
    expect(cutOff?.offset).toBe(24 + 20 * packets)
  })

  test('damaged in the middle, it gives what came before', async () => {
    const packed = gzipSync(pcap(irregular))
    packed.fill(0xff, packed.length >> 1, (packed.length >> 1) + 400)
    const { packets, cutOff } = await read(packed)
    expect(packets).toBeGreaterThan(irregular.length * 0.2)
    expect(packets).toBeLessThan(irregular.length)
    expect(cutOff?.packets).toBe(packets)
  })

  test('a bomb is read in constant memory', async () => {
    // 256 MB of zeros in 255 KB: after the file header these are 16 million empty frames.
    const bomb = gzipSync(concat(pcap([]), new Uint8Array(256 << 20)))
    const path = file(bomb)
    const before = process.memoryUsage().rss
    let frames = 0
    let most = 0
    const { packets } = await readCapture(path, {
      frame() {
        if ((frames++ & 0xf_ffff) === 0) most = Math.max(most, process.memoryUsage().rss)
      },
    })
    expect(packets).toBe(16 << 20)
    expect(most - before).toBeLessThan(100 << 20)
  })

  test('that is no gzip behind its first bytes is an error', async () => {
    const error = await failure(concat(Uint8Array.of(0x1f, 0x8b), frame(0x55, 50)))
    expect(error).toBeInstanceOf(CaptureFileError)
    expect(String(error)).toContain('is damaged gzip data')
  })
})

describe('what is no capture is one clear error', () => {
  test.each([
    ['a missing file', () => join(folder, 'absent.pcap'), 'does not exist'],
    ['a directory', () => folder, 'is a directory'],
    ['an empty file', () => file(new Uint8Array(0)), 'is empty'],
    ['a text', () => file(new TextEncoder().encode('hello, world')), 'is not a capture file'],
    ['two bytes', () => file(Uint8Array.of(0xd4, 0xc3)), 'is not a capture file'],
    ['a packed text', () => file(gzipSync('hello, world')), 'is not a capture file'],
    ['nothing, packed', () => file(gzipSync('')), 'is not a capture file'],
    ['zstd', () => file(Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0)), 'zstd -d'],
  ])('%s', async (_, path, words) => {
    const error = await readCapture(path(), { frame() {} }).catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(CaptureFileError)
    expect(String(error)).toContain(words)
  })

  test('tells what the sink throws as it is', async () => {
    const broken = new RangeError('mine')
    const reading = readCapture(file(gzipSync(pcap([{}]))), {
      frame() {
        throw broken
      },
    })
    await expect(reading).rejects.toBe(broken)
  })
})

describe('whatever the bytes', () => {
  const { section, interface: declare, packet } = pcapngBlocks()
  const openings = [
    pcap([{}, {}]),
    pcap([{}], { endian: 'big', nanoseconds: true }),
    concat(section(), declare({ name: 'eth0', resolution: 9 }), packet(), packet()),
  ]

  test('reading ends, stays within the file, and throws nothing but CaptureFileError', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...openings),
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 6 }),
        fc.uint8Array({ maxLength: 200 }),
        async (opening, changes, tail) => {
          const bytes = concat(opening, tail)
          for (const [at, value] of changes) bytes[at % bytes.length] = value
          const summary = await read(bytes).catch((error: unknown) => error)
          if (summary instanceof CaptureFileError) return
          const { frames, packets, cutOff } = summary as Awaited<ReturnType<typeof read>>
          expect(frames).toHaveLength(packets)
          expect(frames.reduce((sum, seen) => sum + seen.bytes.length, 0)).toBeLessThan(bytes.length)
          expect(frames.every(({ at }) => at >= 0 && at <= 8.64e15)).toBe(true)
          if (cutOff) expect(cutOff.offset).toBeLessThanOrEqual(bytes.length)
        },
      ),
      { numRuns: 500 },
    )
  })
})
