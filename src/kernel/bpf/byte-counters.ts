import { closeFd } from '../libc.ts'
import { attachToCgroup, createMap, loadProgram, lookUpElement, MAP, nextKey, takeElement } from './bpf.ts'
import { type Btf, readKernelBtf } from './btf.ts'
import { byteProgram, COUNTED } from './byte-programs.ts'
import { openGroup } from './denied-programs.ts'
import { kernelOffsets } from './watch-programs.ts'

const MAX_SOCKETS = 65_536

/** Since the socket's first packet. Bytes are of IP: from the IP header on, as netfilter counts them. */
export interface SocketBytes {
  readonly sentBytes: number
  readonly sentPackets: number
  readonly receivedBytes: number
  readonly receivedPackets: number
  /** Number of its network namespace. */
  readonly netns: number
  readonly localPort: number
  readonly protocol: number
}

export interface ByteCountersOptions {
  readonly btf?: Btf
  /** Folder of the control group whose sockets are counted; absent: the root, which is all. */
  readonly cgroup?: string
  /** Sockets that are counted apart at a time; what is beyond counts together. */
  readonly sockets?: number
}

/** Counts what each socket sends and receives, also when no packet is captured. All ends when this is closed. */
export class ByteCounters {
  readonly room: number
  readonly #fds: number[] = []
  readonly #sockets: number
  readonly #overflow: number
  readonly #value = new DataView(new ArrayBuffer(COUNTED.valueBytes))
  readonly #key = new BigUint64Array(1)
  readonly #next = new BigUint64Array(1)

  /** Throws BtfError, KernelError or ProgramRefused; then nothing stays behind. */
  constructor({ btf = readKernelBtf(), cgroup, sockets = MAX_SOCKETS }: ByteCountersOptions = {}) {
    this.room = sockets
    const offsets = kernelOffsets(btf)
    const group = openGroup(cgroup)
    try {
      const { keyBytes, valueBytes } = COUNTED
      this.#sockets = this.#keep(
        createMap('gh_bytes', {
          type: MAP.hash,
          keyBytes,
          valueBytes,
          entries: sockets,
        }),
      )
      this.#overflow = this.#keep(
        createMap('gh_more_bytes', { type: MAP.array, keyBytes: 4, valueBytes, entries: 1 }),
      )
      const maps = { sockets: this.#sockets, overflow: this.#overflow }
      for (const [hook, direction] of [
        ['egress', 'sent'],
        ['ingress', 'received'],
      ] as const) {
        const program = loadProgram(`gh_${direction}`, hook, byteProgram(direction, offsets, maps))
        try {
          this.#keep(attachToCgroup(program, group.fd, hook))
        } finally {
          closeFd(program)
        }
      }
    } catch (refused) {
      this.close()
      throw refused
    } finally {
      group.close()
    }
  }

  /** The cookies that have counters now. Some 1 µs each. */
  cookies(): bigint[] {
    const cookies: bigint[] = []
    const [key, next] = [new Uint8Array(this.#key.buffer), new Uint8Array(this.#next.buffer)]
    let from: Uint8Array | undefined
    // The walk begins anew when its place was taken away: it must end all the same.
    for (let steps = 0; steps < 2 * this.room && nextKey(this.#sockets, from, next); steps++) {
      cookies.push(this.#next[0] as bigint)
      key.set(next)
      from = key
    }
    return cookies
  }

  of(cookie: bigint): SocketBytes | undefined {
    return lookUpElement(this.#sockets, this.#keyOf(cookie), this.#bytes()) ? this.#read() : undefined
  }

  /** The same, and it counts from 0 again. */
  take(cookie: bigint): SocketBytes | undefined {
    return takeElement(this.#sockets, this.#keyOf(cookie), this.#bytes()) ? this.#read() : undefined
  }

  /** All that was counted while there was no room for one more socket. */
  overflow(): SocketBytes {
    lookUpElement(this.#overflow, new Uint8Array(4), this.#bytes())
    return this.#read()
  }

  close(): void {
    for (const fd of this.#fds.splice(0).reverse()) closeFd(fd)
  }

  #keyOf(cookie: bigint): Uint8Array {
    this.#key[0] = cookie
    return new Uint8Array(this.#key.buffer)
  }

  #bytes(): Uint8Array {
    return new Uint8Array(this.#value.buffer)
  }

  #read(): SocketBytes {
    return {
      sentBytes: this.#long(COUNTED.sentBytes),
      sentPackets: this.#long(COUNTED.sentPackets),
      receivedBytes: this.#long(COUNTED.receivedBytes),
      receivedPackets: this.#long(COUNTED.receivedPackets),
      netns: this.#word(COUNTED.netns),
      localPort: this.#word(COUNTED.localPort),
      protocol: this.#word(COUNTED.protocol),
    }
  }

  #long(at: number): number {
    return Number(this.#value.getBigUint64(at, true))
  }

  #word(at: number): number {
    return this.#value.getUint32(at, true)
  }

  #keep(fd: number): number {
    this.#fds.push(fd)
    return fd
  }
}
