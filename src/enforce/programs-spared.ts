import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { basename } from 'node:path'
import { parseUtmp } from './utmp.ts'

/** An executable that must keep its connections, and why. */
export interface SparedProgram {
  /** Leads to the file itself: `/proc/PID/exe`, or its path. */
  readonly at: string
  readonly path: string
  readonly because: string
  readonly device: number
  readonly inode: number
  readonly bytes: number
}

/** Why nobody should be kept from any program of this name. */
export const whyVital = (name: string): string | undefined =>
  SSH_NAMES.has(name) ? `${name} keeps its connections: it lets people log in from elsewhere` : undefined

export interface SparedPlaces {
  readonly proc?: string
  readonly sessions?: string
  readonly utmp?: readonly string[]
  /** Of Gatehouse. */
  readonly pid?: number
}

/** An ancestry longer than this, or a loop of it, is no ancestry. */
const MAX_ANCESTORS = 64
/** Programs of OpenSSH (since 9.8 three) and its small sister: the way back in, whether they run now or not. */
const SSH_NAMES: ReadonlySet<string> = new Set(['sshd', 'sshd-session', 'sshd-auth', 'dropbear'])
const SSH_FILES = ['/usr/sbin/sshd', '/usr/lib/openssh/sshd-session', '/usr/sbin/dropbear']
const INIT_FILES = ['/sbin/init', '/usr/lib/systemd/systemd']
const UTMP = ['/run/utmp', '/var/run/utmp']

interface Process {
  readonly pid: number
  readonly parent: number
  /** Leads a session that has a terminal: a shell somebody sits at. */
  readonly leadsTerminal: boolean
  readonly path: string
}

/**
 * The programs that nobody may be kept from by mistake: process 1, Gatehouse and what started it, SSH servers, and what
 * carries a live login session (its leader and that leader's ancestors; not what is run within it).
 */
export function sparedPrograms(places: SparedPlaces = {}): SparedProgram[] {
  const { proc = '/proc', sessions = '/run/systemd/sessions', utmp = UTMP, pid = process.pid } = places
  const processes = readProcesses(proc)
  const why = new Map<number, string>()
  const spare = (of: number, because: string): void => void (why.has(of) || why.set(of, because))
  const spareWithAncestors = (of: number, because: string): void => {
    for (let next = of, depth = 0; next > 0 && depth < MAX_ANCESTORS; depth++) {
      spare(next, because)
      next = processes.get(next)?.parent ?? 0
    }
  }
  spare(1, 'it is process 1, which everything hangs on')
  spare(pid, 'Gatehouse itself runs by it')
  spareWithAncestors(pid, 'Gatehouse was started by it')
  for (const { pid: other, leadsTerminal, path } of processes.values()) {
    if (SSH_NAMES.has(basename(path))) spare(other, 'it lets people log in from elsewhere')
    if (leadsTerminal) spareWithAncestors(other, 'a login session runs in it')
  }
  for (const leader of [...sessionLeaders(sessions), ...utmpLeaders(utmp)]) {
    if (processes.has(leader)) spareWithAncestors(leader, 'a login session runs in it')
  }
  const running = [...why].map(([of, because]) =>
    sparedAt(`${proc}/${of}/exe`, processes.get(of)?.path ?? '', because),
  )
  const installed = [
    ...SSH_FILES.map((file) => sparedAt(file, file, 'it lets people log in from elsewhere')),
    ...INIT_FILES.map((file) => sparedAt(file, file, 'it is process 1, which everything hangs on')),
  ]
  return [...running, ...installed].filter((spared) => spared !== undefined)
}

function sparedAt(at: string, path: string, because: string): SparedProgram | undefined {
  try {
    const { dev, ino, size } = statSync(at)
    return { at, path, because, device: dev, inode: ino, bytes: size }
  } catch {
    // A kernel thread, gone, or not installed.
    return undefined
  }
}

function readProcesses(proc: string): Map<number, Process> {
  const processes = new Map<number, Process>()
  for (const name of namesIn(proc)) {
    if (!/^\d+$/.test(name)) continue
    const stat = textOf(`${proc}/${name}/stat`)
    // The name in parentheses may hold anything: what counts comes after the last one (proc_pid_stat(5)).
    const [, parent = '0', , session = '', terminal = '0'] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    processes.set(Number(name), {
      pid: Number(name),
      parent: Number(parent),
      leadsTerminal: session === name && terminal !== '0',
      path: pathOf(`${proc}/${name}/exe`),
    })
  }
  return processes
}

/** systemd-logind's own notes: LEADER=pid, one file per session. */
const sessionLeaders = (folder: string): number[] =>
  namesIn(folder).flatMap((name) => {
    const text = textOf(`${folder}/${name}`)
    const leader = /^LEADER=(\d+)$/m.exec(text)?.[1]
    return leader === undefined || /^STATE=closing$/m.test(text) ? [] : [Number(leader)]
  })

const utmpLeaders = (files: readonly string[]): number[] =>
  files.flatMap((file) => parseUtmp(bytesOf(file)).flatMap(({ pid }) => (pid === undefined ? [] : [pid])))

function pathOf(link: string): string {
  try {
    return readlinkSync(link).replace(/ \(deleted\)$/, '')
  } catch {
    return ''
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function bytesOf(file: string): Uint8Array {
  try {
    return readFileSync(file)
  } catch {
    return new Uint8Array(0)
  }
}

const textOf = (file: string): string => Buffer.from(bytesOf(file)).toString('utf8')
