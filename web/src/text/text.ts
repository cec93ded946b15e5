import { en } from './en.ts'

/** Every word of the page. A translation is another file of this shape. */
export type Text = typeof en

export const text: Text = en

/** How numbers and dates are written: as the reader's browser says. */
export const locale = navigator.language
