import type { Key } from './keys.svelte.ts'
import { text } from './text/text.ts'

/** A list that keys walk through, as its screen knows it. */
interface Walked {
  /** Of the rows that are shown, in their order. */
  ids(): readonly string[]
  current(): string | undefined
  /** Undefined: away from all rows. */
  go(id: string | undefined): void
  elementId(id: string): string
}

export interface Walk {
  step(by: number): void
  /** Arrows, while the list has the focus; a control in it keeps its own. */
  onKey(event: KeyboardEvent): void
  readonly keys: readonly Key[]
}

/** Takes the focus out of a list. */
export function letGo(list: HTMLElement | undefined): void {
  const { activeElement } = document
  if (activeElement instanceof HTMLElement && list?.contains(activeElement)) activeElement.blur()
}

const STEPS: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1 }

/** The cursor of a list: the first step goes to its first row, none goes beyond its ends. */
export function walkRows(list: Walked): Walk {
  function step(by: number): void {
    const ids = list.ids()
    const at = ids.indexOf(list.current() ?? '')
    const next = ids[at < 0 ? 0 : Math.min(ids.length - 1, Math.max(0, at + by))]
    if (next === undefined) return
    list.go(next)
    document.getElementById(list.elementId(next))?.scrollIntoView({ block: 'nearest' })
  }
  return {
    step,
    onKey(event) {
      if (event.target instanceof Element && event.target.closest('select, button, a')) return
      const by = STEPS[event.key]
      if (by === undefined) return
      event.preventDefault()
      step(by)
    },
    keys: [
      { key: 'j', label: text.keys.down, group: 'list', run: () => step(1) },
      { key: 'k', label: text.keys.up, group: 'list', run: () => step(-1) },
      { key: 'Escape', label: text.keys.escape, group: 'list', run: () => list.go(undefined) },
    ],
  }
}
