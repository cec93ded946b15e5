const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB'] as const

/** Bytes for people: `1.5 GB`. */
export function amountText(bytes: number): string {
  let unit = 0
  let amount = bytes
  for (; amount >= 1000 && unit < UNITS.length - 1; amount /= 1000) unit++
  return `${amount < 10 && unit > 0 ? amount.toFixed(1) : Math.round(amount)} ${UNITS[unit]}`
}

/** `2026-12-20`, in UTC. */
export const dayText = (at: number): string => new Date(at).toISOString().slice(0, 10)
