import { createHash, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import {
  ACTOR_NAME_HEADER,
  ACTOR_PROVEN_HEADER,
  ACTOR_ROLE_HEADER,
  PROBLEM_TYPE,
  SECRET_HEADER,
} from '#contract/http.ts'
import { Role } from '#contract/session.ts'
import { createAccounts, ownerOf, type PeerCredentials } from './accounts.ts'
import type { Api } from './api.ts'
import type { Actor } from './port.ts'
import { listenOnFile, type SocketAccess } from './socket-file.ts'

export interface Listening {
  readonly path: string
  /** Stops listening, cuts every connection and removes the socket file. */
  close(): Promise<void>
}

/** What the kernel knows about the other end of the connection behind a file descriptor. */
export type CredentialsOf = (fd: number) => PeerCredentials

const CONNECTION_LIMIT = 256
const NOBODY: Actor = { name: 'nobody', role: 'viewer' }

/**
 * The API for the command line: a socket file for root, for whoever runs the daemon, and for the group
 * `gatehouse` where it exists. The kernel says who calls. Throws `Refused` where it cannot listen.
 */
export async function listenForOwner(
  api: Api,
  options: { readonly path: string; readonly credentialsOf: CredentialsOf },
): Promise<Listening> {
  const accounts = createAccounts()
  const uid = process.geteuid?.() ?? 0
  const groupId = uid === 0 ? accounts.groupId : undefined
  const access = {
    uid,
    gid: groupId ?? process.getegid?.() ?? 0,
    mode: groupId === undefined ? 0o600 : 0o660,
  }
  return listen(api, {
    ...options,
    access,
    actorOf: (peer) => ownerOf(peer, accounts, uid),
  })
}

/**
 * The API for the web process alone: its user, and a secret that only it was told. Here, and only here, headers
 * say who is signed in.
 */
export async function listenForWeb(
  api: Api,
  options: {
    readonly path: string
    readonly credentialsOf: CredentialsOf
    readonly webUid: number
    readonly webGid: number
    readonly secret: string
  },
): Promise<Listening> {
  const { path, credentialsOf, webUid, webGid, secret } = options
  return listen(api, {
    path,
    credentialsOf,
    access: { uid: webUid, gid: webGid, mode: 0o600 },
    actorOf: (peer, request) =>
      peer.uid === webUid && isSame(request.headers[SECRET_HEADER], secret) ? signedIn(request) : undefined,
  })
}

interface Door {
  readonly path: string
  readonly credentialsOf: CredentialsOf
  readonly access: SocketAccess
  actorOf(peer: PeerCredentials, request: IncomingMessage): Actor | undefined
}

async function listen(api: Api, door: Door): Promise<Listening> {
  const server = createServer({
    ...{ headersTimeout: 10_000, requestTimeout: 30_000 },
    // Longer than a page waits before it asks again: a connection that closes as a request comes loses it.
    keepAliveTimeout: 60_000,
  })
  server.maxConnections = CONNECTION_LIMIT
  const peers = new WeakMap<Socket, PeerCredentials>()
  const actors = new WeakMap<object, Actor>()
  // Its own Request replaces the global one: hono's body limit makes requests anew, and must get that kind.
  const answer = getRequestListener(
    (request, { incoming }) => api.fetch(request, actors.get(incoming) ?? NOBODY),
    { hostname: 'gatehouse' },
  )
  server.on('connection', (socket: Socket) => {
    const peer = peerOf(socket, door.credentialsOf)
    if (peer) peers.set(socket, peer)
    else socket.destroy()
  })
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const peer = peers.get(request.socket)
    const actor = peer && door.actorOf(peer, request)
    if (!actor) return refuse(response)
    // Callers on a socket file have no host of their own to name.
    request.headers.host = 'gatehouse'
    actors.set(request, actor)
    void answer(request, response)
  })
  await listenOnFile(server, door.path, door.access)
  return { path: door.path, close: () => close(server) }
}

function peerOf(socket: Socket, credentialsOf: CredentialsOf): PeerCredentials | undefined {
  // Node shows the descriptor of a socket nowhere else.
  const handle = (socket as Socket & { readonly _handle?: { readonly fd?: number } })._handle
  if (handle?.fd === undefined || handle.fd < 0) return undefined
  try {
    return credentialsOf(handle.fd)
  } catch {
    return undefined
  }
}

function refuse(response: ServerResponse): void {
  const problem = {
    type: 'about:blank',
    title: 'Not allowed',
    status: 403,
    detail: 'This socket is for root, for who runs Gatehouse, and for the group gatehouse.',
    hint: 'Use sudo, or ask an administrator to add you: usermod -aG gatehouse NAME.',
  }
  response.writeHead(403, { 'content-type': PROBLEM_TYPE, connection: 'close' }).end(JSON.stringify(problem))
}

function signedIn(request: IncomingMessage): Actor | undefined {
  const name = request.headers[ACTOR_NAME_HEADER]
  const role = Role.safeParse(request.headers[ACTOR_ROLE_HEADER])
  if (typeof name !== 'string' || !role.success) return undefined
  const proven = request.headers[ACTOR_PROVEN_HEADER]
  return {
    name: decodeName(name),
    role: role.data,
    ...(proven !== undefined && { provenAt: Number(proven) || 0 }),
  }
}

function decodeName(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Compares without telling by its time how much was right. */
const isSame = (given: string | string[] | undefined, secret: string): boolean =>
  typeof given === 'string' && timingSafeEqual(digest(given), digest(secret))

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
