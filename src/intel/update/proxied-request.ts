import { type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { Unusable } from '../formats/format.ts'
import { answered, unreachable } from './answered.ts'

interface ProxiedRequest {
  readonly headers: Readonly<Record<string, string>>
  readonly signal: AbortSignal
  readonly proxy: URL
  readonly method: 'GET' | 'POST'
  readonly body?: string | undefined
}

/**
 * One request through a web proxy: with its whole address where it is open (RFC 9112 §3.2.2), through a tunnel where
 * it is encrypted (RFC 9110 §9.3.6). Throws `Unusable` with the reason in words.
 */
export async function sendThroughProxy(url: URL, options: ProxiedRequest): Promise<IncomingMessage> {
  const { headers, signal, proxy, method, body } = options
  if (url.protocol === 'https:') {
    const tunnel = await openTunnel(url, options)
    const createConnection = () => connectTls({ socket: tunnel, servername: url.hostname })
    return answered(url, { signal, body }, () =>
      requestHttps(url, { method, headers, signal, agent: false, createConnection }),
    )
  }
  return answered(proxy, { signal, body }, () =>
    requestHttp({
      ...doorOf(proxy),
      ...{ method, path: url.href, signal, agent: false },
      headers: { ...headers, ...credentialsOf(proxy), host: url.host },
    }),
  )
}

function openTunnel(url: URL, { signal, proxy }: Pick<ProxiedRequest, 'signal' | 'proxy'>): Promise<Socket> {
  const to = `${url.hostname}:${url.port || 443}`
  return new Promise((settle, reject) => {
    const asking = requestHttp({
      ...doorOf(proxy),
      ...{ method: 'CONNECT', path: to, signal, agent: false },
      headers: { ...credentialsOf(proxy), host: to },
    })
    asking.on('connect', ({ statusCode = 0 }, socket: Socket) => {
      if (statusCode === 200) return settle(socket)
      socket.destroy()
      reject(new Unusable(`could not be had: the proxy refuses the way to ${to} (status ${statusCode})`))
    })
    asking.on('response', ({ statusCode = 0 }: IncomingMessage) => {
      asking.destroy()
      reject(new Unusable(`could not be had: the proxy refuses the way to ${to} (status ${statusCode})`))
    })
    asking.on('error', (error) => reject(unreachable(proxy, error, signal)))
    asking.end()
  })
}

const doorOf = ({ hostname, port }: URL) => ({
  host: hostname.replace(/^\[|\]$/g, ''),
  port: port === '' ? 80 : Number(port),
})

function credentialsOf({ username, password }: URL): Readonly<Record<string, string>> {
  if (username === '') return {}
  const text = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { 'proxy-authorization': `Basic ${Buffer.from(text).toString('base64')}` }
}
