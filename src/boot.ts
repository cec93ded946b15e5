import { performance } from 'node:perf_hooks'
import { bootFile, pathsOf } from '#core/paths.ts'
import { loadBootFile } from '#enforce/boot-file.ts'

/** Thrown where the rules of the last run cannot be put in force; nothing was changed. */
class BootError extends Error {
  readonly hint: string

  constructor(reason: string, hint: string) {
    super(reason)
    this.hint = hint
  }
}

/** Puts the rules that were confirmed last in force, and nothing else: ahead of the network, before the daemon. */
export function bootRules(options: { readonly stateDir?: string }): string {
  const answer = loadBootFile(bootFile(pathsOf(options).stateFolder))
  if (answer.state === 'refused') {
    throw new BootError(`No rules were loaded: ${answer.reason}.`, `${answer.remedy}.`)
  }
  const { table, bytes, writtenAt } = answer
  const kept = new Date(writtenAt).toISOString()
  return `The rules of ${kept} are in force: table inet ${table}, ${bytes} bytes, ${Math.round(performance.now())} ms after the start.\n`
}
