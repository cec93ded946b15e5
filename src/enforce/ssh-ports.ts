import { readFileSync, readlinkSync } from 'node:fs'
import { filesOf, sshServers } from './logins.ts'

/** State of a socket that listens, in /proc/net/tcp (net/tcp_states.h). */
const LISTEN = '0A'

/**
 * TCP ports on which an SSH server listens now, wherever its settings put them. A server that systemd starts for each
 * connection (ssh.socket) is not found by this: systemd itself listens for it.
 */
export function readSshPorts(proc = '/proc'): Set<number> {
  const ports = new Set<number>()
  for (const pid of sshServers(proc)) {
    const inodes = socketsOf(pid, proc)
    for (const table of ['tcp', 'tcp6']) {
      for (const { inode, port } of listenersIn(textOf(`${proc}/${pid}/net/${table}`))) {
        if (inodes.has(inode)) ports.add(port)
      }
    }
  }
  return ports
}

/** Rows of /proc/net/tcp (proc(5)): number, local address and port, remote ones, state … and the inode as tenth field. */
function listenersIn(text: string): { readonly inode: string; readonly port: number }[] {
  return text.split('\n').flatMap((line) => {
    const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/)
    const port = Number.parseInt(local.slice(local.lastIndexOf(':') + 1), 16)
    return state === LISTEN && port > 0 ? [{ inode, port }] : []
  })
}

function socketsOf(pid: number, proc: string): Set<string> {
  const folder = `${proc}/${pid}/fd`
  const links = filesOf(folder).map((name) => linkOf(`${folder}/${name}`))
  return new Set(links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []))
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    // Closed meanwhile.
    return ''
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
