import { setImmediate as turn } from 'node:timers/promises'
import { AF_PACKET, bindSocket, closeFd, openSocket, SOCK_RAW, sendBytes } from '#kernel/libc.ts'
import { readLinks } from '#kernel/links.ts'

/** LINK HEX RATE SECONDS: sends one frame so many times a second. Says how many it sent a second in truth. */
const [name, hex = '', rate = '', seconds = ''] = process.argv.slice(2)
const link = readLinks().find((other) => other.name === name)
if (!link) throw new Error(`no interface ${name}`)
const fd = openSocket(AF_PACKET, SOCK_RAW, 0)
const address = new Uint8Array(20)
const view = new DataView(address.buffer)
view.setUint16(0, AF_PACKET, true)
view.setInt32(4, link.index, true)
bindSocket(fd, address)
const frame = Buffer.from(hex, 'hex')
const startedAt = performance.now()
let sent = 0
let elapsedMs = 0
while (elapsedMs < Number(seconds) * 1000) {
  elapsedMs = performance.now() - startedAt
  for (const due = (elapsedMs * Number(rate)) / 1000; sent < due; sent++) sendBytes(fd, frame)
  await turn()
}
closeFd(fd)
process.stdout.write(`${Math.round((sent * 1000) / elapsedMs)}\n`)
