import { type ChildProcess, execFileSync, spawn } from 'node:child_process'

/** Two hosts on one wire, each in a network namespace of its own; both vanish with `remove`. */
export interface Wire {
  readonly server: NamespaceHost
  readonly client: NamespaceHost
  remove(): void
}

/** One host. `run` waits and answers its output; `start` goes on beside the test and ends with `remove`. */
export interface NamespaceHost {
  readonly namespace: string
  readonly link: string
  readonly ip4: string
  readonly ip6: string
  run(program: string, ...args: string[]): string
  start(program: string, ...args: string[]): ChildProcess
}

let made = 0

/** Needs root. Addresses are 10.77.N.1 and .2, fd77:N::1 and ::2; the first is the server's. */
export function layWire(): Wire {
  const number = (process.pid + 97 * made++) % 250
  const tag = `gh${process.pid}-${made}`
  const children: ChildProcess[] = []
  const names = [`${tag}s`, `${tag}c`] as const
  for (const name of names) ip('netns', 'add', name)
  ip('link', 'add', 'gh0', 'netns', names[0], 'type', 'veth', 'peer', 'name', 'gh0', 'netns', names[1])
  const hosts = names.map((namespace, at) => hostIn(namespace, number, at + 1, children))
  const [server, client] = hosts as [NamespaceHost, NamespaceHost]
  return {
    server,
    client,
    remove() {
      for (const child of children) child.kill('SIGKILL')
      for (const name of names) ip('netns', 'del', name)
    },
  }
}

/** Many hosts on one link, as on a switch; all vanish with `remove`. */
export interface Lan {
  /** In the order of the numbers that were asked for. */
  readonly hosts: readonly NamespaceHost[]
  remove(): void
}

/** Needs root. Addresses are 10.77.N.LAST and fd77:N::LAST. */
export function layLan(lasts: readonly number[]): Lan {
  const number = (process.pid + 97 * made++) % 250
  const tag = `gh${process.pid}-${made}`
  const children: ChildProcess[] = []
  const bridge = `${tag}b`
  ip('netns', 'add', bridge)
  ip('-n', bridge, 'link', 'add', 'br0', 'type', 'bridge')
  ip('-n', bridge, 'link', 'set', 'br0', 'up')
  const names = lasts.map((last) => `${tag}h${last}`)
  const hosts = lasts.map((last, at) => {
    const name = names[at] as string
    ip('netns', 'add', name)
    ip('link', 'add', 'gh0', 'netns', name, 'type', 'veth', 'peer', 'name', `p${last}`, 'netns', bridge)
    ip('-n', bridge, 'link', 'set', `p${last}`, 'master', 'br0', 'up')
    return hostIn(name, number, last, children)
  })
  return {
    hosts,
    remove() {
      for (const child of children) child.kill('SIGKILL')
      for (const name of [...names, bridge]) ip('netns', 'del', name)
    },
  }
}

function hostIn(namespace: string, number: number, last: number, children: ChildProcess[]): NamespaceHost {
  const host: NamespaceHost = {
    namespace,
    link: 'gh0',
    ip4: `10.77.${number}.${last}`,
    ip6: `fd77:${number}::${last}`,
    run: (program, ...args) =>
      execFileSync('ip', ['netns', 'exec', namespace, program, ...args], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    start(program, ...args) {
      const child = spawn('ip', ['netns', 'exec', namespace, program, ...args], {
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      children.push(child)
      return child
    },
  }
  ip('-n', namespace, 'addr', 'add', `${host.ip4}/24`, 'dev', host.link)
  ip('-n', namespace, 'addr', 'add', `${host.ip6}/64`, 'dev', host.link, 'nodad')
  ip('-n', namespace, 'link', 'set', 'lo', 'up')
  ip('-n', namespace, 'link', 'set', host.link, 'up')
  return host
}

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'inherit'] })
}
