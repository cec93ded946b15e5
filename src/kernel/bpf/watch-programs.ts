import { Assembler, type Register, type Width } from './assembler.ts'
import { HELPER, type Hook } from './bpf.ts'
import { type Btf, BtfError } from './btf.ts'
import { AT, BYTES, KIND, TCP_STATE } from './event.ts'

/** Fds of the maps that the programs use. */
export interface WatchMaps {
  readonly ring: number
  readonly ringBytes: number
  /** LRU hash, cookie → pid: unconnected sockets that were told of. */
  readonly senders: number
  /** Array of one 64-bit number: events that found the ring full. */
  readonly lost: number
}

export type KernelOffsets = ReturnType<typeof kernelOffsets>

/** The members that our programs read. Throws BtfError when this kernel lacks one, or has it elsewhere than we look. */
export function kernelOffsets(btf: Btf) {
  const of = (struct: string, member: string): number => btf.offset(struct, member)
  const common = (member: string): number => {
    const offset = of('sock', `__sk_common.${member}`)
    if (offset + IPV6_BYTES <= HEAD_BYTES) return offset
    throw new BtfError(`this kernel has sock.${member} beyond the bytes that are read`)
  }
  return {
    task: {
      mm: of('task_struct', 'mm'),
      parent: of('task_struct', 'real_parent'),
      leader: of('task_struct', 'group_leader'),
      tgid: of('task_struct', 'tgid'),
      thread: of('task_struct', 'pid'),
      name: of('task_struct', 'comm'),
      rights: of('task_struct', 'cred'),
      namespaces: of('task_struct', 'nsproxy'),
      started: of('task_struct', 'start_boottime'),
    },
    rights: { uid: of('cred', 'uid') },
    mm: {
      file: of('mm_struct', 'exe_file'),
      argumentsAt: of('mm_struct', 'arg_start'),
      argumentsEnd: of('mm_struct', 'arg_end'),
    },
    file: { inode: of('file', 'f_inode'), dentry: of('file', 'f_path.dentry') },
    inode: {
      number: of('inode', 'i_ino'),
      generation: of('inode', 'i_generation'),
      super: of('inode', 'i_sb'),
    },
    super: { device: of('super_block', 's_dev') },
    dentry: { name: of('dentry', 'd_name.name') },
    program: {
      filename: of('linux_binprm', 'filename'),
      interpreter: of('linux_binprm', 'interp'),
      file: of('linux_binprm', 'file'),
    },
    socket: {
      family: common('skc_family'),
      state: common('skc_state'),
      cookie: common('skc_cookie'),
      netns: common('skc_net.net'),
      peer4: common('skc_daddr'),
      local4: common('skc_rcv_saddr'),
      peer6: common('skc_v6_daddr'),
      local6: common('skc_v6_rcv_saddr'),
      peerPort: common('skc_dport'),
      protocol: of('sock', 'sk_protocol'),
      localPort: of('inet_sock', 'inet_sport'),
      /** The same in the machine's order, and 0 again when the port is given back. */
      localNumber: common('skc_num'),
    },
    proxy: { netns: of('nsproxy', 'net_ns') },
    netns: { number: of('net', 'ns.inum') },
  }
}

/** Frame pointer relative place of the event that is built on the stack, and of 8 bytes beside it. */
const EVENT = -BYTES.socket
const SCRATCH = EVENT - 8
const KEY = SCRATCH - 8
/** The first bytes of struct sock, read in one go: all that sockets have in common is among them. */
const HEAD_BYTES = 128
const HEAD = KEY - HEAD_BYTES
const IPV6_BYTES = 16
/** struct bpf_sock_addr and struct bpf_sock (linux/bpf.h), as programs see them. */
const SOCK_ADDR = { ip4: 4, ip6: 8, port: 24, protocol: 36, socket: 64 } as const
const SOCKET = { protocol: 12, sourcePort: 44 } as const
const [AF_INET, AF_INET6, ICMP, TCP, UDP, ICMPV6] = [2, 10, 1, 6, 17, 58] as const
/** Flags of bpf_ringbuf_output (linux/bpf.h). */
const RING = { noWakeup: 1, forceWakeup: 2 } as const
/** Wide enough that no event jumps over it. */
const WAKE_WINDOW_BYTES = 2 * BYTES.exec
/** What bpf_ringbuf_query is to answer: bytes that were not read yet. */
const AVAILABLE = 0
/** The context, kept over calls; the ring's flags; in process parts the task. */
const CONTEXT = 6
const TASK = 7

/** Offsets are of the kernel that runs: the answer is ready to load. */
export interface WatchProgram {
  readonly name: string
  readonly hook: Hook
  /** Of a raw or typed tracepoint. */
  readonly tracepoint?: string
  readonly instructions: Uint8Array
}

/** All programs that watch who opens which socket. They only look: none can refuse or change anything. */
export function watchPrograms(offsets: KernelOffsets, maps: WatchMaps): WatchProgram[] {
  const build = new Builder(offsets, maps)
  return [
    { name: 'gh_connect4', hook: 'connect4', instructions: build.connect(4) },
    { name: 'gh_connect6', hook: 'connect6', instructions: build.connect(6) },
    { name: 'gh_sendmsg4', hook: 'sendmsg4', instructions: build.send(4) },
    { name: 'gh_sendmsg6', hook: 'sendmsg6', instructions: build.send(6) },
    { name: 'gh_raw', hook: 'socketCreate', instructions: build.raw() },
    { name: 'gh_release', hook: 'socketRelease', instructions: build.release() },
    {
      name: 'gh_state',
      hook: 'typedTracepoint',
      tracepoint: 'inet_sock_set_state',
      instructions: build.state(),
    },
    { name: 'gh_exec', hook: 'rawTracepoint', tracepoint: 'sched_process_exec', instructions: build.exec() },
    { name: 'gh_exit', hook: 'rawTracepoint', tracepoint: 'sched_process_exit', instructions: build.exit() },
  ]
}

/** The one that tells of programs that start, alone: for who needs nothing else. */
export const startProgram = (offsets: KernelOffsets, maps: Omit<WatchMaps, 'senders'>): Uint8Array =>
  new Builder(offsets, { ...maps, senders: maps.lost }).exec()

class Builder {
  readonly #at: KernelOffsets
  readonly #maps: WatchMaps

  constructor(offsets: KernelOffsets, maps: WatchMaps) {
    this.#at = offsets
    this.#maps = maps
  }

  /** Each connect(2), TCP and UDP, before the first packet. The socket has no local end yet: `state` and `release` tell. */
  connect(version: 4 | 6): Uint8Array {
    const a = new Assembler().move(CONTEXT, 1)
    this.#socketAddress(a, KIND.connect, version)
    this.#process(a, EVENT)
    this.#output(a, BYTES.socket)
    return a.set(0, 1).exit().assemble()
  }

  /** The first sendto(2) of an unconnected socket by each program. */
  send(version: 4 | 6): Uint8Array {
    const a = new Assembler().move(CONTEXT, 1)
    a.call(HELPER.socketCookie).store(8, 10, KEY, 0)
    a.call(HELPER.pidTgid).shiftRight(0, 32).store(8, 10, SCRATCH, 0)
    a.setMap(1, this.#maps.senders).move(2, 10).add(2, KEY).call(HELPER.mapLookUp)
    a.jumpIf(0, '==', 0, 'new').load(8, 1, 0, 0).load(8, 2, 10, SCRATCH)
    a.jumpIfRegister(1, '==', 2, 'known').label('new')
    a.setMap(1, this.#maps.senders).move(2, 10).add(2, KEY).move(3, 10).add(3, SCRATCH).set(4, 0)
    a.call(HELPER.mapUpdate).move(1, CONTEXT)
    this.#socketAddress(a, KIND.send, version)
    this.#process(a, EVENT)
    this.#output(a, BYTES.socket)
    return a.label('known').set(0, 1).exit().assemble()
  }

  /** Who opens a socket for ICMP: raw or ping. Its packets have no event. */
  raw(): Uint8Array {
    const a = new Assembler().move(CONTEXT, 1).load(4, 1, CONTEXT, SOCKET.protocol)
    a.jumpIf(1, '==', ICMP, 'take').jumpIf(1, '!=', ICMPV6, 'end').label('take')
    this.#clear(a)
    a.load(4, 1, CONTEXT, SOCKET.protocol).store(1, 10, EVENT + AT.protocol, 1)
    a.storeNumber(1, 10, EVENT + AT.kind, KIND.raw)
    this.#callersNamespace(a)
    this.#process(a, EVENT)
    this.#output(a, BYTES.socket)
    return a.label('end').set(0, 1).exit().assemble()
  }

  /** A connected UDP socket is closed: now all five numbers are known. TCP is told by `state`. */
  release(): Uint8Array {
    const { socket } = this.#at
    const a = new Assembler().move(CONTEXT, 1)
    a.load(4, 1, CONTEXT, SOCKET.protocol).jumpIf(1, '!=', UDP, 'end')
    this.#clear(a)
    a.storeNumber(1, 10, EVENT + AT.kind, KIND.release).storeNumber(1, 10, EVENT + AT.protocol, UDP)
    this.#socket(a, CONTEXT)
    a.load(1, 1, 10, HEAD + socket.state).jumpIf(1, '!=', TCP_STATE.established, 'end')
    this.#process(a, EVENT)
    this.#output(a, BYTES.socket)
    return a.label('end').set(0, 1).exit().assemble()
  }

  /**
   * TCP: a connection we open is made or refused (five numbers, no process: it may be a soft interrupt), or a program
   * begins to listen (its process). Everything else is passed over.
   */
  state(): Uint8Array {
    const { socket, netns } = this.#at
    const a = new Assembler().load(8, 3, 1, 8).load(8, 9, 1, 16)
    a.jumpIf(9, '==', TCP_STATE.listen, 'take').jumpIf(3, '!=', TCP_STATE.synSent, 'end').label('take')
    a.load(8, 1, 1, 0).call(HELPER.tcpSocket).jumpIf(0, '==', 0, 'end').move(8, 0)
    this.#clear(a)
    a.storeNumber(1, 10, EVENT + AT.kind, KIND.state).storeNumber(1, 10, EVENT + AT.protocol, TCP)
    // Plain loads: the verifier knows the type.
    a.load(2, 1, 8, socket.localPort).store(2, 10, SCRATCH, 1)
    a.load(8, 1, 8, socket.netns)
      .load(4, 1, 1, netns.number)
      .store(4, 10, EVENT + AT.netns, 1)
    this.#ends(a, 8, 0)
    a.jumpIf(9, '!=', TCP_STATE.listen, 'out').storeNumber(1, 10, EVENT + AT.kind, KIND.listen)
    this.#process(a, EVENT)
    a.label('out')
    this.#output(a, BYTES.socket)
    return a.label('end').set(0, 0).exit().assemble()
  }

  /** A process becomes another program: with path and arguments, since it may be over before anybody reads them. */
  exec(): Uint8Array {
    const { program, file, dentry, mm, task } = this.#at
    const a = new Assembler().move(CONTEXT, 1)
    this.#clear(a)
    a.storeNumber(1, 10, EVENT + AT.kind, KIND.exec)
    this.#process(a, EVENT)
    a.setMap(1, this.#maps.ring).set(2, BYTES.exec).set(3, 0).call(HELPER.ringReserve)
    a.jumpIf(0, '==', 0, 'full').move(9, 0)
    for (let at = 0; at < BYTES.socket; at += 8) a.load(8, 1, 10, EVENT + at).store(8, 9, at, 1)
    for (let at = BYTES.socket; at < BYTES.exec; at += 8) a.storeNumber(8, 9, at, 0)
    a.load(8, 8, CONTEXT, 16)
    for (const [offset, to, room] of [
      [program.filename, AT.filename, BYTES.filename],
      [program.interpreter, AT.interpreter, BYTES.interpreter],
    ] as const) {
      this.#read(a, { width: 8, base: 8, offset, to: SCRATCH })
      a.load(8, 3, 10, SCRATCH).set(2, room).move(1, 9).add(1, to).call(HELPER.probeReadKernelText)
    }
    for (const [base, offset] of [
      [8, program.file],
      [TASK, file.dentry],
      [TASK, dentry.name],
    ] as const) {
      this.#read(a, { width: 8, base, offset, to: SCRATCH })
      a.load(8, TASK, 10, SCRATCH)
    }
    a.move(3, TASK).set(2, BYTES.lastPart).move(1, 9).add(1, AT.lastPart).call(HELPER.probeReadKernelText)
    // The arguments stand on the new program's stack, which the kernel has just written.
    a.load(8, 8, CONTEXT, 0)
    this.#read(a, { width: 8, base: 8, offset: task.mm, to: SCRATCH })
    a.load(8, TASK, 10, SCRATCH)
    this.#read(a, { width: 8, base: TASK, offset: mm.argumentsEnd, to: SCRATCH })
    a.load(8, 8, 10, SCRATCH)
    this.#read(a, { width: 8, base: TASK, offset: mm.argumentsAt, to: SCRATCH })
    a.load(8, 3, 10, SCRATCH).move(2, 8).subtractRegister(2, 3)
    a.jumpIf(2, '<=', BYTES.arguments, 'fits').set(2, BYTES.arguments).label('fits')
    a.move(1, 9).add(1, AT.arguments).call(HELPER.probeReadUser)
    // Told at once: while the process lives, /proc has what is not in the event.
    a.move(1, 9).set(2, RING.forceWakeup).call(HELPER.ringSubmit).set(0, 0).exit()
    a.label('full')
    this.#countLost(a)
    return a.set(0, 0).exit().assemble()
  }

  /** A process ends (its first thread does). */
  exit(): Uint8Array {
    const a = new Assembler().move(CONTEXT, 1)
    a.call(HELPER.pidTgid).move(8, 0).shiftRight(8, 32).store(8, 10, SCRATCH, 0)
    a.load(4, 1, 10, SCRATCH).jumpIfRegister(1, '!=', 8, 'end')
    this.#clear(a)
    a.storeNumber(1, 10, EVENT + AT.kind, KIND.exit)
    this.#process(a, EVENT)
    this.#output(a, BYTES.exit)
    return a.label('end').set(0, 0).exit().assemble()
  }

  #clear(a: Assembler): void {
    for (let at = 0; at < BYTES.socket; at += 8) a.storeNumber(8, 10, EVENT + at, 0)
  }

  /** What connect and sendmsg hooks say: whereto, and the socket's cookie. */
  #socketAddress(a: Assembler, kind: number, version: 4 | 6): void {
    this.#clear(a)
    a.storeNumber(1, 10, EVENT + AT.kind, kind).storeNumber(1, 10, EVENT + AT.version, version)
    a.load(4, 1, CONTEXT, SOCK_ADDR.protocol).store(1, 10, EVENT + AT.protocol, 1)
    a.load(4, 1, CONTEXT, SOCK_ADDR.port).store(4, 10, EVENT + AT.peerPort, 1)
    if (version === 4) a.load(4, 1, CONTEXT, SOCK_ADDR.ip4).store(4, 10, EVENT + AT.peerAddress, 1)
    for (let at = 0; version === 6 && at < 16; at += 4)
      a.load(4, 1, CONTEXT, SOCK_ADDR.ip6 + at).store(4, 10, EVENT + AT.peerAddress + at, 1)
    a.move(1, CONTEXT)
      .call(HELPER.socketCookie)
      .store(8, 10, EVENT + AT.cookie, 0)
    a.load(8, 8, CONTEXT, SOCK_ADDR.socket).jumpIf(8, '==', 0, 'no-socket')
    a.load(4, 1, 8, SOCKET.sourcePort)
      .store(4, 10, EVENT + AT.localPort, 1)
      .label('no-socket')
    this.#callersNamespace(a)
  }

  /** That of the socket too, but for sockets that were handed over. */
  #callersNamespace(a: Assembler): void {
    const { task, proxy, netns } = this.#at
    a.call(HELPER.currentTask).load(8, 1, 0, task.namespaces).jumpIf(1, '==', 0, 'no-netns')
    a.load(8, 1, 1, proxy.netns).jumpIf(1, '==', 0, 'no-netns')
    a.load(4, 2, 1, netns.number)
      .store(4, 10, EVENT + AT.netns, 2)
      .label('no-netns')
  }

  /** The five numbers, cookie and namespace of the kernel's struct sock in `base`. */
  #socket(a: Assembler, base: Register): void {
    const { socket, netns } = this.#at
    a.move(3, base).set(2, HEAD_BYTES).move(1, 10).add(1, HEAD).call(HELPER.probeReadKernel)
    this.#read(a, { width: 2, base, offset: socket.localPort, to: SCRATCH })
    a.load(8, TASK, 10, HEAD + socket.netns)
    this.#read(a, { width: 4, base: TASK, offset: netns.number, to: EVENT + AT.netns })
    this.#ends(a, 10, HEAD)
  }

  /** From `at` beyond `from` on, and the local port from SCRATCH. Ends where it is of neither version. */
  #ends(a: Assembler, from: Register, at: number): void {
    const { socket } = this.#at
    const copy = (width: Width, offset: number, to: number): void =>
      void a.load(width, 1, from, at + offset).store(width, 10, EVENT + to, 1)
    copy(8, socket.cookie, AT.cookie)
    copy(2, socket.peerPort, AT.peerPort)
    // Network order to the machine's: the two bytes change places.
    a.load(1, 1, 10, SCRATCH).store(1, 10, EVENT + AT.localPort + 1, 1)
    a.load(1, 1, 10, SCRATCH + 1).store(1, 10, EVENT + AT.localPort, 1)
    a.load(2, 1, from, at + socket.family)
    a.jumpIf(1, '==', AF_INET6, 'six').jumpIf(1, '!=', AF_INET, 'end')
    a.storeNumber(1, 10, EVENT + AT.version, 4)
    copy(4, socket.peer4, AT.peerAddress)
    copy(4, socket.local4, AT.localAddress)
    a.jump('addressed').label('six')
    a.storeNumber(1, 10, EVENT + AT.version, 6)
    for (let word = 0; word < IPV6_BYTES; word += 4) {
      copy(4, socket.peer6 + word, AT.peerAddress + word)
      copy(4, socket.local6 + word, AT.localAddress + word)
    }
    a.label('addressed')
  }

  /** The current process: who it is, who started it, which file it runs. Plain loads: the verifier knows the types. */
  #process(a: Assembler, event: number): void {
    const { task, rights, mm, file, inode, super: superBlock } = this.#at
    a.call(HELPER.cgroupId).store(8, 10, event + AT.cgroup, 0)
    const end = `process-${a.length}`
    a.call(HELPER.currentTask).move(TASK, 0)
    a.load(4, 1, TASK, task.thread).store(4, 10, event + AT.thread, 1)
    a.load(4, 1, TASK, task.tgid).store(4, 10, event + AT.pid, 1)
    for (let at = 0; at < BYTES.shortName; at += 8)
      a.load(8, 1, TASK, task.name + at).store(8, 10, event + AT.shortName + at, 1)
    a.load(8, 1, TASK, task.rights).load(4, 1, 1, rights.uid)
    a.store(4, 10, event + AT.uid, 1)
    a.load(8, 1, TASK, task.leader).jumpIf(1, '==', 0, end)
    a.load(8, 2, 1, task.started).store(8, 10, event + AT.startedNs, 2)
    a.load(8, 1, TASK, task.parent).jumpIf(1, '==', 0, end)
    a.load(4, 2, 1, task.tgid).store(4, 10, event + AT.parentPid, 2)
    a.load(8, 1, TASK, task.mm).jumpIf(1, '==', 0, end)
    a.load(8, 1, 1, mm.file).jumpIf(1, '==', 0, end)
    a.load(8, 1, 1, file.inode).jumpIf(1, '==', 0, end)
    a.load(8, 2, 1, inode.number).store(8, 10, event + AT.inode, 2)
    a.load(4, 2, 1, inode.generation).store(4, 10, event + AT.generation, 2)
    a.load(8, 1, 1, inode.super).jumpIf(1, '==', 0, end)
    a.load(4, 2, 1, superBlock.device).store(4, 10, event + AT.device, 2)
    a.label(end)
  }

  /** Copies from kernel memory to the stack; zeros where it cannot be read. */
  #read(a: Assembler, what: { width: Width; base: Register; offset: number; to: number }): void {
    if (what.to === SCRATCH) a.storeNumber(8, 10, SCRATCH, 0)
    a.move(3, what.base).add(3, what.offset).set(2, what.width).move(1, 10).add(1, what.to)
    a.call(HELPER.probeReadKernel)
  }

  /** r7 = flags for the ring: it wakes us as it becomes half full; else we come by ourselves within milliseconds. */
  #wakeFlags(a: Assembler): void {
    const done = `flags-${a.length}`
    a.setMap(1, this.#maps.ring).set(2, AVAILABLE).call(HELPER.ringQuery)
    const half = this.#maps.ringBytes / 2
    a.set(TASK, RING.noWakeup)
      .jumpIf(0, '<', half, done)
      .jumpIf(0, '>=', half + WAKE_WINDOW_BYTES, done)
    a.set(TASK, RING.forceWakeup).label(done)
  }

  #output(a: Assembler, bytes: number): void {
    const done = `sent-${a.length}`
    this.#wakeFlags(a)
    a.setMap(1, this.#maps.ring).move(2, 10).add(2, EVENT).set(3, bytes).move(4, TASK).call(HELPER.ringOutput)
    a.jumpIf(0, '==', 0, done)
    this.#countLost(a)
    a.label(done)
  }

  #countLost(a: Assembler): void {
    const end = `lost-${a.length}`
    a.storeNumber(4, 10, SCRATCH, 0).setMap(1, this.#maps.lost).move(2, 10).add(2, SCRATCH)
    a.call(HELPER.mapLookUp).jumpIf(0, '==', 0, end).set(1, 1).addAtomically(0, 0, 1).label(end)
  }
}
