import { errnoName, KernelError } from './libc.ts'
import { type NetlinkWriter, REQUEST } from './netlink.ts'
import { NftTable } from './nft.ts'
import { COMPARE, META, PAYLOAD, REGISTER, type RuleExpressions } from './nft-expressions.ts'
import { TableScript } from './nft-rules.ts'
import { EXPRESSION, INET_HEADER, LIST_ITEM, NFT_MESSAGE, TABLE } from './nft-wire.ts'

const OWNERS_TABLE = 'gatehouse_owners'
const CHAIN = 'output'
const LOCAL_OUT = 3
/** After connection tracking (-200), which knows first packets; before address translation (-100), which hides the socket. */
const PRIORITY = -160
/** The table ends with the socket that made it (NFT_TABLE_F_OWNER). */
const OWNED = 2
const TCP = 6
const UDP = 17
const TCP_FLAGS = { base: PAYLOAD.transport, offset: 13, bytes: 1 } as const
const [FIN, SYN, RST, ACK] = [1, 2, 4, 16] as const
const CONNECTION_STATUS = 2
/** IPS_CONFIRMED, in the machine's own byte order: a first packet has not got it yet. Of a one-way flow all are "new". */
const CONFIRMED = new Uint8Array(Uint32Array.of(8).buffer)
/** Where nobody listens to the queue, packets pass. */
const BYPASS = 1

/** How this kernel sends packets to a queue: by nft's own expression, or by the target of iptables (xt_NFQ_info_v2). */
const WAYS = [
  (writer: NetlinkWriter, queue: number) =>
    writeExpression(writer, 'queue', () => {
      for (const [type, value] of [
        [1, queue],
        [2, 1],
        [3, BYPASS],
      ] as const)
        writer.bytes(type, Uint8Array.of(value >> 8, value & 255))
    }),
  (writer: NetlinkWriter, queue: number) =>
    writeExpression(writer, 'target', () => {
      const settings = new Uint8Array(Uint16Array.of(queue, 1, BYPASS, 0).buffer)
      writer.text(1, 'NFQUEUE').uint32BigEndian(2, 2).bytes(3, settings)
    }),
] as const

/**
 * The table that sends the first packet of each connection of this machine to a queue. It belongs to this process: the
 * kernel takes it away when the process is over, in whatever way.
 */
export class QueueTable {
  readonly #table = new NftTable(OWNERS_TABLE)

  /** Throws KernelError when the kernel does not have what it takes, or another Gatehouse has the table. */
  install(queue: number): void {
    let errno = 0
    for (const way of WAYS) {
      // Kernels before 5.12 know no tables that belong to a process: there the rules stay, and let all pass.
      for (const flags of [OWNED, 0]) {
        errno = this.#write(flags, (writer) => way(writer, queue))
        if (errno === 0) return
        if (errnoName(errno) === 'EPERM') throw new KernelError(`table ${OWNERS_TABLE}`, errno)
      }
    }
    throw new KernelError('rule that queues packets', errno)
  }

  #write(flags: number, toQueue: (writer: NetlinkWriter) => void): number {
    return this.#table.transact((writer, next) => {
      const script = new TableScript(writer, OWNERS_TABLE, next).clear()
      writer.begin(NFT_MESSAGE.newTable, REQUEST.request | REQUEST.create, next(), INET_HEADER)
      writer.text(TABLE.name, OWNERS_TABLE).uint32BigEndian(TABLE.flags, flags).end()
      script
        .chain(CHAIN, { number: LOCAL_OUT, priority: PRIORITY })
        .rule(CHAIN, 'programs of new TCP connections', (rule) => {
          ofProtocol(rule, TCP)
            .payload(TCP_FLAGS)
            .mask(FIN | SYN | RST | ACK)
          rule.compare(COMPARE.equal, Uint8Array.of(SYN))
          toQueue(writer)
        })
        .rule(CHAIN, 'programs of new UDP flows', (rule) => {
          ofProtocol(rule, UDP)
          writeExpression(writer, 'ct', () => {
            writer.uint32BigEndian(2, CONNECTION_STATUS).uint32BigEndian(1, REGISTER.first)
          })
          rule.maskBytes(CONFIRMED).compare(COMPARE.equal, new Uint8Array(CONFIRMED.length))
          toQueue(writer)
        })
    })
  }
}

const ofProtocol = (rule: RuleExpressions, protocol: number): RuleExpressions =>
  rule.meta(META.protocol).compare(COMPARE.equal, Uint8Array.of(protocol))

/** One more expression of the rule that is being written. */
function writeExpression(writer: NetlinkWriter, name: string, writeFields: () => void): void {
  const item = writer.nest(LIST_ITEM)
  writer.text(EXPRESSION.name, name)
  const fields = writer.nest(EXPRESSION.data)
  writeFields()
  writer.close(fields).close(item)
}
