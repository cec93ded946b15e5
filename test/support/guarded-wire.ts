import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { type EnforcerOptions, type RemoteEnforcer, runEnforcer } from './enforcer.ts'
import { layWire, type NamespaceHost, type Wire } from './namespaces.ts'

/** A server that the enforcer guards, with a TCP listener, and a client beside it. */
export interface GuardedWire extends Wire {
  enforcer: RemoteEnforcer
  /** What the listener says: `open PEER`, `closed PEER`. */
  readonly heard: readonly string[]
  readonly port: string
  /** What becomes of one connection to the listener's port: `open`, `failed TIMEOUT` … */
  call(from: NamespaceHost, address: string): string
  /** Connects and keeps the connection; answers what the caller says from then on. */
  keepCalling(from: NamespaceHost, address: string): string[]
  /** Runs `nft` on the server, as another program would. */
  nft(...command: string[]): string
  /** A crash, and the next run. */
  restartEnforcer(options?: EnforcerOptions): Promise<void>
  end(): Promise<void>
}

const support = (name: string): string => new URL(name, import.meta.url).pathname

export async function layGuardedWire(): Promise<GuardedWire> {
  const wire = layWire()
  const { server } = wire
  const heard = listen(server.start(process.execPath, support('tcp-listener.ts')))
  const port = (await said(heard, 'listening')).split(' ')[1] ?? ''
  const guarded: GuardedWire = {
    ...wire,
    enforcer: runEnforcer(server.namespace),
    heard,
    port,
    call: (from, address) =>
      from.run(process.execPath, support('tcp-caller.ts'), address, port, 'once').trim(),
    keepCalling: (from, address) =>
      listen(from.start(process.execPath, support('tcp-caller.ts'), address, port)),
    nft: (...command) => server.run('nft', ...command),
    async restartEnforcer(options) {
      await guarded.enforcer.kill()
      guarded.enforcer = runEnforcer(server.namespace, options)
    },
    async end() {
      await guarded.enforcer.kill()
      wire.remove()
    },
  }
  return guarded
}

/** What a process says, line by line, as it comes. */
export function listen(child: ChildProcess): string[] {
  const lines: string[] = []
  if (child.stdout) createInterface({ input: child.stdout }).on('line', (line) => lines.push(line))
  return lines
}

/** Waits for a line that starts so. */
export async function said(lines: readonly string[], start: string, withinMs = 20_000): Promise<string> {
  const until = performance.now() + withinMs
  for (;;) {
    const line = lines.find((each) => each.startsWith(start))
    if (line !== undefined) return line
    if (performance.now() > until) throw new Error(`never said "${start}": ${JSON.stringify(lines)}`)
    await sleep(10)
  }
}

/** Waits until it is so; answers how many milliseconds that took. */
export async function eventually(isSo: () => boolean | Promise<boolean>, withinMs = 20_000): Promise<number> {
  const from = performance.now()
  while (!(await isSo())) {
    if (performance.now() - from > withinMs) throw new Error(`not within ${withinMs} ms`)
    await sleep(20)
  }
  return performance.now() - from
}
