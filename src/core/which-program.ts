import type { Search, Term } from '#contract/search/search.ts'
import type { Connection } from '#model/flow.ts'
import { programKeyOf } from '#model/summary.ts'

/** How somebody names a program: `812`, `/usr/bin/curl`, `curl`. */
export type WhichProgram =
  | { readonly kind: 'pid'; readonly pid: number }
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'name'; readonly name: string }

export function whichProgram(text: string): WhichProgram {
  if (/^\d{1,10}$/.test(text)) return { kind: 'pid', pid: Number(text) }
  return text.startsWith('/') ? { kind: 'path', path: text } : { kind: 'name', name: text }
}

/** Says whether a connection is of that program. Names are exact: `ssh` is not `sshd`. */
export function isOf(which: WhichProgram, { owner }: Connection): boolean {
  if (!owner) return false
  switch (which.kind) {
    case 'pid':
      return owner.pid === which.pid
    case 'path':
      return owner.path === which.path
    case 'name':
      return owner.name === which.name || programKeyOf(owner) === which.name
  }
}

/** The same as a search: it may find a little more, where names differ in case alone. */
export function searchFor(which: WhichProgram): Search {
  const exact = (text: string): Term['anyOf'] => [
    { kind: 'text', pattern: { pieces: [text.toLowerCase()], isWhole: true } },
  ]
  const place = { isNot: false, at: 0, length: 0 }
  switch (which.kind) {
    case 'pid':
      return {
        terms: [
          { ...place, key: 'pid', anyOf: [{ kind: 'number', span: { from: which.pid, to: which.pid } }] },
        ],
      }
    case 'path':
      return { terms: [{ ...place, key: 'path', anyOf: exact(which.path) }] }
    case 'name':
      return { terms: [{ ...place, key: 'app', anyOf: exact(which.name.replace(/^\[(.*)\]$/, '$1')) }] }
  }
}
