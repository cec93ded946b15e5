import { geoEqualEarth, geoPath } from 'd3-geo'
import { feature, mesh } from 'topojson-client'
import shapes from 'world-atlas/countries-110m.json'
import { middleOf } from './middles.ts'

/** Natural Earth 1:110m, public domain. */
const topology = shapes as unknown as Parameters<typeof feature>[0] & {
  readonly objects: {
    readonly land: Exclude<Parameters<typeof feature>[1], string>
    readonly countries: NonNullable<Parameters<typeof mesh>[1]>
  }
}
const land = feature(topology, topology.objects.land)
const borders = mesh(topology, topology.objects.countries, (a, b) => a !== b)

export interface World {
  readonly land: string
  readonly borders: string
  readonly height: number
  /** Where a country's line ends, in pixels. */
  pointOf(country: string): readonly [number, number] | undefined
}

const SHARE = 0.47

/** The world in equal earth, `width` pixels wide. Loaded when the map is first opened. */
export function drawWorld(width: number): World {
  const height = Math.round(width * SHARE)
  const projection = geoEqualEarth().fitExtent(
    [
      [8, 8],
      [width - 8, height - 8],
    ],
    land,
  )
  const path = geoPath(projection).digits(1)
  return {
    land: path(land) ?? '',
    borders: path(borders) ?? '',
    height,
    pointOf(country) {
      const middle = middleOf(country)
      return (middle && projection([middle[0], middle[1]])) ?? undefined
    },
  }
}
