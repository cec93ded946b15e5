import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Search } from '#contract/search/search.ts'
import { cursorAfter, readCursor, sliceLimit } from '../cursor.ts'
import { timeOfKey } from '../flow-key.ts'
import { readFlows } from '../flow-list.ts'
import type { Values } from '../rows.ts'
import type { SearchRequest, SearchSlice } from '../store.ts'
import { prepareForSearch, type SearchState } from './binding.ts'
import { blockedRanges, createBlockedAddresses } from './blocked.ts'
import type { Walk } from './part.ts'
import { type Plan, planOf } from './plan.ts'
import { Sifting } from './sifting.ts'
import { usedValues } from './terms.ts'

const AT_ONCE = 250

export interface SearchLimits {
  /** After this long an answer is given as it is, with the cursor to go on: others wait for this thread. */
  readonly budgetMs: number
  /** An index that leads to more flows of a segment than this is no short cut: then the segment is read. */
  readonly candidates: number
}

/** Where no index leads to few flows, so many times as many are laid over those that another leads to … */
const MEETING = 10
/** … once a sixteenth of the segment was read and had not even half of what is wanted. */
const NEWEST_PIECE = 16
const RARE = 2

const LIMITS: SearchLimits = { budgetMs: 150, candidates: 2000 }

/** Some ten thousand flows that were recorded one after the other. */
export interface Segment {
  readonly segment: number
  /** Its ids: the first is in, the end is out. */
  readonly first: number
  readonly end: number
}

/** Looks at the candidates of a segment, or at all of it; false: that is enough, `rare`: there was hardly anything. */
type Visit = (segment: Segment, candidates: readonly number[] | undefined) => boolean | 'rare'

/** How one search finds its way in each segment. */
interface Ways {
  readonly walks: Plan['ways']
  readonly sifting: Sifting
  /** Those that led to too many in a segment. */
  readonly common: Set<Plan['ways'][number]>
}

type FoundIds = { readonly ids: number[]; readonly stoppedBelow?: number }

/** Finds flows by any field, newest first. Bounded in time: it answers what it has, and where to go on. */
export class FlowSearch {
  readonly #db: DatabaseSync
  readonly #run: number
  readonly #state: SearchState
  readonly #limits: SearchLimits
  readonly #statements = new Map<string, StatementSync>()

  constructor(db: DatabaseSync, run: number, limits = LIMITS) {
    this.#db = db
    this.#run = run
    this.#limits = limits
    this.#state = prepareForSearch(db)
  }

  slice({ search, limit: asked, cursor, now }: SearchRequest): SearchSlice {
    const limit = sliceLimit(asked)
    const below = cursor === undefined ? Number.MAX_SAFE_INTEGER : readCursor('flows', cursor)
    const { ids, stoppedBelow } = this.#find(this.plan(search, now), below, limit + 1)
    const items = readFlows(this.#db, ids.slice(0, limit), this.#run)
    const last = ids[limit - 1]
    if (ids.length > limit && last !== undefined) {
      return { items, total: items.length, totalIsFloor: true, next: cursorAfter('flows', last) }
    }
    if (stoppedBelow === undefined) return { items, total: items.length }
    const searchedTo = timeOfKey(stoppedBelow)
    return {
      items,
      total: items.length,
      totalIsFloor: true,
      next: cursorAfter('flows', stoppedBelow),
      searchedTo,
    }
  }

  /** Plans a search; the plan is good until the next one is made. */
  plan(search: Search, now: number): Plan {
    const isAboutBlocks = search.terms.some((term) =>
      term.anyOf.some((test) => test.kind === 'is' && (test.what === 'blocked' || test.what === 'allowed')),
    )
    const blocked = isAboutBlocks ? blockedRanges(this.#db, now) : []
    this.#state.blocked = createBlockedAddresses(blocked)
    return planOf(this.#db, search, { state: this.#state, run: this.#run, blocked })
  }

  /** The segments that may hold what is planned, newest first. */
  #segments({ openedFrom, openedTo }: Plan, below: number): Segment[] {
    const rows = this.#prepare(
      `SELECT segment, first_id, lead(first_id, 1, $below) OVER (ORDER BY segment) AS end_id, min_opened, max_opened
       FROM segments ORDER BY segment DESC`,
    ).all({ below })
    return rows.flatMap((row) => {
      const [first, end] = [Number(row['first_id']), Math.min(below, Number(row['end_id']))]
      const isInPeriod = Number(row['max_opened']) >= openedFrom && Number(row['min_opened']) <= openedTo
      return first < end && isInPeriod ? [{ segment: Number(row['segment']), first, end }] : []
    })
  }

  /**
   * Visits the segments that may hold what is planned, newest first, until a visit answers false or time is over.
   * Answers the id below which nothing was looked at; undefined when all was.
   */
  walk(
    plan: Plan,
    { below = Number.MAX_SAFE_INTEGER, budgetMs = this.#limits.budgetMs },
    visit: Visit,
  ): number | undefined {
    const startedAt = performance.now()
    const ways = this.#waysOf(plan)
    for (const segment of this.#segments(plan, below)) {
      const isOver = performance.now() - startedAt > budgetMs
      // The first one is always done: so each page gets further. To pass over the others costs next to nothing.
      if (isOver && segment.end !== below && !ways.sifting.isEmpty(segment.segment)) return segment.end
      if (!this.#visit(ways, segment, visit)) return undefined
    }
    return undefined
  }

  /** Where no way leads to few flows of a segment, first the newest alone are visited, which may be enough. */
  #visit(ways: Ways, segment: Segment, visit: Visit): boolean {
    const candidates = this.#candidates(ways, segment)
    if (candidates || ways.walks.length < 2 || ways.sifting.has(segment.segment)) {
      return visit(segment, candidates) !== false
    }
    const end = Math.min(
      segment.end,
      1 + Number(this.#prepare('SELECT max(id) AS id FROM flows').get()?.['id']),
    )
    const from = Math.max(segment.first, end - Math.ceil((end - segment.first) / NEWEST_PIECE))
    const answer = visit({ ...segment, first: from }, undefined)
    if (answer === false) return false
    const older = { ...segment, end: from }
    return visit(older, answer === 'rare' ? this.#whereAllMeet(ways.walks, older) : undefined) !== false
  }

  #find(plan: Plan, below: number, wanted: number): FoundIds {
    const ids: number[] = []
    const stoppedBelow = this.walk(plan, { below }, (segment, candidates) => {
      const missing = wanted - ids.length
      const found = candidates
        ? this.#among(plan, candidates, segment, missing)
        : this.#throughout(plan, segment, missing)
      ids.push(...found)
      if (ids.length >= wanted) return false
      return found.length * RARE < missing ? 'rare' : true
    })
    return { ids, ...(stoppedBelow !== undefined && { stoppedBelow }) }
  }

  #waysOf(plan: Plan): Ways {
    const firstOf = this.#prepare('SELECT first_id FROM segments WHERE segment = ?')
    const sifting = new Sifting(this.#db, plan.sieves, (segment) =>
      Number(firstOf.get(segment)?.['first_id']),
    )
    return { walks: plan.ways, sifting, common: new Set() }
  }

  /** The flows of a segment that may fit, newest first; absent: read them all. */
  #candidates({ walks, sifting, common }: Ways, { segment }: Segment): number[] | undefined {
    const isSifted = sifting.has(segment)
    if (isSifted && sifting.leavesNothing(segment)) return newestFirst(sifting.late(segment))
    // What was common in one segment is common in others: there columns lead.
    const tried = isSifted ? walks.filter((way) => !common.has(way) && !way.some(isLong)) : walks
    const fewest = this.#fewest(tried, segment, common)
    if (fewest) return newestFirst(fewest)
    const sifted = isSifted ? sifting.ids(segment) : undefined
    return sifted && newestFirst([...new Set(sifted)])
  }

  /** The flows of a piece that every way leads to, newest first; undefined where fewer than two ways lead to a part of it. */
  #whereAllMeet(walks: Plan['ways'], { segment, first, end }: Segment): number[] | undefined {
    const found = walks.flatMap((way) => {
      const ids = this.#follow(way, segment, this.#limits.candidates * MEETING)
      return ids ? [ids] : []
    })
    const [fewest, ...others] = found.sort((a, b) => a.length - b.length)
    if (!fewest || others.length === 0) return undefined
    const sets = others.map((ids) => new Set(ids))
    return newestFirst(fewest.filter((id) => id >= first && id < end && sets.every((ids) => ids.has(id))))
  }

  /** By the way that leads to the fewest. */
  #fewest(walks: Plan['ways'], segment: number, common: Ways['common']): number[] | undefined {
    let fewest: number[] | undefined
    for (const way of walks) {
      const found = this.#follow(way, segment, fewest ? fewest.length : this.#limits.candidates)
      if (!found && !fewest) common.add(way)
      if (found && (!fewest || found.length < fewest.length)) fewest = found
      if (fewest?.length === 0) return fewest
    }
    return fewest
  }

  /** Undefined when there are more than `most`. */
  #follow(walks: readonly Walk[], segment: number, most: number): number[] | undefined {
    const ids = new Set<number>()
    for (const walk of walks) {
      for (const row of this.#step(walk, segment, most + 1)) ids.add(row['id'] as number)
      if (ids.size > most) return undefined
    }
    return [...ids]
  }

  #step(walk: Walk, segment: number, limit: number): ReturnType<StatementSync['all']> {
    const condition =
      'spans' in walk ? `${walk.column} IN (SELECT value FROM json_each($ids))` : walk.condition
    const values = 'spans' in walk ? spanValues(walk.spans, segment) : usedValues(condition, walk.values)
    if (!values) return []
    const statement = this.#prepare(
      `SELECT id FROM flows INDEXED BY ${walk.index} WHERE segment = $segment AND ${condition} LIMIT $limit`,
    )
    return statement.all({ ...values, segment, limit })
  }

  #among(plan: Plan, candidates: readonly number[], { first, end }: Segment, wanted: number): number[] {
    const ids: number[] = []
    const statement = this.#prepare(
      `SELECT flows.id FROM ${plan.from}
       WHERE flows.id IN (SELECT value FROM json_each($candidates)) AND ${plan.where} ORDER BY flows.id DESC`,
    )
    const inside = candidates.filter((id) => id >= first && id < end)
    for (let at = 0; at < inside.length && ids.length < wanted; at += AT_ONCE) {
      const some = JSON.stringify(inside.slice(at, at + AT_ONCE))
      for (const row of statement.all({ ...plan.values, candidates: some })) ids.push(row['id'] as number)
    }
    return ids.slice(0, wanted)
  }

  #throughout(plan: Plan, { first, end }: Segment, wanted: number): number[] {
    const statement = this.#prepare(
      `SELECT flows.id FROM ${plan.from} WHERE flows.id >= $first AND flows.id < $end AND ${plan.where}
       ORDER BY flows.id DESC LIMIT $wanted`,
    )
    return statement.all({ ...plan.values, first, end, wanted }).map((row) => row['id'] as number)
  }

  /** A search has a handful of texts, and each segment runs them anew. */
  #prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql)
    if (known) return known
    if (this.#statements.size >= 64) this.#statements.clear()
    const statement = this.#db.prepare(sql)
    this.#statements.set(sql, statement)
    return statement
  }
}

/** The rows that flows of this segment may refer to; undefined when there are none. */
function spanValues(
  spans: Extract<Walk, { readonly spans: unknown }>['spans'],
  segment: number,
): Values | undefined {
  const ids = spans.flatMap(({ id, first, last }) => (first <= segment && last >= segment ? [id] : []))
  return ids.length === 0 ? undefined : { ids: JSON.stringify(ids) }
}

const isLong = (walk: Walk): boolean => 'isLong' in walk

const newestFirst = (ids: number[]): number[] => ids.sort((a, b) => b - a)
