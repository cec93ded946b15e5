import { SOCKET_STATE, type SocketColumns } from '#kernel/socket-table.ts'
import { formatIpv4, formatIpv6, type Ip } from '#model/address.ts'
import type { Owner, SocketKey } from '#model/owner.ts'
import { PROTOCOL } from '#model/packet.ts'
import type { ListedSockets } from './messages.ts'

/** `open`: a UDP socket without a peer. */
export type SocketState =
  | 'established'
  | 'syn-sent'
  | 'syn-received'
  | 'fin-wait-1'
  | 'fin-wait-2'
  | 'time-wait'
  | 'close-wait'
  | 'last-ack'
  | 'listen'
  | 'closing'
  | 'open'
  | 'closed'

/** One socket of the live table. The peer of a listening or open one is 0.0.0.0 or ::, port 0. */
export interface OwnedSocket extends SocketKey {
  readonly state: SocketState
  readonly inode: number
  readonly uid: number
  readonly cookie: bigint
  readonly owner?: Owner
}

/** The table as it came: a row becomes an object when it is asked for, so that long tables stall nobody. */
export interface SocketList {
  readonly count: number
  /** Row 0 to count-1; throws RangeError beyond. */
  at(row: number): OwnedSocket
}

const STATES: Readonly<Record<number, SocketState>> = {
  [SOCKET_STATE.established]: 'established',
  [SOCKET_STATE.synSent]: 'syn-sent',
  [SOCKET_STATE.synReceived]: 'syn-received',
  [SOCKET_STATE.finWait1]: 'fin-wait-1',
  [SOCKET_STATE.finWait2]: 'fin-wait-2',
  [SOCKET_STATE.timeWait]: 'time-wait',
  [SOCKET_STATE.closeWait]: 'close-wait',
  [SOCKET_STATE.lastAck]: 'last-ack',
  [SOCKET_STATE.listen]: 'listen',
  [SOCKET_STATE.closing]: 'closing',
  [SOCKET_STATE.newSynReceived]: 'syn-received',
}

export function toSocketList({ columns, owners, ownerOf }: ListedSockets): SocketList {
  return {
    count: columns.count,
    at(row) {
      if (!(row >= 0 && row < columns.count))
        throw new RangeError(`no row ${row}: there are ${columns.count}`)
      const owner = owners[ownerOf[row] as number]
      return {
        protocol: columns.protocol[row] as number,
        localAddress: addressAt(columns, columns.local, row),
        localPort: columns.localPort[row] as number,
        peerAddress: addressAt(columns, columns.peer, row),
        peerPort: columns.peerPort[row] as number,
        state: stateAt(columns, row),
        inode: columns.inode[row] as number,
        uid: columns.uid[row] as number,
        cookie:
          (BigInt(columns.cookie[row * 2 + 1] as number) << 32n) | BigInt(columns.cookie[row * 2] as number),
        ...(owner && { owner }),
      }
    },
  }
}

function stateAt(columns: SocketColumns, row: number): SocketState {
  const state = STATES[columns.state[row] as number]
  return state ?? (columns.protocol[row] === PROTOCOL.udp ? 'open' : 'closed')
}

function addressAt(columns: SocketColumns, words: Uint32Array, row: number): Ip {
  const [w0, w1, w2, w3] = words.subarray(row * 4, row * 4 + 4) as unknown as [number, number, number, number]
  return columns.version[row] === 4 ? formatIpv4(w0) : formatIpv6(w0, w1, w2, w3)
}
