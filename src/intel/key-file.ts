import { readFileSync, statSync } from 'node:fs'

const OTHERS = 0o007

/** Reads a key from a file of its own. Throws an Error that says in words what is wrong. */
export function readKeyFile(path: string): string {
  const { mode, text } = readBoth(path)
  if ((mode & OTHERS) !== 0) throw new Error(`${path} may be read by everybody: chmod 600 ${path}`)
  const key = text.trim()
  if (key === '') throw new Error(`${path} holds no key`)
  return key
}

function readBoth(path: string): { readonly mode: number; readonly text: string } {
  try {
    return { mode: statSync(path).mode, text: readFileSync(path, 'utf8') }
  } catch (error) {
    throw new Error(`${path} cannot be read (${(error as NodeJS.ErrnoException).code})`, { cause: error })
  }
}
