import { createInterface } from 'node:readline'
import { AF_PACKET, bindSocket, openSocket, SOCK_RAW, sendBytes } from '#kernel/libc.ts'
import { readLinks } from '#kernel/links.ts'

/** Sends the frames of each line of hex words as they are, and answers each line with their number. */
const [name] = process.argv.slice(2)
const link = readLinks().find((other) => other.name === name)
if (!link) throw new Error(`no interface ${name}`)
const fd = openSocket(AF_PACKET, SOCK_RAW, 0)
const address = new Uint8Array(20)
const view = new DataView(address.buffer)
view.setUint16(0, AF_PACKET, true)
view.setInt32(4, link.index, true)
bindSocket(fd, address)
for await (const line of createInterface({ input: process.stdin })) {
  const frames = line.split(' ').filter((word) => word !== '')
  for (const hex of frames) sendBytes(fd, Buffer.from(hex, 'hex'))
  process.stdout.write(`${frames.length}\n`)
}
