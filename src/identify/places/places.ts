import { readFileSync } from 'node:fs'
import { type AddressWords, readWords } from '#lib/address-words.ts'
import { RecentMap } from '#lib/recent-map.ts'
import type { Ip } from '#model/address.ts'
import type { PartHealth } from '#model/health.ts'
import type { Country, Network, Place, PlaceSpans } from '#model/place.ts'
import { countryOf } from './country.ts'
import { type OwnFile, openOwnFile } from './own-file.ts'
import { placeSpansOf } from './place-spans.ts'
import { decodePlaces, type PlacesTables } from './places-file.ts'
import { createRangeTable } from './range-table.ts'
import { ipv4Within, specialRangeOf } from './special.ts'

const REMEMBERED = 16_384
const HOW_TO_BUILD = 'Run this once in the folder of Gatehouse: npm run places'
const NOTHING: Place = {}

export interface PlacesOptions {
  /** The file that scripts/places made. */
  readonly path: string
  /** MMDB files of a person's own: what they know wins. */
  readonly files: readonly string[]
}

/** Where addresses are and whose they are, from local files alone. */
export interface Places {
  readonly health: PartHealth
  /** Never throws: what is not known is absent. The same object for the same address while it is remembered. */
  placeOf(address: Ip): Place
  /** Which addresses countries and networks have, by the file of places alone; absent without that file. */
  readonly spans: PlaceSpans | undefined
}

interface Own {
  readonly path: string
  readonly file: OwnFile
}

/** Files that cannot be read are told by `health`; the rest works. */
export const createPlaces = (options: PlacesOptions): Places => new LocalPlaces(options)

class LocalPlaces implements Places {
  readonly #remembered = new RecentMap<Ip, Place>(REMEMBERED)
  readonly #words: AddressWords = new Uint32Array(4)
  readonly #atlas: Atlas | undefined
  #own: readonly Own[]
  #trouble: PartHealth | undefined

  constructor({ path, files }: PlacesOptions) {
    this.#atlas = this.#try(path, HOW_TO_BUILD, () => new Atlas(decodePlaces(readFileSync(path)).tables))
    this.#own = files.flatMap((file) => {
      const opened = this.#try(file, HOW_TO_SET, () => openOwnFile(file))
      return opened ? [{ path: file, file: opened }] : []
    })
  }

  get spans(): PlaceSpans | undefined {
    return this.#atlas?.spans
  }

  get health(): PartHealth {
    if (this.#trouble) return this.#trouble
    const own = this.#own.length === 0 ? '' : ` and ${this.#own.map(({ path }) => path).join(', ')}`
    return { part: 'places', state: 'ok', note: `${this.#atlas?.networks ?? 0} networks are known${own}` }
  }

  placeOf(address: Ip): Place {
    const known = this.#remembered.get(address)
    if (known) return known
    const place = this.#find(address)
    this.#remembered.set(address, place)
    return place
  }

  #find(address: Ip): Place {
    const words = this.#words
    let isIpv6 = readWords(address, words)
    const special = specialRangeOf(words, isIpv6)
    if (special && !special.isGlobal) return { special: special.name }
    const within = isIpv6 ? ipv4Within(words) : undefined
    if (within !== undefined) {
      // What matters is where the packets come out.
      isIpv6 = false
      words[0] = within
      const inner = specialRangeOf(words, false)
      if (inner && !inner.isGlobal) return { special: `${special?.name ?? 'tunnel'}, ${inner.name}` }
    }
    const place = { ...this.#atlas?.placeOf(words, isIpv6), ...this.#ownPlaceOf(address) }
    return special ? { ...place, special: special.name } : place
  }

  #ownPlaceOf(address: Ip): Place {
    if (this.#own.length === 0) return NOTHING
    const place: Place = {}
    // Backwards, so that the first file has the last word.
    for (const own of this.#own.toReversed()) {
      const found = this.#try(own.path, HOW_TO_SET, () => own.file.placeOf(address))
      if (!found) this.#own = this.#own.filter((other) => other !== own)
      Object.assign(place, found)
    }
    return place
  }

  #try<Result>(path: string, remedy: string, work: () => Result): Result | undefined {
    try {
      return work()
    } catch (error) {
      this.#trouble ??= {
        part: 'places',
        state: 'degraded',
        reason: `${path} cannot be used, so countries, networks or cities are missing: ${reasonOf(error)}`,
        remedy,
      }
      return undefined
    }
  }
}

const HOW_TO_SET = 'Correct the setting places.files, or put the file in place, and start again.'

function reasonOf(error: unknown): string {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'it is not there'
  return (error as Error).message
}

/** Countries and networks by ranges of addresses. */
class Atlas {
  readonly #tables: PlacesTables
  readonly #country4
  readonly #country6
  readonly #network4
  readonly #network6
  readonly spans: PlaceSpans
  /** Made when they are first met: as many as there are networks at most. */
  readonly #known = new Map<number, Network>()

  constructor(tables: PlacesTables) {
    this.#tables = tables
    this.spans = placeSpansOf(tables)
    this.#country4 = createRangeTable(tables.country4)
    this.#country6 = createRangeTable(tables.country6)
    this.#network4 = createRangeTable(tables.network4)
    this.#network6 = createRangeTable(tables.network6)
  }

  get networks(): number {
    return this.#tables.networks.length
  }

  placeOf(words: AddressWords, isIpv6: boolean): Place {
    const country = this.#countryAt((isIpv6 ? this.#country6 : this.#country4).find(words))
    const asn = this.#networkAt((isIpv6 ? this.#network6 : this.#network4).find(words))
    if (country && asn) return { country, asn }
    if (country) return { country }
    return asn ? { asn } : NOTHING
  }

  #countryAt(value: number): Country | undefined {
    const code = this.#tables.codes[value - 1]
    return code === undefined ? undefined : countryOf(code)
  }

  #networkAt(value: number): Network | undefined {
    const known = this.#known.get(value)
    if (known) return known
    const { networks, names, nameEnds } = this.#tables
    const number = networks[value - 1]
    if (number === undefined) return undefined
    const from = nameEnds[value - 2] ?? 0
    const name = new TextDecoder().decode(names.subarray(from, nameEnds[value - 1]))
    const network = { number, name }
    this.#known.set(value, network)
    return network
  }
}
