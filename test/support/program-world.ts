import { type ChildProcess, execFileSync, type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseCgroupMount } from '#kernel/bpf/cgroup-root.ts'
import { until } from './daemon.ts'
import { layWire, type Wire } from './namespaces.ts'

const PROBE = new URL('class-probe.ts', import.meta.url).pathname

/** Two hosts on a wire, a folder for programs, and a control group on the first host: nobody outside it is marked. */
export interface ProgramWorld {
  readonly wire: Wire
  readonly folder: string
  readonly group: string
  /** In the network namespace of the server and in the group, or in one below it. */
  run(words: readonly string[], below?: string): SpawnSyncReturns<string>
  start(words: readonly string[], below?: string): ChildProcess
  /** A control group below the group. */
  makeGroup(name: string): void
  /** `pins`: a folder in a bpf file system; with `keep` all outlives the probe. */
  probe(options?: ProbeOptions): Promise<ClassProbe>
  remove(): void
}

export interface ProbeOptions {
  readonly pins?: string
  readonly strict?: boolean
  readonly keep?: boolean
}

/** Rules by program at work, in a process of its own. */
export interface ClassProbe {
  readonly process: ChildProcess
  ask<Answer>(request: string, argument?: string): Promise<Answer>
  /** Throws when they were not taken. */
  rules(text: string): Promise<void>
}

export function makeProgramWorld(): ProgramWorld {
  const wire = layWire()
  const folder = mkdtempSync(join(tmpdir(), 'gh-programs-'))
  const mount = parseCgroupMount(readFileSync('/proc/self/mountinfo', 'utf8')) as string
  const group = join(mount, `gh-programs-${process.pid}`)
  mkdirSync(group, { recursive: true })
  const children: ChildProcess[] = []
  const groups: string[] = [group]
  // nsenter and not `ip netns exec`: that hides the control groups.
  const words = (command: readonly string[], below = ''): string[] => [
    '-c',
    `echo $$ > "$1/cgroup.procs" && shift && exec nsenter --net=/run/netns/${wire.server.namespace} "$@"`,
    'sh',
    join(group, below),
    ...command,
  ]
  return {
    wire,
    folder,
    group,
    run: (command, below) => spawnSync('sh', words(command, below), { encoding: 'utf8', timeout: 20_000 }),
    start(command, below) {
      const child = spawn('sh', words(command, below), { stdio: ['pipe', 'pipe', 'pipe'] })
      children.push(child)
      return child
    },
    makeGroup(name) {
      mkdirSync(join(group, name), { recursive: true })
      groups.push(join(group, name))
    },
    async probe({ pins = '/nowhere', strict = false, keep = false } = {}) {
      const args = [PROBE, folder, group, pins, ...(strict ? ['strict'] : []), ...(keep ? ['keep'] : [])]
      const child = spawn(
        'nsenter',
        [`--net=/run/netns/${wire.server.namespace}`, process.execPath, ...args],
        { stdio: ['pipe', 'pipe', 'inherit'] },
      )
      children.push(child)
      return probeOf(child)
    },
    remove() {
      for (const child of children) child.kill('SIGKILL')
      wire.remove()
      rmSync(folder, { recursive: true, force: true })
      for (const path of groups.reverse()) removeGroup(path)
    },
  }
}

/** Mounts a bpf file system of our own; to unmount it is the caller's. */
export function mountBpf(folder: string): string {
  mkdirSync(folder)
  execFileSync('mount', ['-t', 'bpf', 'bpf', folder])
  return folder
}

/** The port that a listener says it has. */
export async function portOf(listener: ChildProcess): Promise<string> {
  let said = ''
  listener.stdout?.on('data', (bytes: Buffer) => (said += bytes.toString()))
  await until('it listens', () => /listening \d+/.test(said))
  return /listening (\d+)/.exec(said)?.[1] ?? ''
}

export interface CallWay {
  readonly port: string
  readonly six?: boolean
  readonly kind?: 'tcp' | 'udp' | 'udp-connected'
  /** A control group below that of the world. */
  readonly below?: string
}

const [EPERM, ECONNREFUSED] = [1, 111]

/** What a call of a program (caller.ts) to the other host comes to. */
export function outcomeOfCall(
  { run, wire }: ProgramWorld,
  program: string,
  { port, six = false, kind = 'tcp', below = '' }: CallWay,
): 'passes' | 'not permitted' | 'refused' {
  const { ip4, ip6 } = wire.client
  const { status, stderr } = run([program, six ? ip6 : ip4, port, kind], below)
  if (status === 0) return 'passes'
  if (status === ECONNREFUSED || status === EPERM) return status === EPERM ? 'not permitted' : 'refused'
  throw new Error(`${program} ended with ${status}: ${stderr}`)
}

/** A copy of a shell that connects, says `ready`, and `gone` when the connection is over. */
export function holderIn(
  world: ProgramWorld,
  name: string,
  port: string,
): { readonly child: ChildProcess; readonly said: () => string } {
  const path = join(world.folder, name)
  copyFileSync('/bin/bash', path)
  const to = `/dev/tcp/${world.wire.client.ip4}/${port}`
  const child = world.start([path, '-c', `exec 3<>${to} && echo ready; read -u 3 -r line; echo gone`])
  let said = ''
  child.stdout?.on('data', (bytes: Buffer) => (said += bytes.toString()))
  return { child, said: () => said }
}

function probeOf(child: ChildProcess): ClassProbe {
  if (!child.stdout) throw new Error('the probe has no output')
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  async function ask<Answer>(request: string, argument = ''): Promise<Answer> {
    child.stdin?.write(`${JSON.stringify({ request, argument })}\n`)
    const { value } = await lines.next()
    return JSON.parse(value ?? 'null') as Answer
  }
  return {
    process: child,
    ask,
    async rules(text) {
      const answer = await ask<{ readonly isTaken?: boolean }>('rules', text)
      if (!answer?.isTaken) throw new Error(JSON.stringify(answer))
    },
  }
}

/** Processes leave a group some time after they ended. */
function removeGroup(path: string): void {
  for (let tries = 0; ; tries++) {
    try {
      rmdirSync(path)
      return
    } catch (error) {
      if (tries === 40) throw error
      execFileSync('sleep', ['0.05'])
    }
  }
}
