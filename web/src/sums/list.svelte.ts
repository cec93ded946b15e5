import { untrack } from 'svelte'
import type { Connection } from '../../../src/contract/schemas.ts'
import type { SummaryList } from '../../../src/contract/views.ts'
import { ProblemError } from '../api.ts'
import { brush, type TimeRange } from '../brush.svelte.ts'
import { clock } from '../clock.svelte.ts'
import { live } from '../live.svelte.ts'
import { route } from '../route.svelte.ts'
import { type PastPeriod, periodOf } from '../search/kept-values.svelte.ts'
import { matches, type Understood, understand } from '../search/pieces.ts'
import { lengthOf, PERIODS, readSums } from './period.ts'
import { type By, SORTS, type Sort, type Sum, sorted, sumsOf, withPeriod } from './sums.ts'

const READ_EVERY_MS = 30_000
const READ_AFTER_MS = 250

/** The list of programs or hosts: what is in it, over which period, and in which order. */
export class SumList {
  readonly by: By
  cursor = $state('')
  /** Nothing moves while the reader points at the list. */
  isHeld = $state(false)
  problem = $state.raw<ProblemError | undefined>(undefined)

  readonly period = $derived(PERIODS.find((period) => period === route.get('period')) ?? 'now')
  readonly sort = $derived(
    SORTS.find((sort) => sort === route.get('sort')) ??
      (this.period === 'now' && !brush.range ? 'down' : 'bytesIn'),
  )
  readonly isDescending = $derived((route.get('turn') || turnOf(this.sort)) === 'down')
  readonly asked: Understood = $derived(
    understand(
      route.get('q'),
      untrack(() => clock.now),
    ),
  )
  /** The part of the past that is shown; nothing for what is open now. */
  readonly searched: PastPeriod | undefined = $derived.by(() => {
    const { period } = this
    if (brush.range) return periodOf(this.asked.search, brush.range)
    if (period === 'now') return undefined
    const since = untrack(() => clock.now) - lengthOf(period)
    return periodOf(this.asked.search, { from: since, to: Number.POSITIVE_INFINITY })
  })
  readonly all: readonly Sum[] = $derived.by(() => this.#sums())
  readonly shown: readonly Sum[] = $derived.by(() => this.#order())
  readonly at = $derived(this.shown.findIndex(({ key }) => key === this.cursor))
  readonly inspected = $derived(this.all.find(({ key }) => key === route.get('sel')))

  past = $state.raw<(SummaryList & { readonly query: string; readonly of: string | TimeRange }) | undefined>(
    undefined,
  )
  /** When each was first seen, as far back as the store goes. */
  #firsts = $state.raw<ReadonlyMap<string, number>>(new Map())
  #order_: readonly string[] = []
  #orderedAs = ''

  constructor(by: By) {
    this.by = by
  }

  /** Reads what the store keeps, again and again until the answer is called. Call it within an effect. */
  watch(): () => void {
    const { period } = this
    const { range } = brush
    const { query } = this.asked
    const isReady = live.isLoaded
    if (!isReady) return () => {}
    const read = (): void => void this.#read(period, query, range)
    const first = setTimeout(read, READ_AFTER_MS)
    const timer = setInterval(read, READ_EVERY_MS)
    return () => {
      clearTimeout(first)
      clearInterval(timer)
    }
  }

  sortBy(sort: Sort): void {
    const isSame = sort === this.sort
    const turn = isSame ? (this.isDescending ? 'up' : 'down') : turnOf(sort)
    route.set({ sort, turn: turn === turnOf(sort) ? '' : turn })
  }

  move(by: number): void {
    const last = this.shown.length - 1
    const to = this.at < 0 ? 0 : Math.min(last, Math.max(0, this.at + by))
    this.cursor = this.shown[to]?.key ?? ''
    if (route.get('sel') !== '') this.inspect(this.cursor)
  }

  inspect(key: string): void {
    route.set({ sel: key })
  }

  async #read(period: (typeof PERIODS)[number], query: string, range: TimeRange | undefined): Promise<void> {
    try {
      const first = await readSums(this.by, 0)
      this.#firsts = new Map(first.items.map(({ key, firstAt }) => [key, firstAt]))
      if (range) {
        const past = await readSums(this.by, range.from, query, range.to)
        if (range === brush.range && query === this.asked.query) this.past = { ...past, query, of: range }
      } else if (period !== 'now') {
        const past = await readSums(this.by, clock.now - lengthOf(period), query)
        if (period === this.period && query === this.asked.query) this.past = { ...past, query, of: period }
      }
      this.problem = undefined
    } catch (problem) {
      if (!(problem instanceof ProblemError)) throw problem
      this.problem = problem
    }
  }

  #sums(): readonly Sum[] {
    void live.version
    const { search } = this.asked
    const found = (function* (): Generator<Connection> {
      for (const connection of live.connections.values())
        if (matches(search, connection, false)) yield connection
    })()
    const open = sumsOf(found, this.by, (id) => live.goneAt.has(id))
    const of = brush.range ?? this.period
    const isRead = of !== 'now' && this.past?.of === of
    if (brush.range) {
      // Only what was there then: what is open now tells no more than its name and owner.
      const then = isRead && this.past ? withPeriod(open, this.past.items, this.by) : []
      return then.slice(0, this.past?.items.length)
    }
    const sums = isRead && this.past ? withPeriod(open, this.past.items, this.by) : [...open.values()]
    for (const sum of sums) sum.firstAt = Math.min(sum.firstAt, this.#firsts.get(sum.key) ?? sum.firstAt)
    return sums
  }

  #order(): readonly Sum[] {
    const as = `${this.period} ${this.sort} ${this.isDescending} ${route.get('q')}`
    const fresh = sorted(this.all, this.sort, this.isDescending)
    if (this.isHeld && as === this.#orderedAs) {
      const ranks = new Map(this.#order_.map((key, rank) => [key, rank]))
      const rank = ({ key }: Sum): number => ranks.get(key) ?? ranks.size
      return fresh.sort((a, b) => rank(a) - rank(b))
    }
    this.#orderedAs = as
    this.#order_ = fresh.map(({ key }) => key)
    return fresh
  }
}

/** Which way a column is sorted first. */
const turnOf = (sort: Sort): 'up' | 'down' => (sort === 'name' ? 'up' : 'down')
