import { readdir } from 'node:fs/promises'
import type { Pattern } from './pattern.ts'

/** Every file of `patterns/` that is not a test. */
export async function loadPatterns(): Promise<readonly Pattern[]> {
  const folder = new URL('./patterns/', import.meta.url)
  const files = (await readdir(folder)).filter((name) => /^[a-z-]+\.ts$/.test(name)).sort()
  return Promise.all(
    files.map(async (name) => ((await import(new URL(name, folder).href)) as { default: Pattern }).default),
  )
}
