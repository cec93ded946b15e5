import type { Connection, Page } from '../../../src/contract/schemas.ts'
import { ask, ProblemError } from '../api.ts'

const PAGE = 200
/** A search may find nothing for long: then the reader decides whether to look further back. */
const MOST_EMPTY_PAGES = 4

/** Connections that are over, newest first, read page by page as the reader scrolls. */
export class Past {
  items = $state.raw<readonly Connection[]>([])
  next = $state<string | undefined>(undefined)
  /** How far back was looked, where nothing more was found there. */
  searchedTo = $state<number | undefined>(undefined)
  isReading = $state(false)
  isLoaded = $state(false)
  problem = $state.raw<ProblemError | undefined>(undefined)
  #query = ''
  #turn = 0

  /** Starts over with another search. */
  async open(query: string): Promise<void> {
    this.#query = query
    this.#turn++
    this.isReading = false
    this.isLoaded = false
    this.next = undefined
    await this.#read([])
  }

  /** Reads older ones, if there are any. */
  async more(): Promise<void> {
    if (this.isReading || this.next === undefined) return
    await this.#read(this.items)
  }

  async #read(before: readonly Connection[]): Promise<void> {
    const turn = this.#turn
    this.isReading = true
    try {
      for (let pages = 0; pages < MOST_EMPTY_PAGES; pages++) {
        const page = await ask<Page<Connection>>('GET', `flows?${this.#asked()}`)
        if (turn !== this.#turn) return
        this.#take(page, before)
        if (page.items.length > 0 || page.next === undefined) break
      }
    } catch (problem) {
      if (!(problem instanceof ProblemError)) throw problem
      if (turn === this.#turn) this.problem = problem
    }
    if (turn === this.#turn) this.isReading = false
  }

  #take(page: Page<Connection>, before: readonly Connection[]): void {
    // What goes on is kept anew each minute, and may come again on the next page.
    const all = new Map(before.map((connection) => [connection.id, connection]))
    for (const connection of page.items) if (!all.has(connection.id)) all.set(connection.id, connection)
    this.items = [...all.values()]
    this.next = page.next
    this.searchedTo = page.searchedTo
    this.problem = undefined
    this.isLoaded = true
  }

  #asked(): URLSearchParams {
    const asked = new URLSearchParams({ limit: String(PAGE) })
    if (this.#query !== '') asked.set('q', this.#query)
    if (this.next !== undefined) asked.set('cursor', this.next)
    return asked
  }
}
