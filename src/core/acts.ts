import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Actor, Refused } from '#api/port.ts'
import type { Closes } from '#api/views-port.ts'
import type { Outcome } from '#contract/schemas.ts'
import type { Enforcer } from '#enforce/enforcer.ts'
import { isRange, parseTarget, type Target } from '#model/address.ts'
import type { AllowEntry } from '#model/allow.ts'
import type { Connection } from '#model/flow.ts'
import type { SocketKey } from '#model/owner.ts'
import { socketKeyOf } from '#model/standpoint.ts'
import type { Undated } from './gate.ts'
import type { LiveConnections } from './live-connections.ts'
import { isOf, whichProgram } from './which-program.ts'

/** Each takes the kernel up to a millisecond: others must have their turn. */
const AT_ONCE = 20

export interface ActParts {
  readonly live: Pick<LiveConnections, 'all' | 'byId'>
  readonly note: (undated: Undated) => unknown
  readonly allow: { spares(target: Target): AllowEntry | undefined }
  readonly enforcer: Pick<Enforcer, 'closeSockets'>
  readonly closeSocket: (key: SocketKey) => number
}

/**
 * Closes a connection, or all of a program or a host. Among all, a login session stays: whoever asks may sit in it.
 * The log of decisions keeps each; nothing brings a connection back.
 */
export function createActs({ live, allow, enforcer, closeSocket, note }: ActParts): Closes {
  const isSession = ({ peer }: Connection): boolean => allow.spares(peer)?.source === 'session'

  async function closeAll(connections: readonly Connection[]): Promise<number> {
    let closed = 0
    for (const [at, connection] of connections.entries()) {
      if (at % AT_ONCE === AT_ONCE - 1) await nextTurn()
      const key = socketKeyOf(connection)
      if (key) closed += closeSocket(key)
    }
    return closed
  }

  const record: Recorder = (target, actor, sentence) => {
    note({ kind: 'close', target: target as Target, actor: actor.name, reason: sentence })
  }

  return {
    closeConnection: createCloseOne({ live, closeSocket, record }),

    async closeProgram(program, dryRun, actor) {
      const which = whichProgram(program)
      const all = live.all().filter((connection) => isOf(which, connection))
      if (all.length === 0) {
        throw new Refused(
          404,
          `No connection of ${program} is open.`,
          'Name it as the list does, or by its path or process id: gatehouse programs',
        )
      }
      const open = all.filter((connection) => !isSession(connection))
      const spared = sparedText(all.length - open.length)
      if (dryRun) return planned(`${connectionsText(open.length)} of ${program} would be closed.${spared}`)
      const closed = await closeAll(open)
      if (closed > 0)
        record(`program ${program}`, actor, `closed ${connectionsText(closed).toLowerCase()} of it`)
      return done(`${closedText(closed, open.length)} of ${program}${by(actor)}.${spared}`, closed)
    },

    async closeHost(text, dryRun, actor) {
      const target = parseTarget(text)
      if (!target) {
        throw new Refused(400, `"${text}" is not an address or a range.`, 'Write it like 203.0.113.9.')
      }
      const session = allow.spares(target)
      if (session?.source === 'session' || (session && isRange(target))) {
        throw new Refused(
          409,
          `Connections of ${target} stay open: ${session.note}.`,
          'Close a single one by its number: gatehouse close ID',
        )
      }
      if (dryRun) return planned(`All connections with ${target} would be closed.`)
      const closed = enforcer.closeSockets(target)
      if (closed > 0) {
        record(target, actor, `closed ${connectionsText(closed).toLowerCase()} with it`)
        return done(`${connectionsText(closed)} with ${target} closed${by(actor)}.`, closed)
      }
      throw new Refused(
        404,
        `No connection with ${target} is open on this machine.`,
        'One that is forwarded or belongs to a container has no socket here: block the address instead.',
      )
    },
  }
}

type Recorder = (target: string, actor: Actor, sentence: string) => void

/** Closes a connection by its number; one of a login session too. */
function createCloseOne({
  live,
  closeSocket,
  record,
}: Pick<ActParts, 'live' | 'closeSocket'> & { readonly record: Recorder }): Closes['closeConnection'] {
  return async (id, actor) => {
    const connection = live.byId(id)
    if (!connection) throw new Refused(404, 'This connection is over.', 'Reload the list of connections.')
    const key = socketKeyOf(connection)
    if (!key)
      throw new Refused(409, 'This connection has no socket on this machine.', 'Block the peer instead.')
    const closed = closeSocket(key)
    if (closed === 0) {
      throw new Refused(
        409,
        'The kernel found no socket to close.',
        'It may be over, or belong to a container. Block the peer instead.',
      )
    }
    const program = connection.owner?.name ?? 'an unknown program'
    record(connection.peer, actor, `closed the connection of ${program} with port ${connection.peerPort}`)
    return done(`The connection with ${connection.peer} was closed by ${actor.name}.`, closed)
  }
}

const by = (actor: Actor): string => `, as ${actor.name} asked`
const connectionsText = (count: number): string => (count === 1 ? 'One connection' : `${count} connections`)
const closedText = (closed: number, all: number): string =>
  closed === all
    ? `Closed ${connectionsText(closed).toLowerCase()}`
    : `Closed ${closed} of ${all} connections`
const sparedText = (spared: number): string =>
  spared === 0 ? '' : ` ${connectionsText(spared)} of a login session stays open.`
const planned = (sentence: string): Outcome => ({ sentence, closedConnections: 0 })
const done = (sentence: string, closedConnections: number): Outcome => ({ sentence, closedConnections })
