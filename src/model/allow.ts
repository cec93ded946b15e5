import type { Target } from './address.ts'

/** Why an address may never be blocked. The first six are found on the machine; they cannot be removed. */
export type AllowSource = 'loopback' | 'own' | 'gateway' | 'dns' | 'session' | 'group' | 'config' | 'person'

export interface AllowEntry {
  readonly target: Target
  readonly source: AllowSource
  /** For people: "default gateway of eth0", "login session of anna on pts/0". */
  readonly note: string
}
