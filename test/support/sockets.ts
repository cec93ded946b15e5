import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/** A program of its own that has sockets open; `ports` are what its script printed, as JSON. */
export interface SocketHolder<Said> {
  readonly pid: number
  readonly said: Said
  stop(): Promise<void>
}

/**
 * Runs a script in a Node of its own (CommonJS, `net` and `dgram` are there, `say(value)` reports) until `stop`.
 * `namespace` runs it there.
 */
export async function holdSockets<Said>(
  script: string,
  options: { readonly namespace?: string; readonly uid?: number } = {},
): Promise<SocketHolder<Said>> {
  const code = `const net = require('net'), dgram = require('dgram')
    const say = (value) => console.log(JSON.stringify(value))
    ${script}`
  const [program, ...before] = options.namespace
    ? ['ip', 'netns', 'exec', options.namespace, process.execPath]
    : [process.execPath]
  const child = spawn(program as string, [...before, '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
    ...(options.uid !== undefined && { uid: options.uid }),
  })
  const said = await firstLine(child)
  return {
    pid: child.pid as number,
    said: JSON.parse(said) as Said,
    async stop() {
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    },
  }
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (!child.stdout) throw new Error('no output to read')
  const lines = createInterface(child.stdout)
  const [line] = (await Promise.race([
    once(lines, 'line'),
    once(child, 'exit').then(([code]) => Promise.reject(new Error(`the program ended with ${String(code)}`))),
  ])) as [string]
  return line
}

/** Opens `pairs` connections to itself over loopback: twice as many sockets, all in one process. */
export const manySockets = (pairs: number): string => `
  const held = []
  const server = net.createServer((socket) => held.push(socket)).listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
    let open = 0
    const next = () => {
      const socket = net.connect(server.address().port, '127.0.0.1', () => {
        held.push(socket)
        if (++open < ${pairs}) next()
        else setTimeout(() => say({ port: server.address().port, sockets: ${pairs} * 2 + 1 }), 200)
      })
    }
    next()
  })`
