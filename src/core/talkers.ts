import type { Endpoint } from '#model/endpoint.ts'
import type { Connection } from '#model/flow.ts'
import { PROTOCOL } from '#model/packet.ts'

/**
 * Who is in a conversation with a UDP port: whom it asked, and who asked it, was answered and went on. A forged sender hears
 * no answer.
 */
export function talkersWith(place: Endpoint, connections: readonly Connection[]): Endpoint[] {
  return connections.flatMap((connection) => {
    const { protocol, source, sourcePort, target, targetPort, packetsForward, packetsBackward } = connection
    if (protocol !== PROTOCOL.udp || packetsBackward === 0) return []
    const isFrom = source === place.address && sourcePort === place.port
    if (isFrom) return [{ address: target, port: targetPort }]
    const isTo = target === place.address && targetPort === place.port
    return isTo && packetsForward > 1 ? [{ address: source, port: sourcePort }] : []
  })
}
