import type { ForwardedEnder } from '#enforce/ended.ts'
import { wordsOf } from '#identify/owners/socket-finder.ts'
import { ConnectionTracking } from '#kernel/conntrack.ts'
import { SocketDestroyer } from '#kernel/sock-destroy.ts'
import type { Connection } from '#model/flow.ts'
import { socketKeyOf } from '#model/standpoint.ts'

/**
 * Ends one connection: its socket here is closed, what is forwarded is turned away both ways, and connection tracking
 * forgets it, so that what has no socket of its own meets the rules as new. False where there was none. Throws KernelError.
 */
export function createConnectionEnder(forwarded: ForwardedEnder): (connection: Connection) => boolean {
  let destroyer: SocketDestroyer | undefined
  let tracking: ConnectionTracking | undefined
  return (connection) => {
    destroyer ??= new SocketDestroyer()
    tracking ??= new ConnectionTracking()
    const { protocol, source, sourcePort, target, targetPort } = connection
    const key = socketKeyOf(connection)
    const closed = key ? destroyer.destroyOne(key).closed : 0
    const isTurnedAway = connection.direction === 'forward' && forwarded.end(connection)
    const words = wordsOf({
      protocol,
      localAddress: target,
      localPort: targetPort,
      peerAddress: source,
      peerPort: sourcePort,
    })
    const isForgotten = words !== undefined && tracking.forget(words)
    return closed > 0 || isTurnedAway || isForgotten
  }
}
