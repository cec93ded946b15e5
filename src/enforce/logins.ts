import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { parseIp } from '#model/address.ts'
import { type Login, parseUtmp } from './utmp.ts'

/** Where a machine says who is logged in. */
export interface LoginPlaces {
  readonly utmp: readonly string[]
  /** systemd-logind's own notes. */
  readonly sessions: string
  readonly proc: string
  /** Whose ancestors started Gatehouse. */
  readonly pid: number
}

/** A process has few ancestors; a loop in a forged file must end. */
const MAX_ANCESTORS = 64
/** Programs of OpenSSH that run a session (the second since 9.8), as installed by the system. */
const SSH_SERVER = /^\/(usr|opt|nix)\/.*\/(sshd|sshd-session|dropbear)( \(deleted\))?$/

/**
 * Who is logged in from elsewhere, by all that this machine knows. Only what proves a login counts: a mere connection
 * to the SSH port does not, or any scanner could put itself on the list by holding one open. What cannot be read is
 * left out.
 */
export function readLogins({ utmp, sessions, proc, pid }: LoginPlaces): Login[] {
  return [
    ...utmp.flatMap((file) => parseUtmp(readBytes(file))).filter((login) => isAlive(login, proc)),
    ...filesOf(sessions).flatMap((name) => parseSession(readText(`${sessions}/${name}`))),
    ...ancestorsOf(pid, proc).flatMap((ancestor) => parseSshConnection(readEnvironment(ancestor, proc))),
    ...sshSessions(proc).flatMap((session) => parseSshConnection(readEnvironment(session, proc))),
  ]
}

/** Lines of KEY=value, one file per session (sd-login(3) reads the same). */
export function parseSession(text: string): Login[] {
  const fields = new Map(
    text.split('\n').map((line): [string, string] => {
      const equals = line.indexOf('=')
      return [line.slice(0, equals), line.slice(equals + 1)]
    }),
  )
  const from = parseIp(fields.get('REMOTE_HOST') ?? '')
  if (from === undefined || fields.get('STATE') === 'closing') return []
  return [{ user: fields.get('USER') ?? '', terminal: fields.get('TTY') ?? '', from }]
}

/** SSH_CONNECTION is client address, client port, server address, server port (ssh(1)). */
function parseSshConnection(environment: ReadonlyMap<string, string>): Login[] {
  const from = parseIp(environment.get('SSH_CONNECTION')?.split(' ')[0] ?? '')
  if (from === undefined) return []
  const terminal = environment.get('SSH_TTY')?.replace(/^\/dev\//, '') ?? ''
  return [{ user: environment.get('USER') ?? '', terminal, from }]
}

/** A session that crashed leaves its record in utmp. */
const isAlive = ({ pid }: Login, proc: string): boolean => pid === undefined || existsSync(`${proc}/${pid}`)

/** The process itself first. */
function ancestorsOf(pid: number, proc: string): number[] {
  const ancestors: number[] = []
  for (let next = pid; next > 1 && ancestors.length < MAX_ANCESTORS; ) {
    ancestors.push(next)
    // The name in parentheses may hold anything: what counts comes after the last one (proc(5)).
    const stat = readText(`${proc}/${next}/stat`)
    next = Number(stat.slice(stat.lastIndexOf(')') + 1).split(' ')[2] ?? 0)
  }
  return ancestors
}

/** What an SSH server started: it does so only for those who proved who they are. */
function sshSessions(proc: string): number[] {
  const servers = sshServers(proc)
  return [...servers]
    .flatMap((server) => readText(`${proc}/${server}/task/${server}/children`).split(' '))
    .flatMap((child) => (child !== '' && !servers.has(Number(child)) ? [Number(child)] : []))
}

/** Processes of SSH servers, by their number. */
export const sshServers = (proc: string): Set<number> =>
  new Set(
    filesOf(proc).flatMap((name) => (/^\d+$/.test(name) && isSshServer(name, proc) ? [Number(name)] : [])),
  )

function isSshServer(pid: string, proc: string): boolean {
  try {
    return SSH_SERVER.test(readlinkSync(`${proc}/${pid}/exe`))
  } catch {
    // A kernel thread, gone, or somebody else's.
    return false
  }
}

function readEnvironment(pid: number, proc: string): ReadonlyMap<string, string> {
  const environment = new Map<string, string>()
  for (const line of readText(`${proc}/${pid}/environ`).split('\0')) {
    const equals = line.indexOf('=')
    if (equals > 0) environment.set(line.slice(0, equals), line.slice(equals + 1))
  }
  return environment
}

/** Their names; none where it cannot be read. */
export function filesOf(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function readBytes(file: string): Uint8Array {
  try {
    return readFileSync(file)
  } catch {
    return new Uint8Array(0)
  }
}

const readText = (file: string): string => Buffer.from(readBytes(file)).toString('utf8')
