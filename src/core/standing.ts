import type { Ip } from '#model/address.ts'
import type { AllowEntry } from '#model/allow.ts'
import type { Standpoint } from '#model/standpoint.ts'

/** Which addresses are this machine's: loopback, and those that the allow list found on its interfaces. */
export function standpointOf(entries: readonly AllowEntry[]): Standpoint {
  const own = new Set<string>(entries.flatMap(({ source, target }) => (source === 'own' ? [target] : [])))
  return { isOwn: (address: Ip) => own.has(address) || address.startsWith('127.') || address === '::1' }
}
