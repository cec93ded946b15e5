/**
 * One place of the page. A screen is a file in `pages/` that exports `screen` from its module script:
 * it is found by its place, and the sidebar, the keys and the routes follow from what it says here.
 */
export interface Screen {
  /** First part of the path; the empty one is the start. */
  readonly id: string
  readonly title: string
  readonly icon: string
  readonly group: 'watch' | 'decide' | 'system'
  /** Place within the sidebar, over all groups. */
  readonly order: number
  /** Goes there after `g`. */
  readonly key: string
  /** How it keeps to the part of the timeline that is marked; absent: it has nothing to do with time. */
  readonly time?: 'marked' | 'now'
  /** Narrow pages show the first four; the rest is behind "More". */
  readonly isMain?: boolean
  /** What stands beside the name; `isHot` when it asks for attention. */
  /** A word beside the name, such as "Draft"; it takes the place of the count. */
  note?(): string | undefined
  count?(): { readonly count: number; readonly isHot: boolean }
}

export const defineScreen = (screen: Screen): Screen => screen
