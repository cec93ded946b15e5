import { untrack } from 'svelte'
import { keep, kept } from './kept.ts'

/** One key of the page. `key` is what KeyboardEvent.key says, with `g `, `Shift+` or `Ctrl+` before it where that is meant. */
export interface Key {
  readonly key: string
  readonly label: string
  readonly group: 'go' | 'list' | 'act' | 'view'
  run(): void
}

const GO_WITHIN_MS = 1200

/** The keys that are in force: the shell's and those of the screen that is open. The help dialog lists them. */
class Keys {
  #layers = $state.raw<readonly (readonly Key[])[]>([])
  isOn = $state(kept('keys', ['on', 'off'], 'on') === 'on')
  #goUntil = 0

  constructor() {
    addEventListener('keydown', (event) => this.#press(event))
  }

  /** Each key once. While one screen gives way to another, both have theirs in force for a moment. */
  get all(): Key[] {
    return [...new Map(this.#layers.flat().map((key) => [key.key, key])).values()]
  }

  /** Puts keys in force until the answer is called. Later ones win. */
  add(layer: readonly Key[]): () => void {
    const change = (layers: readonly (readonly Key[])[]) => {
      this.#layers = layers
    }
    // Screens add their keys from effects, which must not run again because another screen did.
    change([...untrack(() => this.#layers), layer])
    return () => change(untrack(() => this.#layers).filter((other) => other !== layer))
  }

  setOn(isOn: boolean): void {
    this.isOn = isOn
    keep('keys', isOn ? 'on' : 'off')
  }

  #press(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.altKey) return
    if (event.ctrlKey || event.metaKey) {
      this.#pressWithCtrl(event)
      return
    }
    if (document.querySelector('dialog[open]')) return
    if (isTyping(event.target) || isControl(event)) return
    if (!this.isOn && event.key.length === 1) return
    const name = this.#nameOf(event)
    const found = name && this.all.findLast(({ key }) => key === name)
    if (!found) return
    event.preventDefault()
    found.run()
  }

  /** These hold in fields too, and are no single keys. */
  #pressWithCtrl(event: KeyboardEvent): void {
    const name = `Ctrl+${event.key.toLowerCase()}`
    const found = event.shiftKey ? undefined : this.all.findLast(({ key }) => key === name)
    if (!found) return
    event.preventDefault()
    if (!document.querySelector('dialog[open]')) found.run()
  }

  #nameOf(event: KeyboardEvent): string | undefined {
    const isGo = event.timeStamp < this.#goUntil
    this.#goUntil = 0
    if (isGo) return `g ${event.key.toLowerCase()}`
    if (event.key === 'g') {
      this.#goUntil = event.timeStamp + GO_WITHIN_MS
      return undefined
    }
    if (event.shiftKey && /^[a-zA-Z]$/.test(event.key)) return `Shift+${event.key.toLowerCase()}`
    return event.key.length === 1 ? event.key.toLowerCase() : event.key
  }
}

/**
 * Whether the key belongs to a field. A field that is no longer drawn has the focus until the browser's next frame
 * (HTML, focus fixup): the key after an Esc that closed a dialog is meant for the page, not for the dialog's field.
 */
const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  target.checkVisibility() &&
  (target.isContentEditable || target.matches('textarea, select, input:not([type=checkbox], [type=radio])'))

/** Enter and Space belong to the control that has the focus. */
const isControl = (event: KeyboardEvent): boolean =>
  (event.key === 'Enter' || event.key === ' ') &&
  event.target instanceof Element &&
  event.target.closest('button, a, input, summary, [role=menuitem], [role=option]') !== null

export const keys = new Keys()
