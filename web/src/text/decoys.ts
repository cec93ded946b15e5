import { decoys as german } from './de-decoys.ts'
import { decoys as english } from './en-decoys.ts'
import { language } from './language.ts'

/** The words of the screen Decoys: they come with it, in both languages, and not with the page. */
export const decoyText: typeof english = language === 'de' ? german : english
