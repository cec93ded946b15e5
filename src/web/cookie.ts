import type { IncomingMessage } from 'node:http'

/**
 * The session cookie. Cookies know no ports, so the name has ours: two Gatehouses on one machine then do not sign
 * each other out. Over https it is a `__Host-` cookie, which no other host and no plain http can set.
 */
export interface SessionCookie {
  read(request: IncomingMessage): string | undefined
  /** The Set-Cookie line; without a value the one that removes it. */
  line(request: IncomingMessage, value?: string): string
}

export function createSessionCookie(
  port: number,
  isSecure: (host: string | undefined) => boolean,
): SessionCookie {
  const nameFor = (request: IncomingMessage): string =>
    isSecure(request.headers.host) ? '__Host-gatehouse' : `gatehouse-${port}`
  return {
    read(request) {
      const wanted = `${nameFor(request)}=`
      const pairs = (request.headers.cookie ?? '').split(';').map((pair) => pair.trim())
      return pairs.find((pair) => pair.startsWith(wanted))?.slice(wanted.length)
    },
    line(request, value) {
      const secure = isSecure(request.headers.host) ? '; Secure' : ''
      const age = value === undefined ? '; Max-Age=0' : ''
      return `${nameFor(request)}=${value ?? ''}; Path=/; HttpOnly; SameSite=Strict${secure}${age}`
    },
  }
}
