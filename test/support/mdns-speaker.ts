import { createSocket } from 'node:dgram'
import { dnsMessage } from './dns-message.ts'

/** Tells the link once by multicast DNS that `name` has this address: `mdns-speaker.ts ADDRESS NAME`. */
const [address = '', name = ''] = process.argv.slice(2)
const socket = createSocket({ type: 'udp4', reuseAddr: true })
socket.bind(5353, address, () => {
  socket.setMulticastInterface(address)
  socket.setMulticastTTL(255)
  const claim = dnsMessage({ id: 0, flags: 0x8400, answers: [{ name, type: 'A', data: address }] })
  socket.send(claim, 5353, '224.0.0.251', () => socket.close())
})
