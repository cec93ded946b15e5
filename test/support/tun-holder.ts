import { openSync, writeSync } from 'node:fs'
import koffi from 'koffi'

/** Makes the tunnel NAME, says `ready`, and sends the packet HEX into the machine whenever it gets SIGUSR1. */
const TUNSETIFF = 0x400454ca
const IFF_TUN_NO_PI = 0x1001
const [name = '', hex = ''] = process.argv.slice(2)
const ioctl = koffi.load('libc.so.6').func('int ioctl(int fd, unsigned long request, void *argument)')
const fd = openSync('/dev/net/tun', 'r+')
const request = new Uint8Array(40)
request.set(new TextEncoder().encode(name))
new DataView(request.buffer).setInt16(16, IFF_TUN_NO_PI, true)
if (ioctl(fd, TUNSETIFF, request) !== 0) throw new Error('TUNSETIFF failed')
process.on('SIGUSR1', () => writeSync(fd, Buffer.from(hex, 'hex')))
setInterval(() => {}, 60_000)
process.stdout.write('ready\n')
