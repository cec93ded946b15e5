import { z } from 'zod'
import { nearestWord } from '#lib/nearest-word.ts'

/** A strict object that says which key was probably meant: in lists the config check cannot know. */
export function group<Shape extends z.ZodRawShape>(shape: Shape) {
  const known = Object.keys(shape)
  const checked = z.unknown().superRefine((value, context) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return
    for (const key of Object.keys(value)) {
      if (known.includes(key)) continue
      const message = `There is no ${JSON.stringify(key)} here. ${meantBy(key, known)}`
      context.addIssue({ code: 'custom', path: [key], message })
    }
  })
  // For the reference: what JSON schema cannot see through the check.
  return checked.meta({ type: 'object' }).pipe(z.strictObject(shape))
}

/** "Did you mean port-scan?", or all that there is. */
export function meantBy(word: string, known: readonly string[]): string {
  const meant = nearestWord(word, known)
  return meant ? `Did you mean ${meant}?` : `Known here: ${known.join(', ')}`
}
