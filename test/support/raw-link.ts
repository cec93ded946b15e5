import { AF_PACKET, bindSocket, openSocket, SOCK_RAW } from '#kernel/libc.ts'
import { readLinks } from '#kernel/links.ts'

/** A socket that sends frames as they are by the interface of this name. */
export function openRawLink(name: string | undefined): number {
  const link = readLinks().find((other) => other.name === name)
  if (!link) throw new Error(`no interface ${name}`)
  const fd = openSocket(AF_PACKET, SOCK_RAW, 0)
  const address = new Uint8Array(20)
  const view = new DataView(address.buffer)
  view.setUint16(0, AF_PACKET, true)
  view.setInt32(4, link.index, true)
  bindSocket(fd, address)
  return fd
}
