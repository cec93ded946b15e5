/** A screen with its search and look, under a name that the reader gave. Kept in this browser. */
export interface SavedView {
  readonly name: string
  readonly path: string
  readonly query: string
}

const MOST = 40
export const LONGEST_NAME = 60
/** What is of the moment: which row is open says nothing about a view. */
const PASSING = ['sel']

/** Reads what is kept; anything that is not a view is passed by. */
export function parseViews(kept: string | undefined): readonly SavedView[] {
  let found: unknown
  try {
    found = JSON.parse(kept ?? '[]')
  } catch {
    return []
  }
  return Array.isArray(found) ? found.filter(isView).slice(0, MOST) : []
}

/** A path of this page, never another place: what is kept in a browser could have been written by anybody in it. */
function isView(thing: unknown): thing is SavedView {
  if (typeof thing !== 'object' || thing === null) return false
  const { name, path, query } = thing as Record<string, unknown>
  return (
    typeof name === 'string' &&
    typeof path === 'string' &&
    /^\/[\w/-]*$/.test(path) &&
    typeof query === 'string'
  )
}

/** With one more, which takes the place of another of its name. The newest stands first; beyond a bound the oldest goes. */
export function withView(views: readonly SavedView[], view: SavedView): readonly SavedView[] {
  return [view, ...views.filter(({ name }) => name !== view.name)].slice(0, MOST)
}

export function viewOf(name: string, path: string, search: URLSearchParams): SavedView {
  const query = new URLSearchParams(search)
  for (const key of PASSING) query.delete(key)
  return { name: name.trim().slice(0, LONGEST_NAME), path, query: String(query) }
}

export const hrefOfView = ({ path, query }: SavedView): string => (query === '' ? path : `${path}?${query}`)
