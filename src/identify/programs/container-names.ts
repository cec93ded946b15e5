import { closeSync, constants, fstatSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Container } from '#model/owner.ts'

const MAX_KNOWN = 1_024
/** A name that was not there may come: the engine writes it as the container starts. */
const ASK_AGAIN_MS = 10_000
/** Containers are renamed rarely. */
const NAME_HOLDS_MS = 300_000
const MAX_FILE_BYTES = 4 << 20
const MAX_NAME = 256
const MAX_HOMES = 64
const CONTAINER_ID = /^[0-9a-f]{64}$/

interface KnownName {
  readonly container: Container
  readonly askAgainAt: number
}

/** Names of containers from the files that their engines keep; no engine is asked, none need run. Bounded. */
export class ContainerNames {
  readonly #root: string
  readonly #known = new Map<string, KnownName>()

  /** `root` stands before every path: tests have their own. */
  constructor(root = '/') {
    this.#root = root
  }

  /** The same container with its name, and its pod's, where a file says so. `now` in milliseconds, monotonic. */
  name(container: Container, now: number): Container {
    const known = this.#known.get(container.id)
    if (known && now < known.askAgainAt) return known.container
    const named = this.#read(container)
    if (this.#known.size >= MAX_KNOWN) this.#known.clear()
    const isNamed = named.name !== undefined
    this.#known.set(container.id, {
      container: named,
      askAgainAt: now + (isNamed ? NAME_HOLDS_MS : ASK_AGAIN_MS),
    })
    return named
  }

  #read(container: Container): Container {
    const { engine, id } = container
    if (engine === 'lxc' || engine === 'nspawn') return { ...container, name: id }
    if (!CONTAINER_ID.test(id)) return container
    const inPod = this.#fromKubernetes(container)
    if (inPod) return inPod
    const name =
      engine === 'docker'
        ? this.#fromDocker(id)
        : engine === 'podman'
          ? this.#fromPodman(id)
          : this.#fromNerdctl(id)
    return name === undefined ? container : { ...container, name: name.slice(0, MAX_NAME) }
  }

  #fromDocker(id: string): string | undefined {
    const config = this.#json(`var/lib/docker/containers/${id}/config.v2.json`)
    const name = textAt(config, 'Name')
    return name?.replace(/^\//, '')
  }

  /** One list for root, and one for each person who runs containers. */
  #fromPodman(id: string): string | undefined {
    const homes = this.#names('home').slice(0, MAX_HOMES)
    const stores = [
      'var/lib/containers/storage',
      ...[...homes.map((home) => `home/${home}`), 'root'].map(
        (home) => `${home}/.local/share/containers/storage`,
      ),
    ]
    for (const store of stores) {
      const list = this.#json(`${store}/overlay-containers/containers.json`)
      if (!Array.isArray(list)) continue
      const found: unknown = list.find((entry) => textAt(entry, 'id') === id)
      const names: unknown = found === undefined ? undefined : (found as Record<string, unknown>)['names']
      if (Array.isArray(names) && typeof names[0] === 'string') return names[0]
    }
    return undefined
  }

  /** nerdctl keeps a file for each name, with the id in it. */
  #fromNerdctl(id: string): string | undefined {
    for (const store of this.#names('var/lib/nerdctl')) {
      const namespaces = `var/lib/nerdctl/${store}/names`
      for (const namespace of this.#names(namespaces)) {
        const folder = `${namespaces}/${namespace}`
        const found = this.#names(folder).find((name) => this.#text(`${folder}/${name}`)?.trim() === id)
        if (found !== undefined) return found
      }
    }
    return undefined
  }

  /** The kubelet links each log as POD_NAMESPACE_CONTAINER-ID.log; none of the three may hold an underscore. */
  #fromKubernetes(container: Container): Container | undefined {
    if (!container.pod && container.engine === 'docker') return undefined
    const end = `-${container.id}.log`
    const log = this.#names('var/log/containers').find((name) => name.endsWith(end))
    const [pod, namespace, name] = log?.slice(0, -end.length).split('_') ?? []
    if (pod === undefined || namespace === undefined || name === undefined) return undefined
    return {
      ...container,
      name,
      ...(container.pod && { pod: { ...container.pod, name: pod, namespace } }),
    }
  }

  #names(folder: string): string[] {
    try {
      return readdirSync(join(this.#root, folder))
    } catch {
      return []
    }
  }

  #json(file: string): unknown {
    try {
      return JSON.parse(this.#text(file) ?? 'null')
    } catch {
      return undefined
    }
  }

  #text(file: string): string | undefined {
    return readBounded(join(this.#root, file))
  }
}

/** The text of a file of at most 4 MB. People own some of these folders: a pipe there must not make us wait. */
function readBounded(path: string): string | undefined {
  let fd: number | undefined
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const status = fstatSync(fd)
    return status.isFile() && status.size <= MAX_FILE_BYTES ? readFileSync(fd, 'utf8') : undefined
  } catch {
    return undefined
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

function textAt(value: unknown, key: string): string | undefined {
  const found: unknown =
    value !== null && typeof value === 'object' ? (value as Record<string, unknown>)[key] : undefined
  return typeof found === 'string' ? found : undefined
}
