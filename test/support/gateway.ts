import { execFileSync } from 'node:child_process'
import { layLan, type NamespaceHost } from './namespaces.ts'

/** A client that reaches a server through a gateway alone. The server knows no way back to it. */
export interface Gateway {
  readonly server: NamespaceHost
  readonly gateway: NamespaceHost
  readonly client: NamespaceHost
  readonly clientAddress: string
  /** Of the gateway, as the client sees it. */
  readonly gatewayAddress: string
  remove(): void
}

/** Needs root. */
export function layGateway(): Gateway {
  const lan = layLan([1, 2, 3])
  const [server, gateway, client] = lan.hosts as [NamespaceHost, NamespaceHost, NamespaceHost]
  const [clientAddress, gatewayAddress] = ['198.51.100.66', '198.51.100.1']
  const ip = (...args: string[]) => execFileSync('ip', args)
  ip('-n', client.namespace, 'link', 'del', client.link)
  ip(
    ...['link', 'add', 'gh1', 'netns', gateway.namespace],
    ...['type', 'veth', 'peer', 'name', 'gh1', 'netns', client.namespace],
  )
  ip('-n', gateway.namespace, 'addr', 'add', `${gatewayAddress}/24`, 'dev', 'gh1')
  ip('-n', client.namespace, 'addr', 'add', `${clientAddress}/24`, 'dev', 'gh1')
  for (const { namespace } of [gateway, client]) ip('-n', namespace, 'link', 'set', 'gh1', 'up')
  ip('-n', client.namespace, 'route', 'add', 'default', 'via', gatewayAddress)
  gateway.run('sysctl', '-qw', 'net.ipv4.ip_forward=1')
  return { server, gateway, client, clientAddress, gatewayAddress, remove: () => lan.remove() }
}
