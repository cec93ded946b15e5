import { createSocket } from 'node:dgram'

/**
 * Answers each datagram that says "ask" with how many others came so far: PORT, by IPv4 and IPv6. Others are not answered,
 * as by a service that does not know them.
 */
const [port = ''] = process.argv.slice(2)
const socket = createSocket('udp6')
let strangers = 0
socket.on('message', (bytes, from) => {
  if (bytes.toString() !== 'ask') strangers++
  else socket.send(`${strangers}`, from.port, from.address)
})
socket.bind(Number(port), '::', () => process.stdout.write('listening\n'))
