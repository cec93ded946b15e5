/** Where the sockets of a daemon are: of the system's for root, else of one person's own. */
export interface Whose {
  readonly uid: number
  /** $XDG_RUNTIME_DIR */
  readonly runtimeFolder?: string | undefined
}

const SYSTEM_FOLDER = '/run/gatehouse'

/** The folder that holds `api.sock` and `web.sock`. */
export function socketFolder({ uid, runtimeFolder }: Whose): string {
  if (uid === 0) return SYSTEM_FOLDER
  return runtimeFolder ? `${runtimeFolder}/gatehouse` : `/tmp/gatehouse-${uid}`
}

/** Where a caller looks for a running daemon: the person's own first, then the system's. */
export const socketCandidates = (whose: Whose): readonly string[] => [
  ...new Set([`${socketFolder(whose)}/api.sock`, `${SYSTEM_FOLDER}/api.sock`]),
]
