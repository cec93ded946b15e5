import { isIP } from 'node:net'

/** Under which names this page may be reached. Everything else is DNS rebinding or another site. */
export interface Origins {
  /** The Host header is one of ours. */
  isOurHost(host: string | undefined): boolean
  /** The Origin header is the one that goes with this Host header. */
  isOurOrigin(origin: string | undefined, host: string | undefined): boolean
  /** Reached by https (a proxy in front): cookies may ask for it. */
  isSecure(host: string | undefined): boolean
}

const ANY_ADDRESS = ['0.0.0.0', '::']

/** `more` are full origins from the settings, such as https://gatehouse.lan.example. */
export function createOrigins(host: string, port: number, more: readonly string[]): Origins {
  const byHost = new Map<string, Set<string>>()
  const add = (text: string): void => {
    const url = new URL(text)
    byHost.set(url.host, (byHost.get(url.host) ?? new Set()).add(url.origin))
  }
  for (const name of ['127.0.0.1', 'localhost', '[::1]']) add(`http://${name}:${port}`)
  const isOpen = ANY_ADDRESS.includes(host)
  if (!isOpen) add(`http://${isIP(host) === 6 ? `[${host}]` : host}:${port}`)
  for (const text of more) add(text)

  /** Nobody can make a bare address mean another machine, so listening everywhere takes them all. */
  const isBareAddress = (text: string): boolean => {
    const bare = text.endsWith(`:${port}`) ? text.slice(0, -`:${port}`.length) : port === 80 ? text : ''
    return isIP(bare) === 4 || (/^\[.*\]$/.test(bare) && isIP(bare.slice(1, -1)) === 6)
  }
  const originsOf = (text: string | undefined): ReadonlySet<string> => {
    const known = byHost.get(text?.toLowerCase() ?? '')
    if (known || text === undefined || !isOpen || !isBareAddress(text)) return known ?? new Set()
    return new Set([`http://${text}`])
  }

  return {
    isOurHost: (text) => originsOf(text).size > 0,
    isOurOrigin: (origin, text) => origin !== undefined && originsOf(text).has(origin),
    isSecure: (text) => {
      const origins = [...originsOf(text)]
      return origins.length > 0 && origins.every((origin) => origin.startsWith('https:'))
    },
  }
}
