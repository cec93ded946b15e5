import type { Target } from './address.ts'

/** How a person names a program that is to be kept off the network. */
export type WatchedRule =
  | { readonly by: 'path'; readonly path: string }
  /** Where the file is known: `bytes`, then only files of that length are read, and `seenAt`, a path that it had. */
  | { readonly by: 'hash'; readonly sha256: string; readonly bytes?: number; readonly seenAt?: string }
  /** The last part of the path. */
  | { readonly by: 'name'; readonly name: string }

/** A program whose every connection is closed, and whose next one fails, until it is lifted. */
export interface WatchedProgram {
  readonly rule: WatchedRule
  readonly actor: string
  readonly reason: string
  /** Milliseconds since the epoch. */
  readonly since: number
  readonly decisionId: number
}

/** `/usr/bin/curl`, `curl` or `sha256:` and 64 digits: one text for one rule, and read back by `parseWatchedRule`. */
export function watchedText(rule: WatchedRule): string {
  if (rule.by === 'path') return rule.path
  return rule.by === 'name' ? rule.name : `sha256:${rule.sha256}`
}

const HASH = /^(?:sha256:)?([0-9a-f]{64})$/i
const MAX_PATH = 4_096
const MAX_NAME = 255

/** Undefined for what is no absolute path, no hash and no name of a file. */
export function parseWatchedRule(text: string): WatchedRule | undefined {
  const hash = HASH.exec(text)?.[1]
  if (hash !== undefined) return { by: 'hash', sha256: hash.toLowerCase() }
  if (text.includes('\0')) return undefined
  if (text.startsWith('/'))
    return text.length <= MAX_PATH && !text.endsWith('/') ? { by: 'path', path: text } : undefined
  const isName =
    text !== '' && text !== '.' && text !== '..' && text.length <= MAX_NAME && !text.includes('/')
  return isName ? { by: 'name', name: text } : undefined
}

/** Decisions are about addresses but for `watch` and `unwatch`: what those name never reads as an address. */
export const decisionTarget = (rule: WatchedRule): Target => `program ${watchedText(rule)}` as Target

/** The inverse. */
export const ruleOfDecision = (target: string): WatchedRule | undefined =>
  target.startsWith('program ') ? parseWatchedRule(target.slice('program '.length)) : undefined
