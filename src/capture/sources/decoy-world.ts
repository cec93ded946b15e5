import { randomBytes } from 'node:crypto'
import {
  AF_PACKET,
  bindSocket,
  closeFd,
  KernelError,
  openSocket,
  SOCK_NONBLOCK,
  SOCK_RAW,
  sendBytes,
} from '#kernel/libc.ts'
import { readAddresses, readLinks } from '#kernel/links.ts'
import { SocketDiag } from '#kernel/sock-diag.ts'
import { SOCKET_STATE } from '#kernel/socket-table.ts'
import type { DecoyWorld } from './decoys.ts'

/** This machine: raw sockets to answer by, and its sockets and addresses as the kernel tells them. */
export function openDecoyWorld(nameOf: (interfaceIndex: number) => string | undefined): DecoyWorld {
  const diag = new SocketDiag()
  const sockets = new Map<string, number>()
  const local = new Uint32Array(4)
  const peer = new Uint32Array(4)

  function socketFor(name: string): number | undefined {
    const known = sockets.get(name)
    if (known !== undefined) return known
    const link = readLinks().find((each) => each.name === name)
    if (!link) return undefined
    const fd = openSocket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, 0)
    bindSocket(fd, linkAddress(link.index))
    sockets.set(name, fd)
    return fd
  }

  /** The link went away, perhaps to come back with another number: the next answer opens it anew. */
  function forget(name: string): void {
    const fd = sockets.get(name)
    if (fd !== undefined) closeFd(fd)
    sockets.delete(name)
  }

  return {
    secret: randomBytes(32),
    send(interfaceIndex, frame) {
      const name = nameOf(interfaceIndex)
      if (name === undefined) return
      try {
        const fd = socketFor(name)
        if (fd !== undefined) sendBytes(fd, frame)
      } catch (error) {
        if (!(error instanceof KernelError)) throw error
        forget(name)
      }
    },
    isTaken(packet) {
      local.set([packet.target0, packet.target1, packet.target2, packet.target3])
      peer.set([packet.source0, packet.source1, packet.source2, packet.source3])
      const { protocol, version, targetPort: localPort, sourcePort: peerPort } = packet
      const found = diag.find({ protocol, version, local, localPort, peer, peerPort })
      return found !== undefined && found.state !== SOCKET_STATE.timeWait
    },
    ownAddresses: () => new Set(readAddresses().map(({ address }) => address)),
  }
}

/** struct sockaddr_ll without a protocol: it hears nothing. */
function linkAddress(index: number): Uint8Array {
  const address = new Uint8Array(20)
  const view = new DataView(address.buffer)
  view.setUint16(0, AF_PACKET, true)
  view.setInt32(4, index, true)
  return address
}
