import { KernelError, setSocketNumber } from './libc.ts'
import { NETLINK, NetlinkSocket, REQUEST } from './netlink.ts'

const SEND_BUFFER_BYTES = 256 << 20
const SOL_NETLINK = 270
const NETLINK_CAP_ACK = 10
const HEADER_BYTES = 16

/**
 * Sends the bytes of one transaction, as `NftTable.transactionBytes` gave them: all of it or nothing. 0, or the errno
 * of the first refusal. Throws KernelError where no socket can be opened, RangeError for bytes that are no messages.
 */
export function sendTransaction(bytes: Uint8Array): number {
  const { first, last } = sequencesOf(bytes)
  const socket = new NetlinkSocket(NETLINK.netfilter, { nonblocking: true, bufferBytes: SEND_BUFFER_BYTES })
  try {
    setSocketNumber(socket.fd, SOL_NETLINK, NETLINK_CAP_ACK, 1)
    socket.send(bytes)
    return socket.exchange(first, last)
  } catch (error) {
    // A refused send or receive is an answer like any other.
    if (error instanceof KernelError) return error.errno
    throw error
  } finally {
    socket.close()
  }
}

/** Of the first message, and of the last that asks for an acknowledgement. */
function sequencesOf(bytes: Uint8Array): { readonly first: number; readonly last: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let [first, last]: [number | undefined, number | undefined] = [undefined, undefined]
  for (let at = 0; at < bytes.byteLength; ) {
    const length = at + HEADER_BYTES <= bytes.byteLength ? view.getUint32(at, true) : 0
    if (length < HEADER_BYTES || at + length > bytes.byteLength) throw new RangeError('these are no messages')
    const sequence = view.getUint32(at + 8, true)
    first ??= sequence
    if ((view.getUint16(at + 6, true) & REQUEST.ack) !== 0) last = sequence
    at += (length + 3) & ~3
  }
  if (first === undefined || last === undefined) throw new RangeError('this is no transaction')
  return { first, last }
}
