import type { ExplainRequest } from '../../../src/contract/rules.ts'
import type { Connection } from '../../../src/contract/schemas.ts'

const PROTOCOLS = new Set(['tcp', 'udp'])

/** What to ask the rules about a connection as it was opened. Rules do not see what stays within this machine. */
export function explainRequestOf(connection: Connection): Partial<ExplainRequest> | undefined {
  const { direction, protocol, owner } = connection
  if (direction === 'local') return undefined
  const hasPorts = PROTOCOLS.has(protocol)
  return {
    direction,
    source: connection.source,
    target: connection.target,
    ...(hasPorts && {
      protocol: protocol as 'tcp' | 'udp',
      sourcePort: connection.sourcePort,
      targetPort: connection.targetPort,
    }),
    ...(protocol.startsWith('icmp') && {
      protocol: 'icmp' as const,
      icmpType: connection.target.includes(':') ? 128 : 8,
    }),
    ...(/^\d+$/.test(protocol) && { protocol: Number(protocol) }),
    ...(owner && direction !== 'forward' && programOf(owner)),
  }
}

const programOf = ({ path, uid, unit, container }: NonNullable<Connection['owner']>) => ({
  uid,
  ...(path.startsWith('/') && { program: path }),
  ...(unit !== undefined && { unit }),
  ...(container !== undefined && { container: container.name ?? container.id }),
})
