import { text } from './text/text.ts'

/** What stands on the keys: `g c` is G, then C; `Shift+d` is Shift and D. */
export function capsOf(key: string): string[] {
  const named = text.keys.names[key]
  if (named !== undefined) return [named]
  const modifiers: Readonly<Record<string, string>> = {
    Shift: text.keys.shift,
    Ctrl: text.keys.names.Control,
  }
  return key
    .split(/[ +]/)
    .map(
      (part) => modifiers[part] ?? text.keys.names[part] ?? (part.length === 1 ? part.toUpperCase() : part),
    )
}
