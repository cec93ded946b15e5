const PREFIX = 'gatehouse.'

/** A choice kept in this browser, or `otherwise` when none or an unknown one is kept. */
export function kept<Choice extends string>(
  key: string,
  choices: readonly Choice[],
  otherwise: Choice,
): Choice {
  const found = keptText(key)
  return choices.find((choice) => choice === found) ?? otherwise
}

export function keptText(key: string): string | undefined {
  try {
    return localStorage.getItem(PREFIX + key) ?? undefined
  } catch {
    return undefined // Storage is off in this browser: the choice lasts as long as the page.
  }
}

export function keep(key: string, value: string): void {
  try {
    localStorage.setItem(PREFIX + key, value)
  } catch {
    // Storage is off in this browser: the choice lasts as long as the page.
  }
}
