import { getSocketOption, SOL_SOCKET } from './libc.ts'

/** Who connected to a Unix socket: as the kernel noted it at connect time, not as the peer says (unix(7)). */
export interface PeerCredentials {
  /** 0 when the peer lives in a PID namespace that we cannot see. */
  readonly pid: number
  readonly uid: number
  readonly gid: number
}

const SO_PEERCRED = 17
/** struct ucred: pid, uid, gid. */
const UCRED_BYTES = 12
/** What the kernel answers for a socket that nobody connected: uid and gid -1. */
const NOBODY_THERE = 0xffffffff

/**
 * The peer of a connected Unix stream socket, by its file descriptor.
 * Throws KernelError when `fd` is no socket, and Error when it is one without a peer process (TCP, not connected).
 */
export function peerCredentials(fd: number): PeerCredentials {
  const ucred = new Uint8Array(UCRED_BYTES)
  const length = getSocketOption(fd, SOL_SOCKET, SO_PEERCRED, ucred)
  const view = new DataView(ucred.buffer)
  const uid = view.getUint32(4, true)
  if (length < UCRED_BYTES || uid === NOBODY_THERE) {
    throw new Error('no peer credentials: expected a connected Unix socket')
  }
  return { pid: view.getInt32(0, true), uid, gid: view.getUint32(8, true) }
}
