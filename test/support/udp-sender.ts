import { createSocket } from 'node:dgram'

/** Sends datagrams: ADDRESS PORT TEXT, and how often (once unless told). */
const [address = '', port = '', text = '', times = '1'] = process.argv.slice(2)
const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
let left = Number(times)
const send = (): void => {
  if (left-- > 0) socket.send(text, Number(port), address, send)
  else socket.close()
}
send()
