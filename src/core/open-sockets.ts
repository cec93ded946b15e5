import { readAddresses, readLinks } from '#kernel/links.ts'
import { ProcFds } from '#kernel/proc-fds.ts'
import { SocketDestroyer } from '#kernel/sock-destroy.ts'
import { SocketDiag } from '#kernel/sock-diag.ts'
import { SOCKET_STATE, SocketTable } from '#kernel/socket-table.ts'
import { type Ip, ipFromBytes } from '#model/address.ts'
import { PROTOCOL } from '#model/packet.ts'
import { answerTo, type ProgramFacts, type ProgramQuestion } from '#model/program-question.ts'
import type { PacketFacts, RuleBook } from '#model/rule.ts'
import { judge } from '#policy/rules/judge.ts'
import { isOfProgram } from '#policy/rules/program-conditions.ts'
import { isInForce } from '#policy/rules/schedule.ts'

export interface Suspects {
  readonly pids: readonly number[]
  readonly book: RuleBook
  readonly at: number
  readonly programOf: (pid: number) => ProgramFacts
  readonly namesOf: (address: Ip) => readonly string[]
}

/** What processes have open, judged as if they opened it now. */
export class OpenSockets {
  readonly #fds = new ProcFds()
  readonly #table = new SocketTable()
  #diag: SocketDiag | undefined
  #destroyer: SocketDestroyer | undefined

  /** Closes connections that a rule by program denies; answers how many. Throws KernelError. */
  closeDenied(suspects: Suspects): number {
    this.#diag ??= new SocketDiag()
    this.#diag.fill(this.#table)
    const rows = rowsByInode(this.#table)
    const around = { listening: listeningPorts(this.#table), linkOf: linksByAddress() }
    const denied = new Set<number>()
    for (const pid of suspects.pids) {
      let program: ProgramFacts | undefined
      this.#fds.eachSocket(pid, (inode) => {
        const row = rows.get(inode)
        if (row === undefined) return
        program ??= suspects.programOf(pid)
        if (this.#isDenied(row, program, suspects, around)) denied.add(inode)
      })
    }
    if (denied.size === 0) return 0
    this.#destroyer ??= new SocketDestroyer()
    return this.#destroyer.destroyHeldBy(denied).closed.length
  }

  // The socket, who has it, by what it is judged, and what is around it.
  #isDenied(row: number, program: ProgramFacts, { book, at, namesOf }: Suspects, around: Around): boolean {
    if (this.#table.peerPort[row] === 0) return mayBeDenied(book, program, at)
    const facts = factsOf(this.#table, row, around.listening)
    const known = { ...linkFacts(facts, around.linkOf), ...nameFacts(facts, namesOf) }
    return isDenied(book, { ...facts, ...known, program, at })
  }

  close(): void {
    this.#diag?.close()
    this.#destroyer?.close()
  }
}

interface Around {
  /** Ports on which TCP sockets of this machine listen. */
  readonly listening: ReadonlySet<number>
  readonly linkOf: (address: Ip) => string | undefined
}

type Judged = Omit<PacketFacts, 'at' | 'program'>

/** Only where a rule by program says so: other rules do not end what is open. */
function isDenied(book: RuleBook, facts: PacketFacts): boolean {
  const { rule, action } = judge(book, facts)
  return (action === 'deny' || action === 'reject') && rule?.conditions.some(isOfProgram) === true
}

/**
 * Of a datagram socket that talks to anybody nobody knows to whom: connection tracking lets the answers to what it said
 * go on. Closed, it gets an error once, and another port: what it says then is judged anew.
 */
const mayBeDenied = (book: RuleBook, program: ProgramFacts, at: number): boolean =>
  book.rules.some(
    (rule) =>
      (rule.action.kind === 'deny' || rule.action.kind === 'reject') &&
      rule.directions.includes('outbound') &&
      isInForce(rule, at) &&
      rule.conditions.some(isOfProgram) &&
      rule.conditions.every((condition) => !isOfProgram(condition) || isTrueOf(condition, program)),
  )

const isTrueOf = (condition: ProgramQuestion & { readonly not: boolean }, program: ProgramFacts): boolean =>
  answerTo(condition, program) === !condition.not

/** Sockets that have a peer, and datagram sockets on a port that the kernel chose. */
function rowsByInode(table: SocketTable): Map<number, number> {
  const rows = new Map<number, number>()
  for (let row = 0; row < table.count; row++) {
    const isCalling = table.protocol[row] === PROTOCOL.udp && (table.localPort[row] as number) >= CHOSEN_PORTS
    if (table.inode[row] !== 0 && (table.peerPort[row] !== 0 || isCalling))
      rows.set(table.inode[row] as number, row)
  }
  return rows
}

/** net.ipv4.ip_local_port_range begins here unless somebody changed it. */
const CHOSEN_PORTS = 32_768

/** Who connected to such a port is inbound. */
function listeningPorts(table: SocketTable): ReadonlySet<number> {
  const ports = new Set<number>()
  for (let row = 0; row < table.count; row++)
    if (table.protocol[row] === PROTOCOL.tcp && table.state[row] === SOCKET_STATE.listen)
      ports.add(table.localPort[row] as number)
  return ports
}

function factsOf(table: SocketTable, row: number, listening: ReadonlySet<number>): Judged {
  const protocol = table.protocol[row] as number
  const [localPort, peerPort] = [table.localPort[row] as number, table.peerPort[row] as number]
  const isSix = table.version[row] === 6
  const [local, peer] = [addressAt(table.local, row, isSix), addressAt(table.peer, row, isSix)]
  const state = 'new'
  if (protocol === PROTOCOL.tcp && listening.has(localPort))
    return {
      direction: 'inbound',
      protocol,
      source: peer,
      target: local,
      sourcePort: peerPort,
      targetPort: localPort,
      state,
    }
  const uid = table.uid[row] as number
  return {
    direction: 'outbound',
    protocol,
    source: local,
    target: peer,
    sourcePort: localPort,
    targetPort: peerPort,
    state,
    uid,
  }
}

function addressAt(words: Uint32Array, row: number, isSix: boolean): Ip {
  const bytes = new Uint8Array(isSix ? 16 : 4)
  const view = new DataView(bytes.buffer)
  for (let word = 0; word * 4 < bytes.length; word++)
    view.setUint32(word * 4, words[row * 4 + word] as number)
  return ipFromBytes(bytes)
}

/** The link that has the address of our end is where the packets pass, but for what we say to ourselves. */
function linksByAddress(): (address: Ip) => string | undefined {
  const names = new Map(readLinks().map(({ index, name }) => [index, name]))
  const links = new Map(readAddresses().map((own) => [own.address, names.get(own.interfaceIndex)]))
  return (address) => links.get(address)
}

function linkFacts(
  { direction, source, target }: Judged,
  linkOf: (address: Ip) => string | undefined,
): Pick<PacketFacts, 'fromInterface' | 'toInterface'> {
  const [own, peer] = direction === 'outbound' ? [source, target] : [target, source]
  const link = linkOf(peer) === undefined ? linkOf(own) : 'lo'
  if (link === undefined) return {}
  return direction === 'outbound' ? { toInterface: link } : { fromInterface: link }
}

const nameFacts = (
  { direction, source, target }: Judged,
  namesOf: (address: Ip) => readonly string[],
): Pick<PacketFacts, 'sourceNames' | 'targetNames'> =>
  direction === 'outbound' ? { targetNames: namesOf(target) } : { sourceNames: namesOf(source) }
