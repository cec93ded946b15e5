import { route } from './route.svelte.ts'

/** A part of the past, in milliseconds since the epoch. */
export interface TimeRange {
  readonly from: number
  readonly to: number
}

/** The part of the timeline that is marked: it stands in the address, and every list keeps to it. */
class Brush {
  readonly range: TimeRange | undefined = $derived.by(() => {
    const [from, to] = [Date.parse(route.get('from')), Date.parse(route.get('to'))]
    return from < to ? { from, to } : undefined
  })

  mark({ from, to }: TimeRange): void {
    route.set({ from: short(from), to: short(to) })
  }

  clear(): void {
    route.set({ from: '', to: '' })
  }

  /** Whether something of this time is in the marked part; all is where nothing is marked. */
  holds(first: number, last = first): boolean {
    return this.range === undefined || (first < this.range.to && last >= this.range.from)
  }

  /** A search that keeps to the marked part as well. */
  within(query: string): string {
    const { range } = this
    if (!range) return query
    return `${query} since:${short(range.from)} until:${short(range.to)}`.trim()
  }

  /** The same place with the marked part. */
  href(href: string): string {
    const { range } = this
    if (!range) return href
    const mark = new URLSearchParams({ from: short(range.from), to: short(range.to) })
    return `${href}${href.includes('?') ? '&' : '?'}${mark}`
  }
}

const short = (at: number): string => new Date(at).toISOString().replace('.000Z', 'Z')

export const brush = new Brush()
