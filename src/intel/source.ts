import { readdir } from 'node:fs/promises'
import type { ListCategory } from '#model/indicator.ts'
import type { FormatName } from './formats/formats.ts'

/** A public list that a person may switch on: one file in `sources/`. Nothing is asked of it before that. */
export interface Source {
  readonly id: string
  readonly title: string
  readonly url: string
  readonly format: FormatName
  /** What its maker allows, in a few words. */
  readonly licence: string
  /** Where people read more. */
  readonly homepage: string
  /** How often its maker wants to be asked at most, or it changes. */
  readonly everyHours: number
  readonly category: ListCategory
  /** 0 to 100: of its entries that do not say how sure they are. */
  readonly confidence: number
}

export const defineSource = (source: Source): Source => source

/** Every file of `sources/`, by id. */
export async function loadSources(): Promise<readonly Source[]> {
  const folder = new URL('./sources/', import.meta.url)
  const files = (await readdir(folder)).filter((name) => /^[a-z0-9-]+\.ts$/.test(name)).sort()
  const modules = await Promise.all(files.map((name) => import(new URL(name, folder).href)))
  return modules.map((module): Source => module.default)
}
