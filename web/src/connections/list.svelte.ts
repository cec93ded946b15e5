import { untrack } from 'svelte'
import { SvelteSet } from 'svelte/reactivity'
import type { Connection } from '../../../src/contract/schemas.ts'
import { clock } from '../clock.svelte.ts'
import { live } from '../live.svelte.ts'
import { route } from '../route.svelte.ts'
import { matches, type Understood, understand } from '../search/pieces.ts'
import { arrange, refreshed } from './arrange.ts'
import { Places, SORTS, type Sort } from './order.ts'
import { type Row, VIEWS, type View } from './row.ts'

interface Shown {
  readonly rows: readonly Row[]
  /** Connections that fit the search, with those that wait. */
  readonly flows: number
  /** Connections that wait behind the pill. */
  readonly waiting: number
}

/** The list of live connections: what is in it, in which order, what is open, and where the reader is. */
export class ConnectionList {
  readonly closedPrograms = new SvelteSet<string>()
  readonly openHosts = new SvelteSet<string>()
  readonly selected = new SvelteSet<string>()
  cursor = $state('')
  /** Why nothing may move: the reader points, has the focus here, has scrolled, selected, or opened a menu. */
  isPointed = $state(false)
  isFocused = $state(false)
  isScrolled = $state(false)
  isMenuOpen = $state(false)
  isRowMenuOpen = $state(false)

  readonly view = $derived(VIEWS.find((view) => view === route.get('view')) ?? 'program')
  readonly sort = $derived(SORTS.find((sort) => sort === route.get('sort')) ?? 'down')
  readonly isDescending = $derived(
    route.get('turn') === '' ? this.sort !== 'name' : route.get('turn') === 'down',
  )
  readonly asked: Understood = $derived(
    understand(
      route.get('q'),
      untrack(() => clock.now),
    ),
  )
  readonly isHeld = $derived(
    this.isPointed ||
      this.isFocused ||
      this.isScrolled ||
      this.isMenuOpen ||
      this.isRowMenuOpen ||
      this.selected.size > 0,
  )
  readonly shown: Shown = $derived.by(() => this.#arrange())
  readonly at = $derived(this.shown.rows.findIndex(({ key }) => key === this.cursor))
  readonly inspected: Row | undefined = $derived.by(() => {
    const row = this.shown.rows.find(({ key }) => key === route.get('sel'))
    return row && this.fresh(row)
  })

  readonly #places = new Places()
  #admitted: ReadonlySet<number> | undefined
  #arrangedAs = ''
  #asked = $state(0)
  #answered = 0
  /** Counts up with each group that is opened or closed. */
  #opened = $state(0)
  /** The last arrangement, which a held list keeps; `ids`: all connections that there were. */
  #last: (Shown & { readonly ids: ReadonlySet<number>; readonly opened: number }) | undefined

  /** Lets in what waits, and puts everything in order once. */
  showNew(): void {
    this.#asked++
  }

  setView(view: View): void {
    route.set({ view: view === 'program' ? '' : view, sel: '' })
  }

  /** Sorts by a column; the same one again turns the order around. */
  sortBy(sort: Sort): void {
    const isSame = sort === this.sort
    const isDescending = isSame ? !this.isDescending : sort !== 'name'
    route.set({
      sort: sort === 'down' ? '' : sort,
      turn: isDescending === (sort !== 'name') ? '' : isDescending ? 'down' : 'up',
    })
  }

  /** A row as it is now: in a list that is held, rows stay where they are and their numbers go on. */
  fresh(row: Row): Row {
    void live.version
    return refreshed(row, (connection) => live.connections.get(connection.id) ?? connection, {
      isGone: ({ id }) => live.goneAt.has(id),
      isBlocked: (connection) => live.isBlocked(connection),
    })
  }

  isOpen(key: string, level: number): boolean {
    if (this.view === 'program' && level === 1) return !this.closedPrograms.has(key)
    return this.openHosts.has(key)
  }

  setOpen(row: Row, isOpen: boolean): void {
    if (row.children.length === 0) return
    const isProgram = this.view === 'program' && row.level === 1
    if (isProgram === isOpen) this.#set(isProgram).delete(row.key)
    else this.#set(isProgram).add(row.key)
    this.#opened++
  }

  /** Opens or closes every group. */
  setAllOpen(isOpen: boolean): void {
    this.closedPrograms.clear()
    this.openHosts.clear()
    const programs = this.shown.rows.filter(({ kind }) => kind === 'program')
    const hosts = this.view === 'program' ? programs.flatMap(({ children }) => children) : this.shown.rows
    if (!isOpen) for (const { key } of programs) this.closedPrograms.add(key)
    else for (const { key, kind } of hosts) if (kind === 'host') this.openHosts.add(key)
    this.#opened++
  }

  /** Moves the cursor by rows; from nowhere it starts at the top. */
  move(by: number): Row | undefined {
    const { rows } = this.shown
    if (rows.length === 0) return undefined
    const to = this.at < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, this.at + by))
    const row = rows[to]
    if (row) this.cursor = row.key
    if (row && route.get('sel') !== '') this.inspect(row)
    return row
  }

  toParent(): void {
    const row = this.shown.rows[this.at]
    if (!row) return
    if (row.isOpen) {
      this.setOpen(row, false)
      return
    }
    const parent = this.shown.rows.slice(0, this.at).findLast(({ level }) => level < row.level)
    if (parent) this.cursor = parent.key
  }

  inspect(row: Row | undefined): void {
    route.set({ sel: row?.key ?? '' })
  }

  /** Where the next range of selected rows begins. */
  #selectedFrom = ''

  toggleSelected(row: Row): void {
    this.#selectedFrom = row.key
    if (this.selected.has(row.key)) this.selected.delete(row.key)
    else if (row.kind !== 'program') this.selected.add(row.key)
  }

  /** Selects the rows from the one that was selected last to this one. */
  selectTo(row: Row): void {
    const { rows } = this.shown
    const from = rows.findIndex(({ key }) => key === this.#selectedFrom)
    const to = rows.findIndex(({ key }) => key === row.key)
    const range = rows.slice(Math.min(from < 0 ? to : from, to), Math.max(from, to) + 1)
    for (const { key, kind } of range) if (kind !== 'program') this.selected.add(key)
    this.#selectedFrom = row.key
  }

  /** The other ends of the selected rows, each once. */
  get selectedPeers(): string[] {
    const rows = this.shown.rows.filter(({ key }) => this.selected.has(key))
    return [...new Set(rows.flatMap(({ connections }) => connections.map(({ peer }) => peer)))]
  }

  #set(isProgram: boolean): SvelteSet<string> {
    return isProgram ? this.closedPrograms : this.openHosts
  }

  #arrange(): Shown {
    void live.version
    const opened = this.#opened
    const isHeld = this.#admit()
    const admitted = this.#admitted
    const { search } = this.asked
    const fits = (connection: Connection): boolean =>
      matches(search, connection, live.goneAt.has(connection.id))
    const waits = ({ id }: Connection): boolean => admitted !== undefined && !admitted.has(id)
    let waiting = 0
    if (admitted) for (const each of live.connections.values()) if (waits(each) && fits(each)) waiting++
    // Held, and no group opened since: the rows stay as they are, and each shows what is new of it.
    if (isHeld && this.#last?.opened === opened) {
      return { rows: this.#last.rows, flows: this.#last.flows + waiting, waiting }
    }
    const { rows, roots, flows } = arrange(live.connections.values(), {
      view: this.view,
      order: { sort: this.sort, isDescending: this.isDescending, isHeld, places: this.#places },
      isIn: (connection) => !waits(connection) && fits(connection),
      isGone: ({ id }) => live.goneAt.has(id),
      isBlocked: (connection) => live.isBlocked(connection),
      isOpen: (key, level) => this.isOpen(key, level),
    })
    if (!isHeld) this.#places.keep(roots)
    const ids = admitted ?? new Set(live.connections.keys())
    this.#last = { rows, flows, waiting, ids, opened }
    return { rows, flows: flows + waiting, waiting }
  }

  /** Decides who is in. Answers whether the order is held: not when the reader asked for another list. */
  #admit(): boolean {
    const as = `${this.view} ${this.sort} ${this.isDescending} ${route.get('q')}`
    const isAsked = this.#asked !== this.#answered || as !== this.#arrangedAs || !live.isLoaded
    const isHeld = this.isHeld && !isAsked
    this.#answered = this.#asked
    this.#arrangedAs = as
    if (!isHeld) this.#admitted = this.isHeld ? new Set(live.connections.keys()) : undefined
    else this.#admitted ??= this.#last?.ids ?? new Set(live.connections.keys())
    return isHeld
  }
}
