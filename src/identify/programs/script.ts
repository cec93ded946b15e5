/** Interpreters by the name of their executable, versions and all: `python3.12`, `php8.2`. */
const INTERPRETER =
  /^(?:python|pypy|node|nodejs|deno|bun|ruby|perl|php|lua|luajit|bash|dash|sh|zsh|ksh|fish|busybox|java|Rscript|tclsh|guile)(?:-?[\d.]+)?$/
/** Options that take the next word, so that it is not the script. */
const TAKES_NEXT: Readonly<Record<string, ReadonlySet<string>>> = {
  python: new Set(['-W', '-X', '--check-hash-based-pycs']),
  node: new Set(['-r', '--require', '--import', '--loader', '-C', '--conditions']),
  ruby: new Set(['-I', '-r', '-C', '-E']),
  perl: new Set(['-I']),
  php: new Set(['-d', '-c', '-z']),
  bash: new Set(['-O', '+O', '--rcfile', '--init-file', '-o', '+o']),
  java: new Set(['-cp', '-classpath', '--class-path', '-p', '--module-path', '--add-modules']),
}
/** Options after which a program text stands instead of a script. */
const TEXT_FOLLOWS = new Set(['-c', '-e', '--eval', '-p', '--print', '-E'])
const NAMED_SCRIPT: Readonly<Record<string, string>> = { php: '-f', java: '-jar' }
const MODULE: Readonly<Record<string, string>> = { python: '-m' }
const SUBCOMMAND = new Set(['run', 'test', 'serve', 'exec'])
const MAX_SCRIPT = 1_024

/**
 * What an interpreter runs, of its arguments (its own name first): a file as named there, or `-m name` of a Python
 * module. Undefined for programs that are no interpreter, and where the program text itself is an argument.
 */
export function scriptOf(executable: string, list: readonly string[]): string | undefined {
  const name = executable.slice(executable.lastIndexOf('/') + 1)
  if (!INTERPRETER.test(name)) return undefined
  const script = findScript(familyOf(name), list)
  return script === undefined || script === '' || script === '-' ? undefined : script.slice(0, MAX_SCRIPT)
}

function findScript(family: string, list: readonly string[]): string | undefined {
  for (let at = startsAt(family, list); at < list.length; at++) {
    const word = list[at] as string
    if (word === '--' || word === NAMED_SCRIPT[family]) return list[at + 1]
    if (word === MODULE[family]) return moduleAt(list, at + 1)
    if (TEXT_FOLLOWS.has(word)) return undefined
    if (TAKES_NEXT[family]?.has(word)) at++
    else if (!/^[-+]./.test(word)) return word
  }
  return undefined
}

/** `busybox sh x`, `bun run x`: the word after the name is a command. */
function startsAt(family: string, list: readonly string[]): number {
  const isRunner = family === 'deno' || family === 'bun'
  return family === 'busybox' || (isRunner && SUBCOMMAND.has(list[1] ?? '')) ? 2 : 1
}

function moduleAt(list: readonly string[], at: number): string | undefined {
  return list[at] === undefined ? undefined : `-m ${list[at]}`
}

function familyOf(name: string): string {
  const bare = name.replace(/-?[\d.]+$/, '')
  if (bare === 'pypy') return 'python'
  if (bare === 'nodejs') return 'node'
  return /^(?:dash|sh|zsh|ksh)$/.test(bare) ? 'bash' : bare
}
