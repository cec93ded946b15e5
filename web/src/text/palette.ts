import { palette as german } from './de-palette.ts'
import { palette as english } from './en-palette.ts'
import { language } from './language.ts'

/** The words of the palette: they come with it, in both languages, and not with the page. */
export const paletteText: typeof english = language === 'de' ? german : english
