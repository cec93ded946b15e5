import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { until } from './daemon.ts'

const JOURNALD = '/lib/systemd/systemd-journald'
/**
 * Its journal is in memory, and nobody outside sees it; that of the machine is out of sight. journald asks for the control
 * groups, which `ip netns exec` hides.
 */
const BEGIN = `
  mount -t cgroup2 none /sys/fs/cgroup || exit 1
  mount -t tmpfs none /run && mkdir -p /run/systemd/journal /run/log/journal || exit 1
  if [ -d /var/log/journal ]; then mount -t tmpfs none /var/log/journal || exit 1; fi
  exec ${JOURNALD}
`

/** A real journald in a mount namespace of its own. */
export interface Journald {
  /** Goes in front of a command that is to see this journal. */
  readonly wrapper: readonly string[]
  /** Writes lines as this program. */
  say(program: string, ...lines: string[]): void
  /** journalctl with these words. */
  tell(...words: string[]): string
  stop(): Promise<void>
}

/** Needs root. `namespace`: of the network, as `ip netns` names it. */
export async function startJournald(namespace: string): Promise<Journald> {
  const words = ['netns', 'exec', namespace, 'unshare', '--mount', '--propagation', 'private']
  const child = spawn('ip', [...words, 'sh', '-c', BEGIN], { stdio: 'ignore' })
  const wrapper = ['nsenter', `--mount=/proc/${child.pid}/ns/mnt`]
  const run = (...command: string[]): string => {
    const [program = '', ...rest] = [...wrapper, ...command]
    return execFileSync(program, rest, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  }
  const isUp = (): boolean => {
    try {
      run('test', '-S', '/run/systemd/journal/stdout')
      return true
    } catch {
      return false
    }
  }
  await until('journald is up', isUp, 30_000).catch(async (error) => {
    await ended(child)
    throw error
  })
  return {
    wrapper,
    say: (program, ...lines) => void run('systemd-cat', '-t', program, 'printf', '%s\\n', ...lines),
    tell: (...asked) => run('journalctl', '--quiet', ...asked),
    stop: () => ended(child),
  }
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise((resolve) => {
    child.once('exit', () => resolve())
    child.kill('SIGKILL')
  })
}
