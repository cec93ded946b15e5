import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { AF_PACKET, bindSocket, openSocket, SOCK_RAW, sendBytes } from '#kernel/libc.ts'
import { readLinks } from '#kernel/links.ts'

/** LINK FILE PAUSE: sends the frames of each line (hexadecimal words) at once, with so many milliseconds between lines. */
const [name, file = '', pauseMs = ''] = process.argv.slice(2)
const link = readLinks().find((other) => other.name === name)
if (!link) throw new Error(`no interface ${name}`)
const fd = openSocket(AF_PACKET, SOCK_RAW, 0)
const address = new Uint8Array(20)
const view = new DataView(address.buffer)
view.setUint16(0, AF_PACKET, true)
view.setInt32(4, link.index, true)
bindSocket(fd, address)
for (const line of readFileSync(file, 'utf8').trim().split('\n')) {
  for (const hex of line.split(' ')) sendBytes(fd, Buffer.from(hex, 'hex'))
  await sleep(Number(pauseMs))
}
process.exit()
