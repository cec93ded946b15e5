import { createSocket } from 'node:dgram'

/** Keeps many UDP flows to ADDRESS alive: FLOWS of them, CHANGES datagrams a second in turn, until it is killed. */
const [address = '', flows = '10000', changes = '2000'] = process.argv.slice(2)
const BEAT_MS = 20
const FIRST_PORT = 20_000
const PORTS = 1_000
const perBeat = (Number(changes) * BEAT_MS) / 1000
const sockets = Array.from({ length: Math.ceil(Number(flows) / PORTS) }, () => createSocket('udp4'))
const payload = Buffer.alloc(200)
let turn = 0

/** The first time around as fast as the wire takes it. */
function send(count: number): void {
  for (let left = count; left > 0; left--) {
    const at = turn++ % Number(flows)
    sockets[Math.floor(at / PORTS)]?.send(payload, FIRST_PORT + (at % PORTS), address)
  }
}

let isFirst = true
let due = performance.now()
setInterval(() => {
  // A timer that comes late makes up for it: the rate is what the test is about.
  const now = performance.now()
  while (due <= now) {
    send(isFirst ? perBeat * 5 : perBeat)
    due += BEAT_MS
  }
  if (!isFirst || turn < Number(flows)) return
  isFirst = false
  process.stdout.write('all talk\n')
}, BEAT_MS)
