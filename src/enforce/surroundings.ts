import { readFileSync } from 'node:fs'
import { KernelError } from '#kernel/libc.ts'
import {
  type DefaultRoute,
  type Link,
  type LinkAddress,
  readAddresses,
  readLinks,
  readRoutes,
} from '#kernel/links.ts'
import { visibleText } from '#lib/visible-text.ts'
import { type Ip, parseIp } from '#model/address.ts'
import type { AllowEntry, AllowSource } from '#model/allow.ts'
import { type LoginPlaces, readLogins } from './logins.ts'

/** Where we look. Tests hand in their own. */
export interface Places extends LoginPlaces {
  links(): readonly Link[]
  addresses(): readonly LinkAddress[]
  routes(): readonly DefaultRoute[]
  /** resolv.conf(5). systemd-resolved keeps the servers behind its own stub in the second. */
  readonly resolvers: readonly string[]
}

const MACHINE: Places = {
  links: readLinks,
  addresses: readAddresses,
  routes: readRoutes,
  resolvers: ['/etc/resolv.conf', '/run/systemd/resolve/resolv.conf'],
  utmp: ['/run/utmp', '/var/run/utmp'],
  sessions: '/run/systemd/sessions',
  proc: '/proc',
  pid: process.pid,
}

/** Protected on every machine already (policy/allow-list.ts). */
const isLoopback = (address: Ip): boolean => address.startsWith('127.') || address === '::1'

/**
 * Who must stay reachable on this machine now: its own addresses, gateways, DNS servers and all who are logged in
 * from elsewhere. What is missing or broken is left out, it does not throw.
 */
export function readSurroundings(places: Partial<Places> = {}): AllowEntry[] {
  const from = { ...MACHINE, ...places }
  const entries = new Map<string, AllowEntry>()
  const add = (address: Ip, source: AllowSource, note: string): void => {
    const key = `${source} ${address}`
    if (isLoopback(address) || entries.has(key)) return
    entries.set(key, { target: address, source, note: visibleText(note) })
  }

  const names = new Map(orNone(from.links).map(({ index, name }) => [index, name]))
  const nameOf = (index: number | undefined): string => names.get(index ?? 0) ?? 'an interface'
  for (const { gateway, interfaceIndex } of orNone(from.routes)) {
    if (gateway !== undefined) add(gateway, 'gateway', `default gateway of ${nameOf(interfaceIndex)}`)
  }
  for (const { address, interfaceIndex } of orNone(from.addresses)) {
    add(address, 'own', `this machine's own address on ${nameOf(interfaceIndex)}`)
  }
  for (const file of from.resolvers) {
    for (const server of parseResolvers(readText(file))) add(server, 'dns', `DNS server in ${file}`)
  }
  for (const { from: address, user, terminal } of readLogins(from)) {
    const where = terminal === '' ? '' : ` on ${terminal}`
    add(address, 'session', `login session of ${user === '' ? 'somebody' : user}${where}`)
  }
  return [...entries.values()]
}

/** The `nameserver` lines of resolv.conf(5). */
export function parseResolvers(text: string): Ip[] {
  return text.split('\n').flatMap((line) => {
    const address = parseIp(/^\s*nameserver\s+(\S+)/.exec(line)?.[1] ?? '')
    return address === undefined ? [] : [address]
  })
}

function orNone<Item>(read: () => readonly Item[]): readonly Item[] {
  try {
    return read()
  } catch (refused) {
    if (refused instanceof KernelError) return []
    throw refused
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
