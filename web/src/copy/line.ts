import { API_PREFIX } from '../../../src/contract/http.ts'
import { shellWord, UNSEEN } from './shell-word.ts'

/** One act, as a command line and as a call of the API. */
export interface CopyLine {
  readonly act: CopiedAct
  readonly cli: string
  readonly api: string
}

/** Each has its word in the catalogue. */
export type CopiedAct =
  | 'accept'
  | 'archive'
  | 'block'
  | 'change'
  | 'close'
  | 'copy'
  | 'edit'
  | 'listAlert'
  | 'listBlock'
  | 'listRecord'
  | 'modeAct'
  | 'modeOff'
  | 'modeSuggest'
  | 'modeWatch'
  | 'moveDown'
  | 'moveUp'
  | 'off'
  | 'on'
  | 'refuse'
  | 'remove'
  | 'reset'
  | 'resetCode'
  | 'restore'
  | 'revoke'
  | 'roleAdmin'
  | 'roleOperator'
  | 'roleViewer'
  | 'rule'
  | 'see'
  | 'set'
  | 'signOut'
  | 'unarchive'
  | 'unblock'
  | 'undo'
  | 'update'
  | 'why'

interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Below the prefix of the API, with its query. */
  readonly path: string
  readonly body?: object
}

/**
 * `verb` are words of ours, `given` those that may come from anywhere: each is one word to the shell and no option to
 * the command.
 */
export function copyLine(
  act: CopiedAct,
  verb: string,
  given: readonly (string | number)[],
  { method, path, body }: Call,
): CopyLine {
  const words = given.map(String)
  const guard = words.some((word) => word.startsWith('-')) ? ['--'] : []
  return {
    act,
    cli: ['gatehouse', verb, ...guard, ...words.map(shellWord)].join(' '),
    api: `${method} ${API_PREFIX}/${path}${body === undefined ? '' : ` ${seenJson(body)}`}`,
  }
}

/** JSON in which nothing steers a terminal or turns text around. */
const seenJson = (value: object): string =>
  JSON.stringify(value).replaceAll(new RegExp(UNSEEN, 'gu'), (one) =>
    [...Array(one.length).keys()]
      .map((at) => `\\u${one.charCodeAt(at).toString(16).padStart(4, '0')}`)
      .join(''),
  )
