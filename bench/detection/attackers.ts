import { createSocket } from 'node:dgram'
import { Agent, get } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { dnsQuestion } from '#detect/self-test/messages.ts'

/** Attackers that no package brings: WHAT SERVER. Each ends by itself. */
const [what = '', server = ''] = process.argv.slice(2)

/** Each try in turn: connect, say so much twice, be refused. */
async function guessPasswords(): Promise<void> {
  for (let n = 0; n < 120; n++) {
    await new Promise<void>((resolve) => {
      const socket = connect(22, server)
      let heard = 0
      socket.on('data', () => {
        if (++heard <= 2) socket.write(Buffer.alloc(900))
      })
      socket.on('close', () => resolve()).on('error', () => resolve())
      socket.setTimeout(2_000, () => socket.destroy())
    })
    await sleep(100)
  }
}

async function openAndLeave(): Promise<void> {
  for (let n = 0; n < 500; n++) {
    const socket = connect(80, server, () => socket.end())
    socket.on('error', () => {})
    await sleep(15)
  }
}

async function requestWithoutPause(): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 60 })
  const endsAt = performance.now() + 20_000
  while (performance.now() < endsAt) {
    for (let n = 0; n < 40; n++) {
      get({ host: server, path: `/${n}`, agent }, (response) => response.resume()).on('error', () => {})
    }
    await sleep(40)
  }
}

/** The same digits each time, and no two alike. */
const digits = (n: number): string =>
  [1, 2, 3, 4, 5, 6]
    .map((part) => (Math.imul(n * 6 + part, 0x9e3779b1) >>> 0).toString(16).padStart(8, '0'))
    .join('')

const letters = (n: number): string =>
  Array.from({ length: 12 }, (_, at) =>
    String.fromCharCode(97 + ((Math.imul(n * 12 + at, 0x9e3779b1) >>> 8) % 26)),
  ).join('')

async function ask(count: number, pauseMs: number, nameOf: (n: number) => string): Promise<void> {
  const socket = createSocket('udp4')
  for (let n = 0; n < count; n++) {
    socket.send(dnsQuestion(nameOf(n)), 53, server)
    await sleep(pauseMs)
  }
  socket.close()
}

const ATTACKS: Readonly<Record<string, () => Promise<void>>> = {
  ssh: guessPasswords,
  connections: openAndLeave,
  requests: requestWithoutPause,
  tunnel: () => ask(400, 20, (n) => `${digits(n)}.${digits(n + 9_999)}.t.example.com`),
  names: () => ask(120, 100, (n) => `${letters(n)}.com`),
}

await ATTACKS[what]?.()
process.exit()
