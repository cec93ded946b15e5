import { KernelError, SOL_SOCKET, setSocketNumber } from './libc.ts'
import { NETLINK, NetlinkSocket, NetlinkWriter } from './netlink.ts'

/** What the kernel tells of processes (not of threads). */
export interface ProcEventListener {
  forked(parentPid: number, pid: number): void
  /** The process became another program. */
  executed(pid: number): void
  ended(pid: number): void
  /** Events came faster than they were read: some processes were not told of. */
  lost(): void
}

/** linux/connector.h and linux/cn_proc.h. */
const CN_IDX_PROC = 1
const CN_VAL_PROC = 1
const OPERATION = { listen: 1, ignore: 2 } as const
const WHAT = { fork: 1, exec: 2, exit: 0x80000000 } as const
/** Of struct cn_msg, before the event; and of the event's head, before what is special to it. */
const CONNECTOR_BYTES = 20
const EVENT_AT = CONNECTOR_BYTES
const DETAILS_AT = EVENT_AT + 16
const NLMSG_DONE = 3
const SO_RCVBUFFORCE = 33
const BUFFER_BYTES = 8 << 20

/**
 * Hears from the kernel when processes start, become other programs and end (proc connector, CONFIG_PROC_EVENTS). Needs
 * CAP_NET_ADMIN and the first network namespace.
 */
export class ProcEvents {
  readonly #netlink: NetlinkSocket
  readonly #listener: ProcEventListener

  /** Throws KernelError where the kernel does not have it or does not allow it. */
  constructor(listener: ProcEventListener) {
    this.#listener = listener
    this.#netlink = new NetlinkSocket(NETLINK.connector, { groups: CN_IDX_PROC, nonblocking: true })
    try {
      this.#enlargeBuffer()
      this.#tell(OPERATION.listen)
    } catch (refused) {
      this.#netlink.close()
      throw refused
    }
    this.#netlink.onMessage(
      (_type, view, start, end) => readProcEvent(view, start, end, listener),
      () => this.#listener.lost(),
    )
  }

  close(): void {
    this.#tell(OPERATION.ignore)
    this.#netlink.close()
  }

  #tell(operation: number): void {
    const body = new Uint8Array(CONNECTOR_BYTES + 4)
    const view = new DataView(body.buffer)
    view.setUint32(0, CN_IDX_PROC, true)
    view.setUint32(4, CN_VAL_PROC, true)
    view.setUint16(16, 4, true)
    view.setUint32(CONNECTOR_BYTES, operation, true)
    this.#netlink.send(new NetlinkWriter(64).begin(NLMSG_DONE, 0, 0, body).end().output())
  }

  /** Without the privilege the default stays. */
  #enlargeBuffer(): void {
    try {
      setSocketNumber(this.#netlink.fd, SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES)
    } catch (refused) {
      if (!(refused instanceof KernelError)) throw refused
    }
  }
}

/** Reads one message, the body of which is [start, end). What is too short or of another kind is passed over. */
export function readProcEvent(
  view: DataView,
  start: number,
  end: number,
  listener: Omit<ProcEventListener, 'lost'>,
): void {
  if (end - start < DETAILS_AT + 8) return
  const what = view.getUint32(start + EVENT_AT, true)
  const details = start + DETAILS_AT
  const [thread, pid] = [view.getUint32(details, true), view.getUint32(details + 4, true)]
  if (what === WHAT.exec) listener.executed(pid)
  if (what === WHAT.exit && thread === pid) listener.ended(pid)
  if (what !== WHAT.fork || end - start < DETAILS_AT + 16) return
  const [childThread, child] = [view.getUint32(details + 8, true), view.getUint32(details + 12, true)]
  if (childThread === child) listener.forked(pid, child)
}
