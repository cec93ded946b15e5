import { isIP } from 'node:net'
import type { ListCategory } from '#model/indicator.ts'
import type { FormatName } from './formats/formats.ts'
import type { IntelSettings, ListAction } from './settings.ts'
import type { Source } from './source.ts'

/** A list that could be on: of the catalogue, or a person's own. */
export interface FeedPlan {
  readonly id: string
  readonly title: string
  readonly category: ListCategory
  /** 0 to 100: of entries that do not say how sure they are. */
  readonly confidence: number
  readonly format: FormatName
  readonly from:
    | { readonly url: string; readonly isNear: boolean; readonly checksumUrl?: string }
    | { readonly file: string }
  readonly authorizationFile?: string
  readonly everyHours: number
  readonly isOwn: boolean
  readonly licence?: string
  readonly homepage?: string
  /** What the config says; a person cannot change it by the way. */
  readonly fixed?: { readonly isOn: boolean; readonly action: ListAction }
}

/** The catalogue and the own lists, as the settings have them. Answers the ids of feeds that nobody knows as well. */
export function feedPlans(
  sources: readonly Source[],
  settings: IntelSettings,
): { readonly plans: readonly FeedPlan[]; readonly unknown: readonly string[] } {
  const known = new Set(sources.map((source) => source.id))
  const own = settings.lists.map((list): FeedPlan => {
    const { id, title, url, file, format, action, everyHours, near, authorizationFile, checksumUrl } = list
    return {
      id,
      title: title ?? id,
      category: 'own',
      confidence: 100,
      format,
      from:
        url === undefined
          ? { file: file ?? '' }
          : { url, isNear: near || isNearAddress(url), ...(checksumUrl !== undefined && { checksumUrl }) },
      everyHours,
      isOwn: true,
      fixed: { isOn: true, action },
      ...(authorizationFile !== undefined && { authorizationFile }),
    }
  })
  const ownIds = new Set(own.map(({ id }) => id))
  const catalogue = sources
    .filter(({ id }) => !ownIds.has(id))
    .map(({ url, ...source }): FeedPlan => {
      const chosen = settings.feeds[source.id]
      const fixed = chosen && { isOn: chosen.on, action: chosen.action }
      return { ...source, from: { url, isNear: false }, isOwn: false, ...(fixed && { fixed }) }
    })
  return {
    plans: [...own, ...catalogue],
    unknown: Object.keys(settings.feeds).filter((id) => !known.has(id)),
  }
}

/** Who writes an address of their own network into the URL means it. A public address stays one. */
function isNearAddress(url: string): boolean {
  const host = new URL(url).hostname.replace(/^\[|\]$/g, '')
  return isIP(host) !== 0 || host === 'localhost'
}
