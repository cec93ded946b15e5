import { AF_PACKET, bindSocket, closeFd, openSocket, SOCK_RAW, sendBytes } from '#kernel/libc.ts'
import { readLinks } from '#kernel/links.ts'

/** Sends frames as they are: LINK HEX, and how often (once unless told). */
const [name, hex = '', times = '1'] = process.argv.slice(2)
const link = readLinks().find((other) => other.name === name)
if (!link) throw new Error(`no interface ${name}`)
const fd = openSocket(AF_PACKET, SOCK_RAW, 0)
const address = new Uint8Array(20)
const view = new DataView(address.buffer)
view.setUint16(0, AF_PACKET, true)
view.setUint16(2, 0x0800)
view.setInt32(4, link.index, true)
bindSocket(fd, address)
const frame = Buffer.from(hex, 'hex')
for (let left = Number(times); left > 0; left--) sendBytes(fd, frame)
closeFd(fd)
