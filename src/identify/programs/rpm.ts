import type { Digests, PackageAnswer, PackageList } from './package-answer.ts'

/** Runs a program that is installed and answers what it printed; undefined when it is not there or failed. */
export type RunProgram = (program: string, args: readonly string[]) => Promise<string | undefined>

const RPM = 'rpm'
/** One line for the package, then one for each of its files. */
const FORMAT = '%{NAME}\\t%{EVR}\\t%{FILEDIGESTALGO}\\n[%{FILENAMES}\\t%{FILEDIGESTS}\\n]'
/** FILEDIGESTALGO as OpenPGP numbers hashes (RFC 9580 §9.5); rpm says `(none)` for MD5. */
const ALGORITHM: Readonly<Record<string, keyof Digests>> = { '8': 'sha256', '1': 'md5', '(none)': 'md5' }

/** The packages of Fedora, SUSE and their kin. Their database is rpm's own secret: rpm is asked. */
export class Rpm implements PackageList {
  readonly #run: RunProgram

  constructor(run: RunProgram) {
    this.#run = run
  }

  async ownerOf(path: string, digests: Digests): Promise<PackageAnswer | undefined> {
    if ((await this.#run(RPM, ['--version'])) === undefined) return undefined
    const text = await this.#run(RPM, ['-qf', '--queryformat', FORMAT, '--', path])
    if (text === undefined) return { state: 'none', because: 'no installed RPM package has this file' }
    return parseRpmAnswer(text, path, digests)
  }
}

/** Reads what rpm prints for FORMAT. Where several packages share the file the first counts. */
export function parseRpmAnswer(text: string, path: string, digests: Digests): PackageAnswer {
  const [head = '', ...files] = text.split('\n')
  const [name = '', version, algorithm = ''] = head.split('\t')
  if (name === '' || version === undefined)
    return { state: 'unknown', because: 'rpm gave an answer that could not be read' }
  const expected = files.find((line) => line.startsWith(`${path}\t`))?.slice(path.length + 1)
  const kind = Object.hasOwn(ALGORITHM, algorithm) ? ALGORITHM[algorithm] : undefined
  const owned = { state: 'owned', tool: 'rpm', name, version } as const
  if (!expected) return { ...owned, file: 'unknown', because: 'the package has no checksum of this file' }
  if (!kind)
    return { ...owned, file: 'unknown', because: `its checksum is of kind ${algorithm.slice(0, 16)}` }
  return { ...owned, file: expected === digests[kind] ? 'unchanged' : 'changed' }
}
