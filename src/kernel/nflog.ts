import { KernelError } from './libc.ts'
import { eachAttribute, NETLINK, NetlinkSocket, NetlinkWriter, REQUEST } from './netlink.ts'

/** NFNL_SUBSYS_ULOG (linux/netfilter/nfnetlink.h, nfnetlink_log.h). */
const SUBSYSTEM = 4 << 8
const MESSAGE = { packet: SUBSYSTEM | 0, config: SUBSYSTEM | 1 } as const
const CONFIG = { command: 1, mode: 2, timeout: 4, threshold: 5 } as const
const COMMAND_BIND = 1
const COPY_PACKET = 2
const PACKET = {
  header: 1,
  timestamp: 3,
  fromLink: 4,
  toLink: 5,
  payload: 9,
  prefix: 10,
  user: 11,
} as const
/** nfgenmsg: family, version, resource. */
const HEADER_BYTES = 4
/** Packets wait so long in the kernel for more to go with them: hundredths of a second. */
const TIMEOUT = 5
const THRESHOLD = 32

/** NF_INET_* of linux/netfilter.h, as far as rules have chains there. */
export type LogHook = 'inbound' | 'forward' | 'outbound'
const HOOKS: Readonly<Record<number, LogHook>> = { 1: 'inbound', 2: 'forward', 3: 'outbound' }

/** A packet as a rule handed it over. `bytes` begin with the IP header and are cut off; read them before you return. */
export interface LoggedPacket {
  readonly prefix: string
  readonly hook: LogHook
  readonly bytes: DataView
  /** Milliseconds since the epoch, where the kernel stamped it. */
  readonly at?: number
  /** Index of the interface where it came in, and where it leaves. */
  readonly fromLink?: number
  readonly toLink?: number
  /** Of the program that sent it, where one of this machine did. */
  readonly uid?: number
}

export interface NflogOptions {
  readonly group: number
  /** Bytes of each packet that are handed over. */
  readonly snapBytes: number
  onPacket(packet: LoggedPacket): void
  /** Packets came faster than we read; the kernel does not say how many it threw away. */
  onLost(): void
}

/** Hears one NFLOG group. Throws KernelError: EPERM when another program has it (nfulnl_recv_config), EINVAL without nfnetlink_log. */
export function openNflog({ group, snapBytes, onPacket, onLost }: NflogOptions): { close(): void } {
  const socket = new NetlinkSocket(NETLINK.netfilter, { nonblocking: true })
  try {
    bind(socket, group, snapBytes)
  } catch (error) {
    socket.close()
    throw error
  }
  socket.onMessage((type, view, start, end) => {
    if (type !== MESSAGE.packet) return
    const packet = packetIn(view, start + HEADER_BYTES, end)
    if (packet) onPacket(packet)
  }, onLost)
  return { close: () => socket.close() }
}

function bind(socket: NetlinkSocket, group: number, snapBytes: number): void {
  const header = Uint8Array.of(0, 0, group >>> 8, group & 255)
  const mode = new Uint8Array(6)
  new DataView(mode.buffer).setUint32(0, snapBytes)
  mode[4] = COPY_PACKET
  const writer = new NetlinkWriter(256)
  const configs: readonly ((writer: NetlinkWriter) => void)[] = [
    (message) => message.bytes(CONFIG.command, Uint8Array.of(COMMAND_BIND)),
    (message) =>
      message
        .bytes(CONFIG.mode, mode)
        .uint32BigEndian(CONFIG.timeout, TIMEOUT)
        .uint32BigEndian(CONFIG.threshold, THRESHOLD),
  ]
  for (const [at, write] of configs.entries()) {
    const sequence = at + 1
    writer.reset().begin(MESSAGE.config, REQUEST.request | REQUEST.ack, sequence, header)
    write(writer)
    socket.send(writer.end().output())
    const errno = socket.exchange(sequence, sequence)
    if (errno !== 0) throw new KernelError('bind to an NFLOG group', errno)
  }
}

/** Undefined for what no rule of a filter chain handed over. */
function packetIn(view: DataView, start: number, end: number): LoggedPacket | undefined {
  const found: { -readonly [Key in keyof LoggedPacket]?: LoggedPacket[Key] | undefined } = {}
  eachAttribute(view, start, end, (type, from, to) => {
    switch (type) {
      case PACKET.header:
        // hw_protocol, then the hook.
        found.hook = HOOKS[view.getUint8(from + 2)]
        return
      case PACKET.timestamp:
        found.at = Number(view.getBigUint64(from)) * 1000 + Number(view.getBigUint64(from + 8)) / 1000
        return
      case PACKET.fromLink:
        found.fromLink = view.getUint32(from)
        return
      case PACKET.toLink:
        found.toLink = view.getUint32(from)
        return
      case PACKET.user:
        found.uid = view.getUint32(from)
        return
      case PACKET.payload:
        found.bytes = new DataView(view.buffer, view.byteOffset + from, to - from)
        return
      case PACKET.prefix:
        found.prefix = Buffer.from(view.buffer, view.byteOffset + from, Math.max(0, to - from - 1)).toString()
        return
    }
  })
  const { prefix, hook, bytes, at, fromLink, toLink, uid } = found
  if (prefix === undefined || !hook || !bytes) return undefined
  return {
    prefix,
    hook,
    bytes,
    ...(at !== undefined && { at }),
    ...(fromLink !== undefined && { fromLink }),
    ...(toLink !== undefined && { toLink }),
    ...(uid !== undefined && { uid }),
  }
}
