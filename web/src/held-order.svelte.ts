const LEAVES_AFTER_MS = 1000

interface Shown<Item> {
  readonly items: readonly Item[]
  /** How many wait until the reader asks for them. */
  readonly waiting: number
}

/**
 * A list that stands still while somebody reads it: rows keep their places and show what is new of them, those that are no
 * more leave, and new ones wait. `list` names what is listed: of another one nothing is held.
 */
export class HeldOrder<Item> {
  isScrolled = $state(false)
  readonly shown: Shown<Item> = $derived.by(() => this.#arrange())

  readonly #all: () => readonly Item[]
  readonly #idOf: (item: Item) => number
  readonly #list: () => string
  #isPointed = $state(false)
  #asked = $state(0)
  #leaving: ReturnType<typeof setTimeout> | undefined
  #answered = 0
  #arrangedAs = ''
  #order: readonly number[] = []

  constructor(all: () => readonly Item[], idOf: (item: Item) => number, list: () => string) {
    this.#all = all
    this.#idOf = idOf
    this.#list = list
  }

  /** The pointer came, or went: then all stays for a second more, as it may be on its way to a button. */
  point(isPointed: boolean): void {
    clearTimeout(this.#leaving)
    if (isPointed) this.#isPointed = true
    else this.#leaving = setTimeout(() => (this.#isPointed = false), LEAVES_AFTER_MS)
  }

  /** Lets in what waits. */
  showNew(): void {
    this.#asked++
  }

  #arrange(): Shown<Item> {
    const all = this.#all()
    const as = this.#list()
    const isAsked = this.#asked !== this.#answered || as !== this.#arrangedAs
    this.#answered = this.#asked
    this.#arrangedAs = as
    if ((this.#isPointed || this.isScrolled) && !isAsked) {
      const byId = new Map(all.map((item) => [this.#idOf(item), item]))
      const items = this.#order.flatMap((id) => byId.get(id) ?? [])
      // A list that nothing is left of holds nothing back.
      if (items.length > 0) return { items, waiting: all.length - items.length }
    }
    this.#order = all.map(this.#idOf)
    return { items: all, waiting: 0 }
  }
}
