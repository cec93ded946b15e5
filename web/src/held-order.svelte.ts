import { type Id, type Listed, rowsHeld } from './rows-held.ts'

const LEAVES_AFTER_MS = 1000

interface Shown<Item> {
  readonly items: readonly Item[]
  /** How many wait until the reader asks for them. */
  readonly waiting: number
  /** Of rows that are shown for their place alone: what they tell of is over. */
  readonly gone: ReadonlySet<Id>
}

interface HeldList<Item> extends Listed<Item> {
  all(): readonly Item[]
  /** Names what is listed: of another list nothing is held. */
  list(): string
}

/**
 * A list that stands still while somebody reads it: while it has the pointer or the keyboard's focus, or is scrolled. Rows
 * keep their places and show what is new of them, and new ones wait.
 */
export class HeldOrder<Item> {
  isScrolled = $state(false)
  readonly shown: Shown<Item> = $derived.by(() => this.#arrange())

  readonly #list: HeldList<Item>
  #isPointed = $state(false)
  #isFocused = $state(false)
  #asked = $state(0)
  #leaving: ReturnType<typeof setTimeout> | undefined
  #answered = 0
  #arrangedAs = ''
  #held: readonly Item[] = []

  constructor(list: HeldList<Item>) {
    this.#list = list
  }

  /** The pointer came, or went: then all stays for a second more, as it may be on its way to a button. */
  point(isPointed: boolean): void {
    clearTimeout(this.#leaving)
    if (isPointed) this.#isPointed = true
    else this.#leaving = setTimeout(() => (this.#isPointed = false), LEAVES_AFTER_MS)
  }

  /** The focus came to `target` in the list, or left it: null. Who only clicked there reads by the pointer. */
  focus(target: EventTarget | null): void {
    this.#isFocused = target instanceof Element && target.matches(':focus-visible')
  }

  /** Lets in what waits. */
  showNew(): void {
    this.#asked++
  }

  #arrange(): Shown<Item> {
    const all = this.#list.all()
    const as = this.#list.list()
    const isAsked = this.#asked !== this.#answered || as !== this.#arrangedAs
    const isHeld = this.#isPointed || this.#isFocused || this.isScrolled
    this.#answered = this.#asked
    this.#arrangedAs = as
    const rows = isHeld && !isAsked ? rowsHeld(this.#held, all, this.#list) : undefined
    this.#held = rows?.held ?? all
    return rows ?? { items: all, waiting: 0, gone: new Set() }
  }
}
