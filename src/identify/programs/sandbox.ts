import type { Sandbox } from '#model/owner.ts'

/** Snaps are mounted at /snap/NAME/REVISION, AppImages at /tmp/.mount_NAMExxxxxx, Flatpaks at /app of their own. */
const SNAP = /^(?:\/var\/lib\/snapd)?\/snap\/([a-z0-9][a-z0-9-]*)\/[^/]+\//
const APP_IMAGE = /^\/tmp\/\.mount_([^/]+?)[A-Za-z0-9]{6}\//

/** The sandboxed application that an executable's path speaks of. */
export function sandboxOfPath(path: string): Sandbox | undefined {
  const snap = SNAP.exec(path)?.[1]
  if (snap !== undefined) return { kind: 'snap', name: snap }
  const appImage = APP_IMAGE.exec(path)?.[1]
  return appImage === undefined ? undefined : { kind: 'appimage', name: appImage.slice(0, 256) }
}
