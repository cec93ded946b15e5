import type { Container, ContainerEngine, Sandbox } from '#model/owner.ts'

/** What the control groups of a process say about where it belongs. */
export interface CgroupPlace {
  /** The innermost systemd unit: `ssh.service`, `session-3.scope`. */
  readonly unit?: string
  readonly container?: Container
  readonly sandbox?: Sandbox
}

interface EnginePattern {
  readonly engine: ContainerEngine
  readonly pattern: RegExp
}

/**
 * How each engine names the group of a container, one path component each: with systemd (`docker-ID.scope`) and
 * without (`/docker/ID`, then `parent` is the component before).
 */
const SCOPES: readonly EnginePattern[] = [
  { engine: 'docker', pattern: /^docker-([0-9a-f]{64})\.scope$/ },
  { engine: 'podman', pattern: /^libpod-(?:payload-)?([0-9a-f]{64})(?:\.scope)?$/ },
  { engine: 'containerd', pattern: /^(?:cri-containerd|nerdctl)-([0-9a-f]{64})\.scope$/ },
  { engine: 'cri-o', pattern: /^crio-([0-9a-f]{64})(?:\.scope)?$/ },
  { engine: 'lxc', pattern: /^lxc\.payload\.(.+)$/ },
  { engine: 'nspawn', pattern: /^(?:machine-(.+)\.scope|systemd-nspawn@(.+)\.service)$/ },
]
const FOLDERS: Readonly<Record<string, ContainerEngine>> = {
  docker: 'docker',
  libpod_parent: 'podman',
  'k8s.io': 'containerd',
  default: 'containerd',
  lxc: 'lxc',
}
const CONTAINER_ID = /^[0-9a-f]{64}$/
/** With systemd the dashes of the pod's uid are underscores. */
const POD =
  /^(?:kubepods(?:-burstable|-besteffort)?-)?pod([0-9a-f]{8}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{12}|[0-9a-f]{32})(?:\.slice)?$/
const UNIT = /\.(?:service|scope)$/
const SNAP = /^snap\.([a-z0-9][a-z0-9_-]*)\./
const FLATPAK = /^app-flatpak-(.+)-\d+\.scope$/
/** Names come from other programs: longer ones are cut. */
const MAX_NAME = 256

/** Reads a /proc/PID/cgroup text (cgroups(7)), of v1, v2 or both. */
export function parseCgroups(text: string): CgroupPlace {
  const paths = pathsOf(text)
  let container: Container | undefined
  for (const path of paths) container ??= containerOf(path)
  const unit = unitOf(paths[0] ?? '')
  const sandbox = unit === undefined ? undefined : sandboxOf(unit)
  return {
    ...(unit !== undefined && { unit }),
    ...(container && { container }),
    ...(sandbox && { sandbox }),
  }
}

/** The paths in the order of what they say: v2 and systemd's own first. */
function pathsOf(text: string): string[] {
  const telling: string[] = []
  const others: string[] = []
  for (const line of text.split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? []
    if (path === undefined || path === '/') continue
    if (controllers === '' || controllers === 'name=systemd') telling.push(path)
    else if (!others.includes(path)) others.push(path)
  }
  return [...telling, ...others]
}

function containerOf(path: string): Container | undefined {
  const parts = path.split('/').filter((part) => part !== '')
  const podUid = podOf(parts)
  // The innermost wins: a container may run containers.
  for (let at = parts.length - 1; at >= 0; at--) {
    const found = engineOf(parts[at] as string, parts[at - 1]) ?? bareInPod(parts, at)
    if (found) return { ...found, ...(podUid !== undefined && { pod: { uid: podUid } }) }
  }
  return undefined
}

function engineOf(part: string, parent: string | undefined): Container | undefined {
  for (const { engine, pattern } of SCOPES) {
    const found = pattern.exec(part)
    const id = found?.[1] ?? found?.[2]
    if (id !== undefined) return { engine, id: unescapeUnit(id).slice(0, MAX_NAME) }
  }
  const engine = parent === undefined ? undefined : FOLDERS[parent]
  if (engine === undefined || !Object.hasOwn(FOLDERS, parent as string)) return undefined
  if (engine === 'lxc') return { engine, id: part.slice(0, MAX_NAME) }
  return CONTAINER_ID.test(part) ? { engine, id: part } : undefined
}

/** Kubernetes without systemd: `/kubepods/…/podUID/ID` says nothing of the engine. */
function bareInPod(parts: readonly string[], at: number): Container | undefined {
  const part = parts[at] as string
  return CONTAINER_ID.test(part) && POD.test(parts[at - 1] ?? '')
    ? { engine: 'kubernetes', id: part }
    : undefined
}

function podOf(parts: readonly string[]): string | undefined {
  for (const part of parts) {
    const uid = POD.exec(part)?.[1]
    if (uid !== undefined) return uid.replaceAll('_', '-')
  }
  return undefined
}

function unitOf(path: string): string | undefined {
  const unit = path.split('/').findLast((part) => UNIT.test(part))
  return unit === undefined ? undefined : unescapeUnit(unit).slice(0, MAX_NAME)
}

function sandboxOf(unit: string): Sandbox | undefined {
  const snap = SNAP.exec(unit)?.[1]
  if (snap !== undefined) return { kind: 'snap', name: snap }
  const flatpak = FLATPAK.exec(unit)?.[1]
  return flatpak === undefined ? undefined : { kind: 'flatpak', name: flatpak }
}

/** systemd writes what a unit name may not hold as `\xNN` (systemd.unit(5)); UTF-8 takes several. */
const unescapeUnit = (name: string): string =>
  name.replace(/(?:\\x[0-9a-f]{2})+/g, (codes) =>
    Buffer.from(codes.replaceAll('\\x', ''), 'hex').toString('utf8'),
  )
