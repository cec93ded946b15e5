import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Digests, PackageAnswer, PackageList } from './package-answer.ts'

/** Where Debian's packages hold files under two names since /bin, /lib and /sbin became links into /usr. */
const MERGED = /^\/usr(?=\/(?:bin|sbin|lib|lib32|lib64|libx32)\/)/
const LIST = /^([a-z0-9][a-z0-9+.-]*(?::[a-z0-9-]+)?)\.list$/

/** The packages of Debian and its kin, read from dpkg's own files: dpkg itself is not run. */
export class Dpkg implements PackageList {
  readonly #folder: string

  constructor(folder = '/var/lib/dpkg') {
    this.#folder = folder
  }

  async ownerOf(path: string, digests: Digests): Promise<PackageAnswer | undefined> {
    const names = await this.#listNames()
    if (!names) return undefined
    const { listed, diverter } = findDiversion((await this.#text('diversions')) ?? '', path)
    const name = diverter ?? (await this.#search(names, aliasesOf(listed)))
    if (name === undefined) return { state: 'none', because: 'no installed Debian package lists this file' }
    const version = parseVersion((await this.#text('status')) ?? '', name)
    const sums = await this.#text(`info/${name}.md5sums`)
    const expected = sums === undefined ? undefined : parseMd5sums(sums, aliasesOf(listed))
    return {
      state: 'owned',
      tool: 'dpkg',
      name,
      ...(version !== undefined && { version }),
      ...(expected === undefined
        ? { file: 'unknown', because: 'the package came without a checksum of this file' }
        : { file: expected === digests.md5 ? 'unchanged' : 'changed' }),
    }
  }

  async #listNames(): Promise<string[] | undefined> {
    try {
      return (await readdir(join(this.#folder, 'info'))).filter((name) => LIST.test(name)).sort()
    } catch {
      return undefined
    }
  }

  /** One file after the other: thousands of small reads that let everything else go on. */
  async #search(names: readonly string[], paths: readonly string[]): Promise<string | undefined> {
    const wanted = paths.map((path) => Buffer.from(`\n${path}\n`))
    for (const name of names) {
      const list = await readOr(join(this.#folder, 'info', name))
      if (list && wanted.some((line) => list.includes(line))) return LIST.exec(name)?.[1]
    }
    return undefined
  }

  async #text(file: string): Promise<string | undefined> {
    return (await readOr(join(this.#folder, file)))?.toString('utf8')
  }
}

/** The names under which a package may list a file: with and without `/usr`. */
export function aliasesOf(path: string): string[] {
  if (path.includes('\n') || !path.startsWith('/')) return []
  if (MERGED.test(path)) return [path, path.replace(MERGED, '')]
  return MERGED.test(`/usr${path}`) ? [path, `/usr${path}`] : [path]
}

/**
 * Of the diversions file, three lines each: the name that a package lists, the name that the file has instead, and the
 * package that took the name (`:` is a person). `diverter`: the package whose file now stands at `path`.
 */
export function findDiversion(
  text: string,
  path: string,
): { readonly listed: string; readonly diverter?: string } {
  const lines = text.split('\n')
  for (let at = 0; at + 2 < lines.length; at += 3) {
    const [from = '', to = '', by = ''] = lines.slice(at, at + 3)
    if (to === path) return { listed: from }
    if (from === path && /^[a-z0-9][a-z0-9+.-]*$/.test(by)) return { listed: path, diverter: by }
  }
  return { listed: path }
}

/** The MD5 of one of these paths in a package's md5sums file; its paths have no slash in front. */
export function parseMd5sums(text: string, paths: readonly string[]): string | undefined {
  for (const line of text.split('\n')) {
    const [, md5, path] = /^([0-9a-f]{32}) [ *](.+)$/.exec(line) ?? []
    if (md5 !== undefined && paths.includes(`/${path}`)) return md5
  }
  return undefined
}

/** The version of an installed package, of dpkg's status file. `name` may have an architecture: `libc6:amd64`. */
export function parseVersion(text: string, name: string): string | undefined {
  const [bare, architecture] = name.split(':')
  for (
    let at = text.indexOf(`Package: ${bare}\n`);
    at >= 0;
    at = text.indexOf(`Package: ${bare}\n`, at + 1)
  ) {
    if (at > 0 && text[at - 1] !== '\n') continue
    const end = text.indexOf('\n\n', at)
    const paragraph = text.slice(at, end < 0 ? undefined : end)
    const isOther = architecture !== undefined && !paragraph.includes(`\nArchitecture: ${architecture}\n`)
    if (!isOther) return /^Version: (\S+)$/m.exec(paragraph)?.[1]
  }
  return undefined
}

async function readOr(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path)
  } catch {
    return undefined
  }
}
