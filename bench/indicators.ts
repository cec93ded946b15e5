import { createWriteStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { BlockList } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { keptLine } from '../src/intel/formats/kept.ts'
import { Indicators } from '../src/intel/indicators/indicators.ts'
import { buffersOf } from '../src/intel/indicators/list-columns.ts'
import { loadKept } from '../src/intel/update/kept-list.ts'
import { formatIpv4, formatIpv6, type Ip } from '../src/model/address.ts'
import type { Indicator } from '../src/model/indicator.ts'
import { runLists } from '../test/support/list-enforcer.ts'
import { layWire } from '../test/support/namespaces.ts'
import { median, printBench, type Row } from './bench.ts'

export const title =
  'indicators: 700,000 addresses, 150,000 ranges, 150,000 of IPv6, 200,000 names on ten lists'

const ADDRESSES = 700_000
const RANGES = 150_000
const IPV6 = 150_000
const DOMAINS = 200_000
const ASKED = 100_000
const NOW = Date.UTC(2026, 10, 20)
const key = { k0: 1, k1: 2 }

export async function run(): Promise<readonly Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'))
  try {
    return [...(await measure(folder)), ...(await measureKernel(folder))]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

interface Asked {
  readonly targets: readonly string[]
  readonly hits: readonly Ip[]
  readonly misses: readonly Ip[]
  readonly hits6: readonly Ip[]
}

async function measure(folder: string): Promise<Row[]> {
  const noise = noiseOf(7)
  const addresses = Array.from({ length: ADDRESSES }, () => publicIpv4(noise))
  const ranges = Array.from({ length: RANGES }, () => `${publicIpv4(noise)}/${20 + Math.floor(noise() * 10)}`)
  const ipv6 = Array.from({ length: IPV6 }, () => publicIpv6(noise))
  const domains = Array.from({ length: DOMAINS }, (_, at) => `host-${at}.example-${at % 977}.net`)
  const asked: Asked = {
    targets: [...addresses, ...ranges, ...ipv6],
    hits: picked(addresses, noise) as Ip[],
    misses: Array.from({ length: ASKED }, () => publicIpv4(noise)) as Ip[],
    hits6: picked(ipv6, noise) as Ip[],
  }
  const targetsFile = join(folder, 'targets.gz')
  const namesFile = join(folder, 'names.gz')
  await write(targetsFile, 'target', asked.targets)
  await write(namesFile, 'domain', domains)

  const indicators = new Indicators(key)
  const began = performance.now()
  const columns = await loadKept(targetsFile, { key, maxEntries: 2_000_000 })
  indicators.replace('targets', columns)
  const loadMs = performance.now() - began
  const held = buffersOf(columns).reduce((sum, buffer) => sum + buffer.byteLength, 0)
  indicators.replace('names', await loadKept(namesFile, { key, maxEntries: 2_000_000 }))
  for (let list = 0; list < 8; list++) indicators.replace(`small ${list}`, await smallList(folder, noise))

  const ofAddress = (address: Ip): unknown => indicators.ofAddress(address, NOW)
  const ofName = (name: string): unknown => indicators.ofName(name, NOW)
  const hitNames = picked(domains, noise).map((name) => `www.${name}`)
  const missNames = picked(domains, noise).map((name) => `${name}.example.org`)
  return [
    { ...ms('load', 'gatehouse', loadMs), note: 'from a .gz file' },
    { ...megabytes('memory', 'gatehouse', held / 1e6), note: 'the columns; date for each' },
    ns('look-up, IPv4 on no list', 'gatehouse', time(asked.misses, ofAddress)),
    ns('look-up, IPv4 listed', 'gatehouse', time(asked.hits, ofAddress)),
    ns('look-up, IPv6 listed', 'gatehouse', time(asked.hits6, ofAddress)),
    ns('look-up, name on no list', 'gatehouse', time(missNames, ofName)),
    ns('look-up, name below a listed one', 'gatehouse', time(hitNames, ofName)),
    replaceRow(indicators, await smallList(folder, noise)),
    ...peersOf(asked),
  ]
}

const IN_KERNEL = 1_000_000

/** A million of a list that blocks, a tenth of them ranges, in a namespace of its own. Needs root. */
async function measureKernel(folder: string): Promise<Row[]> {
  if (process.getuid?.() !== 0) {
    console.log('  left out: lists in the kernel need root')
    return []
  }
  const wire = layWire()
  const lists = runLists(wire.server.namespace)
  try {
    const { tookMs, stallMs } = await lists.holdMany(IN_KERNEL)
    const script = join(folder, 'list.nft')
    writeFileSync(script, nftScript())
    const began = performance.now()
    wire.client.run('nft', '-f', script)
    const nftMs = performance.now() - began
    const what = `put ${IN_KERNEL} into the kernel`
    return [
      { ...ms(what, 'gatehouse', tookMs), note: `nothing else waits longer than ${Math.round(stallMs)} ms` },
      { ...ms(what, 'nft -f', nftMs), note: 'one transaction: all else waits so long' },
    ]
  } finally {
    await lists.kill()
    wire.remove()
  }
}

/** The same entries as `holdMany` has, as nft reads them. */
function nftScript(): string {
  const [addresses, ranges]: [string[], string[]] = [[], []]
  for (let at = 0; at < IN_KERNEL; at++) {
    const address = formatIpv4(0x0b000000 + at * 16)
    if (at % 10 === 0) ranges.push(`${address}/29`)
    else addresses.push(address)
  }
  const set = (name: string, flags: string, elements: readonly string[]): string =>
    `set ${name} { type ipv4_addr; ${flags} elements = { ${elements.join(', ')} }; }`
  return `table inet bench {\n${set('addresses', '', addresses)}\n${set('ranges', 'flags interval;', ranges)}\n}\n`
}

/** A Map knows exact addresses alone: it is the least that any look-up costs. A BlockList says neither which nor why. */
function peersOf({ targets, hits, misses, hits6 }: Asked): Row[] {
  const exact = targets.filter((target) => !target.includes('/'))
  const mapBefore = memory()
  const mapBegan = performance.now()
  const map = new Map(exact.map((address) => [address, { since: NOW, reason: 'x' }]))
  const mapMs = performance.now() - mapBegan
  const mapMegabytes = memory() - mapBefore
  const listBefore = memory()
  const listBegan = performance.now()
  const list = new BlockList()
  for (const target of targets) addTo(list, target)
  const listMs = performance.now() - listBegan
  const listMegabytes = memory() - listBefore
  const note = 'no ranges; its texts not counted'
  const noteList = 'neither list nor reason'
  return [
    { ...ms('load', 'Map', mapMs), note: `${map.size} texts in memory already` },
    { ...ms('load', 'net.BlockList', listMs), note: 'texts in memory already' },
    { ...megabytes('memory', 'Map', mapMegabytes), note },
    { ...megabytes('memory', 'net.BlockList', listMegabytes), note: noteList },
    ns(
      'look-up, IPv4 on no list',
      'Map',
      time(misses, (address) => map.get(address)),
    ),
    ns(
      'look-up, IPv4 on no list',
      'net.BlockList',
      time(misses, (address) => list.check(address)),
    ),
    ns(
      'look-up, IPv4 listed',
      'Map',
      time(hits, (address) => map.get(address)),
    ),
    ns(
      'look-up, IPv4 listed',
      'net.BlockList',
      time(hits, (address) => list.check(address)),
    ),
    ns(
      'look-up, IPv6 listed',
      'Map',
      time(hits6, (address) => map.get(address)),
    ),
    ns(
      'look-up, IPv6 listed',
      'net.BlockList',
      time(hits6, (address) => list.check(address, 'ipv6')),
    ),
  ]
}

function addTo(list: BlockList, target: string): void {
  const family = target.includes(':') ? 'ipv6' : 'ipv4'
  const [network = '', bits] = target.split('/')
  if (bits === undefined) list.addAddress(network, family)
  else list.addSubnet(network, Number(bits), family)
}

/** Of objects, buffers and native code, in MB. */
function memory(): number {
  globalThis.gc?.()
  return process.memoryUsage().rss / 1e6
}

function replaceRow(indicators: Indicators, columns: Awaited<ReturnType<typeof loadKept>>): Row {
  const began = performance.now()
  indicators.replace('small 3', columns)
  return ms('replace one of ten lists', 'gatehouse', performance.now() - began)
}

const row =
  (unit: string) =>
  (what: string, who: string, value: number): Row => ({ what, who, value, unit, better: 'less' })
const [ns, ms, megabytes] = [row('ns'), row('ms'), row('MB')]

/** Nanoseconds for one, the middle of several rounds after a warm one. */
function time<Asked>(asked: readonly Asked[], look: (one: Asked) => unknown, rounds = 5): number {
  let answered = 0
  const round = (): number => {
    const began = performance.now()
    for (const one of asked) if (look(one) !== undefined) answered++
    return ((performance.now() - began) * 1e6) / asked.length
  }
  round()
  const middle = median(Array.from({ length: rounds }, round))
  // What nobody looks at may be left out by the compiler.
  if (answered < 0) throw new Error('unreachable')
  return middle
}

async function smallList(folder: string, noise: () => number) {
  const path = join(folder, 'small.gz')
  await write(
    path,
    'target',
    Array.from({ length: 5_000 }, () => publicIpv4(noise)),
  )
  return loadKept(path, { key, maxEntries: 2_000_000 })
}

async function write(path: string, kind: Indicator['kind'], values: readonly string[]): Promise<void> {
  const lines = function* () {
    for (let at = 0; at < values.length; at += 1000) {
      yield values
        .slice(at, at + 1000)
        .map((value) => keptLine({ kind, value }, NOW / 1000))
        .join('')
    }
  }
  await pipeline(lines, createGzip({ level: 1 }), createWriteStream(path))
}

const picked = (from: readonly string[], noise: () => number): string[] =>
  Array.from({ length: ASKED }, () => from[Math.floor(noise() * from.length)] as string)

const publicIpv4 = (noise: () => number): string =>
  formatIpv4(((11 + Math.floor(noise() * 85)) << 24) | Math.floor(noise() * 2 ** 24))

const publicIpv6 = (noise: () => number): string => {
  const word = () => Math.floor(noise() * 2 ** 32) >>> 0
  return formatIpv6((0x2a000000 | (word() & 0xffffff)) >>> 0, word(), word(), word())
}

/** Repeatable noise (mulberry32). */
function noiseOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

if (import.meta.main) await printBench({ title, run })
