import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { decodePlaces, encodePlaces, type PlacesFile } from '../../src/identify/places/places-file.ts'
import { addCountries, addNetworks, type NetworkNames, Numbering } from './ranges.ts'

/**
 * Makes dist/places.bin of the data packages, unless it is there and of the same versions. Run by scripts/setup.mjs,
 * and by hand: `npm run places`.
 */
const COUNTRIES = '@ip-location-db/geo-whois-asn-country-mmdb'
const NETWORKS = '@ip-location-db/asn'
const root = dirname(dirname(import.meta.dirname))
const target = join(root, 'dist', 'places.bin')
const fileOf = (name: string, file: string): string => join(root, 'node_modules', name, file)

/** Reads the packages: a second or two. Throws an Error in words. */
export function buildPlaces(): PlacesFile {
  const codes = new Numbering<string>()
  const country4 = addCountries(readFileSync(fileOf(COUNTRIES, 'geo-whois-asn-country-ipv4.mmdb')), 32, codes)
  const country6 = addCountries(
    readFileSync(fileOf(COUNTRIES, 'geo-whois-asn-country-ipv6.mmdb')),
    128,
    codes,
  )
  const networks = new Numbering<number>()
  const names: NetworkNames = new Map()
  const csv = (family: 4 | 6): string => readFileSync(fileOf(NETWORKS, `asn-ipv${family}-num.csv`), 'utf8')
  const network4 = addNetworks({ csv: csv(4), bits: 32, numbering: networks, names })
  const network6 = addNetworks({ csv: csv(6), bits: 128, numbering: networks, names })
  const numbers = networks.keys
  const texts = numbers.map((number) => Buffer.from(names.get(number) ?? ''))
  let end = 0
  return {
    sources: versions(),
    tables: {
      codes: codes.keys,
      country4: country4.finish(false),
      country6: country6.finish(false),
      networks: Uint32Array.from(numbers),
      names: Buffer.concat(texts),
      nameEnds: Uint32Array.from(texts, (text) => {
        end += text.length
        return end
      }),
      network4: network4.finish(true),
      network6: network6.finish(true),
    },
  }
}

function versions(): Record<string, string> {
  const versionOf = (name: string): string =>
    (JSON.parse(readFileSync(fileOf(name, 'package.json'), 'utf8')) as { version: string }).version
  return { [COUNTRIES]: versionOf(COUNTRIES), [NETWORKS]: versionOf(NETWORKS) }
}

function isUpToDate(): boolean {
  if (!existsSync(target)) return false
  try {
    return JSON.stringify(decodePlaces(readFileSync(target)).sources) === JSON.stringify(versions())
  } catch {
    // Broken or of an older format: it is made anew.
    return false
  }
}

/** A reader finds the old file or the whole new one. */
function write(bytes: Uint8Array): void {
  mkdirSync(dirname(target), { recursive: true })
  const fresh = `${target}.${process.pid}.new`
  try {
    writeFileSync(fresh, bytes)
    renameSync(fresh, target)
  } finally {
    rmSync(fresh, { force: true })
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url) && !isUpToDate()) {
  process.stderr.write('gatehouse: Preparing countries and networks of addresses.\n')
  const file = buildPlaces()
  write(encodePlaces(file))
  const ranges = file.tables.network4.values.length + file.tables.network6.values.length
  process.stderr.write(`gatehouse: Ready: ${ranges} ranges of ${file.tables.networks.length} networks.\n`)
}
