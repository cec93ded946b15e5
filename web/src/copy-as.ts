import { API } from './api.ts'

/** One act, as a command line and as a call of the API. */
export interface CopyLine {
  readonly act: 'block' | 'unblock' | 'close' | 'see' | 'rule'
  readonly cli: string
  readonly api: string
}

/** What is copied of a row, whatever kind it is. */
export type Copied =
  | { readonly kind: 'flow'; readonly id: number; readonly peer: string; readonly isBlocked: boolean }
  | { readonly kind: 'host'; readonly peer: string; readonly isBlocked: boolean }
  | { readonly kind: 'program'; readonly program: string }

export function copyLines(copied: Copied): CopyLine[] {
  if (copied.kind === 'program') return programLines(copied.program)
  const { peer, isBlocked } = copied
  return [
    isBlocked ? unblockLine(peer) : blockLine(peer),
    copied.kind === 'flow'
      ? {
          act: 'close',
          cli: `gatehouse close connection ${copied.id}`,
          api: `POST ${API}/connections/${copied.id}/close`,
        }
      : {
          act: 'close',
          cli: `gatehouse close host ${shellWord(peer)}`,
          api: `POST ${API}/hosts/${encodeURIComponent(peer)}/close`,
        },
    seeLine(`peer:${peer}`),
  ]
}

const blockLine = (target: string): CopyLine => ({
  act: 'block',
  cli: `gatehouse block ${shellWord(target)}`,
  api: `POST ${API}/blocks ${JSON.stringify({ target })}`,
})

const unblockLine = (target: string): CopyLine => ({
  act: 'unblock',
  cli: `gatehouse unblock ${shellWord(target)}`,
  api: `DELETE ${API}/blocks/${encodeURIComponent(target)}`,
})

const programLines = (program: string): CopyLine[] => [
  {
    act: 'close',
    cli: `gatehouse close program ${shellWord(program)}`,
    api: `POST ${API}/programs/close ${JSON.stringify({ program })}`,
  },
  seeLine(`path:"${program.replaceAll(/["\\]/gu, '\\$&')}"`),
]

const seeLine = (query: string): CopyLine => ({
  act: 'see',
  cli: `gatehouse connections ${shellWord(query)}`,
  api: `GET ${API}/connections?${new URLSearchParams({ q: query })}`,
})

/** What turns text around or steers a terminal: names come from the wire, and a shell gets them by a paste. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u

/** One word of a shell that stands for itself, whatever it holds. */
export function shellWord(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word
  if (!UNSEEN.test(word)) return `'${word.replaceAll("'", `'\\''`)}'`
  const escaped = word
    .replaceAll(/[\\']/gu, '\\$&')
    .replaceAll(
      new RegExp(UNSEEN, 'gu'),
      (one) => `\\U${(one.codePointAt(0) ?? 0).toString(16).padStart(8, '0')}`,
    )
  return `$'${escaped}'`
}
