import { randomBytes } from 'node:crypto'
import type { Api } from '#api/api.ts'
import { listenForWeb } from '#api/listen.ts'
import type { Port } from '#api/port.ts'
import { AccountBook } from '#core/account-book.ts'
import { createAccountDesk } from '#core/account-desk.ts'
import { createWaysIn, type WaysIn } from '#core/links.ts'
import { closedFolder, webUserOf } from '#core/paths.ts'
import { startWebProcess, type WebProcess } from '#core/web-process.ts'
import { peerCredentials } from '#kernel/peer-credentials.ts'
import { linkText } from '../web/links.ts'
import type { Base } from './base.ts'

const OWNER = { name: 'owner', role: 'admin' } as const
const MINUTE_MS = 60_000

/** Who may come in by the page, and the web process that lets them. */
export interface PageDoor {
  readonly web: WebProcess | undefined
  readonly accounts: Required<Pick<Port, 'accounts' | 'loginLink' | 'setPassword'>> & Pick<Port, 'proofMs'>
  /** Starts the web process. */
  open(api: Api): Promise<void>
}

export function createPageDoor(base: Base): PageDoor {
  const { config, paths, speaker, now, gate } = base
  let web: WebProcess | undefined
  const book = new AccountBook({
    stateFolder: paths.stateFolder,
    changed: () => web?.send({ kind: 'people', people: book.forWeb() }),
    say: speaker.say,
  })
  const waysIn = createWaysIn(book, now)
  const desk = createAccountDesk({ book, web: () => web, note: (undated) => gate.note(undated), now })
  const { proofMinutes } = config.page
  return {
    get web() {
      return web
    },
    accounts: {
      accounts: desk,
      loginLink: async (actor, account) => waysIn.loginLink(web, actor ?? OWNER, account),
      setPassword: desk.setPassword,
      ...(proofMinutes > 0 && { proofMs: proofMinutes * MINUTE_MS }),
    },
    async open(api) {
      web = await openPage(base, { api, waysIn, book })
    },
  }
}

async function openPage(
  { config, paths, speaker, onStop }: Base,
  { api, waysIn, book }: { readonly api: Api; readonly waysIn: WaysIn; readonly book: AccountBook },
): Promise<WebProcess> {
  const secret = randomBytes(32).toString('base64url')
  const { uid: webUid, gid: webGid } = webUserOf(config.page.user)
  const forWeb = await listenForWeb(api, {
    path: paths.webSocket,
    credentialsOf: peerCredentials,
    webUid,
    webGid,
    secret,
  })
  onStop(() => forWeb.close())
  const { host, port, origins, user } = config.page
  const web = await startWebProcess({
    start: () => ({
      kind: 'start',
      socketPath: paths.webSocket,
      secret,
      host,
      port,
      origins,
      pageFolder: paths.pageFolder,
      links: [waysIn.startLink.grant],
      people: book.forWeb(),
      ...(user === undefined ? {} : { user }),
    }),
    listening: (address) => speaker.say(`Open ${linkText(address, waysIn.startLink.token)}   (works once)`),
    failed: speaker.health,
    spent: (name, digest) => book.spend(name, digest),
    closedFolder: closedFolder(paths.webSocket, { uid: webUid, gid: webGid }),
  })
  onStop(() => web.stop())
  return web
}
